use super::*;
use crate::options::Layout;
use crate::testing::{bits, everywhere, integers, poison};

const SIZES: [[usize; 3]; 7] =
    [[2, 3, 5], [3, 17, 49], [4, 600, 1], [2, 1, 40_000], [70, 3, 2], [1, 1, 1], [2, 0, 3]];

/// Numbers of plain loops, in f64: z, y, dx, dgamma, dbeta, and mean and variance.
struct Plain {
    y: Vec<f64>,
    dx: Vec<f64>,
    dgamma: Vec<f64>,
    dbeta: Vec<f64>,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

fn plain(norm: &BatchNorm<'_>, extent: &Extent, x: &[f32], dy: &[f32]) -> Plain {
    let Extent { batch, channels, cells, .. } = *extent;
    let count = (batch * cells) as f64;
    let none = || vec![0.0; channels];
    let mut plain = Plain {
        y: vec![0.0; x.len()],
        dx: vec![0.0; x.len()],
        dgamma: none(),
        dbeta: none(),
        mean: none(),
        variance: none(),
    };
    for c in 0..channels {
        let places: Vec<usize> = (0..x.len()).filter(|&at| channel_of(extent, at) == c).collect();
        let values = || places.iter().map(|&at| f64::from(x[at]));
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let s = 1.0 / (variance + norm.epsilon).sqrt();
        let (gamma, beta) = (f64::from(norm.gamma[c]), f64::from(norm.beta[c]));
        let mut dz = Vec::new();
        for &at in &places {
            let z = (f64::from(x[at]) - mean) * s * gamma + beta;
            let (y, slope) = match norm.activation {
                Activation::None => (z, 1.0),
                Activation::LeakyRelu { slope } if z <= 0.0 => (z * f64::from(slope), slope.into()),
                Activation::LeakyRelu { .. } => (z, 1.0),
                Activation::Tanh => (z.tanh(), 1.0 - z.tanh() * z.tanh()),
                other => panic!("{other:?}"),
            };
            plain.y[at] = y;
            dz.push(f64::from(dy[at]) * slope);
        }
        let h = |at: usize| (f64::from(x[at]) - mean) * s;
        let sum = dz.iter().sum::<f64>();
        let with_h = dz.iter().zip(&places).map(|(dz, &at)| dz * h(at)).sum::<f64>();
        for (dz, &at) in dz.iter().zip(&places) {
            plain.dx[at] = gamma * s * (dz - sum / count - h(at) * with_h / count);
        }
        (plain.dgamma[c], plain.dbeta[c]) = (with_h, sum);
        (plain.mean[c], plain.variance[c]) = (mean, variance);
    }
    plain
}

fn channel_of(extent: &Extent, at: usize) -> usize {
    match extent.layout {
        Layout::Nchw => at / extent.cells % extent.channels,
        Layout::Nhwc => at % extent.channels,
    }
}

fn close(what: &str, got: &[f32], wanted: &[f64], bound: f64) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    for (at, (&got, &wanted)) in got.iter().zip(wanted).enumerate() {
        let off = (f64::from(got) - wanted).abs();
        assert!(off <= bound * (1.0 + wanted.abs()), "{what} {at}: {got}, not {wanted}");
    }
}

fn check(activation: Activation, offset: f32, epsilon: f64) {
    for [batch, channels, cells] in SIZES {
        let gamma = integers(channels, 1);
        let beta = integers(channels, 2);
        let x: Vec<f32> =
            integers(batch * channels * cells, 3).iter().map(|x| x / 16.0 + offset).collect();
        let dy = integers(x.len(), 4);
        let norm = BatchNorm { gamma: &gamma, beta: &beta, epsilon, activation };
        for layout in Layout::ALL {
            let extent = Extent { batch, channels, cells, layout };
            let wanted = plain(&norm, &extent, &x, &dy);
            let first = std::sync::Mutex::new(None);
            everywhere(|isa| {
                let what = format!("{extent:?} {activation:?} about {offset}");
                let mut y = poison(x.len());
                let statistics = norm.forward_with(isa, &extent, &x, &mut y);
                for c in 0..channels {
                    let (mean, variance) = (wanted.mean[c], wanted.variance[c]);
                    assert!((statistics.mean[c] - mean).abs() <= 1e-14 * mean.abs() + 1e-15);
                    let off = (statistics.variance[c] - variance).abs();
                    assert!(off <= 1e-12 * variance + 1e-15, "{what}: {off}");
                }
                // Four roundings of numbers of about gamma's size.
                close(&what, &y, &wanted.y, 1e-5);
                let (mut dx, mut dgamma, mut dbeta) =
                    (dy.clone(), poison(channels), poison(channels));
                let into = BatchNormGradients { x: &mut dx, gamma: &mut dgamma, beta: &mut dbeta };
                norm.backward_with(isa, &extent, &x, &statistics, into);
                let size =
                    1.0 / (wanted.variance.iter().fold(1.0, |a: f64, &b| a.min(b)) + epsilon);
                close(&what, &dx, &wanted.dx, 1e-5 * size.sqrt());
                close(&what, &dgamma, &wanted.dgamma, 1e-5 * size.sqrt());
                close(&what, &dbeta, &wanted.dbeta, 1e-5);
                let all = [y, dx, dgamma, dbeta].map(|values| bits(&values));
                let mut first = first.lock().unwrap();
                assert!(*first.get_or_insert_with(|| all.clone()) == all, "{what}: other bits");
            });
        }
    }
}

#[test]
fn matches_plain_loops() {
    check(Activation::None, 0.0, 1e-3);
    check(Activation::LeakyRelu { slope: 0.25 }, 0.5, 1e-3);
    check(Activation::Tanh, -0.5, 1e-3);
}

/// The mean is 4096 times as large as what lies about it; f32 keeps 2^-12 of these values then.
#[test]
fn a_mean_far_from_zero_costs_nothing() {
    check(Activation::None, 4096.0, 1e-3);
}

/// `torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.0, 1e-5)` of `[[1, 2], [3, 6]]` with
/// gamma 2 and beta 1, by hand: mean 3, variance 3.5, so `2 / sqrt(3.50001) = 1.0690434`.
#[test]
fn numbers_by_hand() {
    let norm =
        BatchNorm { gamma: &[2.0], beta: &[1.0], epsilon: 1e-5, activation: Activation::Relu };
    let extent = Extent { batch: 2, channels: 1, cells: 2, layout: Layout::Nchw };
    let mut y = poison(4);
    let statistics = norm.forward(&extent, &[1.0, 2.0, 3.0, 6.0], &mut y).unwrap();
    assert_eq!((statistics.mean[0], statistics.variance[0]), (3.0, 3.5));
    close("y", &y, &[0.0, 0.0, 1.0, 4.207_130_2], 1e-7);
}

#[test]
fn nan_stays_in_its_channel() {
    for layout in Layout::ALL {
        let extent = Extent { batch: 1, channels: 2, cells: 2, layout };
        let x = [f32::NAN, 1.0, 1.0, 1.0];
        let norm = BatchNorm {
            gamma: &[1.0; 2],
            beta: &[0.5; 2],
            epsilon: 1.0,
            activation: Activation::None,
        };
        let mut y = [0.0; 4];
        norm.forward(&extent, &x, &mut y).unwrap();
        for (at, y) in y.into_iter().enumerate() {
            assert!(if channel_of(&extent, at) == 0 { y.is_nan() } else { y == 0.5 });
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nchw };
    let norm =
        BatchNorm { gamma: &[1.0; 2], beta: &[0.0; 2], epsilon: 1.0, activation: Activation::None };
    assert!(norm.forward(&extent, &[0.0; 3], &mut [0.0; 4]).is_err());
    assert!(norm.forward(&extent, &[0.0; 4], &mut [0.0; 5]).is_err());
    assert!(norm.forward(&Extent { batch: 0, ..extent }, &[], &mut []).is_err());
    assert!(
        BatchNorm { gamma: &[1.0], ..norm }.forward(&extent, &[0.0; 4], &mut [0.0; 4]).is_err()
    );
    let swish = Activation::HardSwish { scale: 1.0 };
    let swish = BatchNorm { activation: swish, ..norm };
    assert!(swish.forward(&extent, &[0.0; 4], &mut [0.0; 4]).is_err());
    let (mut dx, mut dgamma, mut dbeta) = ([0.0; 4], [0.0; 2], [0.0; 1]);
    let into = BatchNormGradients { x: &mut dx, gamma: &mut dgamma, beta: &mut dbeta };
    let statistics = BatchStatistics { mean: vec![0.0; 2], variance: vec![1.0; 2] };
    assert!(norm.backward(&extent, &[0.0; 4], &statistics, into).is_err());
}
