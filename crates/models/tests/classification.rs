//! Training of classifiers on tiny sets.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde_json::Value;
use upconv_data::synthetic::pictures::ShapeSet;
use upconv_models::initial::{draw, usual};
use upconv_models::training::classification::fine_tune::{self, Freeze};
use upconv_models::training::{self, Begun, Wishes};
use upconv_models::vgg::{self, Vgg, VggConfig};
use upconv_models::{picture, stored};
use upconv_nn::parameters;
use upconv_train::{Options, Report, Silent, Stop, TrainError, train};
use upconv_weights::{Tensor, Weights, format};

/// 300 shapes, 50 of them for testing, of each class alike.
fn shapes(folder: &Path) -> PathBuf {
    let dir = folder.join("shapes");
    ShapeSet { seed: 1, count: 300, backgrounds: None }.write(&dir, |_| ()).unwrap();
    dir
}

fn run((run, mut trainee): Begun, until: Option<u64>) -> Report {
    let options = Options { until, stop: Stop::default(), watch: &mut Silent };
    train(&run, trainee.as_mut(), options).unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.into()).collect()
}

/// ResNet-20 with one block a stage and four channels.
const TINY: [&str; 4] = ["config.blocks=1", "config.width=4", "data.batch=25", "net.warm_up=0"];

fn begin(model: &str, data: &Path, out: &Path, preset: Option<&str>, set: &[&str]) -> Begun {
    let set = words(set);
    training::begin(model, data, out, &Wishes { preset, set: &set, ..Wishes::default() }).unwrap()
}

#[test]
fn a_linear_classifier_begins_by_guessing() {
    let folder = tempfile::tempdir().unwrap();
    let data = shapes(folder.path());
    for preset in ["usual", "original"] {
        let out = folder.path().join(preset);
        let report = run(begin("cifar-softmax", &data, &out, Some(preset), &[]), Some(0));
        let found = training::evaluate("cifar-softmax", &report.weights, &data).unwrap();
        assert_eq!((found.pictures, &*found.part), (50, "test"));
        // ln 10, and class 0 for everything.
        assert!((found.metrics.get("loss").unwrap() - std::f64::consts::LN_10).abs() < 1e-5);
        assert_eq!(found.metrics.get("accuracy"), Some(0.1));
        assert_eq!(found.metrics.get("top_5"), Some(0.5));
        let confusion = found.confusion.unwrap();
        assert_eq!(confusion.counts[7][..2], [5, 0]);
        assert_eq!(found.baselines["majority"].get("accuracy"), Some(0.1));
    }
}

/// What golden/sgd.py found, by its names, and the same data in the files of CIFAR-10.
fn golden(folder: &Path) -> (Value, Weights) {
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    let picture = |n: usize| {
        let pixel = move |p| ((31 * n + 7 * p + (n * p) % 13) % 256) as u8;
        [(n % 10) as u8].into_iter().chain((0..3072).map(pixel))
    };
    for (number, four) in (1..=5).zip([0..4, 4..8, 8..12, 12..16, 16..20]) {
        let file: Vec<u8> = four.flat_map(picture).collect();
        std::fs::write(data.join(format!("data_batch_{number}.bin")), file).unwrap();
    }
    let tests: Vec<u8> = (20..30).flat_map(picture).collect();
    std::fs::write(data.join("test_batch.bin"), tests).unwrap();
    let arrays = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sgd.npz");
    let figures = serde_json::from_str(include_str!("golden/sgd.json")).unwrap();
    (figures, format::open(&arrays).unwrap().weights)
}

fn values(weights: &Weights, name: &str) -> Vec<f64> {
    weights.get(name).unwrap().to_f32().unwrap().into_iter().map(f64::from).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[test]
fn ten_steps_are_those_of_numpy() {
    let folder = tempfile::tempdir().unwrap();
    let (golden, arrays) = golden(folder.path());
    let array = |name: &str| values(&arrays, name);
    let data = folder.path().join("data");
    for (model, own, names) in [
        ("cifar-softmax", "softmax", &["layer2"][..]),
        ("cifar-two-layer", "two_layer", &["layer1", "layer2"]),
    ] {
        let expected = &golden[own];
        let sizes: &[[usize; 2]] = match own {
            "softmax" => &[[10, 3072]],
            _ => &[[4, 3072], [10, 4]],
        };
        let mut tensors = Vec::new();
        for (number, (name, &[out, inputs])) in names.iter().zip(sizes).enumerate() {
            let wave = |i: usize| (0.02 * (0.37 * i as f64 + number as f64).sin()) as f32;
            let weight: Vec<f32> = (0..out * inputs).map(wave).collect();
            tensors.push(Tensor::from_f32(format!("{name}.weight"), &[out, inputs], &weight));
            tensors.push(Tensor::from_f32(format!("{name}.bias"), &[out], &vec![0.0; out]));
        }
        let tensors = tensors.into_iter().map(Result::unwrap).collect();
        let file = folder.path().join(format!("{own}.safetensors"));
        Weights::new(None, tensors).unwrap().write(&file).unwrap();
        let mut set =
            words(&["data.batch=5", "data.order=as_given", "run.length=10", "run.log_every=1"]);
        if own == "two_layer" {
            set.push("config.hidden=4".into());
        }
        let wishes =
            Wishes { preset: Some("original"), from: Some(&file), set: &set, ..Wishes::default() };
        let out = folder.path().join(own);
        let report = run(training::begin(model, &data, &out, &wishes).unwrap(), None);

        let text = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let losses: Vec<f64> = lines.map(|line| line["loss"].as_f64().unwrap()).collect();
        let close = |what: &str, got: &[f64], expected: &[f64]| {
            assert_eq!(got.len(), expected.len(), "{what}");
            let largest = expected.iter().fold(0.0f64, |most, value| most.max(value.abs()));
            for (got, expected) in got.iter().zip(expected) {
                // Relative to each number; ten steps round sums of terms as large as the largest. NumPy's own numbers
                // are 7 epsilon of the largest off those that it finds with F64.
                let rounding = 20.0 * f64::from(f32::EPSILON) * largest;
                let bound = 1e-4 * expected.abs() + rounding;
                assert!((got - expected).abs() <= bound, "{own} {what}: {got} {expected}");
            }
        };
        close("losses", &losses, &numbers(&expected["losses"]));
        let weights = Weights::read(&report.weights).unwrap();
        for name in names {
            for field in ["weight", "bias"] {
                let name = format!("{name}.{field}");
                close(&name, &values(&weights, &name), &array(&format!("{own}.{name}")));
            }
        }
        // The mean picture is in the file, so that `predict` takes it off, too.
        let input = weights.metadata().unwrap().input.clone().unwrap();
        assert_eq!((input.size, input.range), ([32, 32], [0.0, 255.0]));
        let (mean, expected_mean) = (input.mean.unwrap(), array("mean"));
        assert_eq!((mean.len(), expected_mean.len()), (3072, 3072));
        for (got, expected) in mean.iter().zip(expected_mean) {
            assert!((got - expected).abs() < 1e-3, "{got} {expected}");
        }
        // Pictures for testing are less the mean of those that were learned from.
        let test = training::evaluate(model, &report.weights, &data).unwrap();
        assert_eq!((test.pictures, &*test.part), (10, "test"));
        for metric in ["loss", "accuracy"] {
            let expected = expected["test"][metric].as_f64().unwrap();
            let got = test.metrics.get(metric).unwrap();
            let off = (got - expected).abs();
            assert!(off <= 1e-4 * expected.abs(), "{own} {metric}: {got} {expected}");
        }
    }
}

#[test]
fn stopped_and_resumed_is_the_same_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let data = shapes(folder.path());
    let set = [&TINY[..], &["run.length=12", "run.save_every=5"]].concat();
    let whole = run(begin("resnet20", &data, &folder.path().join("whole"), None, &set), None);
    let parts = folder.path().join("parts");
    let first = run(begin("resnet20", &data, &parts, None, &set), Some(7));
    assert_eq!(first.step, 7);
    let rest = run(training::resume(&parts, &[]).unwrap(), None);
    assert_eq!((rest.step, rest.steps_now), (12, 5));
    assert_eq!(rest.weights_hash, whole.weights_hash);
    assert_eq!(rest.evaluation, whole.evaluation);
    let tested = |report: &Report| training::evaluate("resnet20", &report.weights, &data).unwrap();
    let (one, other) = (tested(&whole), tested(&rest));
    assert_eq!((one.pictures, &*one.part), (50, "test"));
    assert_eq!(one.metrics, other.metrics);
    let metadata = Weights::read(&whole.weights).unwrap().metadata().unwrap().clone();
    assert_eq!(metadata.labels.unwrap()[4], "star");
    assert_eq!(metadata.input.unwrap().std.unwrap().len(), 3);
    // Eight rows of eight pictures with frames, or as many as there are for validation.
    assert!(folder.path().join("whole/samples/step-000000012.png").is_file());
}

#[test]
fn a_small_network_learns_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let data = shapes(folder.path());
    let set = [
        "config.blocks=1",
        "config.width=8",
        "data.batch=25",
        "net.warm_up=0",
        "data.validation=0",
        "data.jitter={shift=0,flip=false}",
        "run.length=\"12 epochs\"",
        "run.best={metric=\"accuracy\",goal=\"max\"}",
    ];
    let report = run(begin("resnet20", &data, &folder.path().join("run"), None, &set), None);
    // Guessing has ln 10 = 2.30.
    assert!(report.last.get("loss").unwrap() < 1.8, "{report}");
    assert!(report.best.is_none() && report.evaluation.is_empty());
}

/// The parameters and statistics that are not the same to the bit.
fn changed(before: &Weights, after: &Weights) -> Vec<String> {
    let same = |tensor: &&Tensor| after.get(tensor.name()).unwrap().bytes() == tensor.bytes();
    let all = before.tensors().iter().filter(|tensor| !same(tensor));
    all.map(|tensor| tensor.name().to_owned()).collect()
}

#[test]
fn frozen_layers_keep_every_bit() {
    let folder = tempfile::tempdir().unwrap();
    let data = shapes(folder.path());
    let set = [&TINY[..], &["run.length=6"]].concat();
    let first = run(begin("resnet20", &data, &folder.path().join("first"), None, &set), None);
    let before = Weights::read(&first.weights).unwrap();
    let fine_tuned = |name: &str, freeze| {
        let set = words(&["run.length=6", "data.batch=25"]);
        let wishes = Wishes { from: Some(&first.weights), set: &set, ..Wishes::default() };
        let out = folder.path().join(name);
        let begun = fine_tune::begin("resnet20", &data, &out, freeze, &wishes)?;
        // In two parts: what is frozen is so after going on, too.
        run(begun, Some(3));
        let report = run(training::resume(&out, &[]).unwrap(), None);
        Ok::<_, TrainError>(Weights::read(&report.weights).unwrap())
    };
    let changed = |after: &Weights| changed(&before, after);
    let until = changed(&fine_tuned("until", Freeze::Until("layer2")).unwrap());
    assert!(
        until.iter().all(|name| name.starts_with("layer3.") || name.starts_with("fc.")),
        "{until:?}"
    );
    for name in ["fc.weight", "layer3.0.conv1.weight", "layer3.0.bn1.running_mean"] {
        assert!(until.iter().any(|changed| changed == name), "{name}: {until:?}");
    }
    let mut only = changed(&fine_tuned("only", Freeze::AllBut("fc")).unwrap());
    only.sort_unstable();
    assert_eq!(only, ["fc.bias", "fc.weight"]);
    let all = changed(&fine_tuned("all", Freeze::Nothing).unwrap());
    assert!(all.iter().any(|name| name == "conv1.weight"), "{all:?}");
    assert!(all.iter().any(|name| name == "bn1.running_var"), "{all:?}");

    let error = fine_tuned("wrong", Freeze::Until("layer9")).unwrap_err().to_string();
    assert!(error.contains("--freeze-until") && error.contains("layer3"), "{error}");
    let none = Wishes::default();
    let out = folder.path().join("none");
    let begun = fine_tune::begin("resnet18", &data, &out, Freeze::Nothing, &none);
    let error = begun.map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("--weights: missing"), "{error}");
    assert!(!out.exists());
}

/// Pictures of ten colours, six of each with other dots, in the files of CIFAR-10: the same to learn from and for testing.
fn colours(folder: &Path) {
    const COLOURS: [[usize; 3]; 10] = [
        [20, 20, 20],
        [220, 20, 20],
        [20, 220, 20],
        [20, 20, 220],
        [220, 220, 20],
        [220, 20, 220],
        [20, 220, 220],
        [220, 220, 220],
        [220, 120, 20],
        [120, 120, 120],
    ];
    std::fs::create_dir(folder).unwrap();
    let picture = |n: usize| {
        let value =
            move |at| (COLOURS[n % 10][at / 1024] + (31 * n + 7 * at + n * at % 13) % 32) as u8;
        [(n % 10) as u8].into_iter().chain((0..3072).map(value))
    };
    let file: Vec<u8> = (0..60).flat_map(picture).collect();
    for name in ["data_batch_1.bin", "test_batch.bin"] {
        std::fs::write(folder.join(name), &file).unwrap();
    }
}

/// The convolutions stay, and the three layers behind them learn to tell ten colours.
#[test]
fn a_vgg_is_fine_tuned_to_other_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let [data, file, out] = ["data", "vgg.safetensors", "run"].map(|name| folder.path().join(name));
    colours(&data);
    let config = VggConfig {
        depths: [1; 5],
        channels: [8, 8, 12, 12, 16],
        head: 64,
        classes: 10,
        dropout: 0.0,
        ..VggConfig::vgg16()
    };
    let net = Vgg::new(&config, &Device::flex()).unwrap();
    let tensors = parameters::get(&draw(net, 3, usual).unwrap()).unwrap().into_iter();
    let tensors = tensors.map(|p| Tensor::from_f32(p.name, &p.shape, &p.values).unwrap());
    // The smallest picture that the first matrix takes.
    let input = picture::normalised([193, 193]);
    let metadata = stored::metadata(vgg::NAME, &config, Some(input));
    let before = Weights::new(Some(metadata), tensors.collect()).unwrap();
    before.write(&file).unwrap();

    let set = words(&[
        "run.length=\"20 epochs\"",
        "run.log_every=1",
        "net.rate=0.02",
        "data.batch=10",
        "data.validation=0",
        "data.jitter={shift=0,flip=false}",
    ]);
    let wishes = Wishes { from: Some(&file), set: &set, ..Wishes::default() };
    let begun = fine_tune::begin("vgg16", &data, &out, Freeze::Until("block5"), &wishes);
    let report = run(begun.unwrap(), None);
    let text = std::fs::read_to_string(out.join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let losses: Vec<f64> = lines.map(|line| line["loss"].as_f64().unwrap()).collect();
    assert!(losses[119] < losses[0] / 4.0, "{losses:?}");
    let after = Weights::read(&report.weights).unwrap();
    let learned = changed(&before, &after);
    let head = ["fc6", "fc7", "fc8"].map(|fc| ["bias", "weight"].map(|f| format!("{fc}.{f}")));
    assert_eq!(learned, head.concat());
    let found = training::evaluate("vgg16", &report.weights, &data).unwrap();
    let accuracy = found.metrics.get("accuracy").unwrap();
    eprintln!("{accuracy} of {} pictures", found.pictures);
    assert!(found.pictures == 60 && accuracy > 0.95, "{accuracy}: {losses:?}");
}

#[test]
fn what_cannot_be_trained_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = shapes(folder.path());
    let out = folder.path().join("run");
    let error = |model: &str, set: &[&str], preset| {
        let set = words(set);
        let wishes = Wishes { preset, set: &set, ..Wishes::default() };
        training::begin(model, &data, &out, &wishes).map(|_| ()).unwrap_err().to_string()
    };
    for (found, expected) in [
        (error("resnet20", &["config.classes=3"], None), "config.classes: 3;"),
        (error("resnet20", &["data.batch=0"], None), "data.batch: 0 pictures"),
        (error("resnet20", &["loss.half_squares=-1"], None), "loss.half_squares: -1;"),
        (
            error("resnet20", &["frozen.layers=[\"layer7\"]"], None),
            "frozen.layers: there is no layer",
        ),
        (error("resnet20", &["data.validation=250"], None), "validation is 250"),
        (error("cifar-softmax", &[], Some("paper")), "legal: usual, original"),
        (error("resnet999", &[], None), "resnet20"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    assert!(!out.exists());
}
