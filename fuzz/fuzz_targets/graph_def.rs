//! The readers of TensorFlow's graphs.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/graph_def.rs"]
mod graph_def;

libfuzzer_sys::fuzz_target!(|data: &[u8]| graph_def::run(data));
