//! A gate through which so many go at a time, while so many wait; the rest is sent away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::{ApiError, Result};
use crate::limits::{ANSWER_TIME, LONGEST_RETRY_AFTER};

/// Bounds what runs and what waits.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    running: Arc<Semaphore>,
    at_a_time: usize,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
    /// Microseconds that a turn takes, as the last ones did.
    usual: Arc<AtomicU64>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _permit: OwnedSemaphorePermit,
    begun: Instant,
    usual: Arc<AtomicU64>,
}

impl Drop for Turn {
    /// A moving mean over about eight turns.
    fn drop(&mut self) {
        let took = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX >> 8);
        let mean = |old: u64| if old == 0 { took } else { old - old / 8 + took / 8 };
        let _ =
            self.usual.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |old| Some(mean(old)));
    }
}

/// One place in the queue, given back even if the client goes away while it waits.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn new((at_a_time, most_waiting): (usize, usize)) -> Self {
        let running = Arc::new(Semaphore::new(at_a_time));
        let (waiting, usual) = (Arc::default(), Arc::default());
        Self { running, at_a_time, waiting, most_waiting, usual }
    }

    /// Waits for its turn.
    ///
    /// # Errors
    /// If too many wait already.
    pub(crate) async fn enter(&self) -> Result<Turn> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.most_waiting
            && self.running.available_permits() == 0
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(self.busy());
        }
        let place = Place(self.waiting.clone());
        // Never closed.
        let permit =
            self.running.clone().acquire_owned().await.map_err(|_| ApiError::internal())?;
        drop(place);
        Ok(Turn { _permit: permit, begun: Instant::now(), usual: self.usual.clone() })
    }

    /// Whether [`Gate::enter`] would send one away who came now.
    ///
    /// # Errors
    /// If it would.
    pub(crate) fn check(&self) -> Result<()> {
        match self.waiting() >= self.most_waiting && self.running.available_permits() == 0 {
            true => Err(self.busy()),
            false => Ok(()),
        }
    }

    /// Come again when those that wait now will have had their turn.
    fn busy(&self) -> ApiError {
        let before = (self.waiting() + self.at_a_time) as u64;
        let micros = before.saturating_mul(self.usual.load(Ordering::Relaxed));
        let wait = Duration::from_micros(micros / self.at_a_time.max(1) as u64);
        ApiError::busy().after(wait.min(LONGEST_RETRY_AFTER))
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// Whether somebody still waits for an answer.
#[derive(Clone, Debug)]
pub(crate) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    pub(crate) fn still(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// # Errors
    /// If nobody does, for work to end with.
    pub(crate) fn check(&self) -> Result<()> {
        if self.still() { Ok(()) } else { Err(ApiError::gone()) }
    }
}

/// Somebody waits, until this is dropped.
struct Waiting(Wanted);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// Threads that compute, apart from those that speak HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    threads: Arc<rayon::ThreadPool>,
    gate: Gate,
}

impl Pool {
    /// Threads of that name.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub(crate) fn new(
        name: &'static str,
        threads: usize,
        waiting: usize,
    ) -> std::result::Result<Self, rayon::ThreadPoolBuildError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |n| format!("{name}-{n}"))
            .build()?;
        Ok(Self { threads: Arc::new(pool), gate: Gate::new((threads, waiting)) })
    }

    /// The gate before the threads.
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Runs work on a thread of the pool when it is its turn. If the client goes away, what has not begun never does.
    ///
    /// # Errors
    /// If too many wait already; what the work returns; if it panics, or takes longer than [`ANSWER_TIME`].
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.gate.enter().await?;
        self.run_in(turn, |_| work()).await
    }

    /// The same for work that has its turn already, and that looks from time to time whether it is wanted still.
    ///
    /// # Errors
    /// As [`Pool::run`].
    pub(crate) async fn run_in<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce(&Wanted) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (send, receive) = oneshot::channel();
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let _waiting = Waiting(wanted.clone());
        self.threads.spawn(move || {
            let work = || wanted.check().and_then(|()| work(&wanted));
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            drop(turn);
            // Whoever asked may be gone.
            let _ = send.send(result.unwrap_or_else(|_| Err(ApiError::internal())));
        });
        match tokio::time::timeout(ANSWER_TIME, receive).await {
            Ok(result) => result.unwrap_or_else(|_| Err(ApiError::internal())),
            Err(_) => Err(ApiError::long()),
        }
    }

    /// Does something with all threads, now, from a thread that may wait.
    pub(crate) fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.threads.install(work)
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
            assert_eq!(gate.check(), Ok(()));
            while gate.waiting() == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!(gate.enter().await.err(), Some(ApiError::busy()));
            assert_eq!(gate.check().err(), Some(ApiError::busy()));
            drop(first);
            assert!(second.await.expect("it does not panic"));
            assert_eq!(gate.waiting(), 0);
        });
    }

    #[test]
    fn who_is_sent_away_hears_when_the_queue_will_have_gone() {
        block_on(async {
            let gate = Gate::new((2, 0));
            gate.usual.store(3_000_000, Ordering::Relaxed);
            let _both = (gate.enter().await, gate.enter().await);
            // Two turns of 3 seconds, two at a time.
            let refused = gate.enter().await.err();
            assert_eq!(refused, Some(ApiError::busy().after(Duration::from_secs(3))));
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
    fn work_that_nobody_waits_for_is_told() {
        block_on(async {
            let pool = Pool::new("test", 1, 4).expect("threads");
            let (began, begins) = oneshot::channel();
            let (told, tells) = oneshot::channel();
            let asked = tokio::spawn({
                let pool = pool.clone();
                async move {
                    let turn = pool.gate().enter().await?;
                    let work = move |wanted: &Wanted| {
                        let _ = began.send(());
                        while wanted.still() {
                            std::thread::sleep(Duration::from_millis(1));
                        }
                        let _ = told.send(wanted.check());
                        Ok(())
                    };
                    pool.run_in(turn, work).await
                }
            });
            begins.await.expect("it begins");
            asked.abort();
            assert_eq!(tells.await, Ok(Err(ApiError::gone())));
            // Its thread is free again.
            assert_eq!(pool.run(|| Ok(6 * 7)).await, Ok(42));
        });
    }

    #[test]
    fn a_panic_is_an_answer() {
        block_on(async {
            let pool = Pool::new("test", 1, 4).expect("threads");
            let failed: Result<()> = pool.run(|| panic!("on purpose")).await;
            assert_eq!(failed, Err(ApiError::internal()));
            assert_eq!(pool.run(|| Ok(6 * 7)).await, Ok(42));
        });
    }
}
