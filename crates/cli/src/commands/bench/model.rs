//! A whole model made ready, with weights of a file.

use std::path::Path;

use serde::Deserialize;
use upconv_kernels::inference::{Network, NetworkOptions};
use upconv_kernels::{Aligned, FastMath, Layout};
use upconv_models::inference::{self, StoredParameters};
use upconv_weights::Weights;

use super::problem::Sums;
use super::values::{self, Order, Seed};

/// The variable that names the file with the weights of all models, each tensor called `MODEL.NAME`.
pub(super) const WEIGHTS: &str = "UPCONV_BENCH_WEIGHTS";

/// A model and the shape of its input, `[n, c, h, w]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ModelWorkload {
    model: String,
    shape: [usize; 4],
}

/// A model with everything that a run needs.
#[derive(Debug)]
pub(super) struct ModelProblem {
    network: Network,
    order_of_y: Order,
    x: Aligned,
    y: Aligned,
}

impl ModelProblem {
    /// # Errors
    /// Weights that do not fit; no memory.
    pub(super) fn new(
        workload: &ModelWorkload,
        file: &Path,
        layout: Layout,
        fast_math: FastMath,
    ) -> Result<Self, String> {
        let ModelWorkload { model, shape } = workload;
        let weights = Weights::map(file).map_err(|error| error.to_string())?;
        let (name, prefix) = (file.display().to_string(), format!("{model}."));
        let stored = StoredParameters { file: &name, weights: &weights, prefix: &prefix };
        let options = NetworkOptions { outside: layout, fast_math, ..Default::default() };
        let network = inference::compile(model, stored, *shape, &options);
        let network = network.map_err(|error| error.to_string())?;
        let zeros = |shape: &[usize]| {
            let cells = shape.iter().product();
            Aligned::try_zeros(cells).map_err(|_| format!("there is no memory for {cells} numbers"))
        };
        let (mut x, order) = (zeros(shape)?, Order::new(layout, shape));
        (0..x.len()).for_each(|i| x[order.place(i)] = values::value(Seed::Input, i));
        let out = network.output_shapes().first().ok_or("the model has no output")?;
        let (y, order_of_y) = (zeros(out)?, Order::new(layout, out));
        Ok(Self { network, order_of_y, x, y })
    }

    pub(super) fn run(&mut self) -> Result<(), String> {
        let Self { network, x, y, .. } = self;
        network.run(&[x], &mut [y]).map_err(|error| error.to_string())
    }

    /// The sums over the output, of which every element must be written.
    pub(super) fn check(&mut self) -> Result<Sums, String> {
        self.y.fill(f32::NAN);
        self.run()?;
        Ok(Sums::of(&self.y, self.order_of_y))
    }
}
