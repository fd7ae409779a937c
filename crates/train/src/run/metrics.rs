//! `metrics.jsonl`: one object a line, in the order of the steps, each step once.
//!
//! `{"step":12,"epoch":1,"kind":"train","loss":0.25}`; `kind` is `train` or `evaluate`. Times are left out, so that the
//! file of a run that was broken off is the same, byte for byte.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::files;
use crate::error::{Result, TrainError};
use crate::scalars::Scalars;

/// Most bytes of a line that is read by those who look at a run, with its end.
pub const MAX_LINE: usize = 64 << 10;

/// What a line's numbers are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A step.
    Train,
    /// An evaluation.
    Evaluate,
}

impl Kind {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Evaluate => "evaluate",
        }
    }
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Line<'a> {
    /// Steps that are done.
    pub step: u64,
    /// Whole passes over the data that are done.
    pub epoch: u64,
    /// What the numbers are of.
    pub kind: Kind,
    /// The numbers.
    #[serde(flatten)]
    pub scalars: &'a Scalars,
}

/// One line as it is read by those who look at a run.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) step: u64,
    pub(super) epoch: Option<u64>,
    pub(super) kind: Kind,
    /// Without those that are `null`, as JSON has no infinity.
    pub(super) values: Vec<(String, f64)>,
}

impl Entry {
    /// Reads a line; the error says what is wrong with it.
    pub(super) fn parse(line: &[u8]) -> std::result::Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| error.to_string())
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with step, kind and numbers")
            }

            fn visit_map<M: MapAccess<'de>>(
                self,
                mut map: M,
            ) -> std::result::Result<Entry, M::Error> {
                let (mut step, mut epoch, mut kind, mut values) = (None, None, None, Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "step" => step = Some(map.next_value()?),
                        "epoch" => epoch = map.next_value()?,
                        "kind" => kind = Some(map.next_value()?),
                        _ => values.extend(map.next_value::<Option<f64>>()?.map(|v| (name, v))),
                    }
                }
                let step = step.ok_or_else(|| de::Error::missing_field("step"))?;
                let kind = kind.ok_or_else(|| de::Error::missing_field("kind"))?;
                Ok(Entry { step, epoch, kind, values })
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// What the end of a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Steps that are done, by the last line.
    pub step: Option<u64>,
    /// Whole passes over the data that are done.
    pub epoch: Option<u64>,
    /// Damaged lines among the last ones.
    pub damaged: Option<Damaged>,
}

/// Lines that say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The number of the first, from 1, where it is known.
    pub line: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
    /// How many there are.
    pub count: u64,
}

impl Damaged {
    /// Counts one more in `damaged`.
    pub(super) fn count(damaged: &mut Option<Self>, line: Option<u64>, reason: String) {
        damaged.get_or_insert(Self { line, reason, count: 0 }).count += 1;
    }
}

/// Reads the last lines of a file that may be being written; a last line without its end does not count.
///
/// # Errors
/// A file that cannot be read; one that is not there says nothing.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("metrics.jsonl");
/// std::fs::write(&path, "{\"step\":7,\"epoch\":1,\"kind\":\"train\"}\n{\"step\":8,\"ep")?;
/// let tail = upconv_train::run::metrics::tail(&path)?;
/// assert_eq!((tail.step, tail.epoch, tail.damaged), (Some(7), Some(1), None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn tail(path: &Path) -> Result<Tail> {
    let mut file = match files::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Tail::default()),
        file => file.map_err(|error| TrainError::read(path, error))?,
    };
    // A whole line is among these, even if one without its end follows.
    let most = 2 * MAX_LINE as u64;
    let mut bytes = Vec::new();
    let read = file.metadata().and_then(|metadata| {
        let start = metadata.len().saturating_sub(most);
        file.seek(SeekFrom::Start(start))?;
        file.take(most).read_to_end(&mut bytes).map(|_| start)
    });
    let start = read.map_err(|error| TrainError::read(path, error))?;
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut lines: Vec<&[u8]> = bytes[..end].split_inclusive(|&byte| byte == b'\n').collect();
    if start > 0 && !lines.is_empty() {
        // It may have begun before.
        lines.remove(0);
    }
    let mut tail = Tail::default();
    for (place, line) in lines.into_iter().enumerate() {
        match Entry::parse(line) {
            Ok(entry) => (tail.step, tail.epoch) = (Some(entry.step), entry.epoch),
            Err(reason) => {
                let number = (start == 0).then_some(place as u64 + 1);
                Damaged::count(&mut tail.damaged, number, reason);
            }
        }
    }
    Ok(tail)
}

/// The file, open at its end.
#[derive(Debug)]
pub struct Metrics {
    file: File,
    path: PathBuf,
}

impl Metrics {
    /// Opens the file, or makes it, and cuts off what is of steps after `step`, and a line that is not whole.
    ///
    /// # Errors
    /// A file that cannot be read or written; a line in the middle that is none.
    pub fn open(path: &Path, step: u64) -> Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(|error| TrainError::write(path, error))?;
        let kept = kept(path, &file, step)?;
        file.set_len(kept)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|error| TrainError::write(path, error))?;
        Ok(Self { file, path: path.into() })
    }

    /// Adds a line, and gives it without its end.
    ///
    /// # Errors
    /// What the system says; the next [`Metrics::open`] cuts off what was written in part.
    pub fn append(&mut self, line: &Line<'_>) -> Result<String> {
        let mut text = serde_json::to_string(line)
            .map_err(|error| TrainError::write(&self.path, error.into()))?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| TrainError::write(&self.path, error))?;
        text.pop();
        Ok(text)
    }

    /// Makes what is written last.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| TrainError::write(&self.path, error))
    }
}

/// How many bytes are whole lines of steps up to `step`.
fn kept(path: &Path, file: &File, step: u64) -> Result<u64> {
    #[derive(Deserialize)]
    struct Head {
        step: u64,
    }
    let mut reader = BufReader::new(file);
    let (mut kept, mut number, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        let read = match reader.read_until(b'\n', &mut line) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(TrainError::read(path, error)),
            Ok(read) => read,
        };
        if line.last() != Some(&b'\n') {
            return Ok(kept);
        }
        number += 1;
        match serde_json::from_slice::<Head>(&line) {
            Ok(head) if head.step > step => return Ok(kept),
            Ok(_) => kept += read as u64,
            Err(error) => {
                let reason = format!("line {number}: {error}; repair or remove it to go on");
                return Err(TrainError::damaged(path, reason));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(metrics: &mut Metrics, step: u64) -> String {
        let scalars = Scalars::new().with("loss", 1.0 / step as f64);
        metrics.append(&Line { step, epoch: 0, kind: Kind::Train, scalars: &scalars }).unwrap()
    }

    #[test]
    fn later_steps_and_torn_lines_are_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(&path, 0).unwrap();
        let lines: Vec<String> = (1..5).map(|step| append(&mut metrics, step)).collect();
        assert_eq!(lines[1], r#"{"step":2,"epoch":0,"kind":"train","loss":0.5}"#);
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole, (lines.join("\n") + "\n").as_bytes());
        for (step, cut) in [(4, 0), (4, 1), (4, lines[3].len()), (3, 0), (3, 7), (0, 0)] {
            std::fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let mut metrics = Metrics::open(&path, step).unwrap();
            let kept = step.min(if cut == 0 { 4 } else { 3 });
            for step in kept + 1..5 {
                append(&mut metrics, step);
            }
            assert_eq!(std::fs::read(&path).unwrap(), whole, "{step} {cut}");
        }
    }

    #[test]
    fn a_line_in_the_middle_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        std::fs::write(&path, "{\"step\":1}\nhello\n{\"step\":2}\n").unwrap();
        let error = Metrics::open(&path, 2).unwrap_err().to_string();
        assert!(error.contains("line 2: ") && error.contains("repair or remove"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap().len(), 28, "it is left as it is");
    }
}
