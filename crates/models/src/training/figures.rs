//! What a segmentation is worth on pictures that it has not learned from.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use upconv_data::Size;
use upconv_data::augment::resize;
use upconv_data::datasets::{Labelled, Segmentation};
use upconv_nn::ops::{self, Resample};
use upconv_nn::pass::Eager;
use upconv_train::metrics::boundary::{self, BoundaryF};
use upconv_train::metrics::confusion::Confusion;
use upconv_train::{Result, Scalars, TrainError};
use upconv_weights::metadata::Input;

use super::loss::Loss;
use super::road::RoadFigures;
use crate::inference::Model;
use crate::picture;
use crate::segmentation::Shapes;

/// How a network is shown a picture of any size.
#[derive(Clone, Debug)]
pub struct View {
    /// Colours.
    pub input: Input,
    /// The picture is made so many times as large.
    pub scale: f64,
    /// What height and width must be a multiple of; the picture's border is repeated up to there.
    pub multiple: usize,
}

impl View {
    /// The scores that `network` gives a picture's pixels, before any softmax.
    ///
    /// # Shapes
    /// `[1, classes, h, w]` of the picture
    ///
    /// # Errors
    /// Those of the network; a size that is too large.
    pub fn scores(
        &self,
        network: impl Fn(Vec<f32>, [usize; 4]) -> Result<Tensor<4>>,
        photo: &Labelled,
    ) -> Result<Tensor<4>> {
        let Size { height, width } = photo.size();
        let small = resize::scaled(photo.size(), self.scale);
        let resized = match small == photo.size() {
            true => None,
            false => Some(resize::resized(photo, small).map_err(TrainError::model)?),
        };
        let rgb = resized.as_ref().unwrap_or(photo).rgb();
        let x = picture::planes(&self.input, rgb);
        let (x, [high, wide]) = picture::padded(&x, [small.height, small.width], self.multiple);
        let channels = self.input.order.channels();
        let y = network(x, [1, channels, high, wide])?;
        let y = match [high, wide] == [small.height, small.width] {
            true => y,
            false => {
                let [_, classes, ..] = y.dims();
                y.slice([0..1, 0..classes, 0..small.height, 0..small.width])
            }
        };
        Ok(match resized {
            None => y,
            Some(_) => ops::resample(y, &[height, width], Resample::LinearHalfPixel)?,
        })
    }
}

/// Sums over pictures.
#[derive(Clone, Debug)]
pub struct Figures {
    confusion: Confusion,
    /// Where there are two classes, of which the second is road.
    road: Option<RoadFigures>,
    /// Where borders are looked at.
    boundary: Option<BoundaryF>,
    loss: f64,
    pictures: usize,
}

impl Figures {
    /// No picture yet.
    ///
    /// # Errors
    /// No class, or more than 255.
    pub fn new(classes: usize) -> Result<Self> {
        let confusion = Confusion::new(classes).map_err(TrainError::model)?;
        let road = (classes == 2).then(RoadFigures::in_image);
        Ok(Self { confusion, road, boundary: None, loss: 0.0, pictures: 0 })
    }

    /// The same, which also looks at borders, with the usual tolerance for pictures of that size, and at roads from above.
    ///
    /// # Errors
    /// As [`Figures::new`].
    pub fn thorough(classes: usize, size: Size) -> Result<Self> {
        let tolerance = boundary::usual_tolerance(size.height, size.width);
        Ok(Self {
            road: (classes == 2).then(RoadFigures::everywhere),
            boundary: Some(BoundaryF::new(classes, tolerance).map_err(TrainError::model)?),
            ..Self::new(classes)?
        })
    }

    /// Adds a picture, and its calibration file.
    ///
    /// # Shapes
    /// `scores: [1, classes, h, w]` of the picture
    ///
    /// # Errors
    /// Sizes or labels that do not fit.
    pub fn add(
        &mut self,
        scores: Tensor<4>,
        photo: &Labelled,
        calibration: Option<&Path>,
        loss: &Loss,
    ) -> Result<()> {
        let (labels, size) = (photo.labels(), photo.size());
        let value = loss.of(scores.clone(), labels)?.into_data();
        let p = ops::softmax(scores)?.clamp(0.0, 1.0).into_data();
        let p: Vec<f32> = p.iter::<f32>().collect();
        let best = best(&p, labels.len());
        self.confusion.add(&best, labels).map_err(TrainError::model)?;
        if let (Some(road), Some(p)) = (&mut self.road, p.get(labels.len()..)) {
            road.add(p, labels, size, calibration)?;
        }
        if let Some(boundary) = &mut self.boundary {
            boundary.add(&best, labels, size.width).map_err(TrainError::model)?;
        }
        self.loss += value.iter::<f32>().next().map_or(0.0, f64::from);
        self.pictures += 1;
        Ok(())
    }

    /// Everything, from 0 to 1 but for the loss, which is the mean of the pictures'.
    pub fn scalars(&self) -> Scalars {
        let mut scalars = match &self.road {
            None => Scalars::new(),
            Some(road) => road.scalars(),
        };
        scalars.put("mean_iou", self.confusion.mean_iou());
        scalars.put("pixel_accuracy", self.confusion.pixel_accuracy());
        if let Some(boundary) = &self.boundary {
            scalars.put("boundary_f", boundary.mean());
        }
        scalars.with("loss", self.loss / self.pictures.max(1) as f64)
    }
}

/// The class of each pixel; the first among equals.
pub(super) fn best(p: &[f32], cells: usize) -> Vec<u8> {
    let mut classes = vec![0u8; cells];
    let mut highest = vec![f32::NEG_INFINITY; cells];
    for (class, plane) in (0..=u8::MAX).zip(p.chunks_exact(cells.max(1))) {
        for ((own, highest), &value) in classes.iter_mut().zip(&mut highest).zip(plane) {
            if value > *highest {
                (*own, *highest) = (class, value);
            }
        }
    }
    classes
}

/// Adds the first pictures of some data, `most` of them, as `network` sees them.
///
/// # Errors
/// Pictures that cannot be read, and those of the network.
pub fn measure(
    figures: &mut Figures,
    network: impl Fn(Vec<f32>, [usize; 4]) -> Result<Tensor<4>>,
    view: &View,
    data: &Segmentation,
    most: usize,
    loss: &Loss,
) -> Result<()> {
    for (index, pair) in data.pairs.iter().enumerate().take(most) {
        let photo = data.load(index).map_err(TrainError::model)?;
        let scores = view.scores(&network, &photo)?;
        figures.add(scores, &photo, pair.calibration.as_deref(), loss)?;
    }
    Ok(())
}

/// A network in training, as [`measure`] takes it.
pub fn eager(net: &impl Model) -> impl Fn(Vec<f32>, [usize; 4]) -> Result<Tensor<4>> {
    |x, shape| {
        let x = Tensor::from_data(TensorData::new(x, shape), &Device::flex());
        net.forward(&mut Eager::default(), &x).map_err(TrainError::model)
    }
}

/// A network in its inference form, as [`measure`] takes it.
pub fn compiled<M: Model>(
    shapes: &Shapes<M>,
) -> impl Fn(Vec<f32>, [usize; 4]) -> Result<Tensor<4>> {
    |x, shape| {
        let network = shapes.of(shape).map_err(TrainError::model)?;
        let &[n, c, h, w] = &network.output_shapes()[0][..] else {
            return Err(TrainError::model("the network's output is no [n, c, h, w]"));
        };
        let mut y = vec![0.0; n * c * h * w];
        network.run(&[&x], &mut [&mut y]).map_err(TrainError::model)?;
        Ok(Tensor::from_data(TensorData::new(y, [n, c, h, w]), &Device::flex()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_three_pixels_and_a_void_one() {
        // Probabilities of road: 3/4, 1/2, 1/4, and 3/4 where it is void; the first and the third are road.
        let l = 3f32.ln();
        let values = vec![0.0, 0.0, 0.0, 0.0, l, -0.01, -l, l];
        let scores = Tensor::from_data(TensorData::new(values, [1, 2, 1, 4]), &Device::flex());
        let size = Size { height: 1, width: 4 };
        let photo = Labelled::new(size, vec![0; 12], vec![1, 0, 1, 255]).unwrap();
        let mut figures = Figures::thorough(2, size).unwrap();
        figures.add(scores, &photo, None, &Loss::default()).unwrap();
        let scalars = figures.scalars();
        let get = |name: &str| scalars.get(name).unwrap();
        // Road is found once of two, and nothing else is taken for it: IoU 1/2 of both classes.
        assert_eq!((get("pixel_accuracy"), get("mean_iou")), (2.0 / 3.0, 0.5));
        // All three at threshold 0: 2 * 2 / (2 * 2 + 1).
        assert!((get("max_f") - 0.8).abs() < 1e-12);
    }

    #[test]
    fn the_first_among_equals_is_best() {
        assert_eq!(best(&[0.5, 0.1, 0.2, 0.5, 0.9, 0.1, 0.1, 0.0, 0.7], 3), [0, 1, 2]);
    }
}
