//! What a run gives.

use serde::Serialize;

/// What a run gives; serialized, it is the JSON of `upconv conformance`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// Cases whose every path was right.
    pub passed: usize,
    /// Cases with a wrong path, or that were not understood.
    pub failed: usize,
    /// Cases that were not run; there are none so far.
    pub skipped: usize,
    /// Largest `|a - r| / (1 + sum of |terms|)` of any element of any case, with `|r|` where the sum is
    /// not known.
    pub worst: f64,
    /// One entry per case record, in the order of `cases.json`.
    pub cases: Vec<CaseResult>,
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseResult {
    /// The case's name.
    pub id: String,
    /// The operation.
    pub op: String,
    /// The framework whose words it uses.
    pub dialect: String,
    /// Whether every path was right.
    pub ok: bool,
    /// As [`Report::worst`], of this case.
    pub worst: f64,
    /// What it ran through: `geometry`, `reference`, or a fast path such as `direct/avx2`.
    pub paths: Vec<String>,
    /// Why it failed, or what else is worth knowing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Report {
    pub(crate) fn add(&mut self, case: CaseResult) {
        if case.ok {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
        self.worst = self.worst.max(case.worst);
        self.cases.push(case);
    }

    /// The cases that failed.
    pub fn failures(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.iter().filter(|case| !case.ok)
    }

    /// The paths that any case ran through, each once, in the order of their first use.
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = Vec::new();
        for path in self.cases.iter().flat_map(|case| &case.paths) {
            if !paths.contains(&path.as_str()) {
                paths.push(path);
            }
        }
        paths
    }
}
