//! TF.js graph models: good ones are read as they are meant, and broken ones named.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod common;
#[path = "fuzz/tfjs.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

use common::{FILTER, Model};
use proptest::prelude::*;
use serde_json::{Value, json};
use upconv_weights::graph::Attr;
use upconv_weights::{
    Allowed, Axes, Dtype, Expected, Format, Metadata, RenameTable, Rule, WeightsError, convert,
    format, hash,
};

/// What a changed model gives.
fn error(change: impl FnOnce(&mut Model)) -> String {
    let mut model = Model::small();
    change(&mut model);
    format::open(&model.write()).unwrap_err().to_string()
}

/// What a model with one changed value in its document gives.
fn error_with(pointer: &str, value: Value) -> String {
    error(|model| *model.document.pointer_mut(pointer).unwrap() = value)
}

#[test]
fn every_way_to_store_values() {
    let model = Model::small();
    let source = format::open(&model.write()).unwrap();
    assert_eq!(source.format, Format::TfjsGraph);
    let tensor = |name: &str| source.weights.get(name).unwrap();
    assert_eq!(tensor("conv/filter").dtype(), Dtype::F16);
    assert_eq!(tensor("conv/filter").shape(), [1, 2, 1, 2]);
    assert_eq!(tensor("conv/filter").to_f32().unwrap(), FILTER);
    assert_eq!(tensor("size").dtype(), Dtype::I32);
    assert_eq!(tensor("size").bytes(), [7, 0, 0, 0, 0xf9, 0xff, 0xff, 0xff]);
    assert_eq!(tensor("bytes").to_f32().unwrap(), [-1.0, 63.0, 126.5]);
    assert_eq!(tensor("words").to_f32().unwrap(), [0.0, 65535.0]);
    assert_eq!((tensor("flags").dtype(), tensor("flags").bytes()), (Dtype::Bool, &[1, 0][..]));
    assert_eq!(tensor("bias").to_f32().unwrap(), [2.5]);
    assert_eq!(tensor("nothing").shape(), [0]);

    let graph = source.graph.as_ref().unwrap();
    let conv = graph.users("conv/filter").next().unwrap();
    assert_eq!((conv.name.as_str(), conv.op.as_str()), ("conv", "Conv2D"));
    assert_eq!(conv.attr["padding"], Attr::Text("SAME".into()));

    let names: Vec<_> = source.files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["model.json", "m-1of2.bin", "m-2of2.bin", "more.bin"]);
    for (file, (_, bytes)) in source.files[1..].iter().zip(&model.shards) {
        assert_eq!((file.bytes, &file.sha256), (bytes.len() as u64, &hash::sha256(bytes)));
    }
    assert_eq!(source.sha256(), hash::sha256(model.document.to_string().as_bytes()));
}

#[test]
fn quantised_integers_round_as_in_javascript() {
    let mut model = Model::small();
    model.document["weightsManifest"] = json!([{"paths": ["q.bin"], "weights": [
        {"name": "q", "shape": [4], "dtype": "int32",
         "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
    ]}]);
    model.shards = vec![("q.bin".into(), vec![0, 1, 2, 5])];
    let source = format::open(&model.write()).unwrap();
    // -1, -0.5, 0 and 1.5: Math.round gives -1, -0, 0 and 2.
    let bytes = source.weights.get("q").unwrap().bytes();
    let (values, _) = bytes.as_chunks();
    let values: Vec<i32> = values.iter().map(|&raw| i32::from_le_bytes(raw)).collect();
    assert_eq!(values, [-1, 0, 0, 2]);
}

#[test]
fn cut_at_every_byte_it_is_refused() {
    let model = Model::small();
    let path = model.write();
    let json = fs::read(&path).unwrap();
    for end in 0..json.len() {
        fs::write(&path, &json[..end]).unwrap();
        let error = format::open(&path).unwrap_err();
        match error {
            WeightsError::Json { .. } if end > 0 => {}
            WeightsError::UnknownFormat { .. } if end == 0 => {}
            other => panic!("{end}: {other}"),
        }
    }
    fs::write(&path, &json).unwrap();
    for (name, bytes) in &model.shards {
        let shard = model.folder.path().join(name);
        for end in (0..bytes.len()).chain([bytes.len() + 1]) {
            let mut changed = bytes.clone();
            changed.resize(end, 0);
            fs::write(&shard, &changed).unwrap();
            let error = format::open(&path).unwrap_err();
            assert!(matches!(error, WeightsError::ShardBytes { .. }), "{name} {end}: {error}");
        }
        fs::write(&shard, bytes).unwrap();
    }
    format::open(&path).unwrap();
}

#[test]
fn shards_that_are_not_there_or_must_not_be() {
    let error_of = |paths: Value| {
        error(|model| {
            model.document["weightsManifest"][0]["paths"] = paths;
            fs::create_dir(model.folder.path().join("sub")).unwrap();
            fs::write(model.folder.path().join("sub/m.bin"), [0; 14]).unwrap();
        })
    };
    let gone = error_of(json!(["m-1of2.bin", "gone.bin"]));
    assert!(gone.contains("gone.bin: No such file"), "{gone}");
    let folder = error_of(json!(["m-1of2.bin", "sub"]));
    assert!(folder.contains("sub: not a regular file"), "{folder}");
    for outside in
        ["../m.bin", "/etc/passwd", "sub/../../m.bin", ".", "..", "", "./../m.bin", "a\u{1b}[2J"]
    {
        let error = error_of(json!(["m-1of2.bin", outside]));
        let expected = format!("weightsManifest[0].paths[1]: {outside:?} must be a path inside");
        assert!(error.contains(&expected), "{error}");
    }
    for twice in [json!(["m-1of2.bin", "m-1of2.bin"]), json!(["m-1of2.bin", "model.json"])] {
        let error = error_of(twice);
        assert!(error.contains("is named twice, or is the document itself"), "{error}");
    }
    let one = error_of(json!(["m-1of2.bin"]));
    assert!(
        one.ends_with(
            "weightsManifest[0]: its tensors take 25 bytes, but its shards hold 11; they must be equal"
        ),
        "{one}"
    );
    // A folder below is inside.
    let mut model = Model::small();
    model.document["weightsManifest"][0]["paths"] = json!(["m-1of2.bin", "sub/m.bin"]);
    fs::create_dir(model.folder.path().join("sub")).unwrap();
    fs::write(model.folder.path().join("sub/m.bin"), [0; 14]).unwrap();
    format::open(&model.write()).unwrap();
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_folder() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), [0; 11]).unwrap();
    let link = |target: &Path| {
        let mut model = Model::small();
        model.shards.remove(0);
        std::os::unix::fs::symlink(target, model.folder.path().join("m-1of2.bin")).unwrap();
        fs::write(model.folder.path().join("inside.bin"), [0; 11]).unwrap();
        format::open(&model.write()).map_err(|error| error.to_string())
    };
    let error = link(outside.path()).unwrap_err();
    assert!(error.contains("leads outside of the folder of the document"), "{error}");
    link("inside.bin".as_ref()).unwrap();
}

#[test]
fn a_manifest_that_lies_is_told_so() {
    const FILTER: &str = "/weightsManifest/0/weights/0";
    let at = |member: &str, value: Value| error_with(&format!("{FILTER}/{member}"), value);
    for (got, expected) in [
        (at("shape", json!([1, 2, 1, 3])), "weightsManifest[0]: its tensors take 29 bytes"),
        (
            at("shape", json!([1u64 << 60])),
            "tensor \"conv/filter\": axis 0 has 1152921504606846976",
        ),
        (
            at("shape", json!([1 << 20, 1 << 20, 2])),
            "tensor \"conv/filter\": shape [1048576, 1048576",
        ),
        (at("shape", json!([1 << 30, 2])), "its tensors: 4294967330 bytes, but at most 4294967296"),
        (
            at("shape", json!([-1])),
            "weightsManifest[0].weights[0].shape[0]: invalid value: integer",
        ),
        (at("shape", json!([1.5])), "weightsManifest[0].weights[0].shape[0]: invalid type"),
        (at("shape", json!([1, 1, 1, 1, 1, 1, 1, 1, 4])), "tensor \"conv/filter\": 9 axes"),
        (at("dtype", json!("string")), "tensor \"conv/filter\": type \"string\"; legal: float32"),
        (at("name", json!("size")), "tensor \"size\": this name comes twice"),
        (
            at("quantization", json!({"dtype": "uint4"})),
            "quantization: dtype \"uint4\" for float32",
        ),
        (
            at("quantization", json!({"dtype": "uint8", "scale": 1})),
            "quantization: u8 needs both scale and min",
        ),
        (
            at("quantization", json!({"dtype": "float16", "original_dtype": "int32"})),
            "quantization: original_dtype is \"int32\", but dtype is \"float32\"",
        ),
        (
            at("quantization", json!({"dtype": "float16", "zero_point": 3})),
            "weightsManifest[0].weights[0].quantization.zero_point: unknown field `zero_point`",
        ),
        (
            error_with("/weightsManifest/0/weights/1", json!({"name": "size", "shape": [2]})),
            "weightsManifest[0].weights[1]: missing field `dtype`",
        ),
        (error_with("/weightsManifest", json!({})), "weightsManifest: invalid type: map"),
        (
            error_with("/format", json!("scan-model")),
            "format: \"scan-model\" is not read; legal: \"graph-model\", \"layers-model\"",
        ),
        (
            error_with("/modelTopology/node/2/attr/padding/s", json!("*")),
            "modelTopology.node[2].attr.padding: s: \"*\" is not base64",
        ),
        (
            error(|model| {
                model.document.as_object_mut().unwrap().remove("weightsManifest");
            }),
            "model.json: weightsManifest: there is none: this is JSON, but no TensorFlow.js model",
        ),
    ] {
        assert!(got.contains(expected), "{got}");
    }
    let mut deep = Model::small().document.to_string();
    deep.insert_str(1, &format!("\"x\":{},", "[".repeat(1 << 20)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    fs::write(&path, deep).unwrap();
    assert!(matches!(format::open(&path), Err(WeightsError::Json { .. })));
}

#[test]
fn a_document_beyond_the_limit_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.json");
    fs::write(&path, "{").unwrap();
    // Sparse: it takes no room on the disk.
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 33).unwrap();
    let error = format::open(&path).unwrap_err().to_string();
    assert!(error.ends_with("8589934592 bytes, but at most 4294967296 are read"), "{error}");
    fs::File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let error = format::open(&path).unwrap_err().to_string();
    assert!(error.contains("it begins with the bytes [7b, 00"), "{error}");
}

#[test]
fn unknown_formats_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.bin");
    for (bytes, expected) in [
        (&b""[..], "it is empty"),
        (b"GGUF\x03\0\0\0", "it looks like GGUF"),
        (b"PK\x03\x04....", "it looks like a zip archive"),
        (b"\x1c\0\0\0TFL3", "it looks like TensorFlow Lite"),
        (b"abc", "it begins with the bytes [61, 62, 63]"),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = format::open(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("no known weight format ({expected}")), "{error}");
        assert!(error.contains("(its JSON file), "), "{error}");
    }
}

fn table() -> RenameTable {
    RenameTable::new(vec![
        Rule::take("conv/filter", "conv.weight", Axes::HWIO_TO_OIHW),
        Rule::take("bias", "conv.bias", Axes::Keep),
        Rule::ignore("size", "a constant of the graph"),
    ])
}

fn expected() -> [Expected; 2] {
    [Expected::new("conv.weight", [2, 1, 1, 2]), Expected::new("conv.bias", [1])]
}

#[test]
fn converted_with_a_table_and_read_again() {
    let source = format::open(&Model::small().write()).unwrap();
    let unused = ["bytes", "words", "flags", "nothing"].map(str::to_owned);
    let allowed = Allowed { missing: vec![], unused: unused.to_vec() };
    let metadata = Metadata::new("small");
    let converted =
        convert::convert(source.clone(), &table(), &expected(), metadata.clone(), &allowed)
            .unwrap();
    assert_eq!((converted.balance.loaded(), converted.balance.moved_axes()), (2, 1));
    let weights = converted.weights.unwrap();
    let weight = weights.get("conv.weight").unwrap();
    assert_eq!((weight.dtype(), weight.shape()), (Dtype::F16, &[2, 1, 1, 2][..]));
    assert_eq!(weight.to_f32().unwrap(), [1.0, -0.5, 2.0, 0.25]);
    let origin = weights.metadata().unwrap().source.as_ref().unwrap();
    assert_eq!((origin.file.as_str(), origin.sha256.as_str()), ("model.json", source.sha256()));
    assert_eq!(origin.other["files"][3]["file"], "more.bin");

    let converted =
        convert::convert(source, &table(), &expected(), metadata, &Allowed::default()).unwrap();
    let error = converted.weights.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("model.json: 4 unused (bytes, flags, nothing, words): every tensor"),
        "{error}"
    );
}

#[test]
fn numbers_that_are_none_are_shown_and_not_converted() {
    let mut model = Model::small();
    model.shards[2].1 = f32::NAN.to_le_bytes().to_vec();
    let source = format::open(&model.write()).unwrap();
    assert_eq!(source.weights.get("bias").unwrap().statistics().non_finite, 1);
    let allowed = Allowed {
        missing: vec![],
        unused: ["bytes", "words", "flags", "nothing"].map(Into::into).into(),
    };
    let error = convert::convert(source, &table(), &expected(), Metadata::new("m"), &allowed);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains(
            "model.json: tensor \"conv.bias\": 1 values are not finite, the first is NaN at cell 0"
        ),
        "{error}"
    );
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/tfjs");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/tfjs") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 3, "{count} files in {}", corpus.display());
}

proptest! {
    /// Whatever stands in a document: an answer and no panic.
    #[test]
    fn damage_is_an_error_or_another_model(
        edits in prop::collection::vec((0usize..1 << 16, any::<u8>()), 1..4),
    ) {
        let model = Model::small();
        let path = model.write();
        let mut json = model.document.to_string().into_bytes();
        let length = json.len();
        for (place, byte) in edits {
            json[place % length] = byte;
        }
        fs::write(&path, json).unwrap();
        let _ = format::open(&path);
    }
}
