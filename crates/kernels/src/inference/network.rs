//! A compiled graph: steps with their places, run as often as wanted.

use super::arena::Split;
use super::draft::{Draft, Place, PlacedStep};
use super::fold::fold;
use super::graph::{Graph, Operation, Value};
use super::step::prepare;
use crate::aligned::Aligned;
use crate::error::{KernelError, Result, check_len};
use crate::extent::Extent;
use crate::idle::Idle;
use crate::options::{FastMath, Layout};
use crate::simd::Isa;

/// What a network is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkOptions {
    /// Instruction set; else that of the environment variable `UPCONV_ISA`, else the best of this CPU.
    pub isa: Option<Isa>,
    /// Layout of inputs and outputs; NCHW.
    pub outside: Layout,
    /// Layout between the operations; NHWC, in which most kernels are a little faster.
    pub inside: Layout,
    /// Whether convolutions may be less exact where that is faster.
    pub fast_math: FastMath,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self { isa: None, outside: Layout::Nchw, inside: Layout::Nhwc, fast_math: FastMath::Deny }
    }
}

/// A network of fixed shapes, ready to run: plans are made, weights packed, and it is known where each value lies.
///
/// Made by [`Graph::compile`]. Threads may share it; each run that goes on at the same time has an arena of its own,
/// which is kept for the next one.
#[derive(Debug)]
pub struct Network {
    inputs: Vec<Vec<usize>>,
    outputs: Vec<Vec<usize>>,
    steps: Vec<PlacedStep>,
    arena: usize,
    idle: Idle<Aligned>,
}

/// What one step does and takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// The operation in a word.
    pub kind: &'static str,
    /// Values that it writes.
    pub values: usize,
    /// Bytes of its packed weights.
    pub weight_bytes: usize,
    /// Bytes that it takes beside weights and arena.
    pub workspace_bytes: usize,
}

impl Graph<'_> {
    /// Makes a network of what the outputs need.
    ///
    /// Batch norm goes into the weights before it, and activations into the operation before them, where nobody else
    /// reads what lies between. Weights are packed one after the other.
    ///
    /// # Errors
    /// Parameters that cannot be read; an instruction set that this CPU lacks.
    pub fn compile(self, outputs: &[Value], options: &NetworkOptions) -> Result<Network> {
        let shape_of = |value: &Value| self.shape(*value).to_vec();
        let output_shapes: Vec<Vec<usize>> = outputs.iter().map(shape_of).collect();
        let (nodes, outputs) = fold(self.nodes, outputs);
        let shapes: Vec<Vec<usize>> = nodes.iter().map(|node| node.shape.clone()).collect();
        let mut draft = Draft::new(*options)?;
        let extent = |shape: &[usize]| -> Result<Extent> {
            Ok(Extent { layout: options.inside, ..Extent::of(shape, Layout::Nchw)? })
        };
        let mut inputs = Vec::new();
        // What each node makes, in the layout inside.
        let mut made = Vec::new();
        for node in nodes {
            let reads: Vec<usize> = node.inputs.iter().map(|value| made[value.0]).collect();
            let x: Vec<&[usize]> = node.inputs.iter().map(|value| &*shapes[value.0]).collect();
            made.push(match node.operation {
                Operation::Input => {
                    let extent = extent(&node.shape)?;
                    inputs.push(node.shape);
                    draft.input(inputs.len() - 1, extent)
                }
                Operation::Concat => draft.concat(reads, &x, extent(&node.shape)?),
                other => {
                    let step = prepare(other, &x, &node.shape, options)?;
                    draft.step(step, reads, node.shape.iter().product())
                }
            });
        }
        let of = |(value, shape): (&Value, &Vec<usize>)| Ok((made[value.0], extent(shape)?));
        let outside = outputs.iter().zip(&output_shapes).map(of).collect::<Result<Vec<_>>>()?;
        draft.outputs(&outside);
        let (steps, arena) = draft.place();
        Ok(Network { inputs, outputs: output_shapes, steps, arena, idle: Idle::new() })
    }
}

impl Network {
    /// Shapes of the inputs, in the order NCHW.
    pub fn input_shapes(&self) -> &[Vec<usize>] {
        &self.inputs
    }

    /// Shapes of the outputs, in the order NCHW.
    pub fn output_shapes(&self) -> &[Vec<usize>] {
        &self.outputs
    }

    /// Bytes of the arena, in which values lie between the operations.
    pub fn arena_bytes(&self) -> usize {
        self.arena * size_of::<f32>()
    }

    /// The steps in the order in which they run.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = StepInfo> {
        self.steps.iter().map(|placed| StepInfo {
            kind: placed.step.kind(),
            values: placed.values,
            weight_bytes: placed.step.weight_bytes(),
            workspace_bytes: placed.step.workspace_bytes(),
        })
    }

    /// Computes every element of the outputs.
    ///
    /// # Errors
    /// Another number of buffers than the graph has inputs and outputs; a buffer of the wrong length.
    pub fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) -> Result<()> {
        check_count("inputs", self.inputs.len(), inputs.len())?;
        check_count("outputs", self.outputs.len(), outputs.len())?;
        for (shape, x) in self.inputs.iter().zip(inputs) {
            check_len("x", x, shape)?;
        }
        for (shape, y) in self.outputs.iter().zip(outputs.iter()) {
            check_len("output", y, shape)?;
        }
        let mut arena = self.idle.take().unwrap_or_else(|| Aligned::zeros(self.arena));
        // One way into the pool and back, where each step would take its own.
        rayon::scope(|_| {
            self.steps.iter().try_for_each(|placed| placed.run(inputs, outputs, &mut arena))
        })?;
        self.idle.put(arena);
        Ok(())
    }
}

impl PlacedStep {
    fn run(&self, inputs: &[&[f32]], outputs: &mut [&mut [f32]], arena: &mut [f32]) -> Result<()> {
        match &self.writes {
            Place::Arena(range) => {
                let (y, rest) = Split::new(arena, range.clone());
                let read = |place: &Place| match place {
                    Place::Arena(range) => rest.read(range),
                    Place::Outside(number) => inputs[*number],
                };
                let x: Vec<&[f32]> = self.reads.iter().map(read).collect();
                self.step.run(&x, y)
            }
            Place::Outside(number) => {
                let read = |place: &Place| match place {
                    Place::Arena(range) => &arena[range.clone()],
                    Place::Outside(number) => inputs[*number],
                };
                let x: Vec<&[f32]> = self.reads.iter().map(read).collect();
                self.step.run(&x, outputs[*number])
            }
        }
    }
}

fn check_count(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(KernelError::BufferCount { what, expected, got })
}
