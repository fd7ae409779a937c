//! How much memory a large file takes to convert whose tensors have their axes in another order.
//!
//! What is measured is `VmHWM` of `/proc/self/status`: the most bytes that this process ever had in memory, pages of the
//! mapped file among them. It stands in a test file of its own, so that no other test plays a part.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use upconv_weights::{
    Allowed, Axes, Expected, Metadata, RenameTable, Rule, Weights, convert, format,
};

/// Height, width, input and output channels of a filter of TensorFlow's.
const SHAPE: [usize; 4] = [3, 3, 512, 4096];

/// An array of NumPy's, written piece by piece, so that this process never holds it.
fn write(path: &Path) {
    let shape = SHAPE.map(|size| size.to_string()).join(", ");
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let header = format!("{header:<117}\n");
    let mut out = BufWriter::new(File::create(path).unwrap());
    out.write_all(b"\x93NUMPY\x01\0").unwrap();
    out.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    out.write_all(header.as_bytes()).unwrap();
    for cell in 0..SHAPE.iter().product() {
        out.write_all(&(cell as f32).to_le_bytes()).unwrap();
    }
    out.flush().unwrap();
}

fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn moved_axes_take_less_than_half_again_the_size_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("filter.npy");
    write(&path);
    let (bytes, before) = (fs::metadata(&path).unwrap().len(), peak());
    let source = format::open(&path).unwrap();
    let name = source.weights.tensors()[0].name().to_owned();
    let table = RenameTable::new(vec![Rule::take(name, "weight", Axes::HWIO_TO_OIHW)]);
    let expected = [Expected::new("weight", [4096, 512, 3, 3])];
    let converted =
        convert::convert(source, &table, &expected, Metadata::new("m"), &Allowed::default());
    let weights = converted.unwrap().weights.unwrap();
    let out = folder.path().join("weight.safetensors");
    weights.write(&out).unwrap();
    let hash = weights.weights_hash();
    let after = peak();
    eprintln!("a file of {bytes} bytes: at most {before} bytes in memory before, {after} after");
    assert!(before < bytes / 4, "{before}");
    assert!(after * 2 < bytes * 3, "{after} bytes in memory for a file of {bytes}");

    // What is not the numbers is less than a hundredth of them.
    let written = fs::metadata(&out).unwrap().len();
    let cells = SHAPE.iter().product::<usize>() as u64;
    assert!(written * 100 <= cells * 4 * 101, "{written} bytes for {cells} numbers");

    let read = Weights::read(&out).unwrap();
    assert_eq!(read.weights_hash(), hash);
    let values = read.tensors()[0].to_f32().unwrap();
    // Output 7, input 5, row 2, column 1.
    assert_eq!(
        values[((7 * 512 + 5) * 3 + 2) * 3 + 1],
        (((2 * 3 + 1) * 512 + 5) * 4096 + 7) as f32
    );
    assert_eq!(weights.tensors()[0].to_f32().unwrap(), values);
    // As a whole it is the same.
    assert_eq!(weights.tensors()[0].bytes(), read.tensors()[0].bytes());
}
