//! `upconv bench --serve`: one JSON request a line in, one JSON answer a line out.
//!
//! The harness that compares programs starts this once and asks for the same workload again and again,
//! in turn with others, so the last one is kept ready.

use std::io::{self, BufRead};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use upconv_kernels::{Layout, PlanOptions};

use super::problem::{Mode, Problem, Refusal};
use super::workload::Workload;
use crate::output;

/// What cannot be done here is answered with this word.
const UNSUPPORTED: &str = "unsupported";

#[derive(Debug, Deserialize)]
struct Request {
    workload: Value,
    mode: Asked,
    reps: Option<usize>,
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
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
    pub(super) threads: usize,
    pub(super) quiet: bool,
}

struct Server {
    options: Options,
    ready: Option<(Workload, Problem)>,
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
        let problem = self.ready(workload)?;
        let mode = match mode {
            Asked::Check => {
                let sums = problem.check().map_err(|e| e.to_string())?;
                if !sums.abs.is_finite() {
                    return Err("the output holds NaN or infinities".into());
                }
                return Ok(Answer::Sums { sum: sums.sum, abs: sums.abs, pos: sums.pos });
            }
            Asked::Fwd => Mode::Forward,
            Asked::FwdBwd => Mode::ForwardBackward,
        };
        let reps = reps.ok_or("not a request: missing field `reps`")?;
        times(problem, mode, reps).map_err(|e| e.to_string())
    }

    /// The workload made ready, anew if it is not the last one.
    fn ready(&mut self, workload: Value) -> Result<&mut Problem, String> {
        let kind = workload.get("kind").and_then(Value::as_str);
        if !matches!(kind, None | Some("tconv" | "conv")) {
            return Err(UNSUPPORTED.into());
        }
        let workload: Workload =
            serde_json::from_value(workload).map_err(|e| format!("workload: {e}"))?;
        let last = self.ready.take().filter(|(last, _)| *last == workload);
        let ready = match last {
            Some(ready) => ready,
            None => {
                let shape = workload.shape().map_err(|e| format!("workload: {e}"))?;
                let options = PlanOptions { layout: self.options.layout, ..Default::default() };
                let problem = match Problem::new(&workload, &shape, &options) {
                    Ok(problem) => problem,
                    Err(Refusal::Kernel(_)) => return Err(UNSUPPORTED.into()),
                    Err(error) => return Err(error.to_string()),
                };
                (workload, problem)
            }
        };
        Ok(&mut self.ready.insert(ready).1)
    }
}

/// One untimed run, then `reps` timed ones.
fn times(problem: &mut Problem, mode: Mode, reps: usize) -> Result<Answer, Refusal> {
    problem.run(mode)?;
    let mut ms = Vec::new();
    for _ in 0..reps {
        let start = Instant::now();
        problem.run(mode)?;
        ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Answer::Times { ms })
}
