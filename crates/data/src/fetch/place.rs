//! Where a set is to appear, and where it is made until then.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::atomic;
use crate::error::{DataError, Result};

/// Where a folder is to appear.
pub(super) struct Place {
    folder: PathBuf,
    /// The folder that it lies in.
    above: PathBuf,
}

/// A folder beside a place, which vanishes with this value.
pub(super) struct Workshop {
    folder: TempDir,
    /// Ends with this process, however that ends.
    _lock: File,
}

const PREFIX: &str = ".upconv-fetch-";

/// The file in a workshop that is locked while it is in use.
const LOCK: &str = "lock";

impl Place {
    /// The place of a folder that is not there, or empty; the folders above it are made.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let wrong = |error: io::Error| DataError::write(folder, error);
        let whole = std::path::absolute(folder).map_err(wrong)?;
        let whole = fs::canonicalize(&whole).unwrap_or(whole);
        let current = std::env::current_dir().and_then(fs::canonicalize);
        // It is replaced as a whole, under the feet of whoever stands in it.
        let (true, Some(above)) = (current.ok().as_ref() != Some(&whole), whole.parent()) else {
            let message = "name a folder to be made, not the one that you are in";
            return Err(wrong(io::Error::new(ErrorKind::InvalidInput, message)));
        };
        fs::create_dir_all(above).map_err(|error| DataError::write(above, error))?;
        Ok(Self { above: above.to_owned(), folder: whole })
    }

    /// A new workshop; those that killed programs left here are removed.
    pub(super) fn workshop(&self) -> Result<Workshop> {
        sweep(&self.above);
        let make = || {
            let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&self.above)?;
            // It takes its name locked: a sweep finds no lock, or one that is held.
            let (new, lock) = (folder.path().join("new"), folder.path().join(LOCK));
            let file = File::create(&new)?;
            // File systems without locks are swept by nobody.
            let _ = file.lock();
            fs::rename(new, lock)?;
            Ok(Workshop { folder, _lock: file })
        };
        make().map_err(|error| DataError::write(&self.above, error))
    }

    /// Gives a whole folder its name, once its files are on the disk.
    pub(super) fn take(&self, kept: &Path) -> Result<()> {
        sync(kept).map_err(|error| DataError::write(kept, error))?;
        let named = match fs::remove_dir(&self.folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => fs::rename(kept, &self.folder).and_then(|()| atomic::sync_folder(&self.above)),
        };
        named.map_err(|error| DataError::write(&self.folder, error))
    }
}

impl Workshop {
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the workshops that nobody holds. What cannot be looked at or removed is left alone.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours
            && let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync(&path)?,
            false => File::open(&path)?.sync_all()?,
        }
    }
    atomic::sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_takes_its_name_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        for (name, there) in [("a/b", false), ("c", true)] {
            let (kept, to) = (folder.path().join("kept"), folder.path().join(name));
            fs::create_dir(&kept).unwrap();
            fs::write(kept.join("x"), "y").unwrap();
            if there {
                fs::create_dir(&to).unwrap();
            }
            Place::of(&to).unwrap().take(&kept).unwrap();
            assert_eq!(fs::read(to.join("x")).unwrap(), b"y");
        }
        let error = Place::of(Path::new(".")).err().unwrap().to_string();
        assert!(error.contains("not the one that you are in"), "{error}");
    }

    #[test]
    fn a_workshop_vanishes_and_takes_those_of_the_dead_along() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(&folder.path().join("set")).unwrap();
        let left = folder.path().join(".upconv-fetch-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        fs::write(left.join("half"), "half").unwrap();
        let [one, two] = [(); 2].map(|()| place.workshop().unwrap());
        assert!(!left.exists() && one.path().exists() && two.path().exists());
        drop((one, two));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
