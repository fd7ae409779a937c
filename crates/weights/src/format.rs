//! What a file is, by its content, and what is in it.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::bytes::Whole;
use crate::caffe::{self, Net};
use crate::error::{Result, WeightsError};
use crate::graph::Graph;
use crate::graph_def;
use crate::hash::sha256;
use crate::input;
use crate::keras;
use crate::metadata::Origin;
use crate::numpy;
use crate::onnx;
use crate::safetensors::{PREFIX, Weights};
use crate::tf_checkpoint::{self, Checkpoint};
use crate::tfjs;
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
    /// A TensorFlow.js model of layers.
    TfjsLayers,
    /// A checkpoint of TensorFlow.
    TfCheckpoint,
    /// A frozen graph of TensorFlow.
    GraphDef,
    /// A model of TensorFlow: a graph with variables.
    SavedModel,
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
    /// Weights of Caffe with their net.
    Caffemodel,
    /// A mean picture of Caffe.
    Binaryproto,
}

impl Format {
    /// All that are read.
    pub const ALL: &[Self] = &[
        Self::Safetensors,
        Self::TfjsGraph,
        Self::TfjsLayers,
        Self::TfCheckpoint,
        Self::GraphDef,
        Self::SavedModel,
        Self::Npy,
        Self::Npz,
        Self::Torch,
        Self::Keras,
        Self::Onnx,
        Self::Caffemodel,
        Self::Binaryproto,
    ];

    /// Its name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TfjsGraph => "tfjs_graph",
            Self::TfjsLayers => "tfjs_layers",
            Self::TfCheckpoint => "tf_checkpoint",
            Self::GraphDef => "graph_def",
            Self::SavedModel => "saved_model",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Torch => "torch",
            Self::Keras => "keras",
            Self::Onnx => "onnx",
            Self::Caffemodel => "caffemodel",
            Self::Binaryproto => "binaryproto",
        }
    }

    const fn known_as(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::TfjsGraph => "TensorFlow.js graph model (its JSON file)",
            Self::TfjsLayers => "TensorFlow.js layers model (its JSON file)",
            Self::TfCheckpoint => "TensorFlow checkpoint (its .index, or the one file)",
            Self::GraphDef => "TensorFlow frozen graph (.pb)",
            Self::SavedModel => "TensorFlow SavedModel (its folder)",
            Self::Npy => "NumPy array (.npy)",
            Self::Npz => "NumPy archive (.npz)",
            Self::Torch => "PyTorch (.pt, .pth)",
            Self::Keras => "Keras (.h5, .keras)",
            Self::Onnx => "ONNX (.onnx)",
            Self::Caffemodel => "Caffe weights (.caffemodel)",
            Self::Binaryproto => "Caffe mean picture (.binaryproto)",
        }
    }

    /// By the first bytes of a file; the rest need not be right. A table of a checkpoint says only at its end what it is,
    /// and a document of TensorFlow.js may say late of which kind it is.
    ///
    /// ```
    /// use upconv_weights::Format;
    /// assert_eq!(Format::of(b"\x40\0\0\0\0\0\0\0{\"a\":{"), Some(Format::Safetensors));
    /// assert_eq!(Format::of(b"{\n  \"format\": \"graph-model\""), Some(Format::TfjsGraph));
    /// assert_eq!(Format::of(b"\x93NUMPY\x01\0"), Some(Format::Npy));
    /// assert_eq!(Format::of(b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder"), Some(Format::GraphDef));
    /// assert_eq!(Format::of(b"\x0a\x05VGG16\xa2\x06\x20\x0a\x05conv1"), Some(Format::Caffemodel));
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
        // A document of text holds no byte 0; the size of a header holds at least four.
        let is_text = !begin.iter().take(PREFIX as usize).any(|&byte| byte == 0);
        let first = begin.iter().find(|byte| !byte.is_ascii_whitespace());
        if is_text && first == Some(&b'{') {
            return Some(if tfjs::begins_layers(begin) {
                Self::TfjsLayers
            } else {
                Self::TfjsGraph
            });
        }
        let is_json = begin.get(PREFIX as usize) == Some(&b'{');
        // A size that fits into 32 bits, as headers may have.
        if is_json && begin[4..8] == [0; 4] {
            return Some(Self::Safetensors);
        }
        if onnx::begins(begin) {
            return Some(Self::Onnx);
        }
        if graph_def::begins_saved_model(begin) {
            return Some(Self::SavedModel);
        }
        if graph_def::begins_graph(begin) {
            return Some(Self::GraphDef);
        }
        if caffe::is_model(begin) {
            return Some(Self::Caffemodel);
        }
        if caffe::is_blob(begin) {
            return Some(Self::Binaryproto);
        }
        is_json.then_some(Self::Safetensors)
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

/// Something of a file that is no tensor, or a tensor of a type that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// The name that it would have as a tensor.
    pub name: String,
    /// What it is, in words of its format: `DT_STRING`.
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
    /// The net of Caffe that the weights are for.
    pub net: Option<Net>,
    /// What else is in the file: no tensors, or tensors of types that are not read.
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
/// Files from [`MAPPED_BYTES`](crate::limits::MAPPED_BYTES) on are mapped, with what [`Weights::map`] says about files that are cut
/// short meanwhile.
///
/// # Errors
/// If it cannot be read, no reader knows it (the message lists those that exist), or it is broken.
pub fn open(path: &Path) -> Result<Source> {
    let format = detect(path)?;
    let several = |weights, files| Source {
        file: path.display().to_string(),
        format,
        files,
        weights,
        graph: None,
        net: None,
        passed_over: Vec::new(),
    };
    let one = |weights, read| several(weights, vec![read]);
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
            Source { passed_over, ..several(weights, files) }
        }
        Format::TfCheckpoint => {
            let Checkpoint { weights, passed_over, files } = tf_checkpoint::read(path)?;
            Source { passed_over, ..several(weights, files) }
        }
        Format::GraphDef | Format::SavedModel => {
            let read = match format {
                Format::GraphDef => graph_def::read_graph(path),
                _ => graph_def::read_saved_model(path),
            };
            let graph_def::Model { weights, graph, passed_over, files } = read?;
            Source { graph: Some(graph), passed_over, ..several(weights, files) }
        }
        Format::TfjsGraph | Format::TfjsLayers => {
            let tfjs::Model { kind, weights, graph, files } = tfjs::read(path)?;
            // The first bytes may not say which.
            let format = match kind {
                tfjs::Kind::Graph => Format::TfjsGraph,
                tfjs::Kind::Layers => Format::TfjsLayers,
            };
            Source { format, graph: Some(graph), ..several(weights, files) }
        }
        Format::Caffemodel => {
            let (caffe::Model { weights, net }, read) = caffe::read_described(path)?;
            Source { net: Some(net), ..one(weights, read) }
        }
        Format::Binaryproto => {
            let (weights, read) = caffe::read_blob_described(path)?;
            one(weights, read)
        }
    };
    Ok(source)
}

/// Reads a weight file that is in memory; `file` is what messages call it, and its ending counts as in [`open`].
///
/// # Errors
/// As [`open`]; also for a format that takes more than one file, which cannot be looked for.
///
/// ```
/// use upconv_weights::{Format, format};
/// let empty = b"\x02\0\0\0\0\0\0\0{}".to_vec();
/// assert_eq!(format::from_bytes("none.safetensors", empty)?.format, Format::Safetensors);
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Source> {
    let bytes = Arc::new(bytes);
    let begin = &bytes[..bytes.len().min(BEGIN)];
    let by_entries = || match begin.starts_with(zip::MAGIC) {
        true => {
            let names = zip::names_in(file, Whole::Read(bytes.clone())).ok()?;
            Format::of_archive(&names.iter().map(|name| &name[..]).collect::<Vec<_>>())
        }
        false => None,
    };
    let by_name = || by_ending(Path::new(file), begin);
    let format = Format::of(begin).or_else(by_entries).or_else(by_name);
    let format = format.ok_or_else(|| unknown(file, begin))?;
    let read = SourceFile {
        name: base_name(Path::new(file)),
        bytes: bytes.len() as u64,
        sha256: sha256(&bytes),
    };
    // Nobody else holds them any more.
    let bytes = Arc::unwrap_or_clone(bytes);
    let mut source = Source {
        file: file.into(),
        format,
        files: vec![read],
        weights: Weights::default(),
        graph: None,
        net: None,
        passed_over: Vec::new(),
    };
    match format {
        Format::Safetensors => source.weights = Weights::from_bytes(file, &bytes)?,
        Format::Npy | Format::Npz => source.weights = numpy::from_bytes(file, bytes)?,
        Format::Torch => {
            let torch::Model { weights, passed_over } = torch::from_bytes(file, bytes)?;
            (source.weights, source.passed_over) = (weights, passed_over);
        }
        Format::Keras => {
            let keras::Model { weights, passed_over, .. } = keras::from_bytes(file, bytes)?;
            (source.weights, source.passed_over) = (weights, passed_over);
        }
        Format::Onnx => {
            let onnx::Model { weights, passed_over, .. } = onnx::from_bytes(file, bytes)?;
            (source.weights, source.passed_over) = (weights, passed_over);
        }
        Format::GraphDef => {
            let model = graph_def::graph_from_bytes(file, bytes)?;
            (source.weights, source.graph) = (model.weights, Some(model.graph));
            source.passed_over = model.passed_over;
        }
        Format::Caffemodel => {
            let caffe::Model { weights, net } = caffe::from_bytes(file, bytes)?;
            (source.weights, source.net) = (weights, Some(net));
        }
        Format::TfjsGraph
        | Format::TfjsLayers
        | Format::TfCheckpoint
        | Format::SavedModel
        | Format::Binaryproto => {
            let format = format.name();
            return Err(WeightsError::NotAlone { file: file.into(), format });
        }
    }
    Ok(source)
}

/// Bytes that tell the format: the name of the first entry of an archive must lie within.
const BEGIN: usize = 1024;

/// The format of a file.
///
/// # Errors
/// If it cannot be read, or no reader knows it.
pub fn detect(path: &Path) -> Result<Format> {
    if graph_def::is_at(path) {
        return Ok(Format::SavedModel);
    }
    if tf_checkpoint::is_at(path)? {
        return Ok(Format::TfCheckpoint);
    }
    let file = path.display().to_string();
    let begin = input::begin(path, BEGIN)?;
    let by_entries = || match begin.starts_with(zip::MAGIC) {
        true => Format::of_archive(
            &zip::names(&file, path).ok()?.iter().map(|n| &n[..]).collect::<Vec<_>>(),
        ),
        false => None,
    };
    let by_name = || by_ending(path, &begin);
    let format = Format::of(&begin).or_else(by_entries).or_else(by_name);
    format.ok_or_else(|| unknown(&file, &begin))
}

/// Where the content is too broken to tell, the name decides whose reader says what is wrong.
fn by_ending(path: &Path, begin: &[u8]) -> Option<Format> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("safetensors") if begin.len() <= PREFIX as usize => Some(Format::Safetensors),
        Some("npy") if numpy::MAGIC.starts_with(begin) => Some(Format::Npy),
        Some("ckpt") if begin.is_empty() || begin.starts_with(b"\0") => Some(Format::TfCheckpoint),
        Some("pb") if begin.len() < 32 => match base_name(path).as_str() {
            "saved_model.pb" => Some(Format::SavedModel),
            _ => Some(Format::GraphDef),
        },
        Some("caffemodel") if caffe::begins_model(begin) => Some(Format::Caffemodel),
        Some("binaryproto") if caffe::begins_blob(begin) => Some(Format::Binaryproto),
        Some("npz") if begin.is_empty() || begin.starts_with(b"P") => Some(Format::Npz),
        Some("h5" | "hdf5") if keras::MAGIC.starts_with(begin) => Some(Format::Keras),
        Some("keras") if begin.is_empty() || begin.starts_with(b"P") => Some(Format::Keras),
        Some("onnx") => Some(Format::Onnx),
        Some("pt" | "pth") if begin.is_empty() || begin.starts_with(b"P") => Some(Format::Torch),
        _ => None,
    }
}

fn unknown(file: &str, begin: &[u8]) -> WeightsError {
    let begins = match looks_like(begin) {
        Some(what) => format!("it looks like {what}"),
        None if begin.is_empty() => "it is empty".into(),
        None => format!("it begins with the bytes {:02x?}", &begin[..begin.len().min(8)]),
    };
    let known = Format::ALL.iter().map(|known| known.known_as()).collect::<Vec<_>>().join(", ");
    WeightsError::UnknownFormat { file: file.into(), begins, known }
}

/// What files are that people may take for weights, and that no reader here knows.
fn looks_like(begin: &[u8]) -> Option<&'static str> {
    const SIGNS: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive of something else"),
        (b"\x80\x02", "a pickle of Python"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"GGUF", "GGUF"),
    ];
    if caffe::is_prototxt(begin) {
        return Some(
            "a prototxt of Caffe, which describes a net; its weights are in a .caffemodel",
        );
    }
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
