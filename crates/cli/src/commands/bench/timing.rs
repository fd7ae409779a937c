//! Running a workload until its time is known.

use std::time::{Duration, Instant};

use super::problem::{Mode, Problem, Refusal};

/// Fewest timed runs.
const LEAST_RUNS: usize = 5;

/// Least time of all timed runs together.
const LEAST_TIME: Duration = Duration::from_millis(300);

/// No further run begins after this, however few there were.
const MOST_TIME: Duration = Duration::from_secs(2);

/// The time of one run, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    pub(super) min: f64,
    pub(super) median: f64,
}

/// Warms up with one run, then times run after run.
///
/// # Errors
/// No memory.
pub(super) fn measure(problem: &mut Problem, mode: Mode) -> Result<Times, Refusal> {
    problem.run(mode)?;
    let mut runs = Vec::new();
    let mut total = Duration::ZERO;
    while (runs.len() < LEAST_RUNS || total < LEAST_TIME) && total < MOST_TIME {
        let start = Instant::now();
        problem.run(mode)?;
        let time = start.elapsed();
        total += time;
        // A clock may stand still for a moment.
        runs.push(time.max(Duration::from_nanos(1)).as_secs_f64() * 1e3);
    }
    Ok(times(runs))
}

fn times(mut runs: Vec<f64>) -> Times {
    runs.sort_by(f64::total_cmp);
    let middle = |place: usize| runs.get(place).copied().unwrap_or_default();
    let (low, high) = (runs.len().saturating_sub(1) / 2, runs.len() / 2);
    Times { min: middle(0), median: (middle(low) + middle(high)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::{Times, times};

    #[test]
    fn least_and_median() {
        assert_eq!(times(vec![3.0, 1.0, 2.0]), Times { min: 1.0, median: 2.0 });
        assert_eq!(times(vec![4.0, 1.0, 2.0, 8.0]), Times { min: 1.0, median: 3.0 });
        assert_eq!(times(vec![7.0]), Times { min: 7.0, median: 7.0 });
    }
}
