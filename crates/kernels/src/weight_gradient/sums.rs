//! Sums over many blocks, and buffers that tasks hand on to each other.

use std::ops::Range;

use rayon::prelude::*;

/// The sums of one task.
///
/// In f32 over a few blocks, then in f64: so the error of a sum does not grow with its length.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) values: Vec<f32>,
    /// Empty if there are few blocks.
    total: Vec<f64>,
    /// Blocks in `values`.
    blocks: usize,
}

/// Blocks that are added up in f32; of each there are up to four sums of [`super::shape::STEPS`] products.
const BLOCKS: usize = 16;

impl Sums {
    /// Bytes for so many sums.
    pub(super) fn bytes(sums: usize, blocks: Option<&Range<usize>>) -> usize {
        let long = blocks.is_some_and(|blocks| blocks.len() > BLOCKS);
        sums * (size_of::<f32>() + if long { size_of::<f64>() } else { 0 })
    }

    /// The first values, whatever they hold.
    pub(super) fn first(&mut self, length: usize) -> &mut [f32] {
        if self.values.len() < length {
            self.values.resize(length, 0.0);
        }
        &mut self.values[..length]
    }

    /// Makes room for `length` sums over some blocks.
    pub(super) fn start(&mut self, length: usize, blocks: &Range<usize>) {
        self.values.resize(length, 0.0);
        self.total.clear();
        if blocks.len() > BLOCKS {
            self.total.resize(length, 0.0);
        }
        self.blocks = 0;
    }

    /// Where the next block is added, and whether it is written over what is there.
    pub(super) fn next(&mut self) -> (bool, &mut [f32]) {
        if self.blocks == BLOCKS && !self.total.is_empty() {
            self.flush();
        }
        self.blocks += 1;
        (self.blocks == 1, &mut self.values)
    }

    /// After it all sums are in `values`.
    pub(super) fn finish(&mut self) {
        if !self.total.is_empty() {
            self.flush();
            self.values.iter_mut().zip(&self.total).for_each(|(value, &sum)| *value = sum as f32);
        }
    }

    fn flush(&mut self) {
        let values = self.total.iter_mut().zip(&self.values);
        values.for_each(|(sum, &value)| *sum += f64::from(value));
        self.blocks = 0;
    }
}

/// Values that a thread adds up together.
const TOGETHER: usize = 1 << 14;
/// Values that are added up in registers.
const FEW: usize = 32;

/// Adds the sums of all parts, in their order, to those of the first.
pub(super) fn add_up(parts: &mut [Sums]) {
    let Some((first, others)) = parts.split_first_mut() else { return };
    let others: Vec<&[f32]> = others.iter().map(|part| &part.values[..]).collect();
    first.values.par_chunks_mut(TOGETHER).enumerate().for_each(|(n, values)| {
        for (m, values) in values.chunks_mut(FEW).enumerate() {
            let at = n * TOGETHER + m * FEW;
            let mut sums = [0.0f64; FEW];
            sums.iter_mut().zip(&*values).for_each(|(sum, &value)| *sum = f64::from(value));
            for part in &others {
                let values = &part[at..at + values.len()];
                sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            values.iter_mut().zip(sums).for_each(|(value, sum)| *value = sum as f32);
        }
    });
}
