//! How the work of a run is shared out: by sizes alone, never by the number of threads.

use std::ops::Range;

use super::output::{FAR, NEAR, Output};
use super::steps::cut;
use super::{Lanes, Parts, cost};
use crate::at_once::AtOnce;
use crate::idle::Idle;
use crate::options::Layout;
use crate::simd::writes::Writes;

/// What one task does at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) images: usize,
    /// Positions of the band axis.
    pub(super) band: usize,
    /// Output channels of a group.
    pub(super) channels: usize,
}

/// One task, and what it alone writes.
pub(super) struct Task<'a> {
    pub(super) groups: Range<usize>,
    pub(super) band: Range<i64>,
    /// Output channels of each group.
    pub(super) channels: Range<usize>,
    pub(super) output: Output<'a>,
}

/// Below so much work, in operations, a second task costs more than it saves.
pub(super) const WORK: u128 = 2_000_000;
/// Most tasks that are looked for.
const TASKS: u128 = 16;

/// What idle threads cost, in parts of a single thread's work.
const IDLE: f64 = 0.1;

impl Split {
    /// The split that costs least: tasks that are few leave threads idle, and many do work twice.
    pub(super) fn new(parts: &Parts, lanes: &Lanes, work: u128) -> Self {
        let axis = &parts.products.axes[parts.band_axis];
        let band = axis.positions();
        let band = ((band.end - band.start) as usize).max(1);
        let (batch, channels) = (parts.batch.max(1), parts.out_channels.max(1));
        let wanted = (work / WORK).clamp(1, TASKS) as usize;
        let height = lanes.channels_together(parts);
        let tiles = channels.div_ceil(height);
        let most = if lanes.cut_channels(parts) { tiles } else { 1 };
        let numbers = |most: usize| (0..5).map(|n| 1 << n).filter(move |&n: &usize| n <= most);
        let whole = Self { images: batch, band, channels };
        let mut best: Option<(f64, Self)> = None;
        for images in numbers(batch) {
            for bands in numbers(band) {
                for pieces in numbers(most) {
                    let channels = match pieces {
                        1 => channels,
                        _ => tiles.div_ceil(pieces) * height,
                    };
                    let (images, band) = (batch.div_ceil(images), band.div_ceil(bands));
                    let split = Self { images, band, channels };
                    let tasks = split.tasks(parts);
                    if tasks > wanted && split != whole {
                        continue;
                    }
                    let idle = cost::idle(parts, &split);
                    let cost = cost::of(parts, lanes, &split) * (1.0 + IDLE * idle);
                    if best.is_none_or(|(least, _)| cost < least) {
                        best = Some((cost, split));
                    }
                }
            }
        }
        best.map_or(whole, |(_, split)| split)
    }

    /// Positions of the band axis that tasks have.
    pub(super) fn bands(&self, parts: &Parts) -> Vec<Range<i64>> {
        let Range { start, end } = parts.products.axes[parts.band_axis].positions();
        let band = |first: i64| first..(first + self.band as i64).min(end);
        (start..end).step_by(self.band).map(band).collect()
    }

    pub(super) fn tasks(&self, parts: &Parts) -> usize {
        let band = parts.products.axes[parts.band_axis].positions();
        let bands = ((band.end - band.start).max(1) as usize).div_ceil(self.band);
        let groups = if parts.layout == Layout::Nchw { parts.groups } else { 1 };
        let pieces = parts.out_channels.div_ceil(self.channels);
        parts.batch.div_ceil(self.images) * bands * groups * pieces
    }

    /// All tasks, with the parts of `y`, `[n, groups * channels, cells]` or `[n, cells, ...]`, that are theirs.
    pub(super) fn cut<'a>(&self, parts: &Parts, y: &'a mut [f32]) -> Vec<Task<'a>> {
        let axis = &parts.products.axes[parts.band_axis];
        let inner: usize =
            parts.products.axes[parts.band_axis + 1..].iter().map(|axis| axis.out_cells).product();
        // The band axis is the first of more than one cell, so these are its cells times those inside.
        let cells = |band: &Range<i64>| {
            axis.first_output(band.start) * inner..axis.first_output(band.end) * inner
        };
        let bands: Vec<(Range<i64>, Range<usize>)> =
            self.bands(parts).into_iter().map(|band| (band.clone(), cells(&band))).collect();
        let all_channels = parts.groups * parts.out_channels;
        // A plane for each channel, or one for all of them.
        let (per_task, planes) = match parts.layout {
            Layout::Nchw => (1, all_channels),
            Layout::Nhwc => (parts.groups, 1),
        };
        let groups: Vec<_> = cut(0..parts.groups, per_task).collect();
        let pieces: Vec<_> = cut(0..parts.out_channels, self.channels).collect();
        let mut tasks = Vec::new();
        for images in cut(0..parts.batch, self.images) {
            for (band, cells) in &bands {
                for groups in &groups {
                    for channels in &pieces {
                        let first = groups.start * parts.out_channels;
                        let own = match parts.layout {
                            Layout::Nchw => first + channels.start..first + channels.end,
                            // All, or the channels of the one group.
                            Layout::Nhwc if pieces.len() == 1 => 0..all_channels,
                            Layout::Nhwc => channels.clone(),
                        };
                        let values = images.len() * cells.len() * own.len();
                        let writes = match values {
                            _ if y.len() > FAR && parts.layout == Layout::Nchw => Writes::Streamed,
                            _ if values > NEAR => Writes::Announced,
                            _ => Writes::Near,
                        };
                        tasks.push(Task {
                            groups: groups.clone(),
                            band: band.clone(),
                            channels: channels.clone(),
                            output: Output {
                                slices: Vec::new(),
                                layout: parts.layout,
                                images: images.clone(),
                                channels: own,
                                first_cell: cells.start,
                                cells: cells.len(),
                                all_channels,
                                writes,
                            },
                        });
                    }
                }
            }
        }
        if y.is_empty() {
            return Vec::new();
        }
        let (step, per_plane) = match parts.layout {
            Layout::Nchw => (parts.out_cells, 1),
            Layout::Nhwc => (parts.out_cells * all_channels, all_channels),
        };
        let per_band = groups.len() * pieces.len();
        for (n, mut plane) in y.chunks_exact_mut(step).enumerate() {
            let (image, channel) = (n / planes, n % planes);
            let column = match parts.layout {
                Layout::Nchw => {
                    let (group, within) =
                        (channel / parts.out_channels, channel % parts.out_channels);
                    group * pieces.len() + within / self.channels
                }
                Layout::Nhwc => 0,
            };
            for (b, (_, cells)) in bands.iter().enumerate() {
                let (part, rest) = plane.split_at_mut(cells.len() * per_plane);
                plane = rest;
                let row = (image / self.images * bands.len() + b) * per_band;
                if parts.layout == Layout::Nchw || pieces.len() == 1 {
                    tasks[row + column].output.slices.push(part);
                    continue;
                }
                for cell in part.chunks_exact_mut(all_channels) {
                    for (piece, own) in cell.chunks_mut(self.channels).enumerate() {
                        tasks[row + piece].output.slices.push(own);
                    }
                }
            }
        }
        tasks
    }
}

/// Runs all tasks, on the pool if there are several.
pub(super) fn run<B: Send>(
    tasks: Vec<Task<'_>>,
    at_once: AtOnce,
    idle: &Idle<B>,
    make: impl Fn() -> B + Sync,
    task: impl Fn(&mut Task<'_>, &mut B) + Sync,
) {
    at_once.run(tasks, |mut one| {
        let mut buffers = idle.take().unwrap_or_else(&make);
        task(&mut one, &mut buffers);
        one.output.writes.finish();
        idle.put(buffers);
    });
}
