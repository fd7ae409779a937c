//! Files that are there as a whole or not at all.
//!
//! A file is written to a temporary name in the same folder, synced, renamed; then the folder is
//! synced. A program that is killed leaves at most temporary files, which [`sweep`] removes later: a
//! lock, which ends with its process, tells them from those of a program that still runs.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

const PREFIX: &str = ".upconv-";
const SUFFIX: &str = ".part";

/// How often a temporary file is created anew when another program's [`sweep`] was faster.
const ATTEMPTS: usize = 16;

/// A file that is being written; it takes its name with [`Pending::commit`]. Dropped before, it is gone.
#[derive(Debug)]
pub struct Pending {
    file: NamedTempFile,
    path: PathBuf,
    folder: PathBuf,
}

impl Pending {
    /// Begins to write a file. An existing one of this name stays as it is until the commit; behind a
    /// symbolic link it is the file itself that is replaced.
    ///
    /// # Errors
    /// If there is no such folder, nothing can be created in it, or the path is a folder itself.
    pub fn create(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = folder_of(&path);
        if !folder.is_dir() {
            let missing = format!("there is no folder {}", folder.display());
            return Err(io::Error::new(ErrorKind::NotFound, missing));
        }
        Ok(Self { file: temporary(&folder)?, path, folder })
    }

    /// Makes sure that the content is on the disk, so that nothing but the rename is left to do.
    ///
    /// # Errors
    /// What the system says, often that the disk is full.
    pub fn sync(&mut self) -> io::Result<()> {
        self.file.as_file().sync_all()
    }

    /// Syncs the file and gives it its name. The folder is still to be synced, see [`sync_folder`].
    ///
    /// # Errors
    /// What the system says; the temporary file is removed then.
    pub fn commit(mut self) -> io::Result<()> {
        self.sync()?;
        self.file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The folder that the file lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Write for Pending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The file itself, since the wrapper's errors name the temporary path.
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Writes a whole file. What is no regular file (a pipe, `/dev/null`) is written to as it is.
///
/// # Errors
/// As [`Pending::create`] and [`Pending::commit`].
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("a.txt");
/// upconv_data::atomic::write(&path, b"whole")?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// assert_eq!(std::fs::read_dir(folder.path())?.count(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        return File::options().write(true).open(path)?.write_all(content);
    }
    let mut file = Pending::create(path)?;
    file.write_all(content)?;
    let folder = file.folder().to_owned();
    file.commit()?;
    sync_folder(&folder)
}

/// Makes the names in a folder last.
///
/// # Errors
/// What the system says.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Removes the temporary files that programs which were killed left in a folder, not those of its
/// sub-folders. What cannot be looked at or removed is left alone.
pub fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX);
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        if let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            // It may have been renamed in the meantime; then nothing of this name is there.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A locked temporary file. Between its creation and the lock a [`sweep`] may have removed it; from
/// the lock on none can.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    // The mode of an ordinary new file, less the process's mask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    for _ in 0..ATTEMPTS {
        let file = builder.tempfile_in(folder).map_err(without_path)?;
        // File systems without locks are swept by nobody.
        let _ = file.as_file().lock();
        if file.path().exists() {
            return Ok(file);
        }
    }
    Err(io::Error::other("temporary files vanish as soon as they are created"))
}

/// What the system said, without the temporary path, which tells people nothing.
fn without_path(error: io::Error) -> io::Error {
    let source = error.get_ref().and_then(|wrapped| wrapped.source());
    let source = source.and_then(|source| source.downcast_ref::<io::Error>());
    source.and_then(io::Error::raw_os_error).map_or(error, io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_without_a_commit_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "old").unwrap();
        let mut pending = Pending::create(&path).unwrap();
        pending.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(pending);
        assert_eq!(names(folder.path()), ["a"]);
        write(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn the_sweep_takes_what_nobody_holds() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".upconv-left.part"), "half").unwrap();
        fs::write(folder.path().join("mine.part"), "").unwrap();
        let pending = Pending::create(&folder.path().join("a")).unwrap();
        sweep(folder.path());
        assert_eq!(names(folder.path()).len(), 2);
        pending.commit().unwrap();
        assert_eq!(names(folder.path()), ["a", "mine.part"]);
    }

    #[test]
    fn what_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("missing").join("a"), b"").unwrap_err();
        assert!(error.to_string().contains("there is no folder"), "{error}");
        assert_eq!(write(folder.path(), b"").unwrap_err().kind(), ErrorKind::IsADirectory);
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn links_and_modes() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["file", "link"].map(|name| folder.path().join(name));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(link.is_symlink());
        // Readable for all that the process's mask allows, as any new file.
        fs::write(folder.path().join("plain"), "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&file), mode(&folder.path().join("plain")));
    }
}
