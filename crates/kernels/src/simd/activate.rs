//! Activations of many values, compiled for each instruction set.

use super::vector::{Kernel, Vector};
use super::{Detected, Isa};
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

impl Detected {
    /// Every value becomes what the activation makes of it: the same bits for every instruction set.
    pub(crate) fn activate(self, activation: Activation, values: &mut [f32]) {
        let kernel = Activate { activation, values };
        match self.isa() {
            Isa::Portable => kernel.activation.apply_all(kernel.values),
            // SAFETY: the CPU has the instruction set, as `Detected` says.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { <std::arch::x86_64::__m256 as Vector>::run(kernel) },
            // SAFETY: the same.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { <std::arch::x86_64::__m512 as Vector>::run(kernel) },
            #[cfg(not(target_arch = "x86_64"))]
            _ => kernel.activation.apply_all(kernel.values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instruction_set_gives_the_bits_of_a_value_alone() {
        let values: Vec<f32> = (-3000..3000).map(|n| n as f32 * 0.037).collect();
        for activation in [
            Activation::None,
            Activation::Relu,
            Activation::LeakyRelu { slope: 0.2 },
            Activation::Tanh,
            Activation::Sigmoid,
        ] {
            let alone: Vec<u32> = values.iter().map(|&v| activation.apply(v).to_bits()).collect();
            for isa in Isa::available() {
                let mut many = values.clone();
                let detected = Detected::choose(Some(isa)).expect("it is available");
                detected.activate(activation, &mut many);
                let bits: Vec<u32> = many.iter().map(|v| v.to_bits()).collect();
                assert!(bits == alone, "{activation:?} {isa:?}");
            }
        }
    }
}
