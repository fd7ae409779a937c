//! Arrays as NumPy pickles them: what its functions would have made of the bytes.
//!
//! # Source
//! NumPy 1.16 and 2.4: `array_reduce`, `array_setstate` and `array_reduce_ex_picklebuffer` in
//! `numpy/_core/src/multiarray/methods.c`, `arraydescr_reduce` in `descriptor.c`.

use super::cells::{self, Kind};
use super::npy::form;
use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::pickle::{Global, Object, Pickle, Ref, Value};
use crate::tensor::Dtype;

/// All functions and classes that a pickle of arrays may name.
pub(super) const KNOWN: &[Global] = &[
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    // How bytes are written for protocols that have none: as text, and where there are none at all.
    ("_codecs", "encode"),
    ("__builtin__", "bytes"),
    ("builtins", "bytes"),
    ("collections", "OrderedDict"),
];

/// An array as it is pickled.
pub(super) struct Array<'a> {
    pub(super) shape: Vec<usize>,
    pub(super) fortran: bool,
    pub(super) content: Content<'a>,
}

/// What is in it.
pub(super) enum Content<'a> {
    /// As many objects as the shape has cells, row-major.
    Objects(&'a [Ref]),
    Numbers {
        dtype: Dtype,
        big: bool,
        data: Ref,
    },
}

/// The array that an object stands for; nothing if it stands for something else.
pub(super) fn array<'a>(
    file: &str,
    pickle: &'a Pickle,
    object: &Object,
    name: &str,
) -> Result<Option<Array<'a>>> {
    let arguments = pickle.items(object.arguments).unwrap_or_default();
    let state = object.state.and_then(|state| pickle.items(state));
    let wrong = |what: &str| form(file, &format!("tensor {name:?}"), object.offset, what.into());
    let (dtype, shape, fortran, data) = match function(pickle, object) {
        // Made empty, and then told its shape, type, order and cells.
        "_reconstruct" => match (arguments, state) {
            (&[class, ..], Some(&[version, shape, dtype, fortran, data])) => {
                let (class, version) = (pickle.global(class), pickle.get(version));
                match (class, version, pickle.get(fortran)) {
                    (Some((_, "ndarray")), Value::Int(1), &Value::Bool(fortran)) => {
                        (dtype, Some(shape), fortran, data)
                    }
                    _ => return Err(wrong("its class, version or order is not that of an array")),
                }
            }
            _ => return Err(wrong("its state must be version, shape, type, order and cells")),
        },
        "_frombuffer" => match (arguments, state) {
            (&[data, dtype, shape, order], None) => match pickle.text(order, 1).as_deref() {
                Some(order @ ("C" | "F")) => (dtype, Some(shape), order == "F", data),
                _ => return Err(wrong("its order must be \"C\" or \"F\"")),
            },
            _ => return Err(wrong("it must be made of cells, type, shape and order")),
        },
        "scalar" => match (arguments, state) {
            (&[dtype, data], None) => (dtype, None, false, data),
            _ => return Err(wrong("it must be made of type and cell")),
        },
        _ => return Ok(None),
    };
    let shape = shape.map_or(Some(vec![]), |shape| self::shape(pickle, shape));
    let shape = shape.ok_or_else(|| wrong("its shape must be a tuple of whole numbers"))?;
    let fault = |fault: TensorFault| WeightsError::tensor(file, name, fault);
    let content = match kind(pickle, dtype) {
        Some(kind) => match kind.map_err(fault)? {
            Kind::Numbers { dtype, big } => Content::Numbers { dtype, big, data },
            Kind::Objects => match pickle.get(data) {
                Value::List(objects) if Ok(objects.len()) == crate::limits::cells(&shape) => {
                    Content::Objects(objects)
                }
                _ => {
                    return Err(wrong(
                        "its objects must be a list of as many as its shape has cells",
                    ));
                }
            },
        },
        None => return Err(wrong("its type is not as NumPy writes it")),
    };
    Ok(Some(Array { shape, fortran, content }))
}

/// The bytes of the cells of an array that `object` stands for.
pub(super) fn bytes(
    file: &str,
    pickle: &Pickle,
    object: &Object,
    name: &str,
    data: Ref,
) -> Result<Bytes> {
    let bytes =
        found_bytes(pickle, data).map_err(|fault| WeightsError::tensor(file, name, fault))?;
    bytes.ok_or_else(|| {
        let reason = format!("its cells are {}, but must be bytes", pickle.describe(data));
        form(file, &format!("tensor {name:?}"), object.offset, reason)
    })
}

/// Whether an object stands for an ordered dictionary.
pub(super) fn is_ordered(pickle: &Pickle, object: &Object) -> bool {
    function(pickle, object) == "OrderedDict"
}

fn function<'a>(pickle: &'a Pickle, object: &Object) -> &'a str {
    pickle.global(object.function).map_or("", |(_, name)| name)
}

fn shape(pickle: &Pickle, shape: Ref) -> Option<Vec<usize>> {
    let size = |size: &Ref| match pickle.get(*size) {
        Value::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    pickle.items(shape)?.iter().map(size).collect()
}

/// The type that `numpy.dtype` would make; nothing if it would make none.
fn kind(pickle: &Pickle, dtype: Ref) -> Option<std::result::Result<Kind, TensorFault>> {
    /// More than any name of a type that is read.
    const MOST: usize = 64;
    let Value::Object(object) = pickle.get(dtype) else { return None };
    if function(pickle, object) != "dtype" {
        return None;
    }
    let name = pickle.text(*pickle.items(object.arguments)?.first()?, MOST)?;
    let order = match object.state {
        None => "".into(),
        Some(state) => match pickle.items(state)? {
            &[_, order, inner, fields, ..] => {
                if [inner, fields].iter().any(|part| *pickle.get(*part) != Value::None) {
                    return Some(Err(cells::unknown("a record of several fields")));
                }
                pickle.text(order, 1)?
            }
            _ => return None,
        },
    };
    Some(cells::kind(&format!("{order}{name}")))
}

/// Bytes, or the text that stands for them; nothing if it is neither.
fn found_bytes(pickle: &Pickle, data: Ref) -> std::result::Result<Option<Bytes>, TensorFault> {
    let object = match pickle.get(data) {
        Value::Bytes(data) => return Ok(Some(pickle.kept(data))),
        Value::Object(object) if object.state.is_none() => object,
        _ => return Ok(None),
    };
    match (function(pickle, object), pickle.items(object.arguments)) {
        ("bytes", Some([])) => Ok(Some(Vec::new().into())),
        ("encode", Some(&[text, encoding])) => {
            let Value::Text(text) = pickle.get(text) else { return Ok(None) };
            match pickle.text(encoding, 16).as_deref() {
                Some("latin1" | "latin-1") => latin1(pickle.data(text)),
                _ => Ok(None),
            }
        }
        _ => Ok(None),
    }
}

/// The bytes that UTF-8 of characters up to 255 stands for; nothing if it is something else.
fn latin1(text: &[u8]) -> std::result::Result<Option<Bytes>, TensorFault> {
    let mut bytes = Vec::new();
    let characters = text.iter().filter(|&byte| byte & 0xc0 != 0x80).count();
    let no_memory = |_| TensorFault::NoMemory { bytes: characters as u64 };
    bytes.try_reserve_exact(characters).map_err(no_memory)?;
    let mut left = text.iter();
    while let Some(&first) = left.next() {
        bytes.push(match first {
            0..0x80 => first,
            0xc2 | 0xc3 => match left.next() {
                Some(&second @ 0x80..0xc0) => (first & 3) << 6 | second & 0x3f,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        });
    }
    Ok(Some(bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin1_is_every_byte() {
        let all: Vec<u8> = (0..=255).collect();
        let text: String = all.iter().copied().map(char::from).collect();
        assert_eq!(*latin1(text.as_bytes()).unwrap().unwrap(), all);
        for other in ["\u{100}".as_bytes(), b"\xc2", b"\xc2a", b"\xc1\x80", b"\x80"] {
            assert!(latin1(other).unwrap().is_none(), "{other:?}");
        }
    }
}
