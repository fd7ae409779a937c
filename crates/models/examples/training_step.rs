//! Times training steps: ResNet-20 on 64 pictures of 32x32, DCGAN (both its networks) on 16 of 64x64, FCN-8s, small and on
//! all of VGG-16, on one picture of KITTI's 375x1242.
//!
//! Reads lines `{"net": "resnet20", "steps": 5}` and answers each with `{"ms": [..]}`, one number a step; the network is
//! kept from line to line. `bench/training_steps.py` asks this program and PyTorch in turn.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use serde::Deserialize;
use upconv_models::dcgan::{Discriminator, Generator};
use upconv_models::fcn::{self, Crop, Fcn, FcnConfig, Form};
use upconv_models::inference::Model;
use upconv_models::initial::draw;
use upconv_models::resnet_cifar::ResNetCifar;
use upconv_nn::ops;
use upconv_nn::pass::Eager;

type Fallible<T> = Result<T, Box<dyn Error>>;

#[derive(Deserialize)]
struct Request {
    net: String,
    steps: usize,
}

/// Something that is trained, with its data.
trait Trained {
    fn step(&mut self) -> Fallible<()>;
}

fn main() -> Fallible<()> {
    upconv_nn::memory::keep_freed();
    let mut ready: Option<(String, Box<dyn Trained>)> = None;
    for line in std::io::stdin().lock().lines() {
        let Request { net, steps } = serde_json::from_str(&line?)?;
        let mut trained = match ready.take() {
            Some((last, trained)) if last == net => trained,
            _ => make(&net)?,
        };
        let mut ms = Vec::new();
        for _ in 0..steps {
            let start = Instant::now();
            trained.step()?;
            ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
        writeln!(std::io::stdout(), "{}", serde_json::json!({ "ms": ms }))?;
        std::io::stdout().flush()?;
        ready = Some((net, trained));
    }
    Ok(())
}

fn make(net: &str) -> Fallible<Box<dyn Trained>> {
    match net {
        "resnet20" => Ok(Box::new(Classifier::new()?)),
        "dcgan" => Ok(Box::new(Adversaries::new()?)),
        "fcn8s_small" => Ok(Box::new(Pixels::new(&FcnConfig::small())?)),
        "fcn8s_vgg" => Ok(Box::new(Pixels::new(&FcnConfig::kittiseg())?)),
        other => {
            Err(format!("{other}: known are resnet20, dcgan, fcn8s_small and fcn8s_vgg").into())
        }
    }
}

fn device() -> Device {
    Device::flex().autodiff()
}

struct Classifier {
    net: ResNetCifar,
    optimiser: ModuleOptimizer,
    images: Tensor<4>,
    labels: Tensor<4, Int>,
}

impl Classifier {
    fn new() -> Fallible<Self> {
        let device = device();
        let labels: Vec<i32> = (0..64).map(|n| n % 10).collect();
        let momentum = MomentumConfig::new().with_momentum(0.9);
        Ok(Self {
            net: ResNetCifar::new(&Default::default(), &device)?,
            optimiser: SgdConfig::new().with_momentum(Some(momentum)).init(),
            images: Tensor::random([64, 3, 32, 32], Distribution::Normal(0.0, 1.0), &device),
            labels: Tensor::<1, Int>::from_ints(&labels[..], &device).reshape([64, 1, 1, 1]),
        })
    }
}

impl Trained for Classifier {
    fn step(&mut self) -> Fallible<()> {
        let scores = self.net.forward(&mut Eager::default(), &self.images)?;
        let log = ops::log_softmax(scores)?;
        let loss = log.gather(1, self.labels.clone()).mean().neg();
        self.net = descend(&mut self.optimiser, self.net.clone(), loss, 0.1);
        Ok(())
    }
}

/// Two classes for every pixel of one picture.
struct Pixels {
    net: Fcn,
    optimiser: ModuleOptimizer,
    image: Tensor<4>,
    labels: Tensor<4, Int>,
    step: u64,
}

impl Pixels {
    fn new(config: &FcnConfig) -> Fallible<Self> {
        let device = device();
        let form = Form::Same { crop: Crop::RightBottom };
        let config = FcnConfig { form, ..config.clone() };
        let labels: Vec<i32> = (0..375 * 1242).map(|at| i32::from(at % 1242 > 621)).collect();
        Ok(Self {
            net: draw(Fcn::new(&config, &device)?, 1, fcn::initial)?,
            optimiser: AdamConfig::new().init(),
            image: Tensor::random([1, 3, 375, 1242], Distribution::Normal(0.0, 1.0), &device),
            labels: Tensor::<1, Int>::from_ints(&labels[..], &device).reshape([1, 1, 375, 1242]),
            step: 0,
        })
    }
}

impl Trained for Pixels {
    fn step(&mut self) -> Fallible<()> {
        self.step += 1;
        let scores = self.net.forward(&mut Eager::training(self.step), &self.image)?;
        let log = ops::log_softmax(scores)?;
        let loss = log.gather(1, self.labels.clone()).mean().neg();
        self.net = descend(&mut self.optimiser, self.net.clone(), loss, 1e-5);
        Ok(())
    }
}

/// One step of the discriminator, and one of the generator.
struct Adversaries {
    generator: Generator,
    discriminator: Discriminator,
    optimisers: [ModuleOptimizer; 2],
    real: Tensor<4>,
    latent: Tensor<4>,
}

impl Adversaries {
    fn new() -> Fallible<Self> {
        let device = device();
        let adam = || AdamConfig::new().with_beta_1(0.5).init();
        let normal = Distribution::Normal(0.0, 1.0);
        Ok(Self {
            generator: Generator::new(&Default::default(), &device)?,
            discriminator: Discriminator::new(&Default::default(), &device)?,
            optimisers: [adam(), adam()],
            real: Tensor::random([16, 3, 64, 64], Distribution::Uniform(-1.0, 1.0), &device),
            latent: Tensor::random([16, 100, 1, 1], normal, &device),
        })
    }
}

/// `mean(log(1 + e^s))`, stable for large scores: the cross-entropy of scores that should be low.
fn softplus(scores: Tensor<4>) -> Tensor<1> {
    let above = scores.clone().clamp_min(0.0);
    (above + (scores.abs().neg().exp() + 1.0).log()).mean()
}

impl Trained for Adversaries {
    fn step(&mut self) -> Fallible<()> {
        let fake = self.generator.forward(&mut Eager::default(), &self.latent)?;
        let score = |net: &Discriminator, x: &Tensor<4>| net.forward(&mut Eager::default(), x);
        let of_real = score(&self.discriminator, &self.real)?;
        let of_fake = score(&self.discriminator, &fake.clone().detach())?;
        let loss = softplus(of_real.neg()) + softplus(of_fake);
        let [optimiser, _] = &mut self.optimisers;
        self.discriminator = descend(optimiser, self.discriminator.clone(), loss, 2e-4);

        // Its own gradients are not wanted here.
        let judge = self.discriminator.clone().map(&mut WithoutGradients);
        let of_fake = score(&judge, &fake)?;
        let loss = softplus(of_fake.neg());
        let [_, optimiser] = &mut self.optimisers;
        self.generator = descend(optimiser, self.generator.clone(), loss, 2e-4);
        Ok(())
    }
}

/// Parameters that are used and not learnt. Batch norm goes on as in training, unlike in a frozen module.
struct WithoutGradients;

impl ModuleMapper for WithoutGradients {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.set_require_grad(false)
    }
}

fn descend<M: Module>(optimiser: &mut ModuleOptimizer, net: M, loss: Tensor<1>, rate: f64) -> M {
    let gradients = GradientsParams::from_grads(loss.backward(), &net);
    optimiser.step(rate, net, gradients)
}
