//! Operations that look across channels: local response normalisation, and zeros behind them.

use rayon::prelude::*;
use upconv_geometry::limits;

use super::graph::{Graph, Operation, Value};
use super::step::Step;
use crate::error::Result;
use crate::extent::Extent;
use crate::local_response::LocalResponse;
use crate::options::Layout;

#[derive(Debug)]
pub(super) enum Across {
    LocalResponse(LocalResponse),
    /// Behind the channels, so many as the result has more.
    Zeros,
}

impl Graph<'_> {
    /// Local response normalisation.
    ///
    /// # Errors
    /// As [`LocalResponse::check`].
    pub fn local_response(&mut self, x: Value, norm: LocalResponse) -> Result<Value> {
        norm.check()?;
        let shape = self.shape(x).to_vec();
        Ok(self.push(Operation::Across(Across::LocalResponse(norm)), &[x], shape))
    }

    /// `zeros` channels of zeros behind those of `x`.
    ///
    /// # Errors
    /// More cells than the limits allow.
    pub fn pad_channels(&mut self, x: Value, zeros: usize) -> Result<Value> {
        let mut shape = self.shape(x).to_vec();
        shape[1] = shape[1].saturating_add(zeros);
        limits::cells("output", &shape)?;
        Ok(self.push(Operation::Across(Across::Zeros), &[x], shape))
    }
}

impl Across {
    /// The operation from `x` to `y`.
    pub(super) fn prepare(self, x: Extent, y: Extent) -> Box<dyn Step> {
        match self {
            Self::LocalResponse(norm) => Box::new(Normalise { norm, extent: y }),
            Self::Zeros => Box::new(PadChannels { x, y }),
        }
    }
}

#[derive(Debug)]
struct Normalise {
    norm: LocalResponse,
    extent: Extent,
}

impl Step for Normalise {
    fn kind(&self) -> &'static str {
        "local_response"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        self.norm.forward(&self.extent, x[0], y)
    }
}

#[derive(Debug)]
struct PadChannels {
    x: Extent,
    y: Extent,
}

impl Step for PadChannels {
    fn kind(&self) -> &'static str {
        "pad_channels"
    }

    fn run(&self, x: &[&[f32]], y: &mut [f32]) -> Result<()> {
        // What lies in one piece: the planes of an image, or the channels of a cell.
        let piece = |extent: &Extent| match extent.layout {
            Layout::Nchw => extent.channels * extent.cells,
            Layout::Nhwc => extent.channels,
        };
        let (from, to) = (piece(&self.x), piece(&self.y));
        y.par_chunks_mut(to).zip(x[0].par_chunks(from)).for_each(|(y, x)| {
            let (own, zeros) = y.split_at_mut(from);
            own.copy_from_slice(x);
            zeros.fill(0.0);
        });
        Ok(())
    }
}
