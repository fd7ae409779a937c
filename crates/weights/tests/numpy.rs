//! Files of NumPy: what it wrote is read as it reads it itself, and broken or hostile ones are named.
//!
//! `tests/numpy/make.py` writes the samples, with Python 2.7 and 3.11, and what NumPy loads from each.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

#[path = "fuzz/numpy.rs"]
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loaded::{Tensors, assert_same, names};
use proptest::prelude::*;
use upconv_weights::{
    Allowed, Axes, Expected, Format, Metadata, RenameTable, Rule, WeightsError, convert, format,
    hash, limits, numpy,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/numpy")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// The samples that are good, with their names.
fn samples() -> Vec<(String, Vec<u8>)> {
    expected().into_keys().map(|name| (name.clone(), sample(&name))).collect()
}

fn expected() -> BTreeMap<String, Tensors> {
    serde_json::from_slice(&sample("expected.json")).unwrap()
}

fn error(bytes: &[u8]) -> String {
    numpy::from_bytes("f", bytes.to_vec()).unwrap_err().to_string()
}

/// An array with this header and this after it.
fn npy(header: &str, rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(rest);
    bytes
}

fn array(descr: &str, shape: &str, rest: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"), rest)
}

#[test]
fn every_sample_is_what_numpy_loads() {
    let expected = expected();
    assert_eq!(expected.len(), 24);
    for (file, tensors) in expected {
        let source = format::open(&folder().join(&file)).unwrap();
        let format = if file.ends_with(".npy") { Format::Npy } else { Format::Npz };
        assert_eq!(source.format, format, "{file}");
        assert_eq!(source.sha256(), hash::sha256(&sample(&file)));
        assert_same(&source.weights, &tensors, &file);
    }
}

#[test]
fn names_are_put_together() {
    let of = |name: &str| numpy::read(&folder().join(name)).unwrap();
    assert_eq!(names(&of("python2_vgg.npy")), ["conv1_1/0", "conv1_1/1", "fc8/0", "fc8/1"]);
    let layers = ["PReLU1/alpha", "conv1/biases", "conv1/weights"];
    assert_eq!(names(&of("python2_mtcnn.npy")), layers);
    assert_eq!(names(&of("python2_keys.npy")), ["caf\u{e9}", "\u{e9}t\u{e9}"]);
    assert_eq!(names(&of("v1.npy")), ["arr_0"]);
    assert_eq!(names(&of("unnamed.npz")), ["arr_0", "arr_1"]);
    assert_eq!(names(&of("objects.npz"))[..2], ["net/PReLU1/alpha", "net/conv1/biases"]);
    // The first cells of a weight that Python 2 pickled: 1.37 times their number, less 3.1.
    let weight = of("python2_vgg.npy").get("conv1_1/0").unwrap().to_f32().unwrap();
    assert_eq!(weight[..2], [-3.1, -1.73]);
    // Each protocol gives the same.
    let one = of("mixed_p0.npy").weights_hash();
    for protocol in 1..=5 {
        assert_eq!(of(&format!("mixed_p{protocol}.npy")).weights_hash(), one);
    }
}

#[test]
fn a_table_makes_weights_of_ours() {
    let source = format::open(&folder().join("python2_vgg.npy")).unwrap();
    let table = RenameTable::new(vec![
        Rule::take("conv1_{n}/0", "conv1.{n-1}.weight", Axes::HWIO_TO_OIHW),
        Rule::take("conv1_{n}/1", "conv1.{n-1}.bias", Axes::Keep),
        Rule::ignore("fc8/0", "the classes of ImageNet"),
        Rule::ignore("fc8/1", "the classes of ImageNet"),
    ]);
    let expected =
        [Expected::new("conv1.0.weight", [2, 1, 3, 3]), Expected::new("conv1.0.bias", [2])];
    let metadata = Metadata::new("demo");
    let converted =
        convert::convert(source, &table, &expected, metadata, &Allowed::default()).unwrap();
    assert!(converted.balance.is_even());
    let weights = converted.weights.unwrap();
    // Cell [0, 0, 0, 1] is cell [0, 1, 0, 0] of the file, its number 2: 2 * 1.37 - 3.1.
    let cells = weights.get("conv1.0.weight").unwrap().to_f32().unwrap();
    assert_eq!(cells[..2], [-3.1, -0.36]);
    let origin = weights.metadata().unwrap().source.clone().unwrap();
    assert_eq!(origin.file, "python2_vgg.npy");
    assert_eq!(origin.sha256, hash::sha256(&sample("python2_vgg.npy")));
}

#[test]
fn what_holds_no_numbers_is_refused() {
    for (name, expected) in [
        ("complex", r#"tensor "arr_0": type "<c8"; legal: b1, i1, u1, and with < or >"#),
        ("record", r#"tensor "arr_0": type "a record of several fields"; legal"#),
        ("text", r#"tensor "arr_0": type "<U2"; legal"#),
        ("date", r#"tensor "arr_0": type "<M8[D]"; legal"#),
        ("note", r#"tensor "note": text; legal: arrays and numbers"#),
        ("nested_complex", r#"tensor "w": type "<c8"; legal"#),
        ("evil", r#"the pickle asks for "posix.system" at byte "#),
    ] {
        let error = error(&sample(&format!("refused_{name}.npy")));
        assert!(error.starts_with(&format!("f: {expected}")), "{error}");
    }
    assert!(!Path::new("numpy-pickle-was-run").exists());
}

#[test]
fn a_function_is_named_and_not_called() {
    let evil = b"cos\nsystem\n(S'touch numpy-pickle-was-run'\ntR.";
    let bytes = array("'|O'", "()", evil);
    let error = numpy::from_bytes("f", bytes).unwrap_err();
    assert!(matches!(&error, WeightsError::Global { global, .. } if global == "os.system"));
    assert_eq!(error.field(), Some("os.system"));
    assert!(!Path::new("numpy-pickle-was-run").exists());
}

/// Whether an error says that a file ends too early.
fn is_cut(error: &WeightsError) -> bool {
    match error {
        WeightsError::Truncated { .. } => true,
        // The directory of an archive stands at its end.
        WeightsError::Form { field, reason, .. } => {
            field == "directory" && reason.contains("cut short")
        }
        _ => false,
    }
}

#[test]
fn cut_at_every_byte_it_is_refused() {
    for (name, bytes) in samples() {
        for end in 0..bytes.len() {
            let error = numpy::from_bytes(&name, bytes[..end].to_vec()).unwrap_err();
            assert!(is_cut(&error), "{end}: {error}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(numpy::from_bytes(&name, longer).is_err(), "{name}");
    }
}

#[test]
fn a_cut_file_is_known_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["v1.npy", "vgg.npy", "streamed.npz"] {
        let (path, bytes) = (folder.path().join(name), sample(name));
        for end in 0..bytes.len() {
            fs::write(&path, &bytes[..end]).unwrap();
            let error = format::open(&path).unwrap_err();
            assert!(is_cut(&error), "{end}: {error}");
        }
    }
}

#[test]
fn headers_that_lie_are_told_so() {
    for (bytes, expected) in [
        (array("'<f4'", "(2,)", &[0; 7]), r#"cut short: tensor "arr_0" needs 8 bytes from byte"#),
        (array("'<f4'", "(2,)", &[0; 9]), "1 bytes too many: what it describes ends at byte"),
        (
            array("'<f4'", "(65536, 65536, 64)", &[0; 8]),
            r#"cut short: tensor "arr_0" needs 1099511"#,
        ),
        (
            array("'<f4'", "(65536, 65536, 4096)", &[]),
            r#"tensor "arr_0": shape [65536, 65536, 4096]"#,
        ),
        (array("'<f4'", "(4294967296,)", &[]), r#"tensor "arr_0": axis 0 has 4294967296 cells"#),
        (
            array("'<f4'", "(1073741824, 0, 1073741824)", &[]),
            r#"tensor "arr_0": shape [1073741824"#,
        ),
        (array("'<f4'", "(1, 1, 1, 1, 1, 1, 1, 1, 1)", &[0; 4]), r#"tensor "arr_0": 9 axes, but"#),
        (array("'<f4'", "(18446744073709551616,)", &[]), "header at byte 61: the number 1844674"),
        (array("'<f4'", "(-1,)", &[]), "header at byte 61: '-' where text, a number"),
        (array("'<f4'", "('a',)", &[]), "header.shape at byte 60: must be whole numbers from 0 on"),
        (array("'<f4'", "3", &[]), "header.shape at byte 60: must be a tuple of whole numbers"),
        (array("3", "(1,)", &[0; 4]), "header.descr at byte 20: must be text"),
        (npy("{'descr': '<f4', 'shape': ()}", &[0; 4]), "header at byte 10: a key is missing"),
        (npy("{'descr': '<f4', 'descr': '<f4'}", &[]), "header.descr at byte 36: comes twice"),
        (
            npy("{'order': 1}", &[]),
            "header.order at byte 20: unknown; legal: descr, fortran_order,",
        ),
        (
            npy("{'fortran_order': 1}", &[]),
            "header.fortran_order at byte 28: must be True or False",
        ),
        (
            b"\x93NUMPY\x04\0\x02\0{}".to_vec(),
            "version at byte 6: 4.0 is not read; legal: 1.0, 2.0",
        ),
        (b"\x93NUMPY\x02\0\0\0\0\x80{}".to_vec(), "header at byte 12: 2147483648 bytes are stated"),
        (b"\x94NUMPY\x01\0".to_vec(), "magic at byte 0: it is [94, 4e"),
    ] {
        let error = error(&bytes);
        assert!(error.starts_with(&format!("f: {expected}")), "{error}");
    }
}

/// An array of one object: the instructions that make it, and `_reconstruct`'s around them.
fn object(value: &[u8]) -> Vec<u8> {
    let mut pickle =
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85U\x01btR".to_vec();
    pickle.extend(b"(K\x01)cnumpy\ndtype\n(U\x02O8\x89\x88tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]");
    pickle.extend(value);
    pickle.extend(b"atb.");
    array("'|O'", "()", &pickle)
}

/// Instructions that make an array of U8.
fn bytes_array(shape: &[u8], cells: &[u8]) -> Vec<u8> {
    let mut value =
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85U\x01btR(K\x01".to_vec();
    value.extend(shape);
    value.extend(b"cnumpy\ndtype\n(U\x02u1\x89\x88tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89");
    value.extend(cells);
    value.extend(b"tb");
    value
}

#[test]
fn arrays_in_pickles_that_lie() {
    let good = object(&bytes_array(b"K\x02\x85", b"U\x02ab"));
    let weights = numpy::from_bytes("f", good).unwrap();
    assert_eq!((names(&weights), weights.tensors()[0].bytes()), (vec!["arr_0"], &b"ab"[..]));
    for (value, expected) in [
        (bytes_array(b"K\x03\x85", b"U\x02ab"), "U8 of shape [3] takes 3 bytes, but 2 are given"),
        (
            bytes_array(b"J\xff\xff\xff\xff\x85", b"U\0"),
            "its shape must be a tuple of whole numbers",
        ),
        (bytes_array(b"M\xff\xff2\x86", b"U\0"), "takes 4294836225 bytes, but 0 are given"),
        (bytes_array(b"\x8a\x06\0\0\0\0\0\x01\x85", b"U\0"), "axis 0 has 1099511627776 cells"),
        (bytes_array(b"K\x02\x85", b"K\x05"), "its cells are the number 5, but must be bytes"),
        (bytes_array(b"K\x02\x85", b"X\x02\0\0\0ab"), "its cells are text, but must be bytes"),
        (b"cnumpy\ndtype\n(U\x02u1\x89\x88tR".to_vec(), "what numpy.dtype gives; legal: arrays"),
        (b"cnumpy\ndtype\n".to_vec(), "numpy.dtype; legal: arrays and numbers"),
        (b"cnumpy.core.multiarray\nscalar\nK\x01K\x02\x86R".to_vec(), "its type is not as NumPy"),
        (b"cnumpy.core.multiarray\n_reconstruct\n)R".to_vec(), "its state must be version, shape"),
        (b"cnumpy.core.numeric\n_frombuffer\n)R".to_vec(), "it must be made of cells, type, shape"),
        (b"}K\x01U\x01ass".to_vec(), "instruction 's'"),
        (b"}NK\x01s".to_vec(), "None; legal: keys that are whole numbers or text of 4096 bytes"),
        (b"\x8a\x09\0\0\0\0\0\0\0\0\x01".to_vec(), "legal: numbers of at most 64 bits"),
        (b"}(U\x01aK\x01U\x01aK\x02u".to_vec(), "tensor \"a\": this name comes twice"),
        (b"}(U\x03a/bK\x01U\x01a}U\x01bK\x02su".to_vec(), "tensor \"a/b\": this name comes twice"),
        (b"U\x01x".to_vec(), "tensor \"arr_0\": bytes; legal: arrays and numbers"),
        (b"K\x01Q".to_vec(), "tensor \"arr_0\": something kept elsewhere; legal"),
    ] {
        let error = error(&object(&value));
        assert!(error.contains(expected), "{error}");
    }
    let not_an_array = error(&array("'|O'", "()", b"K\x05."));
    assert!(not_an_array.ends_with("it is the number 5, but must be an array of objects"));
    let mut shape = object(b"K\x05");
    let place = shape.windows(2).position(|window| window == b"()").unwrap();
    shape.splice(place..place + 2, *b"1,");
    assert!(error(&shape).contains("header.shape"));
}

#[test]
fn bombs_end_at_a_limit() {
    let error = |value: &[u8]| error(&object(value));
    // Lists of one list, a thousand deep; and a list in itself.
    let deep = [b"]".repeat(1000), b"a".repeat(999)].concat();
    assert!(error(&deep).contains("33 dictionaries and lists in one another, but at most 32"));
    assert!(error(b"]q\0h\0a").contains("33 dictionaries and lists in one another"));
    // Ten lists of ten of the next, twenty times.
    let mut laughs = b"]q\0".to_vec();
    for _ in 0..20 {
        laughs.extend(b"0](");
        laughs.extend(b"h\0".repeat(10));
        laughs.extend(b"eq\0");
    }
    assert!(error(&laughs).contains("1048577 values of a pickle, with those that come more"));
    // A name that is put together of long ones.
    let key = [&b"X\x88\x13\0\0"[..], &b"k".repeat(5000)].concat();
    let long = [&b"}"[..], &key, b"K\x01s"].concat();
    assert!(error(&long).contains("text of 4096 bytes at most"));
    let key = [&b"X\xb8\x0b\0\0"[..], &b"k".repeat(3000)].concat();
    let long = [&b"}"[..], &key, b"}", &key, b"K\x01ss"].concat();
    assert!(error(&long).contains("6001 bytes of a name, but at most 4096"));
    // More numbers than tensors may be.
    let numbers = [&b"]("[..], &b"K\x01".repeat(limits::MAX_TENSORS + 1), b"e"].concat();
    assert!(error(&numbers).contains("65537 tensors, but at most 65536"));
    // One array of 10,000 bytes under a thousand names.
    let cells = [&b"T\x10\x27\0\0"[..], &b"x".repeat(10_000)].concat();
    let array = bytes_array(b"M\x10\x27\x85", &cells);
    let shared = [&b"]("[..], &array, b"q\0", &b"h\0".repeat(999), b"e"].concat();
    assert!(error(&shared).contains("with it the arrays take more than 4 times the bytes"));
    let twice = [&b"]("[..], &array, b"q\0h\0e"].concat();
    assert_eq!(numpy::from_bytes("f", object(&twice)).unwrap().tensors().len(), 2);
}

#[test]
fn a_mapped_file_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.npy");
    let cells = vec![7; limits::MAPPED_BYTES as usize];
    let size = u32::try_from(cells.len()).unwrap().to_le_bytes();
    let shape = [&b"J"[..], &size, b"\x85"].concat();
    let large = [&b"]("[..], &bytes_array(&shape, &[&b"T"[..], &size, &cells].concat()), b"e"];
    fs::write(&path, object(&large.concat())).unwrap();
    let source = format::open(&path).unwrap();
    let tensor = source.weights.get("0").unwrap();
    assert_eq!(tensor.bytes(), cells);
    // Where the tensor lies is a map of the file, as the system lists them.
    if cfg!(target_os = "linux") {
        let place = tensor.bytes().as_ptr() as usize;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps.lines().find(|line| line.ends_with("large.npy")).unwrap();
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let range = [begin, end].map(|place| usize::from_str_radix(place, 16).unwrap());
        assert!((range[0]..range[1]).contains(&place));
    }
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/numpy");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/numpy") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 6, "{count} files in {}", corpus.display());
}

proptest! {
    /// Whatever stands in a file: an answer, no panic, and no more memory than its bytes can ask for.
    #[test]
    fn damage_is_an_error_or_other_numbers(
        number in 0usize..1000,
        edits in prop::collection::vec((0usize..1 << 16, any::<u8>()), 1..4),
    ) {
        let samples = samples();
        let (name, mut bytes) = samples[number % samples.len()].clone();
        let length = bytes.len();
        for (place, byte) in edits {
            bytes[place % length] = byte;
        }
        if let Ok(read) = numpy::from_bytes(&name, bytes) {
            let total = read.tensors().iter().map(|tensor| tensor.bytes().len()).sum::<usize>();
            prop_assert!(total as u64 <= length as u64 * limits::MAX_INFLATION);
        }
    }

    /// The same for pickles of random instructions.
    #[test]
    fn any_pickle_ends(value in prop::collection::vec(
        prop::sample::select(&b"0012()]}Nabdehjlpqrstu\x85\x86\x87\x88\x94RK\x01\x02\x03JQ."[..]),
        0..200,
    )) {
        let _ = numpy::from_bytes("f", object(&value));
    }
}
