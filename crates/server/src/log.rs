//! The log: a line for every request, on standard error.

use std::io;

/// Writes it from now on, as text or as lines of JSON. A log that is written elsewhere already is left alone.
pub fn log_to_stderr(json: bool) {
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_target(false);
    let _ = match json {
        true => log.json().flatten_event(true).try_init(),
        false => log.with_ansi(false).try_init(),
    };
}
