//! `failed.jsonl`: what failed in the last run into a folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use upconv_data::DataError;
use upconv_explain::Lang;

use crate::failure::Failure;
use crate::output;

/// A picture that failed, as a line of JSON.
#[derive(Serialize)]
pub(super) struct FailedLine<'a> {
    image: &'a str,
    error: String,
}

impl<'a> FailedLine<'a> {
    pub(super) fn new(image: &'a str, error: &DataError) -> Self {
        Self { image, error: error.to_string() }
    }
}

/// The list, which is there only if something failed. Lines are written as they come, each at once, so
/// that a run that is killed leaves those it had.
pub(super) struct FailedList {
    path: PathBuf,
    file: Option<File>,
    problem: Option<io::Error>,
}

impl FailedList {
    /// An empty list; that of an earlier run is removed.
    pub(super) fn new(folder: &Path) -> Self {
        let path = folder.join("failed.jsonl");
        let problem = match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Some(error),
            _ => None,
        };
        Self { path, file: None, problem }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn add(&mut self, image: &str, error: &DataError) {
        if self.problem.is_some() {
            return;
        }
        let line = output::json_line(&FailedLine::new(image, error));
        let written = match self.file.take() {
            Some(file) => Ok(file),
            None => File::create_new(&self.path),
        }
        .and_then(|mut file| file.write_all(line.as_bytes()).map(|()| file));
        match written {
            Ok(file) => self.file = Some(file),
            Err(error) => self.problem = Some(error),
        }
    }

    /// That the list could be written.
    pub(super) fn check(self, lang: Lang) -> Result<(), Failure> {
        let synced = self.file.map_or(Ok(()), |file| file.sync_all());
        match self.problem.map_or(synced, Err) {
            Ok(()) => Ok(()),
            Err(error) => Err(Failure::write(&self.path, &error, lang)),
        }
    }
}
