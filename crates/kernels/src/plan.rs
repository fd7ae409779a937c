//! Plans: a convolution or transposed convolution of one shape, ready to run.

use crate::conv_transpose::coupling::Coupling;
use crate::engine::{Engine, Shapes};
use crate::error::Result;
use crate::options::{Algorithm, Epilogue, Gradients, Layout, PackedWeight, PlanOptions};
use crate::phases::Direction;
use crate::simd::Isa;
use upconv_geometry::{ConvShape, ConvTransposeShape};

/// One operation of one shape, ready to run: [`ConvTransposePlan`] or [`ConvPlan`].
///
/// It has chosen algorithm, instruction set and blocks from the sizes, and keeps its workspace from run to
/// run. Threads may share it.
#[derive(Clone, Debug)]
pub struct Plan<S> {
    shape: S,
    engine: Engine,
}

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
/// assert_eq!(plan.algorithm(), Algorithm::Direct); // buffers would be larger than x and y
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
pub type ConvTransposePlan = Plan<ConvTransposeShape>;

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
pub type ConvPlan = Plan<ConvShape>;

impl Plan<ConvTransposeShape> {
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
}

impl Plan<ConvShape> {
    /// Chooses algorithm, instruction set and blocks for `shape`.
    ///
    /// # Errors
    /// As for a [`ConvTransposePlan`].
    pub fn new(shape: &ConvShape, options: &PlanOptions) -> Result<Self> {
        let shapes = Shapes::new(options.layout, shape.x(), shape.weight(), shape.y());
        let engine =
            Engine::new(Coupling::of_conv(shape)?, Direction::FineToCoarse, shapes, options)?;
        Ok(Self { shape: shape.clone(), engine })
    }
}

impl<S> Plan<S> {
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

    /// Most bytes that one pass (forward, or one gradient) takes beside its arguments and packed weights, in a
    /// rayon pool with as many threads as the one that the plan was made in. The plan keeps what each pass
    /// took for the next one of its kind, and for the passes that pack weights themselves also these.
    pub fn workspace_bytes(&self) -> usize {
        self.engine.workspace()
    }

    /// The sizes that the plan was made for, in the order NCHW.
    pub fn shape(&self) -> &S {
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
