//! Crates that must not come in, crates that must come in once, and where crates come from.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::{Metadata, Package};

/// A crate that is refused; with `below`, only its versions under `major.minor`.
struct Ban {
    name: &'static str,
    below: Option<(u64, u64)>,
    why: &'static str,
}

const fn ban(name: &'static str, why: &'static str) -> Ban {
    Ban { name, below: None, why }
}

const BANNED: &[Ban] = &[
    ban("bindgen", "needs libclang"),
    ban("cc", "compiles C: a plain cargo must be enough"),
    ban("chrono", "unmaintained"),
    ban("cmake", "compiles C: a plain cargo must be enough"),
    ban("fxhash", "unmaintained"),
    ban("libz-sys", "links C: flate2 has a Rust backend"),
    ban("openssl-sys", "links C"),
    ban("pin-utils", "unmaintained"),
    ban("proc-macro-error2", "unmaintained"),
    ban("ring", "compiles C and assembler"),
    ban("rustybuzz", "unmaintained: harfrust replaces it"),
    ban("ttf-parser", "unmaintained: skrifa replaces it"),
    Ban { name: "image", below: Some((0, 25)), why: "a second, older image stack" },
    Ban { name: "zip", below: Some((9, 0)), why: "a second, older zip reader" },
];

/// Crates that ours may not name, though they may come in through others: (crate, instead).
const BANNED_IN_OURS: &[(&str, &str)] = &[("lazy_static", "std::sync::LazyLock")];

/// Crates of which two versions are tolerated: (crate, both versions, why).
const TWICE: &[(&str, &[&str], &str)] = &[
    ("darling", &["0.21", "0.24"], "Burn's macros are between two versions; never in the program"),
    ("darling_core", &["0.21", "0.24"], "as darling"),
    ("darling_macro", &["0.21", "0.24"], "as darling"),
    ("hashbrown", &["0.16", "0.17"], "Burn and the map crates are between two versions"),
    ("miniz_oxide", &["0.8", "0.9"], "png and flate2 are between two versions"),
    ("syn", &["2", "3"], "the derive macros are between two versions"),
];

/// Banned crates among `packages`, and crates that ours name and should not.
pub(crate) fn banned(metadata: &Metadata, packages: &[&Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        for ban in BANNED.iter().filter(|ban| ban.name == package.name) {
            let refused = ban.below.is_none_or(|bound| major_minor(&package.version) < bound);
            if refused {
                let users = users(metadata, packages, package);
                problems.push(format!(
                    "{} {}: banned ({}); used by {users}",
                    package.name, package.version, ban.why
                ));
            }
        }
    }
    for package in metadata.ours() {
        for (name, instead) in BANNED_IN_OURS {
            if package.dependencies.iter().any(|dependency| dependency.name == *name) {
                problems.push(format!("{} -> {name}: use {instead}", package.name));
            }
        }
    }
    problems
}

/// Crates that come in more than one version without a reason.
pub(crate) fn duplicates(metadata: &Metadata, packages: &[&Package]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        by_name.entry(&package.name).or_default().push(package);
    }
    let mut problems = Vec::new();
    for (name, versions) in by_name {
        let tolerated =
            TWICE.iter().find(|(allowed, ..)| *allowed == name).map_or(&[][..], |t| t.1);
        // Each version must be another of the tolerated ones.
        let matched: BTreeSet<Option<&&str>> = versions
            .iter()
            .map(|p| tolerated.iter().find(|wanted| is_version(&p.version, wanted)))
            .collect();
        if versions.len() > 1 && (matched.contains(&None) || matched.len() < versions.len()) {
            let list: Vec<String> = versions
                .iter()
                .map(|p| format!("{} (used by {})", p.version, users(metadata, packages, p)))
                .collect();
            problems.push(format!(
                "{name}: {} versions: {}; if it cannot be helped, add it to TWICE in xtask/src/deps/bans.rs with a reason",
                versions.len(),
                list.join(", ")
            ));
        }
    }
    problems
}

/// Packages that come from anything but one registry or a folder of this repository.
pub(crate) fn sources(packages: &[&Package]) -> Vec<String> {
    let mut registry = None;
    let mut problems = Vec::new();
    for package in packages {
        let Some(source) = package.source.as_deref() else {
            continue;
        };
        if !source.starts_with("registry+") {
            problems.push(format!("{}: comes from {source}, not the registry", package.name));
        } else if *registry.get_or_insert(source) != source {
            problems.push(format!("{}: comes from a second registry, {source}", package.name));
        }
    }
    problems
}

/// The names of those that were resolved to use this very version.
fn users(metadata: &Metadata, packages: &[&Package], used: &Package) -> String {
    let ids = metadata.users(&used.id);
    let names: Vec<&str> = packages
        .iter()
        .filter(|package| ids.contains(package.id.as_str()))
        .map(|package| package.name.as_str())
        .collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// `2.0.1` is of version `2` and of version `2.0`, but not of version `2.1` or `20`.
fn is_version(version: &str, wanted: &str) -> bool {
    version.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn major_minor(version: &str) -> (u64, u64) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::super::sample::{package, workspace};
    use super::{banned, duplicates, sources};

    fn licensed(name: &str, version: &str) -> Package {
        package(name, version, Some("MIT"))
    }

    #[test]
    fn banned_by_name_or_by_version() {
        let metadata = workspace(&[("upconv", &[("lazy_static", "")])]);
        let packages =
            [licensed("cc", "1.2.0"), licensed("image", "0.24.9"), licensed("image", "0.25.10")];
        let packages: Vec<&Package> = packages.iter().collect();
        assert_eq!(
            banned(&metadata, &packages),
            [
                "cc 1.2.0: banned (compiles C: a plain cargo must be enough); used by nothing",
                "image 0.24.9: banned (a second, older image stack); used by nothing",
                "upconv -> lazy_static: use std::sync::LazyLock",
            ]
        );
    }

    #[test]
    fn two_versions_need_a_reason() {
        let metadata = workspace(&[]);
        let count = |packages: &[Package]| {
            duplicates(&metadata, &packages.iter().collect::<Vec<_>>()).len()
        };
        assert_eq!(count(&[licensed("syn", "2.0.100"), licensed("syn", "3.0.1")]), 0);
        assert_eq!(count(&[licensed("rand", "0.9.0"), licensed("rand", "0.10.0")]), 1);
        assert_eq!(count(&[licensed("syn", "2.0.100"), licensed("syn", "2.1.0")]), 1);
        let three = [licensed("syn", "1.0.9"), licensed("syn", "2.0.1"), licensed("syn", "3.0.0")];
        assert_eq!(count(&three), 1);
    }

    #[test]
    fn only_one_registry_and_folders() {
        let mut packages =
            [licensed("ours", "1.0.0"), licensed("a", "1.0.0"), licensed("b", "1.0.0")];
        packages[1].source = Some("registry+one".to_owned());
        packages[2].source = Some("registry+one".to_owned());
        assert!(sources(&packages.iter().collect::<Vec<_>>()).is_empty());
        packages[2].source = Some("registry+two".to_owned());
        assert_eq!(sources(&packages.iter().collect::<Vec<_>>()).len(), 1);
        packages[2].source = Some("git+elsewhere".to_owned());
        assert_eq!(sources(&packages.iter().collect::<Vec<_>>()).len(), 1);
    }
}
