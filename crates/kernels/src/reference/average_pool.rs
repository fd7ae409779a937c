//! Average pooling.

use upconv_geometry::{ConvPadding, limits};

use super::index::unravel;
use crate::error::{Result, check_len};
use crate::pool::PoolWindow;

/// The mean of every window: the sum of its cells in the input, divided by how many count. A window without any
/// input cell gives 0.
///
/// With `count_padding` the window's cells in the padding count too; what reaches beyond the padding never does.
///
/// # Shapes
/// `x: [n, c, spatial...] -> [n, c, output...]`, 1 to 3 spatial axes.
///
/// # Errors
/// As [`PoolWindow::output`]; a buffer whose length does not fit its shape.
///
/// # Source
/// Caffe `pooling_layer.cpp` and PyTorch 2.8 `avg_pool{1,2,3}d` (`count_padding`); TensorFlow 2.21 `avg_pool` and
/// PyTorch with `count_include_pad=False`.
///
/// ```
/// use upconv_geometry::{ConvPadding, PoolRounding};
/// use upconv_kernels::pool::PoolWindow;
/// use upconv_kernels::reference::average_pool::average_pool;
/// let window = PoolWindow {
///     kernel: vec![3], stride: vec![2], dilation: vec![1],
///     padding: vec![ConvPadding::SameUpper], rounding: PoolRounding::Floor,
/// };
/// // TensorFlow: one cell of padding behind, which does not count.
/// assert_eq!(average_pool(&window, false, &[1, 1, 4], &[3.0f32, 6.0, 9.0, 1.0])?, [6.0, 5.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn average_pool<T: Copy + Into<f64>>(
    window: &PoolWindow,
    count_padding: bool,
    shape: &[usize],
    x: &[T],
) -> Result<Vec<f64>> {
    let output = window.output(shape)?;
    check_len("x", x, shape)?;
    let (spatial, windows) = (&shape[2..], &output[2..]);
    let plane = limits::cells("plane", spatial)?;
    let taps = limits::cells("kernel", &window.kernel)?;
    let mut y = Vec::new();
    if x.is_empty() {
        return Ok(y);
    }
    for image in x.chunks_exact(plane) {
        for place in 0..windows.iter().product() {
            let place = unravel(place, windows);
            let (mut sum, mut inside, mut counted) = (0.0, 0usize, 0usize);
            for tap in 0..taps {
                match seen(window, spatial, &place, &unravel(tap, &window.kernel)) {
                    Seen::Cell(cell) => {
                        sum += image[cell].into();
                        inside += 1;
                        counted += 1;
                    }
                    Seen::Padding => counted += 1,
                    Seen::Nothing => {}
                }
            }
            let divisor = if count_padding { counted } else { inside };
            y.push(if inside == 0 { 0.0 } else { sum / divisor as f64 });
        }
    }
    Ok(y)
}

/// What lies under a tap.
enum Seen {
    Cell(usize),
    Padding,
    Nothing,
}

fn seen(window: &PoolWindow, spatial: &[usize], place: &[usize], tap: &[usize]) -> Seen {
    let mut seen = Seen::Cell(0);
    for (axis, &size) in spatial.iter().enumerate() {
        let span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
        let padding: ConvPadding = window.padding[axis];
        let (before, after) = padding.amounts(size, span, window.stride[axis]);
        // Lengths that the size rule has checked against 2^31.
        let ahead = place[axis] * window.stride[axis] + tap[axis] * window.dilation[axis];
        let at = ahead as i64 - before;
        seen = match seen {
            Seen::Cell(flat) if (0..size as i64).contains(&at) => {
                Seen::Cell(flat * size + at as usize)
            }
            Seen::Cell(_) | Seen::Padding if at < size as i64 + after.max(0) => Seen::Padding,
            _ => Seen::Nothing,
        };
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use upconv_geometry::PoolRounding;

    fn window(rounding: PoolRounding, pad: i64) -> PoolWindow {
        PoolWindow {
            kernel: vec![3, 3],
            stride: vec![2, 2],
            dilation: vec![1, 1],
            padding: vec![ConvPadding::Pads { before: pad, after: pad }; 2],
            rounding,
        }
    }

    /// `torch.nn.functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=...)` of 1 to 16, with PyTorch
    /// 2.8: the last windows begin in the last row or column and reach one cell beyond the padding.
    #[test]
    fn windows_of_pytorch_are_clipped_at_the_padding() {
        let x: Vec<f32> = (1..=16).map(|n| n as f32).collect();
        let of =
            |count| average_pool(&window(PoolRounding::CeilTorch, 1), count, &[1, 1, 4, 4], &x);
        let by_hand = |sums: [f64; 9], counts: [f64; 9]| -> Vec<f64> {
            sums.iter().zip(counts).map(|(sum, count)| sum / count).collect()
        };
        let sums = [14.0, 30.0, 12.0, 57.0, 99.0, 36.0, 27.0, 45.0, 16.0];
        let padded = [9.0, 9.0, 6.0, 9.0, 9.0, 6.0, 6.0, 6.0, 4.0];
        let inside = [4.0, 6.0, 2.0, 6.0, 9.0, 3.0, 2.0, 3.0, 1.0];
        assert_eq!(of(true).unwrap(), by_hand(sums, padded));
        assert_eq!(of(false).unwrap(), by_hand(sums, inside));
    }

    #[test]
    fn a_window_outside_of_everything_is_zero() {
        let mut window = window(PoolRounding::CeilCaffe, 0);
        (window.kernel, window.stride) = (vec![1, 1], vec![5, 5]);
        let got = average_pool(&window, true, &[1, 1, 4, 4], &[2.0f32; 16]).unwrap();
        assert_eq!(got, [2.0, 0.0, 0.0, 0.0]);
    }
}
