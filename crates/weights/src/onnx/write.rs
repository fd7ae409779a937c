//! Weights as an ONNX model of initializers alone, for programs that take weights in that form.

use std::io::{self, Write};
use std::path::Path;

use super::tensor::type_number;
use crate::atomic;
use crate::error::{Result, WeightsError};
use crate::safetensors::Weights;
use crate::tensor::Tensor;

/// Of ONNX 1.12, the first whose operators this project speaks of.
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;

/// Most bytes of a message, which is where other readers end: 2 GiB.
const MAX_BYTES: u64 = (1 << 31) - 1;

/// Writes weights as the initializers of a model without nodes: to a temporary name in the same folder, synced, renamed.
/// Types, shapes and cells stay what they are; those of a self-test, and the metadata, are left out.
///
/// # Errors
/// If the file would be beyond 2 GiB, or cannot be written; then nothing of it is left behind.
pub fn write_weights(weights: &Weights, path: &Path) -> Result<()> {
    let heads: Vec<(Vec<u8>, &Tensor)> = weights.parameters().map(|t| (head(t), t)).collect();
    let mut graph = Vec::new();
    text(&mut graph, 2, b"weights");
    let size = |(head, tensor): &(Vec<u8>, &Tensor)| (head.len() + tensor.byte_len()) as u64;
    let initializers: u64 = heads.iter().map(|one| 1 + varint_bytes(size(one)) + size(one)).sum();
    let graph_bytes = graph.len() as u64 + initializers;

    let mut model = Vec::new();
    number(&mut model, 1, IR_VERSION);
    text(&mut model, 2, b"upconv");
    text(&mut model, 3, env!("CARGO_PKG_VERSION").as_bytes());
    let mut opset = Vec::new();
    text(&mut opset, 1, b"");
    number(&mut opset, 2, OPSET);
    text(&mut model, 8, &opset);
    key(&mut model, 7, 2);
    varint(&mut model, graph_bytes);

    let file = path.display().to_string();
    let bytes = model.len() as u64 + graph_bytes;
    if bytes > MAX_BYTES {
        return Err(WeightsError::TooLarge { file, bytes, limit: MAX_BYTES });
    }
    let content = |out: &mut dyn Write| -> io::Result<()> {
        out.write_all(&model)?;
        out.write_all(&graph)?;
        for one in &heads {
            let mut begin = Vec::new();
            key(&mut begin, 5, 2);
            varint(&mut begin, size(one));
            out.write_all(&begin)?;
            out.write_all(&one.0)?;
            one.1.pieces(&mut |piece| out.write_all(piece))?;
        }
        Ok(())
    };
    atomic::write(path, content).map_err(|source| WeightsError::Write { file, source })
}

/// The message of a tensor up to its cells, which are the end of it.
fn head(tensor: &Tensor) -> Vec<u8> {
    let mut head = Vec::new();
    for &size in tensor.shape() {
        number(&mut head, 1, size as u64);
    }
    number(&mut head, 2, type_number(tensor.dtype()));
    text(&mut head, 8, tensor.name().as_bytes());
    key(&mut head, 9, 2);
    varint(&mut head, tensor.byte_len() as u64);
    head
}

fn key(out: &mut Vec<u8>, field: u64, wire: u64) {
    varint(out, field << 3 | wire);
}

fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    key(out, field, 0);
    varint(out, value);
}

fn text(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    key(out, field, 2);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Seven bits in each byte, the lowest first.
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint_bytes(value: u64) -> u64 {
    u64::from((64 - (value | 1).leading_zeros()).div_ceil(7))
}
