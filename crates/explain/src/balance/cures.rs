//! What can be done about a chessboard, and what each costs.
//!
//! Costs are products for each output cell, of one output channel, mean over the phases: the weights of its
//! group's input channels and of the taps that serve it.

use serde::Serialize;

use super::Balance;
use crate::lang::{Lang, say, sizes};
use crate::page::short_number;

/// Taps per axis of the convolution that follows a resize.
const RESIZE_KERNEL: usize = 3;
/// Neighbours per axis that a bilinear resize mixes.
const BILINEAR: usize = 2;

/// One cure.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cure {
    /// `divisible_kernel`, `icnr`, `resize_convolution`, `blur` or `balanced_weights`.
    pub name: &'static str,
    /// Products for each output cell with it.
    pub products: f64,
    /// Products for each output cell now.
    pub products_now: f64,
    /// The first for each of the second.
    pub ratio: f64,
    /// Whether the network must be trained anew.
    pub retrain: bool,
    /// What it does, and what it does not.
    pub note: String,
}

impl Cure {
    /// Its name as people say it.
    pub(super) fn label(&self, lang: Lang) -> &'static str {
        match self.name {
            "divisible_kernel" => {
                lang.pick("A kernel that the stride divides", "能被步幅整除的卷积核")
            }
            "icnr" => {
                lang.pick("Sub-pixel-equal initialisation (ICNR)", "各相位相同的初始化（ICNR）")
            }
            "resize_convolution" => lang.pick("Resize, then convolve", "先放大，再卷积"),
            "blur" => lang.pick("A fixed blur behind the layer", "在该层之后加固定的模糊"),
            _ => lang.pick("These weights, balanced", "把这些权重调匀"),
        }
    }
}

/// All cures, nearest to the layer as it is last; none where one phase is all there is.
pub(super) fn cures(balance: &Balance, lang: Lang) -> Vec<Cure> {
    let phases = balance.phases.len();
    if phases == 1 {
        return Vec::new();
    }
    let Balance { kernel, stride, groups, in_channels, out_channels, .. } = balance;
    let in_group = in_channels / groups;
    let of_taps = |taps: usize| (in_group * taps) as f64;
    // Every tap serves one phase.
    let now = of_taps(kernel.iter().product()) / phases as f64;
    let cure = |name, products: f64, retrain, note| Cure {
        name,
        products,
        products_now: now,
        ratio: products / now,
        retrain,
        note,
    };

    let divisible: Vec<usize> =
        kernel.iter().zip(stride).map(|(&k, &s)| k.div_ceil(s) * s).collect();
    let is_divisible = divisible == *kernel;
    let (old, new) = (sizes(kernel), sizes(&divisible));
    let even = of_taps(divisible.iter().product()) / phases as f64;
    let taps = divisible.iter().product::<usize>() / phases;
    let mut cures = Vec::new();
    let note = match is_divisible {
        true => say!(
            lang,
            "{old} is one already, so the overlap is even and there is nothing to change: it did not keep \
             what was learned even.",
            "{old} 已经能被整除，重叠是均匀的，无需改动：但它没能让学到的权重保持均匀。"
        ),
        false => say!(
            lang,
            "{new} for {old} gives each phase {taps} taps. It evens the overlap, not what is learned.",
            "用 {new} 代替 {old}，每个相位都有 {taps} 个核元素。它使重叠均匀，并不保证学到的权重均匀。"
        ),
    };
    cures.push(cure("divisible_kernel", even, !is_divisible, note));

    let needs = match is_divisible {
        true => String::new(),
        false => say!(lang, " It needs the kernel {new}.", "需要 {new} 的卷积核。"),
    };
    let note = say!(
        lang,
        "All phases start with the same taps (Aitken et al., 2017), so training begins without a pattern; it \
         may bring one back. No cost at run time.{needs}",
        "各相位从相同的核元素开始（Aitken 等，2017），训练之初没有纹理；训练仍可能把它带回来。运行时没有代价。{needs}"
    );
    cures.push(cure("icnr", even, true, note));

    let axes = u32::try_from(kernel.len()).unwrap_or(u32::MAX);
    let side = sizes(&vec![RESIZE_KERNEL; kernel.len()]);
    // Interpolated once for each input channel, and used by all output channels.
    let mixed = BILINEAR.pow(axes) * in_channels;
    let bilinear = short_number(mixed as f64 / *out_channels as f64);
    let note = say!(
        lang,
        "Nearest neighbour to the full size, then a convolution of {side}: a constant stays one, whatever is \
         learned. Bilinear adds {bilinear} products for each output cell.",
        "先按最近邻放大到完整尺寸，再做 {side} 的卷积：无论学到什么，常数输入仍得到常数。双线性放大则每个输出格另加 \
         {bilinear} 个乘积。"
    );
    cures.push(cure("resize_convolution", of_taps(RESIZE_KERNEL.pow(axes)), true, note));

    let window = sizes(stride);
    let note = say!(
        lang,
        "The mean of {window} outputs, channel by channel, before what follows: each window holds every phase \
         once, so a constant comes out even. Edges soften; an even window shifts by half a cell.",
        "逐通道取 {window} 个输出的均值，放在后续运算之前：每个窗口恰好含各相位一次，常数输入得到均匀的输出。\
         边缘会变柔；偶数窗口会偏移半格。"
    );
    cures.push(cure("blur", now + phases as f64, false, note));

    if let Some(balanced) = balance.balanced {
        let [change, every] = [balanced.change, balanced.change_every_mix].map(percent);
        let note = say!(
            lang,
            "The same number is added to all taps of a phase, so that an input of 1 comes out even: the weight \
             changes by {change} of its norm. For every constant, whatever its mix of channels, it would be \
             {every}. No cost at run time.",
            "给同一相位的核元素加上同一个数，使全为 1 的输入得到均匀的输出：权重的改变为其范数的 {change}。\
             若要对任意通道组合的常数输入都均匀，则为 {every}。运行时没有代价。"
        );
        cures.push(cure("balanced_weights", now, false, note));
    }
    cures
}

/// `3.4 %`
pub(super) fn percent(share: f64) -> String {
    let share = 100.0 * share;
    match share {
        0.0 => "0 %".into(),
        ..0.1 => format!("{share:.2e} %"),
        ..10.0 => format!("{share:.1} %"),
        _ => format!("{share:.0} %"),
    }
}
