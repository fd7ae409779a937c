//! Checkpoints of TensorFlow: what it wrote is read as it reads it itself, by every path that people give, and broken or
//! hostile ones are named.
//!
//! `tests/tf/make.py` writes the samples, and what TensorFlow reads from each.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use loaded::{Tensors, assert_same};
use proptest::prelude::*;
use serde::Deserialize;
use upconv_weights::{Format, WeightsError, format, tf_checkpoint};

#[path = "fuzz/tf_checkpoint.rs"]
#[allow(dead_code)] // What writes tables, tests/tf_tables.rs uses.
mod fuzz;
#[path = "common/loaded.rs"]
mod loaded;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tf")
}

fn sample(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

#[derive(Deserialize)]
struct Expected {
    tensors: Tensors,
    passed_over: Vec<String>,
}

/// What TensorFlow reads from each checkpoint.
fn expected() -> BTreeMap<String, Expected> {
    let mut all: BTreeMap<String, Expected> =
        serde_json::from_slice(&sample("expected.json")).unwrap();
    all.retain(|name, _| !name.ends_with(".pb"));
    all
}

#[test]
fn every_sample_is_what_tensorflow_reads() {
    let expected = expected();
    assert_eq!(expected.len(), 10);
    for (prefix, Expected { tensors, passed_over }) in expected {
        let source = format::open(&folder().join(&prefix)).unwrap();
        assert_eq!(source.format, Format::TfCheckpoint, "{prefix}");
        assert_same(&source.weights, &tensors, &prefix);
        let passed: Vec<_> = source.passed_over.iter().map(|passed| &passed.name[..]).collect();
        assert_eq!(passed, passed_over, "{prefix}");
    }
    let read = tf_checkpoint::read(&folder().join("v2.ckpt")).unwrap();
    let held: Vec<_> =
        read.passed_over.iter().map(|passed| (&passed.name[..], &passed.what[..])).collect();
    assert_eq!(held, [("names", "DT_STRING"), ("waves", "DT_COMPLEX64")]);
}

/// Copies the files of `tests/tf/run` into a folder.
fn run_in(folder: &Path) {
    for name in ["checkpoint", "model.ckpt-7.index", "model.ckpt-7.meta"] {
        fs::write(folder.join(name), sample(&format!("run/{name}"))).unwrap();
    }
    let shard = "model.ckpt-7.data-00000-of-00001";
    fs::write(folder.join(shard), sample(&format!("run/{shard}"))).unwrap();
}

fn files(path: &Path) -> Vec<String> {
    let source = format::open(path).unwrap();
    assert_eq!(source.format, Format::TfCheckpoint, "{}", path.display());
    for file in &source.files {
        assert!(source.holds(&path.parent().unwrap().join(&file.name)), "{}", file.name);
    }
    source.files.into_iter().map(|file| file.name).collect()
}

fn error_at(path: &Path) -> String {
    format::open(path).unwrap_err().to_string()
}

#[test]
fn by_every_path_that_people_give() {
    let run = tempfile::tempdir().unwrap();
    run_in(run.path());
    let expected = ["model.ckpt-7.index", "model.ckpt-7.data-00000-of-00001"];
    for name in ["checkpoint", "model.ckpt-7", expected[0], expected[1]] {
        assert_eq!(files(&run.path().join(name)), expected, "{name}");
    }
    let folder = run.path().file_name().unwrap().to_str().unwrap();
    assert_eq!(files(run.path()), expected.map(|name| format!("{folder}/{name}")));
    let shards = ["v1_sharded.ckpt-00000-of-00002", "v1_sharded.ckpt-00001-of-00002"];
    for name in ["v1_sharded.ckpt", "v1_sharded.ckpt-?????-of-00002", shards[0], shards[1]] {
        assert_eq!(files(&self::folder().join(name)), shards, "{name}");
    }
    assert_eq!(files(&self::folder().join("v1.ckpt")), ["v1.ckpt"]);

    let variables = ["variables/variables.index", "variables/variables.data-00000-of-00001"];
    assert_eq!(files(&self::folder().join("saved_model/variables")), variables);

    let meta = error_at(&run.path().join("model.ckpt-7.meta"));
    assert!(meta.contains("name at byte 0: this holds a graph without weights; open "), "{meta}");
    assert!(meta.contains("model.ckpt-7.index, or "), "{meta}");
    let nothing = error_at(&run.path().join("model.ckpt-8"));
    assert!(nothing.ends_with("No such file or directory (os error 2)"), "{nothing}");
    let empty = tempfile::tempdir().unwrap();
    assert!(error_at(empty.path()).ends_with("not a regular file; give a weight file"));
}

#[test]
fn what_a_folder_says_is_newest() {
    let run = tempfile::tempdir().unwrap();
    run_in(run.path());
    let state = run.path().join("checkpoint");
    let with = |text: &str| {
        fs::write(&state, text).unwrap();
        format::open(run.path()).map_err(|error| error.to_string())
    };
    // Folders are moved, and come from other systems.
    for path in [
        "model.ckpt-7",
        "/home/somebody/run/model.ckpt-7",
        "C:\\\\run\\\\model.ckpt-7",
        "model\\x2eckpt\\0557",
    ] {
        with(&format!("model_checkpoint_path: \"{path}\"\nall_model_checkpoint_paths: \"x\"\n"))
            .unwrap();
    }
    fs::create_dir(run.path().join("sub")).unwrap();
    fs::write(run.path().join("sub/old.ckpt"), sample("v1.ckpt")).unwrap();
    let source = with("model_checkpoint_path: 'sub/old.ckpt'").unwrap();
    assert_eq!(source.weights.tensors().len(), 14);
    for (text, expected) in [
        ("model_checkpoint_path: \"../model.ckpt-7\"", "\"../model.ckpt-7\" must be a path inside"),
        ("model_checkpoint_path: \"sub/../../x\"", "must be a path inside the folder of this file"),
        ("model_checkpoint_path: \"/\"", "must be a path inside the folder of this file"),
        ("model_checkpoint_path: \"\"", "must be a path inside the folder of this file"),
        ("model_checkpoint_path: \"model.ckpt-8\"", "\"model.ckpt-8\": there is neither "),
        ("model_checkpoint_path: model.ckpt-7", "\"model.ckpt-7\" is not text in quotes"),
        ("all_model_checkpoint_paths: \"x\"", "there is none: this names no checkpoint"),
    ] {
        let error = with(text).unwrap_err();
        assert!(error.contains("checkpoint: model_checkpoint_path at byte 0: "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let copied = |names: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), sample(name)).unwrap();
        }
        folder
    };
    let shards = ["v2_sharded.ckpt.data-00000-of-00002", "v2_sharded.ckpt.data-00001-of-00002"];
    let index = "v2_sharded.ckpt.index";
    for (names, open, missing) in [
        (&[index, shards[0]][..], "v2_sharded.ckpt", shards[1]),
        (&[index, shards[1]], shards[1], shards[0]),
        (&shards, shards[0], index),
        (
            &["v1_sharded.ckpt-00001-of-00002"],
            "v1_sharded.ckpt-00001-of-00002",
            "v1_sharded.ckpt-00000-of-00002",
        ),
    ] {
        let folder = copied(names);
        let error = format::open(&folder.path().join(open)).unwrap_err();
        let WeightsError::Shard { shard, why, .. } = &error else { panic!("{error}") };
        assert!(shard.ends_with(missing), "{error}");
        assert_eq!(*why, "is missing, which belongs to it and must lie beside it");
    }
    // An index whose name says nothing about its files.
    let folder = copied(&[index]);
    fs::rename(folder.path().join(index), folder.path().join("renamed")).unwrap();
    let error = error_at(&folder.path().join("renamed"));
    assert!(error.contains("found by its name; it must end with \".index\""), "{error}");
}

#[test]
fn cut_at_every_byte_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for entry in fs::read_dir(self::folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let bytes = match name.contains("ckpt") {
            true => sample(&name),
            false => continue,
        };
        let index = name.split_once(".data-").map(|(prefix, _)| format!("{prefix}.index"));
        let path = folder.path().join(&name);
        let open = index.as_ref().map_or(path.clone(), |index| folder.path().join(index));
        for other in fs::read_dir(self::folder()).unwrap() {
            let other = other.unwrap().file_name().into_string().unwrap();
            if other.contains("ckpt") {
                fs::write(folder.path().join(&other), sample(&other)).unwrap();
            }
        }
        let file = fs::File::options().write(true).open(&path).unwrap();
        // The last bytes, and every hundredth of the rest.
        for end in (0..bytes.len()).rev().filter(|end| bytes.len() - end < 1000 || end % 100 == 0) {
            file.set_len(end as u64).unwrap();
            let error = format::open(&open).unwrap_err();
            let is_cut = match &error {
                WeightsError::Truncated { .. } => true,
                WeightsError::Form { reason, .. } => reason.ends_with("the file is cut short"),
                // Without its end a table with such a name is none.
                WeightsError::UnknownFormat { .. } => name.starts_with("v1_sharded"),
                _ => false,
            };
            assert!(is_cut, "{name} {end}: {error}");
            count += 1;
        }
    }
    assert!(count > 5000, "{count}");
    let longer = [&sample("v1.ckpt")[..], &[0]].concat();
    assert!(tf_checkpoint::from_bytes("f", longer, vec![]).is_err());
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tf_checkpoint");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/tf_checkpoint") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 5, "{count} files in {}", corpus.display());
}

proptest! {
    /// Whatever stands in a file.
    #[test]
    fn damaged_files_give_an_answer(
        number in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let names = ["v1.ckpt", "v2.ckpt.index", "v2_parts.ckpt.index", "objects.ckpt.index", "v1_sharded.ckpt-00000-of-00002"];
        let mut bytes = sample(names[number.index(names.len())]);
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        fuzz::run(&bytes);
    }
}
