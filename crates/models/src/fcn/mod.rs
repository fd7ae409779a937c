//! Fully convolutional networks: a classifier's trunk, scores for every cell of its maps, and a way up to the picture.
//!
//! Long, Shelhamer and Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015), on VGG-16 after Simonyan
//! and Zisserman (2014); KittiSeg's road segmentation (Teichmann, Weber, Zoellner, Cipolla, Urtasun, "MultiNet", 2016) is
//! the same with two classes, and exists on ResNets and without the layers of the classifier as well.
//!
//! | part | shape at `[n, 3, h, w]`, rounded up |
//! | --- | --- |
//! | `block1` .. `block5`: 3x3 convolutions and ReLU, then pooling by 2 | `[n, 512, h/32, w/32]` |
//! | `fc6` 7x7, `fc7` 1x1, both with ReLU and dropout, `score` 1x1 | `[n, classes, h/32, w/32]` |
//! | `up2`, k4 s2, and what `score4` makes of block 4 | `[n, classes, h/16, w/16]` |
//! | `up4`, k4 s2, and what `score3` makes of block 3 | `[n, classes, h/8, w/8]` |
//! | `up8`, k16 s8 | `[n, classes, h, w]` |
//!
//! FCN-16s goes from `h/16` to the picture with `up16`, FCN-32s from `h/32` with `up32`.

mod config;
mod decoder;
mod initial;
mod names;
#[cfg(test)]
mod tests;
mod trunk;

use burn::module::Module;
use burn::tensor::Device;
use upconv_nn::layers::{Conv2d, Conv2dConfig};
use upconv_nn::pass::{Activation, Pass};

use crate::error::Result;
use crate::inference::Model;
pub use config::{Crop, FcnConfig, Form, Trunk};
use decoder::{Up, part};
pub use initial::initial;
pub use names::{load_vgg, vgg_names};
use trunk::Part;

/// The name on the command line and in weight files.
pub const NAME: &str = "fcn8s";

/// The name of the networks for roads.
pub const KITTISEG: &str = "kittiseg";

/// The network.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use upconv_models::fcn::{Fcn, FcnConfig};
/// use upconv_models::inference::Model;
/// use upconv_nn::pass::Eager;
/// let net = Fcn::new(&FcnConfig::small().with_width(0.125), &Device::flex())?;
/// let y = net.forward(&mut Eager::default(), &Tensor::zeros([1, 3, 37, 50], &Device::flex()))?;
/// assert_eq!(y.dims(), [1, 2, 37, 50]);
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Fcn {
    block1: Vec<Part>,
    block2: Vec<Part>,
    block3: Vec<Part>,
    block4: Vec<Part>,
    block5: Vec<Part>,
    fc6: Option<Conv2d>,
    fc7: Option<Conv2d>,
    score: Conv2d,
    score4: Option<Conv2d>,
    score3: Option<Conv2d>,
    up2: Option<Up>,
    up4: Option<Up>,
    up8: Option<Up>,
    up16: Option<Up>,
    up32: Option<Up>,
    #[module(skip)]
    form: Form,
    dropout: f64,
}

impl Fcn {
    /// A network with random weights.
    ///
    /// # Errors
    /// Settings that do not go together; numbers of channels that make a weight too large.
    pub fn new(config: &FcnConfig, device: &Device) -> Result<Self> {
        config.check()?;
        let FcnConfig { classes, finest, form, dropout, .. } = *config;
        let channels = config.trunk.channels();
        let block = |number| trunk::block(config, number, device);
        let score = |channels| Conv2dConfig::new([channels, classes], [1, 1]).init(device);
        let up = |wanted: bool, factor: usize| {
            wanted.then(|| Up::new(config, factor, device)).transpose()
        };
        let (fc6, fc7) = match trunk::head(config, device)? {
            None => (None, None),
            Some([fc6, fc7]) => (Some(fc6), Some(fc7)),
        };
        let top = fc7.as_ref().map_or(channels[4], |fc7| fc7.weight.lazy_shape()[0]);
        Ok(Self {
            block1: block(0)?,
            block2: block(1)?,
            block3: block(2)?,
            block4: block(3)?,
            block5: block(4)?,
            fc6,
            fc7,
            score: score(top)?,
            score4: (finest <= 16).then(|| score(channels[3])).transpose()?,
            score3: (finest <= 8).then(|| score(channels[2])).transpose()?,
            up2: up(finest <= 16, 2)?,
            up4: up(finest <= 8, 2)?,
            up8: up(finest == 8, 8)?,
            up16: up(finest == 16, 16)?,
            up32: up(finest == 32, 32)?,
            form,
            dropout,
        })
    }

    /// The maps of blocks 3, 4 and 5.
    fn maps<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<[P::Value; 3]> {
        let run = |pass: &mut P, parts: &[&Vec<Part>], x: &P::Value| -> Result<P::Value> {
            let mut x = x.clone();
            for part in parts.iter().copied().flatten() {
                x = part.forward(pass, &x)?;
            }
            Ok(x)
        };
        let map3 = run(pass, &[&self.block1, &self.block2, &self.block3], x)?;
        let map4 = run(pass, &[&self.block4], &map3)?;
        let map5 = run(pass, &[&self.block5], &map4)?;
        Ok([map3, map4, map5])
    }

    /// Scores as large as the map that `skip` makes, and that map, in one size and place. `skip_begin` is where in the
    /// skip's map the scores lie in Caffe's form.
    fn join<P: Pass>(
        &self,
        pass: &mut P,
        up: &Up,
        x: &P::Value,
        skip: &P::Value,
        skip_begin: usize,
    ) -> Result<P::Value> {
        let [_, _, h, w] = pass.shape(skip);
        match self.form {
            Form::Same { crop } => {
                let x = up.to(pass, x, [h, w], crop)?;
                Ok(pass.add(&x, skip)?)
            }
            Form::Caffe => {
                let x = up.whole(pass, x)?;
                let [_, _, h, w] = pass.shape(&x);
                let skip = part(pass, skip, [skip_begin; 2], [h, w])?;
                Ok(pass.add(&x, &skip)?)
            }
        }
    }
}

/// Caffe's offsets, from where a cell's centre lies in the picture: cell `o` of block 3 at `8 o - 95.5`, of block 4 at
/// `16 o - 91.5` (three and four poolings, and the 100 zeros less the first convolution's border), of `score` at
/// `32 o + 12.5` (five poolings, and three cells lost in `fc6`). A transposed convolution of factor `s` and kernel `2 s`
/// puts the centre of cell `o` at `s o + s - 1/2` of its own.
mod caffe {
    /// In `score4`: `up2` begins at `12.5 - 24 = -11.5`, and `(91.5 - 11.5) / 16 = 5`.
    pub(super) const SCORE4: usize = 5;
    /// In `score3`: `up4` begins at `-11.5 - 12 = -23.5`, and `(95.5 - 23.5) / 8 = 9`.
    pub(super) const SCORE3: usize = 9;
    /// In `up8`, which begins at `-23.5 - 7.5`.
    pub(super) const UP8: usize = 31;
    /// In `up16`, which begins at `-11.5 - 15.5`.
    pub(super) const UP16: usize = 27;
    /// In `up32`, which begins at `12.5 - 31.5`.
    pub(super) const UP32: usize = 19;
}

impl Model for Fcn {
    /// A score for every class and pixel, before any softmax: `[n, 3, h, w] -> [n, classes, h, w]`, any height and width.
    ///
    /// # Errors
    /// Another number of channels.
    fn forward<P: Pass>(&self, pass: &mut P, x: &P::Value) -> Result<P::Value> {
        let [_, _, h, w] = pass.shape(x);
        let [map3, map4, mut x] = self.maps(pass, x)?;
        for fc in [&self.fc6, &self.fc7].into_iter().flatten() {
            x = pass.conv(fc, &x)?;
            x = pass.activation(Activation::Relu, x)?;
            x = pass.dropout(self.dropout, &x)?;
        }
        x = pass.conv(&self.score, &x)?;
        let steps = [
            (&self.up2, &self.score4, &map4, caffe::SCORE4),
            (&self.up4, &self.score3, &map3, caffe::SCORE3),
        ];
        for (up, score, map, begin) in steps {
            if let (Some(up), Some(score)) = (up, score) {
                let skip = pass.conv(score, map)?;
                x = self.join(pass, up, &x, &skip, begin)?;
            }
        }
        let last = [(&self.up8, caffe::UP8), (&self.up16, caffe::UP16), (&self.up32, caffe::UP32)];
        for (up, begin) in last {
            let Some(up) = up else { continue };
            x = match self.form {
                Form::Same { crop } => up.to(pass, &x, [h, w], crop)?,
                Form::Caffe => {
                    let y = up.whole(pass, &x)?;
                    part(pass, &y, [begin; 2], [h, w])?
                }
            };
        }
        Ok(x)
    }
}
