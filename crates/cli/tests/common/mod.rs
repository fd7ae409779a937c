//! Running the program, with an environment that does not depend on the machine.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.
#![allow(dead_code)] // Every test file uses its share of it.

use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// The program with words separated by blanks, in English unless `--lang` says otherwise.
pub(crate) fn upconv(words: &str) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("upconv");
    command.args(words.split_whitespace()).env("LC_ALL", "C");
    for name in ["COLUMNS", "UPCONV_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "UPCONV_ISA"]
    {
        command.env_remove(name);
    }
    command
}

/// Runs it, and checks the exit status.
#[track_caller]
pub(crate) fn run(words: &str, status: i32) -> Output {
    let output = upconv(words).output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{words}: {output:?}");
    output
}

/// Standard output of a run that must succeed without a word on standard error.
#[track_caller]
pub(crate) fn stdout(words: &str) -> String {
    let output = run(words, 0);
    assert!(output.stderr.is_empty(), "{words}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The only line of standard output, as JSON.
#[track_caller]
pub(crate) fn json(words: &str, status: i32) -> Value {
    let output = run(words, status);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stderr.is_empty(), "{words}");
    serde_json::from_str(&text).unwrap()
}

/// The only line of standard error of a run that must fail with nothing on standard output.
#[track_caller]
pub(crate) fn error_line(words: &str, status: i32) -> String {
    let output = run(words, status);
    assert!(output.stdout.is_empty(), "{words}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}
