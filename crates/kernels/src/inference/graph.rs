//! A network as a list of operations: what is to be computed, and not yet how.

use upconv_geometry::{
    Axis, Channels, ConvAxis, ConvShape, ConvTransposeShape, GeometryError, limits,
};

use super::Parameter;
use super::channels::Across;
use super::rearrange::Rearrange;
use crate::error::{KernelError, Result};
use crate::options::{Activation, PlanOptions};
use crate::pool::PoolWindow;
use crate::resize::{Resample, ResizePlan};

/// A tensor that flows through a [`Graph`]: its input, or what an operation makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(super) usize);

/// A network as a list of operations, each of which names the values that it reads.
///
/// Shapes are those of NCHW, `[n, c, spatial...]`, whatever layout the compiled network works in. Parameters are
/// held until [`Graph::compile`] packs them.
///
/// ```
/// use upconv_geometry::{Dialect, Padding};
/// use upconv_kernels::Activation;
/// use upconv_kernels::inference::{Graph, NetworkOptions};
/// let mut graph = Graph::new();
/// let x = graph.input(&[1, 1, 4])?;
/// let axes = Dialect::Pytorch.conv_axes(&[4], &[3], &[1], &[1], &Padding::Pads(vec![(1, 1)]))?;
/// let y = graph.conv(x, axes, 1, vec![1.0, 1.0, 1.0].into(), None)?;
/// let y = graph.activation(y, Activation::LeakyRelu { slope: 0.5 });
/// let network = graph.compile(&[y], &NetworkOptions::default())?;
/// let mut sums = [0.0; 4];
/// network.run(&[&[1.0, 2.0, 3.0, -10.0]], &mut [&mut sums])?;
/// assert_eq!(sums, [3.0, 6.0, -2.5, -3.5]);
/// # Ok::<(), upconv_kernels::KernelError>(())
/// ```
#[derive(Debug, Default)]
pub struct Graph<'w> {
    pub(super) nodes: Vec<Node<'w>>,
}

/// One operation and the shape of what it makes.
#[derive(Debug)]
pub(super) struct Node<'w> {
    pub(super) operation: Operation<'w>,
    pub(super) inputs: Vec<Value>,
    pub(super) shape: Vec<usize>,
}

#[derive(Debug)]
pub(super) enum Operation<'w> {
    Input,
    Weighted(Weighted<'w>),
    ScaleShift(ScaleShift),
    Activation(Activation),
    Add(Activation),
    Concat,
    MaxPool(PoolWindow),
    /// To the cells of the result.
    Resize(Resample),
    /// Over all cells.
    GlobalMean,
    /// The second value, `[n, c, 1...]`, times each channel of the first.
    Gate,
    Rearrange(Rearrange),
    Across(Across),
}

/// A convolution or transposed convolution with what follows it in the same pass.
#[derive(Debug)]
pub(super) struct Weighted<'w> {
    pub(super) shape: WeightedShape,
    pub(super) weight: Parameter<'w>,
    pub(super) bias: Option<Parameter<'w>>,
    /// Of each output channel, after the bias.
    pub(super) scale_shift: Option<ScaleShift>,
    pub(super) activation: Activation,
}

#[derive(Debug)]
pub(super) enum WeightedShape {
    Conv(ConvShape),
    ConvTranspose(ConvTransposeShape),
}

/// `factor * v + shift` for each channel, as batch norm does once its statistics are fixed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ScaleShift {
    pub(super) factor: Vec<f64>,
    pub(super) shift: Vec<f64>,
    pub(super) activation: Activation,
}

/// The parameters of a batch norm in evaluation, each `[c]`.
#[derive(Debug)]
pub struct BatchNorm<'w> {
    /// Multiplied with the normalised value.
    pub gamma: Parameter<'w>,
    /// Added to it.
    pub beta: Parameter<'w>,
    /// Running mean.
    pub mean: Parameter<'w>,
    /// Running variance.
    pub variance: Parameter<'w>,
    /// Added to the variance.
    pub epsilon: f64,
}

impl<'w> Graph<'w> {
    /// A graph without operations.
    pub fn new() -> Self {
        Self::default()
    }

    /// The shape of a value, in the order NCHW.
    pub fn shape(&self, value: Value) -> &[usize] {
        &self.nodes[value.0].shape
    }

    /// An input of the network; they are given to a run in the order in which they were added.
    ///
    /// # Errors
    /// Fewer than 3 or more than 5 axes; a size of 0; more cells than the limits allow.
    pub fn input(&mut self, shape: &[usize]) -> Result<Value> {
        if !(3..=5).contains(&shape.len()) {
            return Err(KernelError::UnsupportedRank { got: shape.len().saturating_sub(2) });
        }
        if limits::cells("x", shape)? == 0 {
            let axis = shape.iter().position(|&size| size == 0).unwrap_or(0);
            return Err(GeometryError::InputEmpty { axis, got: 0 }.into());
        }
        Ok(self.push(Operation::Input, &[], shape.to_vec()))
    }

    /// Convolution: `weight [out, in / groups, kernel...]`, `bias [out]`.
    ///
    /// # Errors
    /// Sizes that do not fit each other.
    pub fn conv(
        &mut self,
        x: Value,
        axes: Vec<ConvAxis>,
        groups: usize,
        weight: Parameter<'w>,
        bias: Option<Parameter<'w>>,
    ) -> Result<Value> {
        let input = self.shape(x);
        let per_channel: usize =
            input[1] / groups.max(1) * axes.iter().map(ConvAxis::kernel).product::<usize>();
        let out_channels = weight.len() / per_channel.max(1);
        let channels = Channels { batch: input[0], in_channels: input[1], out_channels, groups };
        let shape = ConvShape::new(channels, axes)?;
        check_shape("x", input, &shape.x())?;
        check_length("weight", &weight, &shape.weight())?;
        let out = shape.y();
        self.weighted(x, WeightedShape::Conv(shape), weight, bias, out)
    }

    /// Transposed convolution: `weight [in, out / groups, kernel...]`, `bias [out]`.
    ///
    /// # Errors
    /// Sizes that do not fit each other.
    pub fn conv_transpose(
        &mut self,
        x: Value,
        axes: Vec<Axis>,
        groups: usize,
        weight: Parameter<'w>,
        bias: Option<Parameter<'w>>,
    ) -> Result<Value> {
        let input = self.shape(x);
        let per_channel = input[1] * axes.iter().map(Axis::kernel).product::<usize>();
        let out_channels = weight.len() / per_channel.max(1) * groups;
        let channels = Channels { batch: input[0], in_channels: input[1], out_channels, groups };
        let shape = ConvTransposeShape::new(channels, axes)?;
        check_shape("x", input, &shape.x())?;
        check_length("weight", &weight, &shape.weight())?;
        let out = shape.y();
        self.weighted(x, WeightedShape::ConvTranspose(shape), weight, bias, out)
    }

    fn weighted(
        &mut self,
        x: Value,
        shape: WeightedShape,
        weight: Parameter<'w>,
        bias: Option<Parameter<'w>>,
        out: Vec<usize>,
    ) -> Result<Value> {
        if let Some(bias) = &bias {
            check_length("bias", bias, &out[1..2])?;
        }
        let activation = Activation::None;
        let weighted = Weighted { shape, weight, bias, scale_shift: None, activation };
        Ok(self.push(Operation::Weighted(weighted), &[x], out))
    }

    /// A matrix times every image, whose values stand in the order NCHW: `weight [out, c * spatial...]`,
    /// `bias [out]`. The result is `[n, out, 1...]`.
    ///
    /// # Errors
    /// Sizes that do not fit each other.
    pub fn linear(
        &mut self,
        x: Value,
        weight: Parameter<'w>,
        bias: Option<Parameter<'w>>,
    ) -> Result<Value> {
        // A convolution whose kernel is as large as the image.
        let sizes = self.shape(x)[2..].to_vec();
        let ones = vec![1; sizes.len()];
        let axes = upconv_geometry::Dialect::Definition.conv_axes(
            &sizes,
            &sizes,
            &ones,
            &ones,
            &upconv_geometry::Padding::Valid,
        )?;
        self.conv(x, axes, 1, weight, bias)
    }

    /// `(x - mean) / sqrt(variance + epsilon) * gamma + beta` for each channel.
    ///
    /// # Errors
    /// Another number of channels; parameters that cannot be read.
    pub fn batch_norm(&mut self, x: Value, norm: &BatchNorm<'_>) -> Result<Value> {
        let shape = self.shape(x).to_vec();
        let BatchNorm { gamma, beta, mean, variance, epsilon } = norm;
        let all = [("gamma", gamma), ("beta", beta), ("mean", mean), ("variance", variance)];
        for (name, parameter) in all {
            check_length(name, parameter, &shape[1..2])?;
        }
        let [gamma, beta] = [gamma.read()?, beta.read()?];
        let [mean, variance] = [mean.read()?, variance.read()?];
        let of = |channel: usize| {
            let wide = |values: &[f32]| f64::from(values[channel]);
            let factor = wide(&gamma) / (wide(&variance) + epsilon).sqrt();
            (factor, wide(&beta) - wide(&mean) * factor)
        };
        let (factor, shift) = (0..shape[1]).map(of).unzip();
        let activation = Activation::None;
        let operation = Operation::ScaleShift(ScaleShift { factor, shift, activation });
        Ok(self.push(operation, &[x], shape))
    }

    /// The activation of every element.
    pub fn activation(&mut self, x: Value, activation: Activation) -> Value {
        let shape = self.shape(x).to_vec();
        self.push(Operation::Activation(activation), &[x], shape)
    }

    /// The sum of two values of the same shape.
    ///
    /// # Errors
    /// Shapes that differ.
    pub fn add(&mut self, a: Value, b: Value) -> Result<Value> {
        let shape = self.shape(a).to_vec();
        check_shape("the second summand", self.shape(b), &shape)?;
        Ok(self.push(Operation::Add(Activation::None), &[a, b], shape))
    }

    /// The channels of all values one behind the other.
    ///
    /// # Errors
    /// No value; batches or spatial sizes that differ.
    pub fn concat(&mut self, values: &[Value]) -> Result<Value> {
        let Some(&first) = values.first() else {
            let reason = "needs at least one value";
            return Err(KernelError::Unsupported { option: "concat", reason });
        };
        let mut shape = self.shape(first).to_vec();
        shape[1] = 0;
        for &value in values {
            let mut own = self.shape(value).to_vec();
            let channels = std::mem::replace(&mut own[1], shape[1]);
            check_shape("a value of concat", &own, &shape)?;
            shape[1] += channels;
        }
        limits::cells("output", &shape)?;
        Ok(self.push(Operation::Concat, values, shape))
    }

    /// The maximum of every window.
    ///
    /// # Errors
    /// A window that does not fit.
    pub fn max_pool(&mut self, x: Value, window: &PoolWindow) -> Result<Value> {
        let shape = window.output(self.shape(x))?;
        Ok(self.push(Operation::MaxPool(window.clone()), &[x], shape))
    }

    /// Resampling to `output` cells along the spatial axes.
    ///
    /// # Errors
    /// Another number of axes; a size of 0 or above the limits.
    pub fn resize(&mut self, x: Value, output: &[usize], how: Resample) -> Result<Value> {
        // Checks the sizes.
        ResizePlan::new(self.shape(x), output, how, &PlanOptions::default())?;
        let shape = [&self.shape(x)[..2], output].concat();
        Ok(self.push(Operation::Resize(how), &[x], shape))
    }

    /// The mean of each channel: `[n, c, spatial...] -> [n, c, 1...]`.
    pub fn global_mean(&mut self, x: Value) -> Value {
        let mut shape = self.shape(x).to_vec();
        shape[2..].fill(1);
        self.push(Operation::GlobalMean, &[x], shape)
    }

    /// Every channel of `x` times its factor in `gate`, of shape `[n, c, 1...]`.
    ///
    /// # Errors
    /// A gate of another shape.
    pub fn gate(&mut self, x: Value, gate: Value) -> Result<Value> {
        let shape = self.shape(x).to_vec();
        let mut expected = shape.clone();
        expected[2..].fill(1);
        check_shape("gate", self.shape(gate), &expected)?;
        Ok(self.push(Operation::Gate, &[x, gate], shape))
    }

    pub(super) fn push(
        &mut self,
        operation: Operation<'w>,
        inputs: &[Value],
        shape: Vec<usize>,
    ) -> Value {
        self.nodes.push(Node { operation, inputs: inputs.to_vec(), shape });
        Value(self.nodes.len() - 1)
    }
}

pub(super) fn check_shape(tensor: &'static str, got: &[usize], expected: &[usize]) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    let (got, expected) = (got.to_vec(), expected.to_vec());
    Err(KernelError::Shape { tensor, expected, got })
}

fn check_length(tensor: &'static str, parameter: &Parameter<'_>, shape: &[usize]) -> Result<()> {
    let expected = limits::cells(tensor, shape)?;
    if parameter.len() == expected {
        return Ok(());
    }
    let (shape, got) = (shape.to_vec(), parameter.len());
    Err(KernelError::BufferLength { tensor, shape, expected, got })
}
