//! From a picture of any size to the inputs of a classifier.

use upconv_data::{Size, resize};
use upconv_weights::metadata::{Fit, Input, Resize};

use crate::picture;

/// Which parts of a picture are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Crop {
    /// The middle.
    #[default]
    Center,
    /// The corners and the middle, and the same mirrored.
    Ten,
}

impl Crop {
    /// How many parts.
    pub fn count(self) -> usize {
        match self {
            Self::Center => 1,
            Self::Ten => 10,
        }
    }
}

/// Where the parts of a picture begin, and whether they are mirrored: top left, top right, bottom left, bottom right and
/// the middle, then the same mirrored. Half a cell too much in the middle goes to the end.
///
/// # Source
/// BVLC/caffe, `python/caffe/io.py`, `oversample`, and `classifier.py` for the middle alone.
///
/// ```
/// use upconv_models::classify::{Crop, parts};
/// let all = parts(Crop::Ten, [256, 256], [227, 227]);
/// assert_eq!(all[..3], [([0, 0], false), ([0, 29], false), ([29, 0], false)]);
/// assert_eq!((all[4], all[9]), (([14, 14], false), ([14, 14], true)));
/// assert_eq!(parts(Crop::Center, [300, 256], [224, 224]), [([38, 16], false)]);
/// ```
pub fn parts(crop: Crop, [h, w]: [usize; 2], [high, wide]: [usize; 2]) -> Vec<([usize; 2], bool)> {
    let [below, right] = [h.saturating_sub(high), w.saturating_sub(wide)];
    let middle = [below / 2, right / 2];
    match crop {
        Crop::Center => vec![(middle, false)],
        Crop::Ten => {
            let places = [[0, 0], [0, right], [below, 0], [below, right], middle];
            [false, true].into_iter().flat_map(|m| places.map(|place| (place, m))).collect()
        }
    }
}

/// Pixels of the largest picture that parts are cut out of: a thousand times those of an input of 256 x 256.
const LARGEST: usize = 1 << 26;

/// The size that a picture is brought to before parts are cut out of it.
///
/// ```
/// use upconv_models::{classify::scaled, picture};
/// use upconv_weights::metadata::{Fit, Input};
/// let input = Input { fit: Fit::Crop, short_side: Some(256), ..picture::unit([224, 224]) };
/// assert_eq!(scaled(&input, [480, 640]), Ok([256, 341]));
/// assert_eq!(scaled(&Input { short_side: None, ..input.clone() }, [480, 640]), Ok([224, 299]));
/// assert_eq!(scaled(&Input { fit: Fit::Stretch, ..input }, [480, 640]), Ok([256, 256]));
/// ```
///
/// # Errors
/// A picture so narrow that it would become too large; one that is to be fitted into the input, or to be scaled to less than is cut out of it.
pub fn scaled(input: &Input, [h, w]: [usize; 2]) -> Result<[usize; 2], String> {
    let [high, wide] = input.size;
    if let Some(short) = input.short_side.filter(|&short| short < high.max(wide)) {
        return Err(format!("input.short_side: {short} is less than the input of {high} x {wide}"));
    }
    let [to_h, to_w] = match (input.fit, input.short_side) {
        (Fit::Stretch, short) => short.map_or(input.size, |short| [short, short]),
        (Fit::Crop, Some(short)) => match h <= w {
            true => [short, rounded(w, short, h)],
            false => [rounded(h, short, w), short],
        },
        // The side that needs the larger factor decides.
        (Fit::Crop, None) => match high as u128 * w as u128 >= wide as u128 * h as u128 {
            true => [high, rounded(w, high, h).max(wide)],
            false => [rounded(h, wide, w).max(high), wide],
        },
        (Fit::Letterbox, _) => {
            return Err("input.fit: letterbox; legal here: stretch, crop".into());
        }
    };
    if to_h.saturating_mul(to_w) > LARGEST {
        let reason = "would be too large when its shorter side fills the input";
        return Err(format!("a picture of {h} x {w} {reason}: {to_h} x {to_w}"));
    }
    Ok([to_h, to_w])
}

/// `length * to / from`, to the nearest.
fn rounded(length: usize, to: usize, from: usize) -> usize {
    let (length, to, from) = (length as u128, to as u128, from.max(1) as u128);
    usize::try_from((length * to + from / 2) / from).unwrap_or(usize::MAX).max(1)
}

/// The inputs that a classifier makes of a picture, one behind the other.
///
/// # Shapes
/// `rgb: [height, width, 3] -> [parts, channels, h, w]`
///
/// # Errors
/// A buffer that does not fit; a setting of `input` that is not for pictures as these.
pub fn inputs(input: &Input, crop: Crop, rgb: &[u8], size: Size) -> Result<Vec<f32>, String> {
    let [h, w] = scaled(input, [size.height, size.width])?;
    let [high, wide] = input.size;
    if crop == Crop::Center && [h, w] == [high, wide] && size == (Size { height: h, width: w }) {
        // Nothing is cut and nothing interpolated.
        return match rgb.len() == 3 * h * w {
            true => Ok(picture::planes(input, rgb)),
            false => Err(format!("{} values for a picture of {size}", rgb.len())),
        };
    }
    let to = Size { height: h, width: w };
    let whole = match input.resize {
        Resize::Bilinear => resize::to_network(rgb, size, to),
        Resize::BilinearAntialias => resize::antialiased(rgb, size, to)
            .map(|bytes| bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect()),
        Resize::Nearest | Resize::Bicubic | Resize::Area => {
            let legal = "bilinear, bilinear_antialias";
            return Err(format!("input.resize: legal for classifiers: {legal}"));
        }
    };
    let whole = whole.map_err(|error| error.to_string())?;
    let mut planes = Vec::with_capacity(crop.count() * 3 * high * wide);
    for ([top, left], mirrored) in parts(crop, [h, w], input.size) {
        for channel in 0..3 {
            for row in whole.chunks_exact(3 * w).skip(top).take(high) {
                let value = |column: usize| 255.0 * row[3 * (left + column) + channel];
                match mirrored {
                    false => planes.extend((0..wide).map(value)),
                    true => planes.extend((0..wide).rev().map(value)),
                }
            }
        }
    }
    Ok(picture::planes_of(input, &planes, high * wide))
}
