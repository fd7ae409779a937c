//! Data sets that are made, not collected: pure functions of a seed.

pub mod folder;
mod noise;
pub mod pictures;
pub mod roads;

pub use folder::Made;
