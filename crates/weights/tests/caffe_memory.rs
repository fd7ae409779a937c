//! How much memory a large `.caffemodel` takes to open: a net of the sizes of VGG-16, in the form of 2014, of which the
//! fully connected layers have an eighth of their outputs. With `UPCONV_FULL_SIZE=1` they have all of them, and the file
//! has 553 MB as the published one.
//!
//! What is measured is `VmHWM` of `/proc/self/status`: the most bytes that this process ever had in memory, pages of the
//! mapped file among them. It stands in a test file of its own, so that no other test plays a part.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

#[path = "caffe/writer.rs"]
mod writer;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use upconv_weights::format;
use writer::Message;

/// Channels of the convolutions, and outputs of the fully connected layers.
const CHANNELS: [usize; 14] = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512];
const OUTPUTS: [usize; 3] = [4096, 4096, 1000];

/// Name, type, and sizes of the weight.
fn layers(part: usize) -> Vec<(String, i64, [usize; 4])> {
    let convolution = |n: usize| (format!("conv{n}"), 4, [CHANNELS[n + 1], CHANNELS[n], 3, 3]);
    let mut layers: Vec<_> = (0..13).map(convolution).collect();
    let mut inputs = 512 * 7 * 7;
    for (n, outputs) in OUTPUTS.into_iter().enumerate() {
        layers.push((format!("fc{}", n + 6), 14, [1, 1, outputs / part, inputs]));
        inputs = outputs / part;
    }
    layers
}

/// A blob of these sizes, without its `count` numbers of 4 bytes, and how many bytes it has with them.
fn blob_begin(sizes: [usize; 4]) -> (Message, usize, usize) {
    let count = sizes.iter().product::<usize>();
    let axes = sizes.iter().enumerate();
    let message = axes.fold(Message::default(), |m, (n, &s)| m.varint(n as u32 + 1, s as i64));
    // The key and the length of the numbers.
    let begin = message.length(5, count * 4);
    let bytes = begin.0.len() + count * 4;
    (begin, count, bytes)
}

/// Writes a net piece by piece, so that this process never holds it; gives the number of its numbers.
fn write(path: &Path, part: usize) -> usize {
    let mut out = BufWriter::new(File::create(path).unwrap());
    let mut total = 0;
    out.write_all(&Message::default().text(1, "VGG").0).unwrap();
    for (name, kind, sizes) in layers(part) {
        // The outputs of an inner product are its third axis.
        let outputs = if kind == 14 { sizes[2] } else { sizes[0] };
        let head = Message::default().text(4, &name).varint(5, kind);
        let blobs = [blob_begin(sizes), blob_begin([1, 1, 1, outputs])];
        let inner: usize = blobs
            .iter()
            .map(|(_, _, bytes)| Message::default().length(6, *bytes).0.len() + bytes)
            .sum();
        out.write_all(&Message::default().length(2, head.0.len() + inner).0).unwrap();
        out.write_all(&head.0).unwrap();
        for (begin, count, bytes) in blobs {
            out.write_all(&Message::default().length(6, bytes).0).unwrap();
            out.write_all(&begin.0).unwrap();
            for n in 0..count {
                out.write_all(&((n % 1000) as f32).to_le_bytes()).unwrap();
            }
            total += count;
        }
    }
    out.flush().unwrap();
    total
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_large_file_takes_less_than_half_again_its_size() {
    let full = std::env::var_os("UPCONV_FULL_SIZE").is_some();
    let part = if full { 1 } else { 8 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vgg.caffemodel");
    let numbers = write(&path, part);
    if full {
        assert_eq!(numbers, 138_357_544);
    }
    let (bytes, before) = (fs::metadata(&path).unwrap().len(), peak());
    let source = format::open(&path).unwrap();
    let (after, net) = (peak(), source.net.unwrap());
    eprintln!("a file of {bytes} bytes: at most {before} bytes in memory before, {after} after");
    assert_eq!(net.layers.len(), 16);
    assert_eq!(source.weights.tensors().iter().map(|t| t.cells()).sum::<usize>(), numbers);
    let last = source.weights.get("fc8/0").unwrap();
    assert_eq!(last.shape(), [1000 / part, 4096 / part]);
    assert_eq!(last.to_f32().unwrap()[999..1002], [999.0, 0.0, 1.0]);
    assert!(before < bytes / 4, "{before}");
    assert!(after * 2 < bytes * 3, "{after} bytes in memory for a file of {bytes}");

    // Written anew, names and shapes take less than a hundredth of what the numbers take.
    let out = folder.path().join("vgg.safetensors");
    source.weights.write(&out).unwrap();
    let written = fs::metadata(&out).unwrap().len();
    assert!(written * 100 <= numbers as u64 * 4 * 101, "{written} bytes for {numbers} numbers");
}
