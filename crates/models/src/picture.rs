//! From a picture to the input of a network, as the metadata of its weights say it.

use upconv_data::Size;
use upconv_weights::metadata::{Fit, Input, Order, Resize};

/// The colours that VGG's authors subtract: the means of ImageNet, blue first.
const MEANS: [f64; 3] = [103.939, 116.779, 123.68];

/// The input of networks on VGG's weights: blue, green, red from 0 to 255, less the means of ImageNet.
///
/// # Source
/// The models of the Visual Geometry Group for Caffe; KittiSeg's `fcn8_vgg.py` does the same.
///
/// ```
/// let input = upconv_models::picture::caffe([1, 1]);
/// assert_eq!(upconv_models::picture::planes(&input, &[255, 0, 0]), [-103.939, -116.779, 131.32]);
/// ```
pub fn caffe(size: [usize; 2]) -> Input {
    Input { order: Order::Bgr, range: [0.0, 255.0], mean: Some(MEANS.to_vec()), ..unit(size) }
}

/// Caffe's usual input: blue, green, red from 0 to 255 less `mean`, cut out of the middle of a picture whose shorter side
/// has 256 pixels.
///
/// ```
/// let input = upconv_models::picture::caffe_crop([1, 1], [104.0, 117.0, 123.0]);
/// assert_eq!(upconv_models::picture::planes(&input, &[255, 0, 0]), [-104.0, -117.0, 132.0]);
/// ```
pub fn caffe_crop(size: [usize; 2], mean: [f64; 3]) -> Input {
    let mean = Some(mean.to_vec());
    Input { mean, fit: Fit::Crop, short_side: Some(256), ..caffe(size) }
}

/// The plain input: red, green, blue from 0 to 1.
///
/// ```
/// let input = upconv_models::picture::unit([1, 2]);
/// assert_eq!(
///     upconv_models::picture::planes(&input, &[255, 0, 0, 0, 51, 255]),
///     [1.0, 0.0, 0.0, 0.2, 0.0, 1.0]
/// );
/// ```
pub fn unit(size: [usize; 2]) -> Input {
    Input {
        size,
        order: Order::Rgb,
        range: [0.0, 1.0],
        mean: None,
        std: None,
        resize: Resize::Bilinear,
        fit: Fit::Stretch,
        short_side: None,
        other: Default::default(),
    }
}

/// The usual input of networks that begin with random weights: red, green, blue, less the means of ImageNet, by its
/// deviations.
///
/// # Source
/// torchvision's classifiers.
pub fn normalised(size: [usize; 2]) -> Input {
    Input {
        mean: Some(vec![0.485, 0.456, 0.406]),
        std: Some(vec![0.229, 0.224, 0.225]),
        ..unit(size)
    }
}

/// The input of networks on torchvision's weights: [`normalised`], cut out of the middle of a photo whose shorter side
/// Pillow has brought to 256 pixels.
///
/// # Source
/// The presets of torchvision's classification weights.
pub fn torchvision(size: [usize; 2]) -> Input {
    let input = Input { fit: Fit::Crop, short_side: Some(256), ..normalised(size) };
    Input { resize: Resize::BilinearAntialias, ..input }
}

/// What a network reads of a channel's value, which is from 0 to 255, at a cell of the plane. A mean picture is that of the
/// input's own size.
fn reader(input: &Input, channel: usize) -> impl Fn(f64, usize) -> f32 {
    let [low, high] = input.range;
    let std = input.std.as_ref().and_then(|list| list.get(channel)).copied().unwrap_or(1.0);
    let means = input.mean.as_deref().unwrap_or_default();
    let cells = match means.len() / input.order.channels() {
        // One for all cells of a channel.
        0 | 1 => None,
        cells => Some(cells),
    };
    move |value, cell| {
        let place = cells.map_or(channel, |cells| channel * cells + cell);
        let mean = means.get(place).copied().unwrap_or(0.0);
        ((low + value / 255.0 * (high - low) - mean) / std) as f32
    }
}

fn grey(r: f64, g: f64, b: f64) -> f64 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// What a network reads of a picture that has the right size already: range, mean and deviation of `input`.
///
/// Grey is `0.299 r + 0.587 g + 0.114 b`.
///
/// # Shapes
/// `rgb: [h, w, 3] -> [channels, h, w]`; bytes behind the last whole pixel are not looked at.
pub fn planes(input: &Input, rgb: &[u8]) -> Vec<f32> {
    let mut planes = Vec::with_capacity(rgb.len() / 3 * input.order.channels());
    for channel in 0..input.order.channels() {
        let read = reader(input, channel);
        planes.extend(rgb.as_chunks::<3>().0.iter().enumerate().map(|(cell, &[r, g, b])| {
            let value = match input.order {
                Order::Gray => grey(r.into(), g.into(), b.into()),
                Order::Rgb => f64::from([r, g, b][channel]),
                Order::Bgr => f64::from([b, g, r][channel]),
            };
            read(value, cell)
        }));
    }
    planes
}

/// The picture that [`planes`] were made of, to the nearest byte: what a network sees, as people see it. Grey becomes
/// three equal colours.
///
/// # Shapes
/// `x: [channels, h, w] -> [h, w, 3]`; values behind the last whole picture are not looked at.
///
/// ```
/// use upconv_models::picture::{caffe, planes, seen};
/// let (input, rgb) = (caffe([1, 2]), [255, 0, 7, 1, 128, 254]);
/// assert_eq!(seen(&input, &planes(&input, &rgb)), rgb);
/// ```
pub fn seen(input: &Input, x: &[f32]) -> Vec<u8> {
    let channels = input.order.channels();
    let cells = x.len() / channels;
    // Both ends of a byte's range tell what is between them: `reader` is linear.
    let reader: Vec<_> = (0..channels).map(|channel| reader(input, channel)).collect();
    let byte = |channel: usize, cell: usize| {
        let [low, high] = [0.0, 255.0].map(|value| reader[channel](value, cell));
        (255.0 * (x[channel * cells + cell] - low) / (high - low)).round() as u8
    };
    let colours = match input.order {
        Order::Gray => [0; 3],
        Order::Rgb => [0, 1, 2],
        Order::Bgr => [2, 1, 0],
    };
    (0..cells).flat_map(|cell| colours.map(|channel| byte(channel, cell))).collect()
}

/// What [`planes`] makes, of pictures that lie in planes and are not rounded, as augmentation makes them.
///
/// # Shapes
/// `rgb: [n, 3, cells] -> [n, channels, cells]`
pub fn planes_of(input: &Input, rgb: &[f32], cells: usize) -> Vec<f32> {
    let mut planes = Vec::with_capacity(rgb.len() / 3 * input.order.channels());
    for picture in rgb.chunks_exact((3 * cells).max(1)) {
        let (red, rest) = picture.split_at(cells);
        let (green, blue) = rest.split_at(cells);
        for channel in 0..input.order.channels() {
            let read = reader(input, channel);
            let plane = match input.order {
                Order::Gray => {
                    let colours = red.iter().zip(green).zip(blue).enumerate();
                    planes.extend(colours.map(|(cell, ((&r, &g), &b))| {
                        read(grey(r.into(), g.into(), b.into()), cell)
                    }));
                    continue;
                }
                Order::Rgb => [red, green, blue][channel],
                Order::Bgr => [blue, green, red][channel],
            };
            planes.extend(
                plane.iter().enumerate().map(|(cell, &value)| read(f64::from(value), cell)),
            );
        }
    }
    planes
}

/// The same of a picture whose colours lie side by side in 0..1, with its border repeated to the right and below up to
/// multiples of `multiple`; and the height and width that it then has.
///
/// # Shapes
/// `rgb: [h, w, 3] -> [high, wide, channels]`
///
/// # Panics
/// If `rgb` is not of that size, or the size is 0.
///
/// ```
/// use upconv_data::Size;
/// use upconv_models::picture::{caffe, interleaved};
/// let input = caffe([1, 1]);
/// let (x, size) = interleaved(&input, &[1.0, 0.0, 0.0], Size { height: 1, width: 1 }, 2);
/// assert_eq!((&x[3..6], size), (&[-103.939, -116.779, 131.32][..], [2, 2]));
/// ```
pub fn interleaved(
    input: &Input,
    rgb: &[f32],
    Size { height, width }: Size,
    multiple: usize,
) -> (Vec<f32>, [usize; 2]) {
    let [high, wide] = [height, width].map(|size| size.next_multiple_of(multiple.max(1)));
    let readers: Vec<_> =
        (0..input.order.channels()).map(|channel| reader(input, channel)).collect();
    let mut x = Vec::with_capacity(high * wide * readers.len());
    for row in 0..high {
        let line = row.min(height - 1);
        let row = &rgb[line * width * 3..][..width * 3];
        for column in 0..wide {
            let column = column.min(width - 1);
            let [r, g, b] = row.as_chunks::<3>().0[column].map(|value| f64::from(value) * 255.0);
            let cell = line * width + column;
            x.extend(readers.iter().enumerate().map(|(channel, read)| {
                let value = match input.order {
                    Order::Gray => grey(r, g, b),
                    Order::Rgb => [r, g, b][channel],
                    Order::Bgr => [b, g, r][channel],
                };
                read(value, cell)
            }));
        }
    }
    (x, [high, wide])
}

/// Planes with more rows below and columns to the right, up to multiples of `multiple`, which repeat the last ones; and
/// their height and width. [`cropped`] is the way back for what a network makes of them.
///
/// # Shapes
/// `x: [channels, h, w] -> [channels, high, wide]`, any number of channels
///
/// ```
/// use upconv_models::picture::{cropped, padded};
/// let (y, size) = padded(&[1.0, 2.0, 3.0], [1, 3], 2);
/// assert_eq!((&y[..], size), (&[1.0, 2.0, 3.0, 3.0, 1.0, 2.0, 3.0, 3.0][..], [2, 4]));
/// assert_eq!(cropped(&y, size, [1, 3]), [1.0, 2.0, 3.0]);
/// ```
pub fn padded(x: &[f32], [h, w]: [usize; 2], multiple: usize) -> (Vec<f32>, [usize; 2]) {
    let [high, wide] = [h, w].map(|size| size.next_multiple_of(multiple.max(1)));
    let mut y = Vec::with_capacity(x.len() / (h * w).max(1) * high * wide);
    for plane in x.chunks_exact((h * w).max(1)) {
        for row in 0..high {
            let row = &plane[row.min(h - 1) * w..][..w];
            y.extend((0..wide).map(|column| row[column.min(w - 1)]));
        }
    }
    (y, [high, wide])
}

/// The first `h` rows and `w` columns of planes of `high` and `wide`, which are no smaller.
///
/// # Shapes
/// `x: [channels, high, wide] -> [channels, h, w]`, any number of channels
pub fn cropped(x: &[f32], [high, wide]: [usize; 2], [h, w]: [usize; 2]) -> Vec<f32> {
    let rows = x.chunks_exact(wide.max(1)).enumerate().filter(|(row, _)| row % high.max(1) < h);
    rows.flat_map(|(_, row)| row.iter().take(w).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_metadata_counts() {
        let rgb = [255, 0, 0, 0, 255, 51];
        let input = Input {
            order: Order::Gray,
            range: [-1.0, 1.0],
            mean: Some(vec![0.5]),
            std: Some(vec![2.0]),
            ..unit([1, 2])
        };
        // Grey 76.245 and 155.499 of 255.
        let expected = [76.245, 155.499].map(|grey: f64| (grey / 255.0 * 2.0 - 1.5) / 2.0);
        for (got, expected) in planes(&input, &rgb).iter().zip(expected) {
            assert!((f64::from(*got) - expected).abs() < 1e-6);
        }
        // The same pixels in planes.
        let apart = [255.0, 0.0, 0.0, 255.0, 0.0, 51.0];
        for input in [input, caffe([1, 2])] {
            assert_eq!(planes_of(&input, &apart, 2), planes(&input, &rgb));
        }
        let bgr = planes(&Input { mean: None, ..caffe([1, 2]) }, &rgb);
        assert_eq!(bgr, [0.0, 51.0, 0.0, 255.0, 255.0, 0.0]);
    }

    #[test]
    fn a_mean_picture_is_taken_off_every_pixel() {
        let mean = Some(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let input = Input { range: [0.0, 255.0], mean, ..unit([1, 2]) };
        let expected = [9.0, 38.0, 17.0, 46.0, 25.0, 54.0];
        assert_eq!(planes(&input, &[10, 20, 30, 40, 50, 60]), expected);
        assert_eq!(planes_of(&input, &[10.0, 40.0, 20.0, 50.0, 30.0, 60.0], 2), expected);
    }

    #[test]
    fn padding_goes_right_and_down() {
        let x: Vec<f32> = (0..2 * 3 * 5).map(|at| at as f32).collect();
        let (y, size) = padded(&x, [3, 5], 4);
        assert_eq!(size, [4, 8]);
        assert_eq!(y[8..16], [5.0, 6.0, 7.0, 8.0, 9.0, 9.0, 9.0, 9.0]);
        assert_eq!(y[24..32], y[16..24]);
        assert_eq!(cropped(&y, size, [3, 5]), x);
        assert_eq!(padded(&x, [3, 5], 1), (x, [3, 5]));
    }
}
