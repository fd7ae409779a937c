//! Files of PyTorch: what it wrote is read as it reads it itself, and broken or hostile ones are named.
//!
//! `tests/torch/make.py` writes the samples, and what PyTorch loads from each.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

#[path = "fuzz/torch.rs"]
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loaded::{Tensors, assert_same, names};
use proptest::prelude::*;
use upconv_weights::{Format, WeightsError, format, hash, torch};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torch")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn expected() -> BTreeMap<String, Tensors> {
    serde_json::from_slice(&sample("expected.json")).unwrap()
}

fn error(bytes: &[u8]) -> String {
    torch::from_bytes("f", bytes.to_vec()).unwrap_err().to_string()
}

#[test]
fn every_sample_is_what_pytorch_loads() {
    let expected = expected();
    assert_eq!(expected.len(), 22);
    for (file, tensors) in expected {
        let source = format::open(&folder().join(&file)).unwrap();
        assert_eq!(source.format, Format::Torch, "{file}");
        assert_eq!(source.sha256(), hash::sha256(&sample(&file)));
        assert_same(&source.weights, &tensors, &file);
    }
    // Whoever ran what the samples "evil" ask for made this.
    assert!(!Path::new("torch-pickle-was-run").exists());
}

#[test]
fn both_forms_give_the_same() {
    for name in ["kinds", "views", "state", "nested", "module", "protocol4", "tensor", "list"] {
        let [zip, legacy] = ["zip", "legacy"]
            .map(|form| torch::read(&folder().join(format!("{name}_{form}.pt"))).unwrap());
        assert_eq!(zip.weights, legacy.weights, "{name}");
        assert_eq!(zip.passed_over, legacy.passed_over, "{name}");
    }
    // A module has the tensors of its state.
    let of = |name: &str| torch::read(&folder().join(name)).unwrap().weights;
    assert_eq!(of("module_zip.pt"), of("state_zip.pt"));
    assert!(names(&of("state_zip.pt")).contains(&"block.norm.num_batches_tracked"));
}

#[test]
fn what_is_no_tensor_is_told() {
    let passed_over = |name: &str| {
        let model = torch::read(&folder().join(name)).unwrap();
        model
            .passed_over
            .into_iter()
            .map(|one| format!("{}: {}", one.name, one.what))
            .collect::<Vec<_>>()
    };
    assert_eq!(passed_over("evil_zip.pt"), ["e: what posix.system gives"]);
    assert_eq!(passed_over("evil_legacy.pt"), ["e: what posix.system gives"]);
    assert_eq!(
        passed_over("nested_zip.pt"),
        [
            "model.(a tuple of 2): what torch._utils._rebuild_tensor_v2 gives",
            "options: what argparse.Namespace gives",
            "random: what numpy._core.multiarray._reconstruct gives",
        ]
    );
    assert!(passed_over("state_zip.pt").is_empty());
}

#[test]
fn tensors_that_are_not_read_are_named() {
    for form in ["zip", "legacy"] {
        for (name, expected) in [
            ("complex", "tensor \"w\": type complex64; legal: F64, I64, U64, F32"),
            ("quantized", "tensor \"w\": what torch._utils._rebuild_qtensor gives; legal: dense"),
            ("sparse", "tensor \"w\": what torch._utils._rebuild_sparse_tensor gives; legal: de"),
            ("nothing", "no tensor was found in them; it is a dictionary of 1"),
        ] {
            let path = folder().join(format!("refused_{name}_{form}.pt"));
            let error = format::open(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\n{expected}");
        }
    }
    let error = error(&sample("refused_meta_zip.pt"));
    assert!(error.contains("tensor \"w\": what torch._utils._rebuild_meta_tensor"), "{error}");
    let error = torch::read(&folder().join("negative_zip.pt")).unwrap_err().to_string();
    assert!(error.contains("tensor \"w\": a tensor marked as negative"), "{error}");
}

#[test]
fn other_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = vec![0; 1024];
    tar[..8].copy_from_slice(b"sys_info");
    tar[257..262].copy_from_slice(b"ustar");
    let mut other = sample("big_zip.pt");
    // "archive/data.pkl" in both places, so that no entry has that name.
    while let Some(at) = other.windows(9).position(|w| w == b"/data.pkl") {
        other[at + 1] = b'D';
    }
    for (name, bytes, expected) in [
        ("a.pth", &tar, "it looks like a tar archive, as PyTorch wrote before 0.1.10"),
        ("a.bin", &other, "it looks like a zip archive of something else"),
        ("a.pt", &other, "archive at byte 0: there is no NAME/data.pkl; the first entry is"),
        ("b.pth", &vec![], "cut short: an instruction of the pickle needs 1 bytes"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = format::open(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\n{expected}");
    }
}

/// The bytes of a pickle that hold one tensor "w" of 4 cells of F32, as a function of what may lie.
struct Lie {
    offset: &'static [u8],
    shape: &'static [u8],
    strides: &'static [u8],
    cells: &'static [u8],
    key: &'static [u8],
}

const HONEST: Lie = Lie {
    offset: b"K\x00",
    shape: b"K\x02K\x02\x86",
    strides: b"K\x02K\x01\x86",
    cells: b"K\x04",
    key: b"U\x010",
};

impl Lie {
    fn objects(&self) -> Vec<u8> {
        let Self { offset, shape, strides, cells, key } = *self;
        let storage = [&b"(U\x07storagectorch\nFloatStorage\n"[..], key, b"U\x03cpu", cells, b"tQ"];
        let function = &b"ctorch._utils\n_rebuild_tensor_v2\n"[..];
        let tensor = [&b"("[..], &storage.concat(), offset, shape, strides, b"\x89NtR"].concat();
        [&b"\x80\x02}U\x01w"[..], function, &tensor, b"s."].concat()
    }

    /// The legacy form around it.
    fn file(&self) -> Vec<u8> {
        let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
        file.extend(b"\x80\x02M\xe9\x03.\x80\x02}.");
        file.extend(self.objects());
        file.extend(b"\x80\x02]U\x010a.");
        file.extend(4u64.to_le_bytes());
        file.extend([1.0f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()));
        file
    }
}

#[test]
fn tensors_that_lie() {
    let weights = torch::from_bytes("f", HONEST.file()).unwrap().weights;
    assert_eq!(weights.get("w").unwrap().to_f32().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    for (lie, expected) in [
        (Lie { offset: b"K\x01", ..HONEST }, "reaches cell 4 of its storage; legal: cells below 4"),
        (Lie { offset: b"J\xff\xff\xff\xff", ..HONEST }, "must be whole numbers from 0 on"),
        (Lie { strides: b"J\xfe\xff\xff\xffK\x01\x86", ..HONEST }, "must be whole numbers from 0"),
        (
            Lie { strides: b"K\x03K\x01\x86", ..HONEST },
            "with strides [3, 1] from cell 0 on reaches",
        ),
        (
            Lie { strides: b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86", ..HONEST },
            "reaches cell 9223372036854775808",
        ),
        (
            Lie { strides: b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00K\x01\x86", ..HONEST },
            "reaches a cell beyond all numbers",
        ),
        (Lie { strides: b"K\x01\x85", ..HONEST }, "it has 2 axes, but 1 strides"),
        (Lie { shape: b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", ..HONEST }, "has more than"),
        (
            Lie { shape: b"J\x00\x00\x00\x10K\x02\x86", strides: b"K\x00K\x00\x86", ..HONEST },
            "with it the tensors take more than 4 times the bytes of the file",
        ),
        (Lie { cells: b"K\x05", ..HONEST }, "it has 4 cells, but 5 are stated before"),
        (Lie { cells: b"J\xff\xff\xff\xff", ..HONEST }, "its storage is not described"),
        (Lie { key: b"U\x011", ..HONEST }, "keys at byte 159: bytes names no storage"),
    ] {
        let error = error(&lie.file());
        assert!(
            error.contains(expected) || error.contains("names no storage"),
            "{error}\n{expected}"
        );
        assert!(error.starts_with("f: "), "{error}");
    }
}

#[test]
fn pickles_that_tie_knots() {
    // The legacy form, without storages.
    let file = |objects: &[u8]| {
        let mut file = HONEST.file();
        file.truncate(file.windows(4).position(|w| w == b"\x80\x02}U").unwrap());
        file.extend(objects);
        file.extend(b"\x80\x02].");
        file
    };
    // A dictionary that holds itself.
    let ring = error(&file(b"\x80\x02}q\x00U\x01ah\x00s."));
    assert!(ring.contains("33 dictionaries and modules in one another"), "{ring}");
    // Each list holds the one before it twice: 2^40 places.
    let mut doubled = b"\x80\x02]q\x00".to_vec();
    for n in 0..30u8 {
        doubled.extend([b'h', n, b'h', n, 0x86, b'q', n + 1]);
    }
    doubled.push(b'.');
    let doubled = error(&file(&doubled));
    assert!(
        doubled.contains("values of a pickle, with those that come more than once"),
        "{doubled}"
    );
}

/// The samples that are good.
fn samples() -> Vec<(String, Vec<u8>)> {
    expected().into_keys().map(|name| (name.clone(), sample(&name))).collect()
}

#[test]
fn cut_at_every_byte() {
    for (name, bytes) in samples() {
        for end in 0..bytes.len() {
            let cut = torch::from_bytes("f", bytes[..end].to_vec());
            assert!(cut.is_err(), "{name} cut at byte {end} was read");
        }
        // Nothing may follow, either.
        let more = [&bytes[..], b"x"].concat();
        assert!(torch::from_bytes("f", more).is_err(), "{name}");
    }
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/torch");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/torch") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 8, "{count} files in {}", corpus.display());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn damaged_files_never_panic(
        place in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let samples = samples();
        let (_, mut bytes) = samples[place.index(samples.len())].clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fuzz::run(&bytes);
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
        let mut file = if head { HONEST.file()[..30].to_vec() } else { vec![] };
        file.extend(bytes);
        let read = torch::from_bytes("f", file);
        let named = matches!(
            read,
            Err(WeightsError::Form { .. }
                | WeightsError::Truncated { .. }
                | WeightsError::TooMany { .. })
        );
        prop_assert!(named, "{:?}", read);
    }
}
