//! A gate through which so many go at a time, while so many wait; the rest is sent away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{ApiError, Result};
use crate::limits::ANSWER_TIME;

/// Bounds what runs and what waits.
#[derive(Clone)]
pub(crate) struct Gate {
    running: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
}

/// One place in the queue, given back even if the client goes away while it waits.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn new((running, most_waiting): (usize, usize)) -> Self {
        let running = Arc::new(Semaphore::new(running));
        Self { running, waiting: Arc::default(), most_waiting }
    }

    /// Waits for its turn; what is returned is held until the work is done.
    ///
    /// # Errors
    /// If too many wait already.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting
            && self.running.available_permits() == 0
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(ApiError::busy());
        }
        let place = Place(self.waiting.clone());
        // Never closed.
        let permit =
            self.running.clone().acquire_owned().await.map_err(|_| ApiError::internal())?;
        drop(place);
        Ok(permit)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Threads that compute, apart from those that speak HTTP.
#[derive(Clone)]
pub(crate) struct Pool {
    threads: Arc<rayon::ThreadPool>,
    gate: Gate,
}

impl Pool {
    /// # Errors
    /// If the system gives no threads.
    pub(crate) fn new(
        threads: usize,
        waiting: usize,
    ) -> std::result::Result<Self, rayon::ThreadPoolBuildError> {
        let name = |n: usize| format!("compute-{n}");
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()?;
        Ok(Self { threads: Arc::new(pool), gate: Gate::new((threads, waiting)) })
    }

    /// Runs work on a thread of the pool. If the client goes away, what has not begun never does.
    ///
    /// # Errors
    /// If too many wait already; what the work returns; if it panics, or takes longer than [`ANSWER_TIME`].
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let permit = self.gate.enter().await?;
        let (send, receive) = oneshot::channel();
        self.threads.spawn(move || {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            drop(permit);
            // Whoever asked may be gone.
            let _ = send.send(result.unwrap_or_else(|_| Err(ApiError::internal())));
        });
        match tokio::time::timeout(ANSWER_TIME, receive).await {
            Ok(result) => result.unwrap_or_else(|_| Err(ApiError::internal())),
            Err(_) => Err(ApiError::long()),
        }
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.gate.waiting()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn so_many_run_so_many_wait_the_rest_goes() {
        block_on(async {
            let gate = Gate::new((1, 1));
            let first = gate.enter().await.expect("nobody is there");
            let second = tokio::spawn({
                let gate = gate.clone();
                async move { gate.enter().await.is_ok() }
            });
            while gate.waiting() == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(gate.enter().await.err(), Some(ApiError::busy()));
            drop(first);
            assert!(second.await.expect("it does not panic"));
            assert_eq!(gate.waiting(), 0);
        });
    }

    #[test]
    fn who_goes_away_gives_the_place_back() {
        block_on(async {
            let gate = Gate::new((1, 1));
            let _first = gate.enter().await.expect("nobody is there");
            let waiting = gate.clone();
            let task = tokio::spawn(async move { waiting.enter().await.is_ok() });
            while gate.waiting() == 0 {
                tokio::task::yield_now().await;
            }
            task.abort();
            let _ = task.await;
            assert_eq!(gate.waiting(), 0);
        });
    }

    #[test]
    fn a_panic_is_an_answer() {
        block_on(async {
            let pool = Pool::new(1, 4).expect("threads");
            let failed: Result<()> = pool.run(|| panic!("on purpose")).await;
            assert_eq!(failed, Err(ApiError::internal()));
            assert_eq!(pool.run(|| Ok(6 * 7)).await, Ok(42));
        });
    }
}
