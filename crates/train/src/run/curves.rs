//! The numbers of a run as curves, read while they are being written.

use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::mem::take;
use std::path::PathBuf;

use super::curve::Curve;
use super::files;
use super::metrics::{Damaged, Entry, Kind, MAX_LINE};
use crate::error::{Result, TrainError};

/// Most curves.
pub const MAX_CURVES: usize = 64;
/// Most bytes of a number's name.
const MAX_NAME: usize = 128;
/// Most names of those that are left out.
const MAX_LEFT_OUT: usize = 8;
/// Bytes at the beginning, and before where reading stopped, by which a file is known again.
const MARK: usize = 256;

/// A `metrics.jsonl` as curves.
///
/// [`Curves::read`] reads what is new since the last time; memory does not grow with the file. A file that was cut off,
/// replaced or written anew is read from its beginning.
#[derive(Debug)]
pub struct Curves {
    path: PathBuf,
    place: Place,
    curves: Vec<Curve>,
    /// The last step of a training line and of an evaluation.
    last: [Option<u64>; 2],
    damaged: Option<Damaged>,
    left_out: Vec<String>,
    /// Steps of the file do not rise, wherever one begins to read it.
    unordered: bool,
}

/// Where reading stopped, and how the file is known again.
#[derive(Debug, Default)]
struct Place {
    /// Device and number of the file, where the system has them.
    file: Option<(u64, u64)>,
    /// Bytes that are read: whole lines, or a part of one that is too long.
    offset: u64,
    /// Whole lines among them.
    lines: u64,
    /// The last line is too long, and has no end so far.
    in_long_line: bool,
    /// The first bytes.
    first: Vec<u8>,
    /// The bytes before `offset`.
    before: Vec<u8>,
}

impl Curves {
    /// Of a file that may not be there yet; nothing is read so far.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            place: Place::default(),
            curves: Vec::new(),
            last: [None; 2],
            damaged: None,
            left_out: Vec::new(),
            unordered: false,
        }
    }

    /// Reads what is new. A last line without its end is left for the next time.
    ///
    /// # Errors
    /// What the system says; what was read before stays.
    pub fn read(&mut self) -> Result<()> {
        let wrong = |error| TrainError::read(&self.path, error);
        let mut file = match files::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.forget();
                return Ok(());
            }
            file => file.map_err(wrong)?,
        };
        let metadata = file.metadata().map_err(wrong)?;
        if !self.place.is_of(&mut file, &metadata).map_err(wrong)? {
            self.forget();
        }
        self.place.file = identity(&metadata);
        if !self.follow(&mut file).map_err(|error| TrainError::read(&self.path, error))? {
            self.forget();
            self.place.file = identity(&metadata);
            self.follow(&mut file).map_err(|error| TrainError::read(&self.path, error))?;
        }
        Ok(())
    }

    /// In the order in which the file names them; at most [`MAX_CURVES`].
    pub fn curves(&self) -> &[Curve] {
        &self.curves
    }

    /// Lines that are left out, as they are damaged.
    pub fn damaged(&self) -> Option<&Damaged> {
        self.damaged.as_ref()
    }

    /// Names of numbers that are left out, as there are more than [`MAX_CURVES`] or the name is too long; the first
    /// eight.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    fn forget(&mut self) {
        *self = Self::new(take(&mut self.path));
    }

    /// Reads from where it stopped; false if a step does not rise, so that the file is another one than before.
    fn follow(&mut self, file: &mut File) -> io::Result<bool> {
        let anew = self.place.offset == 0;
        file.seek(SeekFrom::Start(self.place.offset))?;
        let mut reader = BufReader::with_capacity(MAX_LINE, file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line)?;
            let ended = line.last() == Some(&b'\n');
            if !ended && read < MAX_LINE {
                return Ok(true);
            }
            self.place.pass(&line);
            if !ended {
                if !self.place.in_long_line {
                    self.place.in_long_line = true;
                    self.damage(self.place.lines + 1, format!("longer than {MAX_LINE} bytes"));
                }
                continue;
            }
            self.place.lines += 1;
            if take(&mut self.place.in_long_line) {
                continue;
            }
            match Entry::parse(&line) {
                Err(reason) => self.damage(self.place.lines, reason),
                Ok(entry) => match self.last[entry.kind as usize] {
                    Some(last) if entry.step <= last => {
                        if !anew && !self.unordered {
                            return Ok(false);
                        }
                        self.unordered = true;
                        let reason = format!("step {} after step {last}", entry.step);
                        self.damage(self.place.lines, reason);
                    }
                    _ => self.add(entry),
                },
            }
        }
    }

    fn add(&mut self, entry: Entry) {
        let Entry { step, kind, values, .. } = entry;
        self.last[kind as usize] = Some(step);
        for (name, value) in values {
            if let Some(curve) = self.curve(name, kind) {
                curve.push(step, value);
            }
        }
    }

    fn curve(&mut self, name: String, kind: Kind) -> Option<&mut Curve> {
        let known = self.curves.iter().position(|curve| curve.name == name && curve.kind == kind);
        if known.is_none() {
            if self.curves.len() == MAX_CURVES || name.len() > MAX_NAME {
                let name: String = name.chars().take(MAX_NAME).collect();
                if self.left_out.len() < MAX_LEFT_OUT && !self.left_out.contains(&name) {
                    self.left_out.push(name);
                }
                return None;
            }
            self.curves.push(Curve::new(name, kind));
        }
        let at = known.unwrap_or(self.curves.len() - 1);
        self.curves.get_mut(at)
    }

    fn damage(&mut self, line: u64, reason: String) {
        Damaged::count(&mut self.damaged, Some(line), reason);
    }
}

impl Place {
    /// Whether a file is the one that was read, grown at most.
    fn is_of(&self, file: &mut File, metadata: &Metadata) -> io::Result<bool> {
        if self.offset == 0 {
            return Ok(true);
        }
        if metadata.len() < self.offset || self.file != identity(metadata) {
            return Ok(false);
        }
        let mut same = |at: u64, expected: &[u8]| {
            let mut found = vec![0; expected.len()];
            file.seek(SeekFrom::Start(at))?;
            match file.read_exact(&mut found) {
                // Cut off at this moment.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
                read => read.map(|()| found == expected),
            }
        };
        Ok(same(0, &self.first)? && same(self.offset - self.before.len() as u64, &self.before)?)
    }

    /// Goes over bytes that are read.
    fn pass(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        let missing = MARK - self.first.len();
        self.first.extend(bytes.iter().take(missing));
        self.before.extend(&bytes[bytes.len().saturating_sub(MARK)..]);
        self.before.drain(..self.before.len().saturating_sub(MARK));
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}
