//! Depthwise rows: what is decided once for a shape. [`super::plane`] goes through a plane.
//!
//! In NCHW a plane is a channel of an image; in NHWC, for few channels, it is an image, and a cell has all
//! channels side by side.

use super::across::{ALIGN, Across};
use super::block::{self, Form};
use super::outer::Outer;
use super::split::Share;
use super::{Call, Sizes};
use crate::simd::{Detected, Isa};

/// A plan for planes of rows.
#[derive(Clone, Debug)]
pub(super) struct RowsPlan {
    isa: Detected,
    pub(super) sizes: Sizes,
    pub(super) rows: Outer,
    pub(super) across: Across,
    /// For each output plane of a plane of three axes the input planes and the kernel's.
    pub(super) planes: Vec<Vec<(usize, usize)>>,
    pub(super) kernel: [usize; 2],
    pub(super) chunks: Vec<Chunk>,
    pub(super) form: Form,
    /// Output rows of a block; above 1 only if they slide.
    pub(super) sliding: usize,
    /// Whether input rows are read where they lie, and not spread.
    pub(super) direct: bool,
    /// Positions for which input rows are spread together; a multiple of `sliding`.
    pub(super) band: usize,
    /// Input rows of a band.
    pub(super) band_rows: usize,
    /// Whether rows are moved so that registers of output do not straddle cache lines.
    pub(super) whole_lines: bool,
}

/// Output rows of a group of phases that are computed together.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    /// Input row less `position * in_step`.
    pub(super) shifts: Vec<i64>,
    /// Output row less `position * out_step`.
    pub(super) outputs: Vec<i64>,
    /// Rows of the kernel: `[output row][input row]`, or `[row of the kernel]` if they slide.
    taps: Vec<usize>,
    /// Where their patterns begin in a kernel of one plane.
    pub(super) tap_rows: Vec<usize>,
}

/// Where the parts of a task's memory begin.
pub(super) struct Parts {
    pub(super) bias: usize,
    /// An output row that nobody reads.
    pub(super) spare: usize,
    /// The input rows of a band, for each input plane.
    pub(super) rows: usize,
    all: usize,
}

/// Values of the input rows that are spread together: 24 KiB.
const BAND: usize = 6 * 1024;
/// Most values that a task works in.
const MOST: usize = 1 << 24;

impl RowsPlan {
    pub(super) fn new(
        isa: Detected,
        sizes: Sizes,
        [z, y]: [Outer; 2],
        kernel: [usize; 2],
        across: Across,
    ) -> Option<Self> {
        let planes = z.sources();
        let deep = planes.iter().map(Vec::len).max().unwrap_or(0);
        let terms = across.terms.len();
        let (lanes, period) = (isa.lanes(), across.period());
        let turning = !lanes.is_multiple_of(period) && !period.is_multiple_of(lanes);
        let registers = match isa.isa() {
            Isa::Portable => 8,
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        };
        let (mut form, mut sliding) = (Form::Dense, 1);
        let mut chunks = Vec::new();
        let slides = |group: &super::outer::Group| {
            let adjoin = group.shifts.windows(2).all(|two| two[0] + 1 == two[1]);
            let step = y.in_step as usize;
            (adjoin && across.adjacent() && y.out_step == 1 && kernel[0] == 1 && !turning)
                .then(|| block::sliding_rows(step, [group.shifts.len(), terms]))?
                .map(|rows| (step, rows))
        };
        for group in &y.groups {
            if let Some((step, rows)) = slides(group) {
                (form, sliding) = (Form::Sliding { step }, rows);
                let last = group.shifts[group.shifts.len() - 1];
                let more = (last + 1..=last + (step * (rows - 1)) as i64).collect::<Vec<_>>();
                let output = group.phases[0].output;
                chunks.push(Chunk {
                    shifts: [&group.shifts[..], &more[..]].concat(),
                    outputs: (output..output + rows as i64).collect(),
                    taps: group.phases[0].taps.clone(),
                    tap_rows: Vec::new(),
                });
                continue;
            }
            let mut phases = &group.phases[..];
            while !phases.is_empty() {
                let number = match turning {
                    true => [4, 2, 1].into_iter().find(|n| *n <= phases.len()).unwrap_or(1),
                    false => {
                        let rows = group.shifts.len() * deep;
                        block::dense_rows(registers, [rows, terms], phases.len())
                    }
                };
                let (some, rest) = phases.split_at(number);
                chunks.push(Chunk {
                    shifts: group.shifts.clone(),
                    outputs: some.iter().map(|phase| phase.output).collect(),
                    taps: some.iter().flat_map(|phase| phase.taps.iter().copied()).collect(),
                    tap_rows: Vec::new(),
                });
                phases = rest;
            }
        }
        let (least, greatest) = y.reach();
        let across = across.laid_out(block::behind(form, period))?;
        // Input rows of a band stay in the cache, and are spread anew at its border.
        let span = (greatest - least + 1) as usize;
        let room = BAND / (across.row_values() * deep.max(1)).max(1);
        let step = y.in_step as usize;
        let positions = (y.positions.end - y.positions.start).max(1) as usize;
        let band = (room.saturating_sub(span) / step + 1).max(2).min(positions);
        let direct = block::is_direct(isa.isa(), form);
        let (band, band_rows) = match direct {
            // One row of zeros for what lies outside.
            true => (positions.next_multiple_of(sliding), 1),
            false => {
                let band = band.next_multiple_of(sliding);
                (band, span + step * (band - 1))
            }
        };
        let whole_lines = across.out_values().is_multiple_of(ALIGN);
        let mut plan = Self {
            isa,
            sizes,
            rows: y,
            across,
            planes,
            kernel,
            chunks,
            form,
            sliding,
            direct,
            band,
            band_rows,
            whole_lines,
        };
        let tap_row = plan.tap_row();
        for chunk in &mut plan.chunks {
            chunk.tap_rows = chunk.taps.iter().map(|tap| tap * tap_row).collect();
        }
        (plan.parts()?.all <= MOST).then_some(plan)
    }

    /// Values from a term's pattern to the next.
    pub(super) fn term_step(&self) -> usize {
        (self.across.period() + ALIGN).next_multiple_of(ALIGN)
    }

    /// Values of the patterns of a row of the kernel.
    pub(super) fn tap_row(&self) -> usize {
        self.across.terms.len() * self.term_step()
    }

    /// `None` beyond what can be counted.
    fn parts(&self) -> Option<Parts> {
        let kernel_rows = self.kernel[0].checked_mul(self.kernel[1])?;
        let bias = kernel_rows.checked_mul(self.tap_row())?;
        let spare = bias + self.term_step();
        let rows = spare + (self.across.out_values() + 2 * ALIGN).next_multiple_of(ALIGN);
        let number = self.deep().checked_mul(self.band_rows)?;
        let all = rows.checked_add(number.checked_mul(self.across.row_values())?)?;
        Some(Parts { bias, spare, rows, all })
    }

    /// Input planes of an output plane at most.
    fn deep(&self) -> usize {
        self.planes.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Positions that are computed together.
    pub(super) fn together(&self) -> usize {
        self.sliding
    }

    /// Output planes of a plane of three axes.
    pub(super) fn depth(&self) -> usize {
        self.planes.len()
    }

    pub(super) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Values of an output row.
    pub(super) fn out_values(&self) -> usize {
        self.across.out_values()
    }

    /// Registers of output and products with them, of one plane.
    pub(super) fn cost(&self) -> u128 {
        let registers = self.out_values().div_ceil(self.isa.lanes()) as u128;
        let rows = (self.depth() * self.rows.out_cells) as u128;
        let phases =
            (self.rows.groups.iter().map(|group| group.phases.len()).sum::<usize>()).max(1);
        let of_group = |group: &super::outer::Group| group.shifts.len() * group.phases.len();
        let pairs = self.rows.groups.iter().map(of_group).sum::<usize>();
        let products = self.deep() * pairs.div_ceil(phases) * self.across.terms.len();
        rows * registers * (products as u128 + 2)
    }

    /// Bytes that a task works in.
    pub(super) fn task_bytes(&self) -> usize {
        self.parts().map_or(0, |parts| (parts.all + ALIGN) * size_of::<f32>())
    }

    /// Memory of a task, zeros.
    pub(super) fn memory(&self) -> Vec<f32> {
        vec![0.0; self.parts().map_or(0, |parts| parts.all + ALIGN)]
    }

    /// Computes a share of the planes.
    ///
    /// # Panics
    /// If a slice does not have the length that the plan was made for.
    pub(super) fn run(&self, call: &Call<'_>, share: &mut Share<'_>, memory: &mut [f32]) {
        let Some(parts) = self.parts() else { return };
        let sizes = &self.sizes;
        assert_eq!(call.x.len(), sizes.planes * sizes.in_plane);
        assert_eq!(call.weight.len(), sizes.channels * sizes.taps);
        assert!(share.planes.end <= sizes.planes && share.depth.end <= self.depth());
        let rows = share.rows(&self.rows);
        assert_eq!(rows.len() * self.out_values() * share.planes.len(), share.out.len());
        assert!(memory.len() >= parts.all + ALIGN);
        match self.isa.isa() {
            // SAFETY: the asserts above, and what `new` worked out from the same sizes.
            Isa::Portable => unsafe { self.planes::<[f32; 8]>(call, share, memory, &parts) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self.isa` proves that the CPU has AVX2; the rest as above.
            Isa::Avx2 => unsafe { avx2(self, call, share, memory, &parts) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `self.isa` proves that the CPU has AVX-512F; the rest as above.
            Isa::Avx512 => unsafe { avx512(self, call, share, memory, &parts) },
            #[cfg(not(target_arch = "x86_64"))]
            // SAFETY: as for Portable.
            _ => unsafe { self.planes::<[f32; 8]>(call, share, memory, &parts) },
        }
    }
}

/// # Safety
/// The CPU has AVX2; the rest as [`RowsPlan::planes`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(
    plan: &RowsPlan,
    call: &Call<'_>,
    share: &mut Share<'_>,
    memory: &mut [f32],
    parts: &Parts,
) {
    // SAFETY: the caller's promise.
    unsafe { plan.planes::<std::arch::x86_64::__m256>(call, share, memory, parts) }
}

/// # Safety
/// The CPU has AVX-512F; the rest as [`RowsPlan::planes`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(
    plan: &RowsPlan,
    call: &Call<'_>,
    share: &mut Share<'_>,
    memory: &mut [f32],
    parts: &Parts,
) {
    // SAFETY: the caller's promise.
    unsafe { plan.planes::<std::arch::x86_64::__m512>(call, share, memory, parts) }
}
