//! Bytes that requests share, so that memory has a bound whatever clients send.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted: a permit stands for so many bytes, so that the count fits a semaphore everywhere.
const UNIT: u64 = 1 << 10;

/// So many bytes, of which requests take their shares.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    units: u32,
}

/// A share, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share(OwnedSemaphorePermit);

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        let units = units(bytes);
        Self { free: Arc::new(Semaphore::new(units as usize)), units }
    }

    /// A share, if it is free now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Share> {
        self.free.clone().try_acquire_many_owned(units(bytes)).ok().map(Share)
    }

    /// Waits for a share; who came first gets it first. What is larger than all of the budget waits until it is alone.
    pub(crate) async fn take(&self, bytes: u64) -> Option<Share> {
        // Never closed, so that there is always a share in the end.
        self.free.clone().acquire_many_owned(units(bytes).min(self.units)).await.ok().map(Share)
    }
}

impl Share {
    /// Both together.
    pub(crate) fn join(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// Gives back all but so many bytes.
    pub(crate) fn keep(&mut self, bytes: u64) {
        let rest = self.0.num_permits().saturating_sub(units(bytes) as usize);
        drop(self.0.split(rest));
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shares_come_back() {
        let budget = Budget::new(10 << 10);
        let mut first = budget.try_take(4 << 10).expect("ten are free");
        first.join(budget.try_take(5000).expect("six are free"));
        // 4 and 5 of 10 are taken.
        assert!(budget.try_take(1025).is_none());
        first.keep(2048);
        let _eight = budget.try_take(8 << 10).expect("eight are free");
        assert!(budget.try_take(1).is_none());
    }

    #[tokio::test]
    async fn the_largest_waits_until_it_is_alone() {
        let budget = Budget::new(10 << 10);
        let small = budget.take(1).await.expect("never closed");
        let large = tokio::spawn({
            let budget = budget.clone();
            async move { budget.take(1 << 40).await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(!large.is_finished());
        drop(small);
        assert!(large.await.expect("it does not panic"));
        assert!(budget.try_take(10 << 10).is_some());
    }
}
