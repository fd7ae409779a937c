//! What a network that separates people from the background must offer.

use crate::Size;

/// A network that gives, for each pixel, the probability that it belongs to what is wanted.
///
/// It is behind a trait so that reading and writing pictures knows no network.
///
/// ```
/// use upconv_data::{Segment, Size};
///
/// /// Takes bright pixels for the person.
/// struct Bright;
///
/// impl Segment for Bright {
///     fn name(&self) -> &str {
///         "bright"
///     }
///     fn input_size(&self, photo: Size) -> Size {
///         photo
///     }
///     fn probabilities(&self, rgb: &[f32], _size: Size) -> Result<Vec<f32>, String> {
///         Ok(rgb.chunks_exact(3).map(|pixel| pixel.iter().sum::<f32>() / 3.0).collect())
///     }
/// }
///
/// let above_white_below_black = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
/// let size = Size { height: 2, width: 1 };
/// assert_eq!(Bright.probabilities(&above_white_below_black, size), Ok(vec![1.0, 0.0]));
/// ```
pub trait Segment: Sync {
    /// The model's name, as `--model` takes it.
    fn name(&self) -> &str;

    /// The size that a photo is stretched to, which may depend on its own.
    fn input_size(&self, photo: Size) -> Size;

    /// Bytes that [`probabilities`](Self::probabilities) takes for an input of that size, estimated: pictures wait for
    /// each other's.
    fn bytes(&self, _input: Size) -> u64 {
        0
    }

    /// Probabilities for one photo; called from several threads at a time.
    ///
    /// # Shapes
    /// `rgb: [h, w, 3]`, in 0..1, `-> [h, w]`, in 0..1, with `size` the input size `h`, `w`.
    ///
    /// # Errors
    /// One line for people.
    fn probabilities(&self, rgb: &[f32], size: Size) -> Result<Vec<f32>, String>;
}
