//! What can be wrong with weights, with the numbers.

use std::borrow::Cow;
use std::io;

use crate::limits;

/// Result with [`WeightsError`].
pub type Result<T> = std::result::Result<T, WeightsError>;

/// Why weights cannot be read, written or converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {file}: {source}")]
    Write {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{file}: not a regular file; give a weight file")]
    NotAFile {
        /// The path.
        file: String,
    },
    /// A file is beyond a limit.
    #[error("{file}: {bytes} bytes, but at most {limit} are read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// No reader knows the content.
    #[error("{file}: no known weight format ({begins}); known: {known}")]
    UnknownFormat {
        /// The file.
        file: String,
        /// What its first bytes are.
        begins: String,
        /// The formats that are read.
        known: String,
    },
    /// A format that takes several files, of which one was given alone.
    #[error(
        "{file}: {format} takes more than this file, or holds no weights of layers; open it from a folder"
    )]
    NotAlone {
        /// The file.
        file: String,
        /// The name of its format.
        format: &'static str,
    },
    /// The file ends too early.
    #[error(
        "{file}: cut short: {what} needs {needed} bytes from byte {offset} on, but {got} are there"
    )]
    Truncated {
        /// The file.
        file: String,
        /// Which part.
        what: String,
        /// Where the part begins.
        offset: u64,
        /// Its bytes.
        needed: u64,
        /// Bytes that are there.
        got: u64,
    },
    /// Bytes after the end of what the file describes.
    #[error("{file}: {surplus} bytes too many: what it describes ends at byte {end}")]
    Surplus {
        /// The file.
        file: String,
        /// Where the described data end.
        end: u64,
        /// Bytes after that.
        surplus: u64,
    },
    /// A document inside the file is not of the expected form.
    #[error("{file}: {field}: {reason}")]
    Json {
        /// The file.
        file: String,
        /// Where in the document; `.` is the whole.
        field: String,
        /// What is wrong there.
        reason: String,
    },
    /// A part of a file of bytes is not of the expected form.
    #[error("{file}: {field} at byte {offset}: {reason}")]
    Form {
        /// The file.
        file: String,
        /// Which part.
        field: String,
        /// Where it begins.
        offset: u64,
        /// What is wrong with it, and what is legal.
        reason: String,
    },
    /// A text that people write is not of the expected form.
    #[error("{file}:{line}:{column}: {reason}")]
    Text {
        /// The file.
        file: String,
        /// The line, from 1 on.
        line: usize,
        /// The letter of the line, from 1 on.
        column: usize,
        /// What is wrong there, and what is legal.
        reason: String,
    },
    /// A layer of a net makes no sense.
    #[error("{}layer {layer:?}: {reason}", prefix(file))]
    Layer {
        /// The file; empty for a net in memory.
        file: String,
        /// The layer.
        layer: String,
        /// What is wrong with it, and what is legal.
        reason: String,
    },
    /// A part of a file of HDF5 cannot be read.
    #[error("{file}: {field}: {reason}")]
    Hdf5 {
        /// The file.
        file: String,
        /// The group, dataset or attribute.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pickle asks for a function or class of Python. Nothing is ever called; those that are known say
    /// how numbers lie in the file.
    #[error(
        "{file}: the pickle asks for {global:?} at byte {offset}, which is not run; known: {known}"
    )]
    Global {
        /// The file.
        file: String,
        /// Module and name, with a dot between them.
        global: String,
        /// Where it is named.
        offset: u64,
        /// Those that are known.
        known: String,
    },
    /// Metadata of a newer kind.
    #[error("{file}: upconv metadata of schema {got}, but this program reads schema {legal}")]
    Schema {
        /// The file.
        file: String,
        /// Its schema.
        got: u64,
        /// The schema that is read.
        legal: u64,
    },
    /// More of something than a limit allows.
    #[error("{file}: {got} {what}, but at most {limit} are read")]
    TooMany {
        /// The file.
        file: String,
        /// Of what.
        what: &'static str,
        /// How many.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// Something is wrong with one tensor.
    #[error("{}tensor {tensor:?}: {fault}", prefix(file))]
    Tensor {
        /// The file; empty for a tensor that comes from no file.
        file: String,
        /// The tensor.
        tensor: String,
        /// What is wrong with it.
        fault: Box<TensorFault>,
    },
    /// A model names a shard that it may not have.
    #[error("{file}: {field}: {shard:?} {why}")]
    Shard {
        /// The file that names it.
        file: String,
        /// Where it is named.
        field: String,
        /// The shard.
        shard: String,
        /// Why not.
        why: &'static str,
    },
    /// The shards of a group hold more or fewer bytes than its tensors.
    #[error(
        "{file}: {field}: its tensors take {needed} bytes, but its shards hold {got}; they must be equal"
    )]
    ShardBytes {
        /// The file that describes them.
        file: String,
        /// The group.
        field: String,
        /// Bytes of the tensors.
        needed: u64,
        /// Bytes of the shards.
        got: u64,
    },
    /// A rename table cannot be used.
    #[error("rename rule {from:?}: {reason}")]
    Rule {
        /// The rule's pattern.
        from: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Tensors are missing or unused.
    #[error("{}{}", prefix(file), imbalance(missing, unused))]
    Imbalance {
        /// The source; empty if it is no file.
        file: String,
        /// Names that the model needs and the file lacks.
        missing: Vec<String>,
        /// Names that the file has and the model does not need.
        unused: Vec<String>,
    },
    /// The stored self-test gives another result.
    #[error(
        "{}self-test failed: output cell {index} is {got}, but {expected} is stored (tolerance {tolerance})",
        prefix(file)
    )]
    SelfTest {
        /// The file; empty if it is no file.
        file: String,
        /// The cell that is furthest off.
        index: usize,
        /// What was computed.
        got: f32,
        /// What is stored.
        expected: f32,
        /// How far they may be apart.
        tolerance: f64,
    },
    /// A self-test cannot be made or run.
    #[error("{}self-test: {reason}", prefix(file))]
    SelfTestForm {
        /// The file; empty if it is no file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What can be wrong with one tensor.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorFault {
    /// An axis is beyond the limit.
    #[error("axis {axis} has {got} cells, but at most {} are read", limits::MAX_AXIS)]
    AxisTooLarge {
        /// The axis.
        axis: usize,
        /// Its cells.
        got: u64,
    },
    /// There are too many axes.
    #[error("{got} axes, but at most {} are read", limits::MAX_AXES)]
    TooManyAxes {
        /// How many.
        got: usize,
    },
    /// There are too many cells.
    #[error("shape {shape:?} has more than {} cells", limits::MAX_CELLS)]
    TooManyCells {
        /// The shape.
        shape: Vec<usize>,
    },
    /// Shape and bytes do not agree.
    #[error("{dtype} of shape {shape:?} takes {needed} bytes, but {got} are given")]
    ByteCount {
        /// Name of the type of its cells.
        dtype: &'static str,
        /// The shape.
        shape: Vec<usize>,
        /// Bytes that the shape takes.
        needed: u64,
        /// Bytes given.
        got: u64,
    },
    /// A type of cells that is not read.
    #[error("type {got}; legal: {legal}")]
    Dtype {
        /// The type.
        got: String,
        /// The legal ones.
        legal: String,
    },
    /// Something that is no tensor, where one is looked for.
    #[error("{got}; legal: {legal}")]
    Value {
        /// What it is.
        got: String,
        /// What is legal there.
        legal: String,
    },
    /// It lies where another one lies.
    #[error(
        "begins at byte {begin} of the data, inside of tensor {other:?} that ends at byte {end}"
    )]
    Overlap {
        /// Where it begins.
        begin: u64,
        /// The other one.
        other: String,
        /// Where the other one ends.
        end: u64,
    },
    /// Before it lie bytes of no tensor.
    #[error("begins at byte {begin} of the data, but the tensors before it end at byte {end}")]
    Gap {
        /// Where it begins.
        begin: u64,
        /// Where those before it end.
        end: u64,
    },
    /// Its end lies before its beginning.
    #[error("ends at byte {end} of the data, before its beginning at byte {begin}")]
    Backwards {
        /// Where it begins.
        begin: u64,
        /// Where it ends.
        end: u64,
    },
    /// Two tensors of one name.
    #[error("this name comes twice")]
    Twice,
    /// A name that the format keeps for itself.
    #[error("this name is reserved by the format")]
    Reserved,
    /// There is no such tensor.
    #[error("there is none of this name")]
    Absent,
    /// Memory for it cannot be had.
    #[error("no memory for its {bytes} bytes")]
    NoMemory {
        /// Bytes asked for.
        bytes: u64,
    },
    /// NaN or infinite values where there must be none.
    #[error(
        "{count} values are not finite, the first is {value} at cell {index}; such weights are not used"
    )]
    NonFinite {
        /// How many.
        count: u64,
        /// The first, row-major.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A value beyond the range of F16.
    #[error("value {value} at cell {index} is beyond F16, whose largest is 65504; write F32")]
    BeyondF16 {
        /// The cell, row-major.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A move of axes that does not fit the shape.
    #[error(
        "axes {axes:?} are no order of the {} axes of shape {shape:?}; each of 0..{} must come once",
        shape.len(),
        shape.len()
    )]
    Axes {
        /// The wanted order.
        axes: Vec<usize>,
        /// The shape.
        shape: Vec<usize>,
    },
    /// It does not have the shape that the model needs.
    #[error(
        "from {from:?} of shape {source_shape:?}, which gives {shape:?}, but the model needs {expected:?}"
    )]
    Shape {
        /// Its name in the source.
        from: String,
        /// Its shape there.
        source_shape: Vec<usize>,
        /// Its shape after the move of axes.
        shape: Vec<usize>,
        /// The model's shape.
        expected: Vec<usize>,
    },
    /// Two tensors become one.
    #[error("both {first:?} and {second:?} are renamed to this")]
    Collision {
        /// One source.
        first: String,
        /// The other source.
        second: String,
    },
    /// Parts that do not make up the whole.
    #[error("parts: {reason}")]
    Parts {
        /// What is wrong.
        reason: String,
    },
    /// Quantisation that makes no sense.
    #[error("quantization: {reason}")]
    Quantization {
        /// What is wrong.
        reason: String,
    },
}

impl WeightsError {
    /// The file at fault, if one is.
    ///
    /// ```
    /// let error = upconv_weights::format::open("no/such/file".as_ref()).unwrap_err();
    /// assert_eq!(error.file(), Some("no/such/file"));
    /// ```
    pub fn file(&self) -> Option<&str> {
        let file = match self {
            Self::Read { file, .. }
            | Self::Write { file, .. }
            | Self::NotAFile { file }
            | Self::TooLarge { file, .. }
            | Self::UnknownFormat { file, .. }
            | Self::NotAlone { file, .. }
            | Self::Truncated { file, .. }
            | Self::Surplus { file, .. }
            | Self::Json { file, .. }
            | Self::Form { file, .. }
            | Self::Text { file, .. }
            | Self::Layer { file, .. }
            | Self::Global { file, .. }
            | Self::Hdf5 { file, .. }
            | Self::Schema { file, .. }
            | Self::TooMany { file, .. }
            | Self::Tensor { file, .. }
            | Self::Shard { file, .. }
            | Self::ShardBytes { file, .. }
            | Self::Imbalance { file, .. }
            | Self::SelfTest { file, .. }
            | Self::SelfTestForm { file, .. } => file,
            Self::Rule { .. } => return None,
        };
        Some(file.as_str()).filter(|file| !file.is_empty())
    }

    /// The tensor, the layer or the place in a document at fault, if one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Json { field, .. }
            | Self::Form { field, .. }
            | Self::Hdf5 { field, .. }
            | Self::Shard { field, .. }
            | Self::ShardBytes { field, .. } => Some(field),
            Self::Tensor { tensor, .. } => Some(tensor),
            Self::Layer { layer, .. } => Some(layer),
            Self::Rule { from, .. } => Some(from),
            Self::Global { global, .. } => Some(global),
            _ => None,
        }
    }

    /// Names the file in an error about a tensor or a layer in memory.
    pub(crate) fn in_file(self, file: &str) -> Self {
        match self {
            Self::Tensor { tensor, fault, .. } => Self::Tensor { file: file.into(), tensor, fault },
            Self::Layer { layer, reason, .. } => Self::Layer { file: file.into(), layer, reason },
            other => other,
        }
    }

    pub(crate) fn read(file: &str, source: io::Error) -> Self {
        Self::Read { file: file.into(), source }
    }

    pub(crate) fn tensor(file: &str, tensor: &str, fault: TensorFault) -> Self {
        Self::Tensor { file: file.into(), tensor: tensor.into(), fault: Box::new(fault) }
    }
}

fn prefix(file: &str) -> String {
    if file.is_empty() { String::new() } else { format!("{file}: ") }
}

/// A name of a file as it can be printed: what would move a terminal's cursor is escaped.
///
/// ```
/// assert_eq!(upconv_weights::shown("a/b"), "a/b");
/// assert_eq!(upconv_weights::shown("a\u{1b}[2J"), "a\\u{1b}[2J");
/// ```
pub fn shown(name: &str) -> Cow<'_, str> {
    if !name.contains(char::is_control) {
        return name.into();
    }
    let escaped = name.chars().map(|c| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    });
    escaped.collect::<String>().into()
}

/// Most names that a message lists.
const MAX_LISTED: usize = 4;

fn imbalance(missing: &[String], unused: &[String]) -> String {
    let part = |names: &[String], what: &str| {
        let listed = names.iter().take(MAX_LISTED).map(|name| shown(name));
        let listed = listed.collect::<Vec<_>>().join(", ");
        match names.len() {
            0 => None,
            n @ 1..=MAX_LISTED => Some(format!("{n} {what} ({listed})")),
            n => Some(format!("{n} {what} ({listed} and {} more)", n - MAX_LISTED)),
        }
    };
    let parts = [part(missing, "missing"), part(unused, "unused")];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    format!("{parts}: every tensor must find its place, unless it is allowed by name")
}
