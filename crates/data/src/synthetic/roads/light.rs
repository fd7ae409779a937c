//! Sun, sky and haze.

use super::vector::V3;
use crate::synthetic::noise;

/// How bright the sky is beside a lit white wall.
const SKY: f32 = 0.72;

/// The light of a scene; colours are relative to a white that fully lights a picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    /// Towards the sun, of length 1.
    pub(crate) sun: V3,
    /// What the sun adds on a surface that faces it.
    pub(crate) sun_colour: V3,
    /// What the sky adds everywhere.
    pub(crate) sky_colour: V3,
    /// The sky straight above.
    pub(crate) zenith: V3,
    /// The sky at the horizon, and haze.
    pub(crate) horizon: V3,
    /// Metres after which haze hides two thirds.
    pub(crate) haze: f32,
    /// Share of the sky under clouds, 0..1.
    pub(crate) clouds: f32,
    pub(crate) seed: u32,
}

impl Light {
    /// The light on a surface of a normal of length 1; `sunlit` is the share of the sun that comes through.
    pub(crate) fn on(&self, normal: V3, sunlit: f32) -> V3 {
        // Walls see half of the sky, and the ground lights them a little.
        let open = 0.75 + 0.25 * normal.0[1];
        self.sky_colour * open + self.sun_colour * (normal.dot(self.sun).max(0.0) * sunlit)
    }

    /// A colour at a distance.
    pub(crate) fn through_haze(&self, colour: V3, distance: f32) -> V3 {
        colour.mix(self.horizon, 1.0 - (-distance / self.haze).exp())
    }

    /// The sky in a direction of length 1 that does not point down.
    pub(crate) fn sky(&self, direction: V3) -> V3 {
        let V3([x, y, z]) = direction;
        let up = y.max(0.0);
        let clear = self.horizon.mix(self.zenith, up.sqrt().min(1.0));
        // Clouds lie on a plane far above.
        let reach = 1.0 / (up + 0.06);
        let (u, v) = (x * reach * 1.5, z * reach * 1.5);
        let thick = 0.55 * noise::value(u * 0.5, v * 0.5, self.seed)
            + 0.3 * noise::value(u * 1.3, v * 1.3, self.seed ^ 1)
            + 0.15 * noise::value(u * 3.7, v * 3.7, self.seed ^ 2);
        let cover = ((thick - 0.85 + 0.7 * self.clouds) * 4.0).clamp(0.0, 1.0);
        let cloud = self.horizon.mix(V3::all(0.95), 0.6) * (1.05 - 0.35 * (thick - 0.4).max(0.0));
        let glow = direction.dot(self.sun).max(0.0).powi(24);
        clear.mix(cloud, cover) * SKY + self.sun_colour * (0.35 * glow)
    }

    /// Hills or woods far away: how high they stand above the horizon in a direction, as a tangent, and
    /// their colour.
    pub(crate) fn skyline(&self, direction: V3) -> (f32, V3) {
        let V3([x, _, z]) = direction;
        let bearing = x.atan2(z);
        let high = noise::value(bearing * 3.0, 0.0, self.seed ^ 3) * 0.06
            + noise::value(bearing * 40.0, 1.0, self.seed ^ 4) * 0.012;
        let woods =
            V3([0.05, 0.08, 0.04]) * (0.8 + 0.4 * noise::value(bearing * 90.0, 2.0, self.seed));
        let lit = woods.times(self.sky_colour + self.sun_colour * 0.4);
        (high - 0.015, lit.mix(self.horizon, 0.45))
    }
}
