//! Pictures of a setting: SVG, animated GIF, and a page with all views to step through.
//!
//! 1. [`subject`]: the setting as two axes. Which cell meets which through which tap comes from the
//!    contributor lists of `upconv-geometry`: no size is computed here.
//! 2. A file for each view ([`scatter`], [`gather`], [`zero_insertion`], [`matrix`], [`phases`], [`overlap`],
//!    and [`forward`] beside them) says what every step shows, as [`panel`]s of cells.
//! 3. [`compose`] lays panels out as a [`scene`]; [`palette`] has the colours.
//! 4. [`svg`] and [`html`] write it; [`raster`] draws SVG for animated GIF.

mod compose;
mod forward;
mod gather;
mod html;
mod matrix;
mod overlap;
mod palette;
mod panel;
mod phases;
mod raster;
mod scatter;
mod scene;
mod subject;
mod svg;
#[cfg(test)]
mod tests;
mod zero_insertion;

pub(crate) use palette::{HEATS, Paint, heat};
pub(crate) use phases::AxisPhases;
pub(crate) use raster::picture;
pub(crate) use scene::{Anchor, Mark, Outline, Point, Scene};
pub(crate) use subject::{Numbers, Subject};
pub(crate) use svg::{About, file};
pub(crate) use zero_insertion::StretchedAxis;

pub use palette::Theme;
pub use subject::{MAX_CELLS_PICTURED, MAX_SIDE_PICTURED};

use upconv_geometry::Axis;

use compose::Head;
use html::Tab;
use panel::Frame;

use crate::explanation::Explained;
use crate::lang::{Lang, say, short, sizes};
use crate::loss::Panel;
use crate::trace::Trace;

/// Most steps of a view that are drawn; of more, so many at equal distances.
pub const MAX_STEPS: usize = 64;

/// From which side a picture shows the operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    /// Every input cell lays down the kernel.
    #[default]
    Scatter,
    /// Every output cell collects its products.
    Gather,
    /// A convolution over the input with zeros between its cells.
    ZeroInsertion,
    /// C of the forward convolution and its transpose.
    Matrix,
    /// Outputs that share their taps.
    Phases,
    /// How many products each output cell receives.
    Overlap,
}

impl View {
    /// All views, in the order in which a page shows them.
    pub const ALL: [Self; 6] = [
        Self::Scatter,
        Self::Gather,
        Self::ZeroInsertion,
        Self::Matrix,
        Self::Phases,
        Self::Overlap,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scatter => "scatter",
            Self::Gather => "gather",
            Self::ZeroInsertion => "zero-insertion",
            Self::Matrix => "matrix",
            Self::Phases => "phases",
            Self::Overlap => "overlap",
        }
    }

    /// The view of a name.
    ///
    /// ```
    /// use upconv_explain::View;
    /// assert_eq!(View::from_name("zero-insertion"), Some(View::ZeroInsertion));
    /// assert_eq!(View::from_name("sideways"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.name() == name)
    }

    fn label(self, lang: Lang) -> &'static str {
        match self {
            Self::Scatter => lang.pick("Scatter", "散布"),
            Self::Gather => lang.pick("Gather", "汇集"),
            Self::ZeroInsertion => lang.pick("Zero insertion", "插零"),
            Self::Matrix => lang.pick("Matrix", "矩阵"),
            Self::Phases => lang.pick("Phases", "相位"),
            Self::Overlap => lang.pick("Overlap", "重叠"),
        }
    }
}

/// How a setting is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrawingOptions {
    /// On what it will be shown.
    pub theme: Theme,
    /// Whether the forward convolution stands beside the transposed one. Only [`View::Scatter`] has room for it.
    pub forward: bool,
}

/// A setting that is small enough to be drawn.
///
/// Pictures are 800 pixels wide, and CC0: anybody may use them for anything.
///
/// ```
/// use upconv_explain::{Drawing, DrawingOptions, Explained, Lang, View};
/// use upconv_geometry::{Dialect, Setting};
/// let setting = Setting {
///     input: vec![2], kernel: vec![3], stride: vec![2], ..Setting::new(Dialect::Definition)
/// };
/// let explained = Explained::new(setting, Lang::En)?;
/// let drawing = Drawing::new(&explained, DrawingOptions::default()).expect("it is small");
/// let svg = drawing.svg(View::Gather).expect("every setting can be gathered");
/// // y[2] collects from both inputs: 2 * 1 + 1 * 3.
/// assert!(svg.contains("y[2] = x[1]*w[0] + x[0]*w[2] = 2*1 + 1*3 = 5"), "{svg}");
/// # Ok::<(), upconv_geometry::GeometryError>(())
/// ```
pub struct Drawing {
    subject: Subject,
    title: String,
    setting: String,
    options: DrawingOptions,
}

impl Drawing {
    /// Of three axes the last two are drawn. `None` for an axis of more than [`MAX_SIDE_PICTURED`] cells, and for
    /// more than [`MAX_CELLS_PICTURED`] cells: they could not be told apart.
    pub fn new(explained: &Explained, options: DrawingOptions) -> Option<Self> {
        let lang = explained.lang;
        let subject = Subject::new(explained.axes(), lang)?;
        let dialect = lang.dialect(explained.setting.dialect);
        let title = say!(lang, "Transposed convolution, {dialect}", "转置卷积，{dialect}");
        Some(Self { subject, title, setting: words(explained), options })
    }

    /// With the numbers of a [`Trace`] of the same setting, of its first group.
    #[must_use]
    pub fn with_numbers(mut self, trace: &Trace) -> Self {
        let numbers = trace.planes.first().map(|plane| Numbers {
            x: plane.x.clone(),
            w: plane.w.clone(),
            y: plane.y.clone(),
        });
        self.subject.numbers = numbers;
        self
    }

    /// The picture of [`Self::svg`] in pixels.
    pub fn pixels(&self, view: View) -> Option<Panel> {
        let picture = raster::picture(&self.svg(view)?)?;
        Some(Panel {
            height: picture.height.into(),
            width: picture.width.into(),
            rgb: picture.colours.concat(),
        })
    }

    /// One picture of a view: a telling step of it, with the values of all steps. `None` for the matrix if it
    /// has more than [`crate::MAX_MATRIX_DRAWN`] rows or columns.
    pub fn svg(&self, view: View) -> Option<String> {
        let frame = self.frame(view, self.telling(view), usize::MAX)?;
        let scene = compose::scenes(&self.head(view), &[frame]).pop()?;
        Some(self.file(view, &scene))
    }

    /// A page with all views that can be drawn, each with its steps. It needs no other file and no network.
    pub fn html(&self) -> String {
        let tab = |view: View| {
            let frames = self.frames(view)?;
            let scenes = compose::scenes(&self.head(view), &frames);
            Some(Tab { name: view.name(), label: view.label(self.subject.lang), scenes })
        };
        let tabs: Vec<Tab<'_>> = View::ALL.into_iter().filter_map(tab).collect();
        html::page(&format!("{}: {}", self.title, self.setting), &tabs, self.subject.lang)
    }

    /// The steps of a view as an animated GIF. `None` as for [`Self::svg`].
    pub fn gif(&self, view: View) -> Option<Vec<u8>> {
        let scenes = compose::scenes(&self.head(view), &self.frames(view)?);
        let svgs: Vec<String> = scenes.iter().map(|scene| self.file(view, scene)).collect();
        raster::gif(&svgs)
    }

    fn file(&self, view: View, scene: &Scene) -> String {
        let about = svg::About {
            title: &self.title,
            description: &format!("{} {}", self.setting, view_title(view, &self.subject)),
            language: self.subject.lang.pick("en", "zh-CN"),
        };
        svg::file(scene, &about, self.options.theme)
    }

    fn head(&self, view: View) -> Head<'_> {
        Head { title: &self.title, setting: &self.setting, view: view_title(view, &self.subject) }
    }

    /// All steps of a view, [`MAX_STEPS`] of them at most.
    fn frames(&self, view: View) -> Option<Vec<Frame>> {
        let all = self.steps(view);
        let shown = all.min(MAX_STEPS);
        let step = |n: usize| match shown {
            0 | 1 => 0,
            _ => n * (all - 1) / (shown - 1),
        };
        (0..shown.max(1)).map(|n| self.frame(view, step(n), step(n))).collect()
    }

    fn steps(&self, view: View) -> usize {
        match view {
            View::Scatter => scatter::steps(&self.subject),
            View::Gather | View::ZeroInsertion | View::Matrix => gather::steps(&self.subject),
            // The first shows all phases.
            View::Phases => phases::steps(&self.subject) + 1,
            View::Overlap => 1,
        }
    }

    /// The step that a single picture shows.
    fn telling(&self, view: View) -> usize {
        match view {
            View::Scatter => scatter::telling(&self.subject),
            View::Gather | View::ZeroInsertion | View::Matrix => self.subject.busiest(),
            View::Phases | View::Overlap => 0,
        }
    }

    /// One step, with the values of all steps up to `until`.
    fn frame(&self, view: View, step: usize, until: usize) -> Option<Frame> {
        let subject = &self.subject;
        let mut frame = match view {
            View::Scatter => scatter::frame(subject, step, until),
            View::Gather => gather::frame(subject, step, until),
            View::ZeroInsertion => zero_insertion::frame(subject, step, until),
            View::Matrix => matrix::frame(subject, step, until)?,
            View::Phases => phases::frame(subject, step.checked_sub(1)),
            View::Overlap => overlap::frame(subject),
        };
        if self.options.forward && view == View::Scatter {
            frame.panels.push(forward::panels(subject, step));
        }
        Some(frame)
    }
}

fn view_title(view: View, subject: &Subject) -> &'static str {
    match view {
        View::Scatter => scatter::title(subject),
        View::Gather => gather::title(subject),
        View::ZeroInsertion => zero_insertion::title(subject),
        View::Matrix => matrix::title(subject),
        View::Phases => phases::title(subject),
        View::Overlap => overlap::title(subject),
    }
}

/// `input 3x3, kernel 3x3, stride 2, crop 1 before and 0 after: output 6x6`.
fn words(explained: &Explained) -> String {
    let (lang, axes) = (explained.lang, explained.axes());
    let each = |f: fn(&Axis) -> usize| axes.iter().map(f).collect::<Vec<_>>();
    let (input, kernel) = (sizes(&each(Axis::input)), sizes(&each(Axis::kernel)));
    let (stride, output) = (short(&each(Axis::stride)), sizes(&each(Axis::output)));
    let mut text = say!(
        lang,
        "input {input}, kernel {kernel}, stride {stride}",
        "输入 {input}，卷积核 {kernel}，步幅 {stride}"
    );
    let dilation = each(Axis::dilation);
    if dilation.iter().any(|&dilation| dilation > 1) {
        let dilation = short(&dilation);
        text += &say!(lang, ", dilation {dilation}", "，膨胀率 {dilation}");
    }
    let groups = explained.resolved.groups;
    if groups > 1 {
        text += &say!(
            lang,
            ", {groups} groups (each like this, with channels and a kernel of its own)",
            "，{groups} 组（每组都如图，各有自己的通道与卷积核）"
        );
    }
    let ends = |f: fn(&Axis) -> i64| short(&axes.iter().map(f).collect::<Vec<_>>());
    let (before, after) = (ends(Axis::pad_before), ends(Axis::pad_after));
    text +=
        &say!(lang, ", crop {before} before and {after} after", "，前裁 {before}、后裁 {after}");
    if axes.iter().any(|a| a.pad_before() < 0 || a.pad_after() < 0) {
        text += lang.pick(" (negative: zeros added)", "（负数表示补零）");
    }
    text += &say!(lang, ": output {output}", "：输出 {output}");
    if axes.len() > 2 {
        text += lang.pick(
            "; drawn are axes 1 and 2, axis 0 works in the same way",
            "；所画的是轴 1 和轴 2，轴 0 与之同理",
        );
    }
    text
}
