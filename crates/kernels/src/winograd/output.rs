//! From components to output cells: in NHWC to their places, in NCHW as registers that are turned.

use super::lines::OUTPUTS;
use super::transform::{OUTSIDE, OutputTile};
use super::{Block, Parts, Piece, Task};
use crate::options::{Activation, Epilogue, Layout};
use crate::simd::interleave::{Planes, Stretch};
use crate::simd::turned::{Registers, Turned};

/// The components of a chunk for the phases of one row of phases: `[phase of x][component][tile][register]`, in
/// NHWC of the phase of x `x_phase` alone.
pub(super) struct Computed<'a> {
    pub(super) components: &'a [f32],
    pub(super) chunk: usize,
    pub(super) y_phase: usize,
    pub(super) x_phase: usize,
}

/// Writes the output of a block; `turned` is room for cells that are turned.
pub(super) fn store(
    parts: &Parts,
    block: &Block,
    computed: &Computed<'_>,
    turned: &mut [f32],
    epilogue: &Epilogue<'_>,
    task: &mut Task<'_>,
) {
    let lanes = parts.isa.lanes();
    for (n, register) in parts.split.chunks[computed.chunk].clone().enumerate() {
        let first = register * lanes;
        let channels = lanes.min(parts.shape.out_channels - first);
        let own = Register { n, first, channels };
        for piece in block.pieces(&parts.shape) {
            let part = Part { parts, block, computed, register: &own, piece: &piece };
            match parts.layout {
                Layout::Nhwc => part.to_cells(epilogue, task),
                Layout::Nchw => part.to_planes(turned, epilogue, task),
            }
        }
    }
}

/// A register of output channels.
struct Register {
    /// Its place in the chunk.
    n: usize,
    /// Its first channel, and how many there are.
    first: usize,
    channels: usize,
}

/// A register of channels of the tiles of a block in one image.
struct Part<'a> {
    parts: &'a Parts,
    block: &'a Block,
    computed: &'a Computed<'a>,
    register: &'a Register,
    piece: &'a Piece,
}

impl Part<'_> {
    /// Transforms every tile of a phase: its output goes to cells that lie so far apart.
    fn transform(
        &self,
        x_phase: usize,
        end: &(Option<&[f32]>, Activation, usize),
        to: &mut [f32],
        [rows_of, columns_of]: [&dyn Fn(usize) -> [usize; OUTPUTS]; 2],
    ) {
        let (shape, split) = (&self.parts.shape, &self.parts.split);
        let phase = &shape.phases[self.computed.y_phase * shape.axes[1].step + x_phase];
        let lanes = self.parts.isa.lanes();
        let width = split.chunks[self.computed.chunk].len() * lanes;
        let mut bias = [0.0; 16];
        if let Some(values) = end.0 {
            let own = &values[self.register.first..][..self.register.channels];
            bias[..own.len()].copy_from_slice(own);
        }
        let kept = if self.parts.layout == Layout::Nchw { x_phase } else { 0 };
        let mut at = kept * split.buffers.output_phase
            + self.piece.first_tile * width
            + self.register.n * lanes;
        for row in self.piece.rows.clone() {
            let rows = rows_of(row);
            for column in self.block.columns.clone() {
                let tile = OutputTile {
                    components: &self.computed.components[at..],
                    step: split.buffers.output_step,
                    points: phase.points,
                    rows,
                    columns: columns_of(column),
                    channels: end.2,
                    bias,
                    activation: end.1,
                };
                self.parts.isa.transform_output(&tile, to);
                at += width;
            }
        }
    }

    fn to_cells(&self, epilogue: &Epilogue<'_>, task: &mut Task<'_>) {
        let shape = &self.parts.shape;
        let [y, x] = &shape.axes;
        let all = shape.out_channels;
        let first = task.first_row(shape, self.piece.image);
        let image = self.piece.image - task.first_image(shape);
        let slice = &mut task.slices[image];
        let times = |cells: [usize; OUTPUTS], less: usize, step: usize| {
            cells.map(|cell| if cell == OUTSIDE { OUTSIDE } else { (cell - less) * step })
        };
        let row =
            |tile: usize| times(y.outputs(tile, self.computed.y_phase), first, x.out_cells * all);
        let x_phase = self.computed.x_phase;
        let column = |tile: usize| times(x.outputs(tile, x_phase), 0, all);
        let end = (epilogue.bias, epilogue.activation, self.register.channels);
        self.transform(x_phase, &end, &mut slice[self.register.first..], [&row, &column]);
    }

    /// Phases of x side by side. Rows that have no place are computed all the same, and not turned.
    fn to_planes(&self, turned: &mut [f32], epilogue: &Epilogue<'_>, task: &mut Task<'_>) {
        let shape = &self.parts.shape;
        let [y, x] = &shape.axes;
        let lanes = self.parts.isa.lanes();
        let columns = &self.block.columns;
        // Positions of a row, of which all phases lie inside but for those of the last one.
        let first = columns.start * OUTPUTS;
        let positions = x.out_cells.div_ceil(x.step).min(columns.end * OUTPUTS) - first;
        let each = self.parts.split.buffers.turned;
        let row = |tile: usize| -> [usize; OUTPUTS] {
            let rows = tile - self.piece.rows.start;
            std::array::from_fn(|n| (rows * OUTPUTS + n) * positions * lanes)
        };
        let column = |tile: usize| -> [usize; OUTPUTS] {
            std::array::from_fn(|n| {
                let position = tile * OUTPUTS + n - first;
                if position < positions { position * lanes } else { OUTSIDE }
            })
        };
        for x_phase in 0..x.step {
            let end = (None, Activation::None, lanes);
            self.transform(x_phase, &end, &mut turned[x_phase * each..], [&row, &column]);
        }

        let image = self.piece.image - task.first_image(shape);
        let first_row = task.first_row(shape, self.piece.image);
        let slice = image * task.channels.len();
        // Rows of positions whose output row exists.
        let mut stretches: Vec<Stretch> = Vec::new();
        for (n, row) in self
            .piece
            .rows
            .clone()
            .flat_map(|tile| y.outputs(tile, self.computed.y_phase))
            .enumerate()
        {
            if row != OUTSIDE {
                let place = ((row - first_row) * x.out_cells + first * x.step) as i64;
                stretches.push(Stretch { slice, lane: n * positions, length: positions, place });
            }
        }
        let phases: Vec<Registers> =
            (0..x.step).map(|phase| Registers { first: phase * each, step: lanes }).collect();
        let gaps: Vec<usize> = (0..x.step).collect();
        let own = self.register.first..self.register.first + self.register.channels;
        let mut put = |phases: &[Registers], stretches: &[Stretch]| {
            let to = Planes {
                gaps: &gaps[..phases.len()],
                out_step: x.step,
                cell_step: 1,
                slice: own.start - task.channels.start,
                slice_step: 1,
                offset: 0,
                row_step: 0,
                bias: epilogue.bias.map(|bias| &bias[own.clone()]),
                activation: epilogue.activation,
            };
            let of = Turned { sums: turned, phases, channels: own.len(), to };
            self.parts.isa.store_turned(&of, stretches, &mut task.slices);
        };
        let inside = (x.out_cells / x.step).min(columns.end * OUTPUTS) - first;
        if [y.step, x.step] == [1, 1] && positions == x.out_cells {
            // Whole rows follow one another, in the plane and in what is turned.
            if let Some(stretch) = stretches.first() {
                let length = stretches.len() * positions;
                put(&phases, &[Stretch { length, ..*stretch }]);
            }
            return;
        }
        if inside < positions {
            for stretch in &mut stretches {
                stretch.length = inside;
            }
            let last = |stretch: &Stretch| Stretch {
                lane: stretch.lane + inside,
                length: 1,
                place: stretch.place + (inside * x.step) as i64,
                ..*stretch
            };
            let last: Vec<Stretch> = stretches.iter().map(last).collect();
            put(&phases[..x.out_cells % x.step], &last);
        }
        if inside > 0 {
            put(&phases, &stretches);
        }
    }
}
