//! Computes nets of Caffe with plain loops and sums in F64.

use std::collections::BTreeMap;

use upconv_weights::Weights;
use upconv_weights::caffe::{Layer, Net};

/// A blob: four axes, or two after an inner product.
#[derive(Clone)]
pub(crate) struct Value {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Value {
    fn at(&self, c: usize, y: usize, x: usize) -> f64 {
        self.values[(c * self.shape[2] + y) * self.shape[3] + x]
    }
}

/// What each layer gives, by the names of layers, for a batch of one.
pub(crate) fn run(net: &Net, weights: &Weights, input: Value) -> BTreeMap<String, Value> {
    let mut blobs = BTreeMap::from([(net.inputs[0].name.clone(), input)]);
    let mut outputs = BTreeMap::new();
    for layer in net.layers.iter().filter(|layer| layer.kind != "Input") {
        let x = &blobs[&layer.bottoms[0]];
        let numbers = |blob: usize| -> Option<Vec<f64>> {
            let tensor = weights.get(&format!("{}/{blob}", layer.name))?;
            Some(tensor.to_f32().unwrap().into_iter().map(f64::from).collect())
        };
        let y = match layer.kind.as_str() {
            "Convolution" => convolution(layer, x, &numbers(0).unwrap(), &numbers(1).unwrap()),
            "ReLU" => {
                let slope = layer.negative_slope().unwrap();
                each(x, |_, v| if v < 0.0 { v * slope } else { v })
            }
            "Pooling" => pooling(layer, x),
            "LRN" => lrn(layer, x),
            "InnerProduct" => inner_product(x, &numbers(0).unwrap(), &numbers(1).unwrap()),
            "Softmax" => {
                let sum: f64 = x.values.iter().map(|v| v.exp()).sum();
                each(x, |_, v| v.exp() / sum)
            }
            "BatchNorm" => {
                let [means, variances, divisor] = [0, 1, 2].map(|blob| numbers(blob).unwrap());
                let eps = layer.batch_norm().unwrap().eps;
                each(x, |c, v| {
                    (v - means[c] / divisor[0]) / (variances[c] / divisor[0] + eps).sqrt()
                })
            }
            "Scale" => {
                let [scale, bias] = [0, 1].map(|blob| numbers(blob).unwrap());
                each(x, |c, v| v * scale[c] + bias[c])
            }
            other => panic!("{other}"),
        };
        outputs.insert(layer.name.clone(), y.clone());
        blobs.insert(layer.tops[0].clone(), y);
    }
    outputs
}

fn each(x: &Value, f: impl Fn(usize, f64) -> f64) -> Value {
    let area: usize = x.shape[2..].iter().product();
    let values = x.values.iter().enumerate().map(|(n, &v)| f(n / area, v)).collect();
    Value { shape: x.shape.clone(), values }
}

fn convolution(layer: &Layer, x: &Value, weight: &[f64], bias: &[f64]) -> Value {
    let own = layer.convolution().unwrap();
    let [kh, kw] = own.kernel;
    let size = |axis: usize| {
        (x.shape[2 + axis] + 2 * own.pad[axis] - own.kernel[axis]) / own.stride[axis] + 1
    };
    let (oh, ow) = (size(0), size(1));
    let inputs = x.shape[1] / own.groups;
    let mut values = Vec::new();
    for o in 0..own.outputs {
        let first = o / (own.outputs / own.groups) * inputs;
        for y in 0..oh {
            for z in 0..ow {
                let mut sum = bias[o];
                for c in 0..inputs {
                    for i in 0..kh {
                        for j in 0..kw {
                            let (row, column) = (y * own.stride[0] + i, z * own.stride[1] + j);
                            let inside = (own.pad[0]..x.shape[2] + own.pad[0]).contains(&row)
                                && (own.pad[1]..x.shape[3] + own.pad[1]).contains(&column);
                            if inside {
                                let tap = weight[((o * inputs + c) * kh + i) * kw + j];
                                sum += tap * x.at(first + c, row - own.pad[0], column - own.pad[1]);
                            }
                        }
                    }
                }
                values.push(sum);
            }
        }
    }
    Value { shape: vec![1, own.outputs, oh, ow], values }
}

/// The largest of windows without padding, of which the last may hang over.
fn pooling(layer: &Layer, x: &Value) -> Value {
    let own = layer.pooling().unwrap();
    let kernel = own.kernel.unwrap();
    let size = |axis: usize| (x.shape[2 + axis] - kernel[axis]).div_ceil(own.stride[axis]) + 1;
    let (oh, ow) = (size(0), size(1));
    let mut values = Vec::new();
    for c in 0..x.shape[1] {
        for y in 0..oh {
            for z in 0..ow {
                let (top, left) = (y * own.stride[0], z * own.stride[1]);
                let mut largest = f64::NEG_INFINITY;
                for row in top..(top + kernel[0]).min(x.shape[2]) {
                    for column in left..(left + kernel[1]).min(x.shape[3]) {
                        largest = largest.max(x.at(c, row, column));
                    }
                }
                values.push(largest);
            }
        }
    }
    Value { shape: vec![1, x.shape[1], oh, ow], values }
}

fn lrn(layer: &Layer, x: &Value) -> Value {
    let own = layer.lrn().unwrap();
    let (channels, half) = (x.shape[1], own.size / 2);
    let mut values = Vec::new();
    for c in 0..channels {
        for y in 0..x.shape[2] {
            for z in 0..x.shape[3] {
                let near = c.saturating_sub(half)..(c + half + 1).min(channels);
                let sum: f64 = near.map(|c| x.at(c, y, z).powi(2)).sum();
                let scale = own.k + own.alpha / own.size as f64 * sum;
                values.push(x.at(c, y, z) / scale.powf(own.beta));
            }
        }
    }
    Value { shape: x.shape.clone(), values }
}

fn inner_product(x: &Value, weight: &[f64], bias: &[f64]) -> Value {
    let rows = weight.chunks(x.values.len()).zip(bias);
    let values =
        rows.map(|(row, bias)| row.iter().zip(&x.values).map(|(w, x)| w * x).sum::<f64>() + bias);
    Value { shape: vec![1, bias.len()], values: values.collect() }
}
