//! That batches depend on the seed alone: not on threads, prefetching, interruptions or broken items.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use upconv_data::DataError;
use upconv_data::loader::{Loader, LoaderState, Options, Order, Source, Step};
use upconv_data::random::{Purpose, Random, Stream};

/// Items are their index and a random number; some cannot be loaded.
struct Numbers {
    items: usize,
    broken: Vec<usize>,
    /// Microseconds that an item takes, by its index.
    slow: fn(usize) -> u64,
    panics_at: Option<usize>,
    loads: AtomicUsize,
    alive: Arc<AtomicUsize>,
    most_alive: AtomicUsize,
}

impl Numbers {
    fn new(items: usize) -> Self {
        Self {
            items,
            broken: Vec::new(),
            slow: |_| 0,
            panics_at: None,
            loads: AtomicUsize::new(0),
            alive: Arc::default(),
            most_alive: AtomicUsize::new(0),
        }
    }
}

/// Counts itself while it is in memory.
struct Item(usize, u64, Arc<AtomicUsize>);

impl Drop for Item {
    fn drop(&mut self) {
        self.2.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Source for Numbers {
    type Item = Item;
    type Batch = Vec<(usize, u64)>;

    fn len(&self) -> usize {
        self.items
    }

    fn name(&self, index: usize) -> String {
        format!("item {index}")
    }

    fn load(&self, index: usize, random: &mut Random) -> Result<Item, DataError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let alive = 1 + self.alive.fetch_add(1, Ordering::SeqCst);
        self.most_alive.fetch_max(alive, Ordering::SeqCst);
        std::thread::sleep(Duration::from_micros((self.slow)(index)));
        let item = Item(index, random.bits(), self.alive.clone());
        assert_ne!(self.panics_at, Some(index), "the source panics");
        match self.broken.contains(&index) {
            true => Err(DataError::Empty.in_file(self.name(index))),
            false => Ok(item),
        }
    }

    fn stack(&self, items: Vec<Item>, indices: &[usize]) -> Result<Self::Batch, DataError> {
        let batch: Vec<_> = items.iter().map(|item| (item.0, item.1)).collect();
        assert!(batch.iter().map(|item| item.0).eq(indices.iter().copied()));
        Ok(batch)
    }
}

const START: LoaderState = LoaderState { epoch: 0, position: 0, seed: 42 };

type Told = (Vec<(usize, u64)>, Vec<usize>, u64, LoaderState);

fn told(step: Result<Step<Vec<(usize, u64)>>, DataError>) -> Told {
    let step = step.unwrap();
    let failed = step.failed.iter().map(|failed| failed.index).collect();
    (step.batch, failed, step.epoch, step.state)
}

fn steps(source: Numbers, options: Options, state: LoaderState, count: usize) -> Vec<Told> {
    Loader::new(Arc::new(source), options, state).unwrap().take(count).map(told).collect()
}

fn source(broken: &[usize]) -> Numbers {
    // Later items are often ready first.
    let slow = |index: usize| [900, 0, 300, 50, 0][index % 5];
    Numbers { broken: broken.to_vec(), slow, ..Numbers::new(11) }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let alone = Options { threads: 1, ahead: 1, ..Options::training(3) };
    let expected = steps(source(&[4, 7]), alone, START, 12);
    for (threads, ahead) in [(1, 5), (2, 2), (2, 40), (5, 5), (16, 3)] {
        let options = Options { threads, ahead, ..alone };
        assert_eq!(steps(source(&[4, 7]), options, START, 12), expected, "{threads} {ahead}");
    }
    let other = LoaderState { seed: 43, ..START };
    assert_ne!(steps(source(&[4, 7]), alone, other, 12), expected);
}

#[test]
fn each_epoch_has_each_item_once() {
    let told = steps(source(&[]), Options::training(4), START, 9);
    for epoch in 0..3 {
        let batches: Vec<_> = told.iter().filter(|step| step.2 == epoch).collect();
        let sizes: Vec<usize> = batches.iter().map(|step| step.0.len()).collect();
        assert_eq!(sizes, [4, 4, 3]);
        let mut items: Vec<usize> =
            batches.iter().flat_map(|step| &step.0).map(|item| item.0).collect();
        items.sort_unstable();
        assert!(items.into_iter().eq(0..11));
        assert_eq!(batches[2].3, LoaderState { epoch: epoch + 1, position: 0, seed: 42 });
    }
    // What an item draws depends on the seed, the epoch and the item, and on nothing else.
    for (batch, _, epoch, _) in &told {
        for &(item, drawn) in batch {
            let (epoch, index, purpose) = (*epoch, item as u64, Purpose::AUGMENT);
            let stream = Stream { seed: 42, purpose, epoch, index };
            assert_eq!(drawn, stream.start().bits());
        }
    }
    let dropped = Options { drop_last: true, ..Options::training(4) };
    let told = steps(source(&[]), dropped, START, 6);
    assert!(told.iter().all(|step| step.0.len() == 4));
    assert!(told.iter().map(|step| step.2).eq([0, 0, 1, 1, 2, 2]));
}

#[test]
fn interrupted_anywhere_and_resumed_is_unbroken() {
    for (batch, drop_last, broken) in
        [(1, false, &[][..]), (1, false, &[4, 7, 8]), (3, false, &[4, 7, 8]), (4, true, &[0])]
    {
        let options = Options { drop_last, ..Options::training(batch) };
        let unbroken = steps(source(broken), options, START, 30);
        for cut in 0..20usize {
            let state = cut.checked_sub(1).map_or(START, |last| unbroken[last].3);
            // Written down and read again.
            let state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            let resumed = steps(source(broken), options, state, 30 - cut);
            assert_eq!(resumed, unbroken[cut..], "batch {batch}, cut {cut}");
        }
    }
}

#[test]
fn a_state_within_a_batch_goes_on_there() {
    // Places 0 to 10 of epoch 0 one by one, then from each place on in batches of 3.
    let single = steps(source(&[]), Options::training(1), START, 22);
    let items = |told: &[Told]| told.iter().flat_map(|step| step.0.clone()).collect::<Vec<_>>();
    for position in 0..=11 {
        let state = LoaderState { position, ..START };
        let resumed = items(&steps(source(&[]), Options::training(3), state, 4));
        assert_eq!(resumed[..5], items(&single)[position as usize..][..5]);
    }
}

#[test]
fn broken_items_are_told_and_the_next_take_their_places() {
    let options = Options { epochs: Some(1), order: Order::AsGiven, ..Options::training(3) };
    let told = steps(source(&[1, 2, 9, 10]), options, START, 99);
    let batches: Vec<(Vec<usize>, &[usize])> =
        told.iter().map(|step| (step.0.iter().map(|item| item.0).collect(), &step.1[..])).collect();
    assert_eq!(batches, [(vec![0, 3, 4], &[1, 2][..]), (vec![5, 6, 7], &[]), (vec![8], &[9, 10])]);
    // Those behind the last batch are asked for.
    let mut loader =
        Loader::new(Arc::new(source(&[10])), Options { batch: 5, ..options }, START).unwrap();
    assert_eq!(loader.by_ref().count(), 2);
    assert_eq!(loader.failed().iter().map(|failed| failed.index).collect::<Vec<_>>(), [10]);
    assert_eq!(loader.failed()[0].error.to_string(), "item 10 is empty");
    assert_eq!(loader.state(), LoaderState { epoch: 1, ..START });
}

#[test]
fn epochs_without_a_batch_are_an_error_and_the_end() {
    let all: Vec<usize> = (0..11).collect();
    let mut loader = Loader::new(Arc::new(source(&all)), Options::training(2), START).unwrap();
    let error = loader.next().unwrap().unwrap_err().to_string();
    let expected = "an epoch of 11 items makes no batch of 2: 11 of them cannot be loaded; the first problem: item ";
    assert!(error.starts_with(expected), "{error}");
    assert!(loader.next().is_none());
    let options = Options { drop_last: true, ..Options::training(12) };
    let mut loader = Loader::new(Arc::new(source(&[])), options, START).unwrap();
    let error = loader.next().unwrap().unwrap_err().to_string();
    assert_eq!(error, "an epoch of 11 items makes no batch of 12: 0 of them cannot be loaded");
    // The rest of an epoch may be too short for a batch: the next epoch is not.
    let options = Options { drop_last: true, ..Options::training(4) };
    let told = steps(source(&[]), options, LoaderState { position: 9, ..START }, 1);
    assert_eq!((told[0].2, told[0].3.position), (1, 4));
}

#[test]
fn memory_is_bounded_by_what_is_ahead() {
    for (threads, ahead) in [(1, 1), (4, 3), (3, 7)] {
        let source = Arc::new(Numbers { slow: |_| 100, ..Numbers::new(40) });
        let options = Options { threads, ahead, ..Options::training(1) };
        let mut loader = Loader::new(source.clone(), options, START).unwrap();
        let _ = loader.next();
        // Nobody takes anything: the threads stop when all that may be ahead is there.
        let loads = || source.loads.load(Ordering::SeqCst);
        let start = Instant::now();
        while loads() < 1 + ahead && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(loads(), 1 + ahead);
        let _ = loader.take(100).count();
        // One more: that which was just taken out.
        assert!(source.most_alive.load(Ordering::SeqCst) <= ahead + 1);
        assert_eq!(source.alive.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn dropped_it_stops_at_once() {
    let source = Arc::new(Numbers { slow: |_| 20_000, ..Numbers::new(1000) });
    let options = Options { threads: 3, ahead: 500, ..Options::training(1) };
    let mut loader = Loader::new(source.clone(), options, START).unwrap();
    let _ = loader.next();
    let start = Instant::now();
    drop(loader);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    // No thread holds the source any more, and none loads.
    assert_eq!(Arc::strong_count(&source), 1);
    assert!(source.loads.load(Ordering::SeqCst) < 20);
    // Also without having been asked for anything.
    drop(Loader::new(source.clone(), options, START).unwrap());
    assert_eq!(Arc::strong_count(&source), 1);
}

#[test]
fn a_panic_of_the_source_reaches_the_caller() {
    let source = Arc::new(Numbers { panics_at: Some(2), ..Numbers::new(5) });
    let options = Options { order: Order::AsGiven, ..Options::training(1) };
    let mut loader = Loader::new(source, options, START).unwrap();
    assert!(loader.next().unwrap().is_ok() && loader.next().unwrap().is_ok());
    assert!(catch_unwind(AssertUnwindSafe(|| loader.next().is_some())).is_err());
}

#[test]
fn settings_without_a_meaning() {
    let refused = |items: usize, options: Options, state: LoaderState| {
        let loader = Loader::new(Arc::new(Numbers::new(items)), options, state);
        loader.err().unwrap().to_string()
    };
    let options = Options::training(1);
    assert!(refused(0, options, START).starts_with("the number of items is 0"));
    assert!(refused(5, Options::training(0), START).starts_with("batch is 0"));
    assert!(refused(5, Options { threads: 0, ..options }, START).starts_with("threads is 0"));
    assert!(refused(5, Options { threads: 9999, ..options }, START).starts_with("threads is 9999"));
    assert!(refused(5, Options { ahead: 0, ..options }, START).starts_with("ahead is 0"));
    let beyond = refused(5, options, LoaderState { position: 6, ..START });
    let expected = "the position of the saved order is 6 of 5 items, but must be within the data; are they the same as when it was saved?";
    assert_eq!(beyond, expected);
    let over = LoaderState { epoch: 3, ..START };
    assert!(steps(Numbers::new(5), Options { epochs: Some(3), ..options }, over, 9).is_empty());
}

/// Items that can be loaded only while as many threads load at a time as there are items.
struct Together {
    items: usize,
    loading: Mutex<usize>,
    all: Condvar,
}

impl Source for Together {
    type Item = ();
    type Batch = usize;

    fn len(&self) -> usize {
        self.items
    }

    fn name(&self, index: usize) -> String {
        index.to_string()
    }

    fn load(&self, _: usize, _: &mut Random) -> Result<(), DataError> {
        let mut loading = self.loading.lock().unwrap();
        *loading += 1;
        self.all.notify_all();
        let limit = Duration::from_secs(20);
        let wait = self.all.wait_timeout_while(loading, limit, |loading| *loading < self.items);
        match wait.unwrap().1.timed_out() {
            true => Err(DataError::Empty),
            false => Ok(()),
        }
    }

    fn stack(&self, items: Vec<()>, _: &[usize]) -> Result<usize, DataError> {
        Ok(items.len())
    }
}

#[test]
fn threads_load_side_by_side() {
    let source = Together { items: 4, loading: Mutex::new(0), all: Condvar::new() };
    let options = Options { threads: 4, ahead: 4, ..Options::evaluation(4) };
    let mut loader = Loader::new(Arc::new(source), options, START).unwrap();
    assert_eq!(loader.next().unwrap().unwrap().batch, 4);
}
