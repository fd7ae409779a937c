//! Which files make up a checkpoint, by any of the paths that people give for one.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use super::table;
use crate::error::{Result, WeightsError};
use crate::input;
use crate::limits;
use crate::pickle::escape;

/// What the name of an index ends with, behind the prefix.
const INDEX: &str = ".index";

/// The text file in the folder of a run.
const STATE: &str = "checkpoint";

/// What it names the newest checkpoint by.
const NEWEST: &str = "model_checkpoint_path:";

/// Most bytes of that file.
const MAX_STATE: u64 = 1 << 20;

/// Where a checkpoint lies.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// One table. Whether it is the index of files of cells, its content says.
    Table(PathBuf),
    /// Tables that hold cells, in the order of their numbers.
    Tables(Vec<PathBuf>),
}

impl Place {
    /// The tables, of which at least one is there.
    pub(super) fn tables(&self) -> Vec<PathBuf> {
        match self {
            Self::Table(table) => vec![table.clone()],
            Self::Tables(tables) => tables.clone(),
        }
    }

    /// The files of cells of an index, which messages call `file`.
    pub(super) fn shards(&self, file: &str, count: usize) -> Result<Vec<PathBuf>> {
        let prefix = match self {
            Self::Table(table) => stripped(table, INDEX),
            Self::Tables(_) => None,
        };
        let Some(prefix) = prefix else {
            let reason = format!(
                "this is an index, whose files of cells are found by its name; it must end with {INDEX:?}"
            );
            return Err(table::form(file, "name", 0, reason));
        };
        let shard = |number| with(&prefix, &format!(".data-{number:05}-of-{count:05}"));
        all_there(file, (0..count).map(shard).collect())
    }
}

/// Whether there is a checkpoint at a path.
///
/// # Errors
/// If there is none, but a word can be said about where one is.
pub(crate) fn is_at(path: &Path) -> Result<bool> {
    if path.is_dir() {
        return Ok(path.join(STATE).is_file() || only_index(path).is_some());
    }
    if !path.exists() {
        return Ok(prefix_of(path).is_some());
    }
    if stripped(path, ".meta").is_some() && !is_table(path) {
        return find(path).map(|_| true);
    }
    let is_named = shard_of(path).is_some() || path.extension() == Some(OsStr::new("index"));
    Ok(is_named || is_table(path) || is_state(path))
}

/// The files of the checkpoint at a path.
pub(super) fn find(path: &Path) -> Result<Place> {
    if path.is_dir() {
        let state = path.join(STATE);
        return match only_index(path).filter(|_| !state.is_file()) {
            Some(index) => Ok(Place::Table(index)),
            None => newest(&state),
        };
    }
    if !path.exists() {
        return prefix_of(path).unwrap_or_else(|| Ok(Place::Table(path.into())));
    }
    if let Some(prefix) = stripped(path, ".meta").filter(|_| !is_table(path)) {
        let reason = format!(
            "this holds a graph without weights; open {}, or {} if that is one file",
            with(&prefix, INDEX).display(),
            prefix.display()
        );
        return Err(table::form(&path.display().to_string(), "name", 0, reason));
    }
    if let Some(place) = shard_of(path) {
        return place;
    }
    match is_state(path) {
        true => newest(path),
        false => Ok(Place::Table(path.into())),
    }
}

/// What a prefix stands for, of which no file has the name itself.
fn prefix_of(prefix: &Path) -> Option<Result<Place>> {
    let index = with(prefix, INDEX);
    if index.is_file() {
        return Some(Ok(Place::Table(index)));
    }
    // As TensorFlow writes it where it means all of several tables: `model.ckpt-?????-of-00002`.
    let name = name(prefix)?;
    let name = match name.rsplit_once("-?????-of-") {
        Some((name, _)) => name,
        None => name,
    };
    let folder = folder(prefix);
    let first = format!("{name}-00000-of-");
    let others =
        fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let found = others.filter(|other| other.starts_with(&first)).min()?;
    shard_of(&prefix.with_file_name(found))
}

/// The checkpoint of which a path is one of several files, by its name.
fn shard_of(path: &Path) -> Option<Result<Place>> {
    let (rest, count) = number_behind(name(path)?, "-of-")?;
    let (rest, number) = number_behind(rest, "-")?;
    if number >= count {
        return None;
    }
    if let Some(prefix) = rest.strip_suffix(".data") {
        let index = path.with_file_name(format!("{prefix}{INDEX}"));
        let file = path.display().to_string();
        return Some(all_there(&file, vec![index.clone()]).map(|_| Place::Table(index)));
    }
    if count > limits::MAX_SHARDS {
        return None;
    }
    let table = |number| path.with_file_name(format!("{rest}-{number:05}-of-{count:05}"));
    Some(all_there(&path.display().to_string(), (0..count).map(table).collect()).map(Place::Tables))
}

/// What stands before a mark and five digits at the end of a name, and the number that they are.
fn number_behind<'a>(name: &'a str, mark: &str) -> Option<(&'a str, u64)> {
    let (rest, digits) = name.rsplit_once(mark)?;
    let all_digits = digits.len() == 5 && digits.bytes().all(|digit| digit.is_ascii_digit());
    Some((rest, digits.parse().ok().filter(|_| all_digits)?))
}

/// The checkpoint that a text file of state names. A path that begins at the root is looked for in the folder of that
/// file, since folders are moved.
fn newest(state: &Path) -> Result<Place> {
    let file = state.display().to_string();
    let wrong = |reason: String| Err(table::form(&file, "model_checkpoint_path", 0, reason));
    let text = input::all(state, MAX_STATE)?;
    let line = text
        .split(|&byte| byte == b'\n')
        .find_map(|line| line.trim_ascii_start().strip_prefix(NEWEST.as_bytes()));
    let Some(line) = line else {
        return wrong("there is none: this names no checkpoint".into());
    };
    let path = escape::string(line.trim_ascii()).and_then(|path| String::from_utf8(path).ok());
    let Some(path) = path else {
        return wrong(format!("\"{}\" is not text in quotes", line.trim_ascii().escape_ascii()));
    };
    // Paths of Windows too.
    let parts: Vec<&str> = path.split(['/', '\\']).collect();
    let inside = match Path::new(&path).has_root() || path.get(1..2) == Some(":") {
        true => PathBuf::from(parts.last().copied().unwrap_or_default()),
        false => parts.iter().collect(),
    };
    let normal = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !inside.components().all(normal)
        || inside.as_os_str().is_empty()
        || path.contains(char::is_control)
    {
        return wrong(format!(
            "{path:?} must be a path inside the folder of this file, without \"..\""
        ));
    }
    let prefix = state.with_file_name(inside);
    // Whether the prefix itself is a file, as it is in the first format, or not.
    match prefix.is_file() {
        true => Ok(Place::Table(prefix)),
        false => match prefix_of(&prefix) {
            Some(place) => place,
            None => wrong(format!(
                "{path:?}: there is neither {} nor {}",
                prefix.display(),
                with(&prefix, INDEX).display()
            )),
        },
    }
}

/// The index in a folder that has one alone.
fn only_index(folder: &Path) -> Option<PathBuf> {
    let names =
        fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found = names.filter(|name| name.ends_with(INDEX));
    let first = found.next()?;
    found.next().is_none().then(|| folder.join(first))
}

/// The paths, if all are files. Messages call what names them `file`.
fn all_there(file: &str, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    match paths.iter().find(|path| !path.exists()) {
        None => Ok(paths),
        Some(missing) => Err(WeightsError::Shard {
            file: file.into(),
            field: "files".into(),
            shard: missing.display().to_string(),
            why: "is missing, which belongs to it and must lie beside it",
        }),
    }
}

/// Whether a path is that of a text file of state. What cannot be read is none; who opens it says why.
fn is_state(path: &Path) -> bool {
    input::begins(path, NEWEST.as_bytes()).unwrap_or(false)
}

fn is_table(path: &Path) -> bool {
    let end = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::End(-(table::FOOTER as i64))).ok()?;
        let mut end = Vec::new();
        file.take(table::FOOTER as u64).read_to_end(&mut end).ok()?;
        Some(end)
    };
    path.is_file() && end().is_some_and(|end| table::ends(&end))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn name(path: &Path) -> Option<&str> {
    path.file_name().and_then(OsStr::to_str)
}

fn with(prefix: &Path, end: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(end);
    path.into()
}

fn stripped(path: &Path, end: &str) -> Option<PathBuf> {
    Some(path.with_file_name(name(path)?.strip_suffix(end)?))
}
