//! The self-test of every classifier: one picture beside the weights, and the scores that come out of it.

use upconv_nn::inference::NetworkOptions;
use upconv_weights::{Tensor, Weights};

use crate::error::{ModelError, Result};
use crate::inference::StoredParameters;
use crate::picture;
use crate::registry::Entry;

/// Bytes of parameters beyond which weights get no self-test: the network would take as much memory again as the file,
/// which converting it does not. Of the models here these are the VGGs.
const LARGEST: usize = 240 << 20;

/// How far a score may be off, as a share of the largest: other processors round otherwise.
const TOLERANCE: f64 = 1e-3;

/// A bright disc before stripes that turn from red to blue, `[h, w, 3]`.
fn picture([h, w]: [usize; 2]) -> Vec<u8> {
    let value = |at: usize| {
        let (y, x, c) = (at / 3 / w, at / 3 % w, at % 3);
        // In units of half of the shorter side, squared.
        let (down, across) = ((2 * y).abs_diff(h), (2 * x).abs_diff(w));
        let inside = 4 * (down * down + across * across) < h.min(w).pow(2);
        let stripe = (x + y) / 8 % 2 * 60;
        let colour = match (inside, c) {
            (true, _) => [240, 200, 90][c],
            (_, 0) => 180 - 150 * x / w + stripe,
            (_, 1) => 40 + stripe,
            _ => 30 + 150 * x / w + stripe,
        };
        colour.min(255) as u8
    };
    (0..3 * h * w).map(value).collect()
}

/// The same weights with the picture, `[h, w, 3]`, and the scores here. What is kept are the bytes of the picture, as F16,
/// and not what the network reads of them, so that a wrong order of colours, range or mean in the metadata shows. Very
/// large weights stay as they are.
///
/// # Errors
/// Weights that the model cannot load, or that do not say what their input is.
pub(crate) fn with(entry: &Entry, weights: Weights) -> Result<Weights> {
    if weights.parameters().map(|tensor| tensor.cells() * 4).sum::<usize>() > LARGEST {
        return Ok(weights);
    }
    let input = weights.metadata().and_then(|metadata| metadata.input.as_ref());
    let input = input.ok_or_else(|| refuse(entry, "input: is missing".into()))?;
    let [h, w] = input.size;
    let rgb: Vec<f32> = picture(input.size).into_iter().map(f32::from).collect();
    let x = Tensor::from_f32("input", &[h, w, 3], &rgb)?.to_f16()?;
    let (output_shape, output) = run(entry, entry.name, &weights, &x)?;
    let largest = output.iter().fold(1.0, |most: f64, &score| most.max(f64::from(score).abs()));
    let output = Tensor::from_f32("output", &output_shape, &output)?;
    Ok(weights.with_selftest(x, output, Some(TOLERANCE * largest))?)
}

/// Runs the self-test that weights carry, and gives the largest difference; `None` if they carry none.
///
/// # Errors
/// Weights that the model cannot load, which are called `file`; an input that does not fit; a difference above the stored
/// tolerance.
pub(crate) fn verify(entry: &Entry, file: &str, weights: &Weights) -> Result<Option<f64>> {
    let Some(test) = weights.selftest() else { return Ok(None) };
    let (shape, got) = run(entry, file, weights, test.input)?;
    Ok(Some(test.check(file, &shape, &got)?))
}

fn run(
    entry: &Entry,
    file: &str,
    weights: &Weights,
    test: &Tensor,
) -> Result<(Vec<usize>, Vec<f32>)> {
    let (x, shape) = input(entry, file, weights, test)?;
    let stored = StoredParameters { file, weights, prefix: "" };
    let network = entry.network(stored, shape, &NetworkOptions::default())?;
    let shape = network.output_shapes()[0].to_vec();
    let mut scores = vec![0.0; shape.iter().product()];
    let ran = network.run(&[&x], &mut [&mut scores]);
    ran.map_err(|error| refuse(entry, format!("{file}: {error}")))?;
    Ok((shape, scores))
}

/// What the network reads of the stored input, and its shape: of a picture `[h, w, 3]` what the metadata say. Planes
/// `[n, c, h, w]`, which files may hold as well, are read as they are.
fn input(
    entry: &Entry,
    file: &str,
    weights: &Weights,
    test: &Tensor,
) -> Result<(Vec<f32>, [usize; 4])> {
    let values = test.to_f32()?;
    match *test.shape() {
        [h, w, 3] => {
            let input = weights.metadata().and_then(|metadata| metadata.input.as_ref());
            let input = input.ok_or_else(|| refuse(entry, format!("{file}: input: is missing")))?;
            let rgb: Vec<u8> = values.into_iter().map(|value| value as u8).collect();
            Ok((picture::planes(input, &rgb), [1, input.order.channels(), h, w]))
        }
        [n, c, h, w] => Ok((values, [n, c, h, w])),
        ref got => {
            let what = format!("{file}: the self-test's input has shape {got:?}");
            Err(refuse(entry, what))
        }
    }
}

fn refuse(entry: &Entry, what: String) -> ModelError {
    ModelError::Inner { model: entry.name, what }
}
