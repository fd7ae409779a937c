//! Transposed convolution in a browser: pages and the JSON API behind them, as `upconv serve` runs them.
//!
//! 1. [`serve()`]: listens, answers, and ends when it is told to.
//! 2. `router` puts the layers around the routes: who may ask (`access`), what is counted (`metrics`).
//! 3. `api`: a file for each group of routes; a request becomes words for the libraries, which compute all figures.
//! 4. `gate` bounds what runs and waits, `body` what is read: memory does not grow with the number of clients.
//! 5. `pages`: HTML, CSS and JavaScript as they lie in `pages/`, without a build step and without a formula.
//! 6. [`layer`]: a layer of a weight file, which the command line shows as well.
//! 7. `runs`: folders of training, looked at while they are trained.
//!
//! No path from the network reaches the file system: pages are part of the program, what is sent is read in memory, and runs
//! are looked up by the names that the server gave them.
#![forbid(unsafe_code)]

mod access;
mod api;
mod body;
mod error;
mod etag;
mod fields;
mod gate;
pub mod layer;
pub mod limits;
mod log;
mod metrics;
mod pages;
mod router;
mod runs;
mod serve;
mod settings;

pub use log::log_to_stderr;
pub use router::{App, openapi, router};
pub use serve::{ServeError, serve};
pub use settings::{Settings, SettingsError};
