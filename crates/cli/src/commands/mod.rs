//! One file per command: arguments in, a library crate called, the result printed.

pub(crate) mod about;
pub(crate) mod bench;
pub(crate) mod conformance;
mod confusion;
pub(crate) mod convert;
pub(crate) mod data;
pub(crate) mod diff;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod finetune;
pub(crate) mod inspect;
pub(crate) mod models;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod sample;
pub(crate) mod segment;
pub(crate) mod serve;
mod stored;
pub(crate) mod train;
