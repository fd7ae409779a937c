//! The network behind the interface that the picture pipeline calls.

use upconv_data::Segment;
use upconv_kernels::Layout;
use upconv_nn::inference::{Network, NetworkOptions};

use super::{NAME, Selfie};
use crate::error::Result;
use crate::inference;

/// The network in its inference form, for the size that its weights were trained for.
#[derive(Debug)]
pub struct SelfieSegmenter {
    network: Network,
    size: (usize, usize),
}

impl SelfieSegmenter {
    /// `size` is height and width of the network's input.
    ///
    /// # Errors
    /// A size that is no multiple of [`super::MULTIPLE`].
    pub fn new(net: &Selfie, size: (usize, usize)) -> Result<Self> {
        // Pictures have their colours side by side.
        let options = NetworkOptions { outside: Layout::Nhwc, ..Default::default() };
        let network = inference::of(net, [1, 3, size.0, size.1], &options)?;
        Ok(Self { network, size })
    }
}

impl Segment for SelfieSegmenter {
    fn name(&self) -> &str {
        NAME
    }

    fn input_size(&self) -> (usize, usize) {
        self.size
    }

    fn probabilities(&self, rgb: &[f32]) -> std::result::Result<Vec<f32>, String> {
        let (h, w) = self.size;
        if rgb.len() != h * w * 3 {
            return Err(format!("{} values for {h} x {w} RGB, which has {}", rgb.len(), h * w * 3));
        }
        let mut p = vec![0.0; h * w];
        self.network.run(&[rgb], &mut [&mut p]).map_err(|e| e.to_string())?;
        Ok(p)
    }
}
