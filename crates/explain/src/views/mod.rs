//! The operation in small numbers, seen from several sides.
//!
//! Every view works on a [`Worked`] example: the input holds 1, 2, 3, ... and so does the kernel. A view
//! returns blocks; what is too large to be drawn gives a line that says so.

pub(crate) mod crop;
pub(crate) mod gather;
pub(crate) mod grid;
pub(crate) mod matrix;
pub(crate) mod scatter;
pub(crate) mod there_and_back;
pub(crate) mod zero_insertion;

use serde::Serialize;
use upconv_geometry::{Axis, AxisParams};

use crate::rank::SmallMatrix;

/// Most input cells, and most taps, of an axis that is worked out in numbers.
pub const MAX_SMALL_DRAWN: usize = 8;

/// Most cells of an axis, uncropped row and window together, that is worked out in numbers. A single
/// axis may have half as many again.
pub const MAX_CELLS_DRAWN: usize = 16;

/// A small setting with numbers put through it, in one or two dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Worked {
    /// The axes.
    #[serde(skip)]
    pub axes: Vec<Axis>,
    /// Input, row-major: 1, 2, 3, ...
    pub x: Vec<i64>,
    /// Kernel, row-major: 1, 2, 3, ...
    pub w: Vec<i64>,
    /// The uncropped result, row-major.
    pub full: Vec<i64>,
    /// The output, row-major.
    pub y: Vec<i64>,
    /// The forward convolution of the output, C * y, row-major: it has the size of the input, and not its values.
    pub back: Vec<i64>,
    /// The rank of C with these taps.
    pub rank: usize,
}

impl Worked {
    /// The numbers for `axes`; `None` if they would not fit on a page.
    ///
    /// ```
    /// use upconv_explain::Worked;
    /// use upconv_geometry::{Axis, AxisParams};
    /// let params = AxisParams { input: 3, kernel: 3, stride: 2, dilation: 1, window_begin: 1, output: 5 };
    /// let worked = Worked::new(&[Axis::new(0, params)?]).unwrap();
    /// // 1 2 3 at cell 0, 2 4 6 at cell 2, 3 6 9 at cell 4; one cell cropped at each end.
    /// assert_eq!(worked.full, [1, 2, 5, 4, 9, 6, 9]);
    /// assert_eq!(worked.y, [2, 5, 4, 9, 6]);
    /// // The first window is cut at the left: 2 * 2 + 5 * 3.
    /// assert_eq!((worked.back[0], worked.rank), (19, 3));
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn new(axes: &[Axis]) -> Option<Self> {
        let most = if axes.len() == 1 { MAX_CELLS_DRAWN * 3 / 2 } else { MAX_CELLS_DRAWN };
        let small = |a: &Axis| {
            a.input() <= MAX_SMALL_DRAWN
                && a.kernel() <= MAX_SMALL_DRAWN
                && Span::of(a).len() <= most
        };
        if !(1..=2).contains(&axes.len()) || !axes.iter().all(small) {
            return None;
        }
        let uncropped: Vec<Axis> = axes.iter().enumerate().map(uncrop).collect::<Option<_>>()?;
        let count = |f: fn(&Axis) -> usize| axes.iter().map(f).product::<usize>() as i64;
        let x: Vec<i64> = (1..=count(Axis::input)).collect();
        let w: Vec<i64> = (1..=count(Axis::kernel)).collect();
        let (full, y) = (gathered(&uncropped, &x, &w), gathered(axes, &x, &w));
        let mut back = vec![0; x.len()];
        for (output, value) in y.iter().enumerate() {
            products(axes, output).into_iter().for_each(|(input, tap)| {
                back[input] += w[tap] * value;
            });
        }
        let taps: Vec<f64> = w.iter().map(|&tap| tap as f64).collect();
        let rank = SmallMatrix::new(axes, &taps).ok()?.rank;
        Some(Self { axes: axes.to_vec(), x, w, full, y, back, rank })
    }

    /// The last axis, along which rows are drawn.
    pub(crate) fn columns(&self) -> &Axis {
        // `new` has at least one axis.
        &self.axes[self.axes.len() - 1]
    }

    /// The first of two axes.
    pub(crate) fn rows(&self) -> Option<&Axis> {
        (self.axes.len() == 2).then(|| &self.axes[0])
    }

    /// Every product of one output cell, as (flat input, flat tap).
    pub(crate) fn products(&self, output: usize) -> Vec<(usize, usize)> {
        products(&self.axes, output)
    }
}

/// The same axis without a crop.
pub(crate) fn uncrop((number, a): (usize, &Axis)) -> Option<Axis> {
    let params = AxisParams {
        input: a.input(),
        kernel: a.kernel(),
        stride: a.stride(),
        dilation: a.dilation(),
        window_begin: 0,
        output: a.full(),
    };
    Axis::new(number, params).ok()
}

/// The products that enter a flat output cell, as (flat input, flat tap), row-major.
pub(crate) fn products(axes: &[Axis], output: usize) -> Vec<(usize, usize)> {
    let mut terms = vec![(0, 0)];
    let mut cells = axes.iter().map(Axis::output).product::<usize>();
    let mut rest = output;
    for axis in axes {
        cells /= axis.output();
        let cell = rest / cells;
        rest %= cells;
        terms = terms
            .iter()
            .flat_map(|&(input, tap)| {
                axis.contributors(cell)
                    .map(move |c| (input * axis.input() + c.input, tap * axis.kernel() + c.tap))
            })
            .collect();
    }
    terms
}

fn gathered(axes: &[Axis], x: &[i64], w: &[i64]) -> Vec<i64> {
    let cells = axes.iter().map(Axis::output).product::<usize>();
    (0..cells)
        .map(|cell| products(axes, cell).iter().map(|&(input, tap)| x[input] * w[tap]).sum())
        .collect()
}

/// The cells of an axis that a picture shows: the uncropped row and the window, `first..end` in cells
/// of the uncropped row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: i64,
    pub(crate) end: i64,
    full: i64,
    begin: i64,
    output: i64,
}

/// What a picture shows at one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the uncropped row, outside the window.
    Cropped,
    /// In both.
    Kept,
    /// In the window, outside the uncropped row: a zero.
    Added,
    /// In neither, between the two.
    Nowhere,
}

impl Span {
    pub(crate) fn of(a: &Axis) -> Self {
        let (full, begin, output) = (a.full() as i64, a.window_begin(), a.output() as i64);
        Self { first: begin.min(0), end: full.max(begin + output), full, begin, output }
    }

    pub(crate) fn len(&self) -> usize {
        (self.end - self.first) as usize
    }

    pub(crate) fn place(&self, cell: i64) -> Place {
        let inside = (0..self.full).contains(&cell);
        let kept = self.output_at(cell).is_some();
        match (inside, kept) {
            (true, false) => Place::Cropped,
            (true, true) => Place::Kept,
            (false, true) => Place::Added,
            (false, false) => Place::Nowhere,
        }
    }

    /// The output cell at a cell of the picture.
    pub(crate) fn output_at(&self, cell: i64) -> Option<i64> {
        (self.begin..self.begin + self.output).contains(&cell).then(|| cell - self.begin)
    }

    /// All cells of the picture.
    pub(crate) fn cells(&self) -> std::ops::Range<i64> {
        self.first..self.end
    }

    /// The window as places in the picture.
    pub(crate) fn window(&self) -> std::ops::Range<usize> {
        let start = (self.begin - self.first) as usize;
        start..start + self.output as usize
    }
}

/// `x[1]` or `x[1,2]` for a flat cell.
pub(crate) fn name(letter: char, flat: usize, sizes: &[usize]) -> String {
    match sizes {
        [_, columns] => format!("{letter}[{},{}]", flat / columns, flat % columns),
        _ => format!("{letter}[{flat}]"),
    }
}

#[cfg(test)]
mod tests;
