//! Brighter or darker.

/// Adds `delta` to each value of `rgb`, which is in 0..255. Values may leave that range.
///
/// # Source
/// `tf.image.adjust_brightness`, TensorFlow 2.21, on floats.
///
/// ```
/// let mut rgb = [0.0, 100.0, 250.0];
/// upconv_data::augment::brightness::add(&mut rgb, 10.0);
/// assert_eq!(rgb, [10.0, 110.0, 260.0]);
/// ```
pub fn add(rgb: &mut [f32], delta: f32) {
    for value in rgb {
        *value += delta;
    }
}
