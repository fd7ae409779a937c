//! The reader of TensorFlow's checkpoints.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/tf_checkpoint.rs"]
mod tf_checkpoint;

libfuzzer_sys::fuzz_target!(|data: &[u8]| tf_checkpoint::run(data));
