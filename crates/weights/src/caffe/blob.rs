//! `BlobProto`: the numbers of a layer, or of a mean.

use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::limits;
use crate::protobuf::{Field, Message};
use crate::tensor::{Dtype, Tensor};

/// Numbers of its fields.
const DIMS: std::ops::RangeInclusive<u32> = 1..=4;
pub(super) const DATA: u32 = 5;
pub(super) const SHAPE: u32 = 7;
pub(super) const DOUBLE_DATA: u32 = 8;
/// `BlobShape.dim`.
const DIM: u32 = 1;

/// The shape of a blob whose file states four sizes, `num`, `channels`, `height` and `width`, as all did until the end
/// of 2014. `kind` is the layer's type, `blob` its place among the blobs of the layer.
///
/// Then a blob had four axes always, those that it lacks in front and of size 1: the weight of an inner product was
/// `[1, 1, outputs, inputs]`, a bias `[1, 1, 1, outputs]`. Leading axes of size 1 are dropped until as many are left as
/// the blob has in newer files, so that both give the same tensors:
///
/// | layer | blob | axes |
/// | --- | --- | --- |
/// | `Convolution`, `Deconvolution` | 0 | 4 |
/// | `InnerProduct` | 0 | 2 |
/// | these three | 1 | 1 |
/// | others | any | 4 |
///
/// Where a leading axis is of another size, all four stay, and a table of names gets to see them.
///
/// ```
/// use upconv_weights::caffe::legacy_shape;
/// assert_eq!(legacy_shape("InnerProduct", 0, [1, 1, 10, 1]), [10, 1]);
/// assert_eq!(legacy_shape("InnerProduct", 1, [1, 1, 1, 10]), [10]);
/// assert_eq!(legacy_shape("Convolution", 0, [1, 1, 3, 3]), [1, 1, 3, 3]);
/// assert_eq!(legacy_shape("Convolution", 1, [1, 2, 1, 10]), [1, 2, 1, 10]);
/// ```
pub fn legacy_shape(kind: &str, blob: usize, sizes: [usize; 4]) -> Vec<usize> {
    let axes = match (kind, blob) {
        ("InnerProduct", 0) => 2,
        ("InnerProduct" | "Convolution" | "Deconvolution", 1) => 1,
        _ => 4,
    };
    let (dropped, kept) = sizes.split_at(4 - axes);
    match dropped.iter().all(|&size| size == 1) {
        true => kept.into(),
        false => sizes.into(),
    }
}

/// What a blob is, before its layer plays a part.
pub(super) struct Blob {
    pub(super) shape: Shape,
    pub(super) dtype: Dtype,
    pub(super) cells: Bytes,
}

/// The sizes that a blob states.
pub(super) enum Shape {
    New(Vec<usize>),
    Legacy([usize; 4]),
}

/// The tensor of a blob; `whole` is the file, `(kind, number)` are the type of its layer and its place there.
pub(super) fn read(
    message: Message<'_>,
    whole: &Bytes,
    name: &str,
    (kind, number): (&str, usize),
) -> Result<Tensor> {
    let file = message.file();
    let Blob { shape, dtype, cells } = parse(message, whole, name)?;
    let shape = match shape {
        Shape::New(sizes) => sizes,
        Shape::Legacy(sizes) => legacy_shape(kind, number, sizes),
    };
    Tensor::of(name.into(), dtype, shape, cells).map_err(|error| error.in_file(file))
}

/// The fields of a blob, which messages call `name`.
pub(super) fn parse(message: Message<'_>, whole: &Bytes, name: &str) -> Result<Blob> {
    let file = message.file();
    let mut sizes = None;
    let mut legacy: Option<[usize; 4]> = None;
    for field in message.clone() {
        let field = field?;
        if DIMS.contains(&field.number) {
            // A size that is not stated is 0 in Caffe.
            let sizes = legacy.get_or_insert([0; 4]);
            sizes[field.number as usize - 1] = size(&field, field.int(name)?, name)?;
        } else if field.number == SHAPE {
            let own = sizes.get_or_insert_with(Vec::new);
            let mut numbers = Vec::new();
            for dim in field.message(name)? {
                let dim = dim?;
                if dim.number == DIM {
                    dim.int64s(name, &mut numbers, limits::MAX_AXES)?;
                }
            }
            for number in numbers {
                own.push(size(&field, number, name)?);
            }
        }
    }
    let data = message.cells::<4>(DATA, name)?;
    let double = message.cells::<8>(DOUBLE_DATA, name)?;
    let (dtype, data) = match (data.len(), double.len()) {
        (1.., 1..) => {
            let got = "a blob of both float and double numbers".into();
            let fault = TensorFault::Value { got, legal: "one of them".into() };
            return Err(WeightsError::tensor(file, name, fault));
        }
        (_, 0) => (Dtype::F32, data),
        _ => (Dtype::F64, double),
    };
    let shape = match (sizes, legacy) {
        (Some(sizes), _) => Shape::New(sizes),
        (None, Some(sizes)) => Shape::Legacy(sizes),
        // Without any axes it is one number.
        (None, None) => Shape::New(Vec::new()),
    };
    Ok(Blob { shape, dtype, cells: data.kept(whole) })
}

fn size(field: &Field<'_>, size: i64, name: &str) -> Result<usize> {
    let legal = 0..=limits::MAX_AXIS;
    match u64::try_from(size).ok().filter(|size| legal.contains(size)) {
        // At most 2^31 - 1.
        Some(size) => Ok(size as usize),
        None => {
            let reason = format!("an axis of {size} cells; legal: 0 to {}", limits::MAX_AXIS);
            Err(field.error(name, reason))
        }
    }
}
