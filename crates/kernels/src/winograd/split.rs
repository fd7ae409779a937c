//! How the work is cut: into tasks, blocks of tiles within a task, and chunks of output channels; by sizes
//! alone, never by the number of threads.

use std::ops::Range;

use super::lines::{OUTPUTS, TAPS};
use super::shape::Shape;
use super::transform::COMPONENTS;
use crate::options::Layout;
use crate::phases::even;
use crate::simd::Detected;

/// Values of half an L2 cache: what is larger comes from an L3 cache.
const NEAR: usize = 128 * 1024;
/// Values of weights that come from memory.
const FAR: usize = 4 * 1024 * 1024;
/// Input channels of NCHW that are turned together.
const TURNED: usize = 32;
/// Most rows of a tile of products.
const MOST_ROWS: usize = 8;
/// Tiles that blocks have about: a multiple of most heights.
const USUAL: usize = 48;
/// Values beside the buffers of a task.
const SLACK: usize = 64;

/// Below so many operations a second task costs more than it saves.
const FLOPS: u128 = 4_000_000;
/// Most tasks that are looked for.
const TASKS: usize = 16;

/// What things cost, in multiply-adds of a register: transforming a register of a tile, to components and back;
/// turning the cells of one, for NCHW.
const INPUT: f64 = 220.0;
const OUTPUT: f64 = 220.0;
const TURN: f64 = 60.0;
/// Beginning and ending a task.
const TASK: f64 = 4000.0;
/// What idle threads cost, in parts of a single thread's work.
const IDLE: f64 = 0.1;

/// Most of everything that a task has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Rows of tiles, of one image after the other.
    pub(super) lines: usize,
    /// Rows of tiles that are transformed together, and tiles of each.
    pub(super) block: [usize; 2],
    /// Rows of a tile of products.
    pub(super) height: usize,
    /// Registers of output channels whose components are computed together.
    pub(super) chunks: Vec<Range<usize>>,
    /// Chunks of a task.
    pub(super) chunks_together: usize,
    pub(super) buffers: Buffers,
}

/// Values of buffers, and how they lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buffers {
    /// Turned cells, and input channels of them.
    pub(super) cells: usize,
    pub(super) cell_channels: usize,
    /// Values of the channels of a tile, and from component to component.
    pub(super) input_width: usize,
    pub(super) input_step: usize,
    /// Values from component to component of a chunk, and of the components of a phase.
    pub(super) output_step: usize,
    pub(super) output_phase: usize,
    /// Phases of x that are kept together, and cells of each of them that are turned together.
    pub(super) phases: usize,
    pub(super) turned: usize,
}

/// Values that so many take, and room so that components do not all begin in the same set of a cache: an odd
/// number of lines.
fn apart(values: usize) -> usize {
    (values.div_ceil(16) | 1) * 16
}

impl Buffers {
    fn new(
        shape: &Shape,
        (isa, layout): (Detected, Layout),
        block: [usize; 2],
        vectors: usize,
    ) -> Self {
        let tiles = block[0] * block[1];
        let [y, x] = &shape.axes;
        let lanes = isa.lanes();
        let input_width = shape.in_channels.next_multiple_of(lanes);
        let output_step = apart(tiles * vectors * lanes);
        let reach = |tiles: usize, all: usize| (tiles * OUTPUTS + TAPS - 1).min(all);
        let read = reach(block[0].min(y.tiles()), y.in_cells) * reach(block[1], x.in_cells);
        let cell_channels = shape.in_channels.min(TURNED);
        // In NHWC cells are read and written where they lie.
        let (cells, phases, turned) = match layout {
            Layout::Nchw => (read * cell_channels, x.step, tiles * OUTPUTS * OUTPUTS * lanes),
            Layout::Nhwc => (0, 1, 0),
        };
        Self {
            cells,
            cell_channels,
            input_width,
            input_step: apart(tiles * input_width),
            output_step,
            output_phase: COMPONENTS * output_step,
            phases,
            turned,
        }
    }

    /// Components of the input.
    pub(super) fn input(&self) -> usize {
        COMPONENTS * self.input_step
    }

    pub(super) fn values(&self) -> usize {
        self.cells + self.input() + self.phases * (self.output_phase + self.turned) + SLACK
    }
}

/// What a value costs that is read once more.
fn reading(values: usize) -> f64 {
    match values {
        _ if values <= NEAR => 0.03,
        _ if values <= FAR => 0.15,
        _ => 0.3,
    }
}

impl Split {
    /// The split that costs least, of those whose tasks take at most `room` values, with the work that it makes, in
    /// multiply-adds of a register.
    pub(super) fn new(
        shape: &Shape,
        (isa, layout): (Detected, Layout),
        room: usize,
    ) -> Option<(Self, f64)> {
        let most_tasks = (shape.flops / FLOPS).clamp(1, TASKS as u128) as usize;
        let powers = |most: usize| (0..5).map(|n| 1 << n).filter(move |&n: &usize| n <= most);
        let columns = shape.axes[1].tiles();
        // The same for every size of images, so that a packed weight fits them all.
        let height = isa.height(USUAL).min(MOST_ROWS);
        let registers = shape.out_channels.div_ceil(isa.lanes());
        let chunks: Vec<_> = even(0..registers, isa.vectors(height)).collect();
        let vectors = chunks.iter().map(Range::len).max().unwrap_or(0);
        let mut best: Option<(f64, f64, Self)> = None;
        for bands in powers(shape.lines().min(most_tasks)) {
            let lines = shape.lines().div_ceil(bands);
            let whole_lines = halves(lines).map(|lines| [lines, columns]);
            let parts = halves(columns).map(|columns| [1, columns]);
            for block in whole_lines.chain(parts) {
                let buffers = Buffers::new(shape, (isa, layout), block, vectors);
                if buffers.values() > room {
                    continue;
                }
                // In NHWC the channels of a cell lie in one piece.
                let most_pieces = match layout {
                    Layout::Nchw => chunks.len().min(most_tasks / bands),
                    Layout::Nhwc => 1,
                };
                for pieces in powers(most_pieces.max(1)) {
                    let chunks_together = chunks.len().div_ceil(pieces);
                    let split = Self {
                        lines,
                        block,
                        height,
                        chunks: chunks.clone(),
                        chunks_together,
                        buffers: buffers.clone(),
                    };
                    let work = split.work(shape, isa, layout);
                    let cost = work * (1.0 + IDLE * split.idle(shape));
                    if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                        best = Some((cost, work, split));
                    }
                }
            }
        }
        best.map(|(_, work, split)| (split, work))
    }

    /// Tasks of rows of tiles, and of channels.
    fn bands(&self, shape: &Shape) -> usize {
        shape.lines().div_ceil(self.lines)
    }

    fn pieces(&self) -> usize {
        self.chunks.len().div_ceil(self.chunks_together)
    }

    pub(super) fn tasks(&self, shape: &Shape) -> usize {
        self.bands(shape) * self.pieces()
    }

    fn work(&self, shape: &Shape, isa: Detected, layout: Layout) -> f64 {
        let [lines, columns] = [shape.lines() as f64, shape.axes[1].tiles() as f64];
        let tiles = lines * columns;
        let lanes = isa.lanes();
        let (inputs, registers) = (shape.in_channels, shape.out_channels.div_ceil(lanes) as f64);
        let components = shape.components() as f64;
        // Rows that are filled up, and tiles that are too small to hide their loads and their beginning.
        let (rows, vectors) = (self.block[0] * self.block[1], self.chunks[0].len());
        let panels = rows.div_ceil(self.height);
        let height = rows as f64 / panels as f64;
        let tile = height * vectors as f64;
        let step = tile.max(1.2 * (height + vectors as f64)).max(4.0);
        let products = tiles * components * registers * (inputs as f64 * step / tile + 40.0 / tile);
        let turn = if layout == Layout::Nchw { TURN } else { 0.0 };
        let input = tiles * inputs.div_ceil(lanes) as f64 * (INPUT + 2.0 * turn);
        let output = tiles * registers * shape.phases.len() as f64 * (OUTPUT + turn);
        let weight = shape.components() * inputs * shape.out_channels;
        let blocks = self.lines.div_ceil(self.block[0]) * self.bands(shape);
        let blocks = (blocks * shape.axes[1].tiles().div_ceil(self.block[1])) as f64;
        let weights = blocks * weight as f64 * reading(weight);
        // Components of the input are written, and read for each chunk; those of a chunk are written and read.
        let own = COMPONENTS * self.buffers.input_step;
        let phases = shape.phases.len() as f64;
        let chunk = COMPONENTS * self.buffers.output_step;
        let again = own as f64 * self.chunks.len() as f64 * phases * reading(2 * own)
            + (chunk * self.chunks.len()) as f64 * phases * 2.0 * reading(2 * chunk);
        let pieces = self.pieces() as f64;
        let tasks = TASK * self.tasks(shape) as f64;
        products + pieces * input + output + weights + blocks * again + tasks
    }

    /// How long threads wait for others, in parts of their work.
    fn idle(&self, shape: &Shape) -> f64 {
        let tasks = self.tasks(shape);
        let waits =
            |threads: usize| (tasks.div_ceil(threads) * threads) as f64 / tasks as f64 - 1.0;
        // A second thread is there almost everywhere, an eighth more rarely.
        0.9 * waits(2) + 0.2 * waits(4) + 0.1 * waits(8)
    }
}

/// Sizes of pieces when so many are halved again and again.
fn halves(all: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(all), |&size| (size > 1).then(|| size.div_ceil(2)))
}
