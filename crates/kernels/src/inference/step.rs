//! Operations with all that a run needs: plans, packed weights, sizes.

use std::fmt::Debug;

use rayon::prelude::*;

use super::graph::{Operation, ScaleShift, Weighted, WeightedShape};
use super::network::NetworkOptions;
use crate::error::{KernelError, Result};
use crate::extent::Extent;
use crate::layout;
use crate::options::{Activation, Epilogue, Layout, PackedWeight, PlanOptions};
use crate::plan::{ConvPlan, ConvTransposePlan};
use crate::pointwise;
use crate::pool::{self, MaxPoolPlan};
use crate::resize::ResizePlan;
use crate::simd::Detected;

/// An operation of fixed shapes.
pub(super) trait Step: Debug + Send + Sync {
    /// What it does, in a word.
    fn kind(&self) -> &'static str;

    /// Writes every element of `y`. An operation that works in place finds its first input there, and the others in
    /// `x`.
    ///
    /// # Errors
    /// None if the sizes are those that it was made for.
    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()>;

    /// Bytes of the weights that it keeps.
    fn weight_bytes(&self) -> usize {
        0
    }

    /// Bytes that it takes beside weights and arena.
    fn workspace_bytes(&self) -> usize {
        0
    }

    /// Whether it can overwrite its first input.
    fn works_in_place(&self) -> bool {
        false
    }
}

/// Makes an operation ready that computes something. `x` are the shapes of what it reads, `y` that of what it
/// makes, in the order NCHW.
pub(super) fn prepare(
    operation: Operation<'_>,
    x: &[&[usize]],
    y: &[usize],
    options: &NetworkOptions,
) -> Result<Box<dyn Step>> {
    let isa = Detected::choose(options.isa)?;
    let of = |shape| {
        Ok::<_, KernelError>(Extent { layout: options.inside, ..Extent::of(shape, Layout::Nchw)? })
    };
    Ok(match operation {
        Operation::Weighted(weighted) => weight(weighted, options)?,
        Operation::ScaleShift(ScaleShift { factor, shift, activation }) => {
            let narrow = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
            let (factor, shift) = (narrow(factor), narrow(shift));
            Box::new(ScaleShiftStep { isa, factor, shift, activation, extent: of(y)? })
        }
        Operation::Activation(activation) => Box::new(Activate { isa, activation }),
        Operation::Add(activation) => Box::new(Add { isa, activation }),
        Operation::MaxPool(window) => {
            Box::new(MaxPool(MaxPoolPlan::new(&window, x[0], &plan_options(options))?))
        }
        Operation::Resize(how) => {
            Box::new(Resize(ResizePlan::new(x[0], &y[2..], how, &plan_options(options))?))
        }
        Operation::GlobalMean => Box::new(GlobalMean { isa, extent: of(x[0])? }),
        Operation::Gate => Box::new(Gate { isa, extent: of(y)? }),
        Operation::Rearrange(rearrange) => rearrange.prepare(x[0], y, options)?,
        Operation::Across(across) => across.prepare(of(x[0])?, of(y)?),
        // They only say where values lie.
        Operation::Input | Operation::Concat => Box::new(Copy),
    })
}

pub(super) fn plan_options(options: &NetworkOptions) -> PlanOptions {
    let NetworkOptions { isa, inside: layout, fast_math, .. } = *options;
    PlanOptions { isa, layout, fast_math, ..Default::default() }
}

fn weight(weighted: Weighted<'_>, options: &NetworkOptions) -> Result<Box<dyn Step>> {
    let Weighted { shape, weight, bias, scale_shift, activation } = weighted;
    let bias = bias.map(|bias| bias.read()).transpose()?.map(|bias| bias.into_owned());
    let plan_options = plan_options(options);
    let (out_channels, plan) = match &shape {
        WeightedShape::Conv(shape) => {
            (shape.out_channels(), Plan::Conv(ConvPlan::new(shape, &plan_options)?))
        }
        WeightedShape::ConvTranspose(shape) => {
            let plan = ConvTransposePlan::new(shape, &plan_options)?;
            (shape.out_channels(), Plan::ConvTranspose(plan))
        }
    };
    let mut weight = weight.read()?;
    let bias = match &scale_shift {
        None => bias,
        Some(ScaleShift { factor, shift, .. }) => {
            scale(weight.to_mut(), &shape, factor);
            let own = |channel| bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
            let folded = (0..out_channels).map(|c| (factor[c] * own(c) + shift[c]) as f32);
            Some(folded.collect())
        }
    };
    let weight = match &plan {
        Plan::Conv(plan) => plan.pack(&weight)?,
        Plan::ConvTranspose(plan) => plan.pack(&weight)?,
    };
    Ok(Box::new(WeightedStep { plan, weight, bias, activation }))
}

/// Multiplies what belongs to each output channel with its factor.
fn scale(weight: &mut [f32], shape: &WeightedShape, factor: &[f64]) {
    let by = |values: &mut [f32], factor: f64| {
        values.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
    };
    match shape {
        WeightedShape::Conv(_) => {
            let own = (weight.len() / factor.len()).max(1);
            weight.chunks_mut(own).zip(factor).for_each(|(values, &factor)| by(values, factor));
        }
        WeightedShape::ConvTranspose(shape) => {
            // [in, out / groups, kernel...], where the inputs of a group belong to its outputs.
            let of_group = shape.out_channels() / shape.groups();
            let taps: usize = shape.axes().iter().map(|axis| axis.kernel()).product();
            let group_in = shape.in_channels() / shape.groups();
            for (row, values) in weight.chunks_mut(taps).enumerate() {
                let (input, out) = (row / of_group, row % of_group);
                by(values, factor[input / group_in * of_group + out]);
            }
        }
    }
}

#[derive(Debug)]
enum Plan {
    Conv(ConvPlan),
    ConvTranspose(ConvTransposePlan),
}

/// A convolution or transposed convolution with its epilogue.
#[derive(Debug)]
struct WeightedStep {
    plan: Plan,
    weight: PackedWeight,
    bias: Option<Vec<f32>>,
    activation: Activation,
}

impl Step for WeightedStep {
    fn kind(&self) -> &'static str {
        match self.plan {
            Plan::Conv(_) => "conv",
            Plan::ConvTranspose(_) => "conv_transpose",
        }
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let epilogue = Epilogue { bias: self.bias.as_deref(), activation: self.activation };
        match &self.plan {
            Plan::Conv(plan) => plan.forward_packed(x[0], &self.weight, epilogue, y),
            Plan::ConvTranspose(plan) => plan.forward_packed(x[0], &self.weight, epilogue, y),
        }
    }

    fn weight_bytes(&self) -> usize {
        self.weight.bytes()
    }

    fn workspace_bytes(&self) -> usize {
        match &self.plan {
            Plan::Conv(plan) => plan.workspace_bytes(),
            Plan::ConvTranspose(plan) => plan.workspace_bytes(),
        }
    }
}

#[derive(Debug)]
struct ScaleShiftStep {
    isa: Detected,
    factor: Vec<f32>,
    shift: Vec<f32>,
    activation: Activation,
    extent: Extent,
}

impl Step for ScaleShiftStep {
    fn kind(&self) -> &'static str {
        "scale_shift"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let affine = pointwise::Affine { factor: &self.factor, shift: &self.shift };
        pointwise::scale_shift_with(self.isa, &self.extent, affine, self.activation, x[0], y);
        Ok(())
    }
}

/// An activation that no other operation could do.
#[derive(Debug)]
struct Activate {
    isa: Detected,
    activation: Activation,
}

impl Step for Activate {
    fn kind(&self) -> &'static str {
        "activation"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        if let [x] = x {
            y.copy_from_slice(x);
        }
        pointwise::activate_with(self.isa, self.activation, y);
        Ok(())
    }

    fn works_in_place(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Add {
    isa: Detected,
    activation: Activation,
}

impl Step for Add {
    fn kind(&self) -> &'static str {
        "add"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        match x {
            [a, b] => pointwise::add_with(self.isa, [a, b], self.activation, y),
            _ => pointwise::add_to_with(self.isa, y, x[0], self.activation),
        }
        Ok(())
    }

    fn works_in_place(&self) -> bool {
        true
    }
}

/// The channels of one value among those of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) first: usize,
    pub(super) channels: usize,
}

/// Copies some values between the channels of a larger one.
#[derive(Debug)]
pub(super) struct Concat {
    pub(super) parts: Vec<Part>,
    pub(super) extent: Extent,
}

impl Step for Concat {
    fn kind(&self) -> &'static str {
        "concat"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        let Extent { channels, cells, layout, .. } = self.extent;
        // What lies in one piece: the planes of an image, or the channels of a cell.
        let (piece, own) = match layout {
            Layout::Nchw => (cells * channels, cells),
            Layout::Nhwc => (channels, 1),
        };
        // Many cells for one thread: a few kilobytes.
        let pieces = (PIECE / piece).max(1);
        y.par_chunks_mut(pieces * piece).enumerate().for_each(|(block, y)| {
            for (part, x) in self.parts.iter().zip(x) {
                let length = part.channels * own;
                let x = x[block * pieces * length..].chunks_exact(length);
                for (y, x) in y.chunks_exact_mut(piece).zip(x) {
                    y[part.first * own..][..length].copy_from_slice(x);
                }
            }
        });
        Ok(())
    }
}

/// Values that a thread copies at once.
const PIECE: usize = 1 << 14;

#[derive(Debug)]
struct MaxPool(MaxPoolPlan);

impl Step for MaxPool {
    fn kind(&self) -> &'static str {
        "max_pool"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        self.0.forward(x[0], y)
    }
}

#[derive(Debug)]
struct Resize(ResizePlan);

impl Step for Resize {
    fn kind(&self) -> &'static str {
        "resize"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        self.0.forward(x[0], y)
    }
}

#[derive(Debug)]
struct GlobalMean {
    isa: Detected,
    extent: Extent,
}

impl Step for GlobalMean {
    fn kind(&self) -> &'static str {
        "global_mean"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        pool::mean_with(self.isa, &self.extent, x[0], y);
        Ok(())
    }
}

#[derive(Debug)]
struct Gate {
    isa: Detected,
    extent: Extent,
}

impl Step for Gate {
    fn kind(&self) -> &'static str {
        "gate"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        pointwise::multiply_with(self.isa, &self.extent, x[1], x[0], y);
        Ok(())
    }
}

/// The other layout.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) isa: Detected,
    /// With the layout of what is read.
    pub(super) extent: Extent,
}

impl Step for Turn {
    fn kind(&self) -> &'static str {
        "turn"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        layout::turn(self.isa, x[0], self.extent, y);
        Ok(())
    }
}

/// The same values in another place.
#[derive(Debug)]
pub(super) struct Copy;

impl Step for Copy {
    fn kind(&self) -> &'static str {
        "copy"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        y.copy_from_slice(x[0]);
        Ok(())
    }
}
