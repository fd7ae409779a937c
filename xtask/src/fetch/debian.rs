//! A package of Debian.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{DataSet, only_file, quietly, select};

/// What is kept of a package.
pub(super) struct Debian {
    /// Paths in the package; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Debian {
    /// Downloads the package into `folder`, checks its digest, and moves what is kept to `kept`. Nothing is installed.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let wanted = format!("{}={}", set.package, set.version);
        let into = folder.join("download");
        fs::create_dir(&into)?;
        let mut apt = Command::new("apt-get");
        apt.args(["download", "--quiet", &wanted]).current_dir(&into);
        quietly(&mut apt).with_context(|| {
            format!(
                "cannot fetch {wanted} (is this Debian or one of its kin, and is there a network?)"
            )
        })?;
        let archive = only_file(&into, &wanted, set.sha256)?;

        let unpacked = folder.join("debian");
        quietly(Command::new("dpkg-deb").arg("-x").arg(archive).arg(&unpacked))
            .context("cannot unpack the package")?;
        select(self.keep, &unpacked, kept)
    }
}
