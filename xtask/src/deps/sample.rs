//! Made-up metadata for the tests of the rules.

use serde_json::json;

use super::metadata::{Metadata, Package};

/// A package without dependencies.
pub(crate) fn package(name: &str, version: &str, license: Option<&str>) -> Package {
    let json = json!({
        "id": format!("{name}@{version}"), "name": name, "version": version, "license": license,
        "source": null, "dependencies": [],
    });
    serde_json::from_value(json).unwrap()
}

/// A workspace of these crates, each with its dependencies: (name, kind), "" for a normal one.
pub(crate) fn workspace(crates: &[(&str, &[(&str, &str)])]) -> Metadata {
    let mut packages = Vec::new();
    for (name, dependencies) in crates {
        let dependencies: Vec<_> = dependencies
            .iter()
            .map(|(name, kind)| {
                json!({ "name": name, "kind": if kind.is_empty() { None } else { Some(kind) } })
            })
            .collect();
        packages.push(json!({
            "id": name, "name": name, "version": "0.1.0", "license": "MIT", "source": null,
            "dependencies": dependencies,
        }));
    }
    let members: Vec<&str> = crates.iter().map(|(name, _)| *name).collect();
    let json = json!({
        "packages": packages, "workspace_members": members, "resolve": { "nodes": [] },
    });
    Metadata::parse(json.to_string().as_bytes()).unwrap()
}
