//! `samples/step-N.png`: the pictures of a run.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{SAMPLES, files};
use crate::error::{Result, TrainError};

/// The picture of a step, in the folder of the pictures.
pub(crate) fn path(samples: &Path, step: u64) -> PathBuf {
    samples.join(format!("step-{step:09}.png"))
}

/// The step of a file that is called as [`path`] calls it.
pub(crate) fn step_of(name: &str) -> Option<u64> {
    let step = name.strip_prefix("step-")?.strip_suffix(".png")?.parse().ok()?;
    (path(Path::new(""), step).to_str() == Some(name)).then_some(step)
}

/// The steps of a run's pictures, in rising order.
///
/// # Errors
/// A folder that cannot be read; one that is not there has none, and neither has one behind a link.
pub fn list(run: &Path) -> Result<Vec<u64>> {
    let folder = run.join(SAMPLES);
    if !is_folder(&folder) {
        return Ok(Vec::new());
    }
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(TrainError::read(&folder, error)),
        Ok(entries) => entries,
    };
    let mut steps = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| TrainError::read(&folder, error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            steps.extend(entry.file_name().to_str().and_then(step_of));
        }
    }
    steps.sort_unstable();
    Ok(steps)
}

/// The file of a step's picture, a PNG; none if there is none.
///
/// # Errors
/// A file that cannot be read, or has more than `limit` bytes.
pub fn read(run: &Path, step: u64, limit: u64) -> Result<Option<Vec<u8>>> {
    let folder = run.join(SAMPLES);
    if !is_folder(&folder) {
        return Ok(None);
    }
    let path = path(&folder, step);
    let file = match files::open(&path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput) => {
            return Ok(None);
        }
        Err(error) => return Err(TrainError::read(&path, error)),
        Ok(file) => file,
    };
    let unreadable = |error| TrainError::read(&path, error);
    let bytes = file.metadata().map_err(unreadable)?.len();
    let mut picture = Vec::new();
    if bytes <= limit {
        file.take(limit + 1).read_to_end(&mut picture).map_err(unreadable)?;
    }
    // It may have grown since it was measured.
    let bytes = bytes.max(picture.len() as u64);
    if bytes > limit {
        return Err(TrainError::damaged(&path, format!("{bytes} bytes; at most {limit} are read")));
    }
    Ok(Some(picture))
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_steps() {
        assert_eq!(path(Path::new("a"), 12), Path::new("a/step-000000012.png"));
        assert_eq!(step_of("step-000000012.png"), Some(12));
        assert_eq!(step_of("step-1000000000000.png"), Some(1_000_000_000_000));
        for other in ["step-12.png", "step-+00000012.png", "step-000000012.jpg", "step-.png", ""] {
            assert_eq!(step_of(other), None, "{other}");
        }
    }
}
