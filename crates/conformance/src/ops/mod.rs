//! One file per family of operations; here is what they share, and the verdict on a case.

mod bilinear;
mod conv_transpose;
mod definition;
mod pool;
mod resize;
mod shuffle;

use std::collections::BTreeSet;

use crate::attrs::Attrs;
use crate::compare::{Expected, Precision, Terms};
use crate::fault::{Failure, Result};
use crate::layout::Order;
use crate::paths::FastPaths;
use crate::record::{CASES_FILE, Expect, Record};
use crate::report::CaseResult;
use crate::tensors::{Tensor, TensorFile};

/// What a path is called that only works out sizes, or refuses.
const GEOMETRY: &str = "geometry";
/// What the plain loops are called.
const REFERENCE: &str = "reference";

/// A case and all that it may use.
pub(crate) struct Case<'a> {
    pub(crate) record: &'a Record,
    /// The file of its tensors, if it names one.
    pub(crate) file: Option<&'a TensorFile>,
    pub(crate) paths: &'a FastPaths,
}

/// Checks an operation whose values are known.
type Values = fn(&mut Check<'_>) -> Result<()>;
/// Tries an operation that should be refused; what it gives if it is not is the output shape.
type Refusal = fn(&mut Check<'_>) -> Result<Vec<usize>>;

/// The checks of an operation in a dialect.
fn checks(op: &str, dialect: &str) -> Option<(Values, Option<Refusal>)> {
    let values: Values = match (op, dialect) {
        ("conv_transpose", "torch")
        | ("tf_conv_transpose", "tensorflow")
        | ("keras_conv_transpose", "keras")
        | ("onnx_conv_transpose", "onnx") => {
            return Some((conv_transpose::forward, Some(conv_transpose::refusal)));
        }
        ("conv_transpose_grad", "torch") | ("tf_conv_transpose_grad", "tensorflow") => {
            conv_transpose::gradients
        }
        ("max_unpool", "torch") => return Some((pool::unpool, Some(pool::unpool_refusal))),
        ("onnx_max_unpool", "onnx") => pool::onnx_unpool,
        ("max_pool_indices", "torch") => pool::torch_pool,
        ("max_pool_indices", "tensorflow") => pool::tensorflow_pool,
        ("resize", "torch") => resize::torch,
        ("resize", "tensorflow") => resize::tensorflow,
        ("resize", "onnx") => resize::onnx,
        ("resize_conv", "torch") => resize::resize_conv,
        ("pixel_shuffle", "torch") => shuffle::pixel_shuffle,
        ("pixel_unshuffle", "torch") => shuffle::pixel_unshuffle,
        ("depth_to_space", "tensorflow") => shuffle::tensorflow_depth_to_space,
        ("depth_to_space", "onnx") => shuffle::onnx_depth_to_space,
        ("bilinear_init", "caffe") => bilinear::init,
        ("bilinear_upsample", "caffe") => bilinear::upsample,
        ("overlap_count", "definition") => definition::overlap_count,
        ("pool_output_size", "definition") => definition::pool_output_size,
        ("matrix_form", "definition") => definition::matrix_form,
        _ => return None,
    };
    Some((values, None))
}

/// Runs one case.
pub(crate) fn run(case: &Case<'_>) -> CaseResult {
    let record = case.record;
    let mut check = Check::new(case);
    let outcome = match (checks(&record.op, &record.dialect), record.expect) {
        (Some((values, _)), Expect::Ok) => {
            let outcome = values(&mut check).and_then(|()| check.finish());
            check.judge_values(outcome)
        }
        (Some((_, Some(refusal))), Expect::Error) => {
            let outcome = refusal(&mut check);
            let understood = check.finish();
            check.judge_refusal(outcome, understood)
        }
        (Some((_, None)), Expect::Error) => Verdict::failed("op: no error cases are known for it"),
        (None, _) => Verdict::failed(format!(
            "op: {:?} in dialect {:?} is not known",
            record.op, record.dialect
        )),
    };
    let message = match (&outcome.message, outcome.ok) {
        (Some(message), false) => Some(format!("{CASES_FILE}: case {}: {message}", record.id)),
        (message, _) => message.clone(),
    };
    CaseResult {
        id: record.id.clone(),
        op: record.op.clone(),
        dialect: record.dialect.clone(),
        ok: outcome.ok,
        worst: check.worst,
        paths: check.paths,
        message,
    }
}

struct Verdict {
    ok: bool,
    message: Option<String>,
}

impl Verdict {
    fn passed(message: Option<String>) -> Self {
        Self { ok: true, message }
    }

    fn failed(message: impl Into<String>) -> Self {
        Self { ok: false, message: Some(message.into()) }
    }
}

/// A case on its way: what was read, what was compared, what was found.
pub(crate) struct Check<'a> {
    case: &'a Case<'a>,
    pub(crate) attrs: Attrs<'a>,
    /// Inputs, outputs and shapes that were read.
    read: BTreeSet<String>,
    paths: Vec<String>,
    worst: f64,
    /// Every result that is wrong.
    problems: Vec<String>,
}

impl<'a> Check<'a> {
    fn new(case: &'a Case<'a>) -> Self {
        Self {
            case,
            attrs: Attrs::new(&case.record.attrs),
            read: BTreeSet::new(),
            paths: Vec::new(),
            worst: 0.0,
            problems: Vec::new(),
        }
    }

    pub(crate) fn record(&self) -> &'a Record {
        self.case.record
    }

    pub(crate) fn fast_paths(&self) -> &'a FastPaths {
        self.case.paths
    }

    /// The file and the key of a tensor, if the record names it.
    fn key(&mut self, side: &str, name: &str) -> Result<Option<(&'a TensorFile, &'a str, String)>> {
        let record = self.case.record;
        let keys = if side == "inputs" { &record.inputs } else { &record.outputs };
        let field = format!("{side}.{name}");
        self.read.insert(field.clone());
        let Some(key) = keys.get(name) else { return Ok(None) };
        match self.case.file {
            Some(file) => Ok(Some((file, key, field))),
            None => Err(Failure::fault("file", "is missing")),
        }
    }

    fn needed(&mut self, side: &str, name: &str) -> Result<(&'a TensorFile, &'a str, String)> {
        let missing = || Failure::fault(format!("{side}.{name}"), "is missing");
        self.key(side, name)?.ok_or_else(missing)
    }

    /// Input `name`.
    pub(crate) fn input(&mut self, name: &str) -> Result<Tensor<f32>> {
        let (file, key, field) = self.needed("inputs", name)?;
        file.f32(key, &field)
    }

    /// Input `name`, if the record names it.
    pub(crate) fn optional_input(&mut self, name: &str) -> Result<Option<Tensor<f32>>> {
        match self.key("inputs", name)? {
            Some((file, key, field)) => file.f32(key, &field).map(Some),
            None => Ok(None),
        }
    }

    /// Input `name`, of indices.
    pub(crate) fn input_indices(&mut self, name: &str) -> Result<Tensor<i64>> {
        let (file, key, field) = self.needed("inputs", name)?;
        file.i64(key, &field)
    }

    /// Output `name`, of indices.
    pub(crate) fn output_indices(&mut self, name: &str) -> Result<Tensor<i64>> {
        let (file, key, field) = self.needed("outputs", name)?;
        file.i64(key, &field)
    }

    /// Output `name` as a tensor of values.
    pub(crate) fn output(&mut self, name: &str) -> Result<Tensor<f64>> {
        let (file, key, field) = self.needed("outputs", name)?;
        Ok(file.float(key, &field)?.0)
    }

    pub(crate) fn has_output(&self, name: &str) -> bool {
        self.case.record.outputs.contains_key(name)
    }

    /// Output `name` in our axis order, with the size of its terms; its shape must be `shape`, ours.
    pub(crate) fn expected(
        &mut self,
        name: &str,
        order: Order,
        shape: &[usize],
    ) -> Result<Expected> {
        // All attributes have been read by now. One that is not known explains a wrong shape better
        // than the shape does.
        self.attrs.finish()?;
        let (file, key, field) = self.needed("outputs", name)?;
        let (tensor, single) = file.float(key, &field)?;
        same_shape(&field, &order.shape(&tensor.shape), shape)?;
        let terms = match (self.key("outputs", &format!("{name}_abs"))?, self.record().abs_max) {
            (Some((file, key, field)), _) => {
                let (sums, _) = file.float(key, &field)?;
                same_shape(&field, &sums.shape, &tensor.shape)?;
                Terms::PerElement(order.tensor(&sums).data)
            }
            (None, Some(largest)) if single => Terms::Largest(largest),
            (None, Some(_)) => {
                return Err(Failure::fault("abs_max", format!("{field} is not F32")));
            }
            (None, None) => Terms::Unknown,
        };
        Ok(Expected { values: order.tensor(&tensor).data, terms })
    }

    /// Notes that a path was run.
    pub(crate) fn ran(&mut self, path: &str) {
        if !self.paths.iter().any(|known| known == path) {
            self.paths.push(path.into());
        }
    }

    /// Notes a wrong result.
    pub(crate) fn wrong(&mut self, path: &str, what: &str, problem: impl std::fmt::Display) {
        self.problems.push(format!("outputs.{what}: {path}: {problem}"));
    }

    /// Compares values that `path` gave for output `what`.
    pub(crate) fn compare(
        &mut self,
        path: &str,
        what: &str,
        got: &[f64],
        expected: &Expected,
        precision: Precision,
    ) {
        self.ran(path);
        let found = expected.compare(got, precision);
        self.worst = self.worst.max(found.worst);
        if let Some(problem) = found.problem {
            self.wrong(path, what, problem);
        }
    }

    /// Compares single-precision values that `path` gave for output `what`.
    pub(crate) fn compare_f32(&mut self, path: &str, what: &str, got: &[f32], expected: &Expected) {
        let wide: Vec<f64> = got.iter().map(|&value| value.into()).collect();
        self.compare(path, what, &wide, expected, Precision::Single);
    }

    /// Compares indices that `path` gave for output `what`.
    pub(crate) fn compare_indices(&mut self, path: &str, what: &str, got: &[i64], want: &[i64]) {
        self.ran(path);
        if got.len() != want.len() {
            let problem = format!("{} elements instead of {}", got.len(), want.len());
            self.wrong(path, what, problem);
        } else if let Some(at) = (0..got.len()).find(|&at| got[at] != want[at]) {
            self.wrong(path, what, format!("element {at} is {} instead of {}", got[at], want[at]));
        }
    }

    /// Shape `name` of an error case.
    pub(crate) fn shape(&mut self, name: &str) -> Result<Option<Vec<usize>>> {
        self.read.insert(format!("shapes.{name}"));
        self.case.record.shape(name)
    }

    /// Fails if the record holds something that no check has read.
    fn finish(&self) -> Result<()> {
        self.attrs.finish()?;
        let record = self.case.record;
        let fields = (record.inputs.keys().map(|name| format!("inputs.{name}")))
            .chain(record.outputs.keys().map(|name| format!("outputs.{name}")))
            .chain(record.shapes.keys().map(|name| format!("shapes.{name}")));
        match fields.into_iter().find(|field| !self.read.contains(field)) {
            Some(field) => Err(Failure::fault(field, "is not known for this operation")),
            None => Ok(()),
        }
    }

    /// The verdict on a case with values.
    fn judge_values(&self, outcome: Result<()>) -> Verdict {
        let record = self.case.record;
        let problem = match outcome {
            Err(Failure::Fault(fault)) => {
                return Verdict::failed(Failure::Fault(fault).to_string());
            }
            Err(refused) if record.optional && self.is_expected_rule(&refused) => {
                return Verdict::passed(Some(format!("optional: {refused}")));
            }
            Err(refused) => Some(refused.to_string()),
            Ok(()) => self.problem(),
        };
        match (problem, record.disputed) {
            (None, false) => Verdict::passed(None),
            (None, true) => Verdict::passed(Some("disputed".into())),
            (Some(problem), true) => Verdict::passed(Some(format!("disputed: {problem}"))),
            (Some(problem), false) => Verdict::failed(problem),
        }
    }

    /// Whether a refusal breaks the rule of the record, or any rule where the record names none.
    fn is_expected_rule(&self, refused: &Failure) -> bool {
        match (refused.rule(), &self.case.record.rule) {
            (Some(got), Some(want)) => got == want,
            (got, None) => got.is_some(),
            (None, Some(_)) => false,
        }
    }

    /// All wrong results in one line.
    fn problem(&self) -> Option<String> {
        match self.problems.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [first, rest @ ..] => Some(format!("{first}; and {} more wrong results", rest.len())),
        }
    }

    /// The verdict on a case that should be refused.
    fn judge_refusal(&mut self, outcome: Result<Vec<usize>>, understood: Result<()>) -> Verdict {
        self.ran(GEOMETRY);
        let record = self.case.record;
        let Some(rule) = &record.rule else { return Verdict::failed("rule: is missing") };
        let accepted = match outcome {
            Err(Failure::Fault(fault)) => {
                return Verdict::failed(Failure::Fault(fault).to_string());
            }
            Err(refused) if refused.rule() == Some(rule) => None,
            Err(refused) => {
                let got = refused.rule().unwrap_or("no rule of the format");
                return Verdict::failed(format!("rule: {got} instead of {rule} ({refused})"));
            }
            Ok(shape) => Some(shape),
        };
        // A right refusal for a wrong reason: something in the record was not looked at.
        if let Err(failure) = understood {
            return Verdict::failed(failure.to_string());
        }
        match accepted {
            None => Verdict::passed(None),
            Some(shape) if record.capability || record.optional => {
                Verdict::passed(Some(format!("computed, with output shape {shape:?}")))
            }
            Some(shape) => Verdict::failed(format!(
                "rule: accepted with output shape {shape:?}, but {rule} is broken"
            )),
        }
    }
}

/// Fails unless our shape is the record's.
fn same_shape(field: &str, theirs: &[usize], ours: &[usize]) -> Result<()> {
    if theirs == ours {
        return Ok(());
    }
    Err(Failure::fault(field, format!("shape {theirs:?}, but ours is {ours:?}")))
}
