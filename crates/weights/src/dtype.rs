//! The types that cells of tensors have in files.

use half::{bf16, f16};

/// The type of a tensor's cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names say it: kind and bits.
pub enum Dtype {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

impl Dtype {
    /// Every type, widest first.
    pub const ALL: [Self; 13] = [
        Self::F64,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::I32,
        Self::U32,
        Self::F16,
        Self::Bf16,
        Self::I16,
        Self::U16,
        Self::I8,
        Self::U8,
        Self::Bool,
    ];

    /// Its name in safetensors files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F64 => "F64",
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U64 => "U64",
            Self::U32 => "U32",
            Self::U16 => "U16",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }

    /// Bytes of one cell.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// Whether its cells are floating-point numbers.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// A cell among these bytes as F64. Integers beyond 2^53 are rounded.
    pub(crate) fn value(self, bytes: &[u8], cell: usize) -> f64 {
        match self {
            Self::F64 => f64::from_le_bytes(chunk(bytes, cell)),
            Self::F32 => f32::from_le_bytes(chunk(bytes, cell)).into(),
            Self::F16 => f16::from_le_bytes(chunk(bytes, cell)).into(),
            Self::Bf16 => bf16::from_le_bytes(chunk(bytes, cell)).into(),
            Self::I64 => i64::from_le_bytes(chunk(bytes, cell)) as f64,
            Self::U64 => u64::from_le_bytes(chunk(bytes, cell)) as f64,
            Self::I32 => i32::from_le_bytes(chunk(bytes, cell)).into(),
            Self::U32 => u32::from_le_bytes(chunk(bytes, cell)).into(),
            Self::I16 => i16::from_le_bytes(chunk(bytes, cell)).into(),
            Self::U16 => u16::from_le_bytes(chunk(bytes, cell)).into(),
            Self::I8 => i8::from_le_bytes(chunk(bytes, cell)).into(),
            Self::U8 | Self::Bool => bytes[cell].into(),
        }
    }

    /// Names of all types, separated by commas.
    pub(crate) fn legal() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The bytes of a cell among these.
pub(crate) fn chunk<const N: usize>(bytes: &[u8], cell: usize) -> [u8; N] {
    bytes.as_chunks().0[cell]
}

/// The bytes of each cell.
pub(crate) fn chunks<const N: usize>(piece: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    piece.as_chunks::<N>().0.iter().copied()
}
