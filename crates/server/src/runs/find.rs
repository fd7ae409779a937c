//! Which folders are runs, and what they are called.

use std::fs;
use std::path::{Path, PathBuf};

use upconv_train::run;

/// Most runs.
const MAX_RUNS: usize = 256;
/// How far below a given folder runs are looked for.
const MAX_DEPTH: usize = 3;
/// Most entries of folders that are looked at: data sets may lie beside runs.
const MAX_ENTRIES: usize = 1 << 18;

/// A run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What clients call it.
    pub(super) name: String,
    pub(super) folder: PathBuf,
}

/// What was found, and whether there is more.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) found: Vec<Found>,
    pub(super) cut: bool,
    entries: usize,
}

impl Search {
    /// Finds the runs at and below folders, in the order of these and then by name. Folders that are hidden or behind a
    /// link are not entered, and a run is not looked into. Where two have one name, the second is called `NAME (2)`.
    pub(super) fn new(given: &[PathBuf]) -> Self {
        let mut search = Self::default();
        for folder in given {
            // One that is gone may come back.
            if let Ok(folder) = folder.canonicalize() {
                search.at(&folder, "", 0);
            }
        }
        search
    }

    fn at(&mut self, folder: &Path, name: &str, depth: usize) {
        if run::is_run(folder) {
            self.add(folder, name);
        } else if depth < MAX_DEPTH {
            for below in self.below(folder) {
                let name = match name {
                    "" => below.to_string_lossy().into_owned(),
                    name => format!("{name}/{}", below.to_string_lossy()),
                };
                self.at(&folder.join(below), &name, depth + 1);
            }
        }
    }

    fn add(&mut self, folder: &Path, name: &str) {
        // It may be below two of the given folders.
        if self.found.iter().any(|known| known.folder == folder) {
            return;
        }
        if self.found.len() == MAX_RUNS {
            self.cut = true;
            return;
        }
        let own = || folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = if name.is_empty() { own() } else { name.to_owned() };
        let taken = |name: &str| self.found.iter().any(|known| known.name == name);
        let others = (2..).map(|number| format!("{name} ({number})"));
        let mut names = std::iter::once(name.clone()).chain(others);
        let name = names.find(|name| !taken(name)).unwrap_or_default();
        self.found.push(Found { name, folder: folder.into() });
    }

    /// The names of the folders in a folder.
    fn below(&mut self, folder: &Path) -> Vec<std::ffi::OsString> {
        // One that may not be read has no runs for us.
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut below = Vec::new();
        for entry in entries.flatten() {
            if self.entries == MAX_ENTRIES {
                self.cut = true;
                break;
            }
            self.entries += 1;
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            // Of the entry itself, not of what it links to.
            if !hidden && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                below.push(name);
            }
        }
        below.sort();
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(run::CONFIG), "# The settings of this run.\n").unwrap();
    }

    fn names(given: &[&Path]) -> Vec<String> {
        let given: Vec<PathBuf> = given.iter().map(|path| path.to_path_buf()).collect();
        Search::new(&given).found.into_iter().map(|found| found.name).collect()
    }

    #[test]
    fn at_and_below() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let given = root.join("given");
        for run in ["b", "a/2", "a/10", "a/b/c", "a/b/d/e", ".hidden/run", "b/inner"] {
            make(&given.join(run));
        }
        make(&root.join("other/b"));
        make(&root.join("other/b (2)"));
        fs::create_dir_all(given.join("empty")).unwrap();
        fs::write(given.join("empty/config.toml"), "[package]\n").unwrap();
        // Four below is too far; a run is not looked into.
        assert_eq!(names(&[&given]), ["a/10", "a/2", "a/b/c", "b"]);
        assert_eq!(names(&[&given.join("b")]), ["b"]);
        assert_eq!(
            names(&[&given, &root.join("other")]),
            ["a/10", "a/2", "a/b/c", "b", "b (2)", "b (2) (2)"]
        );
        // The same folder twice, and one within another.
        assert_eq!(names(&[&given.join("a"), &given, &given])[..3], ["10", "2", "b/c"]);
        assert_eq!(names(&[&given.join("a"), &given, &given]).len(), 5);
        assert!(names(&[&root.join("gone")]).is_empty());
        #[cfg(unix)]
        {
            let links = root.join("links");
            fs::create_dir(&links).unwrap();
            std::os::unix::fs::symlink(&given, links.join("given")).unwrap();
            assert!(names(&[&links]).is_empty());
            // But whoever gives a link means it.
            assert_eq!(names(&[&links.join("given")]).len(), 4);
        }
    }

    #[test]
    fn there_is_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..MAX_RUNS {
            make(&folder.path().join(format!("{number:03}")));
        }
        let given = [folder.path().to_path_buf()];
        let search = Search::new(&given);
        assert_eq!((search.found.len(), search.cut), (MAX_RUNS, false));
        make(&folder.path().join("zzz"));
        let search = Search::new(&given);
        assert_eq!((search.found.len(), search.cut), (MAX_RUNS, true));
    }
}
