use burn::tensor::{Device, Tensor, TensorData};
use upconv_nn::ops::{Resample, resample};
use upconv_nn::parameters;
use upconv_nn::pass::Eager;
use upconv_weights::{Tensor as Weight, Weights};

use super::*;
use crate::description::output_shape;
use crate::initial::draw;
use crate::upsampling::Upsampling;

fn count(config: &FcnConfig) -> usize {
    let net = Fcn::new(config, &Device::flex()).unwrap();
    let trained = |name: &str| !name.contains("running_");
    let all = parameters::list(&net);
    all.iter().filter(|(name, _)| trained(name)).map(|(_, s)| s.iter().product::<usize>()).sum()
}

#[test]
fn parameters_are_as_many_as_published() {
    assert_eq!(count(&FcnConfig::kittiseg()), 134_271_430);
    assert_eq!(count(&FcnConfig::kittiseg_pool5()), 14_718_406);
    assert_eq!(count(&FcnConfig::kittiseg_resnet50()), 23_516_358);
    assert_eq!(count(&FcnConfig::kittiseg_resnet101()), 42_508_486);
    // torchvision's ResNet-18 has 11,689,512 with its 513,000 of the classifier; scores of 512, 256 and 128 channels to
    // 2 classes have 1026 + 514 + 258, the up-samplings 1152.
    assert_eq!(count(&FcnConfig::resnet18()), 11_689_512 - 513_000 + 1026 + 514 + 258 + 1152);
    let small = FcnConfig::small();
    let Trunk::Vgg { channels: [a, b, c, d, e], head: Some(head) } = small.trunk else {
        panic!("small is a vgg with a head")
    };
    let convs = [(3, a), (a, a), (a, b), (b, b), (b, c), (c, c), (c, c), (c, d), (d, d), (d, d)];
    let convs = convs.into_iter().chain([(d, e), (e, e), (e, e)]);
    let convs: usize = convs.map(|(from, to)| (9 * from + 1) * to).sum();
    let fc = (49 * e + 1) * head + (head + 1) * head;
    let scores = 2 * (head + 1 + d + 1 + c + 1);
    assert_eq!(count(&small), convs + fc + scores + 1152);
    assert_eq!(count(&small), 2_594_518);
}

/// The names that weight files have.
#[test]
fn names() {
    let list = |config: &FcnConfig| -> Vec<String> {
        let net = Fcn::new(config, &Device::flex()).unwrap();
        parameters::list(&net).into_iter().map(|(name, _)| name).collect()
    };
    let names = list(&FcnConfig::default());
    assert_eq!(names.len(), 2 * 13 + 2 * 2 + 2 * 3 + 3);
    assert_eq!(names[..3], ["block1.0.weight", "block1.0.bias", "block1.1.weight"]);
    assert_eq!(names[24..28], ["block5.2.weight", "block5.2.bias", "fc6.weight", "fc6.bias"]);
    assert_eq!(names[36..], ["up2.weight", "up4.weight", "up8.weight"]);
    let names = list(&FcnConfig { finest: 32, ..FcnConfig::default() });
    assert_eq!(names[30..], ["score.weight", "score.bias", "up32.weight"]);
    let names = list(&FcnConfig::resnet18());
    assert_eq!(names[..2], ["block1.0.conv.weight", "block1.0.bn.gamma"]);
    assert!(names.contains(&"block2.1.conv1.weight".into()));
}

/// What a layer makes of `x`, `[1, 2, h, w]`, when it goes to `output`.
fn up(how: Upsampling, factor: usize, x: &Tensor<4>, output: [usize; 2], crop: Crop) -> Tensor<4> {
    #[derive(Module, Debug)]
    struct One {
        up2: Option<Up>,
        up8: Option<Up>,
    }
    let config = FcnConfig { upsample: how, ..FcnConfig::kittiseg() };
    let layer = Up::new(&config, factor, &Device::flex()).unwrap();
    let one = match factor {
        2 => One { up2: Some(layer), up8: None },
        _ => One { up2: None, up8: Some(layer) },
    };
    let one = draw(one, 0, initial).unwrap();
    let layer = one.up2.or(one.up8).unwrap();
    layer.to(&mut Eager::default(), x, output, crop).unwrap()
}

fn wave(shape: [usize; 4]) -> Tensor<4> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|at| (at as f32 * 1.7).sin()).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// At first every layer interpolates: where the sizes are whole multiples, and moved by half of the cut where they are
/// not. Within half a stride of the border there are zeros beyond the map, which a resize does not have.
#[test]
fn layers_begin_as_bilinear_interpolation() {
    for (factor, output) in
        [(2, [10, 14]), (8, [40, 56]), (2, [9, 13]), (8, [35, 50]), (8, [33, 51])]
    {
        let small = output.map(|size: usize| size.div_ceil(factor));
        let x = wave([1, 2, small[0], small[1]]);
        let large = small.map(|size| size * factor);
        let resized = resample(x.clone(), &large, Resample::LinearHalfPixel).unwrap();
        for how in [Upsampling::Transposed, Upsampling::Bilinear, Upsampling::Shuffle] {
            for crop in [Crop::Centred, Crop::RightBottom] {
                let y = up(how, factor, &x, output, crop);
                assert_eq!(y.dims(), [1, 2, output[0], output[1]]);
                let move_by = match crop {
                    Crop::Centred => [0, 1].map(|axis| (large[axis] - output[axis]) / 2),
                    Crop::RightBottom => [0, 0],
                };
                // The part of the whole that is half a stride from its borders, in cells of the output.
                let border = factor / 2;
                let from = move_by.map(|by| border.saturating_sub(by));
                let to = [0, 1].map(|a| output[a].min(large[a] - border - move_by[a]));
                let part = |t: Tensor<4>, by: [usize; 2]| {
                    let [rows, columns] = [0, 1].map(|a| from[a] + by[a]..to[a] + by[a]);
                    t.slice([0..1, 0..2, rows, columns])
                };
                let difference = part(y, [0, 0]) - part(resized.clone(), move_by);
                let worst = difference.abs().max().into_scalar::<f32>();
                assert!(worst < 1e-5, "{how:?} {factor} {output:?} {crop:?}: {worst}");
            }
        }
    }
    // Beyond the border are zeros: 3/4 of a constant at factor 2, 9/16 at factor 8.
    let ones = Tensor::ones([1, 2, 3, 3], &Device::flex());
    for (factor, edge) in [(2, 0.75f32), (8, 0.5625)] {
        let y = up(Upsampling::Transposed, factor, &ones, [3 * factor; 2], Crop::Centred);
        let corner = y.clone().slice([0..1, 0..1, 0..1, 0..1]).into_scalar::<f32>();
        assert!((corner - edge * edge).abs() < 1e-6, "{corner}");
        let middle = y.slice([0..1, 0..1, 0..1, factor..factor + 1]).into_scalar::<f32>();
        assert!((middle - edge).abs() < 1e-6, "{middle}");
    }
}

/// By the layers' own rules. Axes do not know of each other, so that all pairs are tried on one network only.
#[test]
fn scores_have_the_size_of_the_picture() {
    let thin = |config: FcnConfig| config.with_width(0.0);
    let caffe = |finest| thin(FcnConfig { form: Form::Caffe, finest, ..FcnConfig::kittiseg() });
    let same = |crop, upsample, finest| {
        let form = Form::Same { crop };
        thin(FcnConfig { form, upsample, finest, ..FcnConfig::kittiseg() })
    };
    let mut configs = vec![
        thin(FcnConfig::kittiseg_pool5()),
        thin(FcnConfig::kittiseg_resnet50()),
        thin(FcnConfig::resnet18()),
    ];
    for finest in [8, 16, 32] {
        configs.push(caffe(finest));
        for how in [Upsampling::Transposed, Upsampling::Bilinear, Upsampling::Shuffle] {
            configs.extend([Crop::Centred, Crop::RightBottom].map(|crop| same(crop, how, finest)));
        }
    }
    for config in configs {
        let net = Fcn::new(&config, &Device::flex()).unwrap();
        let check = |h: usize, w: usize| {
            assert_eq!(output_shape(&net, [1, 3, h, w]).unwrap(), [1, 2, h, w], "{config:?}");
        };
        (33..=400).for_each(|size| check(size, size));
        let every = if config == thin(FcnConfig::kittiseg()) { 1 } else { 23 };
        let sizes = || (33..=400).step_by(every);
        sizes().for_each(|h| sizes().for_each(|w| check(h, w)));
        check(375, 1242);
        (1..33).for_each(|size| check(size, 33 - size));
    }
}

#[test]
fn pictures_of_any_size_run() {
    let config = FcnConfig::small().with_width(0.1);
    let net = draw(Fcn::new(&config, &Device::flex()).unwrap(), 1, initial).unwrap();
    let mut random = 1u64;
    let mut size = || {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        33 + (random >> 40) as usize % 168
    };
    for _ in 0..40 {
        let (h, w) = (size(), size());
        let y = net.forward(&mut Eager::default(), &wave([1, 3, h, w])).unwrap();
        assert_eq!(y.dims(), [1, 2, h, w]);
        let sum = y.abs().sum().into_scalar::<f32>();
        assert!(sum.is_finite() && sum > 0.0);
    }
}

#[test]
fn what_makes_no_network_is_named() {
    let refused =
        |config: FcnConfig| Fcn::new(&config, &Device::flex()).map(|_| ()).unwrap_err().to_string();
    let unpool = FcnConfig { upsample: Upsampling::Unpool, ..Default::default() };
    let error = refused(unpool);
    assert!(error.starts_with("fcn8s: upsample: unpool") && error.contains("segnet or unet"));
    let error = refused(FcnConfig { finest: 4, ..Default::default() });
    assert_eq!(error, "fcn8s: finest: 4 must be 8, 16 or 32");
    let caffe = FcnConfig { form: Form::Caffe, ..FcnConfig::kittiseg_resnet50() };
    assert!(refused(caffe).contains("caffe goes with vgg"));
    assert!(refused(FcnConfig { dropout: 1.0, ..Default::default() }).contains("dropout: 1 must"));
    let trunk = Trunk::Basic { blocks: [1; 4], width: usize::MAX };
    assert!(refused(FcnConfig { trunk, ..Default::default() }).contains("limit"));
    let trunk = Trunk::Vgg { channels: [1, 1, 0, 1, 1], head: None };
    let error = refused(FcnConfig { trunk, ..Default::default() });
    assert_eq!(error, "fcn8s: trunk: 0 channels must be at least 1");
    assert!(refused(FcnConfig { classes: 0, ..Default::default() }).contains("classes: 0 must"));
}

/// Weights in the form of `vgg16.npy`, narrow, with values that say where they stood.
fn vgg(config: &FcnConfig) -> Weights {
    let Trunk::Vgg { channels, head: Some(head) } = config.trunk else { panic!("it has a head") };
    let value = |at: usize| ((at % 1013) as f32 - 500.0) / 512.0;
    let mut tensors = Vec::new();
    let mut add = |name: &str, weight: &[usize]| {
        let all =
            |shape: &[usize]| -> Vec<f32> { (0..shape.iter().product()).map(value).collect() };
        let weights = Weight::from_f32(format!("{name}/0"), weight, &all(weight));
        let out = [weight[weight.len() - 1]];
        let biases = Weight::from_f32(format!("{name}/1"), &out, &all(&out));
        tensors.extend([weights.unwrap(), biases.unwrap()]);
    };
    let mut from = 3;
    for (block, to) in channels.into_iter().enumerate() {
        for conv in 0..[2, 2, 3, 3, 3][block] {
            add(&format!("conv{}_{}", block + 1, conv + 1), &[3, 3, from, to]);
            from = to;
        }
    }
    add("fc6", &[49 * from, head]);
    add("fc7", &[head, head]);
    add("fc8", &[head, 10]);
    Weights::new(None, tensors).unwrap()
}

#[test]
fn weights_of_vgg_become_the_trunk() {
    let config = FcnConfig {
        trunk: Trunk::Vgg { channels: [2, 3, 4, 5, 6], head: Some(7) },
        ..FcnConfig::kittiseg()
    };
    let net = draw(Fcn::new(&config, &Device::flex()).unwrap(), 1, initial).unwrap();
    let before = parameters::get(&net).unwrap();
    let net = load_vgg(net, &config, "vgg16.npy", &vgg(&config)).unwrap();
    let after = parameters::get(&net).unwrap();
    let value = |at: usize| ((at % 1013) as f32 - 500.0) / 512.0;
    let find = |name: &str| after.iter().find(|p| p.name == name).unwrap();
    // [kh, kw, in, out] of conv2_1 is [3, 3, 2, 3]; ours [out 1, in 0, row 2, column 1].
    let own = find("block2.0.weight");
    assert_eq!(own.shape, [3, 2, 3, 3]);
    assert_eq!(own.values[(2 * 3 + 2) * 3 + 1], value(((2 * 3 + 1) * 2) * 3 + 1));
    assert_eq!(find("block5.2.bias").values[5], value(5));
    // Row (y 3, x 5, channel 4) of the matrix, column 6.
    let own = find("fc6.weight");
    assert_eq!(own.shape, [7, 6, 7, 7]);
    assert_eq!(own.values[((6 * 6 + 4) * 7 + 3) * 7 + 5], value(((3 * 7 + 5) * 6 + 4) * 7 + 6));
    assert_eq!(find("fc7.weight").values[2 * 7 + 3], value(3 * 7 + 2));
    for (before, after) in before.iter().zip(&after).filter(|(p, _)| p.name.starts_with(['s', 'u']))
    {
        assert_eq!(before, after);
    }

    let without = FcnConfig {
        trunk: Trunk::Vgg { channels: [2, 3, 4, 5, 6], head: None },
        ..FcnConfig::kittiseg()
    };
    let net = Fcn::new(&without, &Device::flex()).unwrap();
    assert!(load_vgg(net, &without, "vgg16.npy", &vgg(&config)).is_ok());
    let net = Fcn::new(&FcnConfig::small(), &Device::flex()).unwrap();
    let error = load_vgg(net, &FcnConfig::small(), "vgg16.npy", &vgg(&config)).unwrap_err();
    assert!(error.to_string().contains("block"), "{error}");
    let resnet = FcnConfig::resnet18();
    let net = Fcn::new(&resnet, &Device::flex()).unwrap();
    assert!(load_vgg(net, &resnet, "vgg16.npy", &vgg(&config)).is_err());
}

/// A file says how the network was made, and which input it takes.
#[test]
fn weights_are_stored_and_read() {
    let config = FcnConfig::small().with_width(0.1);
    let net = draw(Fcn::new(&config, &Device::flex()).unwrap(), 5, initial).unwrap();
    let tensors = parameters::get(&net).unwrap().into_iter();
    let tensors = tensors.map(|p| Weight::from_f32(p.name, &p.shape, &p.values).unwrap());
    let input = crate::picture::caffe([320, 960]);
    let metadata = crate::stored::metadata(KITTISEG, &config, Some(input.clone()));
    let weights = Weights::new(Some(metadata), tensors.collect()).unwrap();
    let read: FcnConfig = crate::stored::settings(KITTISEG, "w", &weights).unwrap();
    assert_eq!(read, config);
    assert_eq!(weights.metadata().unwrap().input, Some(input));
    let again = Fcn::new(&read, &Device::flex()).unwrap();
    let again = crate::stored::filled(again, "w", &weights).unwrap();
    assert_eq!(parameters::get(&again).unwrap(), parameters::get(&net).unwrap());
    let error = crate::stored::settings::<FcnConfig>(NAME, "w", &weights).unwrap_err();
    assert_eq!(error.to_string(), r#"w: these weights are for model "kittiseg", not for "fcn8s""#);
}
