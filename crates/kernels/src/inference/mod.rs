//! Whole networks for inference: batch norm folded, activations in the pass before them, weights packed once, values in
//! one arena.
//!
//! A [`Graph`] says what is computed; [`Graph::compile`] makes a [`Network`] of it, which runs as often as wanted:
//!
//! 1. `fold`: operations that need no pass of their own go into the one before.
//! 2. `step`: every operation left gets its plan, and its weights in the form that the plan reads.
//! 3. `draft`, `arena`: it is decided where every value lies; nothing is allocated while a network runs, but what plans
//!    keep for themselves.

mod arena;
mod channels;
mod draft;
mod fold;
mod graph;
mod network;
mod parameter;
mod rearrange;
mod step;

pub use graph::{BatchNorm, Graph, Value};
pub use network::{Network, NetworkOptions, StepInfo};
pub use parameter::Parameter;
