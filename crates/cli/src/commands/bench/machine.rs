//! Where the times were measured.

use std::fs;

use serde::Serialize;
use upconv_kernels::{Isa, KernelError, peak};

/// What a reader of times needs to know of the machine.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    /// The model of the CPU, where the system tells.
    pub(super) cpu: Option<String>,
    arch: &'static str,
    os: &'static str,
    pub(super) threads: usize,
    /// Instruction sets that kernels can use here, slowest first.
    isas: Vec<&'static str>,
}

impl Machine {
    pub(super) fn this(threads: usize) -> Self {
        Self {
            cpu: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)),
            arch: std::env::consts::ARCH,
            os: std::env::consts::OS,
            threads,
            isas: Isa::available().into_iter().map(Isa::name).collect(),
        }
    }
}

/// The best that any instruction set reaches on the threads in use, in GFLOP/s.
///
/// # Errors
/// None in practice: only instruction sets that are there are measured.
pub(super) fn peak_gflops() -> Result<f64, KernelError> {
    Isa::available().into_iter().try_fold(0.0, |best, isa| Ok(peak::measure(isa)?.max(best)))
}

/// The name in the text of /proc/cpuinfo.
fn model(cpuinfo: &str) -> Option<String> {
    let value = |line: &str| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "model name").then(|| value.trim().to_owned())
    };
    cpuinfo.lines().find_map(value).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::model;

    #[test]
    fn the_model_of_the_cpu() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC: 7\n";
        assert_eq!(model(text).as_deref(), Some("AMD EPYC: 7"));
        assert_eq!(model("processor\t: 0\n\nmodel name\t:\n"), None);
    }
}
