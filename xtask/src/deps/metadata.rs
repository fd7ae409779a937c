//! The part of `cargo metadata` that the rules look at.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::steps::cargo;

/// Packages for other systems are resolved too, but nothing here builds or ships them.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it comes from; nothing for a folder of this machine.
    pub(crate) source: Option<String>,
    /// What its manifest names, chosen features or not.
    pub(crate) dependencies: Vec<Declared>,
}

#[derive(Deserialize)]
pub(crate) struct Declared {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: Kind,
}

/// `null` in the JSON is a normal dependency.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(from = "Option<String>")]
pub(crate) enum Kind {
    #[default]
    Normal,
    Build,
    Dev,
}

impl From<Option<String>> for Kind {
    fn from(kind: Option<String>) -> Self {
        match kind.as_deref() {
            Some("dev") => Self::Dev,
            Some("build") => Self::Build,
            _ => Self::Normal,
        }
    }
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    #[serde(default)]
    kind: Kind,
}

impl Metadata {
    /// Asks cargo, first without the network, with all features on: a rule holds for whatever a
    /// user can switch on.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut message = String::new();
        for offline in [true, false] {
            let mut command = cargo(root);
            command.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
            command.args(["--filter-platform", PLATFORM]);
            if offline {
                command.arg("--offline");
            }
            let output = command.output().context("cannot start cargo")?;
            if output.status.success() {
                return Self::parse(&output.stdout);
            }
            message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        }
        bail!("cargo metadata --locked: {message}");
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).context("cargo metadata gave something unexpected")
    }

    /// The packages of this workspace.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// All packages that building this workspace compiles, in the order of names and versions;
    /// with `dev`, also those that only tests, examples and benches need.
    pub(crate) fn reachable(&self, dev: bool) -> Vec<&Package> {
        let nodes: HashMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut waiting: Vec<&str> = self.workspace_members.iter().map(String::as_str).collect();
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            for edge in nodes.get(id).map_or(&[][..], |node| &node.deps) {
                if dev || edge.dep_kinds.iter().any(|k| k.kind != Kind::Dev) {
                    waiting.push(&edge.pkg);
                }
            }
        }
        let mut packages: Vec<&Package> =
            self.packages.iter().filter(|package| seen.contains(package.id.as_str())).collect();
        packages.sort_by_key(|package| (&package.name, &package.version));
        packages
    }

    /// The identifiers of the packages that were resolved to use the package `id`.
    pub(crate) fn users(&self, id: &str) -> BTreeSet<&str> {
        let nodes = self.resolve.nodes.iter();
        nodes
            .filter(|node| node.deps.iter().any(|edge| edge.pkg == id))
            .map(|node| node.id.as_str())
            .collect()
    }
}
