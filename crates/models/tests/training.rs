//! Training on a tiny set of rendered roads.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::path::{Path, PathBuf};

use upconv_data::Size;
use upconv_data::synthetic::roads::Roads;
use upconv_models::training::{self, Wishes};
use upconv_train::{Options, Report, Silent, Stop, train};
use upconv_weights::{Tensor, Weights};

/// 12 streets for training, 3 of them for validation, of 64x32 pixels.
fn roads(folder: &Path) -> PathBuf {
    let dir = folder.join("roads");
    let set = Roads { size: Size { height: 32, width: 64 }, testing: 1, ..Roads::new(1, 12) };
    set.write(&dir, |_| ()).unwrap();
    dir
}

/// Whole pictures, three at a time.
fn wishes(more: &[&str]) -> Vec<String> {
    let patch = "data.augment.patch={height=32,width=64}";
    let all = ["data.scale=1", "data.batch=3", patch, "run.length=40", "run.evaluate_every=40"];
    all.iter().chain(more).map(|&text| text.into()).collect()
}

fn trained(
    model: &str,
    data: &Path,
    out: &Path,
    wishes: &Wishes<'_>,
    until: Option<u64>,
) -> Report {
    let (run, mut trainee) = training::begin(model, data, out, wishes).unwrap();
    let options = Options { until, stop: Stop::default(), watch: &mut Silent };
    train(&run, trainee.as_mut(), options).unwrap()
}

/// The losses of all steps.
fn losses(run: &Path) -> Vec<f64> {
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let steps = lines.filter(|line| line.get("rate").is_some());
    steps.map(|line| line["loss"].as_f64().unwrap()).collect()
}

#[test]
fn every_network_learns() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    for (model, width) in [("unet", 0.125), ("segnet", 0.1), ("fcn8s", 0.125)] {
        let set = wishes(&["net.rate=5e-3"]);
        let wishes = Wishes { width: Some(width), set: &set, ..Wishes::default() };
        let out = folder.path().join(model);
        let report = trained(model, &data, &out, &wishes, None);
        let losses = losses(&out);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        assert_eq!(losses.len(), 40);
        let (first, last) = (mean(&losses[..5]), mean(&losses[35..]));
        assert!(last < 0.8 * first, "{model}: {first} {last}");
        assert!(report.evaluation.get("max_f").unwrap() > 0.3, "{model}: {report}");
    }
}

#[test]
fn one_street_is_learned_by_heart() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    // For training and for validation.
    let pair = "training/image_2/um_000000.png training/gt_image_2/um_road_000000.png\n";
    for list in ["train.txt", "val.txt"] {
        std::fs::write(data.join(list), pair).unwrap();
    }
    let mut set = wishes(&[]);
    set.retain(|wish| !wish.starts_with("data.batch") && !wish.starts_with("run."));
    let rest = [
        "data.batch=1",
        "run.length=250",
        "run.evaluate_every=250",
        "net.rate=3e-3",
        "config.dropout=0.0",
        "data.augment.flip=\"off\"",
        "data.augment.brightness=0.001",
        "data.augment.contrast={min=1.0,max=1.0}",
    ];
    set.extend(rest.map(String::from));
    let wishes = Wishes { width: Some(0.125), set: &set, ..Wishes::default() };
    let report = trained("kittiseg", &data, &folder.path().join("run"), &wishes, None);
    assert!(report.evaluation.get("max_f").unwrap() > 0.99, "{report}");
}

/// Weights of VGG-16, narrow: all that the trunk of an FCN of a 64th of the channels needs.
fn vgg(file: &Path) {
    let mut tensors = Vec::new();
    let mut add = |name: String, shape: &[usize]| {
        let of = |shape: &[usize]| vec![0.015625; shape.iter().product()];
        let bias = [shape[shape.len() - 1]];
        tensors.push(Tensor::from_f32(format!("{name}/0"), shape, &of(shape)).unwrap());
        tensors.push(Tensor::from_f32(format!("{name}/1"), &bias, &of(&bias)).unwrap());
    };
    let mut from = 3;
    for (block, (to, convs)) in [(1, 2), (2, 2), (4, 3), (8, 3), (8, 3)].into_iter().enumerate() {
        for conv in 1..=convs {
            add(format!("conv{}_{conv}", block + 1), &[3, 3, from, to]);
            from = to;
        }
    }
    add("fc6".into(), &[49 * from, 1]);
    add("fc7".into(), &[1, 1]);
    let weights = Weights::new(None, tensors).unwrap();
    match file.extension().is_some_and(|extension| extension == "npz") {
        true => upconv_weights::numpy::write_npz(&weights, file).unwrap(),
        false => weights.write(file).unwrap(),
    }
}

#[test]
fn an_fcn_begins_from_vgg_or_its_own_weights() {
    let folder = tempfile::tempdir().unwrap();
    let data = roads(folder.path());
    let file = folder.path().join("vgg.safetensors");
    vgg(&file);
    let set = wishes(&[]);
    let narrow =
        Wishes { width: Some(1.0 / 64.0), from: Some(&file), set: &set, ..Wishes::default() };
    let report = trained("kittiseg", &data, &folder.path().join("run"), &narrow, Some(0));
    let weights = Weights::read(&report.weights).unwrap();
    let get = |name: &str| weights.get(name).unwrap().to_f32().unwrap();
    assert!(get("block5.2.weight").iter().all(|&w| w == 0.015625));
    assert!(get("fc6.bias").iter().all(|&w| w == 0.015625));
    assert!(get("score.weight").iter().all(|&w| w != 0.015625));
    let metadata = weights.metadata().unwrap();
    assert_eq!(metadata.labels.as_ref().unwrap().len(), 2);
    assert_eq!(metadata.input.as_ref().unwrap().size, [32, 64]);

    // The same weights in NumPy's archive are the same beginning.
    let archive = folder.path().join("vgg.npz");
    vgg(&archive);
    let numpy = Wishes { from: Some(&archive), ..narrow.clone() };
    let from_numpy = trained("kittiseg", &data, &folder.path().join("numpy"), &numpy, Some(0));
    assert_eq!(from_numpy.weights_hash, report.weights_hash);

    let again = Wishes { from: Some(&report.weights), ..narrow.clone() };
    let from_own = trained("kittiseg", &data, &folder.path().join("again"), &again, Some(0));
    assert_eq!(from_own.weights_hash, report.weights_hash);
    let set = wishes(&["net.rate=0.0"]);
    let still = Wishes { set: &set, ..Wishes::default() };
    let out = folder.path().join("still");
    let error = training::begin("unet", &data, &out, &still).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "net.rate: 0; legal: a positive number");
    // Of another model.
    let (run, mut trainee) =
        training::begin("unet", &data, &folder.path().join("other"), &again).unwrap();
    let options = Options { until: None, stop: Stop::default(), watch: &mut Silent };
    let error = train(&run, trainee.as_mut(), options).unwrap_err().to_string();
    assert!(error.contains("of model \"kittiseg\", not of \"unet\""), "{error}");
}
