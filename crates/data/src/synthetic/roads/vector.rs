//! Points, directions and colours of three numbers.

use std::ops::{Add, Mul, Sub};

/// A point or a direction (x right, y up, z forward), or a colour (red, green, blue).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct V3(pub(crate) [f32; 3]);

impl V3 {
    /// Three equal numbers.
    pub(crate) const fn all(value: f32) -> Self {
        Self([value; 3])
    }

    pub(crate) fn dot(self, other: Self) -> f32 {
        let (a, b) = (self.0, other.0);
        a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    }

    pub(crate) fn unit(self) -> Self {
        self * (1.0 / self.dot(self).sqrt().max(1e-12))
    }

    /// Number by number.
    pub(crate) fn times(self, other: Self) -> Self {
        Self(std::array::from_fn(|axis| self.0[axis] * other.0[axis]))
    }

    /// This at 0, the other at 1.
    pub(crate) fn mix(self, other: Self, share: f32) -> Self {
        self + (other - self) * share
    }
}

impl Add for V3 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|axis| self.0[axis] + other.0[axis]))
    }
}

impl Sub for V3 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|axis| self.0[axis] - other.0[axis]))
    }
}

impl Mul<f32> for V3 {
    type Output = Self;

    fn mul(self, factor: f32) -> Self {
        Self(self.0.map(|value| value * factor))
    }
}
