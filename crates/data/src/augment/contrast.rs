//! More or less contrast.

/// Stretches each channel of `rgb: [height, width, 3]` around its mean by `factor`. Values may leave
/// 0..255.
///
/// # Source
/// `tf.image.adjust_contrast`, TensorFlow 2.21, on floats.
///
/// ```
/// // Means 20, 6 and 30.
/// let mut rgb = [10.0, 6.0, 0.0, 30.0, 6.0, 60.0];
/// upconv_data::augment::contrast::stretch(&mut rgb, 0.5);
/// assert_eq!(rgb, [15.0, 6.0, 15.0, 25.0, 6.0, 45.0]);
/// ```
pub fn stretch(rgb: &mut [f32], factor: f32) {
    let pixels = (rgb.len() / 3) as f64;
    let mut sums = [0.0f64; 3];
    for pixel in rgb.chunks_exact(3) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += f64::from(value);
        }
    }
    let means = sums.map(|sum| (sum / pixels) as f32);
    for pixel in rgb.chunks_exact_mut(3) {
        for (value, mean) in pixel.iter_mut().zip(means) {
            *value = (*value - mean) * factor + mean;
        }
    }
}
