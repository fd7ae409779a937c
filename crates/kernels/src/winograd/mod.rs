//! Convolutions of stride 1 with 3x3 taps by minimal filtering: 4x4 outputs from 36 products where a sum over
//! taps takes 144.
//!
//! # Source
//! A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4: `F(4x4, 3x3)`.
//!
//! 1. [`lines`]: the points, and the transforms of one axis; [`transform`]: of both, with channels in the lanes.
//! 2. [`shape`]: what such a layer is. Also transposed convolutions whose phases have at most three taps an
//!    axis: all phases read the same tiles, and a phase with fewer taps has fewer components.
//! 3. [`split`]: tasks, blocks of tiles that stay in an L2 cache, and chunks of output channels.
//! 4. [`input`]: cells become components, `[component][tile][input channel]`; [`products`]: each component is a
//!    matrix product with [`weight`]; [`output`]: components become cells, with bias and activation.
//!
//! # Exactness
//! A tap meets sums and differences of all 36 cells that its tile reads, so an output's error depends on the
//! largest of them, not on the terms of its own sum alone: beside a cell of 1e6 a sum of small terms keeps few
//! digits. That is why it needs [`crate::FastMath::Allow`].

mod input;
mod lines;
mod output;
mod shape;
mod split;
#[cfg(test)]
mod tests;
mod transform;
mod weight;

use std::ops::Range;

use crate::aligned::Aligned;
use crate::at_once::AtOnce;
use crate::conv_transpose::coupling::Coupling;
use crate::idle::Idle;
use crate::options::{Epilogue, Layout};
use crate::phases::{Direction, even};
use crate::simd::Detected;
use crate::simd::tile::{Start, Starts, Tile, Within};
use output::Computed;
use shape::Shape;
use split::Split;

/// Parts of the peak that the sum over taps reaches.
const DIRECT: f64 = 0.9;

/// What every part needs to know.
#[derive(Clone, Debug)]
struct Parts {
    isa: Detected,
    layout: Layout,
    shape: Shape,
    split: Split,
}

/// What a task works in.
struct Buffers {
    cells: Aligned,
    input: Aligned,
    output: Aligned,
    turned: Aligned,
}

impl Buffers {
    fn new(values: &split::Buffers) -> Self {
        Self {
            cells: Aligned::zeros(values.cells),
            input: Aligned::zeros(values.input()),
            output: Aligned::zeros(values.phases * values.output_phase),
            turned: Aligned::zeros(values.phases * values.turned),
        }
    }
}

/// A forward pass, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct WinogradPlan {
    parts: Parts,
    at_once: AtOnce,
    /// The same beside a weight that is packed for one run, if there is room for both.
    beside_weight: Option<AtOnce>,
    idle: Idle<Buffers>,
    packed: Idle<Aligned>,
    pays: bool,
}

impl WinogradPlan {
    /// Its tasks keep to `limit` bytes, and beside a weight that is packed for one run to `packing` bytes. `None` if one
    /// of them does not keep to `limit`, or if the layer is not a convolution of 3x3 taps.
    pub(crate) fn new(
        coupling: &Coupling,
        direction: Direction,
        (isa, layout): (Detected, Layout),
        (limit, packing): (usize, usize),
    ) -> Option<Self> {
        let shape = Shape::new(coupling, direction)?;
        let room = limit / size_of::<f32>();
        let (split, work) = Split::new(&shape, (isa, layout), room)?;
        let direct = shape.flops as f64 / (2 * isa.lanes()) as f64 / DIRECT;
        let parts = Parts { isa, layout, shape, split };
        let bytes = parts.task_bytes();
        let at_once = AtOnce::within(limit, bytes);
        let left = packing.checked_sub(parts.weight_bytes()).filter(|&left| left >= bytes);
        let beside_weight = left.map(|left| AtOnce::within(left.min(limit), bytes));
        let (idle, packed) = (Idle::new(), Idle::new());
        Some(Self { parts, at_once, beside_weight, idle, packed, pays: work < direct })
    }

    /// Whether it is expected to be faster than a sum over taps.
    pub(crate) fn pays(&self) -> bool {
        self.pays
    }

    /// Bytes that a run allocates in a pool of so many threads.
    pub(crate) fn workspace(&self, threads: usize) -> usize {
        let tasks = self.parts.split.tasks(&self.parts.shape);
        let of = |at_once: AtOnce| self.parts.task_bytes() * at_once.of(tasks, threads);
        let unpacked = self.beside_weight.map_or(0, |own| of(own) + self.parts.weight_bytes());
        unpacked.max(of(self.at_once))
    }

    /// Whether there is room for a weight that is packed for one run. Where there is not, packing would also take
    /// longer than it saves.
    pub(crate) fn packs(&self) -> bool {
        self.beside_weight.is_some()
    }

    /// Values of a packed weight.
    pub(crate) fn packed_len(&self) -> usize {
        weight::values(&self.parts)
    }

    pub(crate) fn pack(&self, weight: &[f32]) -> Aligned {
        let mut packed = Aligned::zeros(self.packed_len());
        weight::pack(&self.parts, weight, &mut packed);
        packed
    }

    /// Runs with a weight that is packed for this run alone, in memory that the next run takes again.
    pub(crate) fn run_unpacked(
        &self,
        x: &[f32],
        weight: &[f32],
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) {
        let packed = self.packed.take();
        let mut packed = packed.unwrap_or_else(|| Aligned::zeros(self.packed_len()));
        weight::pack(&self.parts, weight, &mut packed);
        let at_once = self.beside_weight.unwrap_or(self.at_once);
        self.run_tasks(at_once, (x, &packed), epilogue, y);
        self.packed.put(packed);
    }

    /// Writes every element of `y`.
    pub(crate) fn run(&self, x: &[f32], packed: &[f32], epilogue: Epilogue<'_>, y: &mut [f32]) {
        self.run_tasks(self.at_once, (x, packed), epilogue, y);
    }

    fn run_tasks(
        &self,
        at_once: AtOnce,
        (x, packed): (&[f32], &[f32]),
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) {
        at_once.run(self.parts.tasks(y), |mut task| {
            let buffers = self.idle.take();
            let mut buffers = buffers.unwrap_or_else(|| Buffers::new(&self.parts.split.buffers));
            for block in self.parts.blocks(task.lines.clone()) {
                self.parts.block(&block, (x, packed), &epilogue, &mut buffers, &mut task);
            }
            self.idle.put(buffers);
        });
    }
}

/// What one task computes, and what it alone writes.
struct Task<'a> {
    /// Rows of tiles, of one image after the other.
    lines: Range<usize>,
    chunks: Range<usize>,
    /// Output channels.
    channels: Range<usize>,
    /// Of each image what the lines have of it. NCHW: a slice for each channel; NHWC: one for all of them.
    slices: Vec<&'a mut [f32]>,
}

impl Task<'_> {
    fn first_image(&self, shape: &Shape) -> usize {
        self.lines.start / shape.axes[0].tiles()
    }

    /// The output row that the slices of an image begin with.
    fn first_row(&self, shape: &Shape, image: usize) -> usize {
        output_row(shape, self.lines.start.saturating_sub(image * shape.axes[0].tiles()))
    }
}

/// The output row that a row of tiles begins with.
fn output_row(shape: &Shape, tile: usize) -> usize {
    let y = &shape.axes[0];
    (tile * lines::OUTPUTS * y.step).min(y.out_cells)
}

/// Tiles that are transformed together: some columns of some rows of tiles.
struct Block {
    lines: Range<usize>,
    columns: Range<usize>,
}

/// The rows of a block that lie in one image.
struct Piece {
    image: usize,
    rows: Range<usize>,
    /// The number of its first tile in the block.
    first_tile: usize,
}

impl Block {
    fn tiles(&self) -> usize {
        self.lines.len() * self.columns.len()
    }

    fn pieces(&self, shape: &Shape) -> impl Iterator<Item = Piece> {
        let each = shape.axes[0].tiles();
        let Range { start, end } = self.lines;
        let columns = self.columns.len();
        (start / each..end.div_ceil(each)).map(move |image| {
            let (first, last) = (start.max(image * each), end.min((image + 1) * each));
            let rows = first - image * each..last - image * each;
            Piece { image, rows, first_tile: (first - start) * columns }
        })
    }
}

impl Parts {
    fn task_bytes(&self) -> usize {
        self.split.buffers.values() * size_of::<f32>()
    }

    fn weight_bytes(&self) -> usize {
        weight::values(self) * size_of::<f32>()
    }

    /// All tasks, with the parts of `y` that are theirs.
    fn tasks<'a>(&self, y: &'a mut [f32]) -> Vec<Task<'a>> {
        let (shape, split) = (&self.shape, &self.split);
        let lanes = self.isa.lanes();
        let bands: Vec<_> = even(0..shape.lines(), split.lines).collect();
        let pieces: Vec<_> = even(0..split.chunks.len(), split.chunks_together).collect();
        let mut tasks: Vec<Task<'a>> = Vec::new();
        for band in &bands {
            for chunks in &pieces {
                let (first, last) = (&split.chunks[chunks.start], &split.chunks[chunks.end - 1]);
                let end = (last.end * lanes).min(shape.out_channels);
                let channels = first.start * lanes..end;
                let slices = Vec::new();
                tasks.push(Task { lines: band.clone(), chunks: chunks.clone(), channels, slices });
            }
        }
        let each = shape.axes[0].tiles();
        let row = match self.layout {
            Layout::Nchw => shape.axes[1].out_cells,
            Layout::Nhwc => shape.axes[1].out_cells * shape.out_channels,
        };
        let planes = if self.layout == Layout::Nchw { shape.out_channels } else { 1 };
        for (n, mut plane) in y.chunks_exact_mut(shape.axes[0].out_cells * row).enumerate() {
            let (image, channel) = (n / planes, n % planes);
            let own = image * each..(image + 1) * each;
            for (band, tasks) in bands.iter().zip(tasks.chunks_exact_mut(pieces.len())) {
                let first = band.start.max(own.start);
                let end = band.end.min(own.end);
                if first >= end {
                    continue;
                }
                let rows =
                    output_row(shape, end - own.start) - output_row(shape, first - own.start);
                let (part, rest) = plane.split_at_mut(rows * row);
                plane = rest;
                let holds = |task: &&mut Task<'_>| {
                    self.layout == Layout::Nhwc || task.channels.contains(&channel)
                };
                if let Some(task) = tasks.iter_mut().find(holds) {
                    task.slices.push(part);
                }
            }
        }
        tasks
    }

    /// The blocks of a task.
    fn blocks(&self, lines: Range<usize>) -> impl Iterator<Item = Block> {
        let [most_lines, most_columns] = self.split.block;
        let columns = 0..self.shape.axes[1].tiles();
        even(lines, most_lines).flat_map(move |lines| {
            even(columns.clone(), most_columns)
                .map(move |columns| Block { lines: lines.clone(), columns })
        })
    }

    fn block(
        &self,
        block: &Block,
        (x, packed): (&[f32], &[f32]),
        epilogue: &Epilogue<'_>,
        buffers: &mut Buffers,
        task: &mut Task<'_>,
    ) {
        let Buffers { cells, input, output, turned } = buffers;
        input::transform(self, block, x, cells, input);
        let [y_phases, x_phases] = self.shape.axes.each_ref().map(|axis| axis.step);
        let one = self.split.buffers.output_phase;
        for chunk in task.chunks.clone() {
            for y_phase in 0..y_phases {
                for x_phase in 0..x_phases {
                    let phase = y_phase * x_phases + x_phase;
                    let last = x_phase + 1 == x_phases;
                    // In NCHW all phases of x are stored together.
                    let together = self.layout == Layout::Nchw;
                    let kept = if together { x_phase } else { 0 };
                    let to = &mut output[kept * one..][..one];
                    self.products(block, (chunk, phase), (input, packed), to);
                    if last || !together {
                        let computed = Computed { components: output, chunk, y_phase, x_phase };
                        output::store(self, block, &computed, turned, epilogue, task);
                    }
                }
            }
        }
    }

    /// The components of one phase of a chunk: `[component][tile][register]`.
    fn products(
        &self,
        block: &Block,
        (chunk, phase): (usize, usize),
        (input, packed): (&[f32], &[f32]),
        out: &mut [f32],
    ) {
        let (shape, split) = (&self.shape, &self.split);
        let vectors = split.chunks[chunk].len();
        let lanes = self.isa.lanes();
        let width = vectors * lanes;
        let one = weight::component_values(self, vectors);
        let weight = &packed[weight::begin(self, chunk, phase)..];
        let input_width = split.buffers.input_width;
        let rows: Vec<usize> = (0..split.height).map(|row| row * input_width).collect();
        for (n, &component) in shape.phases[phase].components.iter().enumerate() {
            let weight = &weight[n * one..][..one];
            let input = &input[component * split.buffers.input_step..];
            let out = &mut out[component * split.buffers.output_step..];
            for tiles in even(0..block.tiles(), split.height) {
                let tile = Tile {
                    rows: tiles.len(),
                    vectors,
                    a: &input[tiles.start * input_width..],
                    a_runs: Starts::new(&[0]),
                    a_step: 1,
                    a_rows: Within::At(&rows[..tiles.len()]),
                    b: weight,
                    b_runs: Starts::new(&[0]),
                    b_step: width,
                    b_registers: Within::Apart(lanes),
                    steps: shape.in_channels,
                    start: Start::Zero,
                };
                self.isa.tile(&tile, &mut out[tiles.start * width..]);
            }
        }
    }
}
