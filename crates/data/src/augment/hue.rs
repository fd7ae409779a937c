//! Colours turned around the circle of hues.

/// Turns the hue of each pixel of `rgb: [height, width, 3]` by `turns` of the whole circle, in the HSV
/// sense: a third of a turn makes red green. The largest and the smallest value of a pixel stay, so that
/// nothing leaves the range of the values.
///
/// # Source
/// `tf.image.adjust_hue`, TensorFlow 2.21.
///
/// ```
/// let mut rgb = [200.0, 20.0, 20.0];
/// upconv_data::augment::hue::turn(&mut rgb, 1.0 / 6.0);
/// assert_eq!(rgb.map(f32::round), [200.0, 200.0, 20.0]);
/// ```
pub fn turn(rgb: &mut [f32], turns: f32) {
    for pixel in rgb.chunks_exact_mut(3) {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]];
        let max = red.max(green).max(blue);
        let min = red.min(green).min(blue);
        let chroma = max - min;
        if chroma <= 0.0 {
            continue;
        }
        // In sixths of the circle, from red.
        let hue = if max == red {
            (green - blue) / chroma
        } else if max == green {
            2.0 + (blue - red) / chroma
        } else {
            4.0 + (red - green) / chroma
        };
        let hue = (hue + 6.0 * turns).rem_euclid(6.0);
        // A channel is largest within one sixth of its own hue and smallest beyond two.
        for (value, own) in pixel.iter_mut().zip([0.0, 2.0, 4.0]) {
            let distance = (hue - own).abs();
            let distance = distance.min(6.0 - distance);
            // By rounding alone it could lie a little above the largest.
            *value = (min + chroma * (2.0 - distance).clamp(0.0, 1.0)).min(max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::turn;

    fn turned(rgb: [f32; 3], turns: f32) -> [f32; 3] {
        let mut rgb = rgb;
        turn(&mut rgb, turns);
        rgb.map(|value| (value * 100.0).round() / 100.0)
    }

    #[test]
    fn by_the_clock() {
        // Hue 30 degrees; a turn by 0.15 is 54 degrees: 84 degrees, which is 100 + 120 * 0.6 of red.
        assert_eq!(turned([220.0, 160.0, 100.0], 0.0), [220.0, 160.0, 100.0]);
        assert_eq!(turned([220.0, 160.0, 100.0], 0.15), [172.0, 220.0, 100.0]);
        // 30 - 54 = 336 degrees: 24 degrees from red towards magenta.
        assert_eq!(turned([220.0, 160.0, 100.0], -0.15), [220.0, 100.0, 148.0]);
    }

    #[test]
    fn a_third_moves_channels_and_a_whole_turn_changes_nothing() {
        for colour in [[220.0, 160.0, 100.0], [0.0, 255.0, 17.0], [3.0, 2.0, 90.0], [5.0, 5.0, 5.0]]
        {
            let [red, green, blue] = colour;
            assert_eq!(turned(colour, 1.0 / 3.0), [blue, red, green]);
            assert_eq!(turned(colour, -1.0 / 3.0), [green, blue, red]);
            assert_eq!(turned(colour, 1.0), colour);
        }
    }
}
