//! Everything that a page draws of one setting with numbers of the reader's own: which input meets which output
//! through which tap, from every side, and what comes out.
//!
//! Two axes always: a setting of one is the columns of a single row. Which cells are connected comes from
//! `upconv-geometry`, sums from the reference of `upconv-kernels`; a page adds nothing to it.

mod error;
mod fill;
mod sides;

pub use error::TraceError;
pub use fill::Fill;
pub use sides::{Crop, Landing, Phases, Stretched};

use serde::Serialize;
use upconv_geometry::{Axis, Channels, ConvTransposeShape};
use upconv_kernels::reference::conv_transpose::{conv_transpose, conv_transpose_x_backward};

use crate::drawing::Subject;
use crate::explanation::Explained;
use crate::views::matrix::MatrixForm;

/// Most products of all groups together that are listed.
pub const MAX_PRODUCTS_TRACED: usize = 40_000;
/// Most groups that are traced.
pub const MAX_GROUPS_TRACED: usize = 8;

/// The numbers of one group, row by row: one channel in, one channel out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plane {
    /// The input.
    pub x: Vec<f64>,
    /// The kernel.
    pub w: Vec<f64>,
    /// The uncropped result.
    pub uncropped: Vec<f64>,
    /// The output.
    pub y: Vec<f64>,
    /// The forward convolution of the output with the same kernel: the size of the input, and not its values.
    pub back: Vec<f64>,
    /// For every output cell its products, in the order of [`Trace::gather`].
    pub products: Vec<Vec<f64>>,
}

/// One setting, with numbers put through it.
///
/// ```
/// use upconv_explain::{Explained, Fill, Lang, Trace};
/// use upconv_geometry::{Dialect, Setting};
/// let setting = Setting {
///     input: vec![2], kernel: vec![3], stride: vec![2], ..Setting::new(Dialect::Definition)
/// };
/// let explained = Explained::new(setting, Lang::En)?;
/// let (x, w) = (Fill::parse("x", "1,10").unwrap(), Fill::parse("w", "1,2,3").unwrap());
/// let trace = Trace::of(&explained, &x, &w).unwrap();
/// assert_eq!(trace.planes[0].y, [1.0, 2.0, 13.0, 20.0, 30.0]);
/// // Cell 2 is 1 * 3 and 10 * 1.
/// assert_eq!(trace.gather[2], [[1, 0], [0, 2]]);
/// assert_eq!(trace.planes[0].products[2], [10.0, 3.0]);
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Trace {
    /// Axes of the setting, 1 or 2.
    pub rank: usize,
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Of the kernel.
    pub kernel: [usize; 2],
    /// Of the output.
    pub output: [usize; 2],
    /// Of the uncropped result.
    pub uncropped: [usize; 2],
    /// Where the output begins in the uncropped result; negative: zeros stand before it.
    pub window_begin: [i64; 2],
    /// For every output cell the (input, tap) of its products. All cells are counted row by row.
    pub gather: Vec<Vec<[usize; 2]>>,
    /// For every input cell where its products land.
    pub scatter: Vec<Vec<Landing>>,
    /// The uncropped result with the window that is kept.
    pub crop: Crop,
    /// The input with zeros between and around its cells.
    pub stretched: Stretched,
    /// Outputs that share their taps.
    pub phases: Phases,
    /// How many products each output cell receives.
    pub overlap: Vec<usize>,
    /// The matrix of the forward convolution.
    pub matrix: MatrixForm,
    /// The numbers, group by group.
    pub planes: Vec<Plane>,
}

impl Trace {
    /// Puts numbers through a setting.
    ///
    /// # Errors
    /// More axes than two, more cells than can be told apart, more than [`MAX_GROUPS_TRACED`] groups or
    /// [`MAX_PRODUCTS_TRACED`] products, numbers that are too few or too many.
    pub fn of(explained: &Explained, x: &Fill, w: &Fill) -> Result<Self, TraceError> {
        let (axes, groups) = (explained.axes(), explained.groups());
        if axes.len() > 2 {
            return Err(TraceError::Rank { got: axes.len() });
        }
        if groups > MAX_GROUPS_TRACED {
            return Err(TraceError::Groups { got: groups });
        }
        let subject = Subject::new(axes, explained.lang).ok_or(TraceError::TooLarge)?;
        let products: usize = axes.iter().map(|a| a.input() * a.kernel()).product();
        if products * groups > MAX_PRODUCTS_TRACED {
            return Err(TraceError::Products { got: products * groups });
        }
        let cells = |sides: [usize; 2]| sides[0] * sides[1];
        let x = x.numbers(subject.input(), groups)?;
        let w = w.numbers(subject.kernel(), groups)?;
        let gather: Vec<Vec<[usize; 2]>> = (0..cells(subject.output()))
            .map(|output| subject.products(output).into_iter().map(|(x, w)| [x, w]).collect())
            .collect();
        Ok(Self {
            rank: axes.len(),
            input: subject.input(),
            kernel: subject.kernel(),
            output: subject.output(),
            uncropped: subject.uncropped.each_ref().map(Axis::output),
            window_begin: subject.axes.each_ref().map(Axis::window_begin),
            scatter: sides::scatter(&subject),
            crop: Crop::of(&subject),
            stretched: Stretched::of(&subject),
            phases: Phases::of(&subject),
            overlap: gather.iter().map(Vec::len).collect(),
            matrix: MatrixForm::of(&subject.axes),
            planes: planes(&subject, &gather, (&x, &w), groups)?,
            gather,
        })
    }
}

/// What becomes of the numbers, group by group.
fn planes(
    subject: &Subject,
    gather: &[Vec<[usize; 2]>],
    (x, w): (&[f64], &[f64]),
    groups: usize,
) -> Result<Vec<Plane>, TraceError> {
    let channels = Channels { batch: 1, in_channels: groups, out_channels: groups, groups };
    let shape = ConvTransposeShape::new(channels, subject.axes.to_vec())?;
    let whole = ConvTransposeShape::new(channels, subject.uncropped.to_vec())?;
    let y = conv_transpose(&shape, x, w, None)?;
    let uncropped = conv_transpose(&whole, x, w, None)?;
    let back = conv_transpose_x_backward(&shape, w, &y)?;
    let part = |all: &[f64], group: usize| {
        let length = all.len() / groups;
        all[group * length..][..length].to_vec()
    };
    let plane = |group: usize| {
        let (x, w) = (part(x, group), part(w, group));
        let product = |&[input, tap]: &[usize; 2]| x[input] * w[tap];
        Plane {
            products: gather.iter().map(|cell| cell.iter().map(product).collect()).collect(),
            uncropped: part(&uncropped, group),
            y: part(&y, group),
            back: part(&back, group),
            x,
            w,
        }
    };
    Ok((0..groups).map(plane).collect())
}

#[cfg(test)]
mod tests;
