//! The other way round: from the size that is wanted to the settings that give it, best first.
//!
//! Kernels, strides and paddings around the wanted factor are put to the dialect, and those that it takes to
//! the very size are kept: no size rule stands here.

mod page;

use serde::Serialize;
use upconv_geometry::{Axis, Dialect, Padding, Setting};

use crate::code::Code;
use crate::lang::Lang;
pub use page::plan_page;

/// Most settings of a dialect that are named.
pub const MAX_PLANNED: usize = 8;
/// Kernels that are tried beyond twice the stride, and at least.
const MORE_TAPS: i64 = 2;
const LEAST_TAPS: i64 = 7;
/// Choices of an axis that are combined with those of others.
const MAX_CHOICES: usize = 24;
/// Above this stride neither kernels nor paddings are tried one by one.
const MAX_STRIDE: i64 = 64;

/// A setting that gives the wanted size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Planned {
    /// Name of the dialect.
    pub dialect: &'static str,
    /// Taps per axis.
    pub kernel: Vec<i64>,
    /// Stride per axis.
    pub stride: Vec<i64>,
    /// As `explain --padding` takes it: `same`, `valid`, `1x1`.
    pub padding: String,
    /// Cells added at the end per axis; null where the dialect has no such argument, or none are added.
    pub output_padding: Option<Vec<i64>>,
    /// Dilation per axis.
    pub dilation: Vec<i64>,
    /// Whether all outputs away from the border are sums of equally many products: no chessboard.
    pub uniform: bool,
    /// Whether as much is cropped at either end: no odd pixel.
    pub symmetric: bool,
    /// Whether the stride is another factor than the wanted one, so that a picture is also cropped or widened.
    pub rescaled: bool,
    /// Products of an output channel, for each input channel and image.
    pub products: u64,
    /// The setting as code of the dialect's framework, or with this project's crates.
    pub code: String,
}

/// One axis of a setting.
#[derive(Clone, Debug)]
struct Choice {
    kernel: i64,
    stride: i64,
    padding: Padding,
    output_padding: i64,
    axis: Axis,
}

/// Settings of a dialect that make `to` cells of `from`, per axis, best first: no chessboard, no odd pixel, few
/// products. At most [`MAX_PLANNED`]; none if there is none among kernels up to about twice the stride.
///
/// ```
/// use upconv_explain::{Lang, plan};
/// use upconv_geometry::Dialect;
/// let planned = plan(Dialect::Pytorch, &[8, 8], &[16, 16], Lang::En);
/// // Kernel = stride is even and cheapest; kernel 4, stride 2, padding 1 is the next even one.
/// let found = |n: usize| (planned[n].kernel[0], planned[n].stride[0], planned[n].padding.as_str());
/// assert_eq!((found(0), found(1)), ((2, 2, "0x0"), (4, 2, "1x1")));
/// assert!(planned[0].uniform && planned[0].symmetric);
/// ```
pub fn plan(dialect: Dialect, from: &[i64], to: &[i64], lang: Lang) -> Vec<Planned> {
    let alike =
        from.windows(2).all(|two| two[0] == two[1]) && to.windows(2).all(|two| two[0] == two[1]);
    let pairs = from.iter().zip(to);
    let choices: Vec<Vec<Choice>> = match alike {
        true => pairs.take(1).map(|(&from, &to)| choices(dialect, from, to)).collect(),
        false => pairs.map(|(&from, &to)| choices(dialect, from, to)).collect(),
    };
    let mut combined: Vec<Vec<Choice>> = vec![Vec::new()];
    for axis in &choices {
        combined = combined
            .into_iter()
            .flat_map(|before| {
                let fits = |choice: &&Choice| before.iter().all(|other| together(other, choice));
                let next = axis.iter().filter(fits).cloned();
                next.map(|choice| before.iter().cloned().chain([choice]).collect())
                    .collect::<Vec<_>>()
            })
            .take(MAX_CHOICES * MAX_CHOICES)
            .collect();
    }
    if alike {
        let all = |one: Vec<Choice>| std::iter::repeat_n(one, from.len()).flatten().collect();
        combined = combined.into_iter().map(all).collect();
    }
    let mut planned: Vec<(Rank, Planned)> =
        combined.iter().filter_map(|choices| planned(dialect, from, to, choices, lang)).collect();
    planned.sort_by_key(|(rank, _)| *rank);
    planned.into_iter().map(|(_, planned)| planned).take(MAX_PLANNED).collect()
}

/// What makes a setting worse: unequal overlap, a crop that is not symmetric, zeros beside the result, another
/// scale than the wanted one, products, cells that are computed and cropped.
type Rank = (bool, bool, bool, bool, u64, i64);

fn rank(axes: &[Axis]) -> Rank {
    let any = |f: &dyn Fn(&Axis) -> bool| axes.iter().any(f);
    (
        any(&|a| !a.overlap_is_uniform()),
        any(&|a| a.pad_before() != a.pad_after()),
        any(&|a| a.pad_before() < 0 || a.pad_after() < 0),
        any(&is_rescaled),
        products(axes),
        axes.iter().map(|a| a.pad_before().abs() + a.pad_after().abs()).sum(),
    )
}

/// Whether a picture becomes larger or smaller than the wanted size by a position or more, and is cropped or
/// widened to it: neighbours in the input come to lie a stride apart, whatever the size.
fn is_rescaled(a: &Axis) -> bool {
    (a.input() * a.stride()).abs_diff(a.output()) >= a.stride().max(2)
}

/// Products of an output channel for each input channel: the overlap, summed over all output cells.
fn products(axes: &[Axis]) -> u64 {
    axes.iter().map(|a| a.overlap().into_iter().map(|n| n as u64).sum::<u64>()).product()
}

/// Whether two axes can stand in one setting: words like `same` hold for all axes.
fn together(a: &Choice, b: &Choice) -> bool {
    let numbers = |choice: &Choice| matches!(choice.padding, Padding::Pads(_));
    (numbers(a) && numbers(b)) || a.padding == b.padding
}

/// All axes as one setting, if the dialect takes it to the wanted size.
fn planned(
    dialect: Dialect,
    from: &[i64],
    to: &[i64],
    choices: &[Choice],
    lang: Lang,
) -> Option<(Rank, Planned)> {
    let each = |f: fn(&Choice) -> i64| choices.iter().map(f).collect::<Vec<_>>();
    let pads = |choice: &Choice| match &choice.padding {
        Padding::Pads(pads) => pads.first().copied(),
        _ => None,
    };
    let numbers: Option<Vec<(i64, i64)>> = choices.iter().map(pads).collect();
    let padding = match &numbers {
        Some(pads) => Padding::Pads(pads.clone()),
        None => choices.first()?.padding.clone(),
    };
    let word = match &numbers {
        Some(pads) => pads.iter().map(|(p, _)| p.to_string()).collect::<Vec<_>>().join("x"),
        None => padding.to_string(),
    };
    let added = Some(each(|choice| choice.output_padding)).filter(|all| all.iter().any(|&n| n > 0));
    let (kernel, stride) = (each(|choice| choice.kernel), each(|choice| choice.stride));
    let setting = Setting {
        input: from.to_vec(),
        kernel: kernel.clone(),
        stride: stride.clone(),
        padding: Some(padding),
        output: by_size(dialect).then(|| to.to_vec()),
        output_padding: added.clone(),
        ..Setting::new(dialect)
    };
    let resolved = setting.resolve().ok()?;
    let axes = resolved.axes;
    if axes.iter().zip(to).any(|(axis, &to)| axis.output() as i64 != to) {
        return None;
    }
    let code = Code::of(&axes, 1, lang);
    let code = match dialect {
        Dialect::Tensorflow | Dialect::Tflite => code.tensorflow,
        Dialect::Keras => code.keras,
        Dialect::Pytorch => code.pytorch,
        Dialect::Onnx => code.onnx,
        Dialect::Caffe | Dialect::Definition => code.upconv,
    };
    let rank = rank(&axes);
    let planned = Planned {
        dialect: dialect.name(),
        dilation: vec![1; kernel.len()],
        kernel,
        stride,
        padding: word,
        output_padding: added,
        uniform: !rank.0,
        symmetric: !rank.1,
        rescaled: rank.3,
        products: rank.4,
        code,
    };
    Some((rank, planned))
}

/// Whether the dialect is told the output size.
fn by_size(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Tensorflow | Dialect::Tflite)
}

/// Choices of one axis that give the size, best first.
fn choices(dialect: Dialect, from: i64, to: i64) -> Vec<Choice> {
    if from < 1 || to < 1 {
        return Vec::new();
    }
    let factor = to / from;
    // One more and one less: cells at the ends make up for the difference.
    let mut strides: Vec<i64> = (factor - 1..=factor + 1).filter(|&s| s >= 1).collect();
    if from == 1 || strides.is_empty() {
        strides = vec![1, factor.max(1)];
        strides.dedup();
    }
    let mut found = Vec::new();
    for stride in strides.into_iter().filter(|&stride| stride <= MAX_STRIDE || from == 1) {
        let mut kernels: Vec<i64> = match stride {
            ..=MAX_STRIDE => (stride..=(2 * stride + MORE_TAPS).max(LEAST_TAPS)).collect(),
            _ => vec![stride],
        };
        if from == 1 && !kernels.contains(&to) {
            kernels.push(to);
        }
        for kernel in kernels {
            for padding in paddings(dialect, kernel) {
                found.extend(choice(dialect, (from, to), (kernel, stride), padding));
            }
        }
    }
    found.sort_by_key(|choice: &Choice| rank(&[choice.axis]));
    found.truncate(MAX_CHOICES);
    found
}

/// What the dialect has for padding.
fn paddings(dialect: Dialect, kernel: i64) -> Vec<Padding> {
    let numbers = (0..kernel.min(MAX_STRIDE)).map(|p| Padding::Pads(vec![(p, p)]));
    match dialect {
        Dialect::Tensorflow | Dialect::Keras | Dialect::Tflite => {
            vec![Padding::Same, Padding::Valid]
        }
        Dialect::Onnx => numbers.chain([Padding::SameUpper]).collect(),
        Dialect::Pytorch | Dialect::Caffe | Dialect::Definition => numbers.collect(),
    }
}

/// The choice, if it gives the size; cells may be added at the end where the dialect can.
fn choice(
    dialect: Dialect,
    (from, to): (i64, i64),
    (kernel, stride): (i64, i64),
    padding: Padding,
) -> Option<Choice> {
    let axis = |output_padding: i64| {
        let setting = Setting {
            input: vec![from],
            kernel: vec![kernel],
            stride: vec![stride],
            padding: Some(padding.clone()),
            output: by_size(dialect).then(|| vec![to]),
            output_padding: (output_padding > 0).then(|| vec![output_padding]),
            ..Setting::new(dialect)
        };
        setting.resolve().ok()?.axes.first().copied()
    };
    let plain = axis(0)?;
    let missing = to - plain.output() as i64;
    let (axis, output_padding) = match missing {
        0 => (plain, 0),
        1.. if missing < stride => (axis(missing)?, missing),
        _ => return None,
    };
    let fits = axis.output() as i64 == to && !axis.has_holes();
    fits.then_some(Choice { kernel, stride, padding, output_padding, axis })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_gives_the_size_in_its_dialect() {
        for dialect in Dialect::ALL {
            for (from, to) in
                [(8, 16), (7, 14), (7, 15), (16, 512), (1, 4), (5, 7), (3, 3), (10, 25), (13, 26)]
            {
                for planned in plan(dialect, &[from, from], &[to, to], Lang::En) {
                    assert!(planned.products > 0);
                    let pads = |word: &str| -> Option<Padding> {
                        Some(match word {
                            "same" => Padding::Same,
                            "valid" => Padding::Valid,
                            "same_upper" => Padding::SameUpper,
                            word => Padding::Pads(
                                word.split('x')
                                    .map(|p| p.parse().ok().map(|p: i64| (p, p)))
                                    .collect::<Option<_>>()?,
                            ),
                        })
                    };
                    let setting = Setting {
                        input: vec![from, from],
                        kernel: planned.kernel.clone(),
                        stride: planned.stride.clone(),
                        padding: pads(&planned.padding),
                        output: by_size(dialect).then(|| vec![to, to]),
                        output_padding: planned.output_padding.clone(),
                        ..Setting::new(dialect)
                    };
                    let axes = setting.resolve().expect("it was accepted").axes;
                    assert_eq!(axes[1].output() as i64, to, "{planned:?}");
                    // Unequal overlap is what a stride that does not divide the kernel makes.
                    let even = planned.kernel[0] % planned.stride[0] == 0;
                    assert!(from == 1 || planned.uniform == even, "{planned:?}");
                }
            }
        }
    }

    #[test]
    fn well_known_layers_are_found() {
        let has = |dialect, from: i64, to: i64, kernel: i64, stride: i64, padding: &str| {
            let all = plan(dialect, &[from], &[to], Lang::En);
            all.iter().any(|p| p.kernel == [kernel] && p.stride == [stride] && p.padding == padding)
        };
        // DCGAN's up-sampling, and its projection of a single cell.
        assert!(has(Dialect::Pytorch, 4, 8, 4, 2, "1"));
        assert!(has(Dialect::Pytorch, 1, 4, 4, 1, "0"));
        // U-Net's.
        assert!(has(Dialect::Pytorch, 28, 56, 2, 2, "0"));
        // FCN's last layer without the crop: kernel 64, stride 32, padding 16.
        assert!(has(Dialect::Pytorch, 16, 512, 64, 32, "16"));
        assert!(has(Dialect::Tensorflow, 3, 5, 3, 2, "same"));
    }

    #[test]
    fn axes_may_differ_and_the_best_comes_first() {
        let all = plan(Dialect::Pytorch, &[4, 5], &[8, 15], Lang::En);
        assert_eq!((&all[0].kernel[..], &all[0].stride[..]), (&[2, 3][..], &[2, 3][..]));
        let ranks = all.iter().map(|p| (!p.uniform, !p.symmetric));
        assert!(ranks.is_sorted());
        // An odd size from an even factor: either the end is uneven, or the overlap is.
        let odd = plan(Dialect::Pytorch, &[7], &[15], Lang::En);
        assert!(
            !odd.is_empty() && odd.iter().all(|p| !(p.uniform && p.symmetric) || p.stride != [2])
        );
        assert!(plan(Dialect::Pytorch, &[7], &[100_000], Lang::En).is_empty());
    }
}
