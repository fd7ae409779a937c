//! Instruction sets, and the routines that are compiled for each of them.

pub(crate) mod activate;
pub(crate) mod copy;
pub(crate) mod dots;
pub(crate) mod interleave;
pub(crate) mod loops;
pub(crate) mod place;
pub(crate) mod strip;
pub(crate) mod tile;
pub(crate) mod transpose;
pub(crate) mod turned;
pub(crate) mod vector;
pub(crate) mod woven;
pub(crate) mod writes;

use crate::error::{KernelError, Result};

/// An instruction set that kernels can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust; runs everywhere.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 (foundation instructions).
    Avx512,
}

/// The environment variable that forces an instruction set.
pub(crate) const ISA_VARIABLE: &str = "UPCONV_ISA";

impl Isa {
    /// All, slowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The name on the command line and in `UPCONV_ISA`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The instruction set of a name.
    ///
    /// ```
    /// use upconv_kernels::Isa;
    /// assert_eq!(Isa::from_name("avx2"), Some(Isa::Avx2));
    /// assert_eq!(Isa::from_name("neon"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|isa| isa.name() == name)
    }

    /// Whether this CPU has it.
    ///
    /// ```
    /// assert!(upconv_kernels::Isa::Portable.is_available());
    /// ```
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// All that this CPU has, slowest first.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    fn available_names() -> String {
        Self::available().iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", ")
    }
}

/// An instruction set that was found on this CPU: having one is the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detected(Isa);

impl Detected {
    /// The one asked for, else the one of `UPCONV_ISA`, else the best.
    pub(crate) fn choose(wanted: Option<Isa>) -> Result<Self> {
        let isa = match (wanted, std::env::var(ISA_VARIABLE)) {
            (Some(isa), _) => isa,
            (None, Ok(name)) if !name.is_empty() => Isa::from_name(&name).ok_or({
                KernelError::Unsupported {
                    option: ISA_VARIABLE,
                    reason: "must be portable, avx2 or avx512",
                }
            })?,
            _ => Isa::available().pop().unwrap_or(Isa::Portable),
        };
        if isa.is_available() {
            return Ok(Self(isa));
        }
        Err(KernelError::IsaNotAvailable { isa: isa.name(), available: Isa::available_names() })
    }

    pub(crate) fn isa(self) -> Isa {
        self.0
    }
}
