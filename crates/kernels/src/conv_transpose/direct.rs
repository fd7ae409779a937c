//! The direct algorithm: row by row, tap by tap, without workspace.
//!
//! Wins where channels are so few that a matrix product would be mostly border: depthwise layers and
//! single-channel kernels.

use super::coupling::Coupling;
use super::{CoarseToFine, FineToCoarse, ToWeight, run_tasks};

/// Calls `visit(coarse start, fine start, length)` for every row segment that one tap connects; within
/// it coarse cells lie 1 apart and fine cells `stride` of the last axis apart.
fn segments(coupling: &Coupling, tap: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let [a, b, c] = &coupling.axes;
    let [ta, tb, tc] = coupling.tap(tap);
    if tc.valid.is_empty() {
        return;
    }
    for i0 in ta.valid.clone() {
        for i1 in tb.valid.clone() {
            let coarse = (i0 * b.coarse + i1) * c.coarse + tc.valid.start;
            let fine = (a.fine_of(&ta, i0) * b.fine + b.fine_of(&tb, i1)) * c.fine;
            visit(coarse, fine + c.fine_of(&tc, tc.valid.start), tc.valid.len());
        }
    }
}

pub(crate) fn coarse_to_fine(coupling: &Coupling, op: CoarseToFine<'_>) {
    let CoarseToFine { coarse, weight, bias, fine } = op;
    let c = coupling;
    let stride = c.axes[2].stride;
    run_tasks(c, fine, c.fine_cells, |plane, fine| {
        let (n, channel) =
            (plane / (c.groups * c.fine_channels), plane % (c.groups * c.fine_channels));
        let (group, f) = (channel / c.fine_channels, channel % c.fine_channels);
        fine.fill(bias.map_or(0.0, |b| b[channel]));
        for cc in group * c.coarse_channels..(group + 1) * c.coarse_channels {
            let from = &coarse[(n * c.groups * c.coarse_channels + cc) * c.coarse_cells..]
                [..c.coarse_cells];
            for tap in 0..c.taps {
                let w = weight[(cc * c.fine_channels + f) * c.taps + tap];
                segments(c, tap, |from_cell, to_cell, length| {
                    let from = &from[from_cell..][..length];
                    if stride == 1 {
                        let to = &mut fine[to_cell..][..length];
                        to.iter_mut().zip(from).for_each(|(y, &x)| *y += w * x);
                    } else {
                        let to = fine[to_cell..].iter_mut().step_by(stride);
                        to.zip(from).for_each(|(y, &x)| *y += w * x);
                    }
                });
            }
        }
    });
}

pub(crate) fn fine_to_coarse(coupling: &Coupling, op: FineToCoarse<'_>) {
    let FineToCoarse { fine, weight, bias, coarse } = op;
    let c = coupling;
    let stride = c.axes[2].stride;
    run_tasks(c, coarse, c.coarse_cells, |plane, coarse| {
        let (n, cc) =
            (plane / (c.groups * c.coarse_channels), plane % (c.groups * c.coarse_channels));
        let group = cc / c.coarse_channels;
        coarse.fill(bias.map_or(0.0, |b| b[cc]));
        for f in 0..c.fine_channels {
            let channel = group * c.fine_channels + f;
            let from =
                &fine[(n * c.groups * c.fine_channels + channel) * c.fine_cells..][..c.fine_cells];
            for tap in 0..c.taps {
                let w = weight[(cc * c.fine_channels + f) * c.taps + tap];
                segments(c, tap, |to_cell, from_cell, length| {
                    let to = &mut coarse[to_cell..][..length];
                    if stride == 1 {
                        let from = &from[from_cell..][..length];
                        to.iter_mut().zip(from).for_each(|(y, &x)| *y += w * x);
                    } else {
                        let from = from[from_cell..].iter().step_by(stride);
                        to.iter_mut().zip(from).for_each(|(y, &x)| *y += w * x);
                    }
                });
            }
        }
    });
}

pub(crate) fn to_weight(coupling: &Coupling, op: ToWeight<'_>) {
    let ToWeight { coarse, fine, weight } = op;
    let c = coupling;
    let stride = c.axes[2].stride;
    run_tasks(c, weight, c.taps, |kernel, taps| {
        let (cc, f) = (kernel / c.fine_channels, kernel % c.fine_channels);
        let channel = cc / c.coarse_channels * c.fine_channels + f;
        for (tap, out) in taps.iter_mut().enumerate() {
            // In f64: a sum over batch and space is long, and a plain f32 sum of it loses digits.
            let mut sum = 0.0f64;
            for n in 0..c.batch {
                let x = &coarse[(n * c.groups * c.coarse_channels + cc) * c.coarse_cells..];
                let y = &fine[(n * c.groups * c.fine_channels + channel) * c.fine_cells..];
                segments(c, tap, |from_x, from_y, length| {
                    let x = &x[from_x..][..length];
                    let y = y[from_y..].iter().step_by(stride);
                    sum += x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
                });
            }
            *out = sum as f32;
        }
    });
}
