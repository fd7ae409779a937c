//! Layers as somebody uses them: sizes, names of parameters, training.
#![allow(clippy::unwrap_used)]

mod support;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use support::{read, tensor, values};
use upconv_geometry::Padding;
use upconv_nn::init::{self, Initializer};
use upconv_nn::layers::{
    BatchNorm, BatchNormConfig, Conv1dConfig, Conv2d, Conv2dConfig, Conv3dConfig, ConvTranspose2d,
    ConvTranspose2dConfig, ConvTranspose3dConfig, UpsampleConfig,
};
use upconv_nn::ops::Resample;

#[test]
fn tensorflow_same_keeps_its_odd_pixel_behind() {
    let device = Device::flex();
    let conv = Conv2dConfig::new([1, 1], [3, 3])
        .with_stride([2, 2])
        .with_padding(Padding::Same)
        .with_bias(false)
        .with_initializer(Initializer::Ones)
        .init(&device)
        .unwrap();
    // 5x5 -> 3x3 with one zero at both ends, so that a corner sees 2x2 of the ones.
    let ones = |h, w| Tensor::<4>::ones([1, 1, h, w], &device);
    assert_eq!(read(conv.forward(ones(5, 5))), [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
    // 4x4 -> 2x2 with zeros behind only: the first window is full.
    assert_eq!(read(conv.forward(ones(4, 4))), [9.0, 6.0, 6.0, 4.0]);
    let lower = Conv2d {
        setting: upconv_nn::layers::Setting { padding: Padding::SameLower, ..conv.setting.clone() },
        ..conv
    };
    assert_eq!(read(lower.forward(ones(4, 4))), [4.0, 6.0, 6.0, 9.0]);
}

#[test]
fn sizes_are_known_before_anything_is_computed() {
    let device = Device::flex();
    let up = ConvTranspose2dConfig::new([2, 4], [4, 3])
        .with_stride([2, 2])
        .with_padding(Padding::Pads(vec![(1, 1)]))
        .with_output_padding([0, 1])
        .with_groups(2)
        .init(&device)
        .unwrap();
    assert_eq!(up.output_size(&[5, 5]).unwrap(), [10, 10]);
    assert_eq!(up.weight.dims(), [2, 2, 4, 3]);
    let y = up.forward(Tensor::zeros([3, 2, 5, 5], &device));
    assert_eq!(y.dims(), [3, 4, 10, 10]);
    let volume = ConvTranspose3dConfig::new([1, 2], [2, 2, 2]).with_stride([2, 2, 2]);
    let volume = volume.init(&device).unwrap();
    assert_eq!(volume.forward(Tensor::zeros([1, 1, 2, 3, 4], &device)).dims(), [1, 2, 4, 6, 8]);
    let line = Conv1dConfig::new([2, 2], [3]).with_dilation([2]).init(&device).unwrap();
    assert_eq!(line.output_size(&[7]).unwrap(), [3]);
    let message = line.output_size(&[4]).unwrap_err().to_string();
    assert!(message.starts_with("axis 0: the output would have 0 cells"), "{message}");
    assert!(line.output_size(&[7, 7]).is_err());
    let solid = Conv3dConfig::new([1, 1], [1, 2, 3]).init(&device).unwrap();
    assert_eq!(solid.output_size(&[4, 4, 4]).unwrap(), [4, 3, 2]);
    let up = UpsampleConfig::size(&[3, 9], Resample::Nearest).init();
    assert_eq!(up.output_size(&[2, 2]).unwrap(), [3, 9]);
    assert!(up.output_size(&[2]).is_err());
}

#[test]
#[should_panic(expected = "axis 1: the output would have 0 cells")]
fn forward_panics_with_the_message_of_the_error() {
    let conv = Conv2dConfig::new([1, 1], [3, 3]).init(&Device::flex()).unwrap();
    let _ = conv.forward(Tensor::zeros([1, 1, 3, 2], &Device::flex()));
}

#[test]
fn wrong_settings_are_errors() {
    let device = Device::flex();
    let refused = |config: Conv2dConfig| config.init(&device).unwrap_err().to_string();
    let config = || Conv2dConfig::new([4, 6], [3, 3]);
    assert_eq!(refused(config().with_groups(0)), "groups 0 must be at least 1");
    assert!(refused(config().with_groups(3)).contains("groups 3 does not divide 4 channels"));
    assert!(refused(Conv2dConfig::new([1 << 30, 1 << 30], [3, 3])).contains("above the limit"));
    let zero = config().with_stride([0, 1]).init(&device).unwrap();
    assert!(zero.output_size(&[5, 5]).unwrap_err().to_string().contains("stride 0"));
    assert!(BatchNormConfig::new(0).init(&device).is_err());
    assert!(BatchNormConfig::new(1).with_epsilon(0.0).init(&device).is_err());
    assert!(BatchNormConfig::new(1).with_momentum(f64::NAN).init(&device).is_err());
}

#[test]
fn depthwise_keeps_channels_apart() {
    let device = Device::flex();
    let conv = Conv2dConfig::depthwise(2, [1, 1]).with_bias(false).init(&device).unwrap();
    assert_eq!(conv.weight.dims(), [2, 1, 1, 1]);
    let [a, b] = read(conv.weight.val())[..] else { panic!("two kernels") };
    let x = Tensor::<4>::from_floats([[[[1.0]], [[10.0]]]], &device);
    assert_eq!(read(conv.forward(x)), [a, 10.0 * b]);
}

#[test]
fn weights_begin_with_the_spread_of_pytorch() {
    let device = Device::flex();
    device.seed(7);
    // Fan-in is out / groups * taps = 3 * 16, so that the bound is 1 / sqrt(48).
    let up = ConvTranspose2dConfig::new([64, 6], [4, 4]).with_groups(2).init(&device).unwrap();
    let bound = 1.0 / 48f32.sqrt();
    for drawn in [read(up.weight.val()), read(up.bias.unwrap().val())] {
        let most = drawn.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        assert!(most <= bound && most > 0.5 * bound, "{most} against {bound}");
    }
    let xavier = Conv2dConfig::new([4, 8], [3, 3])
        .with_initializer(Initializer::XavierNormal { gain: 1.0 })
        .with_bias_initializer(Initializer::Zeros)
        .init(&device)
        .unwrap();
    assert!(read(xavier.weight.val()).iter().any(|&v| v != 0.0));
    assert!(init::bilinear([2, 3, 4, 4], &device).is_err());
    assert!(init::icnr([6, 1, 3, 3], 2, &init::usual(), &device).is_err());
}

/// A bilinear transposed convolution is the half-pixel upsampling, away from the border.
#[test]
fn bilinear_weights_upsample() {
    let device = Device::flex();
    let mut up = ConvTranspose2dConfig::new([2, 2], [4, 4])
        .with_stride([2, 2])
        .with_padding(Padding::Pads(vec![(1, 1)]))
        .with_bias(false)
        .init(&device)
        .unwrap();
    up.weight = Param::from_tensor(init::bilinear([2, 2, 4, 4], &device).unwrap());
    let x = tensor::<4>(&values(5, 50), &[1, 2, 5, 5], &device);
    let wanted = UpsampleConfig::factor(2, Resample::LinearHalfPixel).init().forward(x.clone());
    let inner = |y: Tensor<4>| read(y.slice([0..1, 0..2, 1..9, 1..9]));
    for (got, wanted) in inner(up.forward(x)).into_iter().zip(inner(wanted)) {
        assert!((got - wanted).abs() < 1e-6);
    }
}

#[derive(Module, Debug)]
struct Tiny {
    down: Conv2d,
    norm: BatchNorm,
    up: ConvTranspose2d,
}

impl Tiny {
    fn new(device: &Device) -> Self {
        let down = Conv2dConfig::new([1, 8], [3, 3])
            .with_stride([2, 2])
            .with_padding(Padding::Same)
            .init(device)
            .unwrap();
        let up = ConvTranspose2dConfig::new([8, 1], [4, 4])
            .with_stride([2, 2])
            .with_padding(Padding::Same)
            .init(device)
            .unwrap();
        Self { down, norm: BatchNormConfig::new(8).init(device).unwrap(), up }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.up.forward(burn::tensor::activation::relu(self.norm.forward(self.down.forward(x))))
    }
}

/// Collects the names of all float parameters, as records and stores see them.
#[derive(Default)]
struct Names {
    path: Vec<String>,
    found: Vec<String>,
}

impl ModuleVisitor for Names {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
        self.found.push(self.path.join("."));
    }
}

#[test]
fn parameters_have_the_names_of_burn() {
    let mut names = Names::default();
    Tiny::new(&Device::flex()).visit(&mut names);
    names.found.sort();
    let wanted = [
        "down.bias",
        "down.weight",
        "norm.beta",
        "norm.gamma",
        "norm.running_mean",
        "norm.running_var",
        "up.bias",
        "up.weight",
    ];
    assert_eq!(names.found, wanted);
}

#[test]
fn records_carry_all_parameters() {
    let device = Device::flex();
    let (one, other) = (Tiny::new(&device), Tiny::new(&device));
    let x = tensor::<4>(&values(1, 64), &[1, 1, 8, 8], &device);
    let wanted = read(one.forward(x.clone()));
    assert_ne!(read(other.forward(x.clone())), wanted);
    let other = other.load_record(one.into_record());
    assert_eq!(read(other.forward(x)), wanted);
}

#[test]
fn gradients_do_not_depend_on_checkpointing() {
    let begin = Tiny::new(&Device::flex());
    let run = |device: Device| {
        let net = Tiny::new(&device).load_record(begin.clone().into_record());
        let x = tensor::<4>(&values(1, 64), &[1, 1, 8, 8], &device);
        let grads = net.forward(x).powf_scalar(2.0).sum().backward();
        read(net.down.weight.val().grad(&grads).unwrap())
    };
    let kept = run(Device::flex().autodiff());
    assert_eq!(run(Device::flex().autodiff().gradient_checkpointing()), kept);
}

#[test]
fn adam_lowers_a_loss_through_all_layers() {
    let plain = Device::flex();
    plain.seed(3);
    let device = plain.clone().autodiff();
    let mut net = Tiny::new(&device);
    let mut optim = AdamConfig::new().init();
    let x = Tensor::<4>::random([4, 1, 8, 8], Distribution::Normal(0.0, 1.0), &device);
    let wanted = x.clone() * 0.5;
    let mut losses = Vec::new();
    for _ in 0..60 {
        let loss = (net.forward(x.clone()) - wanted.clone()).powf_scalar(2.0).mean();
        losses.push(loss.clone().into_scalar::<f32>());
        let grads = GradientsParams::from_grads(loss.backward(), &net);
        net = optim.step(0.02, net, grads);
    }
    assert!(losses[59] < 0.3 * losses[0], "from {} to {}", losses[0], losses[59]);
    // Running statistics have moved, and prediction uses them: the batch no longer matters.
    let net = net.valid();
    assert!(read(net.norm.running_mean.value()).iter().any(|&v| v != 0.0));
    let x = x.inner();
    let all = net.forward(x.clone());
    let one = net.forward(x.slice([0..1, 0..1, 0..8, 0..8]));
    for (alone, together) in read(one).into_iter().zip(read(all)) {
        assert!((alone - together).abs() < 1e-5);
    }
}

/// Caffe keeps a sum and what divides it: after batches whose means are 1 and 3, with a fraction of 0.9 kept, blob 0 is
/// 0.9 * 1 + 3 = 3.9 and blob 2 is 0.9 * 1 + 1 = 1.9. Here the sum is kept times the share of a batch, 1 - 0.9.
#[test]
fn running_means_are_caffes_sums_times_the_share() {
    let device = Device::flex().autodiff();
    let norm = BatchNormConfig::new(1).with_momentum(0.1).init(&device).unwrap();
    for mean in [1.0, 3.0] {
        norm.forward(Tensor::<2>::from_floats([[mean - 1.0], [mean + 1.0]], &device));
    }
    let running = f64::from(norm.running_mean.value().into_scalar::<f32>());
    assert!((running - 0.1 * 3.9).abs() < 1e-6, "{running}");
    assert!((running / (1.0 - 0.9 * 0.9) - 3.9 / 1.9).abs() < 1e-6, "{running}");
}

#[test]
fn batch_norm_normalises_the_batch_and_follows_it() {
    let device = Device::flex().autodiff();
    let norm = BatchNormConfig::new(1).with_momentum(0.25).init(&device).unwrap();
    let x = Tensor::<3>::from_floats([[[1.0, 3.0]], [[5.0, 7.0]]], &device);
    let y = read(norm.forward(x.clone()).inner());
    // Mean 4, variance (9 + 1 + 1 + 9) / 4 = 5.
    let wanted = [-3.0, -1.0, 1.0, 3.0].map(|v: f32| v / 5f32.sqrt());
    y.iter().zip(wanted).for_each(|(got, wanted)| assert!((got - wanted).abs() < 1e-5));
    let copy = BatchNormConfig::new(1).init(&Device::flex()).unwrap();
    let copy = copy.load_record(norm.clone().into_record());
    assert!((read(copy.running_mean.value())[0] - 1.0).abs() < 1e-5);
    let frozen = norm.freeze();
    assert!(!frozen.is_training(&device));
    // Running mean 0.75 * 0 + 0.25 * 4, running variance 0.75 * 1 + 0.25 * 5.
    let y = read(frozen.forward(x).inner());
    assert!((y[3] - (7.0 - 1.0) / 2f32.sqrt()).abs() < 1e-4);
    assert!((read(frozen.running_mean.value().inner())[0] - 1.0).abs() < 1e-5);
    assert!((read(frozen.running_var.value().inner())[0] - 2.0).abs() < 1e-5);
    let wrong = frozen.try_forward(Tensor::<3>::zeros([1, 2, 1], &device)).unwrap_err();
    assert_eq!(wrong.to_string(), "x has shape [1, 2, 1], but [1, 1, 1] is needed");
}
