//! A layer of a weight file: which tensor it is, what the file says of it, and whether its weights leave a chessboard.
//!
//! What both the page and `upconv explain --weights` show.

mod find;
mod known;

use upconv_explain::{Balance, BalanceError, Lang, TransposedWeight, weight_axes};
use upconv_geometry::{Dialect, GeometryError};
use upconv_weights::{Format, Source, Tensor, WeightsError, shown};

use find::layer_of;
use known::Known;

/// How errors speak.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Their language.
    pub lang: Lang,
    /// What stands before the name of a field: `--` on the command line.
    pub dashes: &'static str,
}

impl Asked {
    fn name(self, field: &str) -> String {
        format!("{}{field}", self.dashes)
    }
}

/// What is asked about a layer; what is left out is taken from the file.
#[derive(Clone, Debug, Default)]
pub struct LayerOptions {
    /// Whose order of axes the weight has.
    pub dialect: Option<Dialect>,
    /// One number for all axes, or one for each.
    pub stride: Option<Vec<i64>>,
    /// Groups.
    pub groups: Option<i64>,
}

/// Why nothing can be said about a layer.
#[derive(Debug)]
pub enum LayerError {
    /// A field of the question is wrong or missing.
    Field {
        /// Which.
        field: &'static str,
        /// In words.
        message: String,
    },
    /// The file does not hold such a layer.
    File(String),
    /// A number that no layer has.
    Geometry(GeometryError),
    /// The tensor cannot be read.
    Weights(WeightsError),
}

impl From<WeightsError> for LayerError {
    fn from(error: WeightsError) -> Self {
        Self::Weights(error)
    }
}

/// A layer of a file, measured.
pub struct MeasuredLayer<'a> {
    /// Its weight, as the file has it.
    pub tensor: &'a Tensor,
    /// Whose order of axes that is.
    pub dialect: Dialect,
    /// How far its phases differ.
    pub balance: Balance,
}

impl<'a> MeasuredLayer<'a> {
    /// Looks for a layer by its name or that of its tensor, and measures it.
    ///
    /// # Errors
    /// No such layer or several, one that is known to be no transposed convolution, a stride that neither the file nor
    /// the options say, what [`Balance::of`] refuses.
    pub fn of(
        source: &'a Source,
        name: &str,
        options: &LayerOptions,
        asked: Asked,
    ) -> Result<Self, LayerError> {
        let lang = asked.lang;
        let tensor = find::find(source, name, asked)?;
        let fail = |error: BalanceError| refused(error, source, tensor, lang);
        let shape = tensor.shape();
        let spatial = shape.len().saturating_sub(2);
        if !(1..=3).contains(&spatial) {
            return Err(fail(BalanceError::Rank { shape: shape.to_vec() }));
        }
        let known = Known::of(source, tensor, lang)?;
        let stride = match (&options.stride, known.stride) {
            (Some(given), _) => unsigned_stride(given, spatial).map_err(fail)?,
            (None, Some(known)) if known.len() == spatial => known,
            (None, _) => return Err(stride_needed(source, tensor, asked)),
        };
        let dialect = options.dialect.unwrap_or_else(|| usual_dialect(source));

        let moved = tensor.clone().permuted(&weight_axes(dialect, spatial))?;
        let values = moved.to_f32()?;
        let bias = find::bias(source, tensor, &moved);
        let of_bias = bias.as_ref().and_then(|bias| groups_by_bias(moved.shape(), bias.len()));
        let groups = match options.groups {
            // Below 1 or beyond all memory, which the measure refuses.
            Some(given) => usize::try_from(given).unwrap_or(0),
            None => of_bias.unwrap_or(1),
        };
        let outputs = moved.shape()[1].checked_mul(groups);
        let weight = TransposedWeight {
            values: &values,
            shape: moved.shape(),
            stride: &stride,
            groups,
            // What has another length is not this layer's.
            bias: bias.as_deref().filter(|bias| Some(bias.len()) == outputs),
        };
        let balance = Balance::of(&weight).map_err(fail)?;
        Ok(Self { tensor, dialect, balance })
    }
}

/// A tensor that may be the weight of a transposed convolution.
pub struct PossibleLayer<'a> {
    /// The layer: the tensor's name without its last part.
    pub layer: &'a str,
    /// The tensor.
    pub tensor: &'a Tensor,
    /// Its stride, where the file says that it is one.
    pub stride: Option<Vec<usize>>,
}

/// Tensors that may be weights of transposed convolutions: those that the file says are first, then those of which it
/// says nothing.
pub fn possible(source: &Source) -> Vec<PossibleLayer<'_>> {
    let layers = find::possible(source).filter_map(|tensor| {
        let known = Known::of(source, tensor, Lang::En).ok()?;
        Some(PossibleLayer { layer: layer_of(tensor.name()), tensor, stride: known.stride })
    });
    let (mut first, rest): (Vec<_>, Vec<_>) = layers.partition(|layer| layer.stride.is_some());
    first.extend(rest);
    first
}

/// Whose order of axes files of this format have. Our own files keep `[in, out / groups, kernel...]`, as PyTorch.
fn usual_dialect(source: &Source) -> Dialect {
    match source.format {
        Format::TfjsGraph | Format::TfCheckpoint | Format::GraphDef | Format::SavedModel => {
            Dialect::Tensorflow
        }
        Format::TfjsLayers | Format::Keras => Dialect::Keras,
        Format::Onnx => Dialect::Onnx,
        Format::Caffemodel => Dialect::Caffe,
        _ => Dialect::Pytorch,
    }
}

/// One number stands for all axes.
fn unsigned_stride(given: &[i64], spatial: usize) -> Result<Vec<usize>, BalanceError> {
    let number = |(axis, &got): (usize, &i64)| match usize::try_from(got) {
        Ok(stride) if stride > 0 => Ok(stride),
        _ => Err(GeometryError::StrideNotPositive { axis, got }),
    };
    let stride: Vec<usize> = given.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    match stride.as_slice() {
        [one] => Ok(vec![*one; spatial]),
        all if all.len() == spatial => Ok(stride),
        all => Err(BalanceError::Strides { got: all.len(), axes: spatial }),
    }
}

/// Groups of a weight `[in, out / groups, kernel...]` whose bias has so many numbers.
fn groups_by_bias(shape: &[usize], bias: usize) -> Option<usize> {
    let &[inputs, out_group, ..] = shape else { return None };
    let groups = bias.checked_div(out_group)?;
    let fits = groups > 0 && groups * out_group == bias && inputs.is_multiple_of(groups);
    fits.then_some(groups)
}

/// Wrong strides and groups are those of the question; all else is the tensor's.
fn refused(error: BalanceError, source: &Source, tensor: &Tensor, lang: Lang) -> LayerError {
    let message = in_tensor(source, tensor, &error.message(lang), lang);
    match error {
        BalanceError::Geometry(error) => LayerError::Geometry(error),
        BalanceError::Strides { .. } => LayerError::Field { field: "stride", message },
        BalanceError::Groups { .. } => LayerError::Field { field: "groups", message },
        _ => LayerError::File(message),
    }
}

/// `FILE: tensor "NAME": what`
fn in_tensor(source: &Source, tensor: &Tensor, what: &str, lang: Lang) -> String {
    let (file, name) = (shown(&source.file), shown(tensor.name()));
    match lang {
        Lang::En => format!("{file}: tensor \"{name}\": {what}"),
        Lang::Zh => format!("{file}：张量 \"{name}\"：{what}"),
    }
}

fn stride_needed(source: &Source, tensor: &Tensor, asked: Asked) -> LayerError {
    let stride = asked.name("stride");
    let what = match asked.lang {
        Lang::En => format!("the file does not say its stride; give {stride} N or HxW"),
        Lang::Zh => format!("文件没有说明步幅；请用 {stride} N 或 HxW 给出"),
    };
    let message = in_tensor(source, tensor, &what, asked.lang);
    LayerError::Field { field: "stride", message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_follow_from_the_bias() {
        assert_eq!(groups_by_bias(&[16, 1, 2, 2], 1), Some(1));
        assert_eq!(groups_by_bias(&[16, 1, 2, 2], 16), Some(16));
        assert_eq!(groups_by_bias(&[6, 2, 3], 4), Some(2));
        // 4 groups do not divide 6 channels, 5 numbers are no multiple of 2.
        assert_eq!(groups_by_bias(&[6, 2, 3], 8), None);
        assert_eq!(groups_by_bias(&[6, 2, 3], 5), None);
        assert_eq!(groups_by_bias(&[6, 0, 3], 5), None);
    }
}
