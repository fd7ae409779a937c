//! The project's own golden cases, through every path that this CPU has.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use upconv_conformance::{Options, Report, run};
use upconv_kernels::{Algorithm, Isa};

/// Case records in `golden/cases.json`.
const CASES: usize = 769;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden")
}

fn all(options: &Options) -> Report {
    run(&golden(), options, |_| ()).unwrap_or_else(|error| panic!("{error}"))
}

fn assert_all_pass(report: &Report) {
    for case in report.failures() {
        eprintln!("{}", case.message.as_deref().unwrap_or(&case.id));
    }
    assert_eq!((report.passed, report.failed, report.skipped), (CASES, 0, 0));
    assert_eq!(report.cases.len(), CASES);
}

#[test]
fn all_cases_pass_on_every_path() {
    let mut seen = 0;
    let report = run(&golden(), &Options::default(), |_| seen += 1).unwrap();
    assert_eq!(seen, CASES);
    assert_all_pass(&report);
    eprintln!("tested: {}", report.paths().join(", "));
    eprintln!("worst |a - r| / (1 + sum of |terms|): {:.2e}", report.worst);
    for isa in Isa::available() {
        let path = format!("{}/{}", Algorithm::ColumnGemm.name(), isa.name());
        assert!(report.paths().contains(&path.as_str()), "{path} was not tested");
    }
    for algorithm in Algorithm::EXACT {
        let name = format!("{}/", algorithm.name());
        assert!(report.paths().iter().any(|path| path.starts_with(&name)), "{name} was not tested");
    }
    // Exact algorithms stay below this; what lies above it is a finding even where it passes.
    assert!(report.worst < 1e-6, "worst is {:e}", report.worst);
}

#[test]
fn options_narrow_the_fast_paths_and_nothing_else() {
    let isa = Some(Isa::Portable);
    let algorithm = Some(Algorithm::ColumnGemm);
    let report = all(&Options { isa, algorithm });
    assert_all_pass(&report);
    // A plan takes another algorithm only where the one asked for has no meaning.
    let other = |path: &&&str| !["geometry", "reference", "column_gemm/portable"].contains(path);
    assert_eq!(report.paths().iter().find(other), None);
}

#[test]
fn the_report_serializes_as_the_command_line_says() {
    let report = all(&Options { isa: Some(Isa::Portable), algorithm: Some(Algorithm::Direct) });
    let json = serde_json::to_value(&report).unwrap();
    let keys = |value: &serde_json::Value| {
        value.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    let expected = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
    assert_eq!(keys(&json), expected(&["passed", "failed", "skipped", "worst", "cases"]));
    let case = &json["cases"][0];
    assert_eq!(keys(case), expected(&["id", "op", "dialect", "ok", "worst", "paths"]));
    assert!(case["worst"].is_f64() && case["paths"].is_array());
}
