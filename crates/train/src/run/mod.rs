//! The folder of a run.
//!
//! | name | what |
//! | --- | --- |
//! | `config.toml` | all settings, resolved, and the model's name |
//! | `metrics.jsonl` | one line for every step's numbers, and for every evaluation's |
//! | `events.out.tfevents.0.upconv` | the same and the sample pictures, for TensorBoard |
//! | `checkpoints/step-N/` | weights, their average, the state of training, and checksums of all three |
//! | `samples/step-N.png` | pictures |
//! | `lock` | held by the process that trains |
//!
//! Every file and every checkpoint is written under another name, synced and renamed.
//!
//! Who only looks at a run, which may be trained meanwhile, has [`is_run`], [`is_held`], [`config`](config()), [`Curves`],
//! [`metrics::tail`], [`checkpoint::newest`] and [`samples`].

pub mod checkpoint;
mod curve;
mod curves;
pub mod events;
mod files;
mod lock;
pub mod metrics;
pub mod samples;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};
use upconv_data::atomic;

pub use self::curve::{Curve, MAX_POINTS, Point};
pub use self::curves::{Curves, MAX_CURVES};
pub use self::lock::is_held;
use crate::error::{Result, TrainError};
use crate::settings::{self, RUN, RunSettings};

/// The file of the settings.
pub const CONFIG: &str = "config.toml";
/// The file of the numbers.
pub const METRICS: &str = "metrics.jsonl";
/// The file for TensorBoard.
pub const EVENTS: &str = "events.out.tfevents.0.upconv";
/// The folder of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// The folder of the sample pictures.
pub const SAMPLES: &str = "samples";

/// The version of the folder's form.
const SCHEMA: i64 = 1;
/// What `config.toml` begins with.
const TITLE: &str = "# The settings of this run.";
/// Most bytes of `config.toml`.
const MAX_CONFIG: u64 = 1 << 20;

/// The folder of a run, held by this process as long as this lives.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    model: String,
    table: Table,
    settings: RunSettings,
    _lock: File,
}

/// The weights of a run's best evaluation, of its newest checkpoint where nothing was evaluated; the run may go on
/// meanwhile.
///
/// # Errors
/// No run, or one without a checkpoint that can be read.
pub fn best_weights(folder: &Path) -> Result<PathBuf> {
    if !folder.join(CONFIG).is_file() {
        return Err(TrainError::NoRun { path: folder.into(), file: CONFIG });
    }
    let checkpoints = folder.join(CHECKPOINTS);
    let all = checkpoint::list(&checkpoints)?;
    let Some((newest, manifest)) = checkpoint::newest(&checkpoints, &all)? else {
        let newest = Box::new(TrainError::read(&checkpoints, ErrorKind::NotFound.into()));
        return Err(TrainError::NoCheckpoint { path: checkpoints, count: 0, newest });
    };
    let best = manifest.standing.best.map(|best| checkpoint::path(&checkpoints, best.step));
    Ok(checkpoint::weights_for_use(&best.unwrap_or(newest)))
}

/// What a run was begun with.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The name of the model.
    pub model: String,
    /// All settings.
    pub settings: Table,
}

impl Config {
    /// What the engine reads of the settings.
    ///
    /// # Errors
    /// Keys that there are not, or values that cannot be.
    pub fn run_settings(&self) -> Result<RunSettings> {
        run_settings(CONFIG, &self.settings)
    }
}

/// Whether a folder is a run: its `config.toml` begins as that of a run. One that may not be read is taken for a run's if
/// there are metrics beside it.
pub fn is_run(folder: &Path) -> bool {
    let mut begin = [0; TITLE.len()];
    match files::open(&folder.join(CONFIG)) {
        Ok(mut file) => file.read_exact(&mut begin).is_ok() && begin == *TITLE.as_bytes(),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => folder.join(METRICS).exists(),
        Err(_) => false,
    }
}

/// What a run was begun with; it may be trained meanwhile.
///
/// # Errors
/// Settings that cannot be read.
pub fn config(folder: &Path) -> Result<Config> {
    let path = folder.join(CONFIG);
    let (model, settings) = read_config(&path, files::open(&path))?;
    Ok(Config { model, settings })
}

impl Run {
    /// Begins a run in a new or empty folder. `settings` is the model's structure, with a [`RunSettings`] as `run`.
    ///
    /// # Errors
    /// A folder with something in it, or that cannot be written; settings out of range.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use upconv_train::settings::RunSettings;
    /// use upconv_train::run::Run;
    /// #[derive(Default, Serialize, Deserialize)]
    /// struct Settings { run: RunSettings, batch: usize }
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("run");
    /// let run = Run::create(&path, "demo", &Settings { batch: 8, ..Default::default() })?;
    /// assert!(Run::open(&path).unwrap_err().to_string().contains("is being trained by another"));
    /// drop(run);
    /// let run = Run::open(&path)?;
    /// assert_eq!((run.model(), run.settings::<Settings>()?.batch), ("demo", 8));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create<S: Serialize>(folder: &Path, model: &str, settings: &S) -> Result<Self> {
        let mut table = settings::table_of(CONFIG, settings)?;
        let run = run_settings(CONFIG, &table)?;
        for (key, value) in
            [("schema", Value::Integer(SCHEMA)), ("model", Value::String(model.into()))]
        {
            if table.insert(key.into(), value).is_some() {
                return Err(TrainError::setting(key, "is not free for settings"));
            }
        }
        let text = toml::to_string(&table)
            .map_err(|error| TrainError::setting(CONFIG, error.to_string()))?;
        fs::create_dir_all(folder).map_err(|error| TrainError::write(folder, error))?;
        let lock = lock::take(folder)?;
        // Of a process that was killed before it had written the settings.
        atomic::sweep(folder);
        let entries = fs::read_dir(folder).map_err(|error| TrainError::read(folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| TrainError::read(folder, error))?;
            if entry.file_name() != lock::LOCK {
                return Err(TrainError::Occupied { path: folder.into() });
            }
        }
        let config = folder.join(CONFIG);
        let text = format!("{TITLE} Going on with it takes them from here.\n{text}");
        atomic::write(&config, text.as_bytes())
            .map_err(|error| TrainError::write(&config, error))?;
        strip(&mut table);
        Ok(Self { folder: folder.into(), model: model.into(), table, settings: run, _lock: lock })
    }

    /// Opens a run to go on with it.
    ///
    /// # Errors
    /// No run; one that another process trains; settings that cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let config = folder.join(CONFIG);
        if !config.is_file() {
            return Err(TrainError::NoRun { path: folder.into(), file: CONFIG });
        }
        let lock = lock::take(folder)?;
        let (model, table) = read_config(&config, File::open(&config))?;
        let settings = run_settings(&config.display().to_string(), &table)?;
        atomic::sweep(folder);
        checkpoint::sweep(&folder.join(CHECKPOINTS))?;
        Ok(Self { folder: folder.into(), model, table, settings, _lock: lock })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The name of the model.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What the engine reads of the settings.
    pub fn run_settings(&self) -> &RunSettings {
        &self.settings
    }

    /// All settings.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The model's settings.
    ///
    /// # Errors
    /// Keys that there are not, or values of the wrong type.
    pub fn settings<S: DeserializeOwned>(&self) -> Result<S> {
        let config = self.folder.join(CONFIG);
        settings::read(&config.display().to_string(), self.table.clone())
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A folder in the folder, made if it is not there.
    pub(crate) fn subfolder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(TrainError::write(&path, error))
            }
            _ => Ok(path),
        }
    }
}

/// The model's name and the settings of a run's `config.toml`.
fn read_config(config: &Path, file: io::Result<File>) -> Result<(String, Table)> {
    let mut text = String::new();
    file.and_then(|file| file.take(MAX_CONFIG + 1).read_to_string(&mut text))
        .map_err(|error| TrainError::read(config, error))?;
    if text.len() as u64 > MAX_CONFIG {
        return Err(TrainError::damaged(config, format!("longer than {MAX_CONFIG} bytes")));
    }
    let mut table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| TrainError::damaged(config, error.to_string()))?;
    let wrong = |reason: String| Err(TrainError::damaged(config, reason));
    match table.get("schema").and_then(Value::as_integer) {
        Some(SCHEMA) => {}
        Some(other) => {
            return wrong(format!("schema {other}, but this program reads schema {SCHEMA}"));
        }
        None => return wrong("schema is missing".into()),
    }
    let Some(model) = table.get("model").and_then(Value::as_str).map(String::from) else {
        return wrong("model is missing".into());
    };
    strip(&mut table);
    Ok((model, table))
}

/// Leaves the model's own settings.
fn strip(table: &mut Table) {
    table.remove("schema");
    table.remove("model");
}

fn run_settings(place: &str, table: &Table) -> Result<RunSettings> {
    let Some(Value::Table(run)) = table.get(RUN) else {
        return Err(TrainError::setting(place, format!("the table [{RUN}] is missing")));
    };
    let settings: RunSettings = settings::read(&format!("{place}: [{RUN}]"), run.clone())?;
    settings.check()?;
    Ok(settings)
}
