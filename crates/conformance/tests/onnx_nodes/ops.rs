//! ONNX nodes put to our operations.

use crate::proto::{Attribute, Node, Tensor};
use upconv_geometry::dialect::onnx::{AutoPad, ConvTranspose};
use upconv_kernels::reference::conv_transpose::conv_transpose;
use upconv_kernels::reference::max_unpool::{OnnxMaxUnpool, onnx_max_unpool};
use upconv_kernels::reference::pixel_shuffle::{BlockShuffle, ChannelAxis, DepthOrder};
use upconv_kernels::reference::resize::{resize, resized_shape};
use upconv_kernels::reference::resize_coordinates::{Coordinates, Rounding};
use upconv_kernels::reference::resize_dialects::{OnnxMode, OnnxResize, OnnxTarget};
use upconv_kernels::{Algorithm, ConvTransposePlan, Isa, PlanOptions};

/// What one path made of a node.
pub(crate) struct Output {
    pub(crate) path: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// A node with its inputs; an optional input that is left out is `None`.
pub(crate) struct Operator<'a> {
    node: &'a Node,
    inputs: &'a [Option<&'a Tensor>],
}

impl<'a> Operator<'a> {
    pub(crate) fn new(node: &'a Node, inputs: &'a [Option<&'a Tensor>]) -> Self {
        Self { node, inputs }
    }

    pub(crate) fn run(&self) -> Result<Vec<Output>, String> {
        match self.node.op_type.as_str() {
            "ConvTranspose" => self.conv_transpose(),
            "MaxUnpool" => Ok(vec![self.max_unpool()?]),
            "Resize" => Ok(vec![self.resize()?]),
            "DepthToSpace" => Ok(vec![self.depth_to_space()?]),
            other => Err(format!("operator {other} is not ours")),
        }
    }

    fn input(&self, at: usize) -> Option<&'a Tensor> {
        self.inputs.get(at).copied().flatten()
    }

    fn needed(&self, at: usize) -> Result<&'a Tensor, String> {
        self.input(at).ok_or_else(|| format!("input {at} is missing"))
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.node.attribute.iter().find(|a| a.name == name)
    }

    fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.attribute(name).map(|a| a.ints.clone())
    }

    fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.i)
    }

    fn text(&self, name: &str, default: &str) -> String {
        self.attribute(name).map_or(default.into(), |a| String::from_utf8_lossy(&a.s).into_owned())
    }

    /// Every attribute must be one that the caller reads.
    fn only(&self, known: &[&str]) -> Result<(), String> {
        match self.node.attribute.iter().find(|a| !known.contains(&a.name.as_str())) {
            Some(unknown) => Err(format!("attribute {} is not read", unknown.name)),
            None => Ok(()),
        }
    }

    fn conv_transpose(&self) -> Result<Vec<Output>, String> {
        self.only(&[
            "auto_pad",
            "dilations",
            "group",
            "kernel_shape",
            "output_padding",
            "output_shape",
            "pads",
            "strides",
        ])?;
        let (x, w, b) = (self.needed(0)?, self.needed(1)?, self.input(2));
        let op = ConvTranspose {
            strides: self.ints("strides").unwrap_or_default(),
            pads: self.ints("pads"),
            auto_pad: AutoPad::from_name(&self.text("auto_pad", "NOTSET"))
                .map_err(|e| e.to_string())?,
            dilations: self.ints("dilations").unwrap_or_default(),
            group: self.int("group", 1),
            output_padding: self.ints("output_padding").unwrap_or_default(),
            output_shape: self.ints("output_shape"),
            kernel_shape: self.ints("kernel_shape"),
            allow_negative_pads: false,
        };
        let bias = b.map(Tensor::floats);
        let shape = op
            .shape(&x.shape(), &w.shape(), bias.as_ref().map(Vec::len))
            .map_err(|e| e.to_string())?;
        let (x, w) = (x.floats(), w.floats());
        let values = conv_transpose(&shape, &x, &w, bias.as_deref()).map_err(|e| e.to_string())?;
        let mut outputs = vec![Output { path: "reference".into(), shape: shape.y(), values }];
        for isa in Isa::available() {
            for algorithm in Algorithm::EXACT {
                let options = PlanOptions {
                    isa: Some(isa),
                    algorithm: Some(algorithm),
                    ..Default::default()
                };
                let plan = ConvTransposePlan::new(&shape, &options).map_err(|e| e.to_string())?;
                let mut y = vec![f32::NAN; outputs[0].values.len()];
                plan.forward(&x, &w, bias.as_deref(), &mut y).map_err(|e| e.to_string())?;
                outputs.push(Output {
                    path: format!("{}/{}", algorithm.name(), isa.name()),
                    shape: shape.y(),
                    values: y.iter().map(|&v| f64::from(v)).collect(),
                });
            }
        }
        Ok(outputs)
    }

    fn max_unpool(&self) -> Result<Output, String> {
        self.only(&["kernel_shape", "pads", "strides"])?;
        let (x, indices) = (self.needed(0)?, self.needed(1)?);
        let sizes = |name| -> Vec<usize> {
            let list = self.ints(name).unwrap_or_default();
            list.iter().map(|&v| usize::try_from(v).unwrap_or(0)).collect()
        };
        let op = OnnxMaxUnpool {
            kernel_shape: sizes("kernel_shape"),
            strides: sizes("strides"),
            pads: self.ints("pads").unwrap_or_default(),
            output_shape: self.input(2).map(Tensor::ints),
        };
        let (_, shape) = op.output(&x.shape()).map_err(|e| e.to_string())?;
        let y = onnx_max_unpool(&op, &x.shape(), &x.floats(), &indices.shape(), &indices.ints())
            .map_err(|e| e.to_string())?;
        let values = y.iter().map(|&v| f64::from(v)).collect();
        Ok(Output { path: "reference".into(), shape, values })
    }

    fn depth_to_space(&self) -> Result<Output, String> {
        self.only(&["blocksize", "mode"])?;
        let x = self.needed(0)?;
        let shuffle = BlockShuffle {
            factor: usize::try_from(self.int("blocksize", 0)).unwrap_or(0),
            order: if self.text("mode", "DCR") == "CRD" {
                DepthOrder::Crd
            } else {
                DepthOrder::Dcr
            },
            channel_axis: ChannelAxis::First,
        };
        let shape = shuffle.to_space(&x.shape()).map_err(|e| e.to_string())?;
        let y = shuffle.depth_to_space(&x.shape(), &x.floats()).map_err(|e| e.to_string())?;
        let values = y.iter().map(|&v| f64::from(v)).collect();
        Ok(Output { path: "reference".into(), shape, values })
    }

    fn resize(&self) -> Result<Output, String> {
        self.only(&[
            "antialias",
            "axes",
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
            "mode",
            "nearest_mode",
        ])?;
        let x = self.needed(0)?;
        let op = OnnxResize {
            mode: match self.text("mode", "nearest").as_str() {
                "nearest" => OnnxMode::Nearest,
                "linear" => OnnxMode::Linear,
                "cubic" => OnnxMode::Cubic,
                other => return Err(format!("mode {other}")),
            },
            coordinates: self.coordinates()?,
            nearest_mode: match self.text("nearest_mode", "round_prefer_floor").as_str() {
                "round_prefer_floor" => Rounding::RoundPreferFloor,
                "round_prefer_ceil" => Rounding::RoundPreferCeil,
                "floor" => Rounding::Floor,
                "ceil" => Rounding::Ceil,
                other => return Err(format!("nearest_mode {other}")),
            },
            cubic_coeff_a: self.attribute("cubic_coeff_a").map_or(-0.75, |a| f64::from(a.f)),
            exclude_outside: self.int("exclude_outside", 0) != 0,
            antialias: self.int("antialias", 0) != 0,
            axes: self.ints("axes"),
            target: self.target()?,
        };
        let (method, axes) = op.resolve(&x.shape()).map_err(|e| e.to_string())?;
        let shape = resized_shape(&x.shape(), &axes).map_err(|e| e.to_string())?;
        let values = resize(&method, &x.shape(), &axes, &x.floats()).map_err(|e| e.to_string())?;
        Ok(Output { path: "reference".into(), shape, values })
    }

    fn coordinates(&self) -> Result<Coordinates, String> {
        Ok(match self.text("coordinate_transformation_mode", "half_pixel").as_str() {
            "half_pixel" => Coordinates::HalfPixel,
            "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
            "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
            "align_corners" => Coordinates::AlignCorners,
            "asymmetric" => Coordinates::Asymmetric,
            "tf_crop_and_resize" => {
                let roi = self.needed(1)?.floats();
                let (starts, ends) = roi.split_at(roi.len() / 2);
                let pair = |(&s, &e): (&f32, &f32)| (f64::from(s), f64::from(e));
                let extrapolation =
                    self.attribute("extrapolation_value").map_or(0.0, |a| f64::from(a.f));
                Coordinates::CropAndResize {
                    roi: starts.iter().zip(ends).map(pair).collect(),
                    extrapolation,
                }
            }
            other => return Err(format!("coordinate_transformation_mode {other}")),
        })
    }

    /// Scales are input 2, sizes input 3; an empty tensor is one left out.
    fn target(&self) -> Result<OnnxTarget, String> {
        if let Some(scales) = self.input(2).filter(|s| s.shape() != [0]) {
            return Ok(OnnxTarget::Scales(scales.floats()));
        }
        let sizes = self.needed(3)?.ints();
        Ok(match self.text("keep_aspect_ratio_policy", "stretch").as_str() {
            "stretch" => OnnxTarget::Sizes(sizes),
            "not_larger" => OnnxTarget::NotLarger(sizes),
            "not_smaller" => OnnxTarget::NotSmaller(sizes),
            other => return Err(format!("keep_aspect_ratio_policy {other}")),
        })
    }
}
