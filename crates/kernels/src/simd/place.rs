//! Where the sums of a tile go when it has been computed.

use std::mem::MaybeUninit;

use super::activate::Activate;
use super::tile::MAX_TILE;
use super::vector::Vector;
use super::writes::{LINE, Writes, in_line, prefetch_write, within_line};
use crate::options::Activation;

/// What becomes of the sums of a tile.
pub(super) trait End {
    /// Before the first product of a tile.
    fn begin(&self);

    /// A register of what has been kept of the same tile.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; the register lies in a tile that was kept.
    unsafe fn kept<V: Vector>(&self, at: usize) -> V;

    /// Writes a tile of `R` rows of `N` registers.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`; the tile is as large as the one that was prepared for.
    unsafe fn end<V: Vector, const R: usize, const N: usize>(&self, sums: [[V; N]; R]);
}

/// Side by side, `[rows][vectors * lanes]`.
pub(super) struct Keep(pub(super) *mut f32);

impl End for Keep {
    #[inline(always)]
    fn begin(&self) {}

    #[inline(always)]
    unsafe fn kept<V: Vector>(&self, at: usize) -> V {
        // SAFETY: the caller says that the whole tile is there.
        unsafe { V::load(self.0.add(at * V::LANES)) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector, const R: usize, const N: usize>(&self, sums: [[V; N]; R]) {
        for (r, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                // SAFETY: as above.
                unsafe { sum.store(self.0.add((r * N + n) * V::LANES)) };
            }
        }
    }
}

/// A part of a register, and where it goes for a row of slice and place 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) register: usize,
    pub(crate) lane: usize,
    pub(crate) length: usize,
    /// Of the output's slices, less that of the row.
    pub(crate) slice: usize,
    pub(crate) offset: i64,
}

/// Where rows go.
#[derive(Clone, Debug)]
pub(crate) struct Places<'a> {
    all: &'a [Place],
    /// Bounds of the places, if all rows begin with the same slice.
    bounds: Option<(i64, i64)>,
    /// How far from a line they all begin, if they also agree in that.
    in_line: Option<i64>,
}

/// Where one row goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Added to the slice of a target.
    pub(crate) slice: usize,
    /// Added to the offset of a target.
    pub(crate) at: i64,
}

impl<'a> Places<'a> {
    pub(crate) fn new(all: &'a [Place]) -> Self {
        let together = all.windows(2).all(|two| two[0].slice == two[1].slice);
        let at = || all.iter().map(|place| place.at);
        let bounds = at().min().zip(at().max()).filter(|_| together);
        let line = at().next().map(within_line);
        let same = |line: &i64| together && at().all(|at| within_line(at) == *line);
        Self { bounds, in_line: line.filter(same), all }
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// # Panics
    /// If a place of a target does not lie in its slice.
    fn check(&self, target: &Target, slices: &[&mut [f32]]) {
        for place in self.all {
            let len = slices[place.slice + target.slice].len();
            assert!(place.at + target.offset >= 0);
            assert!(place.at + target.offset + target.length as i64 <= len as i64);
        }
    }
}

/// Where the registers of tiles go, whose rows differ by their place alone.
pub(crate) struct Targets<'a, 'b> {
    all: Vec<Target>,
    slices: &'a mut [&'b mut [f32]],
    activation: Activation,
    writes: Writes,
    /// Registers of a tile, and lanes of each, that it must have.
    registers: usize,
    lanes: usize,
    /// For the last places that began with one slice.
    reach: Option<Reach>,
}

/// Places that all targets have room for, in one slice and those that targets add to it.
#[derive(Clone, Copy)]
struct Reach {
    slice: usize,
    least: i64,
    most: i64,
    /// Where a place lies in a line for which every target is a whole line, if there is one.
    in_line: Option<i64>,
}

impl<'a, 'b> Targets<'a, 'b> {
    pub(crate) fn new(
        all: Vec<Target>,
        slices: &'a mut [&'b mut [f32]],
        (activation, writes): (Activation, Writes),
    ) -> Self {
        let registers = all.iter().map(|target| target.register + 1).max().unwrap_or(0);
        let lanes = all.iter().map(|target| target.lane + target.length).max().unwrap_or(0);
        Self { all, slices, activation, writes, registers, lanes, reach: None }
    }

    /// # Panics
    /// If there is no such slice for a target.
    fn reach(&mut self, slice: usize) -> Reach {
        if let Some(reach) = self.reach.filter(|reach| reach.slice == slice) {
            return reach;
        }
        let mut reach = Reach { slice, least: i64::MIN, most: i64::MAX, in_line: None };
        for (n, target) in self.all.iter().enumerate() {
            let own = &self.slices[slice + target.slice];
            reach.least = reach.least.max(-target.offset);
            reach.most = reach.most.min(own.len() as i64 - target.length as i64 - target.offset);
            let line = within_line(-in_line(own.as_ptr()) - target.offset);
            let whole = target.length == LINE && (n == 0 || reach.in_line == Some(line));
            reach.in_line = Some(line).filter(|_| whole);
        }
        *self.reach.insert(reach)
    }

    /// How tiles are written, when all of their places are known to lie in their slices.
    ///
    /// # Panics
    /// If a place does not.
    fn writes(&mut self, places: &Places<'_>) -> Writes {
        let (Some((least, most)), Some(first)) = (places.bounds, places.all.first()) else {
            self.all.iter().for_each(|target| places.check(target, self.slices));
            return self.writes.of_tile(false);
        };
        let reach = self.reach(first.slice);
        assert!(reach.least <= least && most <= reach.most);
        self.writes.of_tile(places.in_line.is_some() && places.in_line == reach.in_line)
    }
}

/// Each row of a tile to a place of its own in the output.
pub(super) struct Put<'a> {
    kept: *const f32,
    places: &'a [Place],
    targets: &'a [Target],
    activation: Activation,
    writes: Writes,
    slices: *mut &'a mut [f32],
}

impl<'a> Put<'a> {
    /// # Panics
    /// If a target does not lie in the registers of a tile of `rows` rows of `vectors` registers of `lanes`
    /// lanes, or a place not in its slice.
    pub(super) fn new(
        kept: &'a [f32],
        places: &Places<'a>,
        targets: &'a mut Targets<'_, '_>,
        (rows, vectors, lanes): (usize, usize, usize),
    ) -> Self {
        assert_eq!(places.len(), rows);
        assert!(targets.registers <= vectors && targets.lanes <= lanes);
        let writes = targets.writes(places);
        Self {
            kept: kept.as_ptr(),
            places: places.all,
            activation: targets.activation,
            writes,
            slices: targets.slices.as_mut_ptr().cast(),
            targets: &targets.all,
        }
    }

    /// Where a row of a target goes.
    ///
    /// # Safety
    /// There are more than `row` rows.
    #[inline(always)]
    unsafe fn pointer(&self, target: &Target, row: usize) -> *mut f32 {
        // SAFETY: `new` has found the slice, and the place in it.
        unsafe {
            let place = self.places.get_unchecked(row);
            let slice = &mut *self.slices.add(place.slice + target.slice);
            slice.as_mut_ptr().offset((place.at + target.offset) as isize)
        }
    }
}

impl End for Put<'_> {
    #[inline(always)]
    fn begin(&self) {
        if self.writes != Writes::Announced {
            return;
        }
        for target in self.targets {
            for row in 0..self.places.len() {
                // SAFETY: there are as many rows; the slices are borrowed as long as this lives.
                prefetch_write(unsafe { self.pointer(target, row) });
            }
        }
    }

    #[inline(always)]
    unsafe fn kept<V: Vector>(&self, at: usize) -> V {
        // SAFETY: the caller says that the whole tile is there.
        unsafe { V::load(self.kept.add(at * V::LANES)) }
    }

    #[inline(always)]
    unsafe fn end<V: Vector, const R: usize, const N: usize>(&self, sums: [[V; N]; R]) {
        let mut kept = Kept::new();
        // SAFETY: `new` has found room for all targets in every place, and the register of each in a row.
        unsafe {
            let kept = kept.keep(sums);
            if self.activation != Activation::None {
                for n in 0..R * N {
                    let at = kept.add(n * V::LANES);
                    activated(V::load(at), self.activation).store(at);
                }
            }
            for target in self.targets {
                let whole = target.length == V::LANES;
                for row in 0..self.places.len() {
                    let sum = V::load(kept.add((row * N + target.register) * V::LANES));
                    let to = self.pointer(target, row);
                    match whole {
                        true => self.writes.store(sum, to),
                        false => sum.store_lanes(to, target.lane, target.length),
                    }
                }
            }
        }
    }
}

/// Room for a tile, whose registers straddle no cache lines. From here its registers are stored one by one: unrolled,
/// so that they could stay in registers, that would be far more code than it takes time to load them.
#[repr(align(64))]
pub(super) struct Kept {
    values: MaybeUninit<[f32; MAX_TILE]>,
}

impl Kept {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { values: MaybeUninit::uninit() }
    }

    /// Keeps a tile, row by row.
    ///
    /// # Safety
    /// The CPU has the instruction set of `V`.
    #[inline(always)]
    pub(super) unsafe fn keep<V: Vector, const R: usize, const N: usize>(
        &mut self,
        sums: [[V; N]; R],
    ) -> *mut f32 {
        let kept = self.values.as_mut_ptr().cast::<f32>();
        for (r, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                // SAFETY: no tile has more than `MAX_TILE` values.
                unsafe { sum.store(kept.add((r * N + n) * V::LANES)) };
            }
        }
        kept
    }
}

/// Applies an activation to a register. One at a time, so that a tile need not lie in memory for it.
///
/// # Safety
/// The CPU has the instruction set of `V`.
#[inline(always)]
pub(crate) unsafe fn activated<V: Vector>(sum: V, activation: Activation) -> V {
    // SAFETY: the caller's promise; a register has at most 16 lanes.
    unsafe {
        match activation {
            Activation::None => sum,
            Activation::Relu => sum.where_negative(V::splat(0.0)),
            Activation::LeakyRelu { slope } => {
                sum.where_negative(sum.mul_add(V::splat(slope), V::splat(0.0)))
            }
            Activation::HardSwish { scale } => {
                // `v * (v + 3).clamp(0, 6) * scale`, where the lesser of two is the larger of their opposites, and a product
                // keeps its sign by the negative zero that is added.
                let (one, opposite, nothing) = (V::splat(1.0), V::splat(-1.0), V::splat(-0.0));
                let above = sum.mul_add(one, V::splat(3.0));
                let above = above.where_negative(V::splat(0.0)).mul_add(opposite, nothing);
                let within = V::splat(-6.0).where_larger(above).mul_add(opposite, nothing);
                sum.mul_add(within, nothing).mul_add(V::splat(scale), nothing)
            }
            _ => {
                let mut lanes = [0.0; 16];
                sum.store(lanes.as_mut_ptr());
                V::run(Activate { activation, values: &mut lanes[..V::LANES] });
                V::load(lanes.as_ptr())
            }
        }
    }
}
