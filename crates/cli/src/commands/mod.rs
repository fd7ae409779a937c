//! One file per command: arguments in, a library crate called, the result printed.

pub(crate) mod about;
pub(crate) mod conformance;
pub(crate) mod explain;
