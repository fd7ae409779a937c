//! Sizes, padding and dialects as they are written on the command line.

use upconv_explain::words::{self, WordError};
use upconv_explain::{Lang, Words};
use upconv_geometry::{Dialect, Setting};

use crate::failure::Failure;

/// As [`words::sizes`].
pub(crate) fn sizes(argument: &'static str, text: &str, lang: Lang) -> Result<Vec<i64>, Failure> {
    words::sizes(argument, text).map_err(|error| wrong(&error, lang))
}

/// As [`words::count`].
pub(crate) fn count(argument: &'static str, text: &str, lang: Lang) -> Result<i64, Failure> {
    words::count(argument, text).map_err(|error| wrong(&error, lang))
}

/// As [`words::dialect`].
pub(crate) fn dialect(name: &str, lang: Lang) -> Result<Dialect, Failure> {
    words::dialect(name).map_err(|error| wrong(&error, lang))
}

/// As [`Words::setting`].
pub(crate) fn setting(words: &Words, lang: Lang) -> Result<Setting, Failure> {
    words.setting().map_err(|error| wrong(&error, lang))
}

fn wrong(error: &WordError, lang: Lang) -> Failure {
    let argument = format!("--{}", error.field.replace('_', "-"));
    Failure::usage(Some(error.field), error.message(&argument, lang))
}
