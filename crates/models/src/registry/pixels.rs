//! What the entries of networks that give every pixel its class share.

use serde::de::DeserializeOwned;
use upconv_data::Segment;
use upconv_weights::Weights;

use crate::error::Result;
use crate::inference::Model;
use crate::segmentation::{SegmentOptions, Segmenter};
use crate::{picture, selftest, stored};

/// Height and width of a self-test's picture: a multiple of what any of the networks needs.
const SELF_TEST: [usize; 2] = [64, 96];

/// How far a score of the self-test may be off: other processors round otherwise.
const SELF_TEST_TOLERANCE: f64 = 5e-3;

/// A network by its name, and how it is made of its settings.
pub(super) struct Pixels<C, M> {
    /// What `--model` calls it.
    pub(super) entry: &'static str,
    /// The model of its weights.
    pub(super) name: &'static str,
    /// What height and width of its input are a multiple of.
    pub(super) multiple: usize,
    pub(super) net: fn(&C) -> Result<M>,
}

impl<C: DeserializeOwned, M: Model + Sync + 'static> Pixels<C, M> {
    /// The network of weights in our own names; errors call them `file`.
    fn load(&self, file: &str, weights: &Weights) -> Result<M> {
        let config: C = stored::settings(self.name, file, weights)?;
        stored::filled((self.net)(&config)?, file, weights)
    }

    pub(super) fn segmenter(
        &self,
        file: &str,
        weights: &Weights,
        options: &SegmentOptions,
    ) -> Result<Box<dyn Segment>> {
        let net = self.load(file, weights)?;
        Ok(Box::new(Segmenter::new(self.entry, net, self.multiple, weights, options)?))
    }

    /// A grey band that narrows upwards between two of green, with the sky above it: a road, if anything.
    pub(super) fn with_selftest(&self, weights: Weights) -> Result<Weights> {
        let net = self.load(self.name, &weights)?;
        let [height, width] = SELF_TEST;
        let pixel = |at: usize| {
            let (row, column) = (at / width, at % width);
            let grain = (row * 7 + column * 13) % 16;
            let is_road = column.abs_diff(width / 2) < row.saturating_sub(20);
            let colour = match (row < 24, is_road) {
                (true, _) => [120, 170, 230],
                (_, true) => [110, 110, 115],
                _ => [70, 130, 50],
            };
            colour.map(|value| (value + grain) as u8)
        };
        let rgb: Vec<u8> = (0..height * width).flat_map(pixel).collect();
        let input = weights.metadata().and_then(|metadata| metadata.input.clone());
        let input = input.unwrap_or_else(|| picture::unit(SELF_TEST));
        let shape = [1, input.order.channels(), height, width];
        let x = picture::planes(&input, &rgb);
        selftest::with(&net, weights, &x, shape, SELF_TEST_TOLERANCE)
    }

    pub(super) fn verify(&self, file: &str, weights: &Weights) -> Result<Option<f64>> {
        selftest::verify(self.name, &self.load(file, weights)?, file, weights)
    }
}
