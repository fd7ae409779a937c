//! The wish to stop, after the step that runs.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The exit code of a second Ctrl-C: 128 and the signal's number, as shells have it.
const AT_ONCE: i32 = 128 + SIGINT;

/// The wish to stop, after the step that runs.
///
/// ```
/// let stop = upconv_train::Stop::default();
/// assert!(!stop.is_wished());
/// stop.clone().wish();
/// assert!(stop.is_wished());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Wished by the first Ctrl-C, or by a polite request to end; the second ends the process at once.
    ///
    /// # Errors
    /// If the system does not let signals be caught.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down.
            flag::register_conditional_shutdown(signal, AT_ONCE, stop.0.clone())?;
            flag::register(signal, stop.0.clone())?;
        }
        Ok(stop)
    }

    /// Wishes it.
    pub fn wish(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is wished.
    pub fn is_wished(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
