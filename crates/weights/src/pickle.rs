//! Pickles of Python as trees of values, of protocols 0 to 5. Nothing is ever called.
//!
//! A pickle is a program for a small stack machine. [`read`] runs those instructions that make values: numbers, text,
//! lists, dictionaries. Where Python would look up a function and call it, an [`Object`] says which function and with
//! what; the reader of a format knows what a few of them mean for the bytes in a file. Any other function is either an
//! error at the place where it is named, whether or not anything would use it, or a name without effect ([`Names`]).
//!
//! Values lie in one list and refer to each other by number, as a pickle may share them, nest them without bound, or
//! tie them to a ring. Whoever walks along them counts steps and depth. Long bytes and text are not copied.
//!
//! # Source
//! Python 3.14: `Lib/pickletools.py`, which defines every instruction, and `Modules/_pickle.c`.

pub(crate) mod escape;
mod machine;
mod opcode;

use std::borrow::Cow;
use std::ops::Range;

use crate::bytes::Bytes;
use crate::error::Result;

/// A value of a pickle, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ref(u32);

/// A value. Lists, dictionaries and objects are what they had become at the end of the pickle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Text: UTF-8.
    Text(Data),
    /// Bytes, and text of Python 2, which does not tell them apart.
    Bytes(Data),
    Tuple(Vec<Ref>),
    List(Vec<Ref>),
    /// Keys and values in the order in which they were set; a key may come twice.
    Dict(Vec<(Ref, Ref)>),
    /// A function or class, by the places in [`Pickle::known`].
    Global(usize),
    /// One that is in no such list: where its module and its name lie.
    Named(Range<usize>, Range<usize>),
    Object(Box<Object>),
    /// What the writer keeps elsewhere, by the name that it gave.
    Persistent(Ref),
}

/// What a function or class would give: not computed, but what it would be computed of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    /// What would be called.
    pub(crate) function: Ref,
    /// A tuple.
    pub(crate) arguments: Ref,
    /// What the result would be told to become.
    pub(crate) state: Option<Ref>,
    /// What would be set in the result, as in a dictionary.
    pub(crate) entries: Vec<(Ref, Ref)>,
    /// Where the pickle says so.
    pub(crate) offset: usize,
}

/// Bytes of a pickle: where they lie in it, or what its escapes stand for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    At(Range<usize>),
    Own(Vec<u8>),
}

/// Module and name of a function or class.
pub(crate) type Global = (&'static str, &'static str);

/// Which functions and classes a pickle may name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names {
    /// These; another one is an error. What Python would build of sets and of lists that are objects is one too.
    Only(&'static [Global]),
    /// All. What the reader does not know has no effect but to be an [`Object`] with a strange name.
    Any,
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle {
    bytes: Bytes,
    names: Names,
    values: Vec<Value>,
    /// The value that all others are for.
    pub(crate) root: Ref,
    /// Where the pickle ends.
    pub(crate) end: usize,
}

/// Reads the pickle that begins at byte `begin`.
pub(crate) fn read(file: &str, bytes: &Bytes, begin: usize, names: Names) -> Result<Pickle> {
    let (values, root, end) = machine::run(file, bytes, begin, names)?;
    Ok(Pickle { bytes: bytes.clone(), names, values, root, end })
}

impl Pickle {
    /// A value.
    pub(crate) fn get(&self, value: Ref) -> &Value {
        // Only the machine makes numbers, each for a value that it has put there.
        &self.values[value.0 as usize]
    }

    /// The bytes of text or bytes.
    pub(crate) fn data<'a>(&'a self, data: &'a Data) -> &'a [u8] {
        match data {
            Data::At(range) => &self.bytes[range.clone()],
            Data::Own(bytes) => bytes,
        }
    }

    /// The same to be kept, without a copy where they lie in a file.
    pub(crate) fn kept(&self, data: &Data) -> Bytes {
        match data {
            Data::At(range) => self.bytes.part(range.clone()),
            Data::Own(bytes) => bytes.clone().into(),
        }
    }

    /// Text; the bytes of Python 2 are taken for Latin-1. Nothing if the value is neither, or longer than `most`.
    pub(crate) fn text(&self, value: Ref, most: usize) -> Option<Cow<'_, str>> {
        let short = |data| Some(self.data(data)).filter(|bytes| bytes.len() <= most);
        match self.get(value) {
            Value::Text(data) => str::from_utf8(short(data)?).ok().map(Cow::Borrowed),
            Value::Bytes(data) => {
                let bytes = short(data)?;
                match bytes.is_ascii() {
                    true => str::from_utf8(bytes).ok().map(Cow::Borrowed),
                    false => Some(bytes.iter().copied().map(char::from).collect()),
                }
            }
            _ => None,
        }
    }

    /// The values of a tuple or list.
    pub(crate) fn items(&self, value: Ref) -> Option<&[Ref]> {
        match self.get(value) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// A function or class, if the value is one.
    pub(crate) fn global(&self, value: Ref) -> Option<(&str, &str)> {
        match (self.get(value), self.names) {
            (Value::Global(place), Names::Only(known)) => known.get(*place).copied(),
            (Value::Named(module, name), _) => {
                let text = |range: &Range<usize>| str::from_utf8(&self.bytes[range.clone()]).ok();
                Some((text(module)?, text(name)?))
            }
            _ => None,
        }
    }

    /// The names of what the writer keeps elsewhere.
    pub(crate) fn persistent(&self) -> impl Iterator<Item = Ref> {
        self.values.iter().filter_map(|value| match value {
            Value::Persistent(name) => Some(*name),
            _ => None,
        })
    }

    /// The pairs of a dictionary; nothing if the value is none. An object counts as one if its class is derived from
    /// dictionaries, and may have been made of pairs.
    pub(crate) fn pairs(&self, value: Ref) -> Option<Cow<'_, [(Ref, Ref)]>> {
        let object = match self.get(value) {
            Value::Dict(pairs) => return Some(Cow::Borrowed(pairs)),
            Value::Object(object) => object,
            _ => return None,
        };
        let pair = |pair: &Ref| match self.items(*pair)? {
            &[key, value] => Some((key, value)),
            _ => None,
        };
        match self.items(object.arguments)? {
            // So does Python 2 write it.
            &[pairs] if object.entries.is_empty() => self.items(pairs)?.iter().map(pair).collect(),
            _ => Some(Cow::Borrowed(&object.entries[..])),
        }
    }

    /// What messages call a value.
    pub(crate) fn describe(&self, value: Ref) -> String {
        match self.get(value) {
            Value::None => "None".into(),
            Value::Bool(_) => "a truth value".into(),
            Value::Int(number) => format!("the number {number}"),
            Value::Float(number) => format!("the number {number}"),
            Value::Text(_) => "text".into(),
            Value::Bytes(_) => "bytes".into(),
            Value::Tuple(items) => format!("a tuple of {}", items.len()),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Dict(pairs) => format!("a dictionary of {}", pairs.len()),
            Value::Global(_) | Value::Named(..) => match self.shown_global(value) {
                Some(name) => name,
                None => "a function".into(),
            },
            Value::Object(object) => match self.shown_global(object.function) {
                Some(name) => format!("what {name} gives"),
                None => "what a function gives".into(),
            },
            Value::Persistent(_) => "something kept elsewhere".into(),
        }
    }

    fn shown_global(&self, value: Ref) -> Option<String> {
        let (module, name) = self.global(value)?;
        let short = |text| machine::shortened(str::as_bytes(text));
        Some(crate::error::shown(&format!("{}.{}", short(module), short(name))).into_owned())
    }
}
