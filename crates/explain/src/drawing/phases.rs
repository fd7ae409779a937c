//! Phases: outputs a stride apart share their taps.

use upconv_geometry::Axis;

use super::palette::Paint;
use super::panel::{Cell, Frame, Panel};
use super::subject::Subject;
use crate::lang::{Lang, say};

pub(crate) fn title(subject: &Subject) -> &'static str {
    subject.lang.pick(
        "Phases: outputs a stride apart share their taps, so each letter is a small dense convolution",
        "相位：相距一个步幅的输出使用同样的核元素，因此每个字母都是一个小的普通卷积",
    )
}

/// Which phase each output and each tap of an axis belongs to.
pub(crate) struct AxisPhases {
    pub(crate) outputs: Vec<usize>,
    pub(crate) taps: Vec<Option<usize>>,
    pub(crate) number: usize,
}

impl AxisPhases {
    pub(crate) fn new(axis: &Axis) -> Self {
        let phases = axis.phases();
        let (mut outputs, mut taps) = (vec![0; axis.output()], vec![None; axis.kernel()]);
        for (n, phase) in phases.iter().enumerate() {
            let first = phase.first_output.unwrap_or(axis.output());
            outputs.iter_mut().skip(first).step_by(axis.stride()).for_each(|own| *own = n);
            phase.taps.iter().for_each(|&tap| taps[tap] = Some(n));
        }
        Self { outputs, taps, number: phases.len() }
    }
}

/// All phases, or one of them lit.
pub(crate) fn frame(subject: &Subject, step: Option<usize>) -> Frame {
    let lang = subject.lang;
    let [rows, columns] = subject.axes.each_ref().map(AxisPhases::new);
    let cell = |phase: usize| {
        let paint = Paint::Phase(phase);
        let shown = match step {
            Some(step) if step != phase => Paint::Zero,
            _ => paint,
        };
        Cell::new(shown, Some(letter(phase))).lit_if(step == Some(phase), paint)
    };
    let output = Panel::new(lang.pick("output y", "输出 y"), subject.output(), |i, j| {
        Some(cell(rows.outputs[i] * columns.number + columns.outputs[j]))
    });
    let kernel = Panel::new(lang.pick("kernel w", "卷积核 w"), subject.kernel(), |i, j| {
        let phase = rows.taps[i].zip(columns.taps[j]);
        Some(match phase {
            Some((i, j)) => cell(i * columns.number + j),
            None => Cell::new(Paint::Zero, None),
        })
    });
    let number = rows.number * columns.number;
    let of = |phase: usize| {
        let count =
            |taps: &[Option<usize>], n: usize| taps.iter().filter(|t| **t == Some(n)).count();
        count(&rows.taps, phase / columns.number) * count(&columns.taps, phase % columns.number)
    };
    let caption = match step {
        Some(step) => {
            let (letter, taps) = (letter(step), taps(of(step), lang));
            say!(
                lang,
                "Phase {letter}: every output with this letter is a sum over the same {taps}.",
                "相位 {letter}：带此字母的每个输出都是同样{taps}的乘积之和。"
            )
        }
        None => {
            let most = (0..number).map(of).max().unwrap_or(0);
            let least = (0..number).map(of).min().unwrap_or(0);
            let phases = match number {
                1 => lang.pick("1 phase", "共 1 个相位").to_owned(),
                _ => say!(lang, "{number} phases", "共 {number} 个相位"),
            };
            match most == least {
                true => say!(
                    lang,
                    "{phases} of {each} each: away from the border all outputs are sums of \
                     equally many products.",
                    "{phases}，各有{each}：除边界外，每个输出的乘积个数相同。",
                    each = taps(most, lang)
                ),
                false => say!(
                    lang,
                    "{phases} of {least} to {most} taps: outputs are sums of unequally many \
                     products, which shows as a chessboard.",
                    "{phases}，核元素从 {least} 到 {most} 个不等：各输出的乘积个数不同，这就是棋盘格。"
                ),
            }
        }
    };
    Frame { panels: vec![vec![kernel, output]], caption }
}

/// Phases of both axes.
/// `1 tap`, `2 taps`.
fn taps(count: usize, lang: Lang) -> String {
    match count {
        1 => lang.pick("1 tap", " 1 个核元素").into(),
        _ => say!(lang, "{count} taps", " {count} 个核元素"),
    }
}

pub(crate) fn steps(subject: &Subject) -> usize {
    subject.axes.iter().map(|axis| axis.phases().len()).product()
}

/// `a` to `z`, then numbers.
fn letter(phase: usize) -> String {
    match u8::try_from(phase) {
        Ok(n) if n < 26 => char::from(b'a' + n).to_string(),
        _ => phase.to_string(),
    }
}
