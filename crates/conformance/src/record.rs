//! `cases.json`: one record per case.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::error::ConformanceError;
use crate::fault::{Failure, Result};

/// The file of a folder that lists its cases.
pub const CASES_FILE: &str = "cases.json";

/// Most bytes of `cases.json`.
const MAX_BYTES: u64 = 64 << 20;

/// What a framework did with a case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    /// It gave the values of `outputs`.
    Ok,
    /// It refused.
    Error,
}

/// One case. Fields that only inform people are not read.
#[derive(Debug, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) op: String,
    pub(crate) dialect: String,
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) attrs: Map<String, Value>,
    /// The file of the tensors.
    #[serde(default)]
    pub(crate) file: Option<String>,
    /// Name of an input -> key of its tensor in `file`.
    #[serde(default)]
    pub(crate) inputs: BTreeMap<String, String>,
    /// Name of an output -> key of its tensor in `file`.
    #[serde(default)]
    pub(crate) outputs: BTreeMap<String, String>,
    /// Of error cases: the rule that is broken.
    #[serde(default)]
    pub(crate) rule: Option<String>,
    /// Of error cases: shapes in place of tensors.
    #[serde(default)]
    pub(crate) shapes: BTreeMap<String, Value>,
    /// The largest sum of |terms|, in place of one per element.
    #[serde(default)]
    pub(crate) abs_max: Option<f64>,
    /// Engines disagree about it.
    #[serde(default)]
    pub(crate) disputed: bool,
    /// An error and a zero-filled result are both right.
    #[serde(default)]
    pub(crate) optional: bool,
    /// The framework refuses; computing it is right too.
    #[serde(default)]
    pub(crate) capability: bool,
    /// Of unpooling error cases: what the indices are. Of others: for people.
    #[serde(default)]
    pub(crate) note: Option<String>,
    /// Of overlap cases: whether cells away from the border receive equally many products.
    #[serde(default)]
    pub(crate) uniform_inside: Option<bool>,
}

impl Record {
    /// Shape `name` of an error case.
    pub(crate) fn shape(&self, name: &str) -> Result<Option<Vec<usize>>> {
        let Some(value) = self.shapes.get(name) else { return Ok(None) };
        let sizes = value.as_array().and_then(|sizes| {
            sizes.iter().map(|size| usize::try_from(size.as_u64()?).ok()).collect()
        });
        match sizes {
            Some(sizes) => Ok(Some(sizes)),
            None => Err(Failure::fault(
                format!("shapes.{name}"),
                format!("{value} is no list of sizes"),
            )),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default, rename = "meta")]
    _meta: IgnoredAny,
    cases: Vec<Record>,
}

/// Reads the records of a folder.
pub(crate) fn read(dir: &Path) -> std::result::Result<Vec<Record>, ConformanceError> {
    if !dir.is_dir() {
        return Err(ConformanceError::NotAFolder { path: dir.into() });
    }
    let path = dir.join(CASES_FILE);
    let text = read_limited(&path, MAX_BYTES)?;
    let mut json = serde_json::Deserializer::from_slice(&text);
    let at = |field: String, reason: String| ConformanceError::Json {
        path: path.clone(),
        field,
        reason,
    };
    let document: Document = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| at(error.path().to_string(), error.inner().to_string()))?;
    json.end().map_err(|error| at(".".into(), error.to_string()))?;
    if document.cases.is_empty() {
        return Err(ConformanceError::NoCases { path });
    }
    Ok(document.cases)
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_limited(
    path: &Path,
    limit: u64,
) -> std::result::Result<Vec<u8>, ConformanceError> {
    let failed = |source| ConformanceError::Read { path: path.into(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    let too_large = |bytes| ConformanceError::TooLarge { path: path.into(), bytes, limit };
    if bytes > limit {
        return Err(too_large(bytes));
    }
    let mut data = Vec::new();
    // The size may be wrong, as for a pipe, or change while we read.
    file.take(limit + 1).read_to_end(&mut data).map_err(failed)?;
    if data.len() as u64 > limit {
        return Err(too_large(data.len() as u64));
    }
    Ok(data)
}
