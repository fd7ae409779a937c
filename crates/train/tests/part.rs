//! Steps of one network against numbers by hand and formulas of the papers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use upconv_train::part::{Part, PartSettings, norm};

/// Three weights and a bias, whose gradients the loss states.
#[derive(Module, Debug)]
struct Net {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
}

fn part(settings: &str) -> Part<Net> {
    let device = Device::flex().autodiff();
    let param = |values: &[f32]| Param::from_tensor(Tensor::from_floats(values, &device));
    let net = Net { weight: param(&[1.0, 2.0, -4.0]), bias: param(&[8.0]) };
    let settings: PartSettings = toml::from_str(settings).unwrap();
    Part::new("", net, &settings, 100).unwrap()
}

/// A loss with these gradients.
fn loss(net: &Net, weight: [f32; 3], bias: f32) -> Tensor<1> {
    let device = Device::flex().autodiff();
    let weight = net.weight.val() * Tensor::from_floats(weight, &device);
    weight.sum() + (net.bias.val() * bias).sum()
}

fn values(net: &Net) -> Vec<f32> {
    let all = [net.weight.val(), net.bias.val()];
    all.into_iter().flat_map(|t| t.into_data().try_to_vec::<f32>().unwrap()).collect()
}

fn after(settings: &str, steps: &[([f32; 3], f32)]) -> Vec<f32> {
    let mut part = part(settings);
    for (weight, bias) in steps {
        part.descend(loss(part.module(), *weight, *bias)).unwrap();
    }
    values(part.module())
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let bound = 2e-6 * expected.abs().max(1.0);
        assert!((f64::from(*found) - expected).abs() <= bound, "{found} and {expected}");
    }
}

const STEP: ([f32; 3], f32) = ([3.0, 0.0, 4.0], 12.0);

#[test]
fn plain_descent_and_its_report() {
    let mut part = part("rate = 0.5\noptimiser = { kind = 'sgd' }");
    let descent = part.descend(loss(part.module(), STEP.0, STEP.1)).unwrap();
    // 3 - 16 + 96
    assert_eq!((descent.loss, descent.rate, descent.gradient_norm), (83.0, 0.5, None));
    assert_eq!(values(part.module()), [-0.5, 2.0, -6.0, 2.0]);
}

#[test]
fn the_norm_of_all_gradients_together_is_clipped() {
    // sqrt(9 + 16 + 144) = 13: all are scaled by 6.5 / 13, not every tensor by itself.
    let settings = "rate = 1.0\noptimiser = { kind = 'sgd' }\nclip = { norm = 6.5 }";
    assert_eq!(after(settings, &[STEP]), [-0.5, 2.0, -6.0, 2.0]);
    let mut small = part(settings);
    let descent = small.descend(loss(small.module(), [3.0, 0.0, 4.0], 0.0)).unwrap();
    assert_eq!(descent.gradient_norm, Some(5.0));
    assert_eq!(values(small.module()), [-2.0, 2.0, -8.0, 8.0], "a small one stays");
    let gradients = loss(small.module(), STEP.0, STEP.1).backward();
    let gradients = GradientsParams::from_grads(gradients, small.module());
    assert_eq!(norm(small.module(), &gradients), 13.0);

    let settings = "rate = 1.0\noptimiser = { kind = 'sgd' }\nclip = { value = 3.5 }";
    assert_eq!(after(settings, &[STEP]), [-2.0, 2.0, -7.5, 4.5]);
}

#[test]
fn decay_by_groups() {
    let all = "rate = 0.5\noptimiser = { kind = 'sgd', weight_decay = 0.5 }";
    // w - rate * (gradient + decay * w)
    assert_eq!(after(all, &[([0.0; 3], 0.0)]), [0.75, 1.5, -3.0, 6.0]);
    let groups = format!("{all}\ngroups = [{{ parameters = ['bias'], weight_decay = 0.0 }}]");
    assert_eq!(after(&groups, &[([0.0; 3], 0.0)]), [0.75, 1.5, -3.0, 8.0]);
    let rates = "rate = 0.5\noptimiser = { kind = 'sgd' }\n\
        groups = [{ parameters = ['*'], rate_factor = 0.5 }, { parameters = ['bias'], rate_factor = 0 }]";
    assert_eq!(after(rates, &[STEP]), [0.25, 2.0, -5.0, 8.0]);
}

#[test]
fn momentum_as_pytorch_has_it() {
    // Velocity 4, then 0.5 * 4 + 2 = 4; Nesterov steps by gradient + 0.5 * velocity.
    let steps = [([4.0, 0.0, 0.0], 0.0), ([2.0, 0.0, 0.0], 0.0)];
    let plain = "rate = 0.25\noptimiser = { kind = 'sgd', momentum = 0.5 }";
    assert_eq!(after(plain, &steps), [1.0 - 1.0 - 1.0, 2.0, -4.0, 8.0]);
    let nesterov = "rate = 0.25\noptimiser = { kind = 'sgd', momentum = 0.5, nesterov = true }";
    assert_eq!(after(nesterov, &steps), [1.0 - 1.5 - 1.0, 2.0, -4.0, 8.0]);
}

/// Kingma and Ba (2015), algorithm 1, in double precision.
fn adam(mut w: f64, gradients: &[f64], rate: f64, decay: f64) -> f64 {
    let (mut m, mut v) = (0.0, 0.0);
    for (t, g) in gradients.iter().enumerate() {
        let power = t as i32 + 1;
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        let (m, v) = (m / (1.0 - 0.9f64.powi(power)), v / (1.0 - 0.999f64.powi(power)));
        // Loshchilov and Hutter (2019), algorithm 2: the decay is not in the gradient.
        w -= rate * (m / (v.sqrt() + 1e-8) + decay * w);
    }
    w
}

#[test]
fn adam_and_adamw_as_their_papers_have_it() {
    let steps = [([1.0, -2.0, 0.5], 3.0), ([0.5, 1.0, 0.25], -1.0), ([1.0, 1.0, 1.0], 1.0)];
    let start = [1.0, 2.0, -4.0, 8.0];
    let expected = |decay: f64| -> Vec<f64> {
        let of = |i: usize| {
            let all = steps.map(|(w, b)| f64::from(if i < 3 { w[i] } else { b }));
            adam(start[i], &all, 0.1, decay)
        };
        (0..4).map(of).collect()
    };
    assert_close(&after("rate = 0.1\noptimiser = { kind = 'adam' }", &steps), &expected(0.0));
    let adamw = "rate = 0.1\noptimiser = { kind = 'adamw', weight_decay = 0.02 }";
    assert_close(&after(adamw, &steps), &expected(0.02));
}

#[test]
fn the_other_optimisers_as_their_papers_have_it() {
    let step = ([2.0, -2.0, 0.0], 0.0);
    // RMSprop: v = 0.01 * 4; 2 / 0.2 = 10.
    let rmsprop = after("rate = 0.1\noptimiser = { kind = 'rmsprop' }", &[step]);
    assert_close(&rmsprop, &[0.0, 3.0, -4.0, 8.0]);
    // Adagrad: 2 / sqrt(4), then 2 / sqrt(8).
    let adagrad = after("rate = 0.1\noptimiser = { kind = 'adagrad' }", &[step, step]);
    let moved = 0.1 * (1.0 + 0.5f64.sqrt());
    assert_close(&adagrad, &[1.0 - moved, 2.0 + moved, -4.0, 8.0]);
    // Lion: the sign alone.
    let lion = after("rate = 0.1\noptimiser = { kind = 'lion' }", &[step]);
    assert_close(&lion, &[0.9, 2.1, -4.0, 8.0]);
    // LAMB: the step has the length of the parameter: |w| = sqrt(21), update (1, -1, 0).
    let lamb = after("rate = 0.1\noptimiser = { kind = 'lamb' }", &[step]);
    let moved = 0.1 * 21.0f64.sqrt() / 2.0f64.sqrt();
    assert_close(&lamb, &[1.0 - moved, 2.0 + moved, -4.0, 8.0]);
}

#[test]
fn the_average_follows() {
    let mut part = part("rate = 1.0\noptimiser = { kind = 'sgd' }\naverage = 0.5");
    assert_eq!(values(&part.for_use()), [1.0, 2.0, -4.0, 8.0]);
    part.descend(loss(part.module(), [2.0, 0.0, 0.0], 4.0)).unwrap();
    assert_eq!(values(part.module()), [-1.0, 2.0, -4.0, 4.0]);
    assert_eq!(values(&part.for_use()), [0.0, 2.0, -4.0, 6.0]);
    part.descend(loss(part.module(), [0.0; 3], 0.0)).unwrap();
    assert_eq!(values(&part.for_use()), [-0.5, 2.0, -4.0, 5.0]);
}

#[test]
fn what_is_refused() {
    let new = |settings: &str| {
        let net = part("").module().clone();
        let settings: PartSettings = toml::from_str(settings).unwrap();
        Part::new("critic", net, &settings, 10).unwrap_err().to_string()
    };
    for (settings, expected) in [
        ("rate = -1.0", "critic.rate: -1; legal: a positive number"),
        ("average = 1.0", "critic.average: 1; legal: 0 or more, below 1"),
        ("clip = { norm = 0.0 }", "critic.clip: 0; legal: a positive number"),
        ("optimiser = { kind = 'adam', beta_1 = 1.0 }", "critic.optimiser.beta_1: 1; legal"),
        ("optimiser = { kind = 'adam', epsilon = 1e-60 }", "critic.optimiser.epsilon: "),
        ("optimiser = { kind = 'sgd', nesterov = true }", "critic.optimiser.nesterov: needs"),
        ("optimiser = { kind = 'sgd', weight_decay = -1.0 }", "critic.optimiser.weight_decay: -1"),
        (
            "groups = [{ parameters = ['wait'] }]",
            "critic.groups.parameters: no parameter fits \"wait\"; there are weight, bias",
        ),
    ] {
        let error = new(settings);
        assert!(error.starts_with(expected), "{error}");
    }
}
