//! What a file is, by its content, and what is in it.

use std::io::Read;
use std::path::Path;

use serde::Serialize;

use crate::error::{Result, WeightsError};
use crate::input;
use crate::keras;
use crate::limits;
use crate::metadata::Origin;
use crate::numpy;
use crate::onnx;
use crate::safetensors::{PREFIX, Weights};
use crate::tfjs::{self, Graph};
use crate::torch;
use crate::zip;

/// A format of weight files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Our own.
    Safetensors,
    /// A TensorFlow.js graph model.
    TfjsGraph,
    /// One array of NumPy, or a dictionary of arrays in one.
    Npy,
    /// An archive of NumPy arrays.
    Npz,
    /// What PyTorch saves, in either form.
    Torch,
    /// What Keras saves: HDF5, or an archive with HDF5 in it.
    Keras,
    /// An ONNX model.
    Onnx,
}

impl Format {
    /// All that are read.
    pub const ALL: [Self; 7] = [
        Self::Safetensors,
        Self::TfjsGraph,
        Self::Npy,
        Self::Npz,
        Self::Torch,
        Self::Keras,
        Self::Onnx,
    ];

    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TfjsGraph => "tfjs_graph",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Torch => "torch",
            Self::Keras => "keras",
            Self::Onnx => "onnx",
        }
    }

    const fn known_as(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TfjsGraph => "TensorFlow.js graph model (its JSON file)",
            Self::Npy => "NumPy array (.npy)",
            Self::Npz => "NumPy archive (.npz)",
            Self::Torch => "PyTorch (.pt, .pth)",
            Self::Keras => "Keras (.h5, .keras)",
            Self::Onnx => "ONNX (.onnx)",
        }
    }

    /// By the first bytes of a file; the rest need not be right.
    ///
    /// ```
    /// use upconv_weights::Format;
    /// assert_eq!(Format::of(b"\x40\0\0\0\0\0\0\0{\"a\":{"), Some(Format::Safetensors));
    /// assert_eq!(Format::of(b"{\n  \"format\": \"graph-model\""), Some(Format::TfjsGraph));
    /// assert_eq!(Format::of(b"\x93NUMPY\x01\0"), Some(Format::Npy));
    /// assert_eq!(Format::of(b"GGUF\x03"), None);
    /// ```
    pub fn of(begin: &[u8]) -> Option<Self> {
        if begin.starts_with(numpy::MAGIC) {
            return Some(Self::Npy);
        }
        if let Some(name) = zip::first_name(begin) {
            return str::from_utf8(name).ok().and_then(|name| Self::of_archive(&[name]));
        }
        if torch::begins_legacy(begin) {
            return Some(Self::Torch);
        }
        if begin.starts_with(keras::MAGIC) {
            return Some(Self::Keras);
        }
        if onnx::begins(begin) {
            return Some(Self::Onnx);
        }
        // A document of text holds no byte 0; the size of a header holds at least four.
        let is_text = !begin.iter().take(PREFIX as usize).any(|&byte| byte == 0);
        let first = begin.iter().find(|byte| !byte.is_ascii_whitespace());
        if is_text && first == Some(&b'{') {
            return Some(Self::TfjsGraph);
        }
        (begin.get(PREFIX as usize) == Some(&b'{')).then_some(Self::Safetensors)
    }

    /// By the names of the entries of an archive of zip, or of some.
    fn of_archive(names: &[&str]) -> Option<Self> {
        if torch::is_archive(names.iter().copied()) {
            return Some(Self::Torch);
        }
        if keras::is_archive(names) {
            return Some(Self::Keras);
        }
        names.iter().any(|name| numpy::is_entry(name)).then_some(Self::Npz)
    }
}

/// One file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceFile {
    /// Its name, relative to the folder of the file that was asked for.
    #[serde(rename = "file")]
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: String,
}

/// Something in a file that is no tensor, and that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// The name that it would have as a tensor.
    pub name: String,
    /// What it is.
    pub what: String,
}

/// An opened weight file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path, as it was given.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// Everything that was read, the file itself first.
    pub files: Vec<SourceFile>,
    /// The tensors.
    pub weights: Weights,
    /// The operations on them, where the format tells.
    pub graph: Option<Graph>,
    /// What is in the file and is no tensor, number or text.
    pub passed_over: Vec<PassedOver>,
}

impl Source {
    /// SHA-256 of the file that was asked for.
    pub fn sha256(&self) -> &str {
        self.files.first().map_or("", |file| file.sha256.as_str())
    }

    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Whether a path is one of the files that were read, which must not be written over.
    pub fn holds(&self, path: &Path) -> bool {
        let folder = Path::new(&self.file).parent().unwrap_or(Path::new(""));
        let same = |name: &String| {
            let real = |path: &Path| std::fs::canonicalize(path).ok();
            real(&folder.join(name)).is_some_and(|file| Some(file) == real(path))
        };
        self.files.iter().any(|file| same(&file.name))
    }

    /// Where the weights come from, for the metadata of a converted file: the one file that holds them, or
    /// the file that was asked for where they are spread over several. With more than one file read, the
    /// member `files` lists them all.
    pub fn origin(&self, package: Option<String>) -> Origin {
        let holder = match &self.files[..] {
            [_, shard] => Some(shard),
            files => files.first(),
        };
        let (file, sha256) =
            holder.map_or_else(Default::default, |file| (file.name.clone(), file.sha256.clone()));
        let mut other = serde_json::Map::new();
        if self.files.len() > 1 {
            // Plain structs: this cannot fail.
            let files = serde_json::to_value(&self.files).unwrap_or_default();
            other.insert("files".into(), files);
        }
        Origin { file, sha256, package, other }
    }
}

/// Opens a weight file, whatever its format.
///
/// Files of NumPy and PyTorch from [`limits::MAPPED_BYTES`] on are mapped, with what [`Weights::map`] says about files that are cut
/// short meanwhile.
///
/// # Errors
/// If it cannot be read, no reader knows it (the message lists those that exist), or it is broken.
pub fn open(path: &Path) -> Result<Source> {
    let file = path.display().to_string();
    let format = detect(path)?;
    let one = |weights, read| Source {
        file: file.clone(),
        format,
        files: vec![read],
        weights,
        graph: None,
        passed_over: Vec::new(),
    };
    let source = match format {
        Format::Safetensors => {
            let (weights, read) = Weights::read_described(path)?;
            one(weights, read)
        }
        Format::Npy | Format::Npz => {
            let (weights, read) = numpy::read_described(path)?;
            one(weights, read)
        }
        Format::Torch => {
            let (torch::Model { weights, passed_over }, read) = torch::read_described(path)?;
            Source { passed_over, ..one(weights, read) }
        }
        Format::Keras => {
            let (keras::Model { weights, passed_over, .. }, read) = keras::read_described(path)?;
            Source { passed_over, ..one(weights, read) }
        }
        Format::Onnx => {
            let onnx::Model { weights, passed_over, files, .. } = onnx::read(path)?;
            Source { file, format, files, weights, graph: None, passed_over }
        }
        Format::TfjsGraph => {
            let tfjs::Model { weights, graph, files } = tfjs::read(path)?;
            Source { file, format, files, weights, graph: Some(graph), passed_over: Vec::new() }
        }
    };
    Ok(source)
}

/// Bytes that tell the format: the name of the first entry of an archive must lie within.
const BEGIN: usize = 1024;

/// The format of a file.
///
/// # Errors
/// If it cannot be read, or no reader knows it.
pub fn detect(path: &Path) -> Result<Format> {
    let file = path.display().to_string();
    let (opened, _) = input::open(path, limits::MAX_BYTES)?;
    let mut begin = Vec::with_capacity(BEGIN);
    opened
        .take(BEGIN as u64)
        .read_to_end(&mut begin)
        .map_err(|source| WeightsError::read(&file, source))?;
    // Where the content is too broken to tell, the name decides whose reader says what is wrong.
    let by_name = match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") if begin.len() <= PREFIX as usize => Some(Format::Safetensors),
        Some("npy") if numpy::MAGIC.starts_with(&begin) => Some(Format::Npy),
        Some("npz") if begin.is_empty() || begin.starts_with(b"P") => Some(Format::Npz),
        Some("h5" | "hdf5") if keras::MAGIC.starts_with(&begin) => Some(Format::Keras),
        Some("keras") if begin.is_empty() || begin.starts_with(b"P") => Some(Format::Keras),
        Some("onnx") => Some(Format::Onnx),
        Some("pt" | "pth") if begin.is_empty() || begin.starts_with(b"P") => Some(Format::Torch),
        _ => None,
    };
    let by_entries = || match begin.starts_with(zip::MAGIC) {
        true => Format::of_archive(
            &zip::names(&file, path).ok()?.iter().map(|n| &n[..]).collect::<Vec<_>>(),
        ),
        false => None,
    };
    Format::of(&begin).or_else(by_entries).or(by_name).ok_or_else(|| {
        let begins = match looks_like(&begin) {
            Some(what) => format!("it looks like {what}"),
            None if begin.is_empty() => "it is empty".into(),
            None => format!("it begins with the bytes {:02x?}", &begin[..begin.len().min(8)]),
        };
        let known = Format::ALL.map(Format::known_as).join(", ");
        WeightsError::UnknownFormat { file, begins, known }
    })
}

/// What files are that people may take for weights, and that no reader here knows.
fn looks_like(begin: &[u8]) -> Option<&'static str> {
    const SIGNS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive of something else"),
        (b"\x80\x02", "a pickle of Python"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"GGUF", "GGUF"),
    ];
    if begin.get(4..8) == Some(b"TFL3") {
        return Some("TensorFlow Lite");
    }
    // Where archives of tar have it.
    if begin.get(257..262) == Some(b"ustar") {
        return Some(
            "a tar archive, as PyTorch wrote before 0.1.10: load and save it with a newer one",
        );
    }
    SIGNS.iter().find(|(sign, _)| begin.starts_with(sign)).map(|&(_, what)| what)
}

/// The name of a file without its folder.
pub(crate) fn base_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into())
}
