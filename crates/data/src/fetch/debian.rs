//! A package of Debian.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::client::quietly;
use super::{DataSet, only_file, select};
use crate::error::{DataError, Result};

/// What is kept of a package.
#[derive(Debug)]
pub(super) struct Debian {
    /// Paths in the package; they are kept without their folders.
    pub(super) keep: &'static [&'static str],
}

impl Debian {
    /// Downloads the package into `folder`, checks its digest, and moves what is kept to `kept`. Nothing is installed.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let wanted = set.wanted();
        let into = folder.join("download");
        fs::create_dir(&into).map_err(|error| DataError::write(&into, error))?;
        let mut apt = Command::new("apt-get");
        apt.args(["download", "--quiet", &wanted]).current_dir(&into);
        quietly(&mut apt, &wanted, &into)?;
        let archive = only_file(&into, &wanted, set.sha256)?;

        let unpacked = folder.join("debian");
        let mut dpkg = Command::new("dpkg-deb");
        dpkg.arg("-x").arg(archive).arg(&unpacked);
        quietly(&mut dpkg, &wanted, folder)?;
        select(self.keep, &wanted, &unpacked, kept)
    }
}
