//! The inference form of every model against its training form in evaluation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use upconv_models::dcgan::{Discriminator, DiscriminatorConfig, Generator, GeneratorConfig};
use upconv_models::fcn::{Crop, Fcn, FcnConfig, Form, Trunk};
use upconv_models::inference::{Model, StoredParameters, network};
use upconv_models::resnet::{ResNet, ResNetConfig};
use upconv_models::resnet_cifar::{ResNetCifar, ResNetCifarConfig};
use upconv_models::segnet::{SegNet, SegNetConfig};
use upconv_models::unet::{UNet, UNetConfig};
use upconv_models::upsampling::Upsampling;
use upconv_nn::inference::{NetworkOptions, Recorder};
use upconv_nn::parameters;
use upconv_nn::pass::{Eager, Pass};
use upconv_weights::{Tensor as Weight, Weights};

/// Values that look random, from -1 to 1.
fn noise(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Weights whose sums keep about the size of their inputs, and statistics that are none of the defaults.
fn drawn(name: &str, shape: &[usize], seed: u64) -> Vec<f32> {
    let length = shape.iter().product();
    let values = noise(length, seed);
    match name.rsplit('.').next() {
        Some("running_var" | "gamma") => values.into_iter().map(|v| 1.0 + 0.5 * v).collect(),
        Some("weight") => {
            let fan_in: usize = shape[1..].iter().product();
            let scale = (6.0 / fan_in as f32).sqrt();
            values.into_iter().map(|v| v * scale).collect()
        }
        _ => values.into_iter().map(|v| 0.1 * v).collect(),
    }
}

fn check<M: Model + Module>(net: M, shape: [usize; 4]) {
    let mut weights = Vec::new();
    let net = parameters::set(net, |name, shape| {
        let values = drawn(name, shape, weights.len() as u64 + 1);
        weights.push(Weight::from_f32(format!("net.{name}"), shape, &values).unwrap());
        Ok(values)
    })
    .unwrap();
    let weights = Weights::new(None, weights).unwrap();
    let x = noise(shape.iter().product(), 99);
    let tensor = Tensor::<4>::from_data(TensorData::new(x.clone(), shape), &Device::flex());
    let expected = net.forward(&mut Eager::default(), &tensor).unwrap();
    let expected = expected.into_data().try_into_vec::<f32>().unwrap();
    let scale = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    assert!(scale > 1e-3, "the network gives next to nothing: {scale}");

    let stored = StoredParameters { file: "test", weights: &weights, prefix: "net." };
    let options = NetworkOptions::default();
    let of_file = network(&net, stored, shape, &options).unwrap();
    let mut recorder = Recorder::new();
    let input = recorder.input(&shape).unwrap();
    let output = net.forward(&mut recorder, &input).unwrap();
    assert_eq!(
        recorder.shape(&output).to_vec(),
        of_file.output_shapes()[0],
        "the recorder follows shapes"
    );
    let of_layers = recorder.compile(&[output], &options).unwrap();
    for network in [of_file, of_layers] {
        let mut got = vec![f32::NAN; expected.len()];
        network.run(&[&x], &mut [&mut got]).unwrap();
        let worst = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0f32, f32::max);
        assert!(got.iter().all(|v| v.is_finite()) && worst <= 1e-5 * scale, "{worst} of {scale}");
    }
}

fn narrow_fcn() -> FcnConfig {
    let trunk = Trunk::Vgg { channels: [8, 12, 16, 20, 24], head: Some(32) };
    FcnConfig { classes: 5, trunk, ..Default::default() }
}

#[test]
fn fcn() {
    let make = |config: &FcnConfig| Fcn::new(config, &Device::flex()).unwrap();
    check(make(&narrow_fcn()), [1, 3, 64, 96]);
    check(make(&FcnConfig { finest: 16, ..narrow_fcn() }), [1, 3, 45, 38]);
    check(make(&FcnConfig { form: Form::Caffe, ..narrow_fcn() }), [1, 3, 33, 40]);
    let crop = Form::Same { crop: Crop::RightBottom };
    for upsample in [Upsampling::Transposed, Upsampling::Bilinear, Upsampling::Shuffle] {
        check(make(&FcnConfig { upsample, ..narrow_fcn() }), [2, 3, 37, 50]);
        check(make(&FcnConfig { upsample, form: crop, ..narrow_fcn() }), [1, 3, 37, 50]);
    }
    check(make(&FcnConfig::resnet18().with_width(0.125)), [1, 3, 50, 37]);
    check(make(&FcnConfig::kittiseg_resnet50().with_width(0.125)), [1, 3, 50, 37]);
    check(make(&FcnConfig::kittiseg_pool5().with_width(0.1)), [1, 3, 50, 37]);
}

#[test]
fn resnet() {
    let config =
        ResNetConfig { blocks: [2, 1, 2, 1], stem: 8, width: 8, classes: 10, ..Default::default() };
    check(ResNet::new(&config, &Device::flex()).unwrap(), [2, 3, 64, 64]);
}

#[test]
fn dcgan() {
    for kernel in [4, 5] {
        let config = GeneratorConfig { latent: 10, channels: [32, 24, 16, 8], colours: 3, kernel };
        check(Generator::new(&config, &Device::flex()).unwrap(), [3, 10, 1, 1]);
    }
}

#[test]
fn discriminator() {
    let config = DiscriminatorConfig { colours: 3, channels: [8, 12, 16, 20] };
    check(Discriminator::new(&config, &Device::flex()).unwrap(), [2, 3, 64, 64]);
}

#[test]
fn resnet_cifar() {
    let config = ResNetCifarConfig { blocks: 2, ..Default::default() };
    check(ResNetCifar::new(&config, &Device::flex()).unwrap(), [2, 3, 32, 32]);
}

#[test]
fn unet() {
    let config = UNetConfig { base: 6, ..Default::default() };
    check(UNet::new(&config, &Device::flex()).unwrap(), [1, 3, 32, 48]);
    check(UNet::new(&config, &Device::flex()).unwrap(), [2, 3, 16, 32]);
    for upsample in Upsampling::ALL {
        let config = UNetConfig { upsample, ..config.clone() };
        check(UNet::new(&config, &Device::flex()).unwrap(), [2, 3, 32, 48]);
    }
}

#[test]
fn segnet() {
    for upsample in Upsampling::ALL {
        let config = SegNetConfig { upsample, ..SegNetConfig::default().with_width(0.1) };
        check(SegNet::new(&config, &Device::flex()).unwrap(), [1, 3, 32, 96]);
        check(SegNet::new(&config, &Device::flex()).unwrap(), [2, 3, 64, 32]);
    }
}

/// Recording with parameters from elsewhere, or listing layers, draws none: they may be large.
#[test]
fn parameters_that_nobody_uses_are_not_drawn() {
    struct Drawn(usize);
    impl ModuleVisitor for Drawn {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 += usize::from(param.is_initialized());
        }
    }
    let net = Fcn::new(&narrow_fcn(), &Device::flex()).unwrap();
    let all = parameters::list(&net).into_iter();
    let all = all.map(|(name, shape)| Weight::from_f32(name, &shape, &drawn("weight", &shape, 1)));
    let weights = Weights::new(None, all.collect::<Result<_, _>>().unwrap()).unwrap();
    let stored = StoredParameters { file: "test", weights: &weights, prefix: "" };
    network(&net, stored, [1, 3, 32, 32], &NetworkOptions::default()).unwrap();
    upconv_models::describe(&net, [1, 3, 32, 32]).unwrap();
    let mut found = Drawn(0);
    net.visit(&mut found);
    assert_eq!(found.0, 0);
}

#[test]
fn wrong_sizes_and_wrong_weights_are_named() {
    let device = Device::flex();
    let net = UNet::new(&UNetConfig { base: 1, ..Default::default() }, &device).unwrap();
    let error =
        net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 16, 40], &device)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "unet32: input width is 40, but it must be a multiple of 16, at least 16"
    );
    let generator = GeneratorConfig { latent: 10, channels: [8, 6, 4, 2], ..Default::default() };
    let generator = Generator::new(&generator, &device).unwrap();
    let options = NetworkOptions::default();
    let error = upconv_models::inference::of(&generator, [1, 9, 1, 1], &options).unwrap_err();
    assert!(error.to_string().contains("[1, 10, 1, 1]"), "{error}");
    let compiled = |tensors: Vec<Weight>| {
        let weights = Weights::new(None, tensors).unwrap();
        let stored = StoredParameters { file: "w.safetensors", weights: &weights, prefix: "" };
        network(&net, stored, [1, 3, 16, 16], &NetworkOptions::default()).unwrap_err().to_string()
    };
    let error = compiled(Vec::new());
    assert!(error.ends_with("w.safetensors: down.0.conv1.weight is missing"), "{error}");
    let wrong = Weight::from_f32("down.0.conv1.weight", &[1, 3, 3], &[0.0; 9]).unwrap();
    let error = compiled(vec![wrong]);
    assert!(
        error.ends_with("down.0.conv1.weight has shape [1, 3, 3], not [1, 3, 3, 3]"),
        "{error}"
    );
    let all = parameters::list(&net).into_iter().map(|(name, shape)| {
        let mut values = drawn(&name, &shape, 1);
        if name == "up.1.weight" {
            values[2] = f32::NAN;
        }
        Weight::from_f32(name, &shape, &values).unwrap()
    });
    let error = compiled(all.collect());
    assert!(error.ends_with("w.safetensors: up.1.weight: value 2 is NaN"), "{error}");
}
