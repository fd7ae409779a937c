//! The reader of our own format.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/safetensors.rs"]
mod safetensors;

libfuzzer_sys::fuzz_target!(|data: &[u8]| safetensors::run(data));
