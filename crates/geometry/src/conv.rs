//! One axis of a forward convolution: the transposed axis read the other way.

use crate::axis::{Axis, AxisParams, uncropped};
use crate::error::{GeometryError, Result};
use crate::limits::axis_size;

/// How many zeros a forward convolution puts around its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConvPadding {
    /// So many in front and behind; negative crops the input.
    Pads {
        /// Zeros in front.
        before: i64,
        /// Zeros behind.
        after: i64,
    },
    /// None.
    Valid,
    /// As many as give `ceil(input / stride)` outputs, an odd one behind (TensorFlow, Keras, TFLite,
    /// ONNX `SAME_UPPER`, PyTorch `"same"`).
    SameUpper,
    /// The same, an odd one in front (ONNX `SAME_LOWER`).
    SameLower,
}

impl ConvPadding {
    /// `(before, after)` for an input of `input` cells seen through `effective_kernel` cells.
    ///
    /// For the SAME rules the sum is `max(0, (ceil(input / stride) - 1) * stride + effective_kernel
    /// - input)`.
    ///
    /// ```
    /// use upconv_geometry::ConvPadding;
    /// assert_eq!(ConvPadding::SameUpper.amounts(6, 3, 2), (0, 1));
    /// assert_eq!(ConvPadding::SameLower.amounts(6, 3, 2), (1, 0));
    /// assert_eq!(ConvPadding::SameUpper.amounts(5, 3, 2), (1, 1));
    /// ```
    pub fn amounts(self, input: usize, effective_kernel: usize, stride: usize) -> (i64, i64) {
        let total = || {
            let outputs = input.div_ceil(stride.max(1)) as i128;
            let needed = (outputs - 1) * stride as i128 + effective_kernel as i128 - input as i128;
            i64::try_from(needed.max(0)).unwrap_or(i64::MAX)
        };
        match self {
            Self::Pads { before, after } => (before, after),
            Self::Valid => (0, 0),
            Self::SameUpper => (total() / 2, total() - total() / 2),
            Self::SameLower => (total() - total() / 2, total() / 2),
        }
    }
}

/// The numbers of one axis of a forward convolution, by name; [`ConvAxis::new`] checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvAxisParams {
    /// Input cells, at least 1.
    pub input: usize,
    /// Kernel taps, at least 1.
    pub kernel: usize,
    /// Stride, at least 1.
    pub stride: usize,
    /// Dilation, at least 1.
    pub dilation: usize,
    /// Zeros around the input.
    pub padding: ConvPadding,
}

/// One checked axis of a forward convolution.
///
/// Output `o` reads input `o * stride + j * dilation - pad_before` through tap `j`; what lies outside
/// the input is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvAxis {
    transposed: Axis,
}

impl ConvAxis {
    /// Works out the output size `floor((input + before + after - effective_kernel) / stride) + 1`.
    ///
    /// # Errors
    /// A number below 1, a length above the limits, or padding that leaves no output.
    ///
    /// ```
    /// use upconv_geometry::{ConvAxis, ConvAxisParams, ConvPadding};
    /// let axis = ConvAxis::new(0, ConvAxisParams {
    ///     input: 6, kernel: 3, stride: 2, dilation: 1, padding: ConvPadding::SameUpper,
    /// })?;
    /// assert_eq!((axis.output(), axis.pad_before()), (3, 0));
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn new(axis: usize, params: ConvAxisParams) -> Result<Self> {
        let ConvAxisParams { input, kernel, stride, dilation, padding } = params;
        if input == 0 {
            return Err(GeometryError::InputEmpty { axis, got: 0 });
        }
        let span = uncropped(axis, 1, kernel, stride, dilation)?;
        axis_size("input", axis, input as i128)?;
        let (before, after) = padding.amounts(input, span, stride);
        let padded = input as i128 + i128::from(before) + i128::from(after);
        let room = padded - span as i128;
        if room < 0 {
            return Err(GeometryError::OutputSizeNotPositive { axis, got: 0 });
        }
        let output = axis_size("output", axis, room / stride as i128 + 1)?;
        let transposed = Axis::new(
            axis,
            AxisParams {
                input: output,
                kernel,
                stride,
                dilation,
                window_begin: before,
                output: input,
            },
        )?;
        Ok(Self { transposed })
    }

    /// Input cells.
    pub fn input(&self) -> usize {
        self.transposed.output()
    }

    /// Output cells.
    pub fn output(&self) -> usize {
        self.transposed.input()
    }

    /// Kernel taps.
    pub fn kernel(&self) -> usize {
        self.transposed.kernel()
    }

    /// Zeros in front of the input; negative crops it.
    pub fn pad_before(&self) -> i64 {
        self.transposed.window_begin()
    }

    /// The axis of the transposed convolution that is this one's adjoint.
    pub fn transposed(&self) -> &Axis {
        &self.transposed
    }
}

impl Axis {
    /// The forward convolution whose adjoint this axis is: from `output` cells to `input` cells.
    pub fn forward(&self) -> ConvAxis {
        ConvAxis { transposed: *self }
    }
}
