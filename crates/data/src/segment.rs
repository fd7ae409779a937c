//! What a network that separates people from the background must offer, and what it finds on a photo.

use std::time::{Duration, Instant};

use crate::error::DataError;
use crate::{Picture, Size, resize};

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
pub trait Segment: Send + Sync {
    /// The model's name, as `--model` takes it.
    fn name(&self) -> &str;

    /// The size that a photo is stretched to, which may depend on its own.
    fn input_size(&self, photo: Size) -> Size;

    /// Bytes that [`probabilities`](Self::probabilities) takes for an input of that size, estimated: pictures wait for
    /// each other's.
    fn bytes(&self, _input: Size) -> u64 {
        0
    }

    /// Whether an input of that size is run in parts.
    fn is_cut(&self, _input: Size) -> bool {
        false
    }

    /// Probabilities for one photo; called from several threads at a time.
    ///
    /// # Shapes
    /// `rgb: [h, w, 3]`, in 0..1, `-> [h, w]`, in 0..1, with `size` the input size `h`, `w`.
    ///
    /// # Errors
    /// One line for people.
    fn probabilities(&self, rgb: &[f32], size: Size) -> Result<Vec<f32>, String>;

    /// The same, given up between two parts of the work once nobody wants it any more. `None` if it was; a network that
    /// does its work in one go never gives up.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    fn probabilities_while(
        &self,
        rgb: &[f32],
        size: Size,
        _wanted: &dyn Fn() -> bool,
    ) -> Result<Option<Vec<f32>>, String> {
        self.probabilities(rgb, size).map(Some)
    }
}

/// What a network found on a photo.
#[derive(Clone, Debug)]
pub struct Found {
    /// Rows and columns of the network's input.
    pub input_size: Size,
    /// What the network saw, `[h, w, 3]`, in 0..1, of that size.
    pub input: Vec<f32>,
    /// What it said of that, `[h, w]`, in 0..1, of the same size.
    pub probabilities: Vec<f32>,
    /// The same stretched to the photo's size, `[height, width]`.
    pub mask: Vec<f32>,
    /// What stretching took, there and back.
    pub resize: Duration,
    /// What the network took.
    pub network: Duration,
}

impl Found {
    /// Runs a network on a photo, laid on white, for as long as it is wanted; `None` if it no longer was.
    ///
    /// # Errors
    /// What the network says, and an answer of its that is no mask.
    ///
    /// ```
    /// use upconv_data::{Found, Picture, Segment, Size};
    ///
    /// /// Takes red for the person, and looks at half of the pixels.
    /// struct Red;
    /// impl Segment for Red {
    ///     fn name(&self) -> &str {
    ///         "red"
    ///     }
    ///     fn input_size(&self, photo: Size) -> Size {
    ///         Size { height: photo.height / 2, width: photo.width }
    ///     }
    ///     fn probabilities(&self, rgb: &[f32], _size: Size) -> Result<Vec<f32>, String> {
    ///         Ok(rgb.chunks_exact(3).map(|pixel| pixel[0]).collect())
    ///     }
    /// }
    ///
    /// let rgb = vec![255, 0, 0, 51, 0, 0];
    /// let photo = Picture { width: 1, height: 2, rgb, alpha: None };
    /// let found = Found::on(&Red, &photo, &|| true)?.expect("it is wanted");
    /// // The mean of 1 and 0.2, stretched to both pixels.
    /// assert_eq!((found.probabilities, found.mask), (vec![0.6], vec![0.6, 0.6]));
    /// assert!(Found::on(&Red, &photo, &|| false)?.is_none());
    /// # Ok::<(), upconv_data::DataError>(())
    /// ```
    pub fn on(
        net: &dyn Segment,
        photo: &Picture,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, DataError> {
        if !wanted() {
            return Ok(None);
        }
        let (size, input_size) = (photo.size(), net.input_size(photo.size()));
        let mut begun = Instant::now();
        let mut lap = || std::mem::replace(&mut begun, Instant::now()).elapsed();
        let input = resize::to_network(&photo.on_white(), size, input_size)?;
        let there = lap();
        let answer = net.probabilities_while(&input, input_size, wanted);
        let Some(probabilities) = answer.map_err(DataError::Network)? else { return Ok(None) };
        check(&probabilities, input_size)?;
        let network = lap();
        let mask = resize::to_photo(&probabilities, input_size, size)?;
        let resize = there + lap();
        Ok(Some(Self { input_size, input, probabilities, mask, resize, network }))
    }

    /// The [`share`](Self::share) of each of the thresholds `0, 1/steps, 2/steps, ... 1`, in one go.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use upconv_data::{Found, Size};
    /// # let size = Size { height: 1, width: 4 };
    /// # let found = |probabilities| Found { input_size: size, input: vec![], probabilities, mask: vec![], resize: Duration::ZERO, network: Duration::ZERO };
    /// // All are at or above 0, three at or above a half, one is 1.
    /// assert_eq!(found(vec![0.1, 0.5, 0.75, 1.0]).shares(2), [1.0, 0.75, 0.25]);
    /// ```
    pub fn shares(&self, steps: usize) -> Vec<f64> {
        let threshold = |step: usize| step as f32 / steps as f32;
        let mut counts = vec![0_u64; steps + 1];
        for &p in &self.probabilities {
            // The product is a step off at most.
            let near = ((p * steps as f32) as usize + 1).min(steps);
            let reached = (0..=near).rev().find(|&step| threshold(step) <= p);
            counts[reached.unwrap_or(0)] += 1;
        }
        let mut over = 0;
        for count in counts.iter_mut().rev() {
            over += *count;
            *count = over;
        }
        counts.iter().map(|&count| count as f64 / self.probabilities.len() as f64).collect()
    }

    /// Pixels at or above a threshold by all pixels, both of the network's answer, before it is stretched.
    pub fn share(&self, threshold: f32) -> f64 {
        let over = self.probabilities.iter().filter(|&&p| p >= threshold).count();
        over as f64 / self.probabilities.len() as f64
    }
}

/// That a network's answer is a mask.
fn check(mask: &[f32], size: Size) -> Result<(), DataError> {
    if mask.len() != size.pixels() || mask.is_empty() {
        let (what, got) = ("the network's mask", mask.len());
        return Err(DataError::BufferLength { what, size, channels: 1, got });
    }
    match mask.iter().position(|p| !(0.0..=1.0).contains(p)) {
        None => Ok(()),
        Some(place) => {
            let (row, column) = (place / size.width, place % size.width);
            Err(DataError::NoProbability { row, column, got: mask[place] })
        }
    }
}
