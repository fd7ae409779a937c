//! The readers of Caffe's files.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/caffe.rs"]
mod caffe;

libfuzzer_sys::fuzz_target!(|data: &[u8]| caffe::run(data));
