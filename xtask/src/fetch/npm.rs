//! A package of npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{DataSet, only_file, quietly, select};

/// Every archive of npm holds one folder of this name.
const TOP: &str = "package";

/// What is kept of a package.
pub(super) struct Npm {
    /// Paths in the package; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Npm {
    /// Downloads the package into `folder`, checks its digest, and moves what is kept to `kept`.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let wanted = format!("{}@{}", set.package, set.version);
        let into = folder.join("download");
        fs::create_dir(&into)?;
        let mut npm = Command::new("npm");
        npm.args([
            "pack",
            "--silent",
            "--ignore-scripts",
            "--fetch-retries=1",
            "--pack-destination",
        ])
        .arg(&into)
        .arg(&wanted);
        quietly(&mut npm)
            .with_context(|| format!("cannot fetch {wanted} (is there a network?)"))?;
        let archive = only_file(&into, &wanted, set.sha256)?;

        let unpacked = folder.join("npm");
        fs::create_dir(&unpacked)?;
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(archive).arg("-C").arg(&unpacked);
        tar.args(self.keep.iter().map(|path| format!("{TOP}/{path}")));
        quietly(&mut tar).context("cannot unpack the package")?;
        select(self.keep, &unpacked.join(TOP), kept)
    }
}
