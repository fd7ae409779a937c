//! Fine channels in the lanes, coarse channels in the rows of a tile: for many channels on both sides.
//!
//! The fine cell of coarse cell q through tap t is `q * s + t * d - b`. Write `t * d - b` as `shift * s +
//! r` with the *residue* r below s: among the fine cells of that residue it is number `q + shift`. So the
//! fine side is packed once for each residue of the outer axes, as `[row][residue of x][number in
//! x][image][lanes]`, and every tap of these residues reads a run of it, side by side for all cells of a
//! row and all images, from another place on. No product is outside of the fine side: a tile has only the
//! runs whose fine cells exist.

use std::ops::Range;

use super::coarse_side::{self, Order};
use super::shape::{Block, Blocks, Data, Planes, Shape, met, offset, valid};
use super::tiling::{self, Rows, Tiling, Vectors, padded};
use super::way::{self, Costs, Grain, Share, Task, Way, Work};
use crate::conv_transpose::coupling::AxisMap;
use crate::simd::tile::{Start, Starts, Tile, Within};
use crate::simd::transpose::{Places, SKIP, Spread};

#[derive(Clone, Debug)]
pub(super) struct ChannelLanes {
    shape: Shape,
    tiling: Tiling,
    products: f64,
    axes: [Residues; 3],
}

/// The taps of an axis by the residue of their fine cells.
#[derive(Clone, Debug)]
struct Residues {
    /// Those that a tap reaches, ascending.
    all: Vec<Residue>,
    /// For every tap the index of its residue, and its shift.
    taps: Vec<(usize, i64)>,
}

#[derive(Clone, Debug)]
struct Residue {
    value: usize,
    taps: Vec<usize>,
    /// Least and greatest shift of these taps.
    shifts: (i64, i64),
}

impl Residues {
    fn new(map: &AxisMap) -> Self {
        let stride = map.stride as i64;
        let of = |tap| offset(map, tap).rem_euclid(stride) as usize;
        let mut order: Vec<(usize, usize)> = (0..map.kernel).map(|tap| (of(tap), tap)).collect();
        order.sort_unstable();
        let mut taps = vec![(0, 0); map.kernel];
        let mut all: Vec<Residue> = Vec::new();
        for (value, tap) in order {
            let shift = offset(map, tap).div_euclid(stride);
            if all.last().is_none_or(|last| last.value != value) {
                all.push(Residue { value, taps: Vec::new(), shifts: (shift, shift) });
            }
            let index = all.len() - 1;
            let own = &mut all[index];
            own.taps.push(tap);
            own.shifts = (own.shifts.0.min(shift), own.shifts.1.max(shift));
            taps[tap] = (index, shift);
        }
        Self { all, taps }
    }

    /// Least and greatest shift of all taps, or of those of one residue.
    fn shifts(&self, index: Option<usize>) -> (i64, i64) {
        let own = match index {
            Some(index) => &self.all[index..index + 1],
            None => &self.all,
        };
        let shifts = own.iter().map(|residue| residue.shifts);
        shifts.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0, 0))
    }

    /// Numbers of the fine cells of one residue, or of all of them, that taps connect with cells `range`.
    fn numbers(&self, map: &AxisMap, index: Option<usize>, range: &Range<usize>) -> Range<i64> {
        let (least, most) = self.shifts(index);
        let residue = index.map_or(0, |index| self.all[index].value);
        // Numbers n with `n * stride + residue < fine`.
        let end = (map.fine as i64 - 1 - residue as i64).div_euclid(map.stride as i64) + 1;
        let first = (range.start as i64 + least).clamp(0, end.max(0));
        first..(range.end as i64 + most).clamp(first, end.max(first))
    }

    /// As many numbers at most for so many cells.
    fn most(&self, map: &AxisMap, cells: usize) -> usize {
        let (least, most) = self.shifts(None);
        (cells + (most - least) as usize).min(map.fine.div_ceil(map.stride))
    }
}

/// The fine side of some lanes and of one residue of either outer axis, as it lies in its panel.
struct Panel {
    /// Numbers of the three axes.
    numbers: [Range<i64>; 3],
    images: usize,
    width: usize,
}

impl Panel {
    /// Lines from row to row.
    fn row(&self, residues: usize) -> usize {
        residues * len(&self.numbers[2]) * self.images
    }
}

fn len(range: &Range<i64>) -> usize {
    (range.end - range.start) as usize
}

impl ChannelLanes {
    pub(super) fn new(shape: &Shape) -> Self {
        let vectors = shape.fine_channels.div_ceil(shape.isa.lanes());
        let (tiling, products) = Tiling::new(shape.isa, shape.coarse_channels, vectors);
        let axes = shape.axes.each_ref().map(Residues::new);
        Self { shape: shape.clone(), tiling, products, axes }
    }

    fn tiles(&self, share: &Share) -> (Vec<Rows>, Vec<Vectors>) {
        let vectors = share.fine.len().div_ceil(self.shape.isa.lanes());
        (self.tiling.rows(share.coarse.len()), self.tiling.vectors(vectors))
    }

    fn pack_fine(
        &self,
        planes: Planes<'_>,
        block: &Block,
        panel: &Panel,
        residues: [usize; 2],
        out: &mut [f32],
    ) {
        let shape = &self.shape;
        let [z, y, x] = &shape.axes;
        let [zs, ys, xs] = &panel.numbers;
        let (numbers, step) = (len(xs), panel.images * panel.width);
        // Every fine cell of a row from the first on.
        let first = xs.start as usize * x.stride;
        let end = (xs.end as usize).saturating_mul(x.stride).min(x.fine);
        let mut places = vec![SKIP; end - first];
        for (index, residue) in self.axes[2].all.iter().enumerate() {
            for (number, place) in
                places.iter_mut().skip(residue.value).step_by(x.stride).enumerate()
            {
                *place = (index * numbers + number) * step;
            }
        }
        let places = Places::new(places);
        let row = panel.row(self.axes[2].all.len()) * panel.width;
        for (n, image) in block.images.clone().enumerate() {
            for (i, number) in zs.clone().enumerate() {
                let cell =
                    (number as usize * z.stride + self.axes[0].all[residues[0]].value) * y.fine;
                for (j, number) in ys.clone().enumerate() {
                    let cell =
                        cell + number as usize * y.stride + self.axes[1].all[residues[1]].value;
                    let lines = planes.lines(image, cell * x.fine + first, &places);
                    let row = (i * len(ys) + j) * row + n * panel.width;
                    shape.isa.spread(&lines, &mut out[row..]);
                }
            }
        }
    }

    /// The panel of a residue of either outer axis.
    fn panel(&self, block: &Block, residues: [usize; 2], width: usize) -> Panel {
        let residues = [Some(residues[0]), Some(residues[1]), None];
        let numbers = std::array::from_fn(|n| {
            self.axes[n].numbers(&self.shape.axes[n], residues[n], &block.axes[n])
        });
        Panel { numbers, images: block.images.len(), width }
    }

    /// Where runs begin in lines of cells of the coarse side, where in the panel, and their steps.
    fn runs(
        &self,
        block: &Block,
        panel: &Panel,
        taps: [usize; 3],
    ) -> (Vec<usize>, Vec<usize>, usize) {
        let valid: [Range<usize>; 3] =
            std::array::from_fn(|n| valid(&self.shape.axes[n], taps[n], &block.axes[n]));
        let (mut coarse, mut fine) = (Vec::new(), Vec::new());
        if valid.iter().any(Range::is_empty) {
            return (coarse, fine, 0);
        }
        let places: [(usize, i64); 3] = std::array::from_fn(|n| self.axes[n].taps[taps[n]]);
        // Not negative, as the fine cells of valid cells exist.
        let number =
            |n: usize, q: usize| (q as i64 + places[n].1 - panel.numbers[n].start) as usize;
        let [z, y, x] = &valid;
        let [_, columns, cells] = block.axes.each_ref().map(Range::len);
        let first = (places[2].0 * len(&panel.numbers[2]) + number(2, x.start)) * panel.images;
        let row = panel.row(self.axes[2].all.len());
        for i in z.clone() {
            for j in y.clone() {
                let line = (i - block.axes[0].start) * columns + j - block.axes[1].start;
                coarse.push((line * cells + x.start - block.axes[2].start) * panel.images);
                let line = number(0, i) * len(&panel.numbers[1]) + number(1, j);
                fine.push((line * row + first) * panel.width);
            }
        }
        (coarse, fine, x.len() * panel.images)
    }
}

impl Way for ChannelLanes {
    fn costs(&self) -> Costs {
        let (shape, pack) = (&self.shape, way::packing(&self.shape));
        let groups = shape.groups as f64;
        Costs {
            products: self.products
                * shape.taps as f64
                * groups
                * shape.axes.iter().map(met).product::<f64>(),
            coarse: pack * shape.coarse_channels as f64 * groups,
            fine: pack * shape.fine_channels as f64 * shape.reached() * groups,
            store: 0.5,
        }
    }

    fn grain(&self) -> Grain {
        let lanes = self.shape.isa.lanes();
        let fine = self.tiling.vectors * lanes;
        Grain { groups: 1, coarse: self.tiling.height, fine }
    }

    fn blocks(&self, coarse: usize, fine: usize) -> Option<Blocks> {
        way::blocks(&self.shape, |extents| self.panels(coarse, fine, extents))
    }

    fn panels(&self, coarse: usize, fine: usize, extents: [usize; 4]) -> [usize; 2] {
        let rows = coarse_side::row_values(&self.tiling.rows(coarse), extents.iter().product());
        let vectors = fine.div_ceil(self.shape.isa.lanes()).min(self.tiling.vectors);
        let most = |n: usize| self.axes[n].most(&self.shape.axes[n], extents[n + 1]);
        let lines = [most(0), most(1), most(2), self.axes[2].all.len(), extents[0]];
        let lines = lines.into_iter().fold(1usize, usize::saturating_mul);
        [rows, lines.saturating_mul(vectors * self.shape.isa.lanes())]
    }

    fn pieces(&self, share: &Share) -> Vec<usize> {
        let (rows, vectors) = self.tiles(share);
        let piece = |v: &Vectors| self.shape.taps * padded(&rows) * v.width(self.shape.isa);
        vectors.iter().map(piece).collect()
    }

    fn prepare(&self, data: Data<'_>, share: &Share, block: &Block, work: &mut Work) {
        let (rows, _) = self.tiles(share);
        let planes = self.shape.coarse_channels(data, share.groups.start, &share.coarse);
        let order = (Order::ImagesInner, &rows[..]);
        coarse_side::pack_rows(&self.shape, planes, block, order, &mut work.a);
    }

    fn sum(&self, task: &Task<'_>, work: &mut Work, sums: &mut [f32]) {
        let Task { data, share, block, .. } = *task;
        let (isa, lanes) = (self.shape.isa, self.shape.isa.lanes());
        let (rows, vectors) = self.tiles(share);
        let vectors = vectors[task.piece];
        let width = vectors.width(isa);
        let planes = self.shape.fine_channels(data, share.groups.start, &share.fine);
        let planes = planes.part(vectors.channels(isa, share.fine.len()));
        let [z, y, x] = &self.axes;
        for residue_z in 0..z.all.len() {
            for residue_y in 0..y.all.len() {
                let residues = [residue_z, residue_y];
                let panel = self.panel(block, residues, width);
                if panel.numbers.iter().all(|numbers| !numbers.is_empty()) {
                    self.pack_fine(planes, block, &panel, residues, &mut work.b);
                }
                let (own_z, own_y) = (&z.all[residue_z].taps, &y.all[residue_y].taps);
                for (&i, &j) in own_z.iter().flat_map(|i| own_y.iter().map(move |j| (i, j))) {
                    for k in 0..x.taps.len() {
                        let (coarse, b_runs, steps) = self.runs(block, &panel, [i, j, k]);
                        let tap = self.shape.tap([i, j, k]);
                        let b_runs = Starts::new(&b_runs);
                        let mut a_runs = coarse.clone();
                        let mut height = 1;
                        for tile in &rows {
                            if tile.height != height {
                                height = tile.height;
                                a_runs.iter_mut().zip(&coarse).for_each(|(a, c)| *a = c * height);
                            }
                            let each = tile.height * width;
                            let at = self.shape.taps * tile.first * width + tap * each;
                            let tile = Tile {
                                rows: tile.height,
                                vectors: vectors.number,
                                a: &work.a[tile.first * block.cells()..],
                                a_runs: Starts::new(&a_runs),
                                a_step: tile.height,
                                a_rows: Within::Apart(1),
                                b: &work.b,
                                b_runs,
                                b_step: width,
                                b_registers: Within::Apart(lanes),
                                steps,
                                start: Start::Zero,
                            };
                            tiling::add(isa, &tile, task.first, &mut sums[at..at + each]);
                        }
                    }
                }
            }
        }
    }

    fn store(&self, share: &Share, piece: usize, sums: &[f32], rows: &mut [&mut [f32]]) {
        let (tiles, vectors) = self.tiles(share);
        let (width, taps) = (vectors[piece].width(self.shape.isa), self.shape.taps);
        let channels = vectors[piece].channels(self.shape.isa, share.fine.len());
        let places = Places::new((0..channels.len()).map(|channel| channel * taps));
        for tile in tiles {
            let sums = &sums[taps * tile.first * width..][..taps * tile.height * width];
            for (r, row) in rows[tile.first..].iter_mut().take(tile.height).enumerate() {
                // Taps become the channels of lines, and channels the cells.
                let lines = Spread {
                    from: &sums[r * width..],
                    channel_step: tile.height * width,
                    cell_step: 1,
                    channels: taps,
                    places: &places,
                };
                self.shape.isa.spread(&lines, &mut row[channels.start * taps..]);
            }
        }
    }
}
