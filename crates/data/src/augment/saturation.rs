//! Colours stronger or paler.

/// Multiplies the saturation of each pixel of `rgb: [height, width, 3]`, in the HSV sense, by `factor`;
/// at most to 1. The largest value of a pixel stays, so that nothing leaves the range of the values.
///
/// Saturation is `(max - min) / max`, so that the distance of each channel from the largest changes by
/// the same factor as it.
///
/// # Source
/// `tf.image.adjust_saturation`, TensorFlow 2.21.
///
/// ```
/// // Saturations 0.4 and 0.8, which would become 1.6.
/// let mut rgb = [100.0, 60.0, 80.0, 10.0, 50.0, 30.0];
/// upconv_data::augment::saturation::scale(&mut rgb, 2.0);
/// assert_eq!(rgb, [100.0, 20.0, 60.0, 0.0, 50.0, 25.0]);
/// ```
pub fn scale(rgb: &mut [f32], factor: f32) {
    for pixel in rgb.chunks_exact_mut(3) {
        let max = pixel[0].max(pixel[1]).max(pixel[2]);
        let chroma = max - pixel[0].min(pixel[1]).min(pixel[2]);
        if max <= 0.0 || chroma <= 0.0 {
            continue;
        }
        let factor = factor.clamp(0.0, max / chroma);
        for value in pixel {
            // By rounding alone it could lie a little below 0.
            *value = (max - (max - *value) * factor).max(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::scale;

    #[test]
    fn none_is_grey_and_one_changes_nothing() {
        let mut rgb = [10.0, 200.0, 30.0, 7.0, 7.0, 7.0, 0.0, 0.0, 0.0];
        scale(&mut rgb, 1.0);
        assert_eq!(rgb, [10.0, 200.0, 30.0, 7.0, 7.0, 7.0, 0.0, 0.0, 0.0]);
        scale(&mut rgb, 0.0);
        assert_eq!(rgb, [200.0, 200.0, 200.0, 7.0, 7.0, 7.0, 0.0, 0.0, 0.0]);
    }
}
