//! From files and folders to a list of inputs, each with an output of its own.
//!
//! - A file that is named is taken, whatever it is called.
//! - In a folder and all below it a file is taken if its name promises a picture (`.jpg`, `.png`, and
//!   so on, also formats that are not read, so that they are reported) or its first bytes are those of
//!   one. Other files, and names that begin with a dot, are passed over.
//! - The order is that of the arguments; within a folder by the bytes of the names, part by part.
//! - Links to files count as files. Each folder is entered once: a link to a folder that was entered
//!   already, such as one above it, is passed over.
//! - The same file is taken once. What is an output of another input is passed over, so that a second
//!   run in the same folder does not take the masks of the first for photos.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::decode;
use crate::encode::Kind;
use crate::error::{DataError, Result};
use crate::format::{Format, HEAD};
use crate::{Picture, names};

/// Where the bytes of a picture come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Bytes in memory.
    Bytes(Vec<u8>),
}

/// One picture to be read.
#[derive(Debug)]
pub struct Input {
    /// What to call it to people: the path as it was given or found.
    pub label: String,
    /// Where it comes from.
    pub source: Source,
    /// Where its outputs go: a path below the output folder, without the endings.
    pub output: PathBuf,
    /// Why it cannot be read, if that is known already.
    pub problem: Option<DataError>,
}

impl Input {
    /// The picture, upright.
    ///
    /// # Errors
    /// A file that cannot be read, is too large, or is no picture.
    ///
    /// ```
    /// use upconv_data::walk::Inputs;
    /// let inputs = Inputs::from_bytes("-", "stdin", upconv_data::sample::bmp());
    /// assert_eq!(inputs.inputs[0].picture()?.width, 2);
    /// # Ok::<(), upconv_data::DataError>(())
    /// ```
    pub fn picture(&self) -> Result<Picture> {
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        match &self.source {
            Source::Bytes(bytes) => decode::decode(bytes),
            Source::File(path) => decode::decode(&decode::read_file(path)?),
        }
    }
}

/// The pictures of a run.
#[derive(Debug, Default)]
pub struct Inputs {
    /// In order.
    pub inputs: Vec<Input>,
    /// Files in folders that are no pictures.
    pub passed_over: usize,
    /// Files that are outputs of other inputs.
    pub outputs: Vec<PathBuf>,
}

impl Inputs {
    /// One picture from memory.
    ///
    /// ```
    /// use upconv_data::walk::Inputs;
    /// let inputs = Inputs::from_bytes("-", "stdin", upconv_data::sample::bmp());
    /// assert_eq!(inputs.inputs[0].label, "-");
    /// assert_eq!(inputs.inputs[0].output.to_str(), Some("stdin"));
    /// ```
    pub fn from_bytes(label: &str, name: &str, bytes: Vec<u8>) -> Self {
        let (label, source) = (label.to_owned(), Source::Bytes(bytes));
        let input = Input { label, source, output: name.into(), problem: None };
        Self { inputs: vec![input], ..Default::default() }
    }

    /// The pictures that `paths` name, and those below the folders among them; `output_folder` is where
    /// the outputs will go, whether it exists or not.
    ///
    /// What cannot be looked at, and a folder without pictures, become inputs with a problem.
    ///
    /// ```
    /// use upconv_data::walk::Inputs;
    /// let folder = tempfile::tempdir()?;
    /// for name in ["b.png", "a.jpg", "a.png", "notes.txt"] {
    ///     std::fs::write(folder.path().join(name), "")?;
    /// }
    /// let found = Inputs::find(&[folder.path().into()], folder.path());
    /// let outputs: Vec<_> = found.inputs.iter().map(|input| input.output.to_str()).collect();
    /// assert_eq!(outputs, [Some("a"), Some("a-2"), Some("b")]);
    /// assert_eq!(found.passed_over, 1);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn find(paths: &[PathBuf], output_folder: &Path) -> Self {
        let mut found = Found::default();
        for path in paths {
            found.argument(path);
        }
        found.finish(output_folder)
    }
}

/// One file as it was found.
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// Its path below the folder of the argument.
    pub(crate) relative: PathBuf,
    pub(crate) problem: Option<DataError>,
}

/// The pictures in a folder and all below it, in order.
pub(crate) fn below(folder: &Path, passed_over: &mut usize) -> Vec<Candidate> {
    let mut walk = Walk { found: Vec::new(), links: BTreeSet::new(), entered: HashSet::new() };
    walk.folder(folder, Path::new(""), passed_over);
    // Links come last, so that a folder is found under its own name first.
    while let Some((link, relative)) = walk.links.pop_first() {
        walk.folder(&link, &relative, passed_over);
    }
    walk.found.sort_by(|a, b| a.relative.cmp(&b.relative));
    walk.found
}

#[derive(Default)]
struct Found {
    candidates: Vec<Candidate>,
    passed_over: usize,
}

impl Found {
    fn argument(&mut self, path: &Path) {
        if !path.is_dir() {
            // A path without a last name, such as `..`, is a folder or does not exist.
            let relative = path.file_name().map_or_else(|| "picture".into(), PathBuf::from);
            self.candidates.push(Candidate { path: path.to_owned(), relative, problem: None });
            return;
        }
        let mut found = below(path, &mut self.passed_over);
        if found.is_empty() {
            let problem = Some(DataError::NoPictures);
            found.push(Candidate { path: path.to_owned(), relative: "".into(), problem });
        }
        self.candidates.extend(found);
    }

    fn finish(self, output_folder: &Path) -> Inputs {
        let mut folders = Folders::default();
        let mut seen = HashSet::new();
        let mut candidates = self.candidates;
        candidates.retain(|candidate| seen.insert(folders.real(&candidate.path)));
        let wanted: Vec<PathBuf> =
            candidates.iter().map(|candidate| candidate.relative.with_extension("")).collect();
        let given = names::distinct(&wanted);
        let targets: HashSet<PathBuf> = given
            .iter()
            .flat_map(|name| {
                Kind::ALL.map(|kind| names::with_ending(&output_folder.join(name), kind.ending()))
            })
            .map(|target| folders.real(&target))
            .collect();
        let mut inputs = Inputs { passed_over: self.passed_over, ..Default::default() };
        for (candidate, output) in candidates.into_iter().zip(given) {
            if targets.contains(&folders.real(&candidate.path)) {
                inputs.outputs.push(candidate.path);
                continue;
            }
            let label = candidate.path.display().to_string();
            let (source, problem) = (Source::File(candidate.path), candidate.problem);
            inputs.inputs.push(Input { label, source, output, problem });
        }
        inputs
    }
}

/// The walk below one argument.
struct Walk {
    found: Vec<Candidate>,
    /// Links to folders, not entered yet, with their paths below the argument.
    links: BTreeSet<(PathBuf, PathBuf)>,
    /// The real paths of folders that were entered.
    entered: HashSet<PathBuf>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, relative: &Path, passed_over: &mut usize) {
        // A stack instead of recursion: a deep tree must not exhaust that of the thread.
        let mut waiting = vec![(folder.to_owned(), relative.to_owned())];
        while let Some((folder, relative)) = waiting.pop() {
            let entries = fs::canonicalize(&folder).and_then(|real| {
                if !self.entered.insert(real) {
                    return Ok(Vec::new());
                }
                fs::read_dir(&folder)?.collect()
            });
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.problem(folder, relative, DataError::read(error));
                    continue;
                }
            };
            for entry in entries {
                let name = entry.file_name();
                if name.as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                let (path, relative) = (entry.path(), relative.join(&name));
                let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                match fs::metadata(&path) {
                    Ok(there) if there.is_dir() && is_link => {
                        self.links.insert((path, relative));
                    }
                    Ok(there) if there.is_dir() => waiting.push((path, relative)),
                    Ok(there) if there.is_file() => match is_picture(&path) {
                        Ok(true) => self.found.push(Candidate { path, relative, problem: None }),
                        Ok(false) => *passed_over += 1,
                        Err(error) => self.problem(path, relative, error),
                    },
                    // Pipes, sockets and devices.
                    Ok(_) => *passed_over += 1,
                    Err(error) if Format::promised_by(&path) => {
                        self.problem(path, relative, DataError::read(error));
                    }
                    Err(_) => *passed_over += 1,
                }
            }
        }
    }

    fn problem(&mut self, path: PathBuf, relative: PathBuf, problem: DataError) {
        self.found.push(Candidate { path, relative, problem: Some(problem) });
    }
}

fn is_picture(path: &Path) -> Result<bool> {
    if Format::promised_by(path) {
        return Ok(true);
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    // A file without a promise that cannot be read is no loss.
    Ok(read.is_ok() && Format::of(&head).is_ok())
}

/// The real paths of folders, looked up once each.
#[derive(Default)]
struct Folders {
    real: HashMap<PathBuf, PathBuf>,
}

impl Folders {
    /// The path with its folder, but not itself, freed from links and dots, so that two paths to one
    /// name are equal.
    fn real(&mut self, path: &Path) -> PathBuf {
        let Some(name) = path.file_name() else {
            return fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if let Some(real) = self.real.get(folder) {
            return real.join(name);
        }
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let path = real.join(name);
        self.real.insert(folder.to_owned(), real);
        path
    }
}
