//! Every relative link in the documents leads to something that exists.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Checks the Markdown files of the root, and those of `docs` and `golden` with their folders.
///
/// # Errors
/// If a link leads nowhere; each one is printed with its file and line.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut documents = Vec::new();
    markdown(root, false, &mut documents)?;
    for folder in ["docs", "golden"] {
        if root.join(folder).is_dir() {
            markdown(&root.join(folder), true, &mut documents)?;
        }
    }
    documents.sort();

    let (mut links, mut broken) = (0, 0);
    for document in &documents {
        let text = fs::read_to_string(document)
            .with_context(|| format!("cannot read {}", document.display()))?;
        let folder = document.parent().unwrap_or(root);
        for (line, target) in relative_links(&text) {
            links += 1;
            if !folder.join(&target).exists() {
                broken += 1;
                let name = document.strip_prefix(root).unwrap_or(document);
                eprintln!("{}:{line}: `{target}` does not exist", name.display());
            }
        }
    }
    if broken > 0 {
        bail!("{broken} of {links} relative links lead nowhere");
    }
    println!("{links} relative links in {} documents lead somewhere", documents.len());
    Ok(())
}

fn markdown(folder: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if recursive && path.is_dir() {
            markdown(&path, true, found)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    Ok(())
}

/// The targets of `[text](target)` and `[name]: target` that are paths, without their `#fragment`,
/// each with its line. Code, fenced or between backquotes, holds no links.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fence: Option<&str> = None;
    for (number, line) in text.lines().enumerate() {
        let start = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| start.starts_with(marker));
        match (fence, marker) {
            (None, Some(marker)) => fence = Some(marker),
            (Some(open), Some(marker)) if open == marker => fence = None,
            (None, None) => {
                let line = without_code(line);
                let targets = inline_targets(&line).into_iter().chain(reference_target(&line));
                found.extend(targets.filter_map(path_of).map(|path| (number + 1, path)));
            }
            _ => {}
        }
    }
    found
}

fn without_code(line: &str) -> String {
    let parts: Vec<&str> = line.split('`').collect();
    // An odd backquote at the end opens nothing.
    let closed = parts.len() - (parts.len() + 1) % 2;
    let outside = |(place, part): (usize, &&str)| {
        if place % 2 == 0 || place >= closed { (*part).to_owned() } else { String::new() }
    };
    parts.iter().enumerate().map(outside).collect()
}

fn inline_targets(line: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut rest = line;
    while let Some(place) = rest.find("](") {
        rest = &rest[place + 2..];
        if let Some(end) = rest.find(')') {
            targets.push(&rest[..end]);
        }
    }
    targets
}

fn reference_target(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('[')?;
    let (_, target) = rest.split_once("]:")?;
    Some(target)
}

/// The path in a link's target, if it is one: not an address, not a place in the same document.
fn path_of(target: &str) -> Option<String> {
    // A title may follow the path.
    let target = target.split_whitespace().next()?.trim_start_matches('<').trim_end_matches('>');
    let path = target.split('#').next()?;
    let is_address = path.starts_with("//")
        || path.split_once(':').is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric())
        });
    (!path.is_empty() && !is_address).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{check, relative_links};

    #[test]
    fn finds_paths_only() {
        let text = "see [a](x/y.md#part) and [b](https://example.org/z), [c](#here)\n\
                    `[no](code.md)` but [d](d.md \"title\")\n\
                    ```sh\n[no](fenced.md)\n```\n\
                    [e]: e.md\n[f]: mailto:someone@example.org\n\
                    a lone ` before [g](<g.md>)\n";
        let expected = [(1, "x/y.md"), (2, "d.md"), (6, "e.md"), (8, "g.md")];
        let found = relative_links(text);
        let found: Vec<(usize, &str)> = found.iter().map(|(n, path)| (*n, path.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_broken_link_fails() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("README.md"), "[docs](docs/a.md)").unwrap();
        assert!(check(root.path()).is_err());
        std::fs::write(root.path().join("docs/a.md"), "[up](../README.md)").unwrap();
        assert!(check(root.path()).is_ok());
        std::fs::write(root.path().join("docs/a.md"), "[up](README.md)").unwrap();
        assert!(check(root.path()).is_err());
    }
}
