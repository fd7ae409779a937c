//! A small input beside the weights, and what the network makes of it.

use burn::tensor::{Device, Tensor, TensorData};
use upconv_nn::pass::Eager;
use upconv_weights::Weights;

use crate::error::{ModelError, Result};
use crate::inference::Model;

/// The same weights with an input of the network `net`, which holds them, and its output here. The input is kept as F16.
///
/// # Errors
/// An input that does not fit.
pub(crate) fn with(
    net: &impl Model,
    weights: Weights,
    input: &[f32],
    shape: [usize; 4],
    tolerance: f64,
) -> Result<Weights> {
    let input = upconv_weights::Tensor::from_f32("input", &shape, input)?.to_f16()?;
    let (output_shape, output) = run(net, input.to_f32()?, shape)?;
    let output = upconv_weights::Tensor::from_f32("output", &output_shape, &output)?;
    Ok(weights.with_selftest(input, output, Some(tolerance))?)
}

/// Runs the self-test that weights carry on `net`, which holds them, and gives the largest difference; `None` if they
/// carry none. Errors call them `file`.
///
/// # Errors
/// A difference above the stored tolerance; an input that is no `[n, c, h, w]` or does not fit.
pub(crate) fn verify(
    model: &'static str,
    net: &impl Model,
    file: &str,
    weights: &Weights,
) -> Result<Option<f64>> {
    let Some(test) = weights.selftest() else { return Ok(None) };
    let &[n, c, h, w] = test.input.shape() else {
        let what = format!("{file}: the self-test's input has shape {:?}", test.input.shape());
        return Err(ModelError::Inner { model, what });
    };
    let (shape, got) = run(net, test.input.to_f32()?, [n, c, h, w])?;
    Ok(Some(test.check(file, &shape, &got)?))
}

fn run(net: &impl Model, x: Vec<f32>, shape: [usize; 4]) -> Result<([usize; 4], Vec<f32>)> {
    let x = Tensor::<4>::from_data(TensorData::new(x, shape), &Device::flex());
    let y = net.forward(&mut Eager::default(), &x)?;
    let shape = y.dims();
    let values = y.into_data().try_into_vec::<f32>();
    let values = values
        .map_err(|e| ModelError::Inner { model: "selftest", what: format!("output: {e:?}") })?;
    Ok((shape, values))
}
