//! The settings of the usual layers, checked, with Caffe's defaults.

use super::net::{Layer, sizes};
use super::settings::{Setting, Settings};
use crate::error::Result;
use crate::limits;

/// Settings of a `Convolution` or `Deconvolution` over two axes. Weights are `[outputs, inputs / groups, kh, kw]` for the
/// one, `[inputs, outputs / groups, kh, kw]` for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Output channels.
    pub outputs: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps along height and width.
    pub stride: [usize; 2],
    /// Cells added at both ends of height and of width; cropped by a `Deconvolution`.
    pub pad: [usize; 2],
    /// Distance of taps; 1 is none.
    pub dilation: [usize; 2],
    /// Groups of channels.
    pub groups: usize,
    /// Whether there is a bias.
    pub bias: bool,
}

/// Settings of a `Pooling`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// What is taken of a window.
    pub method: PoolMethod,
    /// Height and width of the window; none for the whole picture.
    pub kernel: Option<[usize; 2]>,
    /// Steps along height and width.
    pub stride: [usize; 2],
    /// Cells added at both ends of height and of width.
    pub pad: [usize; 2],
    /// Whether a last window that does not fit as a whole gives an output: Caffe rounds up unless it is told otherwise.
    pub round_up: bool,
}

/// What is taken of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum PoolMethod {
    Max,
    Average,
    Stochastic,
}

/// Settings of an `InnerProduct`. The weight is `[outputs, inputs]`; inputs are flattened in the order of their axes from
/// `axis` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerProduct {
    /// Outputs.
    pub outputs: usize,
    /// Whether there is a bias.
    pub bias: bool,
    /// First axis that is flattened; negative from the end.
    pub axis: i64,
    /// Whether the weight is `[inputs, outputs]` instead.
    pub transposed: bool,
}

/// Settings of a `BatchNorm`: `y = (x - mean) / sqrt(variance + eps)`, without a scale and a shift.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Added to the variance.
    pub eps: f64,
    /// How much of the sums is kept at each step of training.
    pub moving_average: f64,
    /// Whether the stored statistics are used; none where it follows the phase.
    pub use_global_stats: Option<bool>,
}

/// Settings of a `Scale` with one bottom: `y = x * scale + bias` over `axes` axes from `axis` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// First axis of the numbers; negative from the end.
    pub axis: i64,
    /// How many axes the numbers have; -1 for all that follow.
    pub axes: i64,
    /// Whether there is a bias.
    pub bias: bool,
}

/// Settings of an `LRN`: `y = x / (k + alpha / n * sum of x^2)^beta` over `size` channels, or a window of `size` by `size`
/// cells within a channel; `n` is the number of what is summed.
#[derive(Clone, Debug, PartialEq)]
pub struct Lrn {
    /// Channels, or cells along an axis.
    pub size: usize,
    /// See there.
    pub alpha: f64,
    /// See there.
    pub beta: f64,
    /// See there.
    pub k: f64,
    /// Whether the sum is taken over channels.
    pub across_channels: bool,
}

/// Settings of an `Eltwise`.
#[derive(Clone, Debug, PartialEq)]
pub enum Eltwise {
    /// The product.
    Product,
    /// The sum, of each bottom times its coefficient.
    Sum(Vec<f64>),
    /// The largest.
    Max,
}

/// What is wrong with a setting.
type Checked<T> = std::result::Result<T, String>;

impl Layer {
    /// Settings of a `Convolution` or `Deconvolution`.
    ///
    /// # Errors
    /// If one is missing or makes no sense.
    ///
    /// ```
    /// let text = r#"layer { name: "c" type: "Convolution"
    ///     convolution_param { num_output: 6 kernel_size: 3 pad_h: 1 group: 2 } }"#;
    /// let net = upconv_weights::caffe::net_from_text("a.prototxt", text)?;
    /// let c = net.layers[0].convolution()?;
    /// assert_eq!((c.outputs, c.kernel, c.pad, c.stride), (6, [3, 3], [1, 0], [1, 1]));
    /// assert_eq!((c.dilation, c.groups, c.bias), ([1, 1], 2, true));
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn convolution(&self) -> Result<Convolution> {
        self.read("convolution_param", |own| {
            let axis = own.int("axis").unwrap_or(1);
            if axis != 1 && axis != -3 {
                return Err(format!("axis {axis} is not read; legal: 1"));
            }
            let outputs = count(own, "num_output")?;
            let groups = or(own, "group", 1, 1)?;
            if !outputs.is_multiple_of(groups) {
                return Err(format!("num_output {outputs} is no multiple of group {groups}"));
            }
            Ok(Convolution {
                outputs,
                kernel: pair(own, ["kernel_size", "kernel_h", "kernel_w"], None, 1)?,
                stride: pair(own, ["stride", "stride_h", "stride_w"], Some(1), 1)?,
                pad: pair(own, ["pad", "pad_h", "pad_w"], Some(0), 0)?,
                dilation: pair(own, ["dilation", "", ""], Some(1), 1)?,
                groups,
                bias: own.bool("bias_term").unwrap_or(true),
            })
        })
    }

    /// Settings of a `Pooling`.
    ///
    /// # Errors
    /// If one is missing or makes no sense.
    pub fn pooling(&self) -> Result<Pooling> {
        self.read("pooling_param", |own| {
            let names = ["kernel_size", "kernel_h", "kernel_w"];
            let global = own.bool("global_pooling").unwrap_or(false);
            if global && names.iter().any(|name| own.get(name).is_some()) {
                return Err("global_pooling takes no kernel size".into());
            }
            let method = match own.get("pool").map_or(Some("MAX"), Setting::text) {
                Some("MAX") => PoolMethod::Max,
                Some("AVE") => PoolMethod::Average,
                Some("STOCHASTIC") => PoolMethod::Stochastic,
                _ => return Err("pool is not known; legal: MAX, AVE, STOCHASTIC".into()),
            };
            Ok(Pooling {
                method,
                kernel: if global { None } else { Some(pair(own, names, None, 1)?) },
                stride: pair(own, ["stride", "stride_h", "stride_w"], Some(1), 1)?,
                pad: pair(own, ["pad", "pad_h", "pad_w"], Some(0), 0)?,
                round_up: own.text("round_mode") != Some("FLOOR"),
            })
        })
    }

    /// Settings of an `InnerProduct`.
    ///
    /// # Errors
    /// If one is missing or makes no sense.
    pub fn inner_product(&self) -> Result<InnerProduct> {
        self.read("inner_product_param", |own| {
            Ok(InnerProduct {
                outputs: count(own, "num_output")?,
                bias: own.bool("bias_term").unwrap_or(true),
                axis: own.int("axis").unwrap_or(1),
                transposed: own.bool("transpose").unwrap_or(false),
            })
        })
    }

    /// Settings of a `BatchNorm`.
    ///
    /// # Errors
    /// If one makes no sense.
    pub fn batch_norm(&self) -> Result<BatchNorm> {
        self.read("batch_norm_param", |own| {
            Ok(BatchNorm {
                // As Caffe has it in F32.
                eps: number(own, "eps", f64::from(1e-5_f32))?,
                moving_average: number(own, "moving_average_fraction", f64::from(0.999_f32))?,
                use_global_stats: own.bool("use_global_stats"),
            })
        })
    }

    /// Settings of a `Scale`.
    ///
    /// # Errors
    /// If one makes no sense.
    pub fn scale(&self) -> Result<Scale> {
        self.read("scale_param", |own| {
            Ok(Scale {
                axis: own.int("axis").unwrap_or(1),
                axes: own.int("num_axes").unwrap_or(1),
                bias: own.bool("bias_term").unwrap_or(false),
            })
        })
    }

    /// Settings of an `LRN`.
    ///
    /// # Errors
    /// If one makes no sense: Caffe takes odd sizes only.
    pub fn lrn(&self) -> Result<Lrn> {
        self.read("lrn_param", |own| {
            let size = or(own, "local_size", 5, 1)?;
            if size.is_multiple_of(2) {
                return Err(format!("local_size {size} is even; legal: odd numbers"));
            }
            Ok(Lrn {
                size,
                alpha: number(own, "alpha", 1.0)?,
                beta: number(own, "beta", 0.75)?,
                k: number(own, "k", 1.0)?,
                across_channels: own.text("norm_region") != Some("WITHIN_CHANNEL"),
            })
        })
    }

    /// Settings of an `Eltwise`. A sum has as many coefficients as the layer has bottoms.
    ///
    /// # Errors
    /// If the coefficients are more or fewer than the bottoms, or stand beside another operation.
    pub fn eltwise(&self) -> Result<Eltwise> {
        self.read("eltwise_param", |own| {
            let mut coefficients: Vec<f64> = own.all("coeff").filter_map(Setting::float).collect();
            let (got, bottoms) = (coefficients.len(), self.bottoms.len());
            let operation = own.get("operation").map_or(Some("SUM"), Setting::text);
            if got > 0 && (operation != Some("SUM") || got != bottoms) {
                return Err(format!(
                    "{got} coeff; legal: none, or for a SUM one for each of the {bottoms} bottoms"
                ));
            }
            coefficients.resize(bottoms, 1.0);
            match operation {
                Some("PROD") => Ok(Eltwise::Product),
                Some("SUM") => Ok(Eltwise::Sum(coefficients)),
                Some("MAX") => Ok(Eltwise::Max),
                _ => Err("operation is not known; legal: PROD, SUM, MAX".into()),
            }
        })
    }

    /// What a `ReLU` multiplies negative numbers with: 0 unless it is told otherwise.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn negative_slope(&self) -> Result<f64> {
        self.read("relu_param", |own| number(own, "negative_slope", 0.0))
    }

    /// Which part of the cells a `Dropout` sets to zero in training: half of them unless it is told otherwise.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn dropout_ratio(&self) -> Result<f64> {
        self.read("dropout_param", |own| number(own, "dropout_ratio", 0.5))
    }

    /// The axis of a `Concat`, `Softmax`, `Slice` or `Flatten`; negative from the end. Channels unless it is told
    /// otherwise.
    pub fn axis(&self) -> i64 {
        let group = match self.kind.as_str() {
            "Concat" => "concat_param",
            "Slice" => "slice_param",
            "Flatten" => "flatten_param",
            _ => "softmax_param",
        };
        let own = self.settings.group(group);
        let axis = |name| own.and_then(|own| own.int(name));
        axis("axis").or(axis("concat_dim")).or(axis("slice_dim")).unwrap_or(1)
    }

    /// The shapes of an `Input`.
    ///
    /// # Errors
    /// If a size is negative.
    pub fn input_shapes(&self) -> Result<Vec<Vec<usize>>> {
        self.read("input_param", |own| {
            let shape = |shape: &Setting| match shape {
                Setting::Group(shape) => sizes(shape.all("dim")),
                _ => Ok(Vec::new()),
            };
            own.all("shape").map(shape).collect()
        })
    }

    /// What `read` makes of the settings under a name.
    fn read<T>(&self, name: &str, read: impl Fn(&Settings) -> Checked<T>) -> Result<T> {
        let none = Settings::default();
        read(self.settings.group(name).unwrap_or(&none))
            .map_err(|reason| self.error(format!("{name}: {reason}")))
    }
}

/// A finite number.
fn number(own: &Settings, name: &str, default: f64) -> Checked<f64> {
    match own.float(name).unwrap_or(default) {
        number if number.is_finite() => Ok(number),
        number => Err(format!("{name} is {number}; legal: finite numbers")),
    }
}

/// A size from `least` on.
fn size(number: i64, name: &str, least: u64) -> Checked<usize> {
    match u64::try_from(number).ok().filter(|n| (least..=limits::MAX_AXIS).contains(n)) {
        // At most 2^31 - 1.
        Some(size) => Ok(size as usize),
        None => Err(format!("{name} is {number}; legal: {least} to {}", limits::MAX_AXIS)),
    }
}

fn count(own: &Settings, name: &str) -> Checked<usize> {
    match own.int(name) {
        Some(number) => size(number, name, 1),
        None => Err(format!("{name} is missing")),
    }
}

fn or(own: &Settings, name: &str, default: i64, least: u64) -> Checked<usize> {
    size(own.int(name).unwrap_or(default), name, least)
}

/// Sizes for height and width: `both`, once or once for each, or `h` and `w`.
fn pair(
    own: &Settings,
    [both, h, w]: [&str; 3],
    default: Option<i64>,
    least: u64,
) -> Checked<[usize; 2]> {
    let numbers: Vec<i64> = own.all(both).filter_map(Setting::int).collect();
    let apart = [own.int(h), own.int(w)];
    let numbers = match (&numbers[..], apart, default) {
        (&[one], [None, None], _) => [one, one],
        (&[first, second], [None, None], _) => [first, second],
        ([], [None, None], Some(default)) => [default; 2],
        ([], [None, None], None) => return Err(format!("{both} is missing")),
        ([], [Some(h), Some(w)], _) => [h, w],
        ([], [h, w], Some(default)) => [h.unwrap_or(default), w.unwrap_or(default)],
        ([], _, None) => return Err(format!("{h} and {w} need each other")),
        (_, [None, None], _) => {
            return Err(format!("{} numbers for {both}; legal: 1 or 2", numbers.len()));
        }
        _ => return Err(format!("both {both} and {h} or {w}; legal: one of them")),
    };
    Ok([size(numbers[0], both, least)?, size(numbers[1], both, least)?])
}
