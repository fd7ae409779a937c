//! `test`: everything that must hold before a change lands. CI runs this and nothing else.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::steps::{Steps, WITH_DATA, cargo};
use crate::{browser, deps, docs, fetch, golden, results, unexpected};

/// In the test profile, which the tests have built already.
const CONFORMANCE: &[&str] =
    &["run", "--profile", "test", "--locked", "--", "conformance", "golden"];

/// The operations of upconv-nn on a WebGPU device against the CPU.
const GPU: &[&str] = &[
    "test",
    "-p",
    "upconv-nn",
    "--features",
    "wgpu",
    "--test",
    "wgpu",
    "--locked",
    "--",
    "--ignored",
];

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let (mut in_browser, mut with_data, mut with_gpu) = (false, false, false);
    for argument in arguments {
        match *argument {
            "--browser" => in_browser = true,
            "--with-data" => with_data = true,
            "--with-gpu" => with_gpu = true,
            other => return Err(unexpected("test", other)),
        }
    }
    if with_data {
        fetch::require_all(root)?;
    }
    let variables: &[(&str, &str)] = if with_data { &[(WITH_DATA, "1")] } else { &[] };

    let mut steps = Steps::new("test", root);
    steps.cargo_component(&["fmt", "--all", "--check"])?;
    steps.cargo_component(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])?;
    steps.cargo(&["test", "--workspace", "--locked"], variables)?;
    if with_gpu {
        steps.cargo(GPU, &[])?;
    }
    steps.cargo(
        &["doc", "--workspace", "--no-deps", "--locked"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )?;
    steps.step("cargo xtask deps", || deps::check(root))?;
    steps.step("cargo xtask golden --verify", || golden::verify(&root.join("golden")))?;
    steps.step(&format!("cargo {}", CONFORMANCE.join(" ")), || conformance(root))?;
    steps.step("cargo xtask docs --check", || docs::run(root, &["--check"]))?;
    steps.step("cargo xtask results --check", || results::check(root))?;
    let skipped = match in_browser {
        true => browser::run(root, &mut steps)?,
        false => {
            let tests = browser::count_all(root)?;
            vec![format!(
                "{tests} tests of the pages and the run of schemathesis (run: cargo xtask test --browser)"
            )]
        }
    };
    steps.summary();
    for skipped in skipped {
        println!("SKIPPED: {skipped}");
    }
    if !with_data {
        println!(
            "SKIPPED: {} ONNX node tests, the real TF.js model, the real Caffe model, real weights of PyTorch and Keras with their scores on photos, and event files in TensorBoard's own reader (need data; run: cargo xtask fetch all && cargo xtask test --with-data)",
            node_tests(root)?
        );
    }
    if !with_gpu {
        println!(
            "SKIPPED: 2 tests of upconv-nn on a GPU (need one, or Mesa's software Vulkan; run: cargo xtask test --with-gpu)"
        );
    }
    Ok(())
}

/// Runs the golden cases through the program itself, as a user would, and reads its last line.
fn conformance(root: &Path) -> Result<()> {
    let mut child = cargo(root)
        .args(CONFORMANCE)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let mut last = String::new();
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.context("cannot read the output of `upconv conformance`")?;
            println!("{line}");
            if !line.trim().is_empty() {
                last = line;
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{status}");
    }
    all_passed(&last)
}

/// Accepts only `N passed, 0 failed, 0 skipped` with N above 0.
fn all_passed(line: &str) -> Result<()> {
    let count = line.trim().strip_suffix(" passed, 0 failed, 0 skipped");
    match count.and_then(|n| n.parse::<u64>().ok()) {
        Some(1..) => Ok(()),
        _ => bail!("the last line is `{line}`, not `N passed, 0 failed, 0 skipped` with N above 0"),
    }
}

/// How many tests of the ONNX project there are for the operators that this project computes.
fn node_tests(root: &Path) -> Result<u64> {
    const FAMILIES: [&str; 4] =
        ["test_convtranspose", "test_maxunpool", "test_resize", "test_depthtospace"];
    let path = root.join("golden/onnx_node_tests.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let list: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    let mut sum = 0;
    for family in FAMILIES {
        sum += list["counts"][family]
            .as_u64()
            .with_context(|| format!("{}: no count of {family}", path.display()))?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::all_passed;

    #[test]
    fn only_a_clean_last_line_passes() {
        assert!(all_passed("769 passed, 0 failed, 0 skipped").is_ok());
        for line in [
            "",
            "0 passed, 0 failed, 0 skipped",
            "768 passed, 1 failed, 0 skipped",
            "768 passed, 0 failed, 1 skipped",
            "769 passed",
            "all 769 passed, 0 failed, 0 skipped",
        ] {
            assert!(all_passed(line).is_err(), "{line:?}");
        }
    }
}
