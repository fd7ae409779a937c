//! What is known about one setting, as data: the object that `upconv explain --json` prints.

use serde::Serialize;
use upconv_geometry::{Axis, GeometryError, Resolved, Setting};

use crate::code::Code;
use crate::derivation::derivation;
use crate::document::Page;
use crate::lang::Lang;
use crate::message::listed;
use crate::overlap::Overlap;
use crate::page;
use crate::views::matrix::MatrixForm;
use crate::views::{Worked, gather};

/// One axis in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AxisNumbers {
    /// Number of the axis, from 0.
    pub axis: usize,
    /// Input cells.
    pub input: usize,
    /// Taps.
    pub kernel: usize,
    /// Cells that the kernel spans.
    pub effective_kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Dilation, 1 for none.
    pub dilation: usize,
    /// Cells of the uncropped result.
    pub full: usize,
    /// Where the window begins in the uncropped result.
    pub window_begin: i64,
    /// Output cells.
    pub output: usize,
    /// Cells cropped in front; negative: zeros added.
    pub pad_before: i64,
    /// Cells cropped behind; negative: zeros added.
    pub pad_after: i64,
    /// The sizes that share the input; null if more than [`crate::MAX_LEGAL_LISTED`].
    pub legal_outputs: Option<Vec<i64>>,
    /// Per output cell its (input, tap) pairs; null where the axis is too long to be drawn.
    pub contributors: Option<Vec<Vec<[usize; 2]>>>,
}

/// Everything about one setting, as data.
///
/// Members are only ever added, at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// Name of the dialect.
    pub dialect: &'static str,
    /// Groups.
    pub groups: usize,
    /// Output cells per axis.
    pub output: Vec<usize>,
    /// The axes.
    pub axes: Vec<AxisNumbers>,
    /// How many products each cell receives.
    pub overlap: Overlap,
    /// The sizes line by line, in words.
    pub derivation: Vec<String>,
    /// The same setting as code.
    pub code: Code,
    /// Facts that one should not miss, in words.
    pub warnings: Vec<String>,
    /// The matrix of the forward convolution.
    pub matrix: MatrixForm,
    /// Small numbers put through; null where the setting is too large to be drawn.
    pub worked: Option<Worked>,
}

/// A setting that its dialect accepts, ready to be explained.
///
/// ```
/// use upconv_explain::{Explained, Lang, Layout};
/// use upconv_geometry::{Dialect, Padding, Setting};
/// let setting = Setting {
///     input: vec![3], kernel: vec![3], stride: vec![2],
///     padding: Some(Padding::Same), output: Some(vec![5]),
///     ..Setting::new(Dialect::Tensorflow)
/// };
/// let explained = Explained::new(setting, Lang::En)?;
/// let data = explained.data();
/// assert_eq!(data.derivation[0], "axis 0: full = (3 - 1) * 2 + 3 = 7");
/// assert_eq!((data.axes[0].pad_before, data.axes[0].pad_after), (1, 1));
/// assert!(explained.page().text(Layout::default()).contains("window (1,1)"));
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Explained {
    pub(crate) setting: Setting,
    pub(crate) resolved: Resolved,
    pub(crate) lang: Lang,
}

impl Explained {
    /// Puts the setting to its dialect.
    ///
    /// # Errors
    /// Whatever the dialect refuses.
    pub fn new(setting: Setting, lang: Lang) -> Result<Self, GeometryError> {
        let resolved = setting.resolve()?;
        Ok(Self { setting, resolved, lang })
    }

    /// The axes that the dialect makes of the setting: what drawings start from.
    pub fn axes(&self) -> &[Axis] {
        &self.resolved.axes
    }

    /// The language of its texts.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Groups.
    pub fn groups(&self) -> usize {
        self.resolved.groups
    }

    /// Everything as data.
    pub fn data(&self) -> Explanation {
        let axes = &self.resolved.axes;
        Explanation {
            dialect: self.setting.dialect.name(),
            groups: self.resolved.groups,
            output: axes.iter().map(Axis::output).collect(),
            axes: axes.iter().enumerate().map(|(number, a)| self.numbers(number, a)).collect(),
            overlap: Overlap::of(axes),
            derivation: derivation(&self.setting, &self.resolved, self.lang),
            code: Code::of(axes, self.resolved.groups, self.lang),
            warnings: Overlap::warnings(axes, self.lang),
            matrix: MatrixForm::of(axes),
            worked: Worked::new(axes),
        }
    }

    /// Everything as a page for people.
    pub fn page(&self) -> Page {
        page::page(self, &self.data())
    }

    fn numbers(&self, number: usize, a: &Axis) -> AxisNumbers {
        AxisNumbers {
            axis: number,
            input: a.input(),
            kernel: a.kernel(),
            effective_kernel: a.effective_kernel(),
            stride: a.stride(),
            dilation: a.dilation(),
            full: a.full(),
            window_begin: a.window_begin(),
            output: a.output(),
            pad_before: a.pad_before(),
            pad_after: a.pad_after(),
            legal_outputs: listed(self.resolved.legal[number]),
            contributors: gather::pairs(a),
        }
    }
}
