//! The part of `cargo metadata` that the rules look at.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::steps::cargo;

/// What a build compiles beside the defaults. The features for GPUs are left out: they bring the trees of
/// their drivers, which come as Burn ships them.
const FEATURES: &str = "upconv-nn/train";

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
}

impl Metadata {
    /// Asks cargo, first without the network.
    pub(crate) fn load(root: &Path) -> Result<Self> {
        let mut message = String::new();
        for offline in [true, false] {
            let mut command = cargo(root);
            command.args(["metadata", "--format-version", "1", "--locked"]);
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
    ///
    /// Taken from `cargo tree`: the graph of `cargo metadata` also holds what weak features could switch
    /// on and nobody has.
    ///
    /// # Errors
    /// If cargo cannot tell.
    pub(crate) fn compiled(&self, root: &Path, dev: bool) -> Result<Vec<&Package>> {
        let edges = if dev { "normal,build,dev" } else { "normal,build" };
        let mut command = cargo(root);
        command.args(["tree", "--workspace", "--locked", "--prefix", "none", "--format", "{p}"]);
        command.args(["--edges", edges, "--target", PLATFORM, "--features", FEATURES]);
        let output = command.output().context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo tree --locked: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(self.named(&String::from_utf8_lossy(&output.stdout)))
    }

    /// The packages of lines such as `clap v4.6.9 (*)`.
    fn named(&self, lines: &str) -> Vec<&Package> {
        let named: BTreeSet<(&str, &str)> = lines
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.next()?.strip_prefix('v')?))
            })
            .collect();
        let is_named = |p: &&Package| named.contains(&(p.name.as_str(), p.version.as_str()));
        let mut packages: Vec<&Package> = self.packages.iter().filter(is_named).collect();
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

#[cfg(test)]
mod tests {
    use super::super::sample::workspace;

    #[test]
    fn lines_of_cargo_tree_name_packages() {
        let metadata = workspace(&[("upconv", &[]), ("upconv-kernels", &[])]);
        let version = &metadata.packages[0].version;
        let lines = format!("upconv v{version} (folder)\n\nupconv-kernels v99.0.0 (*)\nodd\n");
        let names: Vec<_> = metadata.named(&lines).iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["upconv"]);
    }
}
