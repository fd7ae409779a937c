//! Gather: which inputs, through which taps, make up one output cell.

use upconv_geometry::{Axis, Phase};

use super::{Span, Worked, name};
use crate::document::{Block, pad_end, width};
use crate::lang::{Lang, say};

/// Most phases of an axis, and most taps, that are listed.
const MAX_PHASES: usize = 8;

/// Most outputs of a phase that are listed one by one.
const MAX_OUTPUTS: usize = 6;

pub(crate) fn blocks(worked: &Worked, lang: Lang) -> Vec<Block> {
    match worked.axes.len() {
        1 => {
            let lines = (0..worked.y.len()).map(|output| equation(worked, output, lang)).collect();
            let intro =
                lang.pick("An output cell collects its products:", "每个输出格汇集属于它的乘积：");
            vec![Block::Prose(intro.into()), Block::Figure(vec![lines])]
        }
        _ => {
            let busiest = (0..worked.y.len()).rev().max_by_key(|&o| worked.products(o).len());
            let output = busiest.unwrap_or(0);
            let mut blocks = vec![Block::Prose(
                lang.pick(
                    "The other way round, an output cell collects its products. Per axis:",
                    "反过来看，每个输出格汇集属于它的乘积。逐轴列出：",
                )
                .into(),
            )];
            for (numbers, axis) in crate::axes::alike(&worked.axes) {
                blocks.push(Block::Figure(vec![contributors(&numbers, axis, lang)]));
            }
            blocks.push(Block::Prose(lang.pick(
                "In two dimensions every row pair meets every column pair, so the cell with the most \
                 products is, for example:",
                "在二维中，行上的每一对与列上的每一对组合，例如乘积最多的格：",
            ).into()));
            blocks.push(Block::Figure(vec![steps(worked, output)]));
            blocks
        }
    }
}

/// `y[1] = x[1]*w[0] + x[0]*w[2] = 2*1 + 1*3 = 5`
fn equation(worked: &Worked, output: usize, lang: Lang) -> String {
    let a = worked.columns();
    let terms = worked.products(output);
    let y = format!("y[{output}]");
    if terms.is_empty() {
        let inside = (0..a.full() as i64).contains(&(output as i64 + a.window_begin()));
        return match inside {
            true => say!(
                lang,
                "{y} = 0: no product lands here, it holds only the bias",
                "{y} = 0：没有乘积落到这里，只剩偏置"
            ),
            false => say!(
                lang,
                "{y} = 0: beyond the uncropped row, it holds only the bias",
                "{y} = 0：在未裁剪的行之外，只剩偏置"
            ),
        };
    }
    let names: Vec<_> = terms.iter().map(|(i, j)| format!("x[{i}]*w[{j}]")).collect();
    let numbers: Vec<_> =
        terms.iter().map(|&(i, j)| format!("{}*{}", worked.x[i], worked.w[j])).collect();
    format!("{y} = {} = {} = {}", names.join(" + "), numbers.join(" + "), worked.y[output])
}

/// The sum of one cell of a plane, over several lines.
fn steps(worked: &Worked, output: usize) -> Vec<String> {
    let sizes = |f: fn(&Axis) -> usize| worked.axes.iter().map(f).collect::<Vec<_>>();
    let (inputs, taps, outputs) = (sizes(Axis::input), sizes(Axis::kernel), sizes(Axis::output));
    let mut head = name('y', output, &outputs);
    let indent = head.chars().count();
    let mut lines = Vec::new();
    let mut line = String::new();
    for (n, (i, j)) in worked.products(output).into_iter().enumerate() {
        let term = format!(
            "{} {}*{}",
            if n == 0 { " =" } else { " +" },
            name('x', i, &inputs),
            name('w', j, &taps)
        );
        if line.len() + term.len() + indent > 72 {
            lines.push(std::mem::take(&mut head) + &line);
            line.clear();
            head = " ".repeat(indent);
        }
        line += &term;
    }
    lines.push(head + &line);
    let numbers = worked.products(output).into_iter();
    let numbers: Vec<_> =
        numbers.map(|(i, j)| format!("{}*{}", worked.x[i], worked.w[j])).collect();
    let mut line = format!("{} =", " ".repeat(indent));
    for (n, number) in numbers.iter().enumerate() {
        if line.len() + number.len() > 72 {
            lines.push(std::mem::replace(&mut line, format!("{}  ", " ".repeat(indent))));
        }
        line += &format!("{} {number}", if n == 0 { "" } else { " +" });
    }
    lines.push(format!("{line} = {}", worked.y[output]));
    lines
}

/// Which input reaches each output through which tap, for one axis.
fn contributors(numbers: &[usize], a: &Axis, lang: Lang) -> Vec<String> {
    let mut lines = vec![crate::axes::label(numbers, lang)];
    for output in 0..a.output() {
        let pairs: Vec<_> =
            a.contributors(output).map(|c| format!("x[{}] w[{}]", c.input, c.tap)).collect();
        let pairs = match pairs.is_empty() {
            true => lang.pick("nothing, only the bias", "没有乘积，只剩偏置").into(),
            false => pairs.join(",  "),
        };
        lines.push(format!("  y[{output}]  <-  {pairs}"));
    }
    lines
}

/// Which taps serve which outputs: the same for all outputs that lie a stride apart.
pub(crate) fn phases(axes: &[Axis], lang: Lang) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (numbers, a) in crate::axes::alike(axes) {
        // Tap indices are followed one by one, so that long kernels and strides are left out.
        if !(2..=MAX_PHASES).contains(&a.stride()) || a.kernel() > 8 * MAX_PHASES {
            continue;
        }
        let (stride, begin) = (a.stride(), a.window_begin());
        let shifted = match begin {
            0 => format!("o mod {stride}"),
            1.. => format!("(o + {begin}) mod {stride}"),
            _ => format!("(o - {}) mod {stride}", -begin),
        };
        let label = crate::axes::label(&numbers, lang);
        blocks.push(Block::Prose(say!(
            lang,
            "Phases of {label}: outputs a stride apart share their taps, so the operation is {stride} \
             dense convolutions, interleaved:",
            "{label} 的相位：相距一个步幅的输出使用同样的核元素，因此该运算就是 {stride} 个普通卷积交错\
             排列："
        )));
        let phases = a.phases();
        let taps = |phase: &Phase| match phase.taps.is_empty() {
            true => lang.pick("none", "无").to_owned(),
            false => phase.taps.iter().map(|j| format!("w{j}")).collect::<Vec<_>>().join(" "),
        };
        let column = phases.iter().map(|phase| width(&taps(phase))).max().unwrap_or(0);
        let lines = phases.iter().map(|phase| {
            let taps = pad_end(&taps(phase), column);
            let outputs = listed(phase.first_output, phase.outputs, stride);
            let remainder = phase.remainder;
            say!(
                lang,
                "{shifted} = {remainder}   taps {taps}   outputs {outputs}",
                "{shifted} = {remainder}   核元素 {taps}   输出 {outputs}"
            )
        });
        let lines = lines.collect();
        blocks.push(Block::Figure(vec![lines]));
    }
    blocks
}

/// `1 3 5`, or `1 3 5 ... 31`.
fn listed(first: Option<usize>, count: usize, stride: usize) -> String {
    let Some(first) = first else { return "-".into() };
    let at = |n: usize| (first + n * stride).to_string();
    match count {
        0..=MAX_OUTPUTS => (0..count).map(at).collect::<Vec<_>>().join(" "),
        _ => format!("{} {} {} ... {}", at(0), at(1), at(2), at(count - 1)),
    }
}

/// Per output cell its (input, tap) pairs, for one axis, if it is small.
pub(crate) fn pairs(a: &Axis) -> Option<Vec<Vec<[usize; 2]>>> {
    let small = Span::of(a).len() <= super::MAX_CELLS_DRAWN * 4 && a.kernel() <= 64;
    small.then(|| {
        (0..a.output())
            .map(|output| a.contributors(output).map(|c| [c.input, c.tap]).collect())
            .collect()
    })
}
