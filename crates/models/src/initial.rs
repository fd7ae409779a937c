//! How the weights of a network begin: drawn by the names of parameters, so that a seed gives the same bits everywhere.
//!
//! Burn's own initialisers share a generator with all of a process. Here every parameter has a stream of its own, which
//! its name and the seed tell; neither the order of the fields nor what else is drawn counts, and two networks begin
//! alike wherever their names and shapes are the same.

use burn::module::Module;
use burn::tensor::Device;
use upconv_data::random::{Purpose, Random, Stream};
use upconv_nn::{NnError, init, parameters};

use crate::error::Result;

/// What initial weights are drawn for.
const WEIGHTS: Purpose = Purpose(*b"weights ");

/// How a parameter begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// Even between `-bound` and `bound`.
    Uniform {
        /// The largest value.
        bound: f64,
    },
    /// Normal around 0.
    Normal {
        /// Standard deviation.
        deviation: f64,
    },
    /// Normal around 0, drawn again beyond two deviations, as TensorFlow's `truncated_normal`.
    TruncatedNormal {
        /// Standard deviation before anything is cut; what is left has 0.880 of it.
        deviation: f64,
    },
    /// Normal with variance `2 / fan_in`, for weights before a ReLU, with the fan of [`init::fans`].
    ///
    /// # Source
    /// He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015.
    Kaiming,
    /// A transposed convolution that interpolates linearly: [`init::bilinear`].
    Bilinear,
    /// A convolution before a pixel shuffle that does the same, `[c * factor * factor, c, 3, 3]`.
    ShuffledBilinear {
        /// Of the shuffle, in PyTorch's order of channels.
        factor: usize,
    },
}

/// Kaiming for weights; 1 for the factors and the variance of batch norm; 0 for everything else.
pub fn usual(name: &str, _: &[usize]) -> Initial {
    match name.rsplit('.').next() {
        Some("weight") => Initial::Kaiming,
        Some("gamma" | "running_var") => Initial::Ones,
        _ => Initial::Zeros,
    }
}

/// The module with every parameter and statistic as `rule` says for its name and shape.
///
/// # Errors
/// A weight whose shape its rule does not fit.
///
/// ```
/// use burn::tensor::Device;
/// use upconv_models::initial::{Initial, draw};
/// use upconv_nn::{layers::Conv2dConfig, parameters};
/// let conv = Conv2dConfig::new([1, 2], [3, 3]).init(&Device::flex())?;
/// let rule = |name: &str, _: &[usize]| match name {
///     "bias" => Initial::Zeros,
///     _ => Initial::Uniform { bound: 0.1 },
/// };
/// let values = parameters::get(&draw(conv.clone(), 7, rule)?)?;
/// assert_eq!(values, parameters::get(&draw(conv, 7, rule)?)?);
/// assert!(values[0].values.iter().all(|v| v.abs() <= 0.1));
/// assert_eq!(values[1].values, [0.0; 2]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
pub fn draw<M: Module>(
    module: M,
    seed: u64,
    rule: impl Fn(&str, &[usize]) -> Initial,
) -> Result<M> {
    let values = |name: &str, shape: &[usize]| {
        let stream = Stream { seed, purpose: WEIGHTS, epoch: 0, index: number(name) };
        rule(name, shape).values(shape, &mut stream.start()).map_err(|error| match error {
            NnError::Setting { setting, reason } => {
                NnError::Setting { setting, reason: format!("{name}: {reason}") }
            }
            other => other,
        })
    };
    Ok(parameters::set(module, values)?)
}

impl Initial {
    /// The values of a parameter, row-major.
    fn values(
        self,
        shape: &[usize],
        random: &mut Random,
    ) -> std::result::Result<Vec<f32>, NnError> {
        let length = upconv_geometry::limits::cells("a parameter", shape)?;
        let fill = |next: &mut dyn FnMut() -> f64| (0..length).map(|_| next() as f32).collect();
        Ok(match self {
            Self::Zeros => vec![0.0; length],
            Self::Ones => vec![1.0; length],
            Self::Uniform { bound } => fill(&mut || random.between(-bound, bound)),
            Self::Normal { deviation } => fill(&mut || deviation * random.normal()),
            Self::TruncatedNormal { deviation } => fill(&mut || {
                loop {
                    let drawn = random.normal();
                    if drawn.abs() <= 2.0 {
                        return deviation * drawn;
                    }
                }
            }),
            Self::Kaiming => {
                let deviation = (2.0 / init::fans(shape).0.max(1) as f64).sqrt();
                fill(&mut || deviation * random.normal())
            }
            Self::Bilinear => {
                let Ok(shape) = <[usize; 4]>::try_from(shape) else {
                    return Err(refused(shape, "[in, out, height, width]"));
                };
                let weight = init::bilinear(shape, &Device::flex())?.into_data();
                weight.iter::<f32>().collect()
            }
            Self::ShuffledBilinear { factor } => shuffled_bilinear(shape, factor)?,
        })
    }
}

fn refused(shape: &[usize], needed: &str) -> NnError {
    let reason = format!("a weight of shape {shape:?} cannot be this one; it needs {needed}");
    NnError::Setting { setting: "initial weight", reason }
}

/// Cell `i` of a block lies at `p = (i + 1/2) / factor - 1/2` from the centre of its input cell, in input cells: the cell
/// has the share `1 - |p|`, and its neighbour on that side the rest.
fn shuffled_bilinear(shape: &[usize], factor: usize) -> std::result::Result<Vec<f32>, NnError> {
    let fits = |c: usize| factor > 0 && shape == [c.saturating_mul(factor * factor), c, 3, 3];
    let channels = match shape {
        &[_, c, 3, 3] if factor < 1 << 16 && fits(c) => c,
        _ => return Err(refused(shape, &format!("[c * {factor} * {factor}, c, 3, 3]"))),
    };
    let taps = |cell: usize| {
        let p = (cell as f64 + 0.5) / factor as f64 - 0.5;
        [(-p).max(0.0), 1.0 - p.abs(), p.max(0.0)]
    };
    let mut values = vec![0.0; shape.iter().product()];
    for channel in 0..channels {
        for (row, column) in (0..factor * factor).map(|cell| (cell / factor, cell % factor)) {
            let out = (channel * factor + row) * factor + column;
            let kernel = &mut values[(out * channels + channel) * 9..][..9];
            for (tap, value) in kernel.iter_mut().enumerate() {
                *value = (taps(row)[tap / 3] * taps(column)[tap % 3]) as f32;
            }
        }
    }
    Ok(values)
}

/// A number for a name: FNV-1a of 64 bits.
fn number(name: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData};
    use upconv_geometry::Padding;
    use upconv_nn::layers::{
        BatchNorm, BatchNormConfig, Conv2d, Conv2dConfig, ConvTranspose2dConfig, PixelShuffleConfig,
    };

    use super::*;

    #[derive(Module, Debug)]
    struct OneWay {
        a: Conv2d,
        b: Conv2d,
    }

    #[derive(Module, Debug)]
    struct OtherWay {
        norm: BatchNorm,
        b: Conv2d,
        a: Conv2d,
    }

    fn conv() -> Conv2d {
        Conv2dConfig::new([2, 3], [3, 3]).init(&Device::flex()).unwrap()
    }

    fn values(module: &impl Module, name: &str) -> Vec<f32> {
        let all = parameters::get(module).unwrap();
        all.into_iter().find(|p| p.name == name).unwrap().values
    }

    #[test]
    fn only_seed_and_name_count() {
        let norm = || BatchNormConfig::new(3).init(&Device::flex()).unwrap();
        let one = draw(OneWay { a: conv(), b: conv() }, 1, usual).unwrap();
        let other = OtherWay { norm: norm(), b: conv(), a: conv() };
        let other = draw(other, 1, usual).unwrap();
        for name in ["a.weight", "b.weight", "a.bias"] {
            assert_eq!(values(&one, name), values(&other, name), "{name}");
        }
        assert_ne!(values(&one, "a.weight"), values(&one, "b.weight"));
        let another = draw(OneWay { a: conv(), b: conv() }, 2, usual).unwrap();
        assert_ne!(values(&one, "a.weight"), values(&another, "a.weight"));
        assert_eq!(values(&other, "norm.gamma"), [1.0; 3]);
        assert_eq!(values(&other, "norm.running_var"), [1.0; 3]);
        assert_eq!(values(&other, "norm.beta"), [0.0; 3]);
        assert_eq!(values(&other, "norm.running_mean"), [0.0; 3]);
        // FNV-1a of "a" and "foobar", as its authors publish them.
        assert_eq!((number("a"), number("foobar")), (0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8));
    }

    /// Mean and deviation of many draws, within five of their own deviations.
    fn moments(initial: Initial, shape: &[usize], deviation: f64) {
        let stream = Stream { seed: 3, purpose: WEIGHTS, epoch: 0, index: 0 };
        let drawn = initial.values(shape, &mut stream.start()).unwrap();
        let n = drawn.len() as f64;
        let mean = drawn.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let square = drawn.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 5.0 * deviation / n.sqrt(), "{initial:?}: mean {mean}");
        let share = square.sqrt() / deviation;
        assert!((share - 1.0).abs() < 5.0 / (2.0 * n).sqrt(), "{initial:?}: {share}");
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let shape = [64, 32, 5, 5];
        moments(Initial::Uniform { bound: 0.3 }, &shape, 0.3 / 3f64.sqrt());
        moments(Initial::Normal { deviation: 0.02 }, &shape, 0.02);
        // The variance of a normal cut at 2: 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.773741.
        moments(Initial::TruncatedNormal { deviation: 0.1 }, &shape, 0.1 * 0.773741f64.sqrt());
        moments(Initial::Kaiming, &shape, (2.0f64 / (32.0 * 25.0)).sqrt());
        let stream = Stream { seed: 3, purpose: WEIGHTS, epoch: 0, index: 0 };
        let cut = Initial::TruncatedNormal { deviation: 0.5 };
        let cut = cut.values(&shape, &mut stream.start()).unwrap();
        let largest = cut.iter().fold(0.0f32, |most, v| most.max(v.abs()));
        assert!(largest <= 1.0 && largest > 0.99, "{largest}");
    }

    /// The rules by which TFLearn begins: convolutions even within `sqrt(3 / fan_in)`, fully connected layers normal with
    /// 0.02, cut at two deviations.
    #[test]
    fn variances_are_those_of_tflearn() {
        let variance = |initial: Initial| {
            let stream = Stream { seed: 11, purpose: WEIGHTS, epoch: 0, index: 0 };
            // A convolution of 3x3 from 64 channels to 128.
            let drawn = initial.values(&[128, 64, 3, 3], &mut stream.start()).unwrap();
            let squares = drawn.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
            let largest = drawn.iter().fold(0.0, |most: f64, &v| most.max(f64::from(v).abs()));
            (squares / drawn.len() as f64, largest)
        };
        let fan_in = 576.0;
        let bound = (3.0f64 / fan_in).sqrt();
        let (even, largest) = variance(Initial::Uniform { bound });
        assert!((even * fan_in - 1.0).abs() < 0.02, "{even}");
        assert!(largest <= bound && largest > 0.999 * bound, "{largest}");
        let (cut, largest) = variance(Initial::TruncatedNormal { deviation: 0.02 });
        assert!((cut.sqrt() / 0.0176 - 1.0).abs() < 0.01, "{}", cut.sqrt());
        assert!(largest <= 0.04, "{largest}");
    }

    #[test]
    fn bilinear_weights() {
        let device = Device::flex();
        let up = ConvTranspose2dConfig::new([2, 2], [8, 8])
            .with_stride([4, 4])
            .with_padding(Padding::Same)
            .with_bias(false)
            .init(&device)
            .unwrap();
        let up = draw(up, 0, |_, _| Initial::Bilinear).unwrap();
        let own = init::bilinear([2, 2, 8, 8], &device).unwrap();
        let own = own.into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(values(&up, "weight"), own);

        // The shuffled one is the same map, borders included.
        let conv = Conv2dConfig::new([2, 32], [3, 3])
            .with_padding(Padding::Same)
            .with_bias(false)
            .init(&device)
            .unwrap();
        let conv = draw(conv, 0, |_, _| Initial::ShuffledBilinear { factor: 4 }).unwrap();
        let x: Vec<f32> = (0..2 * 5 * 6).map(|at| (at as f32).sin()).collect();
        let x = Tensor::<4>::from_data(TensorData::new(x, [1, 2, 5, 6]), &device);
        let shuffled = PixelShuffleConfig::new(4).init().forward(conv.forward(x.clone()));
        let worst = (shuffled - up.forward(x)).abs().max().into_scalar::<f32>();
        assert!(worst < 1e-6, "{worst}");
    }

    #[test]
    fn weights_that_do_not_fit_are_named() {
        let error = draw(conv(), 0, |_, _| Initial::ShuffledBilinear { factor: 2 }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "initial weight: weight: a weight of shape [3, 2, 3, 3] cannot be this one; it needs \
             [c * 2 * 2, c, 3, 3]"
        );
        assert!(draw(conv(), 0, |_, _| Initial::Bilinear).is_err());
    }
}
