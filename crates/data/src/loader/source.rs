//! What a loader loads from.

use crate::error::Result;
use crate::random::Random;

/// Items that can be loaded one by one, and put together to batches.
pub trait Source: Send + Sync + 'static {
    /// An item, ready for a network.
    type Item: Send + 'static;
    /// Several items.
    type Batch;

    /// How many items an epoch has.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What to call an item to people.
    fn name(&self, index: usize) -> String;

    /// Loads an item; called from several threads at a time. All that is drawn must be drawn from
    /// `random`, which depends on nothing but the seed, the epoch and the index.
    ///
    /// # Errors
    /// With the name of the file.
    fn load(&self, index: usize, random: &mut Random) -> Result<Self::Item>;

    /// Puts items, at least one, together; `indices[i]` is that of `items[i]`.
    ///
    /// # Errors
    /// If they do not fit together.
    fn stack(&self, items: Vec<Self::Item>, indices: &[usize]) -> Result<Self::Batch>;
}
