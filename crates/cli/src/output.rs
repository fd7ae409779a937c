//! The only place that prints: results to standard output or a file, notes to standard error.
//!
//! A reader that has gone away (`upconv ... | head -1`) is no failure: what it did not want is dropped.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use upconv_explain::Layout;

/// Columns where nothing is known of the reader's screen.
const USUAL_COLUMNS: usize = 80;

/// Fewest columns that text is wrapped to.
const FEWEST_COLUMNS: usize = 20;

/// Prints a result.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// A value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    // Our own plain structs: serializing them to memory cannot fail.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

/// Prints a value as one line of JSON; used where nobody is left to tell about a failure.
pub(crate) fn print_json(value: &impl Serialize) {
    let _ = print(&json_line(value));
}

/// Prints a line on standard error.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// How to lay out text for standard output.
pub(crate) fn layout() -> Layout {
    let is_terminal = io::stdout().is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var("TERM").is_ok_and(|term| term == "dumb");
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let measured = || match is_terminal {
        true => terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        false => None,
    };
    let width = stated.or_else(measured).unwrap_or(USUAL_COLUMNS).max(FEWEST_COLUMNS);
    Layout { width, bold: is_terminal && !plain }
}

/// Writes a file so that it is there as a whole or not at all: to a temporary name in the same folder,
/// synced, renamed, folder synced. What is no regular file (a pipe, `/dev/null`) is written to as it is.
pub(crate) fn write_file(path: &Path, text: &str) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => {
            return File::options().write(true).open(path)?.write_all(text.as_bytes());
        }
        _ => {}
    }
    // Behind a link it is the file itself that is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    if !folder.is_dir() {
        let missing = format!("there is no folder {}", folder.display());
        return Err(io::Error::new(ErrorKind::NotFound, missing));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".upconv-").suffix(".tmp");
    // The mode of an ordinary new file, less the process's mask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(&folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(&folder)?.sync_all()?;
    Ok(())
}
