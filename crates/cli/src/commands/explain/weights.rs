//! `upconv explain --weights`: whether the weights of a layer leave a chessboard.

mod known;
mod layer;

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_explain::{
    Balance, BalanceData, BalanceError, BalanceOf, Lang, TransposedWeight, weight_axes,
};
use upconv_geometry::{Dialect, GeometryError};
use upconv_weights::{Format, Source, Tensor, format, shown};

use super::args::Explain;
use crate::args::Context;
use crate::failure::Failure;
use crate::output;
use crate::sizes::{count, dialect, sizes};

#[derive(Serialize)]
struct Report<'a> {
    file: &'a str,
    /// Name of the tensor.
    layer: &'a str,
    dialect: &'static str,
    /// As in the file.
    shape: &'a [usize],
    #[serde(flatten)]
    balance: BalanceData,
}

pub(super) fn run(
    file: &Path,
    name: &str,
    args: &Explain,
    context: Context,
) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let dialect = args.dialect.as_ref().map(|name| dialect(name, lang)).transpose()?;
    let stride = args.stride.as_ref().map(|text| sizes("stride", text, lang)).transpose()?;
    let groups = args.groups.as_ref().map(|text| count("groups", text, lang)).transpose()?;

    let source = format::open(file).map_err(|error| Failure::weights(&error))?;
    let tensor = layer::find(&source, name, lang)?;
    let fail = |error: &BalanceError| refused(error, &source, tensor, lang);
    let shape = tensor.shape();
    let spatial = shape.len().saturating_sub(2);
    if !(1..=3).contains(&spatial) {
        return Err(fail(&BalanceError::Rank { shape: shape.to_vec() }));
    }
    let known = known::Known::of(&source, tensor, lang)?;
    let stride = match (stride, known.stride) {
        (Some(given), _) => unsigned_stride(&given, spatial).map_err(|error| fail(&error))?,
        (None, Some(known)) if known.len() == spatial => known,
        (None, _) => return Err(stride_needed(&source, tensor, lang)),
    };
    let dialect = dialect.unwrap_or_else(|| usual_dialect(&source));

    let moved = tensor.clone().permuted(&weight_axes(dialect, spatial));
    let moved = moved.map_err(|error| Failure::weights(&error))?;
    let values = moved.to_f32().map_err(|error| Failure::weights(&error))?;
    let bias = layer::bias(&source, tensor, &moved);
    let of_bias = bias.as_ref().and_then(|bias| groups_by_bias(moved.shape(), bias.len()));
    let groups = match groups {
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
    let balance = Balance::of(&weight).map_err(|error| fail(&error))?;
    let text = match json {
        true => output::json_line(&Report {
            file: &source.file,
            layer: tensor.name(),
            dialect: dialect.name(),
            shape,
            balance: balance.data(lang),
        }),
        false => {
            let (file, layer) = (shown(&source.file), shown(tensor.name()));
            let of = BalanceOf { file: &file, layer: &layer, shape, dialect };
            balance.page(&of, lang).text(output::layout())
        }
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
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

/// Wrong strides and groups are the command line's; all else is the tensor's.
fn refused(error: &BalanceError, source: &Source, tensor: &Tensor, lang: Lang) -> Failure {
    let message = in_tensor(source, tensor, &error.message(lang), lang);
    match error {
        BalanceError::Geometry(error) => Failure::geometry(error, lang),
        BalanceError::Strides { .. } => Failure::usage(Some("stride"), message),
        BalanceError::Groups { .. } => Failure::usage(Some("groups"), message),
        _ => Failure::file(&message, Some(source.file.clone())),
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

fn stride_needed(source: &Source, tensor: &Tensor, lang: Lang) -> Failure {
    let what = match lang {
        Lang::En => "the file does not say its stride; give --stride N or HxW",
        Lang::Zh => "文件没有说明步幅；请用 --stride N 或 HxW 给出",
    };
    Failure::usage(Some("stride"), in_tensor(source, tensor, what, lang))
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
