//! How many tasks run at the same time, where their buffers must not take more than a bound.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// Most tasks that work at the same time. It changes nothing that they compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AtOnce(usize);

impl AtOnce {
    pub(crate) const ALL: Self = Self(usize::MAX);

    /// As many as find room in `limit` bytes, where each takes `bytes`; at least one.
    pub(crate) fn within(limit: usize, bytes: usize) -> Self {
        Self(limit.checked_div(bytes).map_or(usize::MAX, |most| most.max(1)))
    }

    /// Tasks of so many that a pool of `threads` threads works on at the same time.
    pub(crate) fn of(self, tasks: usize, threads: usize) -> usize {
        tasks.min(threads).min(self.0)
    }

    /// Does every task, on the pool unless they go one by one.
    pub(crate) fn run<T: Send>(self, tasks: Vec<T>, task: impl Fn(T) + Sync) {
        let task = &task;
        match self.0 {
            _ if tasks.len() < 2 => tasks.into_iter().for_each(task),
            1 => tasks.into_iter().for_each(task),
            most if most >= tasks.len() => tasks.into_par_iter().for_each(task),
            most => {
                let left = Mutex::new(tasks.into_iter());
                let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
                (0..most).into_par_iter().for_each(|_| {
                    while let Some(one) = next() {
                        task(one);
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    #[test]
    fn all_tasks_are_done_and_no_more_than_some_at_once() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build();
        let pool = pool.expect("four threads");
        for (at_once, most) in [(AtOnce::within(100, 30), 3), (AtOnce::within(10, 30), 1)] {
            let (now, peak, sum) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
            pool.install(|| {
                at_once.run((1..=40).collect(), |n: usize| {
                    peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                    std::thread::yield_now();
                    sum.fetch_add(n, SeqCst);
                    now.fetch_sub(1, SeqCst);
                });
            });
            // 1 + 2 + ... + 40.
            assert_eq!(sum.into_inner(), 820);
            assert!(peak.into_inner() <= most);
            assert_eq!(at_once.of(40, 16), most);
        }
        assert_eq!(AtOnce::within(5, 0).of(40, 16), 16);
    }
}
