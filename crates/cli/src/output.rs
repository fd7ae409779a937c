//! The only place that prints: results to standard output or a file, notes to standard error.
//!
//! A reader that has gone away (`upconv ... | head -1`) is no failure: what it did not want is dropped.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use serde::Serialize;
use upconv_explain::Layout;

/// Columns where nothing is known of the reader's screen.
const USUAL_COLUMNS: usize = 80;

/// Fewest columns that text is wrapped to.
const FEWEST_COLUMNS: usize = 20;

/// Prints a result.
pub(crate) fn print(text: &str) -> io::Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints a result that may be no text.
pub(crate) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
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

/// Writes a file so that it is there as a whole or not at all. What is no regular file (a pipe,
/// `/dev/null`) is written to as it is.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    upconv_data::atomic::write(path, bytes)
}

/// A number with four digits; whole ones as they are, if they are short.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value == value.trunc() && size < 1e5 => value.to_string(),
        0.001..1.0 => format!("{value:.4}"),
        1.0..10.0 => format!("{value:.3}"),
        10.0..100.0 => format!("{value:.2}"),
        100.0..1e5 => format!("{value:.1}"),
        _ => format!("{value:.2e}"),
    }
}
