//! One process trains a run.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use super::files;
use crate::error::{Result, TrainError};

/// The file that is locked; its content is the number of the process.
pub(super) const LOCK: &str = "lock";

/// How often a lock is tried: whoever asks [`is_held`] has it for some microseconds.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(25);

/// Takes the lock, which ends with the file or the process.
pub(super) fn take(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|error| TrainError::write(&path, error))?;
    let mut tried = 1;
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if tried < ATTEMPTS => {
                tried += 1;
                sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let process =
                    file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(TrainError::Locked { path: folder.into(), process });
            }
            // A file system without locks: nobody can be kept out.
            Err(TryLockError::Error(_)) | Ok(()) => break,
        }
    }
    let number = format!("{}\n", std::process::id());
    file.set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(number.as_bytes()))
        .map_err(|error| TrainError::write(&path, error))?;
    Ok(file)
}

/// Whether a process trains this run now. Nothing is written; without a lock, or on a file system that has none, the
/// answer is no.
pub fn is_held(folder: &Path) -> bool {
    files::open(&folder.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
