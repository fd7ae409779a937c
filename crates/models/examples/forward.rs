//! Runs a network in its inference form on an input of a file: `forward MODEL WEIGHTS SHAPE INPUT OUTPUT [--fast-math]`.
//!
//! Input and output are plain F32 numbers in the order NCHW, SHAPE is that of the input, such as `1,3,224,224`, and the
//! weights are those of `bench/export_weights.py`, where each tensor is called `MODEL.NAME`. `bench/compare_models.py`
//! compares the output with that of other libraries, element by element.

use std::error::Error;
use std::fs;
use std::path::Path;

use upconv_kernels::FastMath;
use upconv_models::inference::{self, StoredParameters};
use upconv_nn::inference::NetworkOptions;
use upconv_weights::Weights;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, file, shape, input, output, fast) =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [model, file, shape, input, output] => (model, file, shape, input, output, false),
            [model, file, shape, input, output, "--fast-math"] => {
                (model, file, shape, input, output, true)
            }
            _ => return Err("usage: forward MODEL WEIGHTS SHAPE INPUT OUTPUT [--fast-math]".into()),
        };
    let shape: Vec<usize> = shape.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let shape: [usize; 4] = shape.try_into().map_err(|_| "SHAPE has four numbers")?;
    let bytes = fs::read(input)?;
    let (numbers, []) = bytes.as_chunks::<4>() else {
        return Err(format!("{input}: {} bytes are no whole F32 numbers", bytes.len()).into());
    };
    let x: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();

    let weights = Weights::map(Path::new(file))?;
    let prefix = format!("{model}.");
    let stored = StoredParameters { file, weights: &weights, prefix: &prefix };
    let fast_math = if fast { FastMath::Allow } else { FastMath::Deny };
    let options = NetworkOptions { fast_math, ..Default::default() };
    let network = inference::compile(model, stored, shape, &options)?;
    let mut y = vec![f32::NAN; network.output_shapes()[0].iter().product()];
    network.run(&[&x], &mut [&mut y])?;
    let bytes: Vec<u8> = y.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(output, bytes)?;
    Ok(())
}
