//! Value noise: random numbers at whole coordinates, smooth in between.

/// A number in 0..1 for whole coordinates, by mixing bits.
pub(crate) fn hash(x: i32, y: i32, seed: u32) -> f32 {
    let mut bits = (x as u32).wrapping_mul(0x85eb_ca6b)
        ^ (y as u32).wrapping_mul(0xc2b2_ae35).rotate_left(13)
        ^ seed.wrapping_mul(0x27d4_eb2f);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2c1b_3c6d);
    bits = (bits ^ (bits >> 12)).wrapping_mul(0x297a_2d39);
    ((bits ^ (bits >> 15)) >> 8) as f32 / (1 << 24) as f32
}

/// Noise in 0..1 with mean 1/2, whose bumps are about one unit wide.
pub(crate) fn value(x: f32, y: f32, seed: u32) -> f32 {
    let (left, below) = (x.floor(), y.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (along, up) = (smooth(x - left), smooth(y - below));
    // A cast saturates; coordinates are metres.
    let (i, j) = (left as i32, below as i32);
    let (k, l) = (i.wrapping_add(1), j.wrapping_add(1));
    let bottom = hash(i, j, seed) * (1.0 - along) + hash(k, j, seed) * along;
    let top = hash(i, l, seed) * (1.0 - along) + hash(k, l, seed) * along;
    bottom * (1.0 - up) + top * up
}

/// Noise in -1/2..1/2 with bumps of a width in metres, which fades where a pixel covers more.
pub(crate) fn bumps(x: f32, y: f32, width: f32, footprint: f32, seed: u32) -> f32 {
    let seen = (width / footprint.max(1e-6) - 0.5).clamp(0.0, 1.0);
    if seen == 0.0 {
        return 0.0;
    }
    (value(x / width, y / width, seed) - 0.5) * seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_passes_through_its_grid_and_has_the_mean_of_a_half() {
        assert_eq!(value(3.0, -7.0, 5), hash(3, -7, 5));
        let middle = (hash(3, -7, 5) + hash(4, -7, 5)) / 2.0;
        assert!((value(3.5, -7.0, 5) - middle).abs() < 1e-6);
        let mean = (0..10_000).map(|i| hash(i % 100, i / 100, 9)).sum::<f32>() / 1e4;
        // Within five deviations of 1 / sqrt(12 * 10^4).
        assert!((mean - 0.5).abs() < 0.015, "{mean}");
        assert_eq!(bumps(0.3, 0.3, 0.1, 1.0, 0), 0.0);
    }
}
