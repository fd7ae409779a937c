//! Archives of arrays that lie: about sizes, places, checksums, or how much there is.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::io::Write;

use upconv_weights::{Dtype, Format, Tensor, Weights, format, limits, numpy};

/// An entry, as it is written and as the directory describes it.
#[derive(Clone)]
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    packed: Vec<u8>,
    checksum: u32,
    stated_packed: u32,
    stated_size: u32,
    extra: Vec<u8>,
    /// Where the directory says that it is; by itself where it is.
    place: Option<u32>,
    /// The name before the bytes, if it is another.
    own_name: Option<String>,
}

fn stored(name: &str, content: &[u8]) -> Entry {
    let size = content.len() as u32;
    Entry {
        name: name.into(),
        flags: 0,
        method: 0,
        packed: content.to_vec(),
        checksum: checksum(content),
        stated_packed: size,
        stated_size: size,
        extra: vec![],
        place: None,
        own_name: None,
    }
}

fn deflated(name: &str, content: &[u8]) -> Entry {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    let packed = encoder.finish().unwrap();
    Entry { method: 8, stated_packed: packed.len() as u32, packed, ..stored(name, content) }
}

/// CRC-32 of APPNOTE 4.4.7, bit by bit.
fn checksum(content: &[u8]) -> u32 {
    let step = |sum: u32, _| sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
    !content.iter().fold(!0, |sum, &byte| (0..8).fold(sum ^ u32::from(byte), step))
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let place = entry.place.unwrap_or(bytes.len() as u32);
        let own_name = entry.own_name.as_ref().unwrap_or(&entry.name);
        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend([entry.flags.to_le_bytes(), entry.method.to_le_bytes()].concat());
        bytes.extend([0; 16]);
        bytes.extend([(own_name.len() as u16).to_le_bytes(), [0; 2]].concat());
        bytes.extend(own_name.as_bytes());
        bytes.extend(&entry.packed);
        directory.extend(b"PK\x01\x02\x14\0\x14\0");
        directory.extend([entry.flags.to_le_bytes(), entry.method.to_le_bytes()].concat());
        directory.extend([0; 4]);
        for number in [entry.checksum, entry.stated_packed, entry.stated_size] {
            directory.extend(number.to_le_bytes());
        }
        for length in [entry.name.len(), entry.extra.len()] {
            directory.extend((length as u16).to_le_bytes());
        }
        directory.extend([0; 10]);
        directory.extend(place.to_le_bytes());
        directory.extend(entry.name.as_bytes());
        directory.extend(&entry.extra);
    }
    let begin = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([(entries.len() as u16).to_le_bytes(); 2].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(begin.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn error(entries: &[Entry]) -> String {
    numpy::from_bytes("f", zip(entries)).unwrap_err().to_string()
}

/// An array of U8.
fn array(cells: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({},), }}\n", cells.len());
    let size = (header.len() as u16).to_le_bytes();
    [&b"\x93NUMPY\x01\0"[..], &size, header.as_bytes(), cells].concat()
}

#[test]
fn good_ones() {
    // The check value that CRC catalogues give for this text.
    assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
    let entries = [stored("b/c.npy", &array(&[1, 2])), deflated("a.npy", &array(&[0; 9000]))];
    let weights = numpy::from_bytes("f", zip(&entries)).unwrap();
    assert_eq!(weights.get("b/c").unwrap().bytes(), [1, 2]);
    assert_eq!(weights.get("a").unwrap().bytes(), [0; 9000]);
    // Sizes and place in an extra field of wide numbers, behind another field.
    let mut wide = stored("a.npy", &array(&[7]));
    wide.extra = b"\x55\x54\x01\0\x03\x01\0\x18\0".to_vec();
    for number in [u64::from(wide.stated_size), u64::from(wide.stated_packed), 0] {
        wide.extra.extend(number.to_le_bytes());
    }
    (wide.stated_size, wide.stated_packed, wide.place) = (u32::MAX, u32::MAX, Some(u32::MAX));
    let weights = numpy::from_bytes("f", zip(&[wide.clone()])).unwrap();
    assert_eq!(weights.get("a").unwrap().bytes(), [7]);
    wide.extra.truncate(17);
    wide.extra[7] = 8;
    assert!(error(&[wide]).contains("an extra field of wide sizes needs 8 bytes"));
}

#[test]
fn an_end_of_wide_numbers() {
    let mut bytes = zip(&[stored("a.npy", &array(&[7]))]);
    let end = bytes.split_off(bytes.len() - 22);
    let [size, begin] = [12, 16].map(|at| u32::from_le_bytes(end[at..at + 4].try_into().unwrap()));
    let place = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    for number in [1, 1, u64::from(size), u64::from(begin)] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(place.to_le_bytes());
    bytes.extend(b"\x01\0\0\0");
    bytes.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    let weights = numpy::from_bytes("f", bytes.clone()).unwrap();
    assert_eq!(weights.get("a").unwrap().bytes(), [7]);
    // Its own place is wrong.
    let at = bytes.len() - 22 - 12;
    bytes[at] -= 1;
    let error = numpy::from_bytes("f", bytes.clone()).unwrap_err().to_string();
    assert!(error.contains("the wide end of the archive is not where it is said to be"), "{error}");
    bytes[at + 7] = 0xff;
    assert!(numpy::from_bytes("f", bytes).is_err());
}

#[test]
fn entries_that_lie() {
    let good = || stored("a.npy", &array(&[1, 2, 3]));
    let packed = || deflated("a.npy", &array(&[5; 300]));
    let with = |mut entry: Entry, change: fn(&mut Entry)| {
        change(&mut entry);
        error(&[entry])
    };
    for (got, expected) in [
        (with(good(), |e| e.checksum ^= 1), "entry \"a.npy\" at byte 0: checksum "),
        (with(good(), |e| e.stated_size += 1), "72 bytes are stated, but 71 are stored"),
        (with(good(), |e| e.stated_packed += 1000), "its 1071 bytes reach beyond byte 106, where"),
        (with(good(), |e| e.method = 12), "method 12 is not read; legal: 0 (stored), 8 (deflate)"),
        (with(good(), |e| e.flags = 1), "it is encrypted, which is not read"),
        (with(good(), |e| e.own_name = Some("b.npy".into())), "its header is not what the direct"),
        (with(good(), |e| e.place = Some(1)), "its header is not what the directory says"),
        (with(good(), |e| e.place = Some(u32::MAX - 1)), "reach beyond byte"),
        (with(good(), |e| e.extra = vec![1, 0, 9, 0]), "an extra field needs 9 bytes"),
        (with(packed(), |e| e.stated_size += 1), "371 bytes are stated, but it holds 370"),
        (with(packed(), |e| e.stated_size -= 1), "369 bytes are stated, but it holds more"),
        (with(packed(), |e| e.packed[5] ^= 0xff), "entry \"a.npy\" at byte 0: "),
        (
            with(packed(), |e| {
                e.packed.push(0);
                e.stated_packed += 1;
            }),
            "1 bytes too many after what is packed",
        ),
        (error(&[stored("readme.txt", b"hello")]), "\"readme.txt\" is not read; names end with"),
        (error(&[stored("a.npy", b"hello world")]), "f/a.npy: magic at byte 0: it is [68, 65, 6c"),
        (error(&[stored("a.npy", b"")]), "f/a.npy: cut short: the magic of NumPy needs 6 bytes"),
        (error(&[good(), good()]), "f: tensor \"a\": this name comes twice"),
    ] {
        assert!(got.starts_with("f") && got.contains(expected), "{got}\n{expected}");
    }
}

#[test]
fn directories_that_lie() {
    let good = zip(&[stored("a.npy", &array(&[1]))]);
    let end = good.len() - 22;
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] ^= byte;
        numpy::from_bytes("f", bytes).unwrap_err().to_string()
    };
    for (got, expected) in [
        (changed(end + 12, 1), "but must end at byte"),
        (changed(end + 19, 0x80), "but must end at byte"),
        (changed(end + 10, 3), "cut short: the directory of the archive needs 4 bytes"),
        (changed(end + 11, 0xff), "cut short: the directory of the archive needs 4 bytes"),
        (changed(end + 10, 1), "directory at byte"),
        (changed(end + 4, 1), "an archive in several files is not read"),
        (changed(end + 1, 1), "the end of the archive is missing: the file is cut short"),
        (changed(end + 20, 1), "the end of the archive is missing: the file is cut short"),
        (changed(end - 51, 1), "entry 0 of the directory at byte"),
        (changed(end - 1, 0x80), "its name is not UTF-8"),
    ] {
        assert!(got.starts_with("f: ") && got.contains(expected), "{got}\n{expected}");
    }
    // Nothing at a place that is not there, and an entry before it.
    let mut nowhere = stored("b.npy", b"");
    nowhere.place = Some(u32::MAX - 1);
    let error = error(&[stored("a.npy", &array(&[1])), nowhere]);
    assert!(error.contains("its 0 bytes reach beyond byte "), "{error}");
    // The smallest archive, which holds nothing.
    assert!(numpy::from_bytes("f", zip(&[])).is_err());
}

#[test]
fn bombs_end_at_a_limit() {
    // A thousandfold is what deflate can do, and is read.
    let zeros = vec![0; 1 << 20];
    let dense = deflated("a.npy", &array(&zeros));
    assert!(dense.packed.len() * 1000 < zeros.len() + 100_000);
    assert!(numpy::from_bytes("f", zip(std::slice::from_ref(&dense))).is_ok());
    // More than that is a lie, and no memory is asked for.
    let mut liar = dense.clone();
    liar.stated_size = u32::MAX - 1;
    let error_of_one = error(&[liar]);
    assert!(error_of_one.contains("4294967294 bytes are stated, but its"), "{error_of_one}");
    // Entries that are one and the same bytes.
    let again = Entry { name: "b.npy".into(), place: Some(0), ..stored("b.npy", b"") };
    let again = Entry { packed: vec![], stated_packed: dense.stated_packed, ..again };
    assert!(error(&[dense.clone(), again]).contains("reach beyond byte 0, where what comes next"));
    // Many that are each within their bounds: 5 of 1 GiB that are said to be stored.
    let mut large = stored("a.npy", b"");
    (large.stated_packed, large.stated_size) = (1 << 30, 1 << 30);
    let many = error(&vec![large; 5]);
    assert!(many.contains("the entries take 5368709120 bytes, but at most 4294967296"), "{many}");
    assert!(limits::MAX_TENSORS > usize::from(u16::MAX));
}

/// Every type, a name that is not ASCII, and shapes of 0, 1 and 2 axes.
fn weights() -> Weights {
    let tensors = Dtype::ALL.map(|dtype| {
        let bytes = (0..6 * dtype.bytes()).map(|byte| (byte % 2) as u8).collect();
        Tensor::new(format!("types/{}", dtype.name()), dtype, vec![2, 3], bytes).unwrap()
    });
    let more = [
        Tensor::from_f32("scalar", &[], &[0.5]).unwrap(),
        Tensor::from_f32("empty", &[3, 0], &[]).unwrap(),
        Tensor::from_f32("caf\u{e9}", &[2], &[1.5, -2.5]).unwrap(),
    ];
    Weights::new(None, tensors.into_iter().chain(more).collect()).unwrap()
}

#[test]
fn written_archives_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.npz");
    let weights = weights();
    numpy::write_npz(&weights, &path).unwrap();
    let source = format::open(&path).unwrap();
    assert_eq!(source.format, Format::Npz);
    for tensor in weights.tensors() {
        let got = source.weights.get(tensor.name()).unwrap();
        match tensor.dtype() {
            Dtype::Bf16 => assert_eq!(*got, tensor.widened().unwrap()),
            _ => assert_eq!(got, tensor),
        }
    }
    assert_eq!(source.weights.tensors().len(), weights.tensors().len());
    // The bytes that tests/numpy/written/check.py has NumPy itself read.
    let sample =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numpy/written/written.npz");
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&sample).unwrap());
    // A folder that is not there: nothing is left behind.
    assert!(numpy::write_npz(&weights, &folder.path().join("none/w.npz")).is_err());
}
