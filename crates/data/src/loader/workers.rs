//! Threads that load ahead.
//!
//! Items have numbers in the order in which they are wanted. A thread takes the next number that is less
//! than [`Shared::ahead`] beyond what was taken out, so that no more items than that are in memory,
//! whatever the threads' speeds. Which thread loads an item, and when, changes nothing in it.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::order::{LoaderState, Order, Orders};
use super::source::Source;
use crate::error::{DataError, Result};
use crate::random::{Purpose, Stream};

/// An item that was loaded, or why it was not.
pub(super) struct Loaded<T> {
    /// Its index in the source.
    pub(super) index: usize,
    pub(super) result: Result<T>,
}

/// What a thread leaves: an item, or the panic that a source caused.
type Left<T> = std::result::Result<Loaded<T>, Box<dyn Any + Send>>;

struct Shared<S: Source> {
    source: Arc<S>,
    /// Most items that are loaded or in work.
    ahead: u64,
    start: LoaderState,
    state: Mutex<State<S::Item>>,
    /// Something was taken out, or all is over.
    wanted: Condvar,
    /// Something was loaded.
    loaded: Condvar,
}

struct State<T> {
    orders: Orders,
    ready: BTreeMap<u64, Left<T>>,
    /// The number that the next free thread takes.
    next: u64,
    /// The number that is taken out next.
    out: u64,
    /// From this number on nothing is loaded.
    end: u64,
    stop: bool,
}

pub(super) struct Workers<S: Source> {
    shared: Arc<Shared<S>>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads do.
pub(super) struct Plan {
    pub(super) threads: usize,
    pub(super) ahead: usize,
    pub(super) order: Order,
    /// Epochs in all; `None` for no end.
    pub(super) epochs: Option<u64>,
    pub(super) start: LoaderState,
}

impl<S: Source> Workers<S> {
    /// Starts the threads. The source has items, and the plan begins within an epoch.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(super) fn start(source: Arc<S>, plan: &Plan) -> Result<Self> {
        let items = source.len() as u64;
        let end = plan.epochs.map_or(u64::MAX, |epochs| {
            let left = epochs.saturating_sub(plan.start.epoch).saturating_mul(items);
            left.saturating_sub(plan.start.position)
        });
        let state = State {
            orders: Orders::new(source.len(), plan.start.seed, plan.order),
            ready: BTreeMap::new(),
            next: 0,
            out: 0,
            end,
            stop: false,
        };
        let shared = Shared {
            source,
            ahead: plan.ahead as u64,
            start: plan.start,
            state: Mutex::new(state),
            wanted: Condvar::new(),
            loaded: Condvar::new(),
        };
        let mut workers = Self { shared: Arc::new(shared), threads: Vec::new() };
        for number in 0..plan.threads {
            let shared = workers.shared.clone();
            let thread = std::thread::Builder::new().name(format!("loader-{number}"));
            // Those that were started before stop when `workers` is dropped.
            workers.threads.push(thread.spawn(move || shared.work()).map_err(DataError::read)?);
        }
        Ok(workers)
    }

    /// Waits for the next item; `None` at the end of the last epoch.
    pub(super) fn next(&mut self) -> Option<Loaded<S::Item>> {
        let mut state = self.shared.lock();
        if state.out >= state.end {
            return None;
        }
        loop {
            let number = state.out;
            if let Some(left) = state.ready.remove(&number) {
                state.out += 1;
                drop(state);
                self.shared.wanted.notify_one();
                return Some(left.unwrap_or_else(|panic| resume_unwind(panic)));
            }
            state = self.shared.loaded.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<S: Source> Shared<S> {
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if state.stop || state.next >= state.end {
                return;
            }
            if state.next - state.out >= self.ahead {
                state = self.wanted.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let number = state.next;
            state.next += 1;
            let (epoch, place) = self.place(number);
            let index = state.orders.item(epoch, place);
            drop(state);
            // What a source leaves behind when it panics is looked at no more: the panic goes on in the
            // thread that takes the item out.
            let left = catch_unwind(AssertUnwindSafe(|| self.load(epoch, index)));
            state = self.lock();
            state.ready.insert(number, left);
            self.loaded.notify_one();
        }
    }

    fn load(&self, epoch: u64, index: usize) -> Loaded<S::Item> {
        let (seed, purpose) = (self.start.seed, Purpose::AUGMENT);
        let stream = Stream { seed, purpose, epoch, index: index as u64 };
        Loaded { index, result: self.source.load(index, &mut stream.start()) }
    }

    /// The epoch of a number and the place in it.
    fn place(&self, number: u64) -> (u64, usize) {
        let items = self.source.len() as u64;
        let from_start = self.start.position.saturating_add(number);
        // Less than the number of items, which is a usize.
        (self.start.epoch.saturating_add(from_start / items), (from_start % items) as usize)
    }

    fn lock(&self) -> MutexGuard<'_, State<S::Item>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Drop for Workers<S> {
    /// Waits for the items in work, and for no others.
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.wanted.notify_all();
        for thread in self.threads.drain(..) {
            // Panics of sources were caught; nothing else is to be told.
            let _ = thread.join();
        }
    }
}
