//! Which crate of this workspace may use which.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::{Kind, Metadata, Package};

/// Every library, in an order in which each uses only those before it.
const LIBRARIES: &[&str] = &[
    "upconv-geometry",
    "upconv-kernels",
    "upconv-conformance",
    "upconv-nn",
    "upconv-weights",
    "upconv-data",
    "upconv-train",
    "upconv-models",
    "upconv-explain",
    "upconv-server",
];

/// The arrows of ARCHITECTURE.md: a crate, and all that its normal and build dependencies may name.
/// Crates that do not exist yet stand here too, so that the arrows are settled before the code.
const ALLOWED: &[(&str, &[&str])] = &[
    ("upconv-geometry", &[]),
    ("upconv-kernels", &["upconv-geometry"]),
    ("upconv-conformance", &["upconv-geometry", "upconv-kernels"]),
    ("upconv-nn", &["upconv-geometry", "upconv-kernels"]),
    ("upconv-weights", &[]),
    ("upconv-data", &["upconv-weights"]),
    ("upconv-train", &["upconv-nn", "upconv-weights", "upconv-data"]),
    (
        "upconv-models",
        &[
            "upconv-geometry",
            "upconv-kernels",
            "upconv-nn",
            "upconv-weights",
            "upconv-data",
            "upconv-train",
        ],
    ),
    ("upconv-explain", &["upconv-geometry", "upconv-kernels", "upconv-data"]),
    ("upconv-server", LIBRARIES),
    ("upconv-python", LIBRARIES),
    ("upconv", LIBRARIES),
    // One table of what can be fetched, and one way to fetch it.
    ("xtask", &["upconv-data"]),
];

/// Crates of others that only one of ours may name: (crate, who, why).
const RESERVED: &[(&str, &str, &str)] = &[
    ("burn-flex", "upconv-nn", "our operations meet Burn's backend in one crate"),
    ("burn-autodiff", "upconv-nn", "our operations meet Burn's backend in one crate"),
];

/// All edges that the rules do not allow, one line each.
pub(crate) fn problems(metadata: &Metadata) -> Vec<String> {
    let ours: BTreeMap<&str, &Package> =
        metadata.ours().map(|package| (package.name.as_str(), package)).collect();
    let mut problems = Vec::new();
    for (&name, package) in &ours {
        let Some((_, allowed)) = ALLOWED.iter().find(|(crate_name, _)| *crate_name == name) else {
            problems.push(format!(
                "{name}: not in the table ALLOWED of xtask/src/deps/edges.rs; add what it may use"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            for (reserved, owner, why) in RESERVED {
                if used == *reserved && name != *owner {
                    problems.push(format!("{name} -> {used}: only {owner} may name it ({why})"));
                }
            }
            if dependency.kind == Kind::Dev {
                // A crate may name itself, to switch its own features on for its tests.
                if used != name && ours.contains_key(used) && reaches(&ours, used, name) {
                    problems.push(format!("{name} -> {used} (for tests): makes a cycle"));
                }
                continue;
            }
            if ours.contains_key(used) && !allowed.contains(&used) {
                let list = if allowed.is_empty() { "none".into() } else { allowed.join(", ") };
                problems.push(format!("{name} -> {used}: not allowed; of ours it may use {list}"));
            }
            if name == "upconv-geometry" {
                problems.push(format!("{name} -> {used}: upconv-geometry has no dependencies"));
            }
        }
    }
    problems
}

/// Whether `from` uses `to`, directly or through others of ours, tests included.
fn reaches(ours: &BTreeMap<&str, &Package>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(name) = waiting.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            let dependencies = ours.get(name).map_or(&[][..], |package| &package.dependencies);
            waiting.extend(dependencies.iter().map(|dependency| dependency.name.as_str()));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::sample::workspace;
    use super::{ALLOWED, LIBRARIES, problems};

    #[test]
    fn the_arrows_of_the_design_are_allowed() {
        let metadata = workspace(&[
            ("upconv-geometry", &[("proptest", "dev")]),
            ("upconv-kernels", &[("upconv-geometry", ""), ("rayon", "")]),
            ("upconv-conformance", &[("upconv-geometry", ""), ("upconv-kernels", "")]),
            ("upconv", &[("upconv-kernels", ""), ("upconv-conformance", "")]),
        ]);
        assert_eq!(problems(&metadata), [] as [&str; 0]);
    }

    #[test]
    fn an_arrow_backwards_is_refused() {
        let metadata = workspace(&[
            ("upconv-weights", &[("upconv-explain", "")]),
            ("upconv-explain", &[("upconv-weights", "build")]),
        ]);
        assert_eq!(
            problems(&metadata),
            [
                "upconv-explain -> upconv-weights: not allowed; of ours it may use upconv-geometry, upconv-kernels, upconv-data",
                "upconv-weights -> upconv-explain: not allowed; of ours it may use none",
            ]
        );
    }

    #[test]
    fn tests_may_use_what_makes_no_cycle() {
        let fine = workspace(&[
            ("upconv-kernels", &[("upconv-geometry", "")]),
            ("upconv-weights", &[("upconv-kernels", "dev")]),
            ("upconv-geometry", &[]),
        ]);
        assert_eq!(problems(&fine), [] as [&str; 0]);
        let cycle = workspace(&[
            ("upconv-kernels", &[("upconv-geometry", "")]),
            ("upconv-geometry", &[("upconv-kernels", "dev")]),
        ]);
        assert_eq!(
            problems(&cycle),
            ["upconv-geometry -> upconv-kernels (for tests): makes a cycle"]
        );
    }

    #[test]
    fn reserved_and_unknown_crates() {
        let metadata = workspace(&[
            ("upconv-nn", &[("burn-flex", "")]),
            ("upconv-models", &[("burn-flex", "")]),
            ("upconv-geometry", &[("libm", "")]),
            ("upconv-novelty", &[]),
        ]);
        assert_eq!(
            problems(&metadata),
            [
                "upconv-geometry -> libm: upconv-geometry has no dependencies",
                "upconv-models -> burn-flex: only upconv-nn may name it (our operations meet Burn's backend in one crate)",
                "upconv-novelty: not in the table ALLOWED of xtask/src/deps/edges.rs; add what it may use",
            ]
        );
    }

    #[test]
    fn the_table_itself_has_no_cycle() {
        for (place, library) in LIBRARIES.iter().enumerate() {
            let (_, allowed) = ALLOWED.iter().find(|(name, _)| name == library).unwrap();
            if *library == "upconv-server" {
                continue;
            }
            for used in *allowed {
                assert!(LIBRARIES[..place].contains(used), "{library} -> {used}");
            }
        }
    }
}
