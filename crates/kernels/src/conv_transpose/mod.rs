//! The fast f32 transposed convolution, forward and gradients; `conv` reads the same routines the other
//! way round (see [`coupling`]).
//!
//! * [`direct`]: no workspace, for few channels;
//! * [`column_gemm`]: matrix product with blocks of columns, for everything else.

pub(crate) mod column_gemm;
mod columns;
pub(crate) mod coupling;
pub(crate) mod direct;

use crate::engine::{Engine, Shapes};
use crate::error::Result;
use crate::phases::Direction;
use crate::plan::{Algorithm, Epilogue, Gradients, Layout, PackedWeight, PlanOptions};
use crate::simd::Isa;
use coupling::Coupling;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};
use upconv_geometry::ConvTransposeShape;

/// A transposed convolution of one shape, ready to run.
///
/// # Shapes
/// `x: [n, in, input...]`, `w: [in, out / groups, kernel...]`, `bias: [out]`,
/// `y, dy: [n, out, output...]`, row-major.
///
/// ```
/// use upconv_geometry::dialect::pytorch::ConvTranspose;
/// use upconv_kernels::{Algorithm, ConvTransposePlan, Gradients, PlanOptions};
///
/// let op = ConvTranspose { stride: vec![2], ..Default::default() };
/// let shape = op.shape(&[1, 1, 2], &[1, 1, 3], Some(1))?;
/// let plan = ConvTransposePlan::new(&shape, &PlanOptions::default())?;
/// assert_eq!(plan.algorithm(), Algorithm::Depthwise); // one channel in, one out
///
/// let (x, w, dy) = ([1.0, 10.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0, 5.0]);
/// let (mut dx, mut dw, mut db) = ([0.0; 2], [0.0; 3], [0.0; 1]);
/// let into = Gradients { x: Some(&mut dx), weight: Some(&mut dw), bias: Some(&mut db) };
/// plan.backward(&x, &w, &dy, into)?;
/// assert_eq!(dx, [14.0, 26.0]); // 1 * 1 + 2 * 2 + 3 * 3, then from cell 2 on
/// assert_eq!(dw, [31.0, 42.0, 53.0]);
/// assert_eq!(db, [15.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvTransposePlan {
    shape: ConvTransposeShape,
    engine: Engine,
}

impl ConvTransposePlan {
    /// Chooses algorithm, instruction set and blocks for `shape`.
    ///
    /// # Errors
    /// More than 3 spatial axes; an instruction set that this CPU lacks; an algorithm that cannot keep
    /// to `max_workspace`.
    pub fn new(shape: &ConvTransposeShape, options: &PlanOptions) -> Result<Self> {
        let shapes = Shapes::new(options.layout, shape.x(), shape.weight(), shape.y());
        let coupling = Coupling::of_conv_transpose(shape)?;
        let engine = Engine::new(coupling, Direction::CoarseToFine, shapes, options)?;
        Ok(Self { shape: shape.clone(), engine })
    }

    /// The algorithm of the forward pass that was chosen.
    pub fn algorithm(&self) -> Algorithm {
        self.engine.algorithm()
    }

    /// The instruction set that was chosen.
    pub fn isa(&self) -> Isa {
        self.engine.isa()
    }

    /// The layout of x, y and their gradients.
    pub fn layout(&self) -> Layout {
        self.engine.layout()
    }

    /// Most bytes that a run takes beside its arguments and packed weights, in a rayon pool with as many
    /// threads as the one that the plan was made in. The plan keeps them for the next run.
    pub fn workspace_bytes(&self) -> usize {
        self.engine.workspace()
    }

    /// The sizes that the plan was made for, in the order NCHW.
    pub fn shape(&self) -> &ConvTransposeShape {
        &self.shape
    }

    /// Writes every element of `y`; what it held before does not matter.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> Result<()> {
        self.engine.forward(x, w, Epilogue { bias, ..Default::default() }, y)
    }

    /// Turns a weight into the form that this plan reads. Worth it where a weight is used more than once.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn pack(&self, w: &[f32]) -> Result<PackedWeight> {
        self.engine.pack(w)
    }

    /// As `forward`, with a weight packed before, and with an activation in the same pass.
    ///
    /// # Errors
    /// A buffer of the wrong length, or a weight that another plan packed.
    ///
    /// ```
    /// use upconv_geometry::dialect::pytorch::ConvTranspose;
    /// use upconv_kernels::{Activation, ConvTransposePlan, Epilogue, PlanOptions};
    ///
    /// let op = ConvTranspose { stride: vec![2], ..Default::default() };
    /// let plan = ConvTransposePlan::new(&op.shape(&[1, 1, 2], &[1, 1, 2], None)?, &PlanOptions::default())?;
    /// let packed = plan.pack(&[1.0, -1.0])?;
    /// let epilogue = Epilogue { bias: Some(&[0.5]), activation: Activation::Relu };
    /// let mut y = [0.0; 4];
    /// plan.forward_packed(&[1.0, 10.0], &packed, epilogue, &mut y)?;
    /// assert_eq!(y, [1.5, 0.0, 10.5, 0.0]);
    /// # Ok::<(), upconv_kernels::KernelError>(())
    /// ```
    pub fn forward_packed(
        &self,
        x: &[f32],
        w: &PackedWeight,
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) -> Result<()> {
        self.engine.forward_packed(x, w, epilogue, y)
    }

    /// Writes every element of the gradients asked for.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn backward(&self, x: &[f32], w: &[f32], dy: &[f32], into: Gradients<'_>) -> Result<()> {
        self.engine.backward(x, w, dy, into)
    }
}

/// `fine = bias + what coarse scatters through weight`.
pub(crate) struct CoarseToFine<'a> {
    pub(crate) coarse: &'a [f32],
    pub(crate) weight: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) fine: &'a mut [f32],
}

/// `coarse = bias + what weight gathers from fine`.
pub(crate) struct FineToCoarse<'a> {
    pub(crate) fine: &'a [f32],
    pub(crate) weight: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) coarse: &'a mut [f32],
}

/// `weight = products of coarse and fine cells that meet, summed over the batch`.
pub(crate) struct ToWeight<'a> {
    pub(crate) coarse: &'a [f32],
    pub(crate) fine: &'a [f32],
    pub(crate) weight: &'a mut [f32],
}

/// Gives each task its own chunk of `length` values, on the pool unless the work is small.
fn run_tasks(
    coupling: &Coupling,
    data: &mut [f32],
    length: usize,
    task: impl Fn(usize, &mut [f32]) + Sync,
) {
    if coupling.is_small() {
        data.chunks_exact_mut(length).enumerate().for_each(|(n, chunk)| task(n, chunk));
    } else {
        data.par_chunks_exact_mut(length).enumerate().for_each(|(n, chunk)| task(n, chunk));
    }
}

/// The same for tasks that own several slices, with buffers that tasks hand on to each other: there
/// are never more of them than threads at work.
fn run_tasks_with<B: Send>(
    coupling: &Coupling,
    owned: Vec<Vec<&mut [f32]>>,
    make: impl Fn() -> B + Sync,
    task: impl Fn(usize, &mut [&mut [f32]], &mut B) + Sync,
) {
    if coupling.is_small() {
        let mut buffers = make();
        owned.into_iter().enumerate().for_each(|(n, mut own)| task(n, &mut own, &mut buffers));
        return;
    }
    let idle = Mutex::new(Vec::new());
    owned.into_par_iter().enumerate().for_each(|(n, mut own)| {
        let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffers = taken.unwrap_or_else(&make);
        task(n, &mut own, &mut buffers);
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
    });
}
