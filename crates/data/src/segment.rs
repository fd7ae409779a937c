//! What a network that separates people from the background must offer.

/// A network that gives, for each pixel, the probability that it belongs to what is wanted.
///
/// It is behind a trait so that reading and writing pictures knows no network.
///
/// ```
/// use upconv_data::Segment;
///
/// /// Takes bright pixels for the person.
/// struct Bright;
///
/// impl Segment for Bright {
///     fn name(&self) -> &str {
///         "bright"
///     }
///     fn input_size(&self) -> (usize, usize) {
///         (2, 1)
///     }
///     fn probabilities(&self, rgb: &[f32]) -> Result<Vec<f32>, String> {
///         Ok(rgb.chunks_exact(3).map(|pixel| pixel.iter().sum::<f32>() / 3.0).collect())
///     }
/// }
///
/// let above_white_below_black = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
/// assert_eq!(Bright.probabilities(&above_white_below_black), Ok(vec![1.0, 0.0]));
/// ```
pub trait Segment: Sync {
    /// The model's name, as `--model` takes it.
    fn name(&self) -> &str;

    /// Height and width that photos are stretched to.
    fn input_size(&self) -> (usize, usize);

    /// Probabilities for one photo; called from several threads at a time.
    ///
    /// # Shapes
    /// `rgb: [h, w, 3]`, in 0..1, `-> [h, w]`, in 0..1, with `(h, w)` the input size.
    ///
    /// # Errors
    /// One line for people.
    fn probabilities(&self, rgb: &[f32]) -> Result<Vec<f32>, String>;
}
