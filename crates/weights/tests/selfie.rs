//! A real TF.js graph model, MediaPipe Selfie Segmentation. It is fetched, not committed:
//! `cargo xtask fetch selfie`, then `cargo xtask test --with-data`.

use std::path::Path;

use upconv_weights::graph::Attr;
use upconv_weights::{Dtype, Source, Tensor, format};

fn selfie() -> Option<Source> {
    if std::env::var_os("UPCONV_WITH_DATA").is_none() {
        eprintln!("SKIPPED: the TF.js model of selfie (cargo xtask test --with-data)");
        return None;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/selfie/selfie.json");
    Some(format::open(&path).expect("run: cargo xtask fetch selfie"))
}

#[test]
fn every_tensor_is_there() {
    let Some(source) = selfie() else { return };
    let tensors = source.weights.tensors();
    assert_eq!(tensors.len(), 136);
    let of = |dtype| tensors.iter().filter(move |tensor| tensor.dtype() == dtype);
    assert_eq!((of(Dtype::F16).count(), of(Dtype::I32).count()), (132, 4));
    // 106,401 parameters and 22 constants.
    assert_eq!(of(Dtype::F16).map(Tensor::cells).sum::<usize>(), 106_423);
    assert_eq!(tensors.iter().map(|tensor| tensor.bytes().len()).sum::<usize>(), 212_886);
    assert!(tensors.iter().all(|tensor| tensor.statistics().non_finite == 0));
    let names: Vec<_> = source.files.iter().map(|file| (&file.name[..], file.bytes)).collect();
    assert_eq!(names, [("selfie.json", 83_670), ("selfie.bin", 212_886)]);
    assert!(source.origin(None).sha256.starts_with("8f57aaa72dc068a5"));
}

#[test]
fn known_values_lie_under_their_names() {
    let Some(source) = selfie() else { return };
    let values = |name: &str| {
        let tensor = source.weights.get(name).unwrap_or_else(|| panic!("no {name}"));
        tensor.to_f32().unwrap_or_default()
    };
    assert_eq!(values("segment_add/y"), [0.532_714_84]);
    for number in (1..=21).step_by(2) {
        assert_eq!(values(&format!("mul_{number}/y")), [1365.0 / 8192.0]);
    }
    assert_eq!(values("add/y"), [3.0]);
    let filter = values("segment/filter");
    let norms = filter.chunks(16).map(|tap| tap.iter().map(|v| v * v).sum::<f32>().sqrt());
    let norms: Vec<_> = norms.map(|norm| (norm * 10.0).round() / 10.0).collect();
    assert_eq!(norms, [6.0, 21.0, 4.0, 9.9]);
}

#[test]
fn the_graph_says_what_the_weights_are_for() {
    let Some(source) = selfie() else { return };
    let graph = source.graph.unwrap_or_default();
    let operations = graph.operations();
    for (op, count) in
        [("Conv2D", 43), ("DepthwiseConv2dNative", 11), ("Conv2DBackpropInput", 1), ("Const", 136)]
    {
        assert_eq!(operations[op], count, "{op}");
    }
    let head = graph.users("segment/filter").next().map(|node| &node.attr["strides"]);
    assert_eq!(head, Some(&Attr::Ints(vec![1, 2, 2, 1])));
}
