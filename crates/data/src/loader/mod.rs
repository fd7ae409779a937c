//! Batches for training, loaded ahead by threads, in an order that only the seed decides.
//!
//! A [`Loader`] is an iterator over the batches of a [`Source`], epoch after epoch. Threads load items
//! ahead, at most [`Options::ahead`] of them, and give the same bits whatever their number. With each
//! batch comes the [`LoaderState`] behind it: a loader that begins there goes on exactly so.
//!
//! An item that cannot be loaded is passed over: the next in the order takes its place, and the batch
//! says which one it was. That depends on nothing but the data either.

mod cache;
mod order;
mod source;
mod workers;

use std::sync::Arc;

use crate::error::{DataError, Result};

pub use cache::Cache;
pub use order::{LoaderState, Order};
pub use source::Source;
use workers::{Plan, Workers};

/// How batches are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Items of a batch.
    pub batch: usize,
    /// Whether the last batch of an epoch is left out where it is smaller.
    pub drop_last: bool,
    /// In which order the items of an epoch come.
    pub order: Order,
    /// After how many epochs, counted from epoch 0, the iterator ends; `None` for never.
    pub epochs: Option<u64>,
    /// Threads that load.
    pub threads: usize,
    /// Most items that are loaded ahead, or being loaded.
    pub ahead: usize,
}

impl Options {
    /// For training: shuffled, without an end, on two threads; a batch and two items more ahead.
    pub fn training(batch: usize) -> Self {
        let ahead = batch.saturating_add(2);
        Self { batch, drop_last: false, order: Order::Shuffled, epochs: None, threads: 2, ahead }
    }

    /// For evaluation: each item once, in order.
    pub fn evaluation(batch: usize) -> Self {
        Self { order: Order::AsGiven, epochs: Some(1), ..Self::training(batch) }
    }
}

/// Most threads: more are a slip of the keyboard.
const MAX_THREADS: usize = 256;

/// A batch and what is to be known about it.
#[derive(Debug)]
pub struct Step<B> {
    /// The batch.
    pub batch: B,
    /// The items in it, as the source counts them.
    pub indices: Vec<usize>,
    /// Items before it, or in between, that cannot be loaded.
    pub failed: Vec<Failed>,
    /// The epoch that it belongs to.
    pub epoch: u64,
    /// Where the loader is behind it: at the start of the next epoch, if this was the last batch.
    pub state: LoaderState,
}

/// An item that cannot be loaded.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The item, as the source counts them.
    pub index: usize,
    /// Why.
    pub error: DataError,
}

/// An iterator over batches. Dropped, it stops its threads and waits until they have finished the items
/// in work.
pub struct Loader<S: Source> {
    source: Arc<S>,
    options: Options,
    workers: Workers<S>,
    state: LoaderState,
    /// Whether the current epoch was begun at its start.
    is_whole_epoch: bool,
    /// Batches of the current epoch, and failures in it.
    batches: u64,
    failures: usize,
    first_failure: Option<DataError>,
    /// Failures that no batch has told yet.
    untold: Vec<Failed>,
    is_over: bool,
}

impl<S: Source> Loader<S> {
    /// A loader from a state on; that of a new training is epoch 0, position 0 and its seed.
    ///
    /// # Errors
    /// If the source has no items, the options have no meaning, the state lies beyond an epoch, or the
    /// system gives no threads.
    pub fn new(source: Arc<S>, options: Options, state: LoaderState) -> Result<Self> {
        let rule = |holds: bool, name, got: String, legal| match holds {
            true => Ok(()),
            false => Err(DataError::Setting { name, got, legal }),
        };
        let Options { batch, threads, ahead, .. } = options;
        let items = source.len();
        rule(items > 0, "the number of items", items.to_string(), "1 or more")?;
        rule(batch > 0, "batch", batch.to_string(), "1 or more")?;
        let legal = "from 1 to 256";
        rule((1..=MAX_THREADS).contains(&threads), "threads", threads.to_string(), legal)?;
        rule(ahead > 0, "ahead", ahead.to_string(), "1 or more")?;
        rule(
            state.position <= items as u64,
            "the position of the saved order",
            format!("{} of {items} items", state.position),
            "within the data; are they the same as when it was saved?",
        )?;
        let Options { order, epochs, .. } = options;
        let state = normal(state, items);
        let plan = Plan { threads, ahead, order, epochs, start: state };
        let workers = Workers::start(source.clone(), &plan)?;
        Ok(Self {
            source,
            options,
            workers,
            is_whole_epoch: state.position == 0,
            state,
            batches: 0,
            failures: 0,
            first_failure: None,
            untold: Vec::new(),
            is_over: false,
        })
    }

    /// Where the loader is: behind the last batch that it gave.
    pub fn state(&self) -> LoaderState {
        self.state
    }

    /// Items that cannot be loaded and that no batch has told: after the end those behind the last batch.
    pub fn failed(&self) -> &[Failed] {
        &self.untold
    }

    /// What it loads from.
    pub fn source(&self) -> &Arc<S> {
        &self.source
    }

    /// The items of the next batch; none at the end of all epochs.
    fn gather(&mut self) -> Result<(Vec<S::Item>, Vec<usize>, u64)> {
        let items = self.source.len();
        let (mut batch, mut indices) = (Vec::new(), Vec::new());
        loop {
            let epoch = self.state.epoch;
            let Some(loaded) = self.workers.next() else { return Ok((batch, indices, epoch)) };
            self.state.position += 1;
            match loaded.result {
                Ok(item) => {
                    batch.push(item);
                    indices.push(loaded.index);
                }
                Err(error) => {
                    self.failures += 1;
                    self.first_failure.get_or_insert_with(|| error.clone());
                    self.untold.push(Failed { index: loaded.index, error });
                }
            }
            let is_last = self.state.position == items as u64;
            self.state = normal(self.state, items);
            let is_whole = batch.len() == self.options.batch;
            let is_taken = is_whole || (is_last && !batch.is_empty() && !self.options.drop_last);
            if is_taken {
                self.batches += 1;
            }
            if is_last {
                self.end_of_epoch()?;
            }
            if is_taken {
                return Ok((batch, indices, epoch));
            }
            if is_last {
                batch.clear();
                indices.clear();
            }
        }
    }

    /// # Errors
    /// If a whole epoch gave no batch, as then none ever will.
    fn end_of_epoch(&mut self) -> Result<()> {
        let was_whole = std::mem::replace(&mut self.is_whole_epoch, true);
        let batches = std::mem::take(&mut self.batches);
        let failed = std::mem::take(&mut self.failures);
        let first = self.first_failure.take().map(Box::new);
        if batches > 0 || !was_whole {
            return Ok(());
        }
        let (items, batch) = (self.source.len(), self.options.batch);
        Err(DataError::NoBatch { items, batch, failed, first })
    }
}

/// The end of an epoch is the start of the next.
fn normal(state: LoaderState, items: usize) -> LoaderState {
    match state.position >= items as u64 {
        true => LoaderState { epoch: state.epoch.saturating_add(1), position: 0, ..state },
        false => state,
    }
}

impl<S: Source> Iterator for Loader<S> {
    type Item = Result<Step<S::Batch>>;

    /// The next batch. After an error there is no other.
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.gather().and_then(|(items, indices, epoch)| {
            if items.is_empty() {
                return Ok(None);
            }
            let batch = self.source.stack(items, &indices)?;
            let failed = std::mem::take(&mut self.untold);
            Ok(Some(Step { batch, indices, failed, epoch, state: self.state }))
        });
        self.is_over = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}
