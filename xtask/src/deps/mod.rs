//! `deps`: the rules about dependencies, checked on what cargo itself resolved.

mod bans;
mod edges;
mod licence;
mod metadata;
#[cfg(test)]
mod sample;

use std::path::Path;

use anyhow::{Result, bail};

use crate::unexpected;
use metadata::Metadata;

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    if let [argument, ..] = arguments {
        return Err(unexpected("deps", argument));
    }
    check(root)
}

/// Prints every breach of a rule.
///
/// # Errors
/// If there is any, or if cargo cannot resolve the workspace.
pub(crate) fn check(root: &Path) -> Result<()> {
    let metadata = Metadata::load(root)?;
    let built = metadata.compiled(root, false)?;
    let all = metadata.compiled(root, true)?;
    let rules = [
        ("edges", edges::problems(&metadata)),
        ("licences", licence::problems(&all)),
        ("banned", bans::banned(&metadata, &all)),
        // Test tools may bring their own versions: nobody ships them.
        ("duplicates", bans::duplicates(&metadata, &built)),
        ("sources", bans::sources(&all)),
    ];
    let mut count = 0;
    for (rule, problems) in &rules {
        for problem in problems {
            eprintln!("{rule}: {problem}");
        }
        count += problems.len();
    }
    if count > 0 {
        bail!("{count} breaches of the rules about dependencies");
    }
    println!(
        "{} crates of ours, {} of others ({} of them only for tests): edges, licences, bans, duplicates and sources are right",
        metadata.workspace_members.len(),
        all.len() - metadata.workspace_members.len(),
        all.len() - built.len()
    );
    Ok(())
}
