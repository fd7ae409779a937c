//! Buffers that begin with a cache line.

use std::collections::TryReserveError;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the largest register.
const LINE: usize = 64;
/// Values of a cache line: what an allocation has more than its length.
const ROOM: usize = LINE / size_of::<f32>();

/// Values of which the first begins a cache line, so that no register of a row straddles two of them. Plans
/// work with any slice; with such ones they read and write a little faster.
///
/// ```
/// let mut y = upconv_kernels::Aligned::zeros(5);
/// y[4] = 1.5;
/// assert_eq!(*y, [0.0, 0.0, 0.0, 0.0, 1.5]);
/// assert_eq!(y.as_ptr() as usize % 64, 0);
/// ```
#[derive(Debug, Default)]
pub struct Aligned {
    values: Vec<f32>,
    first: usize,
    length: usize,
}

impl Aligned {
    /// So many zeros.
    pub fn zeros(length: usize) -> Self {
        Self::new(vec![0.0; length + ROOM], length)
    }

    /// So many zeros, if there is memory for them.
    ///
    /// # Errors
    /// If there is not.
    pub fn try_zeros(length: usize) -> Result<Self, TryReserveError> {
        let mut values = Vec::new();
        values.try_reserve_exact(length.saturating_add(ROOM))?;
        values.resize(length + ROOM, 0.0);
        Ok(Self::new(values, length))
    }

    fn new(values: Vec<f32>, length: usize) -> Self {
        // At most `ROOM - 1`, as the allocation is aligned for f32; 0 if that cannot be told.
        let first = values.as_ptr().align_offset(LINE);
        let first = if first < ROOM { first } else { 0 };
        Self { values, first, length }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.first..self.first + self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.first..self.first + self.length]
    }
}

impl From<&[f32]> for Aligned {
    fn from(values: &[f32]) -> Self {
        let mut aligned = Self::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        // Another allocation may begin elsewhere in its line.
        Self::from(&**self)
    }
}
