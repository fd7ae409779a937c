//! Checkpoints: folders that are there as a whole or not at all, and are used only if every byte is the one that was
//! written.
//!
//! `step-N/` has `weights.safetensors`, which every command reads; `averaged.safetensors`, the same averaged over the
//! last steps, if a part keeps an average; `state.safetensors`, what else training needs; and `checkpoint.toml`, which names
//! the others with sizes and checksums, and begins with its own. It is written to a folder of another name, synced, and renamed.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Table;
use upconv_data::atomic;
use upconv_weights::{Tensor, Weights, WeightsError};

use crate::error::{Result, TrainError};
use crate::state::State;
use crate::trainer::Standing;

/// The weights as they are trained.
pub const WEIGHTS: &str = "weights.safetensors";
/// The weights averaged over the last steps.
pub const AVERAGED: &str = "averaged.safetensors";
const STATE: &str = "state.safetensors";
const MANIFEST: &str = "checkpoint.toml";

const SCHEMA: u64 = 1;
/// What the manifest begins with, before the checksum.
const SEAL: &str = "# SHA-256 of the lines below: ";
const PREFIX: &str = "step-";
/// Of folders that are being written or removed.
const HIDDEN: &str = ".";
/// Most bytes of a manifest.
const MAX_MANIFEST: u64 = 1 << 24;

/// What a checkpoint says about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    schema: u64,
    /// The model's name.
    pub model: String,
    /// Steps that are done.
    pub step: u64,
    /// Of the weights as they are trained.
    pub weights_hash: String,
    /// How the training stands.
    pub standing: Standing,
    /// The settings it was trained with.
    pub settings: Table,
    files: Vec<Entry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    bytes: u64,
    sha256: String,
}

/// What goes into a checkpoint.
#[derive(Debug)]
pub struct Content<'a> {
    /// The model's name.
    pub model: &'a str,
    /// Steps that are done.
    pub step: u64,
    /// How the training stands.
    pub standing: &'a Standing,
    /// The settings.
    pub settings: &'a Table,
    /// The weights, with their metadata.
    pub weights: Weights,
    /// Their average, with the same metadata.
    pub averaged: Option<Weights>,
    /// What else is needed.
    pub state: Vec<Tensor>,
}

/// What comes out of a checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    /// What it says about itself.
    pub manifest: Manifest,
    /// The weights.
    pub weights: Weights,
    /// Their average.
    pub averaged: Option<Weights>,
    /// What else is needed.
    pub state: State,
}

/// The folder of a step's checkpoint.
pub fn path(folder: &Path, step: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{step:09}"))
}

/// The file of a checkpoint that is for use: the average of the weights where there is one, else the weights.
pub fn weights_for_use(checkpoint: &Path) -> PathBuf {
    let averaged = checkpoint.join(AVERAGED);
    if averaged.exists() { averaged } else { checkpoint.join(WEIGHTS) }
}

/// Steps and folders of all checkpoints, sound or not, the newest first.
///
/// # Errors
/// A folder that cannot be read; one that is not there has none.
pub fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(TrainError::read(folder, error)),
        Ok(entries) => entries,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| TrainError::read(folder, error))?;
        let name = entry.file_name();
        let step = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        found.extend(step.map(|step| (step, entry.path())));
    }
    found.sort_by(|a, b| b.cmp(a));
    Ok(found)
}

/// The newest of all checkpoints, as [`list`] gives them, that says something about itself; none if there is none at all.
///
/// # Errors
/// [`TrainError::NoCheckpoint`], with what is wrong with the newest, if no manifest can be read.
pub fn newest(folder: &Path, all: &[(u64, PathBuf)]) -> Result<Option<(PathBuf, Manifest)>> {
    let mut first = None;
    for (_, path) in all {
        match manifest(path) {
            Ok(manifest) => return Ok(Some((path.clone(), manifest))),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    let failed = |newest| TrainError::NoCheckpoint {
        path: folder.into(),
        count: all.len(),
        newest: Box::new(newest),
    };
    first.map_or(Ok(None), |newest| Err(failed(newest)))
}

/// Writes a checkpoint, and gives its folder and the hash of its weights. One of the same step is replaced.
///
/// # Errors
/// What the system says; then nothing of it is left behind, and other checkpoints are as they were.
pub fn write(folder: &Path, content: Content<'_>) -> Result<(PathBuf, String)> {
    let to = path(folder, content.step);
    let hidden = folder.join(format!("{HIDDEN}{PREFIX}{}", content.step));
    remove(&hidden)?;
    let written = fs::create_dir(&hidden)
        .map_err(|error| TrainError::write(&hidden, error))
        .and_then(|()| fill(&hidden, content))
        .and_then(|hash| put(folder, &hidden, &to).map(|()| hash));
    match written {
        Ok(hash) => Ok((to, hash)),
        Err(error) => {
            // Nothing more can be done if that fails too; the next run sweeps.
            let _ = fs::remove_dir_all(&hidden);
            Err(error)
        }
    }
}

fn fill(hidden: &Path, content: Content<'_>) -> Result<String> {
    let Content { model, step, standing, settings, weights, averaged, state } = content;
    let weights_hash = weights.weights_hash();
    let mut files = vec![store(hidden, WEIGHTS, &weights)?];
    drop(weights);
    if let Some(averaged) = averaged {
        files.push(store(hidden, AVERAGED, &averaged)?);
    }
    files.push(store(hidden, STATE, &Weights::new(None, state)?)?);
    let manifest = Manifest {
        schema: SCHEMA,
        model: model.into(),
        step,
        weights_hash: weights_hash.clone(),
        standing: standing.clone(),
        settings: settings.clone(),
        files,
    };
    let path = hidden.join(MANIFEST);
    // TOML, whose numbers come back as the same bits.
    let text = toml::to_string(&manifest)
        .map_err(|error| TrainError::setting(path.display().to_string(), error.to_string()))?;
    let text = format!("{SEAL}{}\n{text}", hex(&Sha256::digest(&text)));
    atomic::write(&path, text.as_bytes()).map_err(|error| TrainError::write(&path, error))?;
    Ok(weights_hash)
}

/// Writes a file, synced, and gives its size and checksum.
fn store(hidden: &Path, name: &str, weights: &Weights) -> Result<Entry> {
    let path = hidden.join(name);
    let wrong = |error: io::Error| TrainError::write(&path, error);
    let file = File::create(&path).map_err(wrong)?;
    let mut out = Digesting { to: BufWriter::new(file), digest: Sha256::new(), bytes: 0 };
    weights.write_to(&mut out).map_err(|error| match error {
        WeightsError::Write { source, .. } => wrong(source),
        other => other.into(),
    })?;
    let file = out.to.into_inner().map_err(|error| wrong(error.into_error()))?;
    file.sync_all().map_err(wrong)?;
    Ok(Entry { name: name.into(), bytes: out.bytes, sha256: hex(&out.digest.finalize()) })
}

/// Gives a whole folder its name; what had it goes.
fn put(folder: &Path, hidden: &Path, to: &Path) -> Result<()> {
    let wrong = |error: io::Error| TrainError::write(to, error);
    atomic::sync_folder(hidden).map_err(wrong)?;
    let old = hidden.with_extension("old");
    remove(&old)?;
    if to.exists() {
        fs::rename(to, &old).map_err(wrong)?;
    }
    fs::rename(hidden, to).map_err(wrong)?;
    atomic::sync_folder(folder).map_err(wrong)?;
    remove(&old)
}

/// Removes a checkpoint, so that it is never there in part.
///
/// # Errors
/// What the system says.
pub fn discard(folder: &Path, step: u64) -> Result<()> {
    let hidden = folder.join(format!("{HIDDEN}{PREFIX}{step}.old"));
    let path = path(folder, step);
    remove(&hidden)?;
    fs::rename(&path, &hidden).map_err(|error| TrainError::write(&path, error))?;
    remove(&hidden)
}

/// Removes what a process that was killed left behind.
pub(crate) fn sweep(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(&format!("{HIDDEN}{PREFIX}")))
        {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(TrainError::write(path, error)),
        _ => Ok(()),
    }
}

/// What a checkpoint says about itself, without a look at its other files.
///
/// # Errors
/// [`TrainError::Damaged`], or that it cannot be read.
pub fn manifest(checkpoint: &Path) -> Result<Manifest> {
    let path = checkpoint.join(MANIFEST);
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(MAX_MANIFEST).read_to_string(&mut text))
        .map_err(|error| TrainError::read(&path, error))?;
    let wrong = |reason: String| TrainError::damaged(&path, reason);
    let sealed = text.strip_prefix(SEAL).and_then(|text| text.split_once('\n'));
    let (sha256, text) = sealed.ok_or_else(|| wrong("does not begin with its SHA-256".into()))?;
    let found = hex(&Sha256::digest(text));
    if found != sha256 {
        return Err(wrong(format!("its lines have SHA-256 {found}, but {sha256} is stated")));
    }
    #[derive(Deserialize)]
    struct Head {
        schema: u64,
    }
    // A newer schema may differ in everything else.
    let head: Head = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if head.schema != SCHEMA {
        return Err(wrong(format!(
            "schema {}, but this program reads schema {SCHEMA}",
            head.schema
        )));
    }
    toml::from_str(text).map_err(|error| wrong(error.to_string()))
}

/// Reads a checkpoint, and checks every byte.
///
/// # Errors
/// [`TrainError::Damaged`], with the file and how it differs; or that it cannot be read.
pub fn read(checkpoint: &Path) -> Result<Checkpoint> {
    let manifest = manifest(checkpoint)?;
    let named = |name: &str| manifest.files.iter().find(|entry| entry.name == name);
    let load = |name: &str| -> Result<Option<Weights>> {
        let Some(entry) = named(name) else { return Ok(None) };
        let path = checkpoint.join(name);
        check(&path, entry)?;
        Ok(Some(Weights::read(&path)?))
    };
    let needed = |name: &str| -> Result<Weights> {
        let missing =
            || TrainError::damaged(&checkpoint.join(MANIFEST), format!("does not name {name}"));
        load(name)?.ok_or_else(missing)
    };
    let (weights, averaged) = (needed(WEIGHTS)?, load(AVERAGED)?);
    let place = checkpoint.join(STATE).display().to_string();
    let state = State::of(place, needed(STATE)?.into_tensors());
    Ok(Checkpoint { manifest, weights, averaged, state })
}

fn check(path: &Path, entry: &Entry) -> Result<()> {
    let unreadable = |error: io::Error| TrainError::read(path, error);
    let file = File::open(path).map_err(unreadable)?;
    let bytes = file.metadata().map_err(unreadable)?.len();
    if bytes != entry.bytes {
        let reason = format!("has {bytes} bytes, but {} were written", entry.bytes);
        return Err(TrainError::damaged(path, reason));
    }
    let mut digesting = Digesting { to: io::sink(), digest: Sha256::new(), bytes: 0 };
    io::copy(&mut BufReader::with_capacity(1 << 16, file), &mut digesting).map_err(unreadable)?;
    let sha256 = hex(&digesting.digest.finalize());
    if sha256 != entry.sha256 {
        let reason = format!("has SHA-256 {sha256}, but {} was written", entry.sha256);
        return Err(TrainError::damaged(path, reason));
    }
    Ok(())
}

/// A writer that knows how much went through it, and its SHA-256.
struct Digesting<W> {
    to: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
