//! One network, and the file that it comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use upconv_explain::Lang;
use upconv_models::registry::{self, Entry};
use upconv_weights::Weights;

use super::{GivenWeights, Loaded, NetworkError};

/// A network under its name.
#[derive(Debug)]
pub(crate) struct Served {
    /// What requests call it.
    pub(crate) name: String,
    /// A file or the folder of a run; `None` for weights that come with the program.
    path: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<Loaded>,
    /// Why the network is not that of the file.
    problem: Option<Problem>,
    /// The file that became the network.
    loaded: Option<Stamp>,
    /// The file as it was when it was last looked at.
    seen: Option<Stamp>,
    /// The file of which no network could be made; it is not tried again.
    tried: Option<Stamp>,
}

/// Why a network is older than its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// There is no file any more, or it cannot be looked at.
    Gone(String),
    /// There is another file, of which no network can be made.
    Unusable(String),
}

impl Problem {
    /// A line for people.
    pub(crate) fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Gone(why), Lang::En) => {
                format!("its file cannot be read any more ({why}); the network read before answers")
            }
            (Self::Gone(why), Lang::Zh) => {
                format!("文件已无法读取（{why}）；仍由之前读入的网络回答")
            }
            (Self::Unusable(why), Lang::En) => format!(
                "its file was replaced by one that cannot be used ({why}); the network read before answers"
            ),
            (Self::Unusable(why), Lang::Zh) => {
                format!("文件被无法使用的文件替换（{why}）；仍由之前读入的网络回答")
            }
        }
    }
}

/// By which one file is told from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    modified: Option<SystemTime>,
    bytes: u64,
    /// The number of the file itself, which another one under its name does not have.
    number: u64,
}

impl Stamp {
    /// Of a file, or of the best weights of a run.
    fn of(path: &Path) -> Result<Self, String> {
        let path = match path.is_dir() {
            true => upconv_train::run::best_weights(path).map_err(|error| error.to_string())?,
            false => path.to_owned(),
        };
        let found = fs::metadata(&path).map_err(|error| error.to_string())?;
        Ok(Self {
            modified: found.modified().ok(),
            bytes: found.len(),
            number: number(&found),
            path,
        })
    }
}

#[cfg(unix)]
fn number(found: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn number(_found: &fs::Metadata) -> u64 {
    0
}

impl Served {
    /// The weights of a model that come with the program; `None` if none do.
    pub(crate) fn built_in(entry: &'static Entry) -> Option<Result<Self, NetworkError>> {
        let read = || -> Result<Option<Self>, NetworkError> {
            let Some(weights) = entry.built_in()? else { return Ok(None) };
            let current = Loaded::of(entry, &format!("built-in {}", entry.name), &weights)?;
            Ok(Some(Self::new(entry.name.into(), None, current, None)))
        };
        read().transpose()
    }

    /// Weights that are named when the server starts.
    ///
    /// # Errors
    /// Weights that cannot be used; a name that no address can hold.
    pub(crate) fn given(given: &GivenWeights) -> Result<Self, NetworkError> {
        // A run has no ending.
        let own = match given.path.is_dir() {
            true => given.path.file_name(),
            false => given.path.file_stem(),
        };
        let own = || own.map(|name| name.to_string_lossy().into_owned());
        let name = given.name.clone().or_else(own).unwrap_or_default();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > 100 || !name.chars().all(legal) {
            return Err(NetworkError::Name { name });
        }
        // Looked at first: what is written after that is another file.
        let stamp = Stamp::of(&given.path).ok();
        let path = match given.path.is_dir() {
            true => upconv_train::run::best_weights(&given.path)?,
            false => given.path.clone(),
        };
        Ok(Self::new(name, Some(given.path.clone()), read(&path)?, stamp))
    }

    fn new(name: String, path: Option<PathBuf>, current: Loaded, stamp: Option<Stamp>) -> Self {
        let (current, seen) = (Arc::new(current), stamp.clone());
        let state = State { current, problem: None, loaded: stamp, seen, tried: None };
        Self { name, path, state: Mutex::new(state) }
    }

    /// The network as it is now. Who holds it goes on with it, whatever becomes of the file.
    pub(crate) fn now(&self) -> Arc<Loaded> {
        self.state().current.clone()
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        self.state().current.entry
    }

    pub(crate) fn problem(&self) -> Option<Problem> {
        self.state().problem.clone()
    }

    /// What the file or the run is called, without its folder.
    pub(crate) fn file(&self) -> Option<String> {
        let name = self.path.as_ref()?.file_name()?;
        Some(name.to_string_lossy().into_owned())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes another file in place of the one that was read, once it has not changed from one look to the next: until then
    /// somebody may be writing it.
    pub(crate) fn look_again(&self) {
        let Some(path) = &self.path else { return };
        let stamp = match Stamp::of(path) {
            Ok(stamp) => stamp,
            Err(why) => return self.note(Problem::Gone(why), None),
        };
        let mut state = self.state();
        let rests = state.seen.replace(stamp.clone()).as_ref() == Some(&stamp);
        if state.loaded.as_ref() == Some(&stamp) {
            state.problem = None;
            return;
        }
        if !rests || state.tried.as_ref() == Some(&stamp) {
            return;
        }
        drop(state);
        match read(&stamp.path) {
            Ok(current) => {
                let hash = &current.facts.weights_hash;
                tracing::info!(network = self.name, hash, "another file was read");
                let mut state = self.state();
                (state.current, state.problem) = (Arc::new(current), None);
                state.loaded = Some(stamp);
            }
            Err(error) => self.note(Problem::Unusable(error.to_string()), Some(stamp)),
        }
    }

    fn note(&self, problem: Problem, tried: Option<Stamp>) {
        let mut state = self.state();
        state.tried = tried;
        if state.problem.as_ref() != Some(&problem) {
            tracing::warn!(
                network = self.name,
                problem = problem.message(Lang::En),
                "its weights are not read"
            );
            state.problem = Some(problem);
        }
    }
}

/// The network of a file, which says itself what it is; a self-test that it carries must pass. Read whole, so that nothing
/// that happens to the file matters afterwards.
fn read(path: &Path) -> Result<Loaded, NetworkError> {
    let file = path.display().to_string();
    let weights = Weights::read(path)?;
    let model = weights.metadata().map(|metadata| metadata.model.clone());
    let model = model.ok_or_else(|| NetworkError::Unusable {
        file: file.clone(),
        reason: "it does not say what model it is of: convert it first (upconv convert)".into(),
    })?;
    let entry = registry::find(&model)?;
    entry.verify(&file, &weights)?;
    Loaded::of(entry, &file, &weights)
}
