//! Tables and messages of TensorFlow's checkpoints, written by hand: what is in them is read, and what they lie about is
//! named.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::fs;

use fuzz::messages::{bytes_field, number_field, varint};
use fuzz::{RESTARTS, masked, table_of};
use loaded::names;
use proptest::prelude::*;
use upconv_weights::{Dtype, Weights, format, limits, tf_checkpoint};

#[path = "fuzz/tf_checkpoint.rs"]
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;

fn shape_message(sizes: &[i64]) -> Vec<u8> {
    sizes.iter().flat_map(|&size| bytes_field(2, &number_field(1, size))).collect()
}

/// A message of type `TensorSliceProto`.
fn part_message(extents: &[Option<(i64, i64)>]) -> Vec<u8> {
    let extent = |extent: &Option<(i64, i64)>| match extent {
        Some((begin, length)) => [number_field(1, *begin), number_field(2, *length)].concat(),
        None => vec![],
    };
    extents.iter().flat_map(|given| bytes_field(1, &extent(given))).collect()
}

/// What the index says about a tensor.
#[derive(Clone)]
struct Stored {
    dtype: i64,
    shape: Vec<i64>,
    shard: i64,
    begin: i64,
    size: i64,
    checksum: u32,
    parts: Vec<Vec<Option<(i64, i64)>>>,
}

impl Stored {
    fn message(&self) -> Vec<u8> {
        let mut message = number_field(1, self.dtype);
        message.extend(bytes_field(2, &shape_message(&self.shape)));
        for (number, value) in [(3, self.shard), (4, self.begin), (5, self.size)] {
            message.extend(number_field(number, value));
        }
        message.push(6 << 3 | 5);
        message.extend(self.checksum.to_le_bytes());
        for part in &self.parts {
            message.extend(bytes_field(7, &part_message(part)));
        }
        message
    }
}

const FLOAT: i64 = 1;
const UINT8: i64 = 4;

/// U8 at a place of the cells.
fn stored(cells: &[u8], begin: usize, shape: &[i64]) -> Stored {
    let size = shape.iter().product::<i64>();
    let checksum = masked(&cells[begin..begin + size as usize]);
    let (begin, shape) = (begin as i64, shape.to_vec());
    Stored { dtype: UINT8, shape, shard: 0, begin, size, checksum, parts: vec![] }
}

type Extents = [Option<(i64, i64)>];
type Entries = Vec<(Vec<u8>, Vec<u8>)>;

/// A block of entries, each with its whole key.
fn block(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (key, value) in entries {
        let sizes = [0, key.len(), value.len()].map(|size| varint(size as u64));
        block.extend([&sizes.concat()[..], key, value].concat());
    }
    [&block[..], &RESTARTS].concat()
}

fn header(shards: i64) -> (Vec<u8>, Vec<u8>) {
    (vec![], [number_field(1, shards), bytes_field(3, &number_field(1, 1))].concat())
}

fn named(name: &str, message: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (name.into(), message)
}

const CELLS: [u8; 8] = [10, 11, 12, 13, 14, 15, 16, 17];

/// Two tensors of two and four cells, in one file of cells.
fn good() -> Entries {
    let whole = [("a", 0, &[2][..]), ("b", 4, &[2, 2])];
    let tensors =
        whole.map(|(name, begin, shape)| named(name, stored(&CELLS, begin, shape).message()));
    [vec![header(1)], tensors.to_vec()].concat()
}

fn read(entries: &Entries) -> Result<Weights, String> {
    let table = table_of(&[(0, block(entries))]);
    let read = tf_checkpoint::from_bytes("f", table, vec![CELLS.to_vec()]);
    read.map(|(weights, _)| weights).map_err(|error| error.to_string())
}

/// What the good entries give with another message for `a`.
fn error_with(change: impl FnOnce(&mut Stored)) -> String {
    let mut entries = good();
    let mut a = stored(&CELLS, 0, &[2]);
    change(&mut a);
    entries[1].1 = a.message();
    read(&entries).unwrap_err()
}

#[test]
fn written_by_hand_it_is_read() {
    // RFC 3720, B.4, and the mask of LevelDB: turned right by 15 bits, and 0xa282ead8 more.
    assert_eq!(masked(&[0; 32]), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    let weights = read(&good()).unwrap();
    assert_eq!(names(&weights), ["a", "b"]);
    assert_eq!(weights.get("b").unwrap().shape(), [2, 2]);
    assert_eq!(weights.get("b").unwrap().bytes(), [14, 15, 16, 17]);
    // The same over several blocks, some of which are compressed.
    let pack = |block: &[u8]| snap::raw::Encoder::new().compress_vec(block).unwrap();
    let entries = good();
    let blocks = [
        (0, block(&entries[..1])),
        (1, pack(&block(&entries[1..2]))),
        (1, pack(&block(&entries[2..]))),
    ];
    let read = tf_checkpoint::from_bytes("f", table_of(&blocks), vec![CELLS.to_vec()]).unwrap();
    assert_eq!(read.0, weights);
}

#[test]
fn numbers_whose_highest_byte_is_first() {
    let mut entries = good();
    entries[0].1.extend(number_field(2, 1));
    entries[2].1 = Stored { dtype: 17, ..stored(&CELLS, 4, &[4]) }.message();
    let error = read(&entries).unwrap_err();
    assert!(
        error.contains("a size of 4 bytes; legal: the 8 that U16 of its shape takes"),
        "{error}"
    );
    let mut short = stored(&CELLS, 4, &[4]);
    (short.dtype, short.shape) = (17, vec![2]);
    entries[2].1 = short.message();
    let weights = read(&entries).unwrap();
    assert_eq!(
        (weights.get("b").unwrap().dtype(), weights.get("b").unwrap().bytes()),
        (Dtype::U16, &[15, 14, 17, 16][..])
    );
    assert_eq!(weights.get("a").unwrap().bytes(), [10, 11]);
}

#[test]
fn an_index_that_lies_is_told_so() {
    for (error, expected) in [
        (
            error_with(|a| a.begin = 7),
            "f/shard-0: cut short: tensor \"a\" needs 2 bytes from byte 7 on, but 1",
        ),
        (
            error_with(|a| a.begin = i64::MAX),
            "cut short: tensor \"a\" needs 2 bytes from byte 9223372036854775807",
        ),
        (
            error_with(|a| a.begin = -1),
            "2 bytes from byte -1 of shard 0 on; legal: numbers from 0 on, and a shard below 1",
        ),
        (error_with(|a| a.shard = 1), "tensor \"a\": 2 bytes from byte 0 of shard 1 on; legal"),
        (error_with(|a| a.shard = -1), "from byte 0 of shard -1 on; legal"),
        (error_with(|a| a.size = 3), "a size of 3 bytes; legal: the 2 that U8 of its shape takes"),
        (error_with(|a| a.size = -2), "a size of -2 bytes; legal: the 2"),
        (
            error_with(|a| a.dtype = FLOAT),
            "a size of 2 bytes; legal: the 8 that F32 of its shape takes",
        ),
        (error_with(|a| a.checksum ^= 1), "f/shard-0: tensor \"a\" at byte 0: checksum "),
        (
            error_with(|a| *a = stored(&CELLS, 3, &[2])),
            "tensor \"b\": begins at byte 4 of the data, inside of tensor \"a\"",
        ),
        (
            error_with(|a| a.shape = vec![-1]),
            "f/a: shape at byte 4: -1 cells along an axis; legal: 0 and more",
        ),
        (error_with(|a| a.shape = vec![1 << 40]), "tensor \"a\": axis 0 has 1099511627776 cells"),
        (error_with(|a| a.shape = vec![1 << 30; 3]), "tensor \"a\": shape [1073741824"),
        (error_with(|a| a.shape = vec![1; 9]), "more than 8 axes"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let changed = |change: &dyn Fn(&mut Entries)| {
        let mut entries = good();
        change(&mut entries);
        read(&entries).unwrap_err()
    };
    let long = "n".repeat(5000);
    for (error, expected) in [
        (
            changed(&|e| e[0] = header(5000)),
            "num_shards at byte 0: 5000, but at most 4096 are read",
        ),
        (
            changed(&|e| e[0] = header(-1)),
            "num_shards at byte 0: 18446744073709551615, but at most",
        ),
        (changed(&|e| e[0] = header(2)), "num_shards at byte 0: 2, but 1 files of cells are given"),
        (
            changed(&|e| e[0].1.extend(number_field(2, 2))),
            "endianness at byte 6: 2; legal: 0 (little), 1 (big)",
        ),
        (
            changed(&|e| e[0].1.extend(bytes_field(3, &number_field(2, 2)))),
            "version.min_consumer at byte 8: 2, but version 1 is read",
        ),
        (changed(&|e| drop(e.remove(0))), "the entry without a name is missing"),
        (changed(&|e| e.clear()), "the entry without a name is missing"),
        (
            changed(&|e| e.swap(1, 2)),
            "the keys of the table at byte 0: \"a\" stands after \"b\"; keys must rise",
        ),
        (changed(&|e| e[2].0 = b"a".to_vec()), "\"a\" stands after \"a\"; keys must rise"),
        (
            changed(&|e| e[2].0 = b"b\xff".to_vec()),
            "the name of a tensor at byte 0: \"b\\xff\" is not UTF-8",
        ),
        (
            changed(&|e| e[2].0 = long.clone().into()),
            "the name of a tensor at byte 0: 5000 bytes, but at most",
        ),
        (changed(&|e| e[2].1.push(0xff)), "f/b: cut short: the number of a field needs 1 bytes"),
        (
            changed(&|e| e[2].1 = vec![0x12, 2, 0x18, 1]),
            "f/b: shape at byte 2: the number of axes is not known",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

/// The key of a part of a tensor of one axis, for numbers below 64.
fn part_key(name: &str, begin: u8, length: u8) -> Vec<u8> {
    [&[0][..], name.as_bytes(), &[0, 1, 1, 1, 0x80 ^ begin, 0x80 ^ length]].concat()
}

/// Tensor `w` of six cells in three parts, which lie the other way about.
fn in_parts() -> Entries {
    let mut entries = vec![header(1)];
    for (number, begin) in [(0, 4), (2, 2), (4, 0)] {
        entries.push((part_key("w", number, 2), stored(&CELLS, begin, &[2]).message()));
    }
    let mut whole = stored(&CELLS, 0, &[6]);
    (whole.size, whole.checksum) = (0, 0);
    whole.parts = vec![vec![Some((0, 2))], vec![Some((2, 2))], vec![Some((4, 2))]];
    entries.push(named("w", whole.message()));
    entries
}

#[test]
fn parts_that_lie_are_told_so() {
    let weights = read(&in_parts()).unwrap();
    assert_eq!(weights.get("w").unwrap().bytes(), [14, 15, 12, 13, 10, 11]);
    let changed = |parts: Vec<Vec<Option<(i64, i64)>>>, change: &dyn Fn(&mut Entries)| {
        let mut entries = in_parts();
        let mut whole = stored(&CELLS, 0, &[6]);
        whole.parts = parts;
        entries[4].1 = whole.message();
        change(&mut entries);
        read(&entries).unwrap_err()
    };
    let good = || vec![vec![Some((0, 2))], vec![Some((2, 2))], vec![Some((4, 2))]];
    let with = |part: Vec<Option<(i64, i64)>>| {
        let mut parts = good();
        parts[1] = part;
        parts
    };
    let nothing = |_: &mut Entries| {};
    for (error, expected) in [
        (
            changed(with(vec![Some((3, 2))]), &nothing),
            "tensor \"w\": parts: [3..5] and [4..6] overlap",
        ),
        (
            changed(vec![vec![Some((0, 2))], vec![Some((2, 4))]], &nothing),
            "tensor \"w\": parts: [2..6] is not in the table",
        ),
        (
            changed(with(vec![Some((5, 2))]), &nothing),
            "2 cells from 5 on along axis 0, which has 6",
        ),
        (
            changed(with(vec![Some((-1, 2))]), &nothing),
            "2 cells from -1 on along axis 0, which has 6",
        ),
        (
            changed(with(vec![Some((2, -1))]), &nothing),
            "-1 cells from 2 on along axis 0, which has 6",
        ),
        (changed(with(vec![Some((i64::MAX, i64::MAX))]), &nothing), "along axis 0, which has 6"),
        (changed(with(vec![]), &nothing), "0 axes, but the tensor has 1"),
        (changed(with(vec![None, None]), &nothing), "more axes than the 1 of the tensor"),
        (
            changed(with(vec![Some((0, 2))]), &nothing),
            "tensor \"w\": parts: [0..2] and [0..2] overlap",
        ),
        (
            changed(good()[1..].to_vec(), &nothing),
            "tensor \"w\": parts: they hold 4 bytes, but U8 of shape [6] takes 6",
        ),
        (changed(vec![], &nothing), "3 parts are there, but the tensors name 0"),
        (
            changed(good(), &|e| e[2].1 = Stored { dtype: 6, ..stored(&CELLS, 2, &[2]) }.message()),
            "parts: [2..4] is of type DT_INT8, but the whole of DT_UINT8",
        ),
        (
            changed(good(), &|e| e[2].1 = stored(&CELLS, 2, &[1]).message()),
            "tensor \"w[2..4]\": a size of 1 bytes",
        ),
        (
            changed(good(), &|e| e[2].1 = stored(&CELLS, 1, &[2]).message()),
            "tensor \"w[2..4]\": begins at byte 1 of the data, inside of tensor \"w[4..6]\"",
        ),
        (
            changed(vec![vec![Some((0, 2))]; limits::MAX_PARTS + 1], &nothing),
            "more than 4096 parts",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn tables_that_lie_are_told_so() {
    let of = |blocks: &[(u8, Vec<u8>)]| {
        tf_checkpoint::from_bytes("f", table_of(blocks), vec![CELLS.to_vec()])
            .unwrap_err()
            .to_string()
    };
    let entries = good();
    // A length of 4 GiB for a few bytes; and one that is nearly possible.
    let bomb = [&varint(u32::MAX.into())[..], &[0xfe; 9]].concat();
    let broken = [&varint(100)[..], &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
    for (error, expected) in [
        (
            of(&[(2, block(&entries))]),
            "a block of the table at byte 0: compression 2 is not read; legal: 0 (none), 1",
        ),
        (
            of(&[(1, bomb)]),
            "4294967295 bytes are stated, but its 14 bytes can stand for 308 at most",
        ),
        (of(&[(1, broken)]), "a block of the table at byte 0: snappy: "),
        (of(&[(1, vec![])]), "a block of the table at byte 0: snappy: "),
        (of(&[(0, vec![])]), "f/block-0: cut short: the end of a block needs 4 bytes"),
        (
            of(&[(0, block(&entries)), (0, block(&entries))]),
            "\"\" stands after \"b\"; keys must rise",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let good = table_of(&[(0, block(&entries))]);
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut table = good.clone();
        change(&mut table);
        tf_checkpoint::from_bytes("f", table, vec![CELLS.to_vec()]).unwrap_err().to_string()
    };
    let footer = good.len() - 48;
    for (error, expected) in [
        (changed(&|t| t[5] ^= 1), "a block of the table at byte 0: checksum "),
        (changed(&|t| t[footer - 6] ^= 1), "checksum "),
        (changed(&|t| t[footer + 2] = 0xff), "it lies beyond byte "),
        (changed(&|t| t[footer + 3] ^= 0x40), "a block of the table "),
        (changed(&|t| *t.last_mut().unwrap() = 0), "but a table ends with [57, fb, 80"),
        (
            changed(&|t| t.truncate(47)),
            "the footer of the table needs 48 bytes from byte 0 on, but 47",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    // One block, a thousand times in the index.
    let mut index = Vec::new();
    for number in 0..1000u32 {
        index.extend([0, 4, 2]);
        index.extend(number.to_be_bytes());
        index.extend([0, 8]);
    }
    index.extend(RESTARTS);
    let mut table = table_of(&[(0, RESTARTS.to_vec())]);
    let begin = 13u64;
    table.truncate(begin as usize);
    table.extend(&index);
    table.push(0);
    table.extend(masked(&[&index[..], &[0]].concat()).to_le_bytes());
    let mut footer = [&[0, 0][..], &varint(begin), &varint(index.len() as u64)].concat();
    footer.resize(40, 0);
    table.extend(footer);
    table.extend(0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    let error = tf_checkpoint::from_bytes("f", table, vec![]).unwrap_err().to_string();
    assert!(error.contains("it begins before byte 8, where the block before it ends"), "{error}");
}

#[test]
fn keys_that_take_their_begin_from_others_end_at_a_limit() {
    // A key of a megabyte, and a hundred that are a byte longer each.
    let mut content = [&[0][..], &varint(1 << 20), &[0]].concat();
    content.extend(vec![b'k'; 1 << 20]);
    for number in 0..100 {
        content.extend([&varint((1 << 20) + number)[..], &[1, 0, b'k']].concat());
    }
    content.extend(RESTARTS);
    let error = tf_checkpoint::from_bytes("f", table_of(&[(0, content)]), vec![]).unwrap_err();
    assert!(
        error.to_string().contains("bytes of keys of a table, but at most 16777216"),
        "{error}"
    );
}

/// A table of the first format: `w` of U8 or another type with these parts, and their cells as whole numbers.
fn slices(dtype: i64, shape: &[i64], listed: &[&Extents], found: &[(&Extents, &[i64])]) -> Entries {
    let mut tensor = bytes_field(1, b"w");
    tensor.extend(bytes_field(2, &shape_message(shape)));
    tensor.extend(number_field(3, dtype));
    for part in listed {
        tensor.extend(bytes_field(4, &part_message(part)));
    }
    let mut entries = vec![(vec![], bytes_field(1, &bytes_field(1, &tensor)))];
    for (number, (part, cells)) in found.iter().enumerate() {
        let cells: Vec<u8> = cells.iter().flat_map(|&cell| number_field(7, cell)).collect();
        let mut slice = bytes_field(1, b"w");
        slice.extend(bytes_field(2, &part_message(part)));
        slice.extend(bytes_field(3, &cells));
        entries.push((vec![0, number as u8], bytes_field(2, &slice)));
    }
    entries
}

#[test]
fn slices_that_lie_are_told_so() {
    let of = |entries: Entries| {
        let read = tf_checkpoint::from_bytes("f", table_of(&[(0, block(&entries))]), vec![]);
        read.map(|(weights, _)| weights).map_err(|error| error.to_string())
    };
    let (left, right): (&[_], &[_]) = (&[None, Some((0, 1))], &[None, Some((1, 2))]);
    let good =
        of(slices(UINT8, &[2, 3], &[left, right], &[(right, &[2, 3, 5, 6]), (left, &[1, 4])]));
    assert_eq!(good.unwrap().get("w").unwrap().bytes(), [1, 2, 3, 4, 5, 6]);
    let whole: &[_] = &[None, None];
    let error = |dtype, shape: &[i64], listed: &[&[_]], found: &[(&[_], &[i64])]| {
        of(slices(dtype, shape, listed, found)).unwrap_err()
    };
    for (error, expected) in [
        (
            error(UINT8, &[2, 3], &[left, right], &[(left, &[1, 4])]),
            "parts: they hold 2 bytes, but U8 of shape [2, 3] takes 6",
        ),
        (error(UINT8, &[2, 3], &[whole], &[]), "tensor \"w\": parts: none is there"),
        (
            error(UINT8, &[2, 3], &[left], &[(right, &[2, 3, 5, 6])]),
            "part [0..2, 1..3] of tensor \"w\" is not one that is listed",
        ),
        (
            error(UINT8, &[2, 3], &[left, whole], &[(left, &[1, 4]), (whole, &[0; 6])]),
            "[0..2, 0..1] and [0..2, 0..3] overlap",
        ),
        (
            error(UINT8, &[2, 1], &[left], &[(left, &[1])]),
            "U8 of shape [2, 1] takes 2 bytes, but 1 are given",
        ),
        (
            error(UINT8, &[2, 1], &[left], &[(left, &[1, 256])]),
            "int_val at byte 19: the number 256 does not fit into its 1 bytes",
        ),
        (
            error(UINT8, &[2, 1], &[left], &[(left, &[1, -1])]),
            "the number -1 does not fit into its 1 bytes",
        ),
        (
            error(UINT8, &[1 << 20, 1 << 20], &[whole], &[(whole, &[])]),
            "takes 1099511627776 bytes, but 0",
        ),
        (error(UINT8, &[2], &[whole], &[]), "more axes than the 1 of the tensor"),
        (
            error(FLOAT, &[1, 1], &[whole], &[(whole, &[3])]),
            "F32 of shape [1, 1] takes 4 bytes, but 0 are given",
        ),
    ] {
        assert!(error.contains(expected), "{error}");
    }
    let mut unlisted = slices(UINT8, &[1, 1], &[whole], &[(whole, &[3])]);
    unlisted[0].1 = bytes_field(1, &[]);
    assert!(
        of(unlisted)
            .unwrap_err()
            .contains("f/entry-1: data at byte 0: tensor \"w\" is not among those")
    );
    // Strings are passed over, whatever lies there.
    let text = slices(7, &[1, 1], &[whole], &[(whole, &[3])]);
    let (weights, passed) =
        tf_checkpoint::from_bytes("f", table_of(&[(0, block(&text))]), vec![]).unwrap();
    assert!(weights.tensors().is_empty());
    assert_eq!((&passed[0].name[..], &passed[0].what[..]), ("w", "DT_STRING"));
}

#[test]
fn tables_that_do_not_agree() {
    let folder = tempfile::tempdir().unwrap();
    let whole: &[_] = &[None];
    for (number, dtype) in [(0, UINT8), (1, 6)] {
        let table = table_of(&[(0, block(&slices(dtype, &[1], &[whole], &[(whole, &[number])])))]);
        fs::write(folder.path().join(format!("m-0000{number}-of-00002")), table).unwrap();
    }
    let error = format::open(&folder.path().join("m")).unwrap_err().to_string();
    assert!(
        error.contains(
            "tensor \"w\": DT_INT8 of shape [1] here; legal: DT_UINT8 of shape [1], as in"
        ),
        "{error}"
    );
}

#[test]
fn a_mapped_file_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let cells = vec![7; limits::MAPPED_BYTES as usize];
    let half = cells.len() as i64 / 2;
    // Two parts, one behind the other.
    let mut entries = vec![header(1)];
    let mut whole = stored(&CELLS, 0, &[0]);
    (whole.shape, whole.dtype) = (vec![2, half], UINT8);
    for number in 0..2 {
        let extents = [Some((number, 1)), None];
        whole.parts.push(extents.to_vec());
        // Of the second axis all: 0 and -1.
        let key = [&b"\0w\0\x01\x01\x02"[..], &[0x80 ^ number as u8, 0x81, 0x80, 0x7f]].concat();
        let mut part = stored(&cells, (number * half) as usize, &[half]);
        part.shape = vec![1, half];
        entries.push((key, part.message()));
    }
    entries.push(named("w", whole.message()));
    fs::write(folder.path().join("large.index"), table_of(&[(0, block(&entries))])).unwrap();
    fs::write(folder.path().join("large.data-00000-of-00001"), &cells).unwrap();
    let source = format::open(&folder.path().join("large")).unwrap();
    let tensor = source.weights.get("w").unwrap();
    assert_eq!(tensor.bytes(), cells);
    // Where the tensor lies is a map of the file, as the system lists them.
    if cfg!(target_os = "linux") {
        let place = tensor.bytes().as_ptr() as usize;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with("large.data-00000-of-00001")).unwrap();
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let range = [begin, end].map(|place| usize::from_str_radix(place, 16).unwrap());
        assert!((range[0]..range[1]).contains(&place));
    }
}

/// What is damaged: entries of each format, and cells.
fn everything() -> Vec<(Entries, Vec<u8>)> {
    let part: &[_] = &[Some((1, 1))];
    let first: &[_] = &[Some((0, 1))];
    vec![
        (good(), CELLS.to_vec()),
        (in_parts(), CELLS.to_vec()),
        (slices(UINT8, &[2], &[first, part], &[(first, &[1]), (part, &[2])]), vec![]),
    ]
}

proptest! {
    /// Whatever stands behind a good checksum: an answer, no panic, and no more memory than its bytes can ask for.
    #[test]
    fn damage_is_an_error_or_other_numbers(
        number in 0usize..3,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (entries, shard) = everything().swap_remove(number);
        let mut block = block(&entries);
        for (place, byte) in edits {
            let place = place.index(block.len());
            block[place] = byte;
        }
        let data = [&(block.len() as u16).to_le_bytes()[..], &block, &shard].concat();
        fuzz::run(&data);
    }
}
