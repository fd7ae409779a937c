//! The network behind the interface that the picture pipeline calls.

use upconv_data::{Segment, Size};
use upconv_kernels::Layout;
use upconv_nn::inference::{Network, NetworkOptions};

use super::{NAME, Selfie};
use crate::error::Result;
use crate::inference;

/// The network in its inference form, for the size that its weights were trained for.
#[derive(Debug)]
pub struct SelfieSegmenter {
    network: Network,
    size: Size,
}

impl SelfieSegmenter {
    /// `size` is that of the network's input.
    ///
    /// # Errors
    /// A size that is no multiple of [`super::MULTIPLE`].
    pub fn new(net: &Selfie, size: Size) -> Result<Self> {
        // Pictures have their colours side by side.
        let options = NetworkOptions { outside: Layout::Nhwc, ..Default::default() };
        let network = inference::of(net, [1, 3, size.height, size.width], &options)?;
        Ok(Self { network, size })
    }
}

impl Segment for SelfieSegmenter {
    fn name(&self) -> &str {
        NAME
    }

    fn input_size(&self, _photo: Size) -> Size {
        self.size
    }

    fn probabilities(&self, rgb: &[f32], size: Size) -> std::result::Result<Vec<f32>, String> {
        if size != self.size || rgb.len() != size.pixels() * 3 {
            return Err(format!("{} values for {size} RGB, not {}", rgb.len(), self.size));
        }
        let mut p = vec![0.0; size.pixels()];
        self.network.run(&[rgb], &mut [&mut p]).map_err(|e| e.to_string())?;
        Ok(p)
    }
}
