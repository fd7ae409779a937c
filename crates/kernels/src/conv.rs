//! The fast f32 convolution, forward and gradients: the transposed convolution's routines, read the
//! other way round.

use crate::conv_transpose::coupling::Coupling;
use crate::conv_transpose::{CoarseToFine, Engine, FineToCoarse, ToWeight, sum_planes};
use crate::error::{Result, check_len};
use crate::plan::{Algorithm, Epilogue, Gradients, PackedWeight, PlanOptions};
use crate::simd::Isa;
use upconv_geometry::ConvShape;

/// A convolution of one shape, ready to run.
///
/// # Shapes
/// `x: [n, in, input...]`, `w: [out, in / groups, kernel...]`, `bias: [out]`,
/// `y, dy: [n, out, output...]`, row-major.
///
/// ```
/// use upconv_geometry::{Channels, ConvShape, Dialect, Padding};
/// use upconv_kernels::{ConvPlan, PlanOptions};
/// let axes = Dialect::Tensorflow.conv_axes(&[4], &[3], &[1], &[1], &Padding::Same)?;
/// let shape = ConvShape::new(Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 }, axes)?;
/// let plan = ConvPlan::new(&shape, &PlanOptions::default())?;
/// let mut y = [0.0; 4];
/// plan.forward(&[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0], None, &mut y)?;
/// assert_eq!(y, [210.0, 321.0, 432.0, 43.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConvPlan {
    shape: ConvShape,
    engine: Engine,
}

impl ConvPlan {
    /// Chooses algorithm, instruction set and blocks for `shape`.
    ///
    /// # Errors
    /// As [`crate::ConvTransposePlan::new`].
    pub fn new(shape: &ConvShape, options: &PlanOptions) -> Result<Self> {
        let engine = Engine::new(Coupling::of_conv(shape)?, options)?;
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
    pub fn shape(&self) -> &ConvShape {
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
        self.engine.fine_to_coarse(FineToCoarse { fine: x, weight: w, bias, coarse: y });
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
            self.engine.coarse_to_fine(CoarseToFine {
                coarse: dy,
                weight: w,
                bias: None,
                fine: dx,
            });
        }
        if let Some(dw) = into.weight {
            check_len("dw", dw, &self.shape.weight())?;
            self.engine.to_weight(ToWeight { coarse: dy, fine: x, weight: dw });
        }
        if let Some(db) = into.bias {
            check_len("db", db, &[self.shape.out_channels()])?;
            sum_planes(dy, self.engine.coupling.coarse_cells, db);
        }
        Ok(())
    }
}
