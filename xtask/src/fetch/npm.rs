//! A package of npm.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{DataSet, only_file, quietly};

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
        self.select(&unpacked, kept)
    }

    fn select(&self, unpacked: &Path, kept: &Path) -> Result<()> {
        fs::create_dir_all(kept)?;
        for path in self.keep {
            let from = unpacked.join(TOP).join(path);
            let Some(name) = from.file_name() else { bail!("{path} names no file") };
            fs::rename(&from, kept.join(name))
                .with_context(|| format!("the package has no {path}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Npm;

    #[test]
    fn keeps_files_without_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (unpacked, kept) = (folder.path().join("npm"), folder.path().join("kept"));
        std::fs::create_dir_all(unpacked.join("package/models")).unwrap();
        std::fs::write(unpacked.join("package/models/a.bin"), "x").unwrap();
        let npm = Npm { keep: &["models/a.bin", "LICENSE"] };
        let error = npm.select(&unpacked, &kept).unwrap_err().to_string();
        assert_eq!(error, "the package has no LICENSE");
        assert!(kept.join("a.bin").exists());
    }
}
