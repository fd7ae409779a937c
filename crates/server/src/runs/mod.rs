//! Runs of training, looked at while they are trained.
//!
//! Names from the network are looked up in the table of what was found; they never become paths.

mod find;
mod problem;
mod seen;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use upconv_train::run::{self, Curves, METRICS};

use self::find::Search;
pub(crate) use self::problem::{Problem, why};
pub(crate) use self::seen::{Seen, Summary};
use crate::error::Result;
use crate::gate::Pool;

/// Threads that read files of runs: a disk that hangs holds up nothing else.
const THREADS: usize = 2;
/// Requests that wait for them.
const WAITING: usize = 64;
/// Folders are looked at anew after this time at the earliest.
const PAUSE: Duration = Duration::from_secs(1);
/// And so that looking takes a tenth of the time at most.
const SHARE: u32 = 10;
/// Runs whose curves are kept; those of others are read from the beginning.
const FOLLOWED: usize = 32;

/// The runs at and below folders.
pub(crate) struct Runs {
    folders: Vec<PathBuf>,
    pool: Pool,
    looked: Mutex<Looked>,
    /// Those asked for last come first.
    followed: Mutex<Vec<Arc<Followed>>>,
    /// Whether it was said that there are too many.
    warned: AtomicBool,
}

/// What was there when the folders were last looked at.
#[derive(Default)]
struct Looked {
    /// When, and how long it took.
    at: Option<(Instant, Duration)>,
    runs: Vec<Known>,
}

/// A run of the list.
#[derive(Clone)]
pub(crate) struct Known {
    /// What clients call it.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) summary: Arc<Summary>,
}

/// A run whose numbers are read as they come.
struct Followed {
    folder: PathBuf,
    curves: Mutex<Curves>,
}

impl Runs {
    /// Of the runs at and below folders; nothing is read so far.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub(crate) fn new(folders: Vec<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            folders,
            pool: Pool::new("runs", THREADS, WAITING).map_err(io::Error::other)?,
            looked: Mutex::default(),
            followed: Mutex::default(),
            warned: AtomicBool::new(false),
        })
    }

    /// Works with files on threads for that.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub(crate) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let runs = self.clone();
        self.pool.run(move || work(&runs)).await
    }

    /// How many requests wait for these threads.
    pub(crate) fn waiting(&self) -> usize {
        self.pool.gate().waiting()
    }

    /// All runs, as they were when the folders were last looked at.
    pub(crate) fn all(&self) -> Vec<Known> {
        self.look().runs.clone()
    }

    /// The folder of a run, if it is still one.
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        let looked = self.look();
        let folder = looked.runs.iter().find(|known| known.name == name)?.folder.clone();
        drop(looked);
        run::is_run(&folder).then_some(folder)
    }

    /// Reads what is new of a run's numbers, and uses its curves. What cannot be read of them takes the place of what the
    /// end of the file told.
    pub(crate) fn with_curves<T>(
        &self,
        folder: &Path,
        seen: &mut Seen,
        work: impl FnOnce(&Curves) -> T,
    ) -> T {
        let followed = self.follow(folder);
        let mut curves = lock(&followed.curves);
        let unreadable = curves.read().err();
        let problems = &mut seen.summary.problems;
        if let Some(error) = unreadable
            && !problems.iter().any(|problem| matches!(problem, Problem::Metrics(_)))
        {
            problems.push(Problem::Metrics(why(&error)));
        }
        tell(&curves, problems);
        work(&curves)
    }

    /// Looks at the folders, unless that was done just now.
    fn look(&self) -> MutexGuard<'_, Looked> {
        let mut looked = lock(&self.looked);
        if looked.at.is_some_and(|(at, took)| at.elapsed() < PAUSE.max(took * SHARE)) {
            return looked;
        }
        let begun = Instant::now();
        let Search { found, cut, .. } = Search::new(&self.folders);
        if cut && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("there are more runs or folders than are looked at; name them apart");
        }
        let known = found.into_iter().map(|found| {
            let mut summary = Seen::new(&found.folder).summary;
            let followed = lock(&self.followed);
            let followed = followed.iter().find(|followed| followed.folder == found.folder);
            // Without waiting for who reads it just now.
            if let Some(curves) = followed.and_then(|followed| followed.curves.try_lock().ok()) {
                tell(&curves, &mut summary.problems);
            }
            Known { name: found.name, folder: found.folder, summary: Arc::new(summary) }
        });
        looked.runs = known.collect();
        looked.at = Some((Instant::now(), begun.elapsed()));
        looked
    }

    fn follow(&self, folder: &Path) -> Arc<Followed> {
        let mut all = lock(&self.followed);
        let place = all.iter().position(|followed| followed.folder == folder);
        let followed = place.map_or_else(
            || {
                let curves = Mutex::new(Curves::new(folder.join(METRICS)));
                Arc::new(Followed { folder: folder.into(), curves })
            },
            |place| all.remove(place),
        );
        all.insert(0, followed.clone());
        all.truncate(FOLLOWED);
        followed
    }
}

/// What curves know of damage, which is more than what the end of the file told.
fn tell(curves: &Curves, problems: &mut Vec<Problem>) {
    if let Some(damaged) = curves.damaged() {
        problems.retain(|problem| !matches!(problem, Problem::Lines(_)));
        problems.push(Problem::Lines(damaged.clone()));
    }
    if !curves.left_out().is_empty() {
        problems.push(Problem::LeftOut(curves.left_out().to_vec()));
    }
}

/// A panic of one request is no reason to fail all others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
