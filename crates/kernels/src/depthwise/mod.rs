//! Depthwise transposed convolution and convolution: each group one plane in and one plane out.
//!
//! There is no sum over channels, and so nothing that a matrix product could reuse: what counts is that the
//! input is read and the output written once, with the weights in registers.
//!
//! 1. [`outer`]: which input rows each output row is a sum over.
//! 2. [`across`]: a row of the input is spread so that every output of a row reads it at fixed offsets, in
//!    either direction and for every stride; zeros around it stand for what lies outside.
//! 3. [`block`]: a few output rows as products of spread rows and patterns of weights.
//! 4. [`rows`] and [`plane`]: planes of rows; [`channels`]: for NHWC, with channels in the lanes.
//! 5. Tasks: [`split`].
//!
//! Each sum begins with the bias, and takes its products in the order of the input cells: results do not
//! depend on the number of threads.

mod across;
mod block;
mod channels;
mod outer;
mod pick;
mod plane;
mod rows;
mod split;
mod spread;
#[cfg(test)]
mod tests;

use crate::at_once::AtOnce;
use crate::conv_transpose::coupling::Coupling;
use crate::idle::Idle;
use crate::options::{Epilogue, Layout};
use crate::phases::Direction;
use crate::simd::Detected;
use across::Across;
use channels::ChannelsPlan;
use outer::{Outer, pairs};
use rows::RowsPlan;
use split::{Split, Whole};

/// One direction of a depthwise coupling, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct DepthwisePlan {
    kind: Kind,
    split: Split,
    at_once: AtOnce,
}

/// What the lanes of a register hold.
#[derive(Clone, Debug)]
enum Kind {
    /// Places side by side in a row.
    Rows(RowsPlan),
    /// Channels of a cell.
    Channels(ChannelsPlan),
}

/// The sizes of both tensors, as planes.
#[derive(Clone, Debug)]
struct Sizes {
    /// NCHW: images times channels; NHWC: images.
    planes: usize,
    channels: usize,
    taps: usize,
    /// Values of an input plane.
    in_plane: usize,
}

/// What a run is given.
struct Call<'a> {
    x: &'a [f32],
    /// `[channels, taps]`.
    weight: &'a [f32],
    epilogue: Epilogue<'a>,
}

/// Above this many pairs of phase and tap of an axis they are not worth listing.
const MOST_PAIRS: usize = 1 << 20;

impl DepthwisePlan {
    /// `None` if the coupling has more than one channel a group, or more phases and taps than are worth
    /// listing.
    pub(crate) fn new(
        coupling: &Coupling,
        direction: Direction,
        isa: Detected,
        layout: Layout,
    ) -> Option<Self> {
        let (c, [z, y, x]) = (coupling, &coupling.axes);
        let many = |map| pairs(map, direction) > MOST_PAIRS;
        if c.coarse_channels != 1 || c.fine_channels != 1 || c.axes.iter().any(many) {
            return None;
        }
        let outer = [Outer::new(z, direction), Outer::new(y, direction)];
        let in_cells = match direction {
            Direction::CoarseToFine => c.coarse_cells,
            Direction::FineToCoarse => c.fine_cells,
        };
        let (planes, width) = match layout {
            Layout::Nchw => (c.batch * c.groups, 1),
            Layout::Nhwc => (c.batch, c.groups),
        };
        let (channels, taps) = (c.groups, c.taps);
        let sizes = Sizes { planes, channels, taps, in_plane: in_cells * width };
        let listed = |n: usize| outer[n].out_cells.saturating_mul(c.axes[n].kernel) <= MOST_PAIRS;
        let lanes = isa.lanes();
        let wide = width >= 2 * lanes || (width > 1 && width.is_multiple_of(lanes));
        if !listed(0) || (wide && !listed(1)) {
            return None;
        }
        let kind = if wide {
            Kind::Channels(ChannelsPlan::new(isa, sizes, outer, [z, y, x], direction)?)
        } else {
            let across = Across::new(x, direction, width);
            Kind::Rows(RowsPlan::new(isa, sizes, outer, [z.kernel, y.kernel], across)?)
        };
        let split = Split::new(&kind.whole());
        Some(Self { kind, split, at_once: AtOnce::ALL })
    }

    /// Bytes that a run allocates in a pool of so many threads.
    pub(crate) fn workspace(&self, threads: usize) -> usize {
        match &self.kind {
            Kind::Rows(plan) => {
                plan.task_bytes() * self.at_once.of(self.split.tasks(&self.kind.whole()), threads)
            }
            Kind::Channels(plan) => plan.bytes(),
        }
    }

    /// Lets so few tasks run at once that they take at most `limit` bytes, if one of them does.
    pub(crate) fn within(mut self, limit: usize) -> Self {
        if let Kind::Rows(plan) = &self.kind {
            self.at_once = AtOnce::within(limit, plan.task_bytes());
        }
        self
    }

    /// Writes every element of `y`. The weight is `[channels, taps]`, as given.
    ///
    /// # Panics
    /// If a slice does not have the length that the plan was made for.
    pub(crate) fn run(&self, x: &[f32], weight: &[f32], epilogue: Epilogue<'_>, y: &mut [f32]) {
        if y.is_empty() {
            return;
        }
        let (channels, taps) = self.kind.weight();
        assert_eq!(weight.len(), channels * taps);
        assert!(epilogue.bias.is_none_or(|bias| bias.len() == channels));
        let call = Call { x, weight, epilogue };
        let whole = self.kind.whole();
        let end_of = |depth: usize, position| self.kind.end_of(depth, position);
        assert_eq!(y.len(), whole.planes * end_of(whole.depth, whole.positions.end));
        let shares = self.split.cut(&whole, y, end_of);
        match &self.kind {
            Kind::Rows(plan) => {
                // It keeps what belongs to this call.
                let idle = Idle::new();
                self.at_once.run(shares, |mut share| {
                    let mut memory = idle.take().unwrap_or_else(|| plan.memory());
                    plan.run(&call, &mut share, &mut memory);
                    idle.put(memory);
                });
            }
            Kind::Channels(plan) => {
                let packed = plan.pack(&call);
                self.at_once.run(shares, |mut share| plan.run(&call, &packed, &mut share));
            }
        }
    }
}

impl Kind {
    fn whole(&self) -> Whole {
        match self {
            Self::Rows(plan) => Whole {
                planes: plan.sizes().planes,
                depth: plan.depth(),
                positions: plan.rows.positions.clone(),
                together: plan.together(),
                cost: plan.cost(),
            },
            Self::Channels(plan) => plan.whole(),
        }
    }

    /// Channels and taps.
    fn weight(&self) -> (usize, usize) {
        let sizes = match self {
            Self::Rows(plan) => plan.sizes(),
            Self::Channels(plan) => plan.sizes(),
        };
        (sizes.channels, sizes.taps)
    }

    /// Values of a plane in front of the end of so many depths and of positions in the last of them.
    fn end_of(&self, depth: usize, position: i64) -> usize {
        let (rows, values) = match self {
            Self::Rows(plan) => (&plan.rows, plan.out_values()),
            Self::Channels(plan) => (&plan.rows, plan.out_values()),
        };
        let rows = depth.saturating_sub(1) * rows.out_cells + rows.first_output(position);
        rows * values
    }
}

/// The diagonal `[channels, taps]` of a dense weight `[channels, channels, taps]`, if everything else in it is
/// zero.
pub(crate) fn diagonal(weight: &[f32], channels: usize, taps: usize) -> Option<Vec<f32>> {
    let row = channels.checked_mul(taps)?;
    if row == 0 || weight.len() != row.checked_mul(channels)? {
        return None;
    }
    // Either zero has no bit but that of the sign.
    let zero = |values: &[f32]| {
        let bits = |part: &[f32]| part.iter().fold(0, |all, v| all | v.to_bits());
        values.chunks(256).all(|part| bits(part) << 1 == 0)
    };
    let mut diagonal = Vec::new();
    for (channel, row) in weight.chunks_exact(row).enumerate() {
        let (before, rest) = row.split_at(channel * taps);
        let (own, behind) = rest.split_at(taps);
        if !zero(before) || !zero(behind) {
            return None;
        }
        diagonal.extend_from_slice(own);
    }
    Some(diagonal)
}
