//! From light to bytes: exposure, vignette, noise, and the curve of sRGB.

use super::scene::Sensor;
use super::vector::V3;
use crate::Size;
use crate::random::Random;

/// The picture that a camera makes of light, `[height, width, 3]`.
pub(crate) fn expose(random: &mut Random, sensor: &Sensor, size: Size, light: &[V3]) -> Vec<u8> {
    let [dark, bright] = sensor.noise;
    let radius = (size.width as f32).hypot(size.height as f32) / 2.0;
    let mut rgb = Vec::with_capacity(light.len() * 3);
    for (place, &light) in light.iter().enumerate() {
        let (row, column) = ((place / size.width) as f32, (place % size.width) as f32);
        let away =
            (column - size.width as f32 / 2.0).hypot(row - size.height as f32 / 2.0) / radius;
        let light = light.times(sensor.gain) * (1.0 - sensor.vignette * away * away);
        for value in light.0 {
            let byte = 255.0 * curve(value);
            let spread = dark + bright * value.clamp(0.0, 1.0).sqrt();
            rgb.push((byte + spread * random.normal() as f32 + 0.5) as u8);
        }
    }
    rgb
}

/// From light, where 1 is white, to what is stored; bright light is bent towards white.
fn curve(value: f32) -> f32 {
    // Straight up to 0.7, then ever slower.
    let soft = if value < 0.7 { value } else { 0.7 + 0.3 * (1.0 - (-(value - 0.7) / 0.3).exp()) };
    let soft = soft.clamp(0.0, 1.0);
    // IEC 61966-2-1.
    if soft <= 0.003_130_8 { 12.92 * soft } else { 1.055 * soft.powf(1.0 / 2.4) - 0.055 }
}
