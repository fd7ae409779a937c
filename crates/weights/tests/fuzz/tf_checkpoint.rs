//! What the fuzzer runs on the reader of TensorFlow's checkpoints: nothing may panic, and no answer may take much more
//! memory than was given. Also run by `tests/tf_checkpoint.rs`, on the corpus and on damaged samples.
//!
//! Data are taken as they are, and as the content of a block around which a table is put with the right checksums, since
//! hardly anything that is damaged gets beyond those.

use messages::varint;
use upconv_weights::{limits, tf_checkpoint};

#[path = "../common/messages.rs"]
pub(crate) mod messages;

/// Reads bytes as a table, and as a block (after two bytes that say how long it is) with a file of cells behind it.
pub(crate) fn run(data: &[u8]) {
    read(data.to_vec(), vec![]);
    let Some((size, rest)) = data.split_first_chunk::<2>() else { return };
    let (block, shard) = rest.split_at(rest.len().min(u16::from_le_bytes(*size).into()));
    for kind in [0, 1] {
        read(table_of(&[(kind, block.to_vec())]), vec![shard.to_vec()]);
    }
}

fn read(table: Vec<u8>, shards: Vec<Vec<u8>>) {
    // Cells of a shard are those of one tensor at most; those of a table may be numbers of one byte that take eight, in
    // a block that is compressed.
    let most =
        shards.iter().map(Vec::len).sum::<usize>() + table.len() * 8 * limits::MAX_SNAPPY_INFLATION;
    if let Ok((weights, _)) = tf_checkpoint::from_bytes("f", table, shards) {
        let bytes = weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum::<usize>();
        assert!(bytes <= most, "{bytes} bytes of tensors, but at most {most}");
    }
}

/// A table of blocks, each with the byte that says how it is compressed.
pub(crate) fn table_of(blocks: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let (mut table, mut index) = (Vec::new(), Vec::new());
    for (number, (kind, content)) in blocks.iter().enumerate() {
        let place = [varint(table.len() as u64), varint(content.len() as u64)].concat();
        // Keys of the index rise, and are not looked at.
        index.extend([0, 4, place.len() as u8]);
        index.extend((number as u32).to_be_bytes());
        index.extend(place);
        push(&mut table, *kind, content);
    }
    index.extend(RESTARTS);
    let mut footer = [0, 0].to_vec();
    footer.extend([varint(table.len() as u64), varint(index.len() as u64)].concat());
    footer.resize(40, 0);
    push(&mut table, 0, &index);
    table.extend(footer);
    table.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    table
}

/// What stands at the end of a block: one place, at its begin.
pub(crate) const RESTARTS: [u8; 8] = [0, 0, 0, 0, 1, 0, 0, 0];

fn push(table: &mut Vec<u8>, kind: u8, content: &[u8]) {
    table.extend(content);
    table.push(kind);
    table.extend(masked(&[content, &[kind]].concat()).to_le_bytes());
}

/// CRC-32C bit by bit, masked as LevelDB does.
pub(crate) fn masked(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| sum >> 1 ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
    let sum = !bytes.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), step));
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}
