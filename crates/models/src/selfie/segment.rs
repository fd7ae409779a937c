//! The network behind the interface that the picture pipeline calls.

use burn::tensor::{Device, Tensor, TensorData};
use upconv_data::Segment;

use super::{NAME, Selfie};

/// The network with the size that its weights were trained for.
#[derive(Debug)]
pub struct SelfieSegmenter {
    net: Selfie,
    device: Device,
    size: (usize, usize),
}

impl SelfieSegmenter {
    /// `size` is height and width of the network's input.
    pub fn new(net: Selfie, device: Device, size: (usize, usize)) -> Self {
        Self { net, device, size }
    }

    /// The network.
    pub fn net(&self) -> &Selfie {
        &self.net
    }
}

impl Segment for SelfieSegmenter {
    fn name(&self) -> &str {
        NAME
    }

    fn input_size(&self) -> (usize, usize) {
        self.size
    }

    fn probabilities(&self, rgb: &[f32]) -> Result<Vec<f32>, String> {
        let (h, w) = self.size;
        if rgb.len() != h * w * 3 {
            return Err(format!("{} values for {h} x {w} RGB, which has {}", rgb.len(), h * w * 3));
        }
        let image = Tensor::<3>::from_data(TensorData::new(rgb.to_vec(), [h, w, 3]), &self.device);
        let x = image.permute([2, 0, 1]).unsqueeze::<4>();
        let p = self.net.forward(x).map_err(|e| e.to_string())?;
        p.into_data().try_into_vec::<f32>().map_err(|e| format!("{e:?}"))
    }
}
