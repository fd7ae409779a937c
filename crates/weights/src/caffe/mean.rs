//! A mean picture: a `.binaryproto` file, which holds one blob.

use super::blob::{self, Blob, Shape};
use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError};
use crate::protobuf::Message;
use crate::tensor::Tensor;

/// The name of the blob, as Caffe's own tools call such files `mean.binaryproto`.
pub(super) const NAME: &str = "mean";

/// The mean of many pictures: `[channels, height, width]`, most often BGR of 0 to 255.
#[derive(Clone, Debug, PartialEq)]
pub struct Mean {
    tensor: Tensor,
}

impl Mean {
    /// The mean of a tensor of three axes, or of four of which the first is 1.
    ///
    /// # Errors
    /// If it has other axes, no cells, or values that are not finite.
    pub fn new(tensor: Tensor) -> Result<Self> {
        let tensor = match *tensor.shape() {
            [1, c, h, w] => tensor.reshaped(&[c, h, w])?,
            _ => tensor,
        };
        if tensor.shape().len() != 3 || tensor.cells() == 0 {
            let got = format!("a blob of shape {:?}", tensor.shape());
            let legal = "[1, channels, height, width], or without the 1".into();
            return Err(tensor.fault(TensorFault::Value { got, legal }));
        }
        match tensor.non_finite() {
            Some(fault) => Err(tensor.fault(fault)),
            None => Ok(Self { tensor }),
        }
    }

    /// Channels, height, width.
    pub fn shape(&self) -> &[usize] {
        self.tensor.shape()
    }

    /// The mean picture itself, which Caffe subtracts before it crops.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The mean of each channel, summed in F64.
    ///
    /// ```
    /// use upconv_weights::{Tensor, caffe::Mean};
    /// let picture = Tensor::from_f32("mean", &[2, 1, 2], &[1.0, 2.0, 100.0, 102.0])?;
    /// assert_eq!(Mean::new(picture)?.per_channel(), [1.5, 101.0]);
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn per_channel(&self) -> Vec<f64> {
        let shape = self.shape();
        let area = shape[1] * shape[2];
        let cell = |index| self.tensor.value(index);
        (0..shape[0])
            .map(|c| (c * area..(c + 1) * area).map(cell).sum::<f64>() / area as f64)
            .collect()
    }
}

/// The one blob of a file, as it states its shape.
pub(super) fn read(file: &str, bytes: &Bytes) -> Result<Tensor> {
    let Blob { shape, dtype, cells } = blob::parse(Message::new(file, bytes), bytes, NAME)?;
    let shape = match shape {
        Shape::New(sizes) => sizes,
        Shape::Legacy(sizes) => sizes.into(),
    };
    if cells.is_empty() {
        let (got, legal) = ("a blob without numbers".into(), "one with some".into());
        return Err(WeightsError::tensor(file, NAME, TensorFault::Value { got, legal }));
    }
    Tensor::of(NAME.into(), dtype, shape, cells).map_err(|error| error.in_file(file))
}
