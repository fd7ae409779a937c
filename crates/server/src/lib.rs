//! Transposed convolution in a browser: pages and the JSON API behind them, as `upconv serve` runs them.
//!
//! 1. [`serve()`]: listens, answers, and ends when it is told to.
//! 2. `router` puts the layers around the routes: who may ask (`access`), what is counted (`metrics`).
//! 3. `api`: a file for each group of routes; a request becomes words for the libraries, which compute all figures.
//! 4. `gate` bounds what runs and waits, `body` what is read: memory does not grow with the number of clients.
//! 5. `networks` are made once, of weights that whoever starts the server names; `upload` reads pictures for them, `budget`
//!    bounds what these take together.
//! 6. `runs`: folders of training, looked at while they are trained.
//! 7. `pages`: HTML, CSS and JavaScript as they lie in `pages/`, without a build step and without a formula.
//! 8. [`layer`] and [`mod@models`]: a layer of a weight file, and what there is to know of a model, which the command line
//!    shows as well.
//!
//! No path from the network reaches the file system: pages are part of the program, weights and runs are looked up by the
//! names that they were given at the start, and what is sent is read in memory and forgotten.
#![forbid(unsafe_code)]

mod access;
mod api;
mod body;
mod budget;
mod clients;
mod error;
mod etag;
mod fields;
mod gate;
mod impatient;
pub mod layer;
pub mod limits;
mod log;
mod metrics;
pub mod models;
mod multipart;
mod networks;
mod pages;
mod router;
mod runs;
mod serve;
mod settings;
mod upload;

pub use clients::Peer;
pub use log::log_to_stderr;
pub use networks::{GivenWeights, NetworkError};
pub use router::{App, openapi, router};
pub use serve::{ServeError, serve};
pub use settings::{Settings, SettingsError};
