//! Names of outputs: never two inputs onto one.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// For each wanted path without ending a path of its own. The first that wants a path gets it; a later
/// one gets the smallest of `-2`, `-3`, ... that nobody wants or has. The result depends on nothing
/// but the list.
pub(crate) fn distinct(wanted: &[PathBuf]) -> Vec<PathBuf> {
    let mut taken: HashSet<OsString> = HashSet::new();
    let first: Vec<bool> = wanted.iter().map(|path| taken.insert(key(path))).collect();
    let mut given = Vec::with_capacity(wanted.len());
    let mut next = std::collections::HashMap::new();
    for (path, first) in wanted.iter().zip(first) {
        if first {
            given.push(path.clone());
            continue;
        }
        let number = next.entry(key(path)).or_insert(2usize);
        loop {
            let candidate = with_ending(path, &format!("-{number}"));
            *number += 1;
            if taken.insert(key(&candidate)) {
                given.push(candidate);
                break;
            }
        }
    }
    given
}

/// The path with `ending` after its last name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What the file system takes for the same name.
fn key(path: &Path) -> OsString {
    // These usually know no case.
    match cfg!(any(windows, target_os = "macos")) {
        true => path.to_string_lossy().to_lowercase().into(),
        false => path.as_os_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_get_numbers_around_those_in_use() {
        let wanted = ["a", "b/a", "a", "a-2", "a", "a", "b/a", "a-2"].map(PathBuf::from);
        let expected = ["a", "b/a", "a-3", "a-2", "a-4", "a-5", "b/a-2", "a-2-2"];
        assert_eq!(distinct(&wanted), expected.map(PathBuf::from));
        assert_eq!(with_ending(Path::new("x/a.b"), ".mask.png"), Path::new("x/a.b.mask.png"));
    }
}
