//! Buffers between runs.

use std::sync::{Mutex, PoisonError};

/// Buffers that nobody uses at the moment. Tasks hand them on to each other, and runs to the next run, as
/// memory that is touched for the first time costs more than the work in it; there are never more of them
/// than threads at work.
pub(crate) struct Idle<B>(Mutex<Vec<B>>);

impl<B> Idle<B> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    pub(crate) fn take(&self) -> Option<B> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(crate) fn put(&self, buffers: B) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffers);
    }
}

impl<B> Clone for Idle<B> {
    /// A copy has buffers of its own.
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<B> std::fmt::Debug for Idle<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Idle")
    }
}
