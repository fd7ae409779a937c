//! How much memory the pictures in work may take together.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes shared by all threads.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
}

/// A share, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until there is room. What is larger than all of it waits until it is alone, so that it
    /// passes too.
    pub(crate) fn take(&self, bytes: u64) -> Share<'_> {
        let mut used = self.used();
        while *used > 0 && used.saturating_add(bytes) > self.limit {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used = used.saturating_add(bytes);
        Share { budget: self, bytes }
    }

    /// A number stays a number, even if a thread panics that holds it.
    fn used(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut used = self.budget.used();
        *used = used.saturating_sub(self.bytes);
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn together_never_above_the_limit_and_alone_what_is_larger() {
        let budget = Budget::new(10);
        let (inside, worst) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for thread in 0..4u64 {
                let (budget, inside, worst) = (&budget, &inside, &worst);
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = [3, 4, 10, 25][(thread + round) as usize % 4];
                        let share = budget.take(bytes);
                        let now = inside.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        worst.fetch_max(now, Ordering::SeqCst);
                        assert!(now <= 10 || now == 25, "{now}");
                        inside.fetch_sub(bytes, Ordering::SeqCst);
                        drop(share);
                    }
                });
            }
        });
        assert_eq!(*budget.used(), 0);
        assert!(worst.into_inner() >= 10);
    }
}
