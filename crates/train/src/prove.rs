//! The proof that a run survives being killed: a stretch of it is trained twice in processes of their own, once
//! unbroken, once killed again and again, and the results are compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::error::{Result, TrainError};
use crate::run::{CHECKPOINTS, CONFIG, METRICS, checkpoint};
use crate::trainee::chance;

/// How often is looked whether a child has ended.
const LOOK: Duration = Duration::from_millis(2);
/// From so many rounds on, one that ends before it is killed means that the stretch is too short.
const TOO_FAST: u64 = 50;

/// What is proved, and where.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// The run; it is read, never written.
    pub run: PathBuf,
    /// An empty folder for the two copies.
    pub scratch: PathBuf,
    /// Steps from the newest sound checkpoint on.
    pub steps: u64,
    /// How often the second copy is killed.
    pub kills: u64,
    /// Where the moments of the kills come from.
    pub seed: u64,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The first step's number of the stretch, less 1.
    pub from: u64,
    /// The last step's number.
    pub until: u64,
    /// How often a process was killed, wherever it was.
    pub kills: u64,
    /// How often the killed copy went through the whole stretch.
    pub rounds: u64,
    /// The hash of the weights of the unbroken copy.
    pub weights_hash: String,
    /// The first difference, if there is one.
    pub difference: Option<String>,
}

impl Proof {
    /// Whether all was the same.
    pub fn holds(&self) -> bool {
        self.difference.is_none()
    }
}

/// Trains a stretch of a run in children, unbroken and killed. `command` gives the child that goes on with the run in a
/// folder until a step.
///
/// # Errors
/// A run without a sound checkpoint; a child that cannot be started, or fails; what cannot be read or written. A
/// difference is no error but the result.
pub fn prove(stretch: &Stretch, command: impl Fn(&Path, u64) -> Command) -> Result<Proof> {
    let Stretch { run, scratch, steps, kills, seed } = stretch;
    let (from, newest) = newest(&run.join(CHECKPOINTS))?;
    let until = from + steps;
    let copy = |name: &str| -> Result<PathBuf> {
        let to = scratch.join(name);
        copy_run(run, &newest, &to)?;
        Ok(to)
    };
    let unbroken = copy("unbroken")?;
    let begun = Instant::now();
    finish(&command(&unbroken, until), start(command(&unbroken, until))?)?;
    let whole = begun.elapsed();
    let weights_hash = checkpoint::manifest(&checkpoint::path(&unbroken.join(CHECKPOINTS), until))?;
    let mut proof = Proof {
        from,
        until,
        kills: 0,
        rounds: 0,
        weights_hash: weights_hash.weights_hash,
        difference: None,
    };
    let mut draws = 0;
    while proof.difference.is_none() && (proof.kills < *kills || proof.rounds == 0) {
        let broken = copy(&format!("broken-{}", proof.rounds))?;
        let before = proof.kills;
        loop {
            let mut child = start(command(&broken, until))?;
            if proof.kills < *kills {
                // Up to as long as all takes, so that every moment has its chance.
                let share = chance(*seed, "kill", draws) as f64 / u64::MAX as f64;
                draws += 1;
                if killed(&mut child, whole.mul_f64(share))? {
                    proof.kills += 1;
                    continue;
                }
            }
            finish(&command(&broken, until), child)?;
            break;
        }
        proof.rounds += 1;
        if proof.rounds >= TOO_FAST && proof.kills == before {
            let reason = "the stretch is over before it can be killed; take more steps".into();
            return Err(TrainError::Child { command: shown(&command(&broken, until)), reason });
        }
        proof.difference = difference(&unbroken, &broken, until)?;
        if proof.difference.is_none() {
            fs::remove_dir_all(&broken).map_err(|error| TrainError::write(&broken, error))?;
        }
    }
    Ok(proof)
}

fn newest(checkpoints: &Path) -> Result<(u64, PathBuf)> {
    for (step, path) in checkpoint::list(checkpoints)? {
        if checkpoint::read(&path).is_ok() {
            return Ok((step, path));
        }
    }
    Err(TrainError::damaged(checkpoints, "no sound checkpoint to begin from"))
}

/// A run that stands at one checkpoint, with nothing of what came later.
fn copy_run(run: &Path, checkpoint: &Path, to: &Path) -> Result<()> {
    let made =
        |path: &Path| fs::create_dir_all(path).map_err(|error| TrainError::write(path, error));
    let copied = |from: &Path, to: &Path| {
        fs::copy(from, to).map(|_| ()).map_err(|error| TrainError::write(to, error))
    };
    let name = checkpoint.file_name().unwrap_or_default();
    let into = to.join(CHECKPOINTS).join(name);
    made(&into)?;
    copied(&run.join(CONFIG), &to.join(CONFIG))?;
    let entries = fs::read_dir(checkpoint).map_err(|error| TrainError::read(checkpoint, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| TrainError::read(checkpoint, error))?;
        copied(&entry.path(), &into.join(entry.file_name()))?;
    }
    Ok(())
}

fn start(mut command: Command) -> Result<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().map_err(|error| TrainError::Child {
        command: shown(&command),
        reason: format!("cannot be started: {error}"),
    })
}

/// Whether a child was still there to be killed after a while. It is killed as by `kill -9`.
fn killed(child: &mut Child, after: Duration) -> Result<bool> {
    let at = Instant::now() + after;
    let failed = |error: std::io::Error| TrainError::Child {
        command: "kill".into(),
        reason: error.to_string(),
    };
    while let Some(left) = at.checked_duration_since(Instant::now()) {
        if child.try_wait().map_err(failed)?.is_some() {
            return Ok(false);
        }
        std::thread::sleep(left.min(LOOK));
    }
    child.kill().map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    Ok(was_killed(status))
}

fn was_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
    #[cfg(not(unix))]
    return !status.success();
}

fn finish(command: &Command, child: Child) -> Result<()> {
    let command = shown(command);
    let failed = |reason: String| TrainError::Child { command: command.clone(), reason };
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Err(failed(format!("{}: {last}", output.status)))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The first difference between two copies: weights, averages, the state of training, and the numbers of every step.
fn difference(unbroken: &Path, broken: &Path, until: u64) -> Result<Option<String>> {
    let read = |run: &Path| checkpoint::read(&checkpoint::path(&run.join(CHECKPOINTS), until));
    let (a, b) = (read(unbroken)?, read(broken)?);
    let (hash_a, hash_b) = (&a.manifest.weights_hash, &b.manifest.weights_hash);
    if hash_a != hash_b {
        return Ok(Some(format!("the weights have hash {hash_b}, but {hash_a} without kills")));
    }
    if a.averaged != b.averaged {
        return Ok(Some("the averaged weights differ".into()));
    }
    if let Some(tensor) = a.state.tensors().zip(b.state.tensors()).find(|(a, b)| a != b) {
        return Ok(Some(format!("{} in the state of training differs", tensor.0.name())));
    }
    if a.manifest.standing != b.manifest.standing {
        return Ok(Some("the best evaluation or the last numbers differ".into()));
    }
    let numbers = |run: &Path| {
        let path = run.join(METRICS);
        fs::read_to_string(&path).map_err(|error| TrainError::read(&path, error))
    };
    let (a, b) = (numbers(unbroken)?, numbers(broken)?);
    let mut lines = a.lines().zip(b.lines()).enumerate();
    if let Some((number, (a, b))) = lines.find(|(_, (a, b))| a != b) {
        return Ok(Some(format!("line {} of {METRICS} is {b}, but {a} without kills", number + 1)));
    }
    let (a, b) = (a.lines().count(), b.lines().count());
    Ok((a != b).then(|| format!("{METRICS} has {b} lines, but {a} without kills")))
}
