//! The setting that is drawn, as two axes: a single axis is the columns of one row, and of three axes the last two
//! are drawn, as the first works in the same way.

use upconv_geometry::{Axis, AxisParams};

use crate::lang::Lang;
use crate::page::short_number;
use crate::views::{Span, Worked, name, products, uncrop};

/// Most cells of a grid that is drawn.
pub const MAX_CELLS_PICTURED: usize = 48 * 48;
/// Most cells of an axis that is drawn (input, output, uncropped result, or what the kernel spans).
pub const MAX_SIDE_PICTURED: usize = 128;

/// The numbers of a picture, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) x: Vec<f64>,
    pub(crate) w: Vec<f64>,
    pub(crate) y: Vec<f64>,
}

impl Numbers {
    /// 1, 2, 3, ... where that is small enough to be read.
    fn counted(axes: &[Axis]) -> Option<Self> {
        let Worked { x, w, y, .. } = Worked::new(axes)?;
        let floats = |list: Vec<i64>| list.into_iter().map(|number| number as f64).collect();
        Some(Self { x: floats(x), w: floats(w), y: floats(y) })
    }
}

pub(crate) struct Subject {
    pub(crate) rank: usize,
    pub(crate) axes: [Axis; 2],
    /// The same axes without a crop.
    pub(crate) uncropped: [Axis; 2],
    pub(crate) spans: [Span; 2],
    pub(crate) numbers: Option<Numbers>,
    pub(crate) lang: Lang,
}

/// The last two axes, or the only one.
pub(crate) fn drawn(axes: &[Axis]) -> &[Axis] {
    &axes[axes.len().saturating_sub(2)..]
}

impl Subject {
    /// `None` for more than three axes, or for more cells than can be told apart.
    pub(crate) fn new(axes: &[Axis], lang: Lang) -> Option<Self> {
        let one =
            AxisParams { input: 1, kernel: 1, stride: 1, dilation: 1, window_begin: 0, output: 1 };
        let pair = match axes {
            [x] => [Axis::new(0, one).ok()?, *x],
            [y, x] | [_, y, x] => [*y, *x],
            _ => return None,
        };
        let spans = pair.each_ref().map(Span::of);
        let sides = |axis: &Axis| [axis.input(), axis.effective_kernel(), axis.output()];
        let long = pair.iter().flat_map(sides).chain(spans.iter().map(Span::len));
        let cells = spans.iter().map(Span::len).product::<usize>();
        if long.max().unwrap_or(0) > MAX_SIDE_PICTURED || cells > MAX_CELLS_PICTURED {
            return None;
        }
        let uncropped = [uncrop((0, &pair[0]))?, uncrop((1, &pair[1]))?];
        let numbers = Numbers::counted(drawn(axes));
        Some(Self { rank: drawn(axes).len(), axes: pair, uncropped, spans, numbers, lang })
    }

    pub(crate) fn input(&self) -> [usize; 2] {
        self.axes.each_ref().map(Axis::input)
    }

    pub(crate) fn kernel(&self) -> [usize; 2] {
        self.axes.each_ref().map(Axis::kernel)
    }

    pub(crate) fn output(&self) -> [usize; 2] {
        self.axes.each_ref().map(Axis::output)
    }

    /// Every product of an output cell, as (flat input, flat tap).
    pub(crate) fn products(&self, output: usize) -> Vec<(usize, usize)> {
        products(&self.axes, output)
    }

    /// The same for a cell of the uncropped result.
    pub(crate) fn products_uncropped(&self, [row, column]: [usize; 2]) -> Vec<(usize, usize)> {
        products(&self.uncropped, row * self.uncropped[1].output() + column)
    }

    /// The cell of the uncropped result that an output cell is.
    pub(crate) fn uncropped_of(&self, output: usize) -> [i64; 2] {
        let columns = self.axes[1].output();
        let at = [output / columns, output % columns];
        [0, 1].map(|n| at[n] as i64 + self.axes[n].window_begin())
    }

    /// The output cell with the most products, one in the middle of those.
    pub(crate) fn busiest(&self) -> usize {
        let most = |axis: &Axis| {
            let overlap = axis.overlap();
            let most = overlap.iter().max().copied().unwrap_or(0);
            let all: Vec<usize> = (0..overlap.len()).filter(|&n| overlap[n] == most).collect();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        most(&self.axes[0]) * self.axes[1].output() + most(&self.axes[1])
    }

    /// `x[1]` or `x[0,1]`.
    pub(crate) fn name(&self, letter: char, flat: usize, sizes: [usize; 2]) -> String {
        match self.rank {
            1 => name(letter, flat, &sizes[1..]),
            _ => name(letter, flat, &sizes),
        }
    }

    pub(crate) fn x(&self, flat: usize) -> Option<String> {
        self.numbers.as_ref().map(|numbers| short_number(numbers.x[flat]))
    }

    pub(crate) fn w(&self, flat: usize) -> Option<String> {
        self.numbers.as_ref().map(|numbers| short_number(numbers.w[flat]))
    }

    pub(crate) fn y(&self, flat: usize) -> Option<String> {
        self.numbers.as_ref().map(|numbers| short_number(numbers.y[flat]))
    }
}
