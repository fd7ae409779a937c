//! The fast paths that a case runs through beside the reference.

use upconv_geometry::{ConvShape, ConvTransposeShape};
use upconv_kernels::{Algorithm, ConvPlan, ConvTransposePlan, Isa, PlanOptions};

use crate::Options;
use crate::error::ConformanceError;

/// Every wanted pair of instruction set and algorithm that this CPU has.
pub(crate) struct FastPaths {
    plans: Vec<PlanOptions>,
}

impl FastPaths {
    pub(crate) fn new(options: &Options) -> Result<Self, ConformanceError> {
        let isas = match options.isa {
            Some(isa) if !isa.is_available() => {
                return Err(ConformanceError::IsaNotAvailable { isa });
            }
            Some(isa) => vec![isa],
            None => Isa::available(),
        };
        let algorithms = match options.algorithm {
            Some(algorithm) => vec![algorithm],
            None => Algorithm::EXACT.to_vec(),
        };
        let mut plans = Vec::new();
        for &algorithm in &algorithms {
            for &isa in &isas {
                let (isa, algorithm) = (Some(isa), Some(algorithm));
                plans.push(PlanOptions { isa, algorithm, ..Default::default() });
            }
        }
        Ok(Self { plans })
    }

    /// A plan per path, with its name.
    pub(crate) fn conv_transpose(
        &self,
        shape: &ConvTransposeShape,
    ) -> upconv_kernels::Result<Vec<(String, ConvTransposePlan)>> {
        let mut named: Vec<(String, ConvTransposePlan)> = Vec::new();
        for options in &self.plans {
            let plan = ConvTransposePlan::new(shape, options)?;
            // A plan may take another algorithm than it was asked for, where that one has no meaning.
            let name = name(plan.algorithm(), plan.isa());
            if named.iter().all(|(known, _)| *known != name) {
                named.push((name, plan));
            }
        }
        Ok(named)
    }

    /// The same for a convolution.
    pub(crate) fn conv(
        &self,
        shape: &ConvShape,
    ) -> upconv_kernels::Result<Vec<(String, ConvPlan)>> {
        let mut named: Vec<(String, ConvPlan)> = Vec::new();
        for options in &self.plans {
            let plan = ConvPlan::new(shape, options)?;
            let name = name(plan.algorithm(), plan.isa());
            if named.iter().all(|(known, _)| *known != name) {
                named.push((name, plan));
            }
        }
        Ok(named)
    }
}

fn name(algorithm: Algorithm, isa: Isa) -> String {
    format!("{}/{}", algorithm.name(), isa.name())
}
