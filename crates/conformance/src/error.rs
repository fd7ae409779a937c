//! Why a folder of golden cases cannot be run at all.

use std::path::PathBuf;

use upconv_kernels::Isa;

/// Why a folder of golden cases cannot be run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConformanceError {
    /// The path is no folder.
    #[error("{}: not a folder; give the folder that holds cases.json", path.display())]
    NotAFolder {
        /// The path given.
        path: PathBuf,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is larger than anything that belongs here.
    #[error("{}: {bytes} bytes, but at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// `cases.json` is no JSON of the expected form.
    #[error("{}: {field}: {reason}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where in the document, `.` for the whole.
        field: String,
        /// What is wrong there, with line and column.
        reason: String,
    },
    /// `cases.json` has no case.
    #[error("{}: there is no case in it", path.display())]
    NoCases {
        /// The file.
        path: PathBuf,
    },
    /// A case names a file outside of the folder.
    #[error(
        "cases.json: case {case}: file: {file:?} must be a path inside the folder, without \"..\""
    )]
    FileOutside {
        /// The case.
        case: String,
        /// What it names.
        file: String,
    },
    /// A file of tensors is broken.
    #[error("{} (first named by case {case}): {reason}", path.display())]
    Tensors {
        /// The file.
        path: PathBuf,
        /// The case that made us open it.
        case: String,
        /// What is wrong with it.
        reason: String,
    },
    /// This CPU lacks the instruction set that was asked for.
    #[error(
        "this CPU does not have {}; available: {}",
        isa.name(),
        Isa::available().iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
    )]
    IsaNotAvailable {
        /// What was asked for.
        isa: Isa,
    },
}

impl ConformanceError {
    /// The file at fault, if one is.
    pub fn file(&self) -> Option<String> {
        match self {
            Self::NotAFolder { path }
            | Self::Read { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Json { path, .. }
            | Self::NoCases { path }
            | Self::Tensors { path, .. } => Some(path.display().to_string()),
            Self::FileOutside { file, .. } => Some(file.clone()),
            Self::IsaNotAvailable { .. } => None,
        }
    }
}
