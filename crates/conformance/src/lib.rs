//! Runs a folder of golden cases through the reference and every fast path that this CPU has.
//!
//! A folder holds `cases.json` and the safetensors files that it names; `golden/README.md` describes
//! the format. Each case is a call of one framework with the values that it gave, or a setting that
//! it refuses and the rule that this breaks. Our own answer must be the same: values within the
//! tolerance for their precision, copies and indices exactly, refusals by the same rule.
//!
//! * [`run`] does it all and returns a [`Report`];
//! * [`Options`] narrows the fast paths to one instruction set or algorithm.
//!
//! Every case record is counted once, however many paths it ran through: one bad path fails it. What
//! is not understood (an operation, a dialect, an attribute, a tensor that no check reads) fails the
//! case too, with a message that names it; nothing is skipped in silence.
//!
//! The files are data from outside: sizes are limited before anything is read, nothing panics on
//! them, and a file that cannot be read as a whole ends the run with one error.
#![forbid(unsafe_code)]

mod attrs;
mod compare;
mod error;
mod fault;
mod layout;
mod ops;
mod paths;
mod record;
mod report;
mod tensors;

use std::path::Path;

pub use error::ConformanceError;
pub use record::CASES_FILE;
pub use report::{CaseResult, Report};
use upconv_kernels::{Algorithm, Isa};

/// Which fast paths run beside the reference; the default is all that this CPU has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only this instruction set.
    pub isa: Option<Isa>,
    /// Only this algorithm.
    pub algorithm: Option<Algorithm>,
}

/// Runs all cases of `dir`, and tells `progress` about each one as it is done.
///
/// # Errors
/// Anything that keeps the folder as a whole from being read: no folder, no `cases.json`, a file that
/// is broken, too large or outside of the folder, a record without the fields that every record
/// needs, no case at all; and an instruction set that this CPU lacks. A case that fails is no error:
/// it is counted in the report.
///
/// ```no_run
/// use std::path::Path;
/// use upconv_conformance::{Options, run};
/// let report = run(Path::new("golden"), &Options::default(), |_case| ())?;
/// println!("{} passed, {} failed", report.passed, report.failed);
/// # Ok::<(), upconv_conformance::ConformanceError>(())
/// ```
pub fn run(
    dir: &Path,
    options: &Options,
    mut progress: impl FnMut(&CaseResult),
) -> Result<Report, ConformanceError> {
    let paths = paths::FastPaths::new(options)?;
    let records = record::read(dir)?;
    let mut files = tensors::Files::new(dir);
    let mut report = Report::default();
    for record in &records {
        let file = match &record.file {
            Some(file) => Some(files.open(file, &record.id)?),
            None => None,
        };
        let result = ops::run(&ops::Case { record, file, paths: &paths });
        progress(&result);
        report.add(result);
    }
    Ok(report)
}
