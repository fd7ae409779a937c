//! Why a setting is refused, in both languages, and as the error object of the command line.

use serde::Serialize;
use upconv_geometry::{GeometryError, Legal};

use crate::Lang;

/// Most values that a list of legal values holds; a longer one is left out.
pub const MAX_LEGAL_LISTED: i64 = 1 << 16;

/// The object `error` that programs read: what is unknown is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorObject {
    /// Stable name of the broken rule.
    pub rule: Option<String>,
    /// One line for people.
    pub message: String,
    /// The file at fault.
    pub file: Option<String>,
    /// The argument at fault.
    pub field: Option<String>,
    /// The spatial axis at fault.
    pub axis: Option<usize>,
    /// The refused number.
    pub got: Option<i64>,
    /// Every legal value, if there are at most [`MAX_LEGAL_LISTED`].
    pub legal: Option<Vec<i64>>,
    /// The legal value nearest to the refused one.
    pub nearest: Option<i64>,
}

impl ErrorObject {
    /// The object for an error of geometry.
    ///
    /// ```
    /// use upconv_explain::{ErrorObject, Lang};
    /// use upconv_geometry::{GeometryError, Legal};
    /// let legal = Legal { first: 5, last: 6 };
    /// let error = GeometryError::OutputShapeNotLegal { axis: 0, got: 7, legal, input: 3 };
    /// let object = ErrorObject::of(&error, Lang::En);
    /// assert_eq!(object.rule.as_deref(), Some("OUTPUT_SHAPE_NOT_LEGAL"));
    /// assert_eq!(object.legal, Some(vec![5, 6]));
    /// assert_eq!(object.nearest, Some(6));
    /// ```
    pub fn of(error: &GeometryError, lang: Lang) -> Self {
        Self {
            rule: Some(error.rule().into()),
            message: message(error, lang),
            file: None,
            field: error.field().map(Into::into),
            axis: error.axis(),
            got: error.got(),
            legal: error.legal().and_then(listed),
            nearest: error.nearest(),
        }
    }
}

/// All values of a range, unless they are too many to be worth a list.
pub(crate) fn listed(legal: Legal) -> Option<Vec<i64>> {
    let few = legal.last.checked_sub(legal.first)? < MAX_LEGAL_LISTED;
    few.then(|| (legal.first..=legal.last).collect())
}

/// The error as one line.
pub fn message(error: &GeometryError, lang: Lang) -> String {
    match lang {
        Lang::En => error.to_string(),
        Lang::Zh => chinese(error).unwrap_or_else(|| error.to_string()),
    }
}

fn chinese(error: &GeometryError) -> Option<String> {
    use GeometryError as E;
    let range = |legal: &Legal| Lang::Zh.range(*legal);
    Some(match error {
        E::OutputShapeNotLegal { axis, got, legal, input } => format!(
            "轴 {axis}：输出尺寸 {got} 不合法：只有 {} 经前向卷积能回到输入尺寸 {input}；最接近的是 {}",
            range(legal),
            legal.nearest(*got)
        ),
        E::OutputPaddingTooLarge { axis, got, below, dialect } => format!(
            "轴 {axis}：在{}中 output_padding {got} 必须小于 {below}；它只用来在共享同一输入的几个尺寸中\
             选一个，合法值为 0 到 {}",
            spaced(dialect),
            below.saturating_sub(1)
        ),
        E::OutputSizeOutOfRange { axis, got, legal } => format!(
            "轴 {axis}：输出尺寸 {got} 超出范围：可取 {}；最接近的是 {}",
            range(legal),
            legal.nearest(*got)
        ),
        E::OutputSizeNotPositive { axis, got } => {
            format!("轴 {axis}：输出只剩 {got} 格；请减少裁剪（减小填充），或增大输入或卷积核")
        }
        E::ChannelMismatch { weight, got } => {
            format!("x 有 {got} 个通道，但权重对应 {weight} 个输入通道")
        }
        E::GroupsNotDividingChannels { channels, groups } => {
            format!("分组数 {groups} 不能整除 {channels} 个通道；请取 {channels} 的约数")
        }
        E::ZeroGroups { got } => format!("分组数 {got} 必须至少为 1"),
        E::StrideNotPositive { axis, got } => format!("轴 {axis}：步幅 {got} 必须至少为 1"),
        E::DilationNotPositive { axis, got } => {
            format!("轴 {axis}：膨胀率 {got} 必须至少为 1（1 表示不膨胀）")
        }
        E::NegativePadding { axis, got } => {
            format!("轴 {axis}：填充 {got} 必须至少为 0；它是从输出中裁掉的格数")
        }
        E::NegativeOutputPadding { axis, got } => {
            format!("轴 {axis}：output_padding {got} 必须至少为 0")
        }
        E::BiasSize { expected, got } => {
            format!("偏置有 {got} 个值，但输出通道有 {expected} 个")
        }
        E::RankMismatch { tensor, expected, got } => {
            format!("{}有 {got} 个轴，但需要 {expected} 个", quantity(tensor))
        }
        E::KernelEmpty { axis, got } => format!("轴 {axis}：卷积核尺寸 {got} 必须至少为 1"),
        E::KernelShapeMismatch { axis, got, weight } => {
            format!("轴 {axis}：kernel_shape 写的是 {got}，但权重在此轴有 {weight} 个元素")
        }
        E::AttributeLength { attribute, expected, got } => {
            format!("{}有 {got} 个数，但需要 {expected} 个", quantity(attribute))
        }
        E::AutoPadUnknown { got } => {
            format!("未知的 auto_pad {got:?}；合法值为 NOTSET、VALID、SAME_UPPER、SAME_LOWER")
        }
        E::PaddingUnknown { dialect, got, .. } => {
            format!("{dialect} 没有填充方式 {got:?}；合法的有：{}", paddings(dialect))
        }
        E::PaddingModeNotZeros { got } => {
            format!("转置卷积没有 padding_mode {got:?}；只有 \"zeros\"")
        }
        E::PadsWithAutoPad { auto_pad } => {
            format!("pads 不能与 auto_pad {auto_pad} 同时给出，后者会自行计算 pads；请去掉其中一个")
        }
        E::OutputShapeBatch { expected, got } => {
            format!("output_shape 的批大小为 {got}，但 x 的批大小为 {expected}")
        }
        E::OutputShapeChannels { multiple_of, got } => {
            format!("output_shape 有 {got} 个通道，但权重给出的是 {multiple_of} 的倍数")
        }
        E::OutputShapeRank { expected, got } => {
            format!("output_shape 有 {got} 个数，但需要 {expected} 个")
        }
        E::KerasSizeNotReachable { axis, got, legal, output_padding } => format!(
            "轴 {axis}：Keras 算出的输出尺寸 {got} 会被 TensorFlow 拒绝（合法的是 {}）；请不写 \
             output_padding，或设为 {}",
            range(legal),
            range(output_padding)
        ),
        E::KerasStrideAndDilation { stride, dilation } => format!(
            "Keras 不接受步幅 {stride} 与膨胀率 {dilation} 同时使用；每个轴上其中之一必须为 1"
        ),
        E::IndexOutOfRange { position, got, cells } => {
            format!("位置 {position} 的索引 {got} 超出输出，输出共有 {cells} 格")
        }
        E::IndexShapeMismatch { expected, got } => {
            format!("索引的形状为 {got:?}，但值的形状为 {expected:?}")
        }
        E::InputEmpty { axis, got } => format!("轴 {axis}：输入尺寸 {got} 必须至少为 1"),
        E::SizeLimit { what, axis, got, limit } => {
            let axis = axis.map(|axis| format!("轴 {axis}：")).unwrap_or_default();
            format!("{axis}{}为 {got}，超过上限 {limit}", quantity(what))
        }
        E::ArgumentNotInDialect { dialect, argument, .. } => {
            format!("{dialect} 的转置卷积没有参数 {argument}；{}", instead(dialect, argument))
        }
        E::PaddingNotSymmetric { dialect, axis, before, after } => format!(
            "轴 {axis}：{dialect} 的两端只能用同一个填充，不能是 {before} 和 {after}；请取较小的一个，\
             其余从输出中裁掉"
        ),
        _ => return None,
    })
}

/// A name between Chinese characters: Latin ones take a space on either side.
fn spaced(dialect: &str) -> String {
    match dialect {
        "the definition" => "基本定义".into(),
        name => format!(" {name} "),
    }
}

/// Names of quantities; those that are code stay as they are.
fn quantity(name: &str) -> String {
    let known = match name {
        "input" => "输入",
        "kernel" => "卷积核",
        "stride" | "strides" => "步幅",
        "dilation" | "dilations" | "dilation_rate" => "膨胀率",
        "padding" | "pad" => "填充",
        "output" => "输出",
        "output channels" => "输出通道",
        "groups" => "分组数",
        "weight" => "权重",
        "effective kernel" => "有效核长",
        "uncropped result" => "未裁剪结果",
        "window begin" => "窗口起点",
        "matrix" => "矩阵",
        "matrix rows" => "矩阵行数",
        "matrix columns" => "矩阵列数",
        "matrix entries" => "矩阵非零元个数",
        other => return format!("{other} "),
    };
    known.into()
}

fn paddings(dialect: &str) -> &'static str {
    match dialect {
        "tensorflow" => "same、valid 或数字",
        "keras" | "tflite" => "same 或 valid",
        "onnx" => "same_upper、same_lower、valid 或数字",
        _ => "每个轴一个数字",
    }
}

fn instead(dialect: &str, argument: &str) -> &'static str {
    match (dialect, argument) {
        ("caffe", "output_padding") => "请改为裁剪输出",
        (_, "output_padding") => "请直接给出输出尺寸",
        (_, "groups") => "请每组用一个算子，或令 groups 为 1",
        (_, "dilation") => "请用膨胀率 1，或在卷积核元素之间填零",
        _ => "请去掉这个参数",
    }
}
