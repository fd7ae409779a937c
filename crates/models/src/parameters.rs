//! The parameters of a network by name, for loading, saving and checking.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};
use upconv_nn::layers::{Conv2d, ConvTranspose2d};

use crate::error::Result;

/// A parameter as a flat list with its shape, to be read or replaced.
pub(crate) trait Slot {
    fn shape(&self) -> Vec<usize>;
    /// Puts values in; there are as many as the shape says.
    fn set(&mut self, values: Vec<f32>);
}

impl<const D: usize> Slot for Param<Tensor<D>> {
    fn shape(&self) -> Vec<usize> {
        self.dims().to_vec()
    }

    fn set(&mut self, values: Vec<f32>) {
        let device = self.device();
        let data = TensorData::new(values, self.dims());
        *self = Param::from_tensor(Tensor::from_data(data, &device));
    }
}

/// Called with the full name of a parameter.
pub(crate) type Visit<'a> = dyn FnMut(&str, &mut dyn Slot) -> Result<()> + 'a;

/// Whatever has parameters: every one is visited once, in the order of the network.
pub(crate) trait Parameters {
    fn each_parameter(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<()>;
}

impl Parameters for Conv2d {
    fn each_parameter(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<()> {
        visit(&format!("{name}.weight"), &mut self.weight)?;
        match &mut self.bias {
            Some(bias) => visit(&format!("{name}.bias"), bias),
            None => Ok(()),
        }
    }
}

impl Parameters for ConvTranspose2d {
    fn each_parameter(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<()> {
        visit(&format!("{name}.weight"), &mut self.weight)?;
        match &mut self.bias {
            Some(bias) => visit(&format!("{name}.bias"), bias),
            None => Ok(()),
        }
    }
}
