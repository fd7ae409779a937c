//! Brightness, contrast, hue and saturation.
//!
//! All of them work on `[height, width, 3]`, red, green, blue, in 0..255, not rounded.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// From one number to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Range {
    /// A number of it, each as likely as any other.
    pub fn draw(self, random: &mut Random) -> f32 {
        random.between(self.min, self.max) as f32
    }
}
