//! Items kept in memory, up to a limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::Result;

/// The first items that are loaded, as many as fit; nothing is ever put out.
///
/// Every epoch takes each item once: whatever was put out would be wanted before what came in its
/// place is wanted again, so that what fits first is as good as anything else.
#[derive(Debug)]
pub struct Cache<T> {
    limit: u64,
    used: AtomicU64,
    slots: Box<[OnceLock<Arc<T>>]>,
}

impl<T> Cache<T> {
    /// A cache of at most `limit` bytes for `items` items.
    pub fn new(items: usize, limit: u64) -> Self {
        let slots = (0..items).map(|_| OnceLock::new()).collect();
        Self { limit, used: AtomicU64::new(0), slots }
    }

    /// The item, loaded if it is not there; kept if there is room for its `bytes`.
    ///
    /// # Errors
    /// What `load` says; nothing is kept then.
    ///
    /// ```
    /// use upconv_data::loader::Cache;
    /// let cache = Cache::new(3, 10);
    /// let mut loads = 0;
    /// for index in [0, 1, 0, 1, 0, 1] {
    ///     let item = cache.get(index, |item: &String| item.len() as u64, || {
    ///         loads += 1;
    ///         Ok(format!("item {index}"))
    ///     })?;
    ///     assert_eq!(*item, format!("item {index}"));
    /// }
    /// // Item 0 is kept, then there is no room for item 1.
    /// assert_eq!(loads, 4);
    /// # Ok::<(), upconv_data::DataError>(())
    /// ```
    pub fn get(
        &self,
        index: usize,
        bytes: impl FnOnce(&T) -> u64,
        load: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let slot = self.slots.get(index);
        if let Some(kept) = slot.and_then(OnceLock::get) {
            return Ok(kept.clone());
        }
        let item = Arc::new(load()?);
        let Some(slot) = slot else { return Ok(item) };
        let bytes = bytes(&item);
        let room = |used: u64| used.checked_add(bytes).filter(|&used| used <= self.limit);
        let has_room = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_ok();
        if has_room && slot.set(item.clone()).is_err() {
            // Another thread was faster with the same item.
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(item)
    }

    /// Bytes of what is kept.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}
