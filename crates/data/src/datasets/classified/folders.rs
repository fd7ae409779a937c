//! A folder of pictures for each class.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{ClassifiedFolder, Items, MAX_CLASSES};
use crate::datasets::{Part, Parts, pairs};
use crate::error::{DataError, Result};
use crate::walk::{Inputs, Source};

/// Reads which pictures there are; none is opened.
pub(super) fn open(folder: &Path, validation: Option<usize>) -> Result<ClassifiedFolder> {
    let mut problems = Vec::new();
    let of_parts = Part::ALL.map(|part| pairs::named(folder, &part.names()));
    let classes = match &of_parts[0] {
        None => folders(folder)?,
        Some(train) => folders(train)?,
    };
    if !(2..=MAX_CLASSES).contains(&classes.len()) {
        let wanted = format!(
            "CIFAR-10's data_batch_1.bin or data_batch_1; or MNIST's train-images-idx3-ubyte; or a folder of \
             pictures for each class, 2 to {MAX_CLASSES} of them ({} found), also below train, val and test",
            classes.len()
        );
        return Err(DataError::NoDataSet { folder: folder.into(), wanted });
    }
    let mut parts = Parts::<Vec<(PathBuf, u8)>>::default();
    for (part, below) in Part::ALL.into_iter().zip(&of_parts) {
        let Some(below) = below.as_deref().or((part == Part::Train).then_some(folder)) else {
            continue;
        };
        for name in folders(below)? {
            match (0..).zip(&classes).find(|(_, known)| **known == name) {
                Some((label, _)) => {
                    let files = pictures(&below.join(&name), &mut problems);
                    parts.of_mut(part).extend(files.into_iter().map(|file| (file, label)));
                }
                None => {
                    let error = DataError::NoDataSet {
                        folder: below.join(&name),
                        wanted: "a class that the training part has, too".into(),
                    };
                    problems.push(error);
                }
            }
        }
    }
    if parts.val.is_empty() {
        divide(&mut parts, folder, classes.len(), validation)?;
    }
    let items = |files: Vec<(PathBuf, u8)>| (!files.is_empty()).then(|| Items::Files(files.into()));
    let Parts { train, val, test } = parts;
    let parts = Parts { train: items(train), val: items(val), test: items(test) };
    Ok(ClassifiedFolder { folder: folder.into(), classes: classes.into(), problems, parts })
}

/// Takes pictures of every class for validation: those whose paths below the folder have the smallest SHA-256 digests.
fn divide(
    parts: &mut Parts<Vec<(PathBuf, u8)>>,
    folder: &Path,
    classes: usize,
    validation: Option<usize>,
) -> Result<()> {
    let all = std::mem::take(&mut parts.train);
    let count = all.len();
    let wanted = validation.unwrap_or((count + 5) / 10);
    if wanted >= count && count > 0 {
        let legal = "fewer than the pictures of the training part";
        let got = wanted.to_string();
        return Err(DataError::Setting { name: "validation", got, legal }.in_file(folder));
    }
    for class in 0..classes {
        let (mut own, mut taken) = (Vec::new(), 0);
        for (path, label) in all.iter().filter(|(_, label)| usize::from(*label) == class) {
            let name = path.strip_prefix(folder).unwrap_or(path).display().to_string();
            own.push((<[u8; 32]>::from(Sha256::digest(name.as_bytes())), path, *label));
        }
        // In proportion, to the nearest; one at least stays for training.
        let share = (own.len() as u128 * wanted as u128 * 2 + count as u128) / (2 * count as u128);
        let share = (share as usize).min(own.len().saturating_sub(1));
        let mut digests: Vec<[u8; 32]> = own.iter().map(|(digest, ..)| *digest).collect();
        digests.sort_unstable();
        let limit = share.checked_sub(1).and_then(|last| digests.get(last)).copied();
        for (digest, path, label) in own {
            let is_taken = limit.is_some_and(|limit| digest <= limit) && taken < share;
            taken += usize::from(is_taken);
            let part = if is_taken { Part::Val } else { Part::Train };
            parts.of_mut(part).push((path.clone(), label));
        }
    }
    Ok(())
}

/// The names of the folders in a folder, in the order of their bytes; those that begin with a dot do not count.
fn folders(folder: &Path) -> Result<Vec<String>> {
    let read = |error| DataError::read(error).in_file(folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The pictures in a folder and below it.
fn pictures(folder: &Path, problems: &mut Vec<DataError>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for input in Inputs::find(&[folder.to_owned()], Path::new("")).inputs {
        match (input.problem, input.source) {
            (None, Source::File(path)) => files.push(path),
            (Some(problem), _) => problems.push(problem.in_file(input.label)),
            (None, Source::Bytes(_)) => {}
        }
    }
    files
}
