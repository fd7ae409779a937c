//! Why a weight cannot be measured, in both languages.

use upconv_geometry::GeometryError;

use crate::lang::{Lang, say, sizes};
use crate::message::message;

/// Why a weight cannot be measured.
///
/// ```
/// use upconv_explain::{BalanceError, Lang};
/// let error = BalanceError::Strides { got: 2, axes: 3 };
/// assert!(error.message(Lang::En).starts_with("2 strides for a kernel of 3 axes"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BalanceError {
    /// The weight has not two axes for channels and 1 to 3 for the kernel.
    Rank {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// An axis has no cells.
    Empty {
        /// The shape.
        shape: Vec<usize>,
    },
    /// There is not one stride for each axis of the kernel.
    Strides {
        /// Strides given.
        got: usize,
        /// Axes of the kernel.
        axes: usize,
    },
    /// The groups do not divide the input channels.
    Groups {
        /// Groups given.
        got: usize,
        /// Input channels.
        in_channels: usize,
    },
    /// There are more or fewer numbers than the shape says.
    Length {
        /// Weight or bias.
        what: &'static str,
        /// Numbers given.
        got: usize,
        /// Numbers that the shape takes.
        expected: usize,
    },
    /// A number is not finite, or its magnitude above 1e100.
    Value {
        /// Weight or bias.
        what: &'static str,
        /// Its place, row-major.
        at: usize,
        /// It.
        value: f64,
    },
    /// The stride makes too many phases.
    Phases {
        /// Phases.
        got: usize,
        /// Most that are looked at.
        limit: usize,
        /// The stride.
        stride: Vec<usize>,
    },
    /// A size that no transposed convolution has.
    Geometry(GeometryError),
}

impl BalanceError {
    /// In words, as one line.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Rank { shape } => say!(
                lang,
                "shape {shape:?} is no weight of a transposed convolution: legal are 3 to 5 axes, two for \
                 channels and 1 to 3 for the kernel",
                "形状 {shape:?} 不是转置卷积的权重：应有 3 到 5 个轴，两个是通道，1 到 3 个是卷积核"
            ),
            Self::Empty { shape } => say!(
                lang,
                "shape {shape:?} has an axis without cells",
                "形状 {shape:?} 中有一个长度为 0 的轴"
            ),
            Self::Strides { got, axes } => say!(
                lang,
                "{got} strides for a kernel of {axes} axes: legal are one for all, or one for each",
                "卷积核有 {axes} 个轴，却给了 {got} 个步幅：应为一个（用于所有轴），或每轴一个"
            ),
            Self::Groups { got, in_channels } => say!(
                lang,
                "groups {got} must be at least 1 and divide the {in_channels} input channels",
                "分组数 {got} 不合法：必须至少为 1，并整除 {in_channels} 个输入通道"
            ),
            Self::Length { what, got, expected } => {
                let tensor = tensor(what, lang);
                say!(
                    lang,
                    "the {tensor} has {got} numbers, where its shape takes {expected}",
                    "{tensor}有 {got} 个数，按形状应有 {expected} 个"
                )
            }
            Self::Value { what, at, value } => {
                let tensor = tensor(what, lang);
                say!(
                    lang,
                    "number {at} of the {tensor} is {value}: legal are finite numbers up to 1e100",
                    "{tensor}的第 {at} 个数是 {value}：必须是不超过 1e100 的有限数"
                )
            }
            Self::Phases { got, limit, stride } => {
                let stride = sizes(stride);
                say!(
                    lang,
                    "stride {stride} makes {got} phases: up to {limit} are looked at",
                    "步幅 {stride} 产生 {got} 个相位：最多处理 {limit} 个"
                )
            }
            Self::Geometry(error) => message(error, lang),
        }
    }
}

fn tensor(what: &'static str, lang: Lang) -> &'static str {
    match what {
        "bias" => lang.pick("bias", "偏置"),
        _ => lang.pick("weight", "权重"),
    }
}

impl From<GeometryError> for BalanceError {
    fn from(error: GeometryError) -> Self {
        Self::Geometry(error)
    }
}
