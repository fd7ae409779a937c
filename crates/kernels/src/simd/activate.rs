//! Activations of many values, compiled for each instruction set.

use super::loops::Loops;
use super::vector::{Kernel, Vector};
use crate::options::Activation;

/// An activation applied to values.
pub(crate) struct Activate<'a> {
    pub(crate) activation: Activation,
    pub(crate) values: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        self.activation.apply_all(self.values);
    }
}

impl Loops for Activate<'_> {
    #[inline(always)]
    fn run(self) {
        self.activation.apply_all(self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Detected, Isa};
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_bits_of_a_value_alone() {
        let values: Vec<f32> = (-3000..3000).map(|n| n as f32 * 0.037).collect();
        for activation in Activation::SOME {
            let alone: Vec<u32> = values.iter().map(|&v| activation.apply(v).to_bits()).collect();
            for isa in Isa::available() {
                let mut many = values.clone();
                let detected = Detected::choose(Some(isa)).expect("it is available");
                detected.run(Activate { activation, values: &mut many });
                let bits: Vec<u32> = many.iter().map(|v| v.to_bits()).collect();
                assert!(bits == alone, "{activation:?} {isa:?}");
            }
        }
    }
}
