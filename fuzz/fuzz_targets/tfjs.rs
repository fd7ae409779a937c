//! The reader of TensorFlow.js models.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/tfjs.rs"]
mod tfjs;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tfjs::run(data));
