//! The order of the items in each epoch, and where a loader is in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::random::{Purpose, Stream};

/// Where a loader is: with the data and the settings, all that decides what comes next.
///
/// It is part of the state of a training. A loader that begins with it goes on exactly where the one it
/// was taken from was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderState {
    /// The epoch, from 0.
    pub epoch: u64,
    /// Items of this epoch that were taken or passed over.
    pub position: u64,
    /// The seed of the order and of the changes to items.
    pub seed: u64,
}

/// In which order the items of an epoch come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each once, in an order that every epoch has of its own.
    #[default]
    Shuffled,
    /// Each once, as the source has them.
    AsGiven,
    /// As many as there are, each drawn from all: some come several times and others not at all.
    Drawn,
}

/// Orders of epochs, those in use kept.
#[derive(Debug)]
pub(super) struct Orders {
    items: usize,
    seed: u64,
    order: Order,
    kept: Vec<(u64, Arc<[usize]>)>,
}

/// Epochs whose orders are kept: prefetching looks at most one ahead unless epochs are tiny.
const KEPT: usize = 2;

impl Orders {
    pub(super) fn new(items: usize, seed: u64, order: Order) -> Self {
        Self { items, seed, order, kept: Vec::new() }
    }

    /// The item at a place of an epoch, which must be below the number of items.
    pub(super) fn item(&mut self, epoch: u64, place: usize) -> usize {
        if self.order == Order::AsGiven {
            return place;
        }
        if let Some((_, order)) = self.kept.iter().find(|(kept, _)| *kept == epoch) {
            return order[place];
        }
        let order = drawn(self.items, self.seed, epoch, self.order);
        let item = order[place];
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push((epoch, order));
        item
    }
}

/// The order of an epoch: each is drawn from the sorted one, so that none depends on those before.
fn drawn(items: usize, seed: u64, epoch: u64, kind: Order) -> Arc<[usize]> {
    let mut order: Vec<usize> = (0..items).collect();
    let mut random = Stream { seed, purpose: Purpose::ORDER, epoch, index: 0 }.start();
    match kind {
        Order::AsGiven => {}
        Order::Shuffled => random.shuffle(&mut order),
        Order::Drawn => order.fill_with(|| random.range(0, items - 1)),
    }
    order.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_has_all_items_in_an_order_of_its_own() {
        let mut orders = Orders::new(50, 7, Order::Shuffled);
        let mut epoch = |epoch| (0..50).map(|place| orders.item(epoch, place)).collect::<Vec<_>>();
        let drawn: Vec<Vec<usize>> = (0..4).map(&mut epoch).collect();
        for (number, order) in drawn.iter().enumerate() {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..50));
            assert_ne!(*order, drawn[(number + 1) % 4]);
            // Also when it is asked for again, long after.
            assert_eq!(*order, epoch(number as u64));
        }
        let mut plain = Orders::new(50, 7, Order::AsGiven);
        assert!((0..50).all(|place| plain.item(3, place) == place));
    }

    #[test]
    fn drawn_ones_come_again_as_often_as_chance_has_it() {
        let mut orders = Orders::new(1000, 7, Order::Drawn);
        let drawn: Vec<usize> = (0..1000).map(|place| orders.item(2, place)).collect();
        let mut seen = drawn.clone();
        seen.sort_unstable();
        seen.dedup();
        // 1 - (1 - 1/1000)^1000 = 0.632 of them, with a deviation of 0.0098.
        assert!((seen.len() as f64 / 1000.0 - 0.632).abs() < 0.05, "{}", seen.len());
        assert_eq!(drawn[17], orders.item(2, 17));
    }
}
