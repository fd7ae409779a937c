//! The same words put to any dialect: `--input 3x3 --stride 2 --padding same --output 5x5`.

use crate::axis::Axis;
use crate::dialect::rules::{check_groups, check_output, per_axis};
use crate::dialect::{Dialect, caffe, definition, keras, onnx, pytorch, tensorflow, tflite};
use crate::error::{GeometryError, Legal, Result};
use crate::limits::{axis_size, cells};
use crate::padding::Padding;

/// A setting in common words, to be read by one dialect. Lists of one number hold for all axes.
///
/// ```
/// use upconv_geometry::{Dialect, Padding, Setting};
/// let setting = Setting {
///     input: vec![3, 3], kernel: vec![3], stride: vec![2],
///     padding: Some(Padding::Same), output: Some(vec![5, 5]),
///     ..Setting::new(Dialect::Tensorflow)
/// };
/// let resolved = setting.resolve()?;
/// assert_eq!(resolved.axes[0].window_begin(), 1);
/// assert_eq!((resolved.legal[0].first, resolved.legal[0].last), (5, 6));
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whose rules hold.
    pub dialect: Dialect,
    /// Input cells per axis; its length is the rank.
    pub input: Vec<i64>,
    /// Kernel taps per axis.
    pub kernel: Vec<i64>,
    /// Stride per axis.
    pub stride: Vec<i64>,
    /// Dilation per axis.
    pub dilation: Vec<i64>,
    /// Groups.
    pub groups: i64,
    /// Padding; `None` is the dialect's default.
    pub padding: Option<Padding>,
    /// Wanted output cells per axis; `None` is the dialect's default (TensorFlow has none: Keras's).
    pub output: Option<Vec<i64>>,
    /// Cells added at the end, in dialects that have the argument.
    pub output_padding: Option<Vec<i64>>,
}

/// What a dialect makes of a [`Setting`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The axes.
    pub axes: Vec<Axis>,
    /// Groups.
    pub groups: usize,
    /// Per axis the `stride` sizes whose forward convolution, padded alike, gives the input size.
    pub legal: Vec<Legal>,
    /// The `output_padding` that reaches the output, in dialects that have the argument.
    pub output_padding: Option<Vec<i64>>,
    /// TFLite only: it computes this although TensorFlow refuses the size.
    pub unchecked: bool,
}

impl Setting {
    /// A setting with stride and dilation 1, one group, and no sizes yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            input: Vec::new(),
            kernel: Vec::new(),
            stride: vec![1],
            dilation: vec![1],
            groups: 1,
            padding: None,
            output: None,
            output_padding: None,
        }
    }

    /// Puts the setting to its dialect.
    ///
    /// # Errors
    /// Every rule of the dialect; `ARGUMENT_NOT_IN_DIALECT` for words that it does not have;
    /// `SIZE_LIMIT` for input or output above [`crate::limits::MAX_CELLS`].
    pub fn resolve(&self) -> Result<Resolved> {
        let words = Words::of(self)?;
        let groups = check_groups(self.groups)?;
        self.check_arguments()?;
        let resolved = match self.dialect {
            Dialect::Tensorflow => words.tensorflow(self),
            Dialect::Keras => words.keras(self),
            Dialect::Pytorch => words.pytorch(self),
            Dialect::Onnx => words.onnx(self),
            Dialect::Caffe => words.caffe(self),
            Dialect::Tflite => words.tflite(self),
            Dialect::Definition => words.definition(self),
        }?;
        let of = |f: fn(&Axis) -> usize| resolved.axes.iter().map(f).collect::<Vec<_>>();
        cells("input", &of(Axis::input))?;
        cells("kernel", &of(Axis::kernel))?;
        cells("output", &of(Axis::output))?;
        Ok(Resolved { groups, ..resolved })
    }

    fn check_arguments(&self) -> Result<()> {
        use Dialect::{Caffe, Keras, Tensorflow, Tflite};
        let missing = |argument, hint| {
            let dialect = self.dialect.name();
            Err(GeometryError::ArgumentNotInDialect { dialect, argument, hint })
        };
        if matches!(self.dialect, Tensorflow | Tflite | Caffe) && self.output_padding.is_some() {
            let hint =
                if self.dialect == Caffe { "crop the output" } else { "give the output size" };
            return missing("output_padding", hint);
        }
        if matches!(self.dialect, Keras | Tflite) && self.groups != 1 {
            return missing("groups", "use one operation per group, or groups 1");
        }
        if self.dialect == Tflite && self.dilation.iter().any(|&d| d != 1) {
            return missing("dilation", "use dilation 1, or a kernel with zeros between its taps");
        }
        Ok(())
    }
}

/// A setting's lists, one number per axis each.
struct Words {
    input: Vec<usize>,
    kernel: Vec<usize>,
    stride: Vec<i64>,
    dilation: Vec<i64>,
    pads: Vec<(i64, i64)>,
    output: Option<Vec<i64>>,
    output_padding: Option<Vec<i64>>,
}

impl Words {
    fn of(setting: &Setting) -> Result<Self> {
        let dims = setting.input.len();
        let input =
            sizes("input", &setting.input, |axis, got| GeometryError::InputEmpty { axis, got })?;
        if setting.kernel.len() != 1 && setting.kernel.len() != dims {
            let (expected, got) = (dims, setting.kernel.len());
            return Err(GeometryError::RankMismatch { tensor: "kernel", expected, got });
        }
        let kernel = spread("kernel", &setting.kernel, dims)?;
        let kernel =
            sizes("kernel", &kernel, |axis, got| GeometryError::KernelEmpty { axis, got })?;
        let optional = |name, list: &Option<Vec<i64>>| match list {
            Some(list) => spread(name, list, dims).map(Some),
            None => Ok(None),
        };
        let pads = match &setting.padding {
            Some(Padding::Pads(pads)) => spread("padding", pads, dims)?,
            _ => vec![(0, 0); dims],
        };
        Ok(Self {
            input,
            kernel,
            stride: spread("stride", &setting.stride, dims)?,
            dilation: spread("dilation", &setting.dilation, dims)?,
            pads,
            output: optional("output", &setting.output)?,
            output_padding: optional("output_padding", &setting.output_padding)?,
        })
    }

    fn tensorflow(&self, setting: &Setting) -> Result<Resolved> {
        let (padding, keras) = match &setting.padding {
            None | Some(Padding::Same) => (tensorflow::Padding::Same, keras::Padding::Same),
            Some(Padding::Valid) => (tensorflow::Padding::Valid, keras::Padding::Valid),
            Some(Padding::Pads(_)) => {
                (tensorflow::Padding::Explicit(self.pads.clone()), keras::Padding::Valid)
            }
            Some(other) => return Err(unknown("tensorflow", other, "same, valid or numbers")),
        };
        let op = tensorflow::ConvTranspose {
            strides: self.stride.clone(),
            dilations: self.dilation.clone(),
            padding,
            ..Default::default()
        };
        let legal = op.legal(&self.input, &self.kernel)?;
        let output = match &self.output {
            Some(output) => output.clone(),
            None => default_sizes(
                &legal,
                keras,
                matches!(setting.padding, Some(Padding::Pads(_))),
                self,
            ),
        };
        let axes = op.axes(&self.input, &self.kernel, &output)?;
        Ok(Resolved { axes, groups: 1, legal, output_padding: None, unchecked: false })
    }

    fn keras(&self, setting: &Setting) -> Result<Resolved> {
        let padding = match &setting.padding {
            None | Some(Padding::Valid) => keras::Padding::Valid,
            Some(Padding::Same) => keras::Padding::Same,
            Some(other) => return Err(unknown("keras", other, "same or valid")),
        };
        let op = keras::ConvTranspose {
            strides: self.stride.clone(),
            padding,
            output_padding: self.output_padding.clone(),
            dilation_rate: self.dilation.clone(),
            ..Default::default()
        };
        let legal = op.legal(&self.input, &self.kernel)?;
        let (axes, output_padding) = match (&self.output, &self.output_padding) {
            (Some(output), None) => op.axes_for(&self.input, &self.kernel, output)?,
            (None, added) => (op.axes(&self.input, &self.kernel)?, added.clone()),
            (Some(output), Some(added)) => {
                let axes = op.axes(&self.input, &self.kernel)?;
                only_natural(&axes, output)?;
                (axes, Some(added.clone()))
            }
        };
        Ok(Resolved { axes, groups: 1, legal, output_padding, unchecked: false })
    }

    fn pytorch(&self, setting: &Setting) -> Result<Resolved> {
        let padding = self.symmetric(setting, "pytorch")?;
        let op = pytorch::ConvTranspose {
            stride: self.stride.clone(),
            padding,
            output_padding: self.output_padding.clone().unwrap_or_default(),
            dilation: self.dilation.clone(),
            output_size: self.output.clone(),
            ..Default::default()
        };
        let axes = op.axes(&self.input, &self.kernel)?;
        let smallest = |a: &Axis, p: i64| a.full() as i64 - 2 * p;
        let pairs = || axes.iter().zip(&op.padding);
        let legal = pairs().map(|(a, &p)| shared(a, smallest(a, p))).collect();
        let added = pairs().map(|(a, &p)| a.output() as i64 - smallest(a, p)).collect();
        Ok(Resolved { legal, output_padding: Some(added), axes, groups: 1, unchecked: false })
    }

    fn onnx(&self, setting: &Setting) -> Result<Resolved> {
        let (auto_pad, pads) = match &setting.padding {
            None => (onnx::AutoPad::NotSet, None),
            Some(Padding::Valid) => (onnx::AutoPad::Valid, None),
            Some(Padding::Same | Padding::SameUpper) => (onnx::AutoPad::SameUpper, None),
            Some(Padding::SameLower) => (onnx::AutoPad::SameLower, None),
            Some(Padding::Pads(_)) => {
                let (begins, ends) = (self.pads.iter().map(|p| p.0), self.pads.iter().map(|p| p.1));
                (onnx::AutoPad::NotSet, Some(begins.chain(ends).collect()))
            }
        };
        let op = onnx::ConvTranspose {
            strides: self.stride.clone(),
            pads,
            auto_pad,
            dilations: self.dilation.clone(),
            output_padding: self.output_padding.clone().unwrap_or_default(),
            output_shape: self.output.clone(),
            ..Default::default()
        };
        let axes = op.axes(&self.input, &self.kernel)?;
        let added = per_axis("output_padding", &op.output_padding, axes.len(), 0)?;
        let same = matches!(auto_pad, onnx::AutoPad::SameUpper | onnx::AutoPad::SameLower);
        let legal = axes.iter().zip(&added).map(|(a, &added)| match same {
            true => shared(a, (a.input() as i64 - 1) * a.stride() as i64 + 1),
            // Where output_shape reaches beyond the uncropped result, nothing was cropped.
            false => shared(a, (a.output() as i64 - added).min(a.full() as i64)),
        });
        let (legal, output_padding) = (legal.collect(), Some(added.clone()));
        Ok(Resolved { axes, groups: 1, legal, output_padding, unchecked: false })
    }

    fn caffe(&self, setting: &Setting) -> Result<Resolved> {
        let op = caffe::Deconvolution {
            stride: self.stride.clone(),
            pad: self.symmetric(setting, "caffe")?,
            dilation: self.dilation.clone(),
            ..Default::default()
        };
        let axes = op.axes(&self.input, &self.kernel)?;
        if let Some(output) = &self.output {
            only_natural(&axes, output)?;
        }
        let legal = axes.iter().map(|a| shared(a, a.output() as i64)).collect();
        Ok(Resolved { axes, groups: 1, legal, output_padding: None, unchecked: false })
    }

    fn tflite(&self, setting: &Setting) -> Result<Resolved> {
        let padding = match &setting.padding {
            None | Some(Padding::Same) => keras::Padding::Same,
            Some(Padding::Valid) => keras::Padding::Valid,
            Some(other) => return Err(unknown("tflite", other, "same or valid")),
        };
        let rule = match padding {
            keras::Padding::Same => tensorflow::Padding::Same,
            keras::Padding::Valid => tensorflow::Padding::Valid,
        };
        let tensorflow = tensorflow::ConvTranspose {
            strides: self.stride.clone(),
            padding: rule,
            ..Default::default()
        };
        let legal = tensorflow.legal(&self.input, &self.kernel)?;
        let output = match &self.output {
            Some(output) => output.clone(),
            None => default_sizes(&legal, padding, false, self),
        };
        let op = tflite::TransposeConv { strides: self.stride.clone(), padding };
        let axes = op.axes(&self.input, &self.kernel, &output)?;
        let unchecked = !axes.iter().all(|a| op.is_legal(a));
        Ok(Resolved { axes, groups: 1, legal, output_padding: None, unchecked })
    }

    fn definition(&self, setting: &Setting) -> Result<Resolved> {
        let padding = match &setting.padding {
            None => Padding::Valid,
            Some(Padding::Pads(_)) => Padding::Pads(self.pads.clone()),
            Some(word) => word.clone(),
        };
        let same = matches!(padding, Padding::Same | Padding::SameUpper | Padding::SameLower);
        let op = definition::ConvTranspose {
            stride: self.stride.clone(),
            padding,
            output_padding: self.output_padding.clone().unwrap_or_default(),
            dilation: self.dilation.clone(),
            output: self.output.clone(),
            ..Default::default()
        };
        let axes = op.axes(&self.input, &self.kernel)?;
        let smallest: Vec<i64> = axes
            .iter()
            .zip(&self.pads)
            .map(|(a, (before, after))| match same {
                true => (a.input() as i64 - 1) * a.stride() as i64 + 1,
                false => a.full() as i64 - before - after,
            })
            .collect();
        let legal = axes.iter().zip(&smallest).map(|(a, &s)| shared(a, s)).collect();
        let added = axes.iter().zip(&smallest).map(|(a, &s)| a.output() as i64 - s).collect();
        let output_padding = (!same).then_some(added);
        Ok(Resolved { axes, groups: 1, legal, output_padding, unchecked: false })
    }

    /// One padding for both ends of every axis.
    fn symmetric(&self, setting: &Setting, dialect: &'static str) -> Result<Vec<i64>> {
        if let Some(word) = &setting.padding
            && !matches!(word, Padding::Pads(_))
        {
            return Err(unknown(dialect, word, "one number per axis"));
        }
        let one = |(axis, &(before, after)): (usize, &(i64, i64))| {
            if before == after {
                return Ok(before);
            }
            Err(GeometryError::PaddingNotSymmetric { dialect, axis, before, after })
        };
        self.pads.iter().enumerate().map(one).collect()
    }
}

/// The sizes that TensorFlow draws when none is asked for: Keras's default, or for EXPLICIT, which
/// Keras does not have, the smallest.
fn default_sizes(
    legal: &[Legal],
    padding: keras::Padding,
    explicit: bool,
    words: &Words,
) -> Vec<i64> {
    let mut sizes: Vec<i64> = legal.iter().map(|l| l.first).collect();
    if explicit {
        return sizes;
    }
    for (axis, size) in sizes.iter_mut().enumerate() {
        match padding {
            // `input * stride` is the largest that SAME brings back.
            keras::Padding::Same => *size = legal[axis].last,
            keras::Padding::Valid => {
                // `legal` exists, so kernel, stride and dilation have passed every limit.
                let spanned = (words.kernel[axis] as i64 - 1) * words.dilation[axis] + 1;
                *size += (words.stride[axis] - spanned).max(0);
            }
        }
    }
    sizes
}

/// For dialects whose size follows from the rest: any other wanted size is refused.
fn only_natural(axes: &[Axis], output: &[i64]) -> Result<()> {
    for (axis, (a, &got)) in axes.iter().zip(output).enumerate() {
        check_output(axis, got)?;
        let natural = a.output() as i64;
        if got != natural {
            let legal = Legal { first: natural, last: natural };
            return Err(GeometryError::OutputShapeNotLegal { axis, got, legal, input: a.input() });
        }
    }
    Ok(())
}

/// The `stride` sizes from `smallest` on, each at least 1.
fn shared(axis: &Axis, smallest: i64) -> Legal {
    let last = smallest + axis.stride() as i64 - 1;
    Legal { first: smallest.max(1), last: last.max(1) }
}

fn unknown(dialect: &'static str, got: &Padding, allowed: &'static str) -> GeometryError {
    GeometryError::PaddingUnknown { dialect, got: got.to_string(), allowed }
}

fn spread<T: Copy>(attribute: &'static str, list: &[T], dims: usize) -> Result<Vec<T>> {
    match list {
        [one] => Ok(vec![*one; dims]),
        _ if list.len() == dims => Ok(list.to_vec()),
        _ => Err(GeometryError::AttributeLength { attribute, expected: dims, got: list.len() }),
    }
}

fn sizes(
    what: &'static str,
    list: &[i64],
    empty: fn(usize, i64) -> GeometryError,
) -> Result<Vec<usize>> {
    let checked = |(axis, &got): (usize, &i64)| {
        if got < 1 {
            return Err(empty(axis, got));
        }
        axis_size(what, axis, i128::from(got))
    };
    list.iter().enumerate().map(checked).collect()
}
