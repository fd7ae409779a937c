//! How many products each output cell receives, and what an uneven count means.
//!
//! In several dimensions the counts of the axes multiply.

use serde::Serialize;
use upconv_geometry::Axis;

use crate::lang::{Lang, say};

/// Most cells of one axis that a list of cells holds; a longer list is left out (null).
pub const MAX_CELLS_LISTED: usize = 1 << 16;

/// The overlap of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overlap {
    /// Whether all cells away from the border receive equally many products.
    pub uniform: bool,
    /// Per axis the count of every output cell; null above [`MAX_CELLS_LISTED`] cells.
    pub per_axis: Vec<Option<Vec<usize>>>,
    /// Whether some cells receive none.
    pub holes: bool,
    /// Per axis the fewest and the most products of a cell away from the border.
    pub inside: Vec<[usize; 2]>,
    /// Per axis how many taps each phase has; null where kernel times stride is above [`MAX_CELLS_LISTED`].
    ///
    /// Phase `p` are the cells whose place in the uncropped result is `p` modulo the stride.
    pub phase_taps: Vec<Option<Vec<usize>>>,
}

impl Overlap {
    /// The overlap of `axes`.
    ///
    /// ```
    /// use upconv_explain::Overlap;
    /// use upconv_geometry::{Axis, AxisParams};
    /// // Kernel 3, stride 2: neighbours share every second cell.
    /// let params = AxisParams { input: 3, kernel: 3, stride: 2, dilation: 1, window_begin: 1, output: 5 };
    /// let overlap = Overlap::of(&[Axis::new(0, params)?]);
    /// assert_eq!(overlap.per_axis, [Some(vec![1, 2, 1, 2, 1])]);
    /// assert!(!overlap.uniform);
    /// // Taps 0 and 2 serve the even cells of the uncropped result, tap 1 the odd ones.
    /// assert_eq!(overlap.phase_taps, [Some(vec![2, 1])]);
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn of(axes: &[Axis]) -> Self {
        Self {
            uniform: axes.iter().all(Axis::overlap_is_uniform),
            per_axis: axes.iter().map(counts).collect(),
            holes: axes.iter().any(Axis::has_holes),
            inside: axes.iter().map(Axis::overlap_range).map(|(low, high)| [low, high]).collect(),
            phase_taps: axes.iter().map(phase_taps).collect(),
        }
    }

    /// The plain warnings, one for each axis that deserves one (equal axes share one).
    pub(crate) fn warnings(axes: &[Axis], lang: Lang) -> Vec<String> {
        crate::axes::alike(axes)
            .into_iter()
            .filter_map(|(numbers, axis)| {
                let text = warning(axis, lang)?;
                Some(crate::axes::label(&numbers, lang) + lang.pick(": ", "：") + &text)
            })
            .collect()
    }
}

/// Counts of every output cell, if they are not too many.
fn counts(axis: &Axis) -> Option<Vec<usize>> {
    (axis.output() <= MAX_CELLS_LISTED).then(|| axis.overlap())
}

/// Taps of every phase, if finding them takes few steps: each phase looks at every tap.
fn phase_taps(axis: &Axis) -> Option<Vec<usize>> {
    let steps = axis.kernel().checked_mul(axis.stride())?;
    let taps = || axis.phases().iter().map(|phase| phase.taps.len()).collect();
    (steps <= MAX_CELLS_LISTED).then(taps)
}

fn warning(axis: &Axis, lang: Lang) -> Option<String> {
    let (stride, kernel, dilation) = (axis.stride(), axis.kernel(), axis.dilation());
    if axis.overlap_is_uniform() {
        return None;
    }
    if kernel < stride {
        return Some(say!(
            lang,
            "kernel {kernel} is shorter than stride {stride}: some cells receive nothing at all and \
             hold only the bias.",
            "卷积核 {kernel} 小于步幅 {stride}：有些格子收不到任何乘积，只剩偏置。"
        ));
    }
    let (least, most) = axis.overlap_range();
    if axis.has_holes() {
        let common = axis.reached_every();
        return Some(say!(
            lang,
            "stride {stride} and dilation {dilation} share the factor {common}: only one cell in {common} \
             is reached at all (by up to {most} products), and the others hold only the bias.",
            "步幅 {stride} 与膨胀率 {dilation} 有公因数 {common}：每 {common} 格只有一格能收到乘积\
             （至多 {most} 个），其余格子只剩偏置。"
        ));
    }
    Some(say!(
        lang,
        "stride {stride} does not divide kernel {kernel}: cells away from the border receive {least} or \
         {most} products by turns. Such an uneven overlap shows as a chessboard pattern in images.",
        "步幅 {stride} 不能整除卷积核 {kernel}：远离边缘的格子轮流收到 {least} 个或 {most} 个乘积。\
         这种不均匀的重叠会在图像中形成棋盘格纹理。"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use upconv_geometry::AxisParams;

    #[test]
    fn huge_axes_answer_at_once() {
        let half = 1 << 30;
        let params = AxisParams {
            input: half,
            kernel: half,
            stride: 1,
            dilation: 1,
            window_begin: half as i64,
            output: 3,
        };
        // In the middle all taps meet; the last input is at half - 1.
        let axis = Axis::new(0, params).unwrap();
        assert_eq!(counts(&axis), Some(vec![half - 1, half - 2, half - 3]));
        let long = AxisParams {
            input: half,
            kernel: 1,
            stride: 1,
            dilation: 1,
            window_begin: 0,
            output: half,
        };
        assert_eq!(counts(&Axis::new(0, long).unwrap()), None);
        let wide = AxisParams { input: 1, stride: half, ..params };
        assert_eq!(phase_taps(&Axis::new(0, wide).unwrap()), None);
    }
}
