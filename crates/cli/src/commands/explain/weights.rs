//! `upconv explain --weights`: whether the weights of a layer leave a chessboard.

use std::path::Path;
use std::process::ExitCode;

use super::args::Explain;
use crate::args::Context;
use crate::failure::Failure;

pub(super) fn run(
    _file: &Path,
    _layer: &str,
    _args: &Explain,
    _context: Context,
) -> Result<ExitCode, Failure> {
    Ok(ExitCode::FAILURE)
}
