//! `check`: what can be said about a change within a minute or two.

use std::path::Path;

use anyhow::Result;

use crate::steps::Steps;
use crate::{bench_pages, deps, golden, links, unexpected};

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    if let [argument, ..] = arguments {
        return Err(unexpected("check", argument));
    }
    let mut steps = Steps::new("check", root);
    steps.cargo_component(&["fmt", "--all", "--check"])?;
    steps.step("links in the documents", || links::check(root))?;
    steps.step("cargo xtask golden --verify", || golden::verify(&root.join("golden")))?;
    steps.step("cargo xtask bench-pages --check", || bench_pages::run(root, &["--check"]))?;
    steps.step("cargo xtask deps", || deps::check(root))?;
    steps.cargo(&["check", "--workspace", "--all-targets", "--locked"], &[])?;
    // The one feature that nothing else builds.
    steps.cargo(&["check", "-p", "upconv-nn", "--features", "wgpu", "--tests", "--locked"], &[])?;
    steps.cargo_component(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])?;
    steps.summary();
    Ok(())
}
