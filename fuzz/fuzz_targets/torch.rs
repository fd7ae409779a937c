//! The reader of PyTorch's files.
#![no_main]

#[path = "../../crates/weights/tests/fuzz/torch.rs"]
mod torch;

libfuzzer_sys::fuzz_target!(|data: &[u8]| torch::run(data));
