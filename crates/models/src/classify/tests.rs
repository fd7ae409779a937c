use burn::tensor::{Device, Tensor, TensorData};
use upconv_nn::parameters;
use upconv_nn::pass::Eager;
use upconv_weights::Tensor as Weight;
use upconv_weights::metadata::{Fit, Order, Resize};

use super::*;
use crate::efficientnet::{EfficientNet, EfficientNetConfig};
use crate::inference::Model;
use crate::initial::{draw, usual};
use crate::{picture, stored};

/// A picture whose pixels all differ: 3 times the place, modulo a prime below 256.
fn photo([h, w]: [usize; 2]) -> Vec<u8> {
    (0..3 * h * w).map(|at| (at * 7 % 251) as u8).collect()
}

#[test]
fn parts_are_those_of_the_picture() {
    let input = Input {
        order: Order::Bgr,
        range: [0.0, 255.0],
        mean: Some(vec![1.0, 2.0, 3.0]),
        fit: Fit::Crop,
        short_side: Some(5),
        ..picture::unit([4, 4])
    };
    // 5 rows stay 5, so that nothing is resized.
    let rgb = photo([5, 7]);
    let size = Size { height: 5, width: 7 };
    let at = |row: usize, column: usize, channel: usize| {
        f32::from(rgb[(row * 7 + column) * 3 + channel])
    };
    let ten = inputs(&input, Crop::Ten, &rgb, size).unwrap();
    assert_eq!(ten.len(), 10 * 3 * 16);
    for (part, (top, left)) in [(0, (0, 0)), (1, (0, 3)), (2, (1, 0)), (3, (1, 3)), (4, (0, 1))] {
        for (channel, mean) in [1.0, 2.0, 3.0].into_iter().enumerate() {
            for row in 0..4 {
                for column in 0..4 {
                    let expected = at(top + row, left + column, 2 - channel) - mean;
                    let plane = |part: usize| &ten[(part * 3 + channel) * 16 + row * 4..][..4];
                    assert!((plane(part)[column] - expected).abs() < 1e-3);
                    assert!((plane(part + 5)[3 - column] - expected).abs() < 1e-3);
                }
            }
        }
    }
    let center = inputs(&input, Crop::Center, &rgb, size).unwrap();
    assert_eq!(center, ten[4 * 48..5 * 48]);
}

#[test]
fn inputs_that_make_no_sense_are_named() {
    let usual = Input { fit: Fit::Crop, short_side: Some(8), ..picture::unit([8, 8]) };
    let size = Size { height: 2, width: 2 };
    let refused = |input: Input| inputs(&input, Crop::Center, &[0; 12], size).unwrap_err();
    assert!(refused(Input { short_side: Some(7), ..usual.clone() }).contains("7 is less than"));
    assert!(refused(Input { fit: Fit::Letterbox, ..usual.clone() }).contains("letterbox"));
    assert!(refused(Input { resize: Resize::Area, ..usual.clone() }).contains("bilinear"));
    assert!(inputs(&usual, Crop::Center, &[0; 11], size).is_err());
    let line = Size { height: 1, width: 1 << 24 };
    assert!(scaled(&usual, [1, line.width]).unwrap_err().contains("too large"));
}

#[test]
fn the_likeliest_come_first_and_equal_ones_in_order() {
    let labels: Vec<Label> = ["a", "b", "c", "d"].map(Label::of).into();
    let indices = |top| -> Vec<usize> {
        best(&[0.1, 0.4, 0.1, 0.4], &labels, top).iter().map(|p| p.index).collect()
    };
    assert_eq!(indices(9), [1, 3, 0, 2]);
    assert_eq!(indices(3), [1, 3, 0]);
}

#[test]
fn probabilities_are_means_of_parts_and_survive_large_scores() {
    // Parts say (1, 0) and (1/2, 1/2).
    assert_eq!(probabilities(&[1000.0, -1000.0, 3.0, 3.0], 2), Ok(vec![0.75, 0.25]));
    assert!(probabilities(&[f32::NAN, 0.0], 2).unwrap_err().contains("class 0 is NaN"));
}

/// Weights as a file holds them.
fn weights() -> (EfficientNet, Weights) {
    let config = EfficientNetConfig { classes: 5, ..Default::default() };
    let net = EfficientNet::new(&config, &Device::flex()).unwrap();
    let net = draw(net, 3, usual).unwrap();
    let tensors = parameters::get(&net).unwrap().into_iter();
    let tensors = tensors.map(|p| Weight::from_f32(p.name, &p.shape, &p.values).unwrap());
    let input = Input { fit: Fit::Crop, short_side: Some(40), ..picture::normalised([32, 32]) };
    let metadata = stored::metadata(crate::efficientnet::NAME, &config, Some(input));
    (net, Weights::new(Some(metadata), tensors.collect()).unwrap())
}

/// Batch norm is folded; the training form computes it as it stands.
#[test]
fn a_picture_is_classified_as_by_the_network_itself() {
    let (net, weights) = weights();
    let classifier = Classifier::new("w", &weights, Crop::Ten).unwrap();
    let (rgb, size) = (photo([50, 61]), Size { height: 50, width: 61 });
    let top = classifier.classify(&rgb, size, 5).unwrap();
    let input = weights.metadata().unwrap().input.clone().unwrap();
    let x = inputs(&input, Crop::Ten, &rgb, size).unwrap();
    let x = Tensor::<4>::from_data(TensorData::new(x, [10, 3, 32, 32]), &Device::flex());
    let scores = net.forward(&mut Eager::default(), &x).unwrap();
    let scores = scores.into_data().try_into_vec::<f32>().unwrap();
    let expected = probabilities(&scores, 5).unwrap();
    assert!((top.iter().map(|p| p.probability).sum::<f32>() - 1.0).abs() < 1e-5);
    for Prediction { index, probability, label } in &top {
        assert!((probability - expected[*index]).abs() < 1e-4);
        assert_eq!(label.label, index.to_string());
    }
    assert!(top.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
    assert_eq!(top, classifier.classify(&rgb, size, 5).unwrap(), "twice the same");
    let json = serde_json::to_value(&top[0]).unwrap();
    let members: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members.len(), 4);
    assert!(["index", "id", "label", "probability"].iter().all(|name| members.contains(name)));
}

/// What the metadata say of the input counts in the self-test: another order of colours, range or mean fails.
#[test]
fn a_wrong_input_fails_the_self_test() {
    let (_, weights) = weights();
    let entry = registry::find(crate::efficientnet::NAME).unwrap();
    let tested = entry.with_selftest(weights.clone()).unwrap();
    let test = tested.selftest().unwrap();
    assert_eq!((test.input.shape(), test.output.shape()), (&[32, 32, 3][..], &[1, 5, 1, 1][..]));
    assert!(entry.verify("w", &tested).unwrap().unwrap() <= test.tolerance / 10.0);
    let with = |change: fn(&mut Input)| {
        let mut metadata = tested.metadata().unwrap().clone();
        change(metadata.input.as_mut().unwrap());
        Weights::new(Some(metadata), tested.tensors().to_vec()).unwrap()
    };
    let wrong: [fn(&mut Input); 3] = [
        |input| input.order = Order::Bgr,
        |input| input.range = [0.0, 255.0],
        |input| input.mean = None,
    ];
    for change in wrong {
        let error = entry.verify("w.safetensors", &with(change)).unwrap_err().to_string();
        assert!(error.contains("w.safetensors: self-test failed"), "{error}");
    }
    let error = entry.verify("w.safetensors", &with(|input| input.order = Order::Gray));
    assert!(error.is_err());

    // Planes, as the network reads them, are an input as well.
    let input = weights.metadata().unwrap().input.clone().unwrap();
    let rgb: Vec<u8> = test.input.to_f32().unwrap().into_iter().map(|value| value as u8).collect();
    let planes = picture::planes(&input, &rgb);
    let planes = Weight::from_f32("planes", &[1, 3, 32, 32], &planes).unwrap();
    let scores = test.output.clone();
    let planes = weights.with_selftest(planes, scores, Some(test.tolerance)).unwrap();
    assert!(entry.verify("w", &planes).unwrap().is_some());
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let (_, weights) = weights();
    let metadata = weights.metadata().cloned();
    let others = weights.tensors().iter().filter(|t| t.name() != "stem.conv.weight");
    let without = Weights::new(metadata, others.cloned().collect()).unwrap();
    let error = Classifier::new("w.safetensors", &without, Crop::Center).unwrap_err().to_string();
    assert!(error.contains("w.safetensors") && error.contains("stem.conv.weight"), "{error}");
    let nameless = Weights::new(None, weights.tensors().to_vec()).unwrap();
    assert!(
        Classifier::new("w", &nameless, Crop::Center).unwrap_err().to_string().contains("convert")
    );
    let selfie = crate::selfie::built_in().unwrap();
    let error = Classifier::new("w", &selfie, Crop::Center).unwrap_err().to_string();
    assert!(error.contains("selfie") && error.contains("does not classify"), "{error}");
}

#[test]
fn names_are_those_of_the_weights_or_of_imagenet() {
    let own = ["cat".to_owned(), "n00000001 dog".to_owned()];
    assert_eq!(labels::labels(Some(&own), 2)[1].id.as_deref(), Some("n00000001"));
    assert_eq!(labels::labels(Some(&own), 3)[2].label, "2");
    let imagenet = labels::labels(None, 1000);
    // The synsets of the examples that many a package shows.
    for (class, id, word) in [
        (0, "n01440764", "tench"),
        (285, "n02124075", "Egyptian cat"),
        (665, "n03785016", "moped"),
        (967, "n07920052", "espresso"),
        (985, "n11939491", "daisy"),
        (999, "n15075141", "toilet tissue"),
    ] {
        assert_eq!(imagenet[class].id.as_deref(), Some(id));
        assert!(imagenet[class].label.starts_with(word));
    }
}
