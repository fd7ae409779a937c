//! The reader of ONNX models.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/onnx.rs"]
mod onnx;

libfuzzer_sys::fuzz_target!(|data: &[u8]| onnx::run(data));
