//! `upconv bench --serve`: one JSON request a line in, one JSON answer a line out.
//!
//! The harness that compares programs starts this once and asks for the same workload again and again,
//! in turn with others, so the last one is kept ready.

use std::io::{self, BufRead};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use upconv_kernels::{FastMath, Layout, PlanOptions};

use super::model::{self, ModelProblem, ModelWorkload};
use super::problem::{Mode, Problem, Refusal, Sums};
use super::workload::Workload;
use crate::output;

/// What cannot be done here is answered with this word.
const UNSUPPORTED: &str = "unsupported";

#[derive(Debug, Deserialize)]
struct Request {
    workload: Value,
    mode: ModeName,
    reps: Option<usize>,
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    Fwd,
    FwdBwd,
    Check,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Answer {
    /// Milliseconds of each repeat.
    Times {
        ms: Vec<f64>,
    },
    Sums {
        sum: f64,
        abs: f64,
        pos: f64,
    },
    Error {
        error: String,
    },
}

/// Answers until the input ends.
///
/// # Errors
/// Input that cannot be read, output that cannot be written.
pub(super) fn run(input: &mut impl BufRead, options: Options) -> io::Result<()> {
    let mut server = Server { options, ready: None };
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // On a thread of the pool, as the kernels' own work is: no repeat waits for a thread to wake.
        let answer = rayon::scope(|_| server.answer(&line));
        output::print(&output::json_line(&answer))?;
        line.clear();
    }
    Ok(())
}

/// What the command line says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) layout: Layout,
    pub(super) fast_math: FastMath,
    pub(super) threads: usize,
    pub(super) quiet: bool,
}

struct Server {
    options: Options,
    ready: Option<(Asked, Ready)>,
}

/// A workload of either kind, as it was asked for.
#[derive(PartialEq)]
enum Asked {
    Layer(Workload),
    Model(ModelWorkload),
}

enum Ready {
    Layer(Box<Problem>),
    Model(Box<ModelProblem>),
}

impl Ready {
    fn check(&mut self) -> Result<Sums, String> {
        match self {
            Self::Layer(problem) => problem.check().map_err(|e| e.to_string()),
            Self::Model(problem) => problem.check(),
        }
    }

    fn run(&mut self, mode: Mode) -> Result<(), String> {
        match (self, mode) {
            (Self::Layer(problem), _) => problem.run(mode).map_err(|e| e.to_string()),
            (Self::Model(problem), Mode::Forward) => problem.run(),
            (Self::Model(_), Mode::ForwardBackward) => Err(UNSUPPORTED.into()),
        }
    }
}

impl Server {
    fn answer(&mut self, line: &[u8]) -> Answer {
        self.result(line).unwrap_or_else(|error| Answer::Error { error })
    }

    fn result(&mut self, line: &[u8]) -> Result<Answer, String> {
        let Request { workload, mode, reps, threads } =
            serde_json::from_slice(line).map_err(|e| format!("not a request: {e}"))?;
        let in_use = self.options.threads;
        if let Some(threads) = threads.filter(|&n| n != in_use && !self.options.quiet) {
            // The program's own rules hold, but times of another number should not pass unseen.
            output::note(&format!("threads: {in_use} in use, {threads} in the request"));
        }
        let ready = self.ready(workload)?;
        let mode = match mode {
            ModeName::Check => {
                let sums = ready.check()?;
                if !sums.abs.is_finite() {
                    return Err("the output holds NaN or infinities".into());
                }
                return Ok(Answer::Sums { sum: sums.sum, abs: sums.abs, pos: sums.pos });
            }
            ModeName::Fwd => Mode::Forward,
            ModeName::FwdBwd => Mode::ForwardBackward,
        };
        let reps = reps.ok_or("not a request: missing field `reps`")?;
        times(ready, mode, reps)
    }

    /// The workload made ready, anew if it is not the last one.
    fn ready(&mut self, workload: Value) -> Result<&mut Ready, String> {
        let kind = workload.get("kind").and_then(Value::as_str);
        let wrong = |e: serde_json::Error| format!("workload: {e}");
        let asked = match kind {
            None | Some("tconv" | "conv") => {
                Asked::Layer(serde_json::from_value(workload).map_err(wrong)?)
            }
            Some("model") => Asked::Model(serde_json::from_value(workload).map_err(wrong)?),
            Some(_) => return Err(UNSUPPORTED.into()),
        };
        let ready = match self.ready.take() {
            Some((last, ready)) if last == asked => ready,
            _ => self.make(&asked)?,
        };
        Ok(&mut self.ready.insert((asked, ready)).1)
    }

    fn make(&self, asked: &Asked) -> Result<Ready, String> {
        let Options { layout, fast_math, .. } = self.options;
        match asked {
            Asked::Layer(workload) => {
                let shape = workload.shape().map_err(|e| format!("workload: {e}"))?;
                let options = PlanOptions { layout, fast_math, ..Default::default() };
                match Problem::new(workload, &shape, &options) {
                    Ok(problem) => Ok(Ready::Layer(Box::new(problem))),
                    Err(Refusal::Kernel(_)) => Err(UNSUPPORTED.into()),
                    Err(error) => Err(error.to_string()),
                }
            }
            Asked::Model(workload) => {
                let Some(file) = std::env::var_os(model::WEIGHTS) else {
                    return Err(UNSUPPORTED.into());
                };
                let problem = ModelProblem::new(workload, file.as_ref(), layout, fast_math)?;
                Ok(Ready::Model(Box::new(problem)))
            }
        }
    }
}

/// One untimed run, then `reps` timed ones.
fn times(ready: &mut Ready, mode: Mode, reps: usize) -> Result<Answer, String> {
    ready.run(mode)?;
    let mut ms = Vec::new();
    for _ in 0..reps {
        let start = Instant::now();
        ready.run(mode)?;
        ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Answer::Times { ms })
}
