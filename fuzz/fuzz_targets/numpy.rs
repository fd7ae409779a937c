//! The reader of NumPy's files.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/numpy.rs"]
mod numpy;

libfuzzer_sys::fuzz_target!(|data: &[u8]| numpy::run(data));
