//! Max pooling that also says where each maximum was.
//!
//! The values are the same everywhere; the indices are not. [`IndexMeaning`] lists what the frameworks
//! count.

use upconv_geometry::limits;

use super::index::{ravel, unravel};
use crate::error::{Result, check_len};
use crate::pool::PoolWindow;

/// What an index of a maximum counts, for a maximum at `place` of channel `c` of image `n`, where
/// `place` is the flat row-major position in a plane of the *input* (`y * width + x` in 2-D).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexMeaning {
    /// `place`: PyTorch.
    Plane,
    /// `(n * channels + c) * plane + place`, over the whole tensor: ONNX.
    Tensor,
    /// `place * channels + c`, counted as if channels were last: TensorFlow.
    ChannelsLast {
        /// `n * plane * channels` comes on top (TensorFlow's `include_batch_in_index`).
        with_batch: bool,
    },
}

/// What max pooling gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Pooled {
    /// Shape of both buffers, `[n, c, output...]`.
    pub shape: Vec<usize>,
    /// The maxima; exactly values of the input.
    pub values: Vec<f64>,
    /// Where they were; -1 for a window without any input cell.
    pub indices: Vec<i64>,
}

/// Zeros in front of every axis (they only shift the windows: they never win).
fn pads_before(window: &PoolWindow, spatial: &[usize]) -> Vec<i64> {
    let before = |axis: usize| {
        let span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        window.padding[axis].amounts(spatial[axis], span, window.stride[axis]).0
    };
    (0..spatial.len()).map(before).collect()
}

/// The maximum of every window, and where it was.
///
/// Among equal values the first in row-major order wins. A NaN beats every number, and a later NaN
/// beats an earlier one, as in PyTorch. Padding never wins, not even against negative values. A
/// window that meets no input cell (Caffe's rounding keeps such ones) gives minus infinity and index
/// -1; Caffe itself writes `-FLT_MAX` there.
///
/// # Shapes
/// `x: [n, c, spatial...] -> values, indices: [n, c, output...]`, 1 to 3 spatial axes.
///
/// # Errors
/// As [`PoolWindow::output`]; a buffer whose length does not fit its shape.
///
/// # Source
/// PyTorch 2.8 `max_pool{1,2,3}d(return_indices=True)`, ONNX `MaxPool`, TensorFlow 2.21
/// `max_pool_with_argmax`.
///
/// ```
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_kernels::pool::PoolWindow;
/// use upconv_kernels::reference::max_pool::{IndexMeaning, max_pool};
/// let pool = PoolWindow {
///     kernel: vec![2, 2], stride: vec![2, 2], dilation: vec![1, 1],
///     padding: vec![ConvPadding::Valid; 2], rounding: PoolRounding::Floor,
/// };
/// let x = [
///     1.0, 2.0, 5.0, 6.0,
///     4.0, 3.0, 7.0, 8.0f32,
/// ];
/// let pooled = max_pool(&pool, &[1, 1, 2, 4], &x, IndexMeaning::Plane)?;
/// assert_eq!(pooled.values, [4.0, 8.0]);
/// assert_eq!(pooled.indices, [4, 7]); // row 1, columns 0 and 3
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn max_pool<T: Copy + Into<f64>>(
    pool: &PoolWindow,
    shape: &[usize],
    x: &[T],
    meaning: IndexMeaning,
) -> Result<Pooled> {
    let output = pool.output(shape)?;
    check_len("x", x, shape)?;
    let (spatial, windows) = (&shape[2..], &output[2..]);
    let before = pads_before(pool, spatial);
    let plane = limits::cells("plane", spatial)?;
    let taps = limits::cells("kernel", &pool.kernel)?;
    let (batch, channels) = (shape[0], shape[1]);
    let mut pooled = Pooled { values: Vec::new(), indices: Vec::new(), shape: output.clone() };
    if x.is_empty() {
        return Ok(pooled);
    }
    for n in 0..batch {
        for c in 0..channels {
            let image = &x[(n * channels + c) * plane..][..plane];
            for window in 0..windows.iter().product() {
                let window = unravel(window, windows);
                let mut best: Option<(f64, usize)> = None;
                for tap in 0..taps {
                    let tap = unravel(tap, &pool.kernel);
                    let Some(place) = place(pool, spatial, &before, &window, &tap) else {
                        continue;
                    };
                    let value: f64 = image[place].into();
                    if best.is_none_or(|(most, _)| value > most || value.is_nan()) {
                        best = Some((value, place));
                    }
                }
                let offset = match meaning {
                    IndexMeaning::Plane => 0,
                    IndexMeaning::Tensor => (n * channels + c) * plane,
                    IndexMeaning::ChannelsLast { with_batch: false } => c,
                    IndexMeaning::ChannelsLast { with_batch: true } => n * plane * channels + c,
                };
                let step = match meaning {
                    IndexMeaning::ChannelsLast { .. } => channels,
                    IndexMeaning::Plane | IndexMeaning::Tensor => 1,
                };
                pooled.values.push(best.map_or(f64::NEG_INFINITY, |(value, _)| value));
                // At most the cells of x, which are below 2^40.
                pooled.indices.push(best.map_or(-1, |(_, place)| (place * step + offset) as i64));
            }
        }
    }
    Ok(pooled)
}

/// The flat input cell under tap `tap` of window `window`: `o * stride + j * dilation - before` on
/// every axis, if that lies in the input.
fn place(
    pool: &PoolWindow,
    spatial: &[usize],
    before: &[i64],
    window: &[usize],
    tap: &[usize],
) -> Option<usize> {
    let mut position = vec![0; spatial.len()];
    for axis in 0..spatial.len() {
        let ahead = window[axis] * pool.stride[axis] + tap[axis] * pool.dilation[axis];
        // Both are lengths that the size rule has checked against 2^31.
        let at = usize::try_from(ahead as i64 - before[axis]).ok()?;
        if at >= spatial[axis] {
            return None;
        }
        position[axis] = at;
    }
    Some(ravel(&position, spatial))
}

#[cfg(test)]
mod tests {
    use super::*;
    use upconv_geometry::{ConvPadding, PoolRounding};

    fn pool(kernel: usize, stride: usize, before: i64, after: i64) -> PoolWindow {
        PoolWindow {
            kernel: vec![kernel],
            stride: vec![stride],
            dilation: vec![1],
            padding: vec![ConvPadding::Pads { before, after }],
            rounding: PoolRounding::Floor,
        }
    }

    #[test]
    fn the_first_of_equal_values_wins() {
        let got = max_pool(&pool(3, 3, 0, 0), &[1, 1, 3], &[2.0f32, 2.0, 2.0], IndexMeaning::Plane);
        assert_eq!(got.unwrap().indices, [0]);
    }

    #[test]
    fn padding_never_wins_against_negative_values() {
        let got = max_pool(&pool(2, 2, 1, 1), &[1, 1, 2], &[-3.0f32, -4.0], IndexMeaning::Plane);
        let got = got.unwrap();
        assert_eq!((got.values, got.indices), (vec![-3.0, -4.0], vec![0, 1]));
    }

    #[test]
    fn the_last_nan_wins_and_stays() {
        let x = [1.0, f32::NAN, f32::NAN, 9.0];
        let got = max_pool(&pool(4, 4, 0, 0), &[1, 1, 4], &x, IndexMeaning::Plane).unwrap();
        assert!(got.values[0].is_nan());
        assert_eq!(got.indices, [2]);
    }

    #[test]
    fn minus_infinity_still_has_an_index() {
        let x = [f32::NEG_INFINITY; 2];
        let got = max_pool(&pool(2, 2, 0, 0), &[1, 1, 2], &x, IndexMeaning::Plane).unwrap();
        assert_eq!(got.indices, [0]);
    }

    #[test]
    fn a_caffe_window_outside_the_input_is_empty() {
        // Input 4, kernel 1, stride 5: ceil keeps a window at cell 5.
        let mut pool = pool(1, 5, 0, 0);
        pool.rounding = PoolRounding::CeilCaffe;
        let got = max_pool(&pool, &[1, 1, 4], &[1.0f32; 4], IndexMeaning::Plane).unwrap();
        assert_eq!((got.values, got.indices), (vec![1.0, f64::NEG_INFINITY], vec![0, -1]));
    }

    #[test]
    fn dilation_spreads_the_window() {
        let mut pool = pool(2, 1, 0, 0);
        pool.dilation = vec![2];
        let x = [1.0f32, 9.0, 2.0, 0.0];
        let got = max_pool(&pool, &[1, 1, 4], &x, IndexMeaning::Plane).unwrap();
        assert_eq!((got.values, got.indices), (vec![2.0, 9.0], vec![2, 1]));
    }

    #[test]
    fn each_meaning_counts_in_its_own_way() {
        // Two images of two channels of two cells; the second cell always wins.
        let x = [0.0f32, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
        let index = |meaning| max_pool(&pool(2, 2, 0, 0), &[2, 2, 2], &x, meaning).unwrap().indices;
        assert_eq!(index(IndexMeaning::Plane), [1, 1, 1, 1]);
        assert_eq!(index(IndexMeaning::Tensor), [1, 3, 5, 7]);
        assert_eq!(index(IndexMeaning::ChannelsLast { with_batch: false }), [2, 3, 2, 3]);
        assert_eq!(index(IndexMeaning::ChannelsLast { with_batch: true }), [2, 3, 6, 7]);
    }

    #[test]
    fn bad_sizes_are_errors() {
        let plane = IndexMeaning::Plane;
        assert!(max_pool(&pool(0, 1, 0, 0), &[1, 1, 4], &[0.0f32; 4], plane).is_err());
        assert!(max_pool(&pool(1, 0, 0, 0), &[1, 1, 4], &[0.0f32; 4], plane).is_err());
        assert!(max_pool(&pool(9, 1, 0, 0), &[1, 1, 4], &[0.0f32; 4], plane).is_err());
        assert!(max_pool(&pool(1, 1, 0, 0), &[1, 4], &[0.0f32; 4], plane).is_err());
        assert!(max_pool(&pool(1, 1, 0, 0), &[1, 1, 4], &[0.0f32; 3], plane).is_err());
        assert!(
            max_pool(&pool(1, 1, i64::MAX, i64::MAX), &[1, 1, 4], &[0.0f32; 4], plane).is_err()
        );
        let none = [0.0f32; 0];
        assert!(max_pool(&pool(1, 1, 0, 0), &[1 << 60, 0, 4], &none, plane).is_ok());
        let empty = max_pool(&pool(1, 1, 0, 0), &[0, 1, 4], &none, plane).unwrap();
        assert_eq!((empty.shape, empty.values.len()), (vec![0, 1, 4], 0));
    }
}
