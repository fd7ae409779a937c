//! The project's own chores, run as `cargo xtask COMMAND`.
//!
//! One module per command. Everything works from a fresh clone with nothing but cargo, except
//! `golden` (regenerating) and `fetch`, which need Python 3.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "what a command found is its product")]

mod bench_pages;
mod browser;
mod check;
mod deps;
mod docs;
mod fetch;
mod font;
mod golden;
mod links;
mod results;
mod steps;
mod test;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  test [--browser] [--with-data] [--with-gpu]
                         format, lints, tests, docs, dependency rules, golden cases;
                         --browser also the pages of `upconv serve` in Chromium (Node.js) and its API
                         against its description (Python): what CI runs;
                         --with-data also runs the tests that read fetched data,
                         --with-gpu those on a GPU or Mesa's software Vulkan
  check                  the quick part of it, before a change is sent; also the links in the docs
  deps                   which crate may use which, licences, banned crates, duplicates, sources
  golden [--out DIR [--seed N] [--only PARTS]]
                         compute the golden values anew (Python, see golden/README.md)
  golden --verify [DIR]  compare the golden files with their SHA256SUMS
  fetch [NAME | all]     fetch test data into data/ by exact version and checksum;
                         without a name, list what there is
  font                   cut the font of pictures anew (Debian, Python; see crates/explain/fonts)
  bench-pages [RUN.json...]
                         write the tables of docs/performance.md from docs/performance, to which
                         files of time_peers.py --json and upconv bench --json are added
  bench-pages --check    compare the page with the files
  docs [--check]         write what docs/transposed-convolution.md, in both languages, has from the program:
                         words, numbers, pictures; --check compares
  results roads [DIR]    train the networks of docs/results/roads.md, measure them, and write the page, the
                         weights of `segment --model road` and its picture; DIR keeps what is done
  results classify [DIR] train the classifiers of docs/results/classify.md on made pictures and on Fashion-MNIST, which
                         is fetched, measure them, and write the page; DIR keeps what is done
  results [--check]      write the tables of docs/results from the files beside them; --check compares
  help                   this text
";

/// The command line was not understood: the usage text follows and the exit code is 2.
#[derive(Debug)]
struct WrongUse(String);

impl fmt::Display for WrongUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUse {}

/// The error of a command that got an argument it does not know.
fn unexpected(command: &str, argument: &str) -> anyhow::Error {
    WrongUse(format!("`{command}` does not take `{argument}`")).into()
}

/// The root of the workspace: the folder above this package.
fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

fn dispatch(arguments: &[&str]) -> anyhow::Result<()> {
    match arguments {
        ["test", rest @ ..] => test::run(root(), rest),
        ["check", rest @ ..] => check::run(root(), rest),
        ["deps", rest @ ..] => deps::run(root(), rest),
        ["golden", rest @ ..] => golden::run(root(), rest),
        ["fetch", rest @ ..] => fetch::run(root(), rest),
        ["font", rest @ ..] => font::run(root(), rest),
        ["bench-pages", rest @ ..] => bench_pages::run(root(), rest),
        ["docs", rest @ ..] => docs::run(root(), rest),
        ["results", rest @ ..] => results::run(root(), rest),
        ["help" | "--help" | "-h", ..] => {
            print!("{USAGE}");
            Ok(())
        }
        [] => Err(WrongUse("a command is missing".to_owned()).into()),
        [other, ..] => Err(WrongUse(format!("there is no command `{other}`")).into()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<WrongUse>() => {
            eprint!("error: {error}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{WrongUse, dispatch};

    #[test]
    fn wrong_use_is_told_from_failure() {
        for arguments in [
            &[][..],
            &["tset"],
            &["test", "--with-dat"],
            &["check", "now"],
            &["deps", "--fix"],
            &["golden", "--seed", "7"],
            &["golden", "--out"],
            &["golden", "--out", "x", "--seed", "seven"],
            &["fetch", "onnx", "again"],
            &["results", "roads", "--again"],
        ] {
            let error = dispatch(arguments).unwrap_err();
            assert!(error.is::<WrongUse>(), "{arguments:?}: {error:#}");
        }
    }
}
