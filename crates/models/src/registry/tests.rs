use std::collections::HashSet;

use upconv_weights::{Axes, Format, RenameTable, Rule, Tensor, Weights};

use super::*;

/// Tensors for every name of a table that the model needs, in the shapes that the source has.
fn source(table: &RenameTable, expected: &[Expected]) -> Source {
    let mut taken = HashSet::new();
    let mut make = |rule: &Rule| {
        let Rule::Take { from, to, axes } = rule else { return None };
        let shape = &expected.iter().find(|e| e.name == **to)?.shape;
        let shape = match (*axes, &shape[..]) {
            (Axes::HWIO_TO_OIHW, &[o, i, h, w]) => vec![h, w, i, o],
            (Axes::IO_TO_OIHW, &[o, i, h, w]) => vec![h * w * i, o],
            (Axes::Permute(_), &[o, i]) => vec![i, o],
            (_, shape) => shape.to_vec(),
        };
        // A mapped file would do; zeros that nobody reads cost little.
        let values = vec![0.0; shape.iter().product()];
        taken
            .insert(to.clone())
            .then(|| Tensor::from_f32(from.to_string(), &shape, &values).unwrap())
    };
    let tensors: Vec<Tensor> = table.rules.iter().filter_map(&mut make).collect();
    let weights = Weights::new(None, tensors).unwrap();
    let (file, format) = ("w".into(), Format::Npz);
    Source {
        file,
        format,
        files: Vec::new(),
        weights,
        graph: None,
        net: None,
        passed_over: Vec::new(),
    }
}

fn setting(conversion: &Conversion, name: &str) -> String {
    conversion.metadata.config[name].as_str().unwrap().to_owned()
}

#[test]
fn every_model_says_what_it_is() {
    let mut names = HashSet::new();
    for entry in &MODELS {
        assert!(names.insert(entry.name), "{} twice", entry.name);
        for text in [entry.system, entry.strengths, entry.weaknesses, entry.choose_instead] {
            assert!(!text.en.is_empty() && !text.zh.is_empty(), "{}", entry.name);
            assert!(!text.zh.is_ascii() && text.en.is_ascii(), "{}", entry.name);
        }
        let totals = entry.totals().unwrap();
        assert!(totals.parameters > 0 && totals.flops > 0, "{}", entry.name);
    }
    let parameters = |name: &str| find(name).unwrap().totals().unwrap().parameters;
    assert_eq!(parameters("resnet152"), 60_192_808);
    assert_eq!(parameters("vgg19-cvgj"), 143_667_246);
    assert_eq!(parameters("caffenet"), 60_965_224);
    assert_eq!(parameters("cifar-two-layer"), 369_970);
    // Section 4.2 of the paper has 0.27 million; the projections are 2,752 of them.
    assert_eq!(parameters("resnet20"), 272_474);
}

/// The names of a file say in which form its network was trained.
#[test]
fn resnets_take_the_form_of_the_file() {
    use crate::resnet::{
        Form, ResNet, ResNetConfig, caffe_names, open_nsfw_names, tensorflow_names, torch_names,
    };
    let expected = |config: &ResNetConfig| {
        stored::expected(&ResNet::new(config, &burn::tensor::Device::flex()).unwrap())
    };
    let config = ResNetConfig::resnet18();
    let of = expected(&config);
    let entry = find("resnet18").unwrap();
    for (table, form) in [
        (torch_names(&config), "torch"),
        (caffe_names(&config), "caffe"),
        (tensorflow_names(&config), "tf"),
    ] {
        let source = source(&table, &of);
        let conversion = entry.conversion(&source).unwrap();
        assert_eq!(setting(&conversion, "form"), form);
        let (tensors, balance) = conversion
            .table
            .apply(source.weights.tensors().to_vec(), &conversion.expected)
            .unwrap();
        assert!(balance.is_even(), "{form}");
        assert_eq!(tensors.len(), 102);
        let input = conversion.metadata.input.unwrap();
        assert_eq!(input.short_side, if form == "tf" { None } else { Some(256) });
        assert_eq!(
            candidates(&source).iter().map(|(e, _)| e.name).collect::<Vec<_>>(),
            ["resnet18"]
        );
    }
    // Without the biases that the usual form of Caffe's norms takes away.
    let half = ResNetConfig { bias: crate::resnet::Bias::None, ..ResNetConfig::resnet50_half() };
    let conversion = find("resnet50-half").unwrap();
    let conversion =
        conversion.conversion(&source(&open_nsfw_names(&half), &expected(&half))).unwrap();
    assert_eq!(setting(&conversion, "bias"), "none");
    assert_eq!(setting(&conversion, "form"), "caffe");
    assert_eq!(conversion.metadata.labels.unwrap().len(), 2);
    // With that of the authors' ResNet-50.
    let first = ResNetConfig { bias: crate::resnet::Bias::First, ..ResNetConfig::resnet18() }
        .with_form(Form::Caffe);
    let conversion = entry.conversion(&source(&caffe_names(&first), &expected(&first))).unwrap();
    assert_eq!(setting(&conversion, "bias"), "first");
}

#[test]
fn what_a_file_lacks_is_listed() {
    let entry = find("resnet18").unwrap();
    let config = crate::resnet::ResNetConfig::resnet18();
    let net = crate::resnet::ResNet::new(&config, &burn::tensor::Device::flex()).unwrap();
    let whole = source(&crate::resnet::caffe_names(&config), &stored::expected(&net));
    let all = whole.weights.tensors().iter().filter(|t| t.name() != "conv1/0");
    let cut = Weights::new(None, all.cloned().collect()).unwrap();
    let cut = Source { weights: cut, ..whole };
    let conversion = entry.conversion(&cut).unwrap();
    let balance = conversion.table.balance(cut.weights.tensors(), &conversion.expected).unwrap();
    assert_eq!(
        (setting(&conversion, "form"), balance.missing()),
        ("caffe".into(), vec!["conv1.weight".to_owned()])
    );
}

#[test]
fn small_classifiers_have_the_names_of_their_classes() {
    let entry = find("cifar-cnn").unwrap();
    let net = crate::cifar::Cnn::new(&Default::default(), &burn::tensor::Device::flex()).unwrap();
    let source = source(&crate::cifar::keras_names(), &stored::expected(&net));
    let conversion = entry.conversion(&source).unwrap();
    assert_eq!(conversion.metadata.labels.unwrap()[3], "cat");
    assert_eq!(conversion.metadata.input.unwrap().range, [0.0, 255.0]);
    assert_eq!(candidates(&source).len(), 1);
}
