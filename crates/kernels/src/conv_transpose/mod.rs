//! The fast f32 transposed convolution, forward and gradients; `conv` reads the same routines the other
//! way round (see [`coupling`]).
//!
//! * [`direct`]: no workspace, for few channels;
//! * [`column_gemm`]: matrix product with blocks of columns, for everything else.

mod column_gemm;
mod columns;
pub(crate) mod coupling;
mod direct;

use crate::error::{KernelError, Result, check_len};
use crate::plan::{Algorithm, Epilogue, Gradients, PackedWeight, PlanOptions};
use crate::simd::{Detected, Isa};
use column_gemm::Blocks;
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
/// assert_eq!((plan.algorithm(), plan.workspace_bytes()), (Algorithm::Direct, 0));
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
        let engine = Engine::new(Coupling::of_conv_transpose(shape)?, options)?;
        Ok(Self { shape: shape.clone(), engine })
    }

    /// The algorithm that was chosen.
    pub fn algorithm(&self) -> Algorithm {
        self.engine.algorithm
    }

    /// The instruction set that was chosen.
    pub fn isa(&self) -> Isa {
        self.engine.isa.isa()
    }

    /// Most bytes that a run allocates beside its arguments, in a rayon pool with as many threads as
    /// the one that the plan was made in.
    pub fn workspace_bytes(&self) -> usize {
        self.engine.workspace
    }

    /// The sizes that the plan was made for.
    pub fn shape(&self) -> &ConvTransposeShape {
        &self.shape
    }

    /// Writes every element of `y`; what it held before does not matter.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> Result<()> {
        check_len("x", x, &self.shape.x())?;
        check_len("weight", w, &self.shape.weight())?;
        check_len("output", y, &self.shape.y())?;
        if let Some(bias) = bias {
            check_len("bias", bias, &[self.shape.out_channels()])?;
        }
        self.engine.coarse_to_fine(CoarseToFine { coarse: x, weight: w, bias, fine: y });
        Ok(())
    }

    /// Turns a weight into the form that this plan reads. Worth it where a weight is used more than once.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn pack(&self, w: &[f32]) -> Result<PackedWeight> {
        check_len("weight", w, &self.shape.weight())?;
        Ok(PackedWeight { values: w.to_vec() })
    }

    /// As `forward`, with a weight packed before.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn forward_packed(
        &self,
        x: &[f32],
        w: &PackedWeight,
        epilogue: Epilogue<'_>,
        y: &mut [f32],
    ) -> Result<()> {
        self.forward(x, &w.values, epilogue.bias, y)?;
        y.iter_mut().for_each(|v| *v = epilogue.activation.apply(*v));
        Ok(())
    }

    /// Writes every element of the gradients asked for.
    ///
    /// # Errors
    /// A buffer of the wrong length.
    pub fn backward(&self, x: &[f32], w: &[f32], dy: &[f32], into: Gradients<'_>) -> Result<()> {
        check_len("x", x, &self.shape.x())?;
        check_len("weight", w, &self.shape.weight())?;
        check_len("dy", dy, &self.shape.y())?;
        if let Some(dx) = into.x {
            check_len("dx", dx, &self.shape.x())?;
            self.engine.fine_to_coarse(FineToCoarse {
                fine: dy,
                weight: w,
                bias: None,
                coarse: dx,
            });
        }
        if let Some(dw) = into.weight {
            check_len("dw", dw, &self.shape.weight())?;
            self.engine.to_weight(ToWeight { coarse: x, fine: dy, weight: dw });
        }
        if let Some(db) = into.bias {
            check_len("db", db, &[self.shape.out_channels()])?;
            sum_planes(dy, self.engine.coupling.fine_cells, db);
        }
        Ok(())
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

/// What a plan has decided on, for both operations.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) coupling: Coupling,
    pub(crate) algorithm: Algorithm,
    pub(crate) isa: Detected,
    blocks: Blocks,
    pub(crate) workspace: usize,
}

impl Engine {
    pub(crate) fn new(coupling: Coupling, options: &PlanOptions) -> Result<Self> {
        let isa = Detected::choose(options.isa)?;
        let blocks = Blocks::new(&coupling);
        let tasks = if coupling.is_small() { 1 } else { rayon::current_num_threads() };
        let needed = blocks.bytes(&coupling, isa).saturating_mul(tasks);
        let limit = options.max_workspace.unwrap_or(usize::MAX);
        // Below this many channel pairs, a tile of the matrix product is mostly border.
        let (coarse, fine) = (coupling.coarse_channels, coupling.fine_channels);
        let few = coarse * fine <= 16 || coarse <= 2;
        // Without channels there is no matrix.
        let none = coarse * fine == 0;
        let algorithm = match options.algorithm {
            Some(Algorithm::ColumnGemm) if needed > limit => {
                let algorithm = Algorithm::ColumnGemm.name();
                return Err(KernelError::WorkspaceTooSmall { algorithm, needed, limit });
            }
            Some(algorithm) if !none => algorithm,
            None if !few && needed <= limit => Algorithm::ColumnGemm,
            _ => Algorithm::Direct,
        };
        let workspace = if algorithm == Algorithm::Direct { 0 } else { needed };
        Ok(Self { coupling, algorithm, isa, blocks, workspace })
    }

    pub(crate) fn coarse_to_fine(&self, op: CoarseToFine<'_>) {
        match self.algorithm {
            Algorithm::Direct => direct::coarse_to_fine(&self.coupling, op),
            Algorithm::ColumnGemm => {
                column_gemm::coarse_to_fine(&self.coupling, &self.blocks, self.isa, op);
            }
        }
    }

    pub(crate) fn fine_to_coarse(&self, op: FineToCoarse<'_>) {
        match self.algorithm {
            Algorithm::Direct => direct::fine_to_coarse(&self.coupling, op),
            Algorithm::ColumnGemm => {
                column_gemm::fine_to_coarse(&self.coupling, &self.blocks, self.isa, op);
            }
        }
    }

    pub(crate) fn to_weight(&self, op: ToWeight<'_>) {
        match self.algorithm {
            Algorithm::Direct => direct::to_weight(&self.coupling, op),
            Algorithm::ColumnGemm => {
                column_gemm::to_weight(&self.coupling, &self.blocks, self.isa, op);
            }
        }
    }
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

/// Sums the planes of every channel over the batch, in f64.
pub(crate) fn sum_planes(dy: &[f32], cells: usize, sums: &mut [f32]) {
    let channels = sums.len();
    for (channel, sum) in sums.iter_mut().enumerate() {
        let planes = dy.chunks_exact(cells).skip(channel).step_by(channels);
        *sum = planes.flatten().map(|&v| f64::from(v)).sum::<f64>() as f32;
    }
}
