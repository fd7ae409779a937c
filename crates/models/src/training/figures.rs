//! What a segmentation is worth on pictures that it has not learned from.

use burn::tensor::{Tensor, TensorData};
use upconv_data::Size;
use upconv_data::augment::resize;
use upconv_data::datasets::{Labelled, Segmentation};
use upconv_nn::ops::{self, Resample};
use upconv_nn::pass::Eager;
use upconv_train::metrics::confusion::Confusion;
use upconv_train::metrics::road::RoadCounts;
use upconv_train::{Result, Scalars, TrainError};
use upconv_weights::metadata::Input;

use super::loss::Loss;
use crate::inference::Model;
use crate::picture;

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
    /// The scores of a picture's pixels, before any softmax.
    ///
    /// # Shapes
    /// `[1, classes, h, w]` of the picture
    ///
    /// # Errors
    /// Those of the network; a size that is too large.
    pub fn scores(&self, net: &impl Model, photo: &Labelled) -> Result<Tensor<4>> {
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
        let device = burn::tensor::Device::flex();
        let x = Tensor::from_data(TensorData::new(x, [1, channels, high, wide]), &device);
        let y = net.forward(&mut Eager::default(), &x).map_err(TrainError::model)?;
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
    road: Option<RoadCounts>,
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
        let road = (classes == 2).then(RoadCounts::new);
        Ok(Self { confusion, road, loss: 0.0, pictures: 0 })
    }

    /// Adds a picture.
    ///
    /// # Shapes
    /// `scores: [1, classes, h, w]`, `labels: [h, w]`
    ///
    /// # Errors
    /// Sizes or labels that do not fit.
    pub fn add(&mut self, scores: Tensor<4>, labels: &[u8], loss: &Loss) -> Result<()> {
        let value = loss.of(scores.clone(), labels)?.into_data();
        let p = ops::softmax(scores)?.clamp(0.0, 1.0).into_data();
        let p: Vec<f32> = p.iter::<f32>().collect();
        let best = best(&p, labels.len());
        self.confusion.add(&best, labels).map_err(TrainError::model)?;
        if let (Some(road), Some(p)) = (&mut self.road, p.get(labels.len()..)) {
            road.add(p, labels).map_err(TrainError::model)?;
        }
        self.loss += value.iter::<f32>().next().map_or(0.0, f64::from);
        self.pictures += 1;
        Ok(())
    }

    /// Everything, from 0 to 1 but for the loss, which is the mean of the pictures'.
    pub fn scalars(&self) -> Scalars {
        let mut scalars = match &self.road {
            None => Scalars::new(),
            Some(counts) => road(counts),
        };
        scalars.put("mean_iou", self.confusion.mean_iou());
        scalars.put("pixel_accuracy", self.confusion.pixel_accuracy());
        scalars.with("loss", self.loss / self.pictures.max(1) as f64)
    }
}

/// KITTI's figures of a road.
pub fn road(counts: &RoadCounts) -> Scalars {
    let figures = counts.figures();
    Scalars::new()
        .with("max_f", figures.max_f)
        .with("average_precision", figures.average_precision)
        .with("precision", figures.precision)
        .with("recall", figures.recall)
        .with("false_positive_rate", figures.false_positive_rate)
        .with("false_negative_rate", figures.false_negative_rate)
        .with("best_threshold", figures.best_threshold)
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

/// Measures a network on the first pictures of some data, `most` of them.
///
/// # Errors
/// Pictures that cannot be read, and those of the network.
pub fn measure(
    net: &impl Model,
    view: &View,
    data: &Segmentation,
    most: usize,
    loss: &Loss,
) -> Result<Figures> {
    let mut figures = Figures::new(data.classes.list().len())?;
    for index in 0..data.pairs.len().min(most) {
        let photo = data.load(index).map_err(TrainError::model)?;
        figures.add(view.scores(net, &photo)?, photo.labels(), loss)?;
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn figures_of_three_pixels_and_a_void_one() {
        // Probabilities of road: 3/4, 1/2, 1/4, and 3/4 where it is void; the first and the third are road.
        let l = 3f32.ln();
        let values = vec![0.0, 0.0, 0.0, 0.0, l, -0.01, -l, l];
        let scores = Tensor::from_data(TensorData::new(values, [1, 2, 1, 4]), &Device::flex());
        let mut figures = Figures::new(2).unwrap();
        figures.add(scores, &[1, 0, 1, 255], &Loss::default()).unwrap();
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
