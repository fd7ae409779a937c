//! The reader of Keras's files, and of HDF5.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/keras.rs"]
mod keras;

libfuzzer_sys::fuzz_target!(|data: &[u8]| keras::run(data));
