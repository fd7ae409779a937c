//! Whether the weights of one transposed convolution leave a chessboard, and what can be done about it.
//!
//! An even overlap gives every phase equally many taps. What they sum to is learned, and no rule makes it even:
//! an input that is the same everywhere comes out as a pattern that repeats with the stride. Here it is measured.
//!
//! 1. [`TransposedWeight`]: the weight, and to which phase each of its taps belongs.
//! 2. [`Balance`]: sums and norms of the phases, and how far they differ.
//! 3. [`balanced`](TransposedWeight::balanced): the nearest weight whose phases answer alike.
//! 4. [`Cure`]: what else can be done, and what it costs. [`BalanceOf`]: all of it as a page.

mod balanced;
mod cures;
mod error;
mod page;
mod sums;
#[cfg(test)]
mod tests;
mod weight;

pub use balanced::Balanced;
pub use cures::Cure;
pub use error::BalanceError;
pub use page::BalanceOf;
pub use weight::{MAX_PHASES, TransposedWeight, weight_axes};

use serde::Serialize;

use crate::document::Page;
use crate::lang::Lang;
use sums::Sums;

/// One phase: the output cells that lie a stride apart, and so share their taps.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhaseRow {
    /// Per axis the place in the uncropped result, modulo the stride.
    pub phase: Vec<usize>,
    /// Taps that serve it; 0 is a hole.
    pub taps: usize,
    /// The sum of its taps over input channels, mean over output channels: what a cell away from the border is of
    /// an input of 1, without the bias.
    pub response: f64,
    /// Root of the sum of squares of its taps, over all channels.
    pub norm: f64,
}

/// The output channel whose phases differ most.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorstChannel {
    /// Its number.
    pub channel: usize,
    /// As [`Balance::imbalances`] has it.
    pub imbalance: f64,
    /// What its cells are of an input of 1, phase by phase, without the bias.
    pub response: Vec<f64>,
    /// Its bias, which lies under all phases alike; null if there is none.
    pub bias: Option<f64>,
}

/// Everything about the balance of one weight, as data.
///
/// Members are only ever added, at the end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BalanceData {
    /// Taps per axis.
    pub kernel: Vec<usize>,
    /// Stride per axis.
    pub stride: Vec<usize>,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// [`Balance::imbalance`].
    pub imbalance: f64,
    /// The channel with the largest imbalance, the first of equals.
    pub worst: WorstChannel,
    /// All phases; the last axis changes fastest.
    pub phases: Vec<PhaseRow>,
    /// What can be done; nothing where there is one phase only.
    pub cures: Vec<Cure>,
    /// What evening these very weights would do; null where a phase has no tap, which no weight can even.
    pub balanced: Option<Balanced>,
    /// Groups.
    pub groups: usize,
    /// Whether a phase has no tap: its cells hold only the bias.
    pub holes: bool,
}

/// How far the phases of a weight differ.
#[derive(Clone, Debug)]
pub struct Balance {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    groups: usize,
    in_channels: usize,
    out_channels: usize,
    phases: Vec<PhaseRow>,
    sums: Sums,
    imbalances: Vec<f64>,
    imbalance: f64,
    worst: usize,
    bias: Option<f64>,
    balanced: Option<Balanced>,
}

impl Balance {
    /// Measures a weight `[in, out / groups, kernel...]`.
    ///
    /// # Errors
    /// A shape, groups or lengths that do not fit together, a number that is not finite, a stride of 0, more than
    /// [`MAX_PHASES`] phases.
    ///
    /// ```
    /// use upconv_explain::{Balance, TransposedWeight};
    /// // Kernel 1 1 1, stride 2: taps 0 and 2 meet on even cells, tap 1 is alone on odd ones.
    /// let weight = TransposedWeight {
    ///     values: &[1.0, 1.0, 1.0], shape: &[1, 1, 3], stride: &[2], groups: 1, bias: None,
    /// };
    /// let balance = Balance::of(&weight).unwrap();
    /// assert_eq!(balance.response(0), Some(&[2.0, 1.0][..]));
    /// // They differ by 1, and their mean magnitude is 1.5.
    /// assert_eq!(balance.imbalance(), 1.0 / 1.5);
    /// ```
    pub fn of<T: Copy + Into<f64>>(weight: &TransposedWeight<'_, T>) -> Result<Self, BalanceError> {
        let layout = weight.layout()?;
        let values: Vec<f64> = weight.values.iter().map(|&value| value.into()).collect();
        let sums = Sums::of(&layout, &values);
        let imbalances: Vec<f64> = (0..layout.out_channels()).map(|c| sums.imbalance(c)).collect();
        let worst = first_largest(&imbalances);
        let rows = layout.taps_of_phase.iter().enumerate().map(|(phase, &taps)| PhaseRow {
            phase: layout.places(phase),
            taps,
            response: sums.mean_response(phase),
            norm: sums.norm(phase),
        });
        Ok(Self {
            phases: rows.collect(),
            balanced: Balanced::of(&layout, &sums, &values),
            imbalance: sums.pooled_imbalance(),
            bias: weight.bias.and_then(|bias| bias.get(worst)).map(|&bias| bias.into()),
            groups: layout.groups,
            in_channels: layout.in_channels(),
            out_channels: layout.out_channels(),
            kernel: layout.kernel,
            stride: layout.stride,
            sums,
            imbalances,
            worst,
        })
    }

    /// What the cells of an output channel are of an input of 1, phase by phase, without the bias.
    pub fn response(&self, channel: usize) -> Option<&[f64]> {
        (channel < self.out_channels).then(|| self.sums.response(channel))
    }

    /// Per output channel: its largest response less its smallest, divided by the mean magnitude of its responses.
    ///
    /// 0 is balanced. With all responses above 0, 0.1 is a brightest phase that exceeds the darkest by a tenth of
    /// the mean; the largest possible is the number of phases, where all but one are 0. A difference below a
    /// millionth of the sum of the magnitudes of a phase's taps is rounding, and counts as 0.
    ///
    /// ```
    /// use upconv_explain::{Balance, TransposedWeight};
    /// // Two output channels with one tap for each phase: 2 and 2, then 1 and 3.
    /// let weight = TransposedWeight {
    ///     values: &[2.0, 2.0, 1.0, 3.0], shape: &[1, 2, 2], stride: &[2], groups: 1, bias: None,
    /// };
    /// let balance = Balance::of(&weight).unwrap();
    /// assert_eq!(balance.imbalances(), [0.0, 2.0 / 2.0]);
    /// // Differences 0 and 2, mean magnitudes 2 and 2.
    /// assert!((balance.imbalance() - (4.0f64 / 8.0).sqrt()).abs() < 1e-12);
    /// ```
    pub fn imbalances(&self) -> &[f64] {
        &self.imbalances
    }

    /// That of all output channels together: the root mean square of their differences, divided by the root mean
    /// square of their mean magnitudes. A channel that hardly answers hardly counts; with one channel it is that
    /// channel's.
    pub fn imbalance(&self) -> f64 {
        self.imbalance
    }

    /// Everything as data, with notes in a language.
    ///
    /// ```
    /// use upconv_explain::{Balance, Lang, TransposedWeight};
    /// let weight = TransposedWeight {
    ///     values: &[1.0, 1.0, 1.0], shape: &[1, 1, 3], stride: &[2], groups: 1, bias: None,
    /// };
    /// let data = Balance::of(&weight).unwrap().data(Lang::En);
    /// assert_eq!((data.phases[0].taps, data.phases[1].taps), (2, 1));
    /// // 3 taps over 2 phases are 1.5 products; kernel 4 has 2 for each phase.
    /// assert_eq!((data.cures[0].products_now, data.cures[0].products), (1.5, 2.0));
    /// ```
    pub fn data(&self, lang: Lang) -> BalanceData {
        BalanceData {
            kernel: self.kernel.clone(),
            stride: self.stride.clone(),
            in_channels: self.in_channels,
            out_channels: self.out_channels,
            imbalance: self.imbalance,
            worst: WorstChannel {
                channel: self.worst,
                imbalance: self.imbalances.get(self.worst).copied().unwrap_or(0.0),
                response: self.response(self.worst).unwrap_or_default().to_vec(),
                bias: self.bias,
            },
            phases: self.phases.clone(),
            cures: cures::cures(self, lang),
            balanced: self.balanced,
            groups: self.groups,
            holes: self.has_holes(),
        }
    }

    /// Everything as a page for people.
    pub fn page(&self, of: &BalanceOf<'_>, lang: Lang) -> Page {
        page::page(&self.data(lang), of, lang)
    }

    fn has_holes(&self) -> bool {
        self.phases.iter().any(|row| row.taps == 0)
    }
}

/// Where the first of the largest numbers stands.
fn first_largest(numbers: &[f64]) -> usize {
    let larger = |best: usize, n: usize| if numbers[n] > numbers[best] { n } else { best };
    (0..numbers.len()).fold(0, larger)
}
