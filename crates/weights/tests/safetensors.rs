//! Files of our own format: what is written is read, here and by others, and nothing else is.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;
#[path = "fuzz/safetensors.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

use common::{bytes_of, names, safetensors, weights};
use proptest::prelude::*;
use safetensors::SafeTensors;
use upconv_weights::{Dtype, Metadata, Tensor, Weights, WeightsError, format};

fn error(bytes: &[u8]) -> String {
    Weights::from_bytes("f", bytes).unwrap_err().to_string()
}

#[test]
fn the_crate_that_others_use_reads_what_is_written() {
    let weights = weights();
    let bytes = bytes_of(&weights);
    let theirs = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(theirs.len(), 4);
    for tensor in weights.tensors() {
        let view = theirs.tensor(tensor.name()).unwrap();
        assert_eq!((view.shape(), view.data()), (tensor.shape(), tensor.bytes()));
        assert_eq!(view.dtype().to_string(), tensor.dtype().name());
        // Cells are aligned for whoever maps the file.
        let offset = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
        assert_eq!(offset % tensor.dtype().bytes(), 0);
    }
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let json = &header.metadata().as_ref().unwrap()["upconv"];
    assert_eq!(Metadata::from_json("f", json).unwrap().model, "demo");
}

#[test]
fn what_others_write_is_read_and_their_metadata_stay() {
    let cells: Vec<u8> = (0..12).collect();
    let view = |shape: &[usize], data| {
        safetensors::tensor::TensorView::new(safetensors::Dtype::BF16, shape.to_vec(), data)
            .unwrap()
    };
    let tensors = [("b", view(&[2, 2], &cells[..8])), ("a", view(&[2], &cells[8..]))];
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let bytes = safetensors::serialize(tensors, Some(metadata)).unwrap();
    let weights = Weights::from_bytes("f", &bytes).unwrap();
    assert!(weights.metadata().is_none());
    let names: Vec<_> = weights.tensors().iter().map(Tensor::name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(weights.get("b").unwrap().dtype(), Dtype::Bf16);
    let again = bytes_of(&weights);
    let (_, header) = SafeTensors::read_metadata(&again).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
}

#[test]
fn the_same_weights_give_the_same_bytes() {
    let weights = weights();
    let mut backwards = weights.tensors().to_vec();
    backwards.reverse();
    let other = Weights::new(weights.metadata().cloned(), backwards).unwrap();
    assert_eq!(bytes_of(&weights), bytes_of(&other));
}

#[test]
fn cut_at_every_byte_it_is_refused() {
    let bytes = bytes_of(&weights());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.safetensors");
    for end in 0..bytes.len() {
        fs::write(&path, &bytes[..end]).unwrap();
        let error = format::open(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Truncated { .. }), "{end}: {error}");
        assert!(error.to_string().starts_with(&format!("{}: cut short: ", path.display())));
    }
    fs::write(&path, &bytes).unwrap();
    format::open(&path).unwrap();
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(
        error(&longer),
        format!("f: 1 bytes too many: what it describes ends at byte {}", bytes.len())
    );
}

#[test]
fn a_header_that_lies_is_told_so() {
    let one = |dtype: &str, shape: &str, begin: &str, end: &str| {
        let header = format!(
            r#"{{"t":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{begin},{end}]}}}}"#
        );
        error(&safetensors(&header, &[0; 8]))
    };
    for (got, expected) in [
        (one("F32", "[2]", "0", "12"), r#"tensor "t": F32 of shape [2] takes 8 bytes, but 12 are"#),
        (one("F32", "[3]", "0", "8"), r#"tensor "t": F32 of shape [3] takes 12 bytes, but 8 are"#),
        (one("F32", "[2]", "8", "0"), r#"tensor "t": ends at byte 0 of the data, before its"#),
        (
            one("F32", "[1]", "4", "8"),
            r#"tensor "t": begins at byte 4 of the data, but the tensors"#,
        ),
        (one("F32", "[1]", "0", "4"), "4 bytes too many"),
        (one("F32", "[2147483648]", "0", "8"), r#"tensor "t": axis 0 has 2147483648 cells"#),
        (one("F32", "[1152921504606846976]", "0", "8"), r#"tensor "t": axis 0 has 1152921504606"#),
        (one("U8", "[1048576,1048576,2]", "0", "8"), r#"tensor "t": shape [1048576, 1048576, 2]"#),
        (one("U8", "[2147483647,0,2147483647]", "0", "0"), r#"tensor "t": shape [2147483647, 0"#),
        (one("U8", "[1,1,1,1,1,1,1,1,8]", "0", "8"), r#"tensor "t": 9 axes, but at most 8"#),
        (
            one("U8", "[1099511627776]", "0", "1099511627776"),
            r#"tensor "t": axis 0 has 1099511627776 cells"#,
        ),
        (
            one("F64", "[65536,65536]", "0", "34359738368"),
            r#"cut short: tensor "t" needs 34359738368 bytes from byte 82 on, but 8 are there"#,
        ),
        (one("U8", "[8]", "18446744073709551608", "18446744073709551616"), "header.t.data_offsets"),
        (one("U8", "[-8]", "0", "8"), "header.t.shape[0]: invalid value: integer `-8`"),
        (one("U8", "[8.0]", "0", "8"), "header.t.shape[0]: invalid type: floating point"),
        (one("F8_E4M3", "[8]", "0", "8"), r#"tensor "t": type F8_E4M3; legal: F64, I64"#),
        (one("F33", "[2]", "0", "8"), "header.t.dtype: unknown variant `F33`"),
    ] {
        assert!(got.starts_with(&format!("f: {expected}")), "{got}");
    }
}

#[test]
fn tensors_must_not_share_bytes_or_names() {
    let two = |a: [usize; 2], name: &str, b: [usize; 2]| {
        let header = format!(
            r#"{{"a":{{"dtype":"U8","shape":[{}],"data_offsets":{a:?}}},
                "{name}":{{"dtype":"U8","shape":[{}],"data_offsets":{b:?}}}}}"#,
            a[1] - a[0],
            b[1] - b[0]
        );
        Weights::from_bytes("f", &safetensors(&header, &[0; 8])).map_err(|e| e.to_string())
    };
    assert!(two([0, 4], "b", [4, 8]).is_ok());
    assert!(two([4, 8], "b", [0, 4]).is_ok());
    assert!(two([0, 0], "b", [0, 8]).is_ok());
    for (result, expected) in [
        (
            two([0, 4], "b", [3, 8]),
            r#"tensor "b": begins at byte 3 of the data, inside of tensor "a""#,
        ),
        (
            two([0, 8], "b", [0, 8]),
            r#"tensor "b": begins at byte 0 of the data, inside of tensor "a""#,
        ),
        (
            two([0, 8], "b", [4, 4]),
            r#"tensor "b": begins at byte 4 of the data, inside of tensor "a""#,
        ),
        (two([0, 3], "b", [4, 8]), r#"tensor "b": begins at byte 4 of the data, but the tensors"#),
        (two([0, 4], "a", [4, 8]), r#"tensor "a": this name comes twice"#),
    ] {
        let error = result.unwrap_err();
        assert!(error.starts_with(&format!("f: {expected}")), "{error}");
    }
}

#[test]
fn headers_that_are_none() {
    for (size, expected) in [
        (1u64 << 60, "f: header: 1152921504606846976 bytes are stated, but at most 16777216"),
        (u64::MAX, "f: header: 18446744073709551615 bytes are stated"),
        (1 << 24, "f: cut short: the header needs 16777216 bytes from byte 8 on, but 2 are there"),
    ] {
        let mut bytes = size.to_le_bytes().to_vec();
        bytes.extend(b"{}");
        let error = error(&bytes);
        assert!(error.starts_with(expected), "{error}");
    }
    for (header, expected) in [
        ("", "header: EOF while parsing"),
        ("[]", "header: invalid type: sequence, expected an object of tensors"),
        ("{}x", "header: trailing characters"),
        (r#"{"t":3}"#, "header.t: invalid type: integer `3`"),
        (r#"{"__metadata__":{"a":1}}"#, "header.__metadata__.a: invalid type"),
        (r#"{"__metadata__":{},"__metadata__":{}}"#, "header: __metadata__ comes twice"),
        (r#"{"__metadata__":{"upconv":"{"}}"#, "upconv: EOF while parsing"),
        (r#"{"__metadata__":{"upconv":"{\"schema\":9}"}}"#, "upconv metadata of schema 9, but"),
    ] {
        let error = error(&safetensors(header, &[]));
        assert!(error.starts_with(&format!("f: {expected}")), "{header}: {error}");
    }
    let deep = format!(r#"{{"__metadata__":{}"#, "[".repeat(1 << 20));
    assert!(error(&safetensors(&deep, &[])).starts_with("f: header.__metadata__: "));
    let mut bytes = safetensors("{\"?\":{}}", &[]);
    bytes[10] = 0xff;
    assert!(error(&bytes).starts_with("f: header: invalid unicode"));
    assert!(Weights::from_bytes("f", &safetensors("{}", &[])).unwrap().tensors().is_empty());
}

#[test]
fn reserved_and_double_names_are_not_written() {
    let tensor = |name: &str| Tensor::from_f32(name, &[], &[0.0]).unwrap();
    for names in [["__metadata__", "a"], ["a", "a"]] {
        let error = Weights::new(None, names.map(tensor).into()).unwrap_err();
        assert!(error.to_string().starts_with("tensor"), "{error}");
    }
}

#[test]
fn writing_is_all_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    weights().write(&path).unwrap();
    assert_eq!(Weights::read(&path).unwrap(), weights());
    assert_eq!(names(folder.path()), ["w.safetensors"]);
    // A file where a folder would have to be: nothing can be written there, whoever asks.
    let error = weights().write(&path.join("x.safetensors")).unwrap_err();
    assert!(matches!(error, WeightsError::Write { .. }), "{error}");
    assert_eq!(names(folder.path()), ["w.safetensors"]);
    // Over an old file.
    Weights::new(None, vec![]).unwrap().write(&path).unwrap();
    assert!(Weights::read(&path).unwrap().tensors().is_empty());
    assert_eq!(names(folder.path()), ["w.safetensors"]);
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/safetensors");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/safetensors") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 3, "{count} files in {}", corpus.display());
}

fn tensors() -> impl Strategy<Value = Vec<Tensor>> {
    let one = (prop::sample::select(&Dtype::ALL[..]), prop::collection::vec(0usize..4, 0..4));
    prop::collection::btree_map("[a-z./\"\\\\é]{0,6}", one, 0..6).prop_map(|tensors| {
        let tensor = |(name, (dtype, shape)): (String, (Dtype, Vec<usize>))| {
            let count = shape.iter().product::<usize>() * dtype.bytes();
            let bytes = (0..count).map(|byte| (byte * 37 + name.len()) as u8).collect();
            Tensor::new(name, dtype, shape, bytes).unwrap()
        };
        tensors.into_iter().map(tensor).collect()
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(tensors in tensors(), named in any::<bool>()) {
        let metadata = named.then(|| Metadata::new("m"));
        let weights = Weights::new(metadata, tensors).unwrap();
        let bytes = bytes_of(&weights);
        let read = Weights::from_bytes("f", &bytes).unwrap();
        prop_assert_eq!(read.weights_hash(), weights.weights_hash());
        prop_assert_eq!(&read, &weights);
        prop_assert!(SafeTensors::deserialize(&bytes).is_ok());
    }

    /// Whatever stands in a file: an answer, no panic, and no more than the file's own size in memory.
    #[test]
    fn damage_is_an_error_or_other_numbers(
        edits in prop::collection::vec((0usize..1 << 16, any::<u8>()), 1..4),
    ) {
        let mut bytes = bytes_of(&weights());
        let length = bytes.len();
        for (place, byte) in edits {
            bytes[place % length] = byte;
        }
        if let Ok(read) = Weights::from_bytes("f", &bytes) {
            prop_assert!(read.tensors().iter().map(|t| t.bytes().len()).sum::<usize>() < length);
        }
    }
}
