//! Why a setting is refused: one variant per rule, with the numbers and what would be legal.

use std::fmt;

/// Result with [`GeometryError`].
pub type Result<T> = std::result::Result<T, GeometryError>;

/// An inclusive range of legal values, `first..=last`, with `first <= last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legal {
    /// Smallest legal value.
    pub first: i64,
    /// Largest legal value.
    pub last: i64,
}

impl Legal {
    /// The legal value closest to `got`.
    ///
    /// ```
    /// use upconv_geometry::Legal;
    /// assert_eq!(Legal { first: 5, last: 6 }.nearest(7), 6);
    /// assert_eq!(Legal { first: 5, last: 6 }.nearest(-1), 5);
    /// ```
    pub fn nearest(self, got: i64) -> i64 {
        got.clamp(self.first, self.last)
    }

    /// Whether `value` lies in the range.
    pub fn contains(self, value: i64) -> bool {
        (self.first..=self.last).contains(&value)
    }
}

impl fmt::Display for Legal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last - self.first {
            0 => write!(f, "{}", self.first),
            1 => write!(f, "{} or {}", self.first, self.last),
            _ => write!(f, "{} to {}", self.first, self.last),
        }
    }
}

/// Why a setting is refused.
///
/// Every variant belongs to exactly one rule name ([`GeometryError::rule`]); the names are the
/// stable ones of the golden cases (`golden/README.md`). Axes count from 0 among the spatial axes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // The fields are the numbers that the message prints, named as in it.
pub enum GeometryError {
    /// The wanted output size is not one whose forward convolution gives the input size.
    OutputShapeNotLegal { axis: usize, got: i64, legal: Legal, input: usize },
    /// `output_padding` reaches the stride (Keras) or both stride and dilation (PyTorch, ONNX).
    OutputPaddingTooLarge { axis: usize, got: i64, below: usize, dialect: &'static str },
    /// `output_size` lies outside the sizes that share one input.
    OutputSizeOutOfRange { axis: usize, got: i64, legal: Legal },
    /// The setting leaves no output cell.
    OutputSizeNotPositive { axis: usize, got: i64 },
    /// Input channels of `x` and of the weight differ.
    ChannelMismatch { weight: usize, got: usize },
    /// `groups` does not divide the channels.
    GroupsNotDividingChannels { channels: usize, groups: usize },
    /// `groups` is below 1.
    ZeroGroups { got: i64 },
    /// A stride below 1.
    StrideNotPositive { axis: usize, got: i64 },
    /// A dilation below 1.
    DilationNotPositive { axis: usize, got: i64 },
    /// A padding below 0.
    NegativePadding { axis: usize, got: i64 },
    /// An `output_padding` below 0.
    NegativeOutputPadding { axis: usize, got: i64 },
    /// The bias has another length than there are output channels.
    BiasSize { expected: usize, got: usize },
    /// A tensor has the wrong number of axes.
    RankMismatch { tensor: &'static str, expected: usize, got: usize },
    /// A kernel axis without taps.
    KernelEmpty { axis: usize, got: i64 },
    /// The attribute `kernel_shape` contradicts the weight.
    KernelShapeMismatch { axis: usize, got: i64, weight: usize },
    /// A per-axis attribute has the wrong number of entries.
    AttributeLength { attribute: &'static str, expected: usize, got: usize },
    /// An `auto_pad` that ONNX does not know.
    AutoPadUnknown { got: String },
    /// A padding word (or form) that the dialect does not know.
    PaddingUnknown { dialect: &'static str, got: String, allowed: &'static str },
    /// A `padding_mode` other than zeros.
    PaddingModeNotZeros { got: String },
    /// `pads` given together with an `auto_pad` that computes them.
    PadsWithAutoPad { auto_pad: &'static str },
    /// `output_shape` names another batch size than `x`.
    OutputShapeBatch { expected: usize, got: i64 },
    /// `output_shape` names channels that the weight cannot give.
    OutputShapeChannels { multiple_of: usize, got: i64 },
    /// `output_shape` has the wrong number of entries.
    OutputShapeRank { expected: usize, got: usize },
    /// The size that Keras computes is none that TensorFlow accepts.
    KerasSizeNotReachable { axis: usize, got: i64, legal: Legal, output_padding: Legal },
    /// Keras refuses a stride above 1 together with a dilation above 1.
    KerasStrideAndDilation { stride: usize, dilation: usize },
    /// An unpooling index points outside the output.
    IndexOutOfRange { position: usize, got: i64, cells: usize },
    /// Unpooling indices have another shape than the values.
    IndexShapeMismatch { expected: Vec<usize>, got: Vec<usize> },
    /// An input axis without cells.
    InputEmpty { axis: usize, got: i64 },
    /// A size above the limits of this crate; see [`crate::limits`].
    SizeLimit { what: &'static str, axis: Option<usize>, got: i128, limit: i64 },
    /// The dialect has no such argument.
    ArgumentNotInDialect { dialect: &'static str, argument: &'static str, hint: &'static str },
    /// The dialect takes one padding per axis, the same at both ends.
    PaddingNotSymmetric { dialect: &'static str, axis: usize, before: i64, after: i64 },
}

use GeometryError as E;

impl GeometryError {
    /// The stable name of the broken rule, as in `golden/README.md`.
    ///
    /// ```
    /// use upconv_geometry::GeometryError;
    /// assert_eq!(GeometryError::ZeroGroups { got: 0 }.rule(), "ZERO_GROUPS");
    /// ```
    pub fn rule(&self) -> &'static str {
        match self {
            E::OutputShapeNotLegal { .. } => "OUTPUT_SHAPE_NOT_LEGAL",
            E::OutputPaddingTooLarge { .. } => "OUTPUT_PADDING_TOO_LARGE",
            E::OutputSizeOutOfRange { .. } => "OUTPUT_SIZE_OUT_OF_RANGE",
            E::OutputSizeNotPositive { .. } => "OUTPUT_SIZE_NOT_POSITIVE",
            E::ChannelMismatch { .. } => "CHANNEL_MISMATCH",
            E::GroupsNotDividingChannels { .. } => "GROUPS_NOT_DIVIDING_CHANNELS",
            E::ZeroGroups { .. } => "ZERO_GROUPS",
            E::StrideNotPositive { .. } => "STRIDE_NOT_POSITIVE",
            E::DilationNotPositive { .. } => "DILATION_NOT_POSITIVE",
            E::NegativePadding { .. } => "NEGATIVE_PADDING",
            E::NegativeOutputPadding { .. } => "NEGATIVE_OUTPUT_PADDING",
            E::BiasSize { .. } => "BIAS_SIZE",
            E::RankMismatch { .. } => "RANK_MISMATCH",
            E::KernelEmpty { .. } => "KERNEL_EMPTY",
            E::KernelShapeMismatch { .. } => "KERNEL_SHAPE_MISMATCH",
            E::AttributeLength { .. } => "ATTRIBUTE_LENGTH",
            E::AutoPadUnknown { .. } => "AUTO_PAD_UNKNOWN",
            E::PaddingUnknown { .. } => "PADDING_UNKNOWN",
            E::PaddingModeNotZeros { .. } => "PADDING_MODE_NOT_ZEROS",
            E::PadsWithAutoPad { .. } => "PADS_WITH_AUTO_PAD",
            E::OutputShapeBatch { .. } => "OUTPUT_SHAPE_BATCH",
            E::OutputShapeChannels { .. } => "OUTPUT_SHAPE_CHANNELS",
            E::OutputShapeRank { .. } => "OUTPUT_SHAPE_RANK",
            E::KerasSizeNotReachable { .. } => "KERAS_SIZE_NOT_REACHABLE",
            E::KerasStrideAndDilation { .. } => "KERAS_STRIDE_AND_DILATION",
            E::IndexOutOfRange { .. } => "INDEX_OUT_OF_RANGE",
            E::IndexShapeMismatch { .. } => "INDEX_SHAPE_MISMATCH",
            E::InputEmpty { .. } => "INPUT_EMPTY",
            E::SizeLimit { .. } => "SIZE_LIMIT",
            E::ArgumentNotInDialect { .. } => "ARGUMENT_NOT_IN_DIALECT",
            E::PaddingNotSymmetric { .. } => "PADDING_NOT_SYMMETRIC",
        }
    }

    /// The spatial axis at fault, when the rule is about one.
    pub fn axis(&self) -> Option<usize> {
        match self {
            E::OutputShapeNotLegal { axis, .. }
            | E::OutputPaddingTooLarge { axis, .. }
            | E::OutputSizeOutOfRange { axis, .. }
            | E::OutputSizeNotPositive { axis, .. }
            | E::StrideNotPositive { axis, .. }
            | E::DilationNotPositive { axis, .. }
            | E::NegativePadding { axis, .. }
            | E::NegativeOutputPadding { axis, .. }
            | E::KernelEmpty { axis, .. }
            | E::KernelShapeMismatch { axis, .. }
            | E::KerasSizeNotReachable { axis, .. }
            | E::InputEmpty { axis, .. }
            | E::PaddingNotSymmetric { axis, .. } => Some(*axis),
            E::SizeLimit { axis, .. } => *axis,
            _ => None,
        }
    }

    /// The argument or tensor at fault, in our words.
    pub fn field(&self) -> Option<&'static str> {
        Some(match self {
            E::OutputShapeNotLegal { .. }
            | E::OutputSizeOutOfRange { .. }
            | E::OutputSizeNotPositive { .. }
            | E::OutputShapeBatch { .. }
            | E::OutputShapeChannels { .. }
            | E::OutputShapeRank { .. }
            | E::KerasSizeNotReachable { .. } => "output",
            E::OutputPaddingTooLarge { .. } | E::NegativeOutputPadding { .. } => "output_padding",
            E::ChannelMismatch { .. } => "x",
            E::GroupsNotDividingChannels { .. } | E::ZeroGroups { .. } => "groups",
            E::StrideNotPositive { .. } | E::KerasStrideAndDilation { .. } => "stride",
            E::DilationNotPositive { .. } => "dilation",
            E::NegativePadding { .. }
            | E::AutoPadUnknown { .. }
            | E::PaddingUnknown { .. }
            | E::PadsWithAutoPad { .. }
            | E::PaddingNotSymmetric { .. } => "padding",
            E::PaddingModeNotZeros { .. } => "padding_mode",
            E::BiasSize { .. } => "bias",
            E::RankMismatch { tensor, .. } => tensor,
            E::KernelEmpty { .. } | E::KernelShapeMismatch { .. } => "kernel",
            E::AttributeLength { attribute, .. } => attribute,
            E::IndexOutOfRange { .. } | E::IndexShapeMismatch { .. } => "indices",
            E::InputEmpty { .. } => "input",
            E::SizeLimit { what, .. } => what,
            E::ArgumentNotInDialect { argument, .. } => argument,
        })
    }

    /// The number that was refused, when there is one.
    pub fn got(&self) -> Option<i64> {
        match self {
            E::OutputShapeNotLegal { got, .. }
            | E::OutputPaddingTooLarge { got, .. }
            | E::OutputSizeOutOfRange { got, .. }
            | E::OutputSizeNotPositive { got, .. }
            | E::ZeroGroups { got }
            | E::StrideNotPositive { got, .. }
            | E::DilationNotPositive { got, .. }
            | E::NegativePadding { got, .. }
            | E::NegativeOutputPadding { got, .. }
            | E::KernelEmpty { got, .. }
            | E::KernelShapeMismatch { got, .. }
            | E::OutputShapeBatch { got, .. }
            | E::OutputShapeChannels { got, .. }
            | E::KerasSizeNotReachable { got, .. }
            | E::IndexOutOfRange { got, .. }
            | E::InputEmpty { got, .. } => Some(*got),
            E::ChannelMismatch { got, .. }
            | E::BiasSize { got, .. }
            | E::RankMismatch { got, .. }
            | E::AttributeLength { got, .. }
            | E::OutputShapeRank { got, .. } => i64::try_from(*got).ok(),
            E::GroupsNotDividingChannels { groups, .. } => i64::try_from(*groups).ok(),
            E::SizeLimit { got, .. } => i64::try_from(*got).ok(),
            E::PaddingNotSymmetric { after, .. } => Some(*after),
            E::AutoPadUnknown { .. }
            | E::PaddingUnknown { .. }
            | E::PaddingModeNotZeros { .. }
            | E::PadsWithAutoPad { .. }
            | E::KerasStrideAndDilation { .. }
            | E::IndexShapeMismatch { .. }
            | E::ArgumentNotInDialect { .. } => None,
        }
    }

    /// The legal values, when they form a range.
    pub fn legal(&self) -> Option<Legal> {
        let exactly = |n: usize| {
            let n = i64::try_from(n).ok()?;
            Some(Legal { first: n, last: n })
        };
        match self {
            E::OutputShapeNotLegal { legal, .. }
            | E::OutputSizeOutOfRange { legal, .. }
            | E::KerasSizeNotReachable { legal, .. } => Some(*legal),
            E::OutputPaddingTooLarge { below, .. } => {
                Some(Legal { first: 0, last: i64::try_from(*below).ok()? - 1 })
            }
            E::BiasSize { expected, .. }
            | E::RankMismatch { expected, .. }
            | E::AttributeLength { expected, .. }
            | E::OutputShapeBatch { expected, .. }
            | E::OutputShapeRank { expected, .. } => exactly(*expected),
            E::ChannelMismatch { weight, .. } | E::KernelShapeMismatch { weight, .. } => {
                exactly(*weight)
            }
            _ => None,
        }
    }

    /// The legal value nearest to the refused one.
    pub fn nearest(&self) -> Option<i64> {
        Some(self.legal()?.nearest(self.got()?))
    }
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            E::OutputShapeNotLegal { axis, got, legal, input } => write!(
                f,
                "axis {axis}: output size {got} is not legal: only {legal} would come back to the \
                 input size {input} in the forward convolution; the nearest is {}",
                legal.nearest(*got)
            ),
            E::OutputPaddingTooLarge { axis, got, below, dialect } => write!(
                f,
                "axis {axis}: output_padding {got} must be below {below} in {dialect}; it only \
                 chooses among the sizes that share one input, so 0 to {} are legal",
                below.saturating_sub(1)
            ),
            E::OutputSizeOutOfRange { axis, got, legal } => write!(
                f,
                "axis {axis}: output size {got} is out of range: {legal} can be asked for; the \
                 nearest is {}",
                legal.nearest(*got)
            ),
            E::OutputSizeNotPositive { axis, got } => write!(
                f,
                "axis {axis}: the output would have {got} cells; crop less (smaller padding) or \
                 take a larger input or kernel"
            ),
            E::ChannelMismatch { weight, got } => {
                write!(f, "x has {got} channels, but the weight is for {weight} input channels")
            }
            E::GroupsNotDividingChannels { channels, groups } => write!(
                f,
                "groups {groups} does not divide {channels} channels; take a divisor of {channels}"
            ),
            E::ZeroGroups { got } => write!(f, "groups {got} must be at least 1"),
            E::StrideNotPositive { axis, got } => {
                write!(f, "axis {axis}: stride {got} must be at least 1")
            }
            E::DilationNotPositive { axis, got } => {
                write!(f, "axis {axis}: dilation {got} must be at least 1 (1 means no dilation)")
            }
            E::NegativePadding { axis, got } => write!(
                f,
                "axis {axis}: padding {got} must be at least 0; it is the number of output cells \
                 cropped away"
            ),
            E::NegativeOutputPadding { axis, got } => {
                write!(f, "axis {axis}: output_padding {got} must be at least 0")
            }
            E::BiasSize { expected, got } => {
                write!(f, "the bias has {got} values, but there are {expected} output channels")
            }
            E::RankMismatch { tensor, expected, got } => {
                write!(f, "{tensor} has {got} axes, but {expected} are needed")
            }
            E::KernelEmpty { axis, got } => {
                write!(f, "axis {axis}: kernel size {got} must be at least 1")
            }
            E::KernelShapeMismatch { axis, got, weight } => write!(
                f,
                "axis {axis}: kernel_shape says {got}, but the weight has {weight} taps there"
            ),
            E::AttributeLength { attribute, expected, got } => {
                write!(f, "{attribute} has {got} entries, but {expected} are needed")
            }
            E::AutoPadUnknown { got } => write!(
                f,
                "auto_pad {got:?} is unknown; legal are NOTSET, VALID, SAME_UPPER, SAME_LOWER"
            ),
            E::PaddingUnknown { dialect, got, allowed } => {
                write!(f, "{dialect} has no padding {got:?}; legal: {allowed}")
            }
            E::PaddingModeNotZeros { got } => write!(
                f,
                "padding_mode {got:?} does not exist for a transposed convolution; only \"zeros\""
            ),
            E::PadsWithAutoPad { auto_pad } => write!(
                f,
                "pads cannot be given together with auto_pad {auto_pad}, which computes them; \
                 remove one of the two"
            ),
            E::OutputShapeBatch { expected, got } => {
                write!(f, "output_shape has batch {got}, but x has batch {expected}")
            }
            E::OutputShapeChannels { multiple_of, got } => write!(
                f,
                "output_shape has {got} channels, but the weight gives a multiple of {multiple_of}"
            ),
            E::OutputShapeRank { expected, got } => {
                write!(f, "output_shape has {got} entries, but {expected} are needed")
            }
            E::KerasSizeNotReachable { axis, got, legal, output_padding } => write!(
                f,
                "axis {axis}: Keras computes the output size {got}, which TensorFlow refuses (legal: \
                 {legal}); leave output_padding out or set it to {output_padding}"
            ),
            E::KerasStrideAndDilation { stride, dilation } => write!(
                f,
                "Keras refuses stride {stride} together with dilation {dilation}; one of them must \
                 be 1 on every axis"
            ),
            E::IndexOutOfRange { position, got, cells } => write!(
                f,
                "index {got} at position {position} lies outside the output, which has {cells} cells"
            ),
            E::IndexShapeMismatch { expected, got } => {
                write!(f, "indices have shape {got:?}, but the values have shape {expected:?}")
            }
            E::InputEmpty { axis, got } => {
                write!(f, "axis {axis}: input size {got} must be at least 1")
            }
            E::SizeLimit { what, axis, got, limit } => {
                if let Some(axis) = axis {
                    write!(f, "axis {axis}: ")?;
                }
                write!(f, "{what} would be {got}, above the limit of {limit}")
            }
            E::ArgumentNotInDialect { dialect, argument, hint } => {
                write!(f, "{dialect} has no {argument} in a transposed convolution; {hint}")
            }
            E::PaddingNotSymmetric { dialect, axis, before, after } => write!(
                f,
                "axis {axis}: {dialect} takes one padding for both ends, not {before} and {after}; \
                 take the smaller one and crop the rest from the output"
            ),
        }
    }
}

impl std::error::Error for GeometryError {}
