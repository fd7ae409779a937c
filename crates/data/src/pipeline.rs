//! Many pictures: decoded, stretched, segmented and written side by side.
//!
//! Every thread of the current rayon pool takes the next picture and does all that it needs; where a
//! step can be split, threads without a picture of their own help. So all threads are busy with many
//! pictures as with one.
//!
//! Memory does not grow with the number of pictures: those in work together are estimated at
//! [`BYTES_PER_PIXEL`], twice their files and what the network takes, and a picture is not begun before its share of
//! [`Options::memory`] is free; one that needs more than all of it is worked on alone. One file more
//! may be open, of at most [`MAX_FILE_BYTES`](crate::decode::MAX_FILE_BYTES). The results themselves
//! are small.
//!
//! A picture's files get their names when all of them are complete on the disk. Whoever kills the
//! program finds whole files only.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::atomic::{self, Pending};
use crate::budget::{Budget, Share};
use crate::decode::{self, Opened};
use crate::encode::{self, Kind, Kinds, Masked};
use crate::error::{DataError, Result};
use crate::names;
use crate::segment::Found;
use crate::walk::{Input, Source};
use crate::{Picture, Segment, Size};

/// What a picture in work is estimated at: all its copies, as bytes, as `f32` mask and compressed,
/// at the worst moment.
pub const BYTES_PER_PIXEL: u64 = 32;

/// The memory that pictures in work share unless told otherwise: 2 GiB, or 67 million pixels.
pub const MEMORY: u64 = 1 << 31;

/// What to make, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for all outputs; it is created, as are the folders below it.
    pub folder: PathBuf,
    /// Which pictures are made.
    pub kinds: Kinds,
    /// From which probability on a pixel counts as person, in the share and in the outline.
    pub threshold: f32,
    /// Bytes that pictures in work share.
    pub memory: u64,
}

impl Options {
    /// All pictures, threshold 0.5, [`MEMORY`].
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), kinds: Kinds::ALL, threshold: 0.5, memory: MEMORY }
    }
}

/// What became of a picture.
#[derive(Clone, Debug)]
pub struct Done {
    /// The upright photo's size.
    pub size: Size,
    /// Pixels at or above the threshold by all pixels, both of the network's output, before it is
    /// stretched to the photo's size.
    pub share: f64,
    /// The mask's file, if it was wanted.
    pub mask: Option<PathBuf>,
    /// The overlay's file, if it was wanted.
    pub overlay: Option<PathBuf>,
    /// The cut-out's file, if it was wanted.
    pub cutout: Option<PathBuf>,
    /// How long it took.
    pub times: Times,
}

/// How long each step took, as the clock on the wall has it: other pictures ran at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Reading the file and decoding it.
    pub decode: Duration,
    /// Stretching the photo to the network's input and the mask back.
    pub resize: Duration,
    /// The network.
    pub network: Duration,
    /// Drawing, compressing and writing the outputs.
    pub write: Duration,
}

/// The result for one input.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// Which input.
    pub input: &'a Input,
    /// What became of it.
    pub result: Result<Done>,
}

/// Counts of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Pictures that were done.
    pub done: usize,
    /// Pictures that failed.
    pub failed: usize,
    /// Pictures that were given up after a failure that would have met them too, such as a full disk.
    pub given_up: usize,
}

/// Segments all inputs on the current rayon pool.
///
/// `report` gets one outcome for each input, in their order, on a thread of its own. After an error
/// that [is final](DataError::is_final) no further picture is begun, and those that then fail for the
/// same reason are only counted.
///
/// ```
/// use upconv_data::pipeline::{Options, run};
/// use upconv_data::{Segment, Size, walk::Inputs};
///
/// struct All;
/// impl Segment for All {
///     fn name(&self) -> &str {
///         "all"
///     }
///     fn input_size(&self, _photo: Size) -> Size {
///         Size { height: 4, width: 4 }
///     }
///     fn probabilities(&self, _rgb: &[f32], _size: Size) -> Result<Vec<f32>, String> {
///         Ok(vec![1.0; 16])
///     }
/// }
///
/// let folder = tempfile::tempdir()?;
/// let inputs = Inputs::from_bytes("-", "stdin", upconv_data::sample::bmp());
/// let options = Options::new(folder.path());
/// let summary = run(&inputs.inputs, &All, &options, |outcome| {
///     let done = outcome.result.unwrap();
///     assert_eq!(done.share, 1.0);
///     assert_eq!(done.mask, Some(folder.path().join("stdin.mask.png")));
/// });
/// assert_eq!((summary.done, summary.failed), (1, 0));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn run(
    inputs: &[Input],
    net: &dyn Segment,
    options: &Options,
    report: impl FnMut(Outcome<'_>) + Send,
) -> Summary {
    let run = Run {
        net,
        options,
        next: Mutex::new(0),
        stop: AtomicBool::new(false),
        budget: Budget::new(options.memory),
        prepared: Mutex::new(HashSet::new()),
    };
    let (sender, receiver) = sync_channel(2 * rayon::current_num_threads());
    let mut summary = std::thread::scope(|scope| {
        let collector = scope.spawn(|| collect(inputs, receiver, report));
        rayon::broadcast(|_| {
            while let Some(outcome) = run.one(inputs) {
                // Nobody listens any more: the report panicked.
                if sender.send(outcome).is_err() {
                    return;
                }
            }
        });
        drop(sender);
        match collector.join() {
            Ok(summary) => summary,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    summary.given_up = inputs.len() - summary.done - summary.failed;
    summary
}

/// Puts the outcomes into order.
fn collect(
    inputs: &[Input],
    outcomes: Receiver<(usize, Result<Done>)>,
    mut report: impl FnMut(Outcome<'_>),
) -> Summary {
    let mut summary = Summary::default();
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut is_over = false;
    for (index, result) in outcomes {
        early.insert(index, result);
        while let Some(result) = early.remove(&next) {
            let input = &inputs[next];
            next += 1;
            let is_final = result.as_ref().is_err_and(DataError::is_final);
            match &result {
                Ok(_) => summary.done += 1,
                Err(_) if is_final && is_over => continue,
                Err(_) => summary.failed += 1,
            }
            is_over |= is_final;
            report(Outcome { input, result });
        }
    }
    summary
}

/// What the threads share.
struct Run<'a> {
    net: &'a dyn Segment,
    options: &'a Options,
    /// The next input; held while a file is opened, so that one is at a time.
    next: Mutex<usize>,
    stop: AtomicBool,
    budget: Budget,
    /// Folders that exist and were swept.
    prepared: Mutex<HashSet<PathBuf>>,
}

impl Run<'_> {
    /// Takes the next picture and does it.
    fn one(&self, inputs: &[Input]) -> Option<(usize, Result<Done>)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let input = inputs.get(*next).filter(|_| !self.stop.load(Ordering::Relaxed))?;
        let index = *next;
        *next += 1;
        let result = self.segment(input, next);
        if result.as_ref().is_err_and(DataError::is_final) {
            self.stop.store(true, Ordering::Relaxed);
        }
        Some((index, result))
    }

    fn segment(&self, input: &Input, turn: MutexGuard<'_, usize>) -> Result<Done> {
        let mut times = Times::default();
        let (picture, _share) = self.decode(input, turn, &mut times.decode)?;
        let found = Found::on(self.net, &picture, &|| true)?;
        let found = found.ok_or_else(|| DataError::Network("it gave up".into()))?;
        (times.resize, times.network) = (found.resize, found.network);
        let threshold = self.options.threshold;
        let (share, mask) = (found.share(threshold), found.mask);
        let masked = Masked { picture: &picture, mask: &mask, threshold };
        let files = timed(&mut times.write, || self.write(masked, &input.output))?;
        let file = |kind| files.iter().find(|(of, _)| *of == kind).map(|(_, path)| path.clone());
        let [mask, overlay, cutout] = Kind::ALL.map(file);
        Ok(Done { size: picture.size(), share, mask, overlay, cutout, times })
    }

    /// Opens the file, waits for memory, lets the next thread open its file, and decodes.
    fn decode(
        &self,
        input: &Input,
        turn: MutexGuard<'_, usize>,
        time: &mut Duration,
    ) -> Result<(Picture, Share<'_>)> {
        if let Some(problem) = &input.problem {
            return Err(problem.clone());
        }
        let mut read = Vec::new();
        let file = match &input.source {
            Source::Bytes(bytes) => bytes,
            Source::File(path) => {
                read = timed(time, || decode::read_file(path))?;
                &read
            }
        };
        let opened = timed(time, || Opened::new(file))?;
        let network = self.net.bytes(self.net.input_size(opened.size()));
        let bytes = (opened.size().pixels() as u64)
            .saturating_mul(BYTES_PER_PIXEL)
            .saturating_add(2 * file.len() as u64)
            .saturating_add(network);
        let share = self.budget.take(bytes);
        drop(turn);
        let picture = timed(time, || opened.decode())?;
        drop(read);
        Ok((picture, share))
    }

    /// Writes the wanted pictures side by side; then all get their names.
    fn write(&self, masked: Masked<'_>, output: &Path) -> Result<Vec<(Kind, PathBuf)>> {
        let base = self.options.folder.join(output);
        let folder = match base.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        self.prepare(folder)?;
        let kinds = Kind::ALL.into_par_iter().filter(|&kind| self.options.kinds.has(kind));
        let pending = kinds.map(|kind| {
            // As it will be told to people: a name in the current folder has no `./` before it.
            let path = names::with_ending(&base, kind.ending());
            let size = masked.picture.size();
            let write = || {
                let mut file = Pending::create(&path)?;
                encode::png(&mut file, kind, size, &masked.pixels(kind))?;
                file.sync()?;
                Ok(file)
            };
            match write() {
                Ok(file) => Ok((kind, path, file)),
                Err(error) => Err(DataError::write(path, error)),
            }
        });
        let pending: Vec<_> = pending.collect::<Result<_>>()?;
        let mut written = Vec::new();
        for (kind, path, file) in pending {
            match file.commit() {
                Ok(()) => written.push((kind, path)),
                Err(error) => return Err(DataError::write(path, error)),
            }
        }
        atomic::sync_folder(folder).map_err(|error| DataError::write(folder, error))?;
        Ok(written)
    }

    /// Creates a folder and removes what killed programs left in it, once in a run.
    fn prepare(&self, folder: &Path) -> Result<()> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if prepared.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(|error| DataError::write(folder, error))?;
        atomic::sweep(folder);
        prepared.insert(folder.to_owned());
        Ok(())
    }
}

fn timed<T>(total: &mut Duration, action: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = action();
    *total += start.elapsed();
    result
}
