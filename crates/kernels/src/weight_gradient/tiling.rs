//! How rows and registers are cut into tiles, and how the sum of a tile is made.

use std::ops::Range;

use super::shape::STEPS;
use crate::simd::Detected;
use crate::simd::tile::{MAX_TILE, ROWS, Starts, Tile};

/// The height of tiles and the most registers of a row of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    pub(super) height: usize,
    pub(super) vectors: usize,
}

/// A part of the rows: `height` of them from `first` on; some behind the last do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) first: usize,
    pub(super) height: usize,
}

/// A part of the registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Vectors {
    pub(super) first: usize,
    pub(super) number: usize,
}

/// What a step of a tile takes, in multiply-adds of a register: at least its loads, and the time until a
/// sum can be added to again.
fn step(height: usize, vectors: usize) -> f64 {
    let loads = (height + vectors) as f64;
    ((height * vectors) as f64).max(1.2 * loads).max(6.0) + 0.05 * loads
}

impl Tiling {
    /// The one that computes `rows` by `vectors` at least cost, and that cost, in multiply-adds of a
    /// register.
    pub(super) fn new(isa: Detected, rows: usize, vectors: usize) -> (Self, f64) {
        let mut best: Option<(Self, f64)> = None;
        for height in ROWS.into_iter().rev() {
            let tiling = Self { height, vectors: isa.vectors(height) };
            // There are at most two kinds of either, so that few pairs have to be looked at.
            let heights = counted(tiling.rows(rows).into_iter().map(|rows| rows.height));
            let numbers = counted(tiling.vectors(vectors).into_iter().map(|v| v.number));
            let pairs = heights.iter().flat_map(|h| numbers.iter().map(move |n| (h, n)));
            let cost = pairs.map(|(&(h, i), &(n, j))| (i * j) as f64 * step(h, n)).sum::<f64>();
            // Low tiles go through the registers more often.
            let cost = cost * (1.0 + 0.5 / height as f64);
            if best.is_none_or(|(_, least)| cost < least) {
                best = Some((tiling, cost));
            }
        }
        best.unwrap_or((Self { height: 1, vectors: 1 }, f64::MAX))
    }

    /// Rows cut into tiles; all but the last have the full height.
    pub(super) fn rows(&self, rows: usize) -> Vec<Rows> {
        let part = |first| match rows - first {
            left if left < self.height => Rows { first, height: Detected::height_of_rest(left) },
            _ => Rows { first, height: self.height },
        };
        (0..rows).step_by(self.height).map(part).collect()
    }

    /// Registers cut into parts of about equal number, as narrow tiles cannot hide the delays of their
    /// sums.
    pub(super) fn vectors(&self, vectors: usize) -> Vec<Vectors> {
        cut_evenly(vectors, self.vectors)
    }
}

impl Vectors {
    /// Values in these registers.
    pub(super) fn width(&self, isa: Detected) -> usize {
        self.number * isa.lanes()
    }

    /// Which of `channels` channels lie in them.
    pub(super) fn channels(&self, isa: Detected, channels: usize) -> Range<usize> {
        let first = self.first * isa.lanes();
        first..(first + self.width(isa)).min(channels)
    }
}

/// Parts of at most `most`, that differ by one at most.
pub(super) fn cut_evenly(all: usize, most: usize) -> Vec<Vectors> {
    let parts = all.div_ceil(most);
    let mut first = 0;
    let part = |n: usize| {
        let number = all / parts + usize::from(n < all % parts);
        first += number;
        Vectors { first: first - number, number }
    };
    (0..parts).map(part).collect()
}

/// Rows of tiles together, those that do not exist included.
pub(super) fn padded(rows: &[Rows]) -> usize {
    rows.last().map_or(0, |last| last.first + last.height)
}

fn counted(all: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for one in all {
        match counts.iter_mut().find(|(value, _)| *value == one) {
            Some((_, count)) => *count += 1,
            None => counts.push((one, 1)),
        }
    }
    counts
}

/// Sums a tile over all its runs, in parts of at most [`STEPS`] steps, and adds that to `sums`, or writes it
/// if it is the `first`.
pub(super) fn add(isa: Detected, tile: &Tile<'_>, mut first: bool, sums: &mut [f32]) {
    let (a_runs, b_runs) = (tile.a_runs.all(), tile.b_runs.all());
    if tile.steps > 0 && !a_runs.is_empty() {
        let together = (STEPS / tile.steps).max(1);
        let parts = a_runs.len().div_ceil(together);
        let together = a_runs.len().div_ceil(parts);
        for (a_runs, b_runs) in a_runs.chunks(together).zip(b_runs.chunks(together)) {
            let part = match parts {
                1 => Tile { ..*tile },
                _ => Tile { a_runs: Starts::new(a_runs), b_runs: Starts::new(b_runs), ..*tile },
            };
            if first {
                isa.tile(&part, sums);
            } else {
                let mut own = [0.0; MAX_TILE];
                isa.tile(&part, &mut own);
                isa.add(&own[..sums.len()], sums);
            }
            first = false;
        }
    }
    if first {
        sums.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_and_register_is_in_one_tile() {
        let tiling = Tiling { height: 8, vectors: 3 };
        for rows in 1..50 {
            let tiles = tiling.rows(rows);
            assert!(padded(&tiles) >= rows && tiles.iter().all(|tile| tile.first < rows));
            assert!(tiles.windows(2).all(|two| two[0].first + two[0].height == two[1].first));
        }
        let parts = tiling.vectors(7);
        assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [3, 2, 2]);
        assert_eq!(parts[2].first, 5);
    }
}
