//! The log: a line for every request, on standard error.

use std::io;

/// Writes it from now on, as text or as lines of JSON. A log that is written elsewhere already is left alone.
pub fn log_to_stderr(json: bool) {
    // A line that cannot be written, say on a full disk, is lost. Its complaint could not be written either, and would be a
    // panic.
    let log = tracing_subscriber::fmt().log_internal_errors(false);
    let log = log.with_writer(io::stderr).with_target(false);
    let _ = match json {
        true => log.json().flatten_event(true).try_init(),
        false => log.with_ansi(false).try_init(),
    };
}
