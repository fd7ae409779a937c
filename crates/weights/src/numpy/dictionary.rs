//! A pickled dictionary of arrays, numbers and text, as data sets for Python come.

use std::path::Path;

use super::pickled::{self, Array, Content};
use super::{cells, npy};
use crate::bytes::Bytes;
use crate::cursor::Cursor;
use crate::error::{Result, TensorFault, WeightsError};
use crate::pickle::{self, Names, Pickle, Ref, Value};
use crate::tensor::Tensor;
use crate::{input, limits};

/// What a key of a pickled dictionary stands for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Entry {
    /// An array of NumPy, under its key's name.
    Array(Tensor),
    /// A whole number.
    Integer(i64),
    /// A list or tuple of whole numbers.
    Integers(Vec<i64>),
    /// Text, or bytes of Python 2, taken for Latin-1.
    Text(String),
    /// A list or tuple of those.
    Texts(Vec<String>),
}

/// Most bytes of a text in a dictionary.
const MAX_TEXT: usize = 1 << 16;

/// Reads a file that is one pickled dictionary; keys are text, or bytes of Python 2. Nothing in the file is run: see
/// [`super`].
///
/// # Errors
/// A file that cannot be read, is cut short, or holds anything else.
pub fn read_dictionary(path: &Path) -> Result<Vec<(String, Entry)>> {
    let (whole, _) = input::whole(path)?;
    parse(&path.display().to_string(), &Bytes::shared(whole))
}

/// The same of bytes that are in memory; messages call them `file`.
///
/// # Errors
/// As [`read_dictionary`].
///
/// ```
/// use upconv_weights::numpy::{Entry, dictionary_from_bytes};
/// // pickle.dumps({"labels": [3, 7]}, protocol=2) of Python 3.
/// let file = b"\x80\x02}q\x00X\x06\x00\x00\x00labelsq\x01]q\x02(K\x03K\x07es.";
/// let entries = dictionary_from_bytes("f", file.to_vec())?;
/// assert_eq!(entries[0].0, "labels");
/// assert!(matches!(&entries[0].1, Entry::Integers(labels) if labels[..] == [3, 7]));
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn dictionary_from_bytes(file: &str, bytes: Vec<u8>) -> Result<Vec<(String, Entry)>> {
    parse(file, &bytes.into())
}

fn parse(file: &str, bytes: &Bytes) -> Result<Vec<(String, Entry)>> {
    let pickle = pickle::read(file, bytes, 0, Names::Only(pickled::KNOWN))?;
    npy::end(file, &Cursor::new(file, bytes, pickle.end))?;
    let wrong = |reason: String| npy::form(file, "pickle", 0, reason);
    let Some(pairs) = pickle.pairs(pickle.root) else {
        let got = pickle.describe(pickle.root);
        return Err(wrong(format!("it is {got}, but must be a dictionary")));
    };
    let mut entries: Vec<(String, Entry)> = Vec::with_capacity(pairs.len());
    // Two keys may name one array; all together take no more than the file a few times.
    let mut left = limits::MAX_SHARING.saturating_mul(bytes.len() as u64);
    for &(key, value) in pairs.iter() {
        let name = pickle
            .text(key, limits::MAX_NAME_BYTES)
            .ok_or_else(|| wrong(format!("a key is {}, but must be text", pickle.describe(key))))?;
        let entry = entry(file, &pickle, &name, value)?;
        if let Entry::Array(array) = &entry {
            left = left.checked_sub(array.bytes().len() as u64).ok_or_else(|| {
                let times = limits::MAX_SHARING;
                wrong(format!("its arrays take more than {times} times the bytes of the file"))
            })?;
        }
        if entries.iter().any(|(known, _)| *known == *name) {
            return Err(wrong(format!("the key {name:?} comes twice")));
        }
        entries.push((name.into_owned(), entry));
    }
    Ok(entries)
}

fn entry(file: &str, pickle: &Pickle, name: &str, value: Ref) -> Result<Entry> {
    let refuse = || {
        let legal = "an array, whole numbers or text".into();
        let fault = TensorFault::Value { got: pickle.describe(value), legal };
        WeightsError::tensor(file, name, fault)
    };
    let integer = |value: &Ref| match pickle.get(*value) {
        Value::Int(number) => i64::try_from(*number).ok(),
        _ => None,
    };
    let text = |value: &Ref| pickle.text(*value, MAX_TEXT).map(std::borrow::Cow::into_owned);
    if let Some(number) = integer(&value) {
        return Ok(Entry::Integer(number));
    }
    if let Some(text) = text(&value) {
        return Ok(Entry::Text(text));
    }
    if let Some(items) = pickle.items(value) {
        if let Some(numbers) = items.iter().map(integer).collect() {
            return Ok(Entry::Integers(numbers));
        }
        return items.iter().map(text).collect::<Option<_>>().map(Entry::Texts).ok_or_else(refuse);
    }
    let Value::Object(object) = pickle.get(value) else { return Err(refuse()) };
    let array = pickled::array(file, pickle, object, name)?;
    let Some(Array { shape, fortran, content: Content::Numbers { dtype, big, data } }) = array
    else {
        return Err(refuse());
    };
    let bytes = pickled::bytes(file, pickle, object, name, data)?;
    let cells = cells::arranged(bytes, (dtype, big), fortran, &shape)
        .map_err(|fault| WeightsError::tensor(file, name, fault))?;
    Ok(Entry::Array(Tensor::of(name.into(), dtype, shape, cells)?))
}
