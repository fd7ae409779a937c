//! Batch normalisation as everybody else stores it.
//!
//! Caffe cuts it into two layers. `BatchNorm` holds the sum of means, the sum of variances and, as a third blob, what
//! both must be divided by; a `Scale` after it holds the factors and the shift. And the convolution before it may have a
//! bias, which the mean takes away again.

use std::collections::BTreeMap;

use super::net::{Layer, Net};
use crate::error::Result;
use crate::safetensors::Weights;
use crate::tensor::Tensor;

/// Weights whose batch normalisations are in the usual form.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// All tensors: those of other layers as they were.
    pub weights: Weights,
    /// What was done, for each `BatchNorm` in the order of the net.
    pub layers: Vec<Norm>,
}

/// What became of a `BatchNorm` layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Norm {
    /// Its name.
    pub name: String,
    /// What it adds to the variance.
    pub eps: f64,
    /// The `Scale` layer whose tensors now stand beside its own.
    pub scale: Option<String>,
    /// The layer whose bias was taken off its mean.
    pub bias_of: Option<String>,
}

/// Puts batch normalisations into the usual form. The three blobs of a `BatchNorm` `bn` become
///
/// - `bn/running_mean` and `bn/running_var`: blobs 0 and 1 divided by blob 2, or zeros where that is 0
/// - `bn/weight` and `bn/bias`: blobs 0 and 1 of a `Scale` that is alone in reading its output; zeros for the bias if
///   the `Scale` has none. Without a `Scale` there are neither.
///
/// A bias of a convolution or inner product whose output the `BatchNorm` alone reads is taken off the running mean, and
/// goes: `(x + bias) - mean = x - (mean - bias)`. The published ResNet-50 has one in front, its larger siblings do not.
///
/// `net` says which layer reads which; it may come from the weights' own file or from a prototxt.
///
/// # Errors
/// A `BatchNorm` with more or fewer than three blobs, as some forks of Caffe write, blobs that do not fit each other,
/// variances below 0, or values that are not finite.
///
/// # Source
/// BVLC/caffe, `src/caffe/layers/batch_norm_layer.cpp`.
pub fn batch_norm(net: &Net, weights: Weights) -> Result<Normalized> {
    let flow = Flow::of(net);
    let metadata = weights.metadata().cloned();
    let tensors = weights.into_parameters().into_iter();
    let mut tensors = Tensors(tensors.map(|tensor| (tensor.name().into(), tensor)).collect());
    let mut layers = Vec::new();
    for (place, layer) in net.layers.iter().enumerate() {
        if layer.kind != "BatchNorm" {
            continue;
        }
        let [sum_of_means, sum_of_variances, divisor] = tensors.blobs(layer)?;
        let divisor = match divisor.to_f32()?[..] {
            [divisor] => f64::from(divisor),
            _ => {
                let got = divisor.cells();
                return Err(layer.error(format!("blob 2 has {got} numbers; legal: 1")));
            }
        };
        let factor = if divisor == 0.0 { 0.0 } else { 1.0 / divisor };
        let mut mean: Vec<f64> = sum_of_means.values().map(|sum| sum * factor).collect();
        let variance: Vec<f64> = sum_of_variances.values().map(|sum| sum * factor).collect();
        same_size(layer, "means", mean.len(), variance.len())?;
        if let Some(channel) = variance.iter().position(|&variance| variance < 0.0) {
            let variance = variance[channel];
            return Err(layer.error(format!("channel {channel} has variance {variance}")));
        }

        let before = flow.only_source(place).map(|source| &net.layers[source]);
        let bias_of = before
            .filter(|layer| {
                matches!(&layer.kind[..], "Convolution" | "Deconvolution" | "InnerProduct")
            })
            .and_then(|layer| Some((layer, tensors.take(&format!("{}/1", layer.name))?)));
        if let Some((source, bias)) = &bias_of {
            same_size(source, "biases", bias.cells(), mean.len())?;
            mean.iter_mut().zip(bias.values()).for_each(|(mean, bias)| *mean -= bias);
        }
        tensors.add(layer, "running_mean", &mean)?;
        tensors.add(layer, "running_var", &variance)?;

        let after = flow.only_reader(place).map(|reader| &net.layers[reader]);
        let scale = match after.filter(|layer| layer.kind == "Scale" && layer.bottoms.len() == 1) {
            Some(scale) => tensors.scale(layer, scale, mean.len())?,
            None => None,
        };
        layers.push(Norm {
            name: layer.name.clone(),
            eps: layer.batch_norm()?.eps,
            scale,
            bias_of: bias_of.map(|(layer, _)| layer.name.clone()),
        });
    }
    Ok(Normalized { weights: Weights::new(metadata, tensors.0.into_values().collect())?, layers })
}

/// The tensors of all layers, by their names.
struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    fn take(&mut self, name: &str) -> Option<Tensor> {
        self.0.remove(name)
    }

    /// The three blobs of a `BatchNorm`.
    fn blobs(&mut self, layer: &Layer) -> Result<[Tensor; 3]> {
        let mut blob = |number: usize| self.take(&format!("{}/{number}", layer.name));
        match (blob(0), blob(1), blob(2), blob(3)) {
            (Some(means), Some(variances), Some(divisor), None) => Ok([means, variances, divisor]),
            (_, _, _, more) => {
                let got = if more.is_some() { "more" } else { "fewer" };
                let reason = format!(
                    "{got} than 3 blobs; legal: the sum of means, of variances, and their divisor"
                );
                Err(layer.error(reason))
            }
        }
    }

    /// Moves the tensors of a `Scale` to the `BatchNorm` before it, and gives its name.
    fn scale(&mut self, norm: &Layer, scale: &Layer, channels: usize) -> Result<Option<String>> {
        let settings = scale.scale()?;
        if settings.axis != 1 || settings.axes != 1 {
            return Ok(None);
        }
        let Some(weight) = self.take(&format!("{}/0", scale.name)) else {
            return Err(scale.error("it has no blobs".into()));
        };
        same_size(scale, "factors", weight.cells(), channels)?;
        self.add(norm, "weight", &weight.values().collect::<Vec<_>>())?;
        let bias = match self.take(&format!("{}/1", scale.name)) {
            Some(bias) => bias.values().collect(),
            None => vec![0.0; channels],
        };
        same_size(scale, "biases", bias.len(), channels)?;
        self.add(norm, "bias", &bias)?;
        Ok(Some(scale.name.clone()))
    }

    /// Adds a tensor of one axis.
    fn add(&mut self, layer: &Layer, name: &str, values: &[f64]) -> Result<()> {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let tensor = Tensor::from_f32(format!("{}/{name}", layer.name), &[values.len()], &values)?;
        match tensor.non_finite() {
            Some(fault) => Err(tensor.fault(fault)),
            None => {
                self.0.insert(tensor.name().into(), tensor);
                Ok(())
            }
        }
    }
}

fn same_size(layer: &Layer, what: &str, got: usize, expected: usize) -> Result<()> {
    match got == expected {
        true => Ok(()),
        false => Err(layer.error(format!("{got} {what}, but {expected} channels"))),
    }
}

/// Which layer reads what which layer wrote, in-place layers included.
struct Flow {
    /// For each layer, the layers that wrote its bottoms.
    sources: Vec<Vec<Option<usize>>>,
    /// For each layer, the layers that read its tops.
    readers: Vec<Vec<usize>>,
}

impl Flow {
    fn of(net: &Net) -> Self {
        let mut writer = BTreeMap::new();
        let mut sources = Vec::with_capacity(net.layers.len());
        let mut readers = vec![Vec::new(); net.layers.len()];
        for (place, layer) in net.layers.iter().enumerate() {
            let own: Vec<Option<usize>> =
                layer.bottoms.iter().map(|bottom| writer.get(bottom).copied()).collect();
            own.iter().flatten().for_each(|&source: &usize| readers[source].push(place));
            sources.push(own);
            layer.tops.iter().for_each(|top| {
                writer.insert(top, place);
            });
        }
        Self { sources, readers }
    }

    /// The layer that wrote the one bottom of a layer, if no other layer reads it.
    fn only_source(&self, place: usize) -> Option<usize> {
        match self.sources[place][..] {
            [Some(source)] if self.readers[source] == [place] => Some(source),
            _ => None,
        }
    }

    /// The one layer that reads what a layer wrote.
    fn only_reader(&self, place: usize) -> Option<usize> {
        match self.readers[place][..] {
            [reader] => Some(reader),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caffe::net_from_text;

    const NET: &str = r#"
        layer { name: "conv" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 2 kernel_size: 1 } }
        layer { name: "bn" type: "BatchNorm" bottom: "c" top: "c" batch_norm_param { eps: 0.5 } }
        layer { name: "scale" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
        layer { name: "relu" type: "ReLU" bottom: "c" top: "c" }
    "#;

    fn tensors() -> Vec<Tensor> {
        let tensor =
            |name: &str, values: &[f32]| Tensor::from_f32(name, &[values.len()], values).unwrap();
        vec![
            tensor("conv/0", &[3.0, 5.0]).reshaped(&[2, 1, 1, 1]).unwrap(),
            tensor("conv/1", &[1.0, -2.0]),
            tensor("bn/0", &[8.0, 4.0]),
            tensor("bn/1", &[2.0, 1.0]),
            tensor("bn/2", &[4.0]),
            tensor("scale/0", &[10.0, 20.0]),
            tensor("scale/1", &[0.25, 0.75]),
        ]
    }

    fn run(text: &str, tensors: Vec<Tensor>) -> Result<Normalized> {
        let net = net_from_text("f", text)?;
        batch_norm(&net, Weights::new(None, tensors)?)
    }

    fn named(done: &Normalized) -> Vec<(&str, Vec<f32>)> {
        let tensors = done.weights.tensors().iter();
        tensors.map(|tensor| (tensor.name(), tensor.to_f32().unwrap())).collect()
    }

    #[test]
    fn by_hand() {
        let done = run(NET, tensors()).unwrap();
        // Means 8/4 - 1 and 4/4 + 2; variances 2/4 and 1/4.
        let expected = [
            ("bn/bias", vec![0.25, 0.75]),
            ("bn/running_mean", vec![1.0, 3.0]),
            ("bn/running_var", vec![0.5, 0.25]),
            ("bn/weight", vec![10.0, 20.0]),
            ("conv/0", vec![3.0, 5.0]),
        ];
        assert_eq!(named(&done), expected);
        let some = |name: &str| Some(name.to_owned());
        let norm =
            Norm { name: "bn".into(), eps: 0.5, scale: some("scale"), bias_of: some("conv") };
        assert_eq!(done.layers, [norm]);
    }

    #[test]
    fn a_divisor_of_zero_gives_zeros() {
        let mut tensors = tensors();
        tensors.remove(1);
        tensors[3] = Tensor::from_f32("bn/2", &[1], &[0.0]).unwrap();
        let done = run(NET, tensors).unwrap();
        assert_eq!(
            named(&done)[1..3],
            [("bn/running_mean", vec![0.0; 2]), ("bn/running_var", vec![0.0; 2])]
        );
        assert_eq!(done.layers[0].bias_of, None);
    }

    #[test]
    fn the_result_is_the_same_function() {
        // Caffe's own order of steps against the usual form, for x = 0.5 in both channels.
        let done = run(NET, tensors()).unwrap();
        let get = |name: &str| done.weights.get(name).unwrap().to_f32().unwrap();
        for channel in 0..2 {
            let (weight, bias) = ([3.0, 5.0][channel], [1.0, -2.0][channel]);
            let (mean, variance) = ([2.0, 1.0][channel], [0.5, 0.25][channel]);
            let (gamma, beta) = ([10.0, 20.0][channel], [0.25, 0.75][channel]);
            let caffe: f32 =
                gamma * (weight * 0.5 + bias - mean) / f32::sqrt(variance + 0.5) + beta;
            let x = get("conv/0")[channel] * 0.5 - get("bn/running_mean")[channel];
            let ours = get("bn/weight")[channel] * x
                / f32::sqrt(get("bn/running_var")[channel] + done.layers[0].eps as f32)
                + get("bn/bias")[channel];
            assert!((caffe - ours).abs() < 1e-6, "{caffe} {ours}");
        }
    }

    #[test]
    fn what_others_read_stays() {
        // The convolution's own output is read twice: its bias stays. So is that of the BatchNorm: no Scale is taken.
        let text = r#"
            layer { name: "conv" type: "Convolution" bottom: "data" top: "c" }
            layer { name: "other" type: "ReLU" bottom: "c" top: "o" }
            layer { name: "bn" type: "BatchNorm" bottom: "c" top: "b" }
            layer { name: "scale" type: "Scale" bottom: "b" top: "s" }
            layer { name: "sum" type: "Eltwise" bottom: "b" bottom: "s" top: "e" }
        "#;
        let done = run(text, tensors()).unwrap();
        let names: Vec<_> = named(&done).into_iter().map(|(name, _)| name).collect();
        let kept = ["bn/running_mean", "bn/running_var", "conv/0", "conv/1", "scale/0", "scale/1"];
        assert_eq!(names, kept);
        assert_eq!(named(&done)[0].1, [2.0, 1.0]);
        let norm = &done.layers[0];
        assert_eq!((&norm.scale, &norm.bias_of, norm.eps), (&None, &None, f64::from(1e-5f32)));
    }

    #[test]
    fn a_scale_without_bias_gives_zeros() {
        let mut tensors = tensors();
        tensors.pop();
        assert_eq!(named(&run(NET, tensors).unwrap())[0], ("bn/bias", vec![0.0, 0.0]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let with = |name: &str, values: &[f32]| {
            let mut tensors = tensors();
            tensors.retain(|tensor| tensor.name() != name);
            tensors.push(Tensor::from_f32(name, &[values.len()], values).unwrap());
            run(NET, tensors).unwrap_err().to_string()
        };
        for (error, expected) in [
            (with("bn/3", &[1.0]), "layer \"bn\": more than 3 blobs; legal: the sum of means"),
            (with("bn/2", &[1.0, 2.0]), "layer \"bn\": blob 2 has 2 numbers; legal: 1"),
            (with("bn/1", &[1.0]), "layer \"bn\": 2 means, but 1 channels"),
            (with("bn/1", &[1.0, -4.0]), "layer \"bn\": channel 1 has variance -1"),
            (with("bn/0", &[1.0, f32::NAN]), "tensor \"bn/running_mean\": 1 values are not finite"),
            (with("conv/1", &[1.0]), "layer \"conv\": 1 biases, but 2 channels"),
            (with("scale/0", &[1.0]), "layer \"scale\": 1 factors, but 2 channels"),
            (with("scale/1", &[1.0]), "layer \"scale\": 1 biases, but 2 channels"),
        ] {
            assert!(error.starts_with(expected), "{error}");
        }
        let mut tensors = tensors();
        tensors.remove(4);
        let error = run(NET, tensors).unwrap_err().to_string();
        assert!(error.starts_with("layer \"bn\": fewer than 3 blobs"), "{error}");
    }
}
