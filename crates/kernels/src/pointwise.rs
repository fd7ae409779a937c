//! Element by element: activations, sums, and factors for each channel.
//!
//! Everything here gives the same bits for every instruction set and any number of threads. Networks whose
//! convolutions cannot apply an activation themselves, residual sums, and normalisations and gates that stay
//! outside of a convolution's weight come here.

use std::borrow::Cow;

use crate::error::{KernelError, Result};
use crate::extent::Extent;
use crate::options::Activation;
use crate::parts::each_part;
use crate::simd::Detected;
use crate::simd::activate::Activate;
use crate::simd::loops::Loops;

/// Every value becomes what the activation makes of it.
///
/// # Errors
/// A wrong `UPCONV_ISA`.
///
/// ```
/// use upconv_kernels::{Activation, pointwise};
/// let mut values = [-2.0, 3.0, 8.0];
/// pointwise::activate(Activation::Relu6, &mut values)?;
/// assert_eq!(values, [0.0, 3.0, 6.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn activate(activation: Activation, values: &mut [f32]) -> Result<()> {
    activate_with(Detected::choose(None)?, activation, values);
    Ok(())
}

pub(crate) fn activate_with(isa: Detected, activation: Activation, values: &mut [f32]) {
    if activation != Activation::None {
        each_part(values, 1, 1, |_, values| isa.run(Activate { activation, values }));
    }
}

/// `y = activation(x)`.
///
/// # Errors
/// Buffers of different lengths.
///
/// ```
/// use upconv_kernels::{Activation, pointwise};
/// let mut y = [0.0; 2];
/// pointwise::activate_into(Activation::LeakyRelu { slope: 0.5 }, &[-2.0, 3.0], &mut y)?;
/// assert_eq!(y, [-1.0, 3.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn activate_into(activation: Activation, x: &[f32], y: &mut [f32]) -> Result<()> {
    same_length("y", y, x)?;
    activate_into_with(Detected::choose(None)?, activation, x, y);
    Ok(())
}

fn activate_into_with(isa: Detected, activation: Activation, x: &[f32], y: &mut [f32]) {
    each_part(y, 1, 1, |first, y| {
        isa.run(ActivateInto { activation, x: &x[first..][..y.len()], y });
    });
}

struct ActivateInto<'a> {
    activation: Activation,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for ActivateInto<'_> {
    #[inline(always)]
    fn run(self) {
        self.activation.write_all(self.y.iter_mut().zip(self.x.iter().copied()));
    }
}

/// `dx = dy * activation'`, where `kept` is the tensor that [`Activation::kept`] names: the output for most, so
/// that an activation in place can be gone back through.
///
/// # Errors
/// Buffers of different lengths.
///
/// ```
/// use upconv_kernels::{Activation, pointwise};
/// let mut dx = [0.0; 2];
/// // The outputs were 0 and 3: the first input was not above zero.
/// pointwise::activation_backward(Activation::Relu, &[0.0, 3.0], &[5.0, 7.0], &mut dx)?;
/// assert_eq!(dx, [0.0, 7.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn activation_backward(
    activation: Activation,
    kept: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) -> Result<()> {
    same_length("dy", dy, kept)?;
    same_length("dx", dx, kept)?;
    backward_with(Detected::choose(None)?, activation, [kept, dy], dx);
    Ok(())
}

fn backward_with(isa: Detected, activation: Activation, [kept, dy]: [&[f32]; 2], dx: &mut [f32]) {
    each_part(dx, 1, 1, |first, dx| {
        let (kept, dy) = (&kept[first..][..dx.len()], &dy[first..][..dx.len()]);
        isa.run(Backward { activation, kept, dy, dx });
    });
}

struct Backward<'a> {
    activation: Activation,
    kept: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Loops for Backward<'_> {
    #[inline(always)]
    fn run(self) {
        let pairs = self.kept.iter().copied().zip(self.dy.iter().copied());
        self.activation.backward_all(self.dx.iter_mut().zip(pairs));
    }
}

/// [`activation_backward`] in place: the gradient of the output becomes that of the input.
///
/// # Errors
/// Buffers of different lengths.
///
/// ```
/// use upconv_kernels::{Activation, pointwise};
/// let mut dy = [5.0, 7.0];
/// pointwise::activation_backward_to(Activation::Relu, &[0.0, 3.0], &mut dy)?;
/// assert_eq!(dy, [0.0, 7.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn activation_backward_to(activation: Activation, kept: &[f32], dy: &mut [f32]) -> Result<()> {
    same_length("dy", dy, kept)?;
    backward_to_with(Detected::choose(None)?, activation, kept, dy);
    Ok(())
}

fn backward_to_with(isa: Detected, activation: Activation, kept: &[f32], dy: &mut [f32]) {
    each_part(dy, 1, 1, |first, dy| {
        isa.run(BackwardTo { activation, kept: &kept[first..][..dy.len()], dy });
    });
}

struct BackwardTo<'a> {
    activation: Activation,
    kept: &'a [f32],
    dy: &'a mut [f32],
}

impl Loops for BackwardTo<'_> {
    #[inline(always)]
    fn run(self) {
        self.activation.backward_all(self.dy.iter_mut().zip(self.kept).map(|(dx, &kept)| {
            let dy = *dx;
            (dx, (kept, dy))
        }));
    }
}

/// `y = activation(a + b)`.
///
/// # Errors
/// Buffers of different lengths.
///
/// ```
/// use upconv_kernels::{Activation, pointwise};
/// let mut y = [0.0; 2];
/// pointwise::add(&[1.0, 2.0], &[3.0, -4.0], Activation::Relu, &mut y)?;
/// assert_eq!(y, [4.0, 0.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn add(a: &[f32], b: &[f32], activation: Activation, y: &mut [f32]) -> Result<()> {
    same_length("b", b, a)?;
    same_length("y", y, a)?;
    add_with(Detected::choose(None)?, [a, b], activation, y);
    Ok(())
}

pub(crate) fn add_with(isa: Detected, [a, b]: [&[f32]; 2], activation: Activation, y: &mut [f32]) {
    each_part(y, 1, 1, |first, y| {
        for (number, y) in y.chunks_mut(BLOCK).enumerate() {
            let first = first + number * BLOCK;
            let (a, b) = (&a[first..][..y.len()], &b[first..][..y.len()]);
            isa.run(Add { a, b, y });
            activate_block(isa, activation, y);
        }
    });
}

struct Add<'a> {
    a: &'a [f32],
    b: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Add<'_> {
    #[inline(always)]
    fn run(self) {
        self.y.iter_mut().zip(self.a.iter().zip(self.b)).for_each(|(y, (a, b))| *y = a + b);
    }
}

/// `y = activation(y + b)`: [`add`] in place.
///
/// # Errors
/// Buffers of different lengths.
///
/// ```
/// use upconv_kernels::{Activation, pointwise};
/// let mut y = [1.0, 2.0];
/// pointwise::add_to(&mut y, &[3.0, -4.0], Activation::None)?;
/// assert_eq!(y, [4.0, -2.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn add_to(y: &mut [f32], b: &[f32], activation: Activation) -> Result<()> {
    same_length("b", b, y)?;
    add_to_with(Detected::choose(None)?, y, b, activation);
    Ok(())
}

pub(crate) fn add_to_with(isa: Detected, y: &mut [f32], b: &[f32], activation: Activation) {
    each_part(y, 1, 1, |first, y| {
        for (number, y) in y.chunks_mut(BLOCK).enumerate() {
            isa.run(AddTo { b: &b[first + number * BLOCK..][..y.len()], y });
            activate_block(isa, activation, y);
        }
    });
}

struct AddTo<'a> {
    b: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for AddTo<'_> {
    #[inline(always)]
    fn run(self) {
        self.y.iter_mut().zip(self.b).for_each(|(y, b)| *y += b);
    }
}

/// A factor and a shift for each channel: `[c]` each. A normalisation with fixed statistics is
/// `factor = gamma / sqrt(variance + epsilon)`, `shift = beta - mean * factor`.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// `[c]`
    pub factor: &'a [f32],
    /// `[c]`
    pub shift: &'a [f32],
}

/// `y = activation(x * factor + shift)`, channel by channel.
///
/// # Shapes
/// `x, y`: as `extent` says; `factor, shift: [c]`
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::pointwise::{Affine, scale_shift};
/// use upconv_kernels::{Activation, Extent, Layout};
/// let affine = Affine { factor: &[1.0, 10.0], shift: &[0.0, 0.5] };
/// let mut y = [0.0; 4];
/// let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nhwc };
/// scale_shift(&extent, affine, Activation::None, &[1.0, 2.0, 3.0, 4.0], &mut y)?;
/// assert_eq!(y, [1.0, 20.5, 3.0, 40.5]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn scale_shift(
    extent: &Extent,
    affine: Affine<'_>,
    activation: Activation,
    x: &[f32],
    y: &mut [f32],
) -> Result<()> {
    crate::error::check_len("factor", affine.factor, &[extent.channels])?;
    crate::error::check_len("shift", affine.shift, &[extent.channels])?;
    extent.check("x", x)?;
    extent.check("y", y)?;
    scale_shift_with(Detected::choose(None)?, extent, affine, activation, x, y);
    Ok(())
}

pub(crate) fn scale_shift_with(
    isa: Detected,
    extent: &Extent,
    affine: Affine<'_>,
    activation: Activation,
    x: &[f32],
    y: &mut [f32],
) {
    let channels = extent.channels.max(1);
    if extent.has_planes() {
        each_part(y, extent.cells, extent.cells, |first, y| {
            let x = &x[first * extent.cells..][..y.len()];
            let planes = x.chunks_exact(extent.cells).zip(y.chunks_exact_mut(extent.cells));
            for (plane, (x, y)) in planes.enumerate() {
                let channel = (first + plane) % channels;
                let (factor, shift) = (affine.factor[channel], affine.shift[channel]);
                for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
                    isa.run(Plane { factor, shift, x, y });
                    activate_block(isa, activation, y);
                }
            }
        });
    } else {
        let factor = &*repeated(affine.factor);
        let shift = &*repeated(affine.shift);
        let rows = BLOCK.div_ceil(factor.len().max(1)) * factor.len().max(1);
        each_part(y, factor.len(), factor.len(), |first, y| {
            let x = &x[first * factor.len()..][..y.len()];
            for (x, y) in x.chunks(rows).zip(y.chunks_mut(rows)) {
                isa.run(Cells { factor, shift, x, y });
                activate_block(isa, activation, y);
            }
        });
    }
}

/// Values of one channel.
struct Plane<'a> {
    factor: f32,
    shift: f32,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Plane<'_> {
    #[inline(always)]
    fn run(self) {
        let Self { factor, shift, x, y } = self;
        y.iter_mut().zip(x).for_each(|(y, x)| *y = x * factor + shift);
    }
}

/// Cells with all their channels; the last row may be shorter.
struct Cells<'a> {
    factor: &'a [f32],
    shift: &'a [f32],
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Cells<'_> {
    #[inline(always)]
    fn run(self) {
        let row = self.factor.len().max(1);
        for (x, y) in self.x.chunks(row).zip(self.y.chunks_mut(row)) {
            let affine = self.factor.iter().zip(self.shift);
            for ((y, x), (factor, shift)) in y.iter_mut().zip(x).zip(affine) {
                *y = x * factor + shift;
            }
        }
    }
}

/// Fewer values in a row than this leave registers half empty.
const ROW: usize = 64;

/// So often that loops over it are long enough. Rows of whole cells are taken together then.
pub(crate) fn repeated(values: &[f32]) -> Cow<'_, [f32]> {
    match values.len() {
        0 | ROW.. => Cow::Borrowed(values),
        length => Cow::Owned(values.repeat(ROW.div_ceil(length))),
    }
}

/// `y = x * gate`, with one gate for each channel of each image (squeeze and excitation).
///
/// # Shapes
/// `gate: [n, c]`, `x, y`: as `extent` says
///
/// # Errors
/// A buffer of the wrong length.
///
/// ```
/// use upconv_kernels::pointwise::multiply_channels;
/// use upconv_kernels::{Extent, Layout};
/// let mut y = [0.0; 4];
/// let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nchw };
/// multiply_channels(&extent, &[2.0, 10.0], &[1.0, 2.0, 3.0, 4.0], &mut y)?;
/// assert_eq!(y, [2.0, 4.0, 30.0, 40.0]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
pub fn multiply_channels(extent: &Extent, gate: &[f32], x: &[f32], y: &mut [f32]) -> Result<()> {
    crate::error::check_len("gate", gate, &[extent.batch, extent.channels])?;
    extent.check("x", x)?;
    extent.check("y", y)?;
    multiply_with(Detected::choose(None)?, extent, gate, x, y);
    Ok(())
}

pub(crate) fn multiply_with(
    isa: Detected,
    extent: &Extent,
    gate: &[f32],
    x: &[f32],
    y: &mut [f32],
) {
    let Extent { channels, cells, .. } = *extent;
    // Rows of values with one gate each, or with as many gates as there are channels.
    let row = if extent.has_planes() { cells } else { channels };
    each_part(y, row, row, |first, y| {
        let x = &x[first * row..][..y.len()];
        let (planes, row) = (extent.has_planes(), row.max(1));
        isa.run(Multiply { gate, planes, row, channels, cells, first, x, y });
    });
}

struct Multiply<'a> {
    gate: &'a [f32],
    planes: bool,
    row: usize,
    channels: usize,
    cells: usize,
    first: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Loops for Multiply<'_> {
    #[inline(always)]
    fn run(self) {
        for (row, (x, y)) in self.x.chunks(self.row).zip(self.y.chunks_mut(self.row)).enumerate() {
            let row = self.first + row;
            if self.planes {
                let gate = self.gate[row];
                y.iter_mut().zip(x).for_each(|(y, x)| *y = x * gate);
            } else {
                let gate = &self.gate[row / self.cells * self.channels..];
                y.iter_mut().zip(x).zip(gate).for_each(|((y, x), gate)| *y = x * gate);
            }
        }
    }
}

/// Values that stay in the first cache until their activation follows: it is compiled once and not into each loop.
pub(crate) const BLOCK: usize = 2048;

/// The activation of a block.
pub(crate) fn activate_block(isa: Detected, activation: Activation, values: &mut [f32]) {
    if activation != Activation::None {
        isa.run(Activate { activation, values });
    }
}

/// The gradient of a block in front of its activation, in its place.
pub(crate) fn backward_block_to(
    isa: Detected,
    activation: Activation,
    kept: &[f32],
    dy: &mut [f32],
) {
    isa.run(BackwardTo { activation, kept, dy });
}

fn same_length(tensor: &'static str, values: &[f32], like: &[f32]) -> Result<()> {
    if values.len() == like.len() {
        return Ok(());
    }
    let (shape, expected, got) = (vec![like.len()], like.len(), values.len());
    Err(KernelError::BufferLength { tensor, shape, expected, got })
}

#[cfg(test)]
mod tests;
