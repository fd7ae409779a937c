//! What a weight file holds, as data: the object that `upconv inspect --json` prints.

use serde::Serialize;

use crate::format::{PassedOver, Source, SourceFile};
use crate::metadata::Metadata;
use crate::statistics::Statistics;
use crate::tensor::Tensor;

/// What a weight file holds.
///
/// Members are only ever added.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection<'a> {
    /// The file.
    pub file: &'a str,
    /// The name of its format.
    pub format: &'static str,
    /// Of all files together.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: &'a str,
    /// Everything that was read, the file itself first.
    pub files: &'a [SourceFile],
    /// The model that it says it is of.
    pub model: Option<&'a str>,
    /// What it says about itself.
    pub metadata: Option<&'a Metadata>,
    /// [`crate::Weights::weights_hash`].
    pub weights_hash: String,
    /// The tensors, in the order of the file.
    pub tensors: Vec<InspectedTensor<'a>>,
    /// What else is in the file.
    pub passed_over: &'a [PassedOver],
}

/// One tensor.
#[derive(Clone, Debug, Serialize)]
pub struct InspectedTensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type of its cells.
    pub dtype: &'static str,
    /// Cells per axis.
    pub shape: &'a [usize],
    /// What its numbers are like.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl<'a> Inspection<'a> {
    /// Looks at every number of a file.
    ///
    /// ```
    /// use upconv_weights::{Inspection, format};
    /// let empty = b"\x02\0\0\0\0\0\0\0{}".to_vec();
    /// let source = format::from_bytes("none.safetensors", empty)?;
    /// let inspection = Inspection::of(&source);
    /// assert_eq!((inspection.format, inspection.bytes), ("safetensors", 10));
    /// assert!(inspection.tensors.is_empty());
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn of(source: &'a Source) -> Self {
        let weights = &source.weights;
        Self {
            file: &source.file,
            format: source.format.name(),
            bytes: source.bytes(),
            sha256: source.sha256(),
            files: &source.files,
            model: weights.metadata().map(|metadata| metadata.model.as_str()),
            metadata: weights.metadata(),
            weights_hash: weights.weights_hash(),
            tensors: weights.tensors().iter().map(InspectedTensor::of).collect(),
            passed_over: &source.passed_over,
        }
    }
}

impl<'a> InspectedTensor<'a> {
    fn of(tensor: &'a Tensor) -> Self {
        let (name, dtype, shape) = (tensor.name(), tensor.dtype().name(), tensor.shape());
        Self { name, dtype, shape, statistics: tensor.statistics() }
    }
}
