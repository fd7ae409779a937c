//! The two algorithms that stand in where the others do not apply, for both convolutions and the gradient
//! for the weight (see [`coupling`]). They know the order NCHW.
//!
//! * [`direct`]: no workspace, any shape;
//! * [`column_gemm`]: matrix products with blocks of columns (im2col, col2im).

pub(crate) mod column_gemm;
mod columns;
pub(crate) mod coupling;
pub(crate) mod direct;

use crate::at_once::AtOnce;
use crate::idle::Idle;
use coupling::Coupling;
use rayon::prelude::*;

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
/// are never more of them than tasks at work.
fn run_tasks_with<B: Send>(
    coupling: &Coupling,
    at_once: AtOnce,
    owned: Vec<Vec<&mut [f32]>>,
    make: impl Fn() -> B + Sync,
    task: impl Fn(usize, &mut [&mut [f32]], &mut B) + Sync,
) {
    if coupling.is_small() {
        let mut buffers = make();
        owned.into_iter().enumerate().for_each(|(n, mut own)| task(n, &mut own, &mut buffers));
        return;
    }
    let idle = Idle::new();
    at_once.run(owned.into_iter().enumerate().collect(), |(n, mut own)| {
        let mut buffers = idle.take().unwrap_or_else(&make);
        task(n, &mut own, &mut buffers);
        idle.put(buffers);
    });
}
