//! A whole encoder and decoder: the size after every layer, whether it comes back, and what repairs it.
//!
//! A chain is written as TOML. Lists have one number for each axis; a single number holds for all.
//!
//! ```toml
//! dialect = "pytorch"        # whose rules hold in all layers; this is the default
//! input = [225, 225]         # or one number; a size given to the check stands in for it
//!
//! [[layer]]
//! name = "down1"             # default: "op 1", "op 2", ...
//! op = "conv"                # or max_pool, avg_pool, conv_transpose, resize, pixel_shuffle, pixel_unshuffle
//! kernel = 3
//! stride = 2                 # default: 1; of pools the kernel
//! padding = 1                # also [1, 2], [[1, 0], [0, 1]] (before, after), "same", "valid", "same_upper",
//!                            # "same_lower"; default: the dialect's (TensorFlow and TFLite: "same"; else none)
//! dilation = 1
//!
//! [[layer]]
//! op = "conv_transpose"
//! kernel = 2
//! stride = 2
//! like = "input"             # makes the size of that layer's output; "input" is the chain's input
//! skip = "input"             # the result is put beside that output: their sizes must be equal
//! ```
//!
//! Further keys: `ceil_mode` (pools; Caffe's default is true), `output_padding` (conv_transpose), `output`
//! (conv_transpose and resize: the wanted size), `factor` (resize, pixel_shuffle, pixel_unshuffle).
//!
//! Sizes come from `upconv-geometry`; nothing here but a multiplication by a factor makes one.

mod error;
mod losses;
mod nearest;
mod page;
mod read;
mod repairs;
mod report;
#[cfg(test)]
mod tests;
mod walk;

use upconv_geometry::{Dialect, Padding};

pub use error::ChainError;
use error::{Located, Problem};
pub use repairs::{Change, Repair, Value};
pub use report::{Checked, CheckedLayer, Lost, Nearest, Skip};
use walk::Walk;

use crate::lang::Lang;

/// Most layers of a chain.
pub const MAX_CHAIN_LAYERS: usize = 1000;

/// What a chain calls its input.
const INPUT: &str = "input";

/// A place between layers: 0 is the chain's input, `n` the output of its layer number `n`, counted from 1.
/// Layer `i`, counted from 0, leads from point `i` to point `i + 1`.
type Point = usize;

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Conv,
    MaxPool,
    AvgPool,
    ConvTranspose,
    Resize,
    PixelShuffle,
    PixelUnshuffle,
}

impl Op {
    const ALL: [Self; 7] = [
        Self::Conv,
        Self::MaxPool,
        Self::AvgPool,
        Self::ConvTranspose,
        Self::Resize,
        Self::PixelShuffle,
        Self::PixelUnshuffle,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Conv => "conv",
            Self::MaxPool => "max_pool",
            Self::AvgPool => "avg_pool",
            Self::ConvTranspose => "conv_transpose",
            Self::Resize => "resize",
            Self::PixelShuffle => "pixel_shuffle",
            Self::PixelUnshuffle => "pixel_unshuffle",
        }
    }

    fn is_pool(self) -> bool {
        matches!(self, Self::MaxPool | Self::AvgPool)
    }

    /// Whether a kernel slides over the input.
    fn has_window(self) -> bool {
        matches!(self, Self::Conv | Self::MaxPool | Self::AvgPool | Self::ConvTranspose)
    }
}

/// The size that a layer is told to make.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Size(Vec<i64>),
    Like(Point),
}

/// One layer. Lists have one number or, once fitted to a number of axes, one per axis; those of keys that the
/// layer does not have are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layer {
    name: String,
    op: Op,
    kernel: Vec<i64>,
    stride: Vec<i64>,
    dilation: Vec<i64>,
    padding: Option<Padding>,
    ceil_mode: bool,
    output_padding: Option<Vec<i64>>,
    wanted: Option<Wanted>,
    factor: Vec<i64>,
    skip: Option<Point>,
    /// The line of the layer, and of its keys, for errors.
    line: usize,
    lines: Vec<(&'static str, usize)>,
}

/// An encoder and decoder, as a file describes it.
///
/// ```
/// use upconv_explain::{Chain, Lang, Layout};
/// let text = r#"
///     input = 7
///     [[layer]]
///     op = "max_pool"
///     kernel = 2
///     [[layer]]
///     name = "up"
///     op = "conv_transpose"
///     kernel = 2
///     stride = 2
///     skip = "input"
/// "#;
/// let chain = Chain::read(text, "small.toml")?;
/// // 7 = 3 windows of 2 and a cell that nobody reads; 3 * 2 = 6.
/// let checked = chain.check(None, Lang::En)?;
/// assert_eq!((checked.layers[0].unread[0], checked.output[0]), (1, 6));
/// assert!(!checked.comes_back());
/// assert_eq!(checked.loses[0].layer, "op 1");
/// assert_eq!(checked.nearest.above, Some(vec![8]));
/// // Another size stands in for that of the file.
/// assert!(chain.check(Some(&[8]), Lang::En)?.comes_back());
/// # Ok::<(), upconv_explain::ChainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    file: String,
    dialect: Dialect,
    input: Option<Vec<i64>>,
    layers: Vec<Layer>,
}

impl Chain {
    /// Reads a chain; `file` is what errors call it.
    ///
    /// # Errors
    /// Text that is no TOML, unknown keys, layers and words, and numbers that cannot be meant.
    ///
    /// ```
    /// use upconv_explain::Chain;
    /// let error = Chain::read("[[layer]]\nop = \"max_pool\"\n", "net.toml").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "net.toml, line 1, layer \"op 1\", kernel: is missing: a number, or one per axis"
    /// );
    /// ```
    pub fn read(text: &str, file: &str) -> Result<Self, ChainError> {
        read::read(text, file)
    }

    /// Works out all sizes from `from`, or else from the input that the file names.
    ///
    /// # Errors
    /// No input size, lists of another length than the size, and whatever the dialect refuses in a layer.
    pub fn check(&self, from: Option<&[i64]>, lang: Lang) -> Result<Checked, ChainError> {
        let input = match (from, &self.input) {
            (Some(from), _) => from.to_vec(),
            (None, Some(input)) => input.clone(),
            (None, None) => {
                return Err(self.error(None, Some(INPUT), Problem::NoInput));
            }
        };
        let layers = self.fitted(input.len())?;
        let input = walk::input(&input)
            .map_err(|error| self.error(None, Some(INPUT), Problem::Geometry(error)))?;
        let walk = Walk::of(self.dialect, &layers, &input)
            .map_err(|(number, problem)| self.error(layers.get(number), None, problem))?;
        let fits = walk.fits(&layers);
        let nearest = nearest::nearest(self.dialect, &layers, &input, fits);
        let (loses, repairs) = match fits {
            true => (Vec::new(), Vec::new()),
            false => {
                let losses = losses::losses(&layers, &walk);
                let asked = repairs::Question { dialect: self.dialect, layers: &layers, lang };
                let repairs = repairs::repairs(&asked, &walk, &losses, &nearest);
                (losses.iter().map(|loss| loss.told(&layers, &walk, lang)).collect(), repairs)
            }
        };
        let output = walk.points.last().unwrap_or(&input).clone();
        Ok(Checked {
            file: self.file.clone(),
            dialect: self.dialect.name(),
            round_trip: output == input,
            input,
            output,
            layers: (0..layers.len())
                .map(|number| CheckedLayer::of(&layers, &walk, number))
                .collect(),
            loses,
            repairs,
            nearest,
            lang,
        })
    }

    /// The layers with one number per axis in every list.
    fn fitted(&self, axes: usize) -> Result<Vec<Layer>, ChainError> {
        let fit = |layer: &Layer| {
            let mut layer = layer.clone();
            match layer.spread(axes) {
                Ok(()) => Ok(layer),
                Err((field, got)) => {
                    let problem = Problem::Axes { got, expected: axes };
                    Err(self.error(Some(&layer), Some(field), problem))
                }
            }
        };
        self.layers.iter().map(fit).collect()
    }

    fn error(&self, layer: Option<&Layer>, field: Option<&str>, problem: Problem) -> ChainError {
        let of_field = |layer: &Layer| {
            let named = layer.lines.iter().find(|(key, _)| Some(*key) == field);
            named.map_or(layer.line, |(_, line)| *line)
        };
        ChainError::from(Located {
            file: self.file.clone(),
            line: layer.map(of_field),
            layer: layer.map(|layer| layer.name.clone()),
            field: field.map(Into::into),
            problem,
        })
    }
}

impl Layer {
    /// Gives every list one number per axis; else the key and the length of its list.
    fn spread(&mut self, axes: usize) -> Result<(), (&'static str, usize)> {
        fn each<T: Clone>(
            field: &'static str,
            list: &mut Vec<T>,
            axes: usize,
        ) -> Result<(), (&'static str, usize)> {
            match list.as_slice() {
                [] => Ok(()),
                [one] => {
                    *list = vec![one.clone(); axes];
                    Ok(())
                }
                all if all.len() == axes => Ok(()),
                all => Err((field, all.len())),
            }
        }
        each("kernel", &mut self.kernel, axes)?;
        each("stride", &mut self.stride, axes)?;
        each("dilation", &mut self.dilation, axes)?;
        each("factor", &mut self.factor, axes)?;
        if let Some(list) = &mut self.output_padding {
            each("output_padding", list, axes)?;
        }
        if let Some(Padding::Pads(pads)) = &mut self.padding {
            each("padding", pads, axes)?;
        }
        if let Some(Wanted::Size(size)) = &mut self.wanted {
            each("output", size, axes)?;
        }
        Ok(())
    }
}

/// How a chain calls a place between its layers.
fn place(layers: &[Layer], point: Point) -> &str {
    match point.checked_sub(1).and_then(|number| layers.get(number)) {
        Some(layer) => &layer.name,
        None => INPUT,
    }
}
