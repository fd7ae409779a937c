//! From the names of a file to the names of a model, as a table that can be read.
//!
//! A model has one table per kind of source. [`RenameTable::balance`] says what it would do, without
//! touching a cell; [`RenameTable::apply`] does it.

mod pattern;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::axes;
use crate::balance::{Balance, Fate, Line};
use crate::error::{Result, TensorFault, WeightsError};
use crate::tensor::Tensor;
pub(crate) use pattern::Pattern;

/// How the axes of a tensor move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// They stay.
    Keep,
    /// Axis `i` of the model's tensor is axis `order[i]` of the source's.
    Permute(&'static [usize]),
    /// The cells stay in order, and take the shape that the model needs.
    Reshape,
    /// The cells stay in order and take the shape from which `order` leads to the model's; then axes move as in
    /// [`Axes::Permute`]. So a matrix becomes a convolution whose kernel is as large as the map that it looked at.
    ReshapePermute(&'static [usize]),
}

impl Axes {
    /// TensorFlow's convolution `[kh, kw, in, out]` to `[out, in, kh, kw]`.
    pub const HWIO_TO_OIHW: Self = Self::Permute(&[3, 2, 0, 1]);

    /// TensorFlow's depthwise convolution `[kh, kw, channels, multiplier]` to
    /// `[channels, multiplier, kh, kw]`, which for multiplier 1 is a convolution with one group per channel.
    pub const DEPTHWISE_TO_OIHW: Self = Self::Permute(&[2, 3, 0, 1]);

    /// TensorFlow's matrix `[in, out]`, whose rows are cells of a map in the order height, width, channel, to the
    /// convolution `[out, in, kh, kw]` that is as large as the map.
    pub const IO_TO_OIHW: Self = Self::ReshapePermute(&[3, 2, 0, 1]);

    /// TensorFlow's transposed convolution `[kh, kw, out, in]` to `[in, out, kh, kw]`.
    pub const HWOI_TO_IOHW: Self = Self::Permute(&[3, 2, 0, 1]);
}

/// One line of a table.
///
/// `from` is a name, or a name with one `{n}` that stands for a number without leading zeros. `to` may
/// have `{n}`, `{n+1}`, `{n-1}` and the like in any place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The tensor becomes one of the model's.
    Take {
        /// Its name in the source.
        from: Cow<'static, str>,
        /// Its name in the model.
        to: Cow<'static, str>,
        /// How its axes move.
        axes: Axes,
    },
    /// The tensor is known, and not needed.
    Ignore {
        /// Its name in the source.
        from: Cow<'static, str>,
        /// Why it is not needed.
        reason: Cow<'static, str>,
    },
}

impl Rule {
    /// The tensor `from` becomes `to`.
    pub fn take(
        from: impl Into<Cow<'static, str>>,
        to: impl Into<Cow<'static, str>>,
        axes: Axes,
    ) -> Self {
        Self::Take { from: from.into(), to: to.into(), axes }
    }

    /// The tensor `from` is not needed.
    pub fn ignore(
        from: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Ignore { from: from.into(), reason: reason.into() }
    }

    fn from(&self) -> &str {
        match self {
            Self::Take { from, .. } | Self::Ignore { from, .. } => from,
        }
    }
}

/// The rules from a kind of source to a model. For each tensor the first rule that fits its name counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameTable {
    /// The rules, in the order in which they are tried.
    pub rules: Cow<'static, [Rule]>,
}

/// A tensor that a model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl Expected {
    /// A tensor of this name and shape.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into() }
    }
}

/// What happens to a tensor of the source.
struct Move {
    /// Its place in the source.
    source: usize,
    /// Its place in what the model needs.
    target: usize,
    axes: Axes,
}

impl RenameTable {
    /// A table of these rules.
    pub fn new(rules: impl Into<Cow<'static, [Rule]>>) -> Self {
        Self { rules: rules.into() }
    }

    /// The table of a file that has the model's own names and shapes.
    pub fn identity(expected: &[Expected]) -> Self {
        let rule = |e: &Expected| Rule::take(e.name.clone(), e.name.clone(), Axes::Keep);
        Self::new(expected.iter().map(rule).collect::<Vec<_>>())
    }

    /// What the table would do with these tensors: nothing is moved. A balance that is even, without missing
    /// and unused tensors, says that the table fits.
    ///
    /// # Errors
    /// A rule that is not of the form, two tensors that get one name, or a shape that is not the model's.
    pub fn balance<'a>(
        &self,
        tensors: impl IntoIterator<Item = &'a Tensor>,
        expected: &[Expected],
    ) -> Result<Balance> {
        let tensors: Vec<&Tensor> = tensors.into_iter().collect();
        self.plan(&tensors, expected).map(|(_, balance)| balance)
    }

    /// Renames the tensors and moves their axes.
    ///
    /// The result holds the model's tensors that could be made, in the order of `expected`; whether any is
    /// missing or unused is for [`Balance::check`] to say.
    ///
    /// # Errors
    /// As [`RenameTable::balance`]; no memory.
    ///
    /// ```
    /// use upconv_weights::{Axes, Expected, RenameTable, Rule, Tensor};
    /// let table = RenameTable::new(vec![
    ///     Rule::take("conv_{n}/filter", "layer{n+1}.weight", Axes::HWIO_TO_OIHW),
    ///     Rule::ignore("step", "counts the steps of training"),
    /// ]);
    /// let filter = Tensor::from_f32("conv_0/filter", &[1, 1, 2, 3], &[1., 2., 3., 4., 5., 6.])?;
    /// let step = Tensor::from_f32("step", &[], &[9.0])?;
    /// let expected = [Expected::new("layer1.weight", [3, 2, 1, 1])];
    ///
    /// let (tensors, balance) = table.apply(vec![filter, step], &expected)?;
    /// assert_eq!(tensors[0].name(), "layer1.weight");
    /// assert_eq!(tensors[0].to_f32()?, [1., 4., 2., 5., 3., 6.]);
    /// assert_eq!((balance.loaded(), balance.moved_axes()), (1, 1));
    /// assert!(balance.is_even());
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn apply(
        &self,
        tensors: Vec<Tensor>,
        expected: &[Expected],
    ) -> Result<(Vec<Tensor>, Balance)> {
        let (mut moves, balance) = self.plan(&tensors.iter().collect::<Vec<_>>(), expected)?;
        moves.sort_by_key(|step| step.target);
        let mut sources: Vec<Option<Tensor>> = tensors.into_iter().map(Some).collect();
        let mut moved = Vec::with_capacity(moves.len());
        for Move { source, target, axes } in moves {
            // Taken out one by one, so that no tensor is in memory twice for longer than its own move.
            let Some(tensor) = sources.get_mut(source).and_then(Option::take) else { continue };
            let Expected { name, shape } = &expected[target];
            let tensor = match axes {
                Axes::Keep => tensor,
                Axes::Permute(order) => tensor.permuted(order)?,
                Axes::Reshape => tensor.reshaped(shape)?,
                Axes::ReshapePermute(order) => {
                    tensor.reshaped(&axes::source_shape(shape, order))?.permuted(order)?
                }
            };
            moved.push(tensor.renamed(name.clone()));
        }
        Ok((moved, balance))
    }

    fn plan(&self, tensors: &[&Tensor], expected: &[Expected]) -> Result<(Vec<Move>, Balance)> {
        let patterns: Vec<Pattern<'_>> =
            self.rules.iter().map(|rule| Pattern::parse(rule.from())).collect::<Result<_>>()?;
        let places: HashMap<&str, usize> =
            expected.iter().enumerate().map(|(place, e)| (e.name.as_str(), place)).collect();
        let mut taken: Vec<Option<usize>> = vec![None; expected.len()];
        let (mut moves, mut lines) = (Vec::new(), Vec::new());
        for (source, tensor) in tensors.iter().enumerate() {
            let mut fits = self.rules.iter().zip(&patterns);
            let found = fits.find_map(|(rule, pattern)| Some((rule, pattern.fit(tensor.name())?)));
            let mut line = Line::of_source(tensor, Fate::Unused);
            match found {
                None => {}
                Some((Rule::Ignore { reason, .. }, _)) => {
                    line.fate = Fate::Ignored { reason: reason.to_string() };
                }
                Some((Rule::Take { from, to, axes }, number)) => {
                    let name = pattern::fill(from, to, number)?;
                    // A name that the model does not have, such as that of a layer which a smaller
                    // variant lacks: then the tensor is unused.
                    if let Some(&target) = places.get(name.as_str()) {
                        if let Some(first) = taken[target].replace(source) {
                            let first = tensors[first].name().into();
                            let second = tensor.name().into();
                            let fault = TensorFault::Collision { first, second };
                            return Err(WeightsError::tensor("", &name, fault));
                        }
                        line.take(tensor, &expected[target], *axes)?;
                        moves.push(Move { source, target, axes: *axes });
                    }
                }
            }
            lines.push(line);
        }
        let missing = expected.iter().zip(&taken).filter(|(_, taken)| taken.is_none());
        lines.extend(missing.map(|(expected, _)| Line::missing(expected)));
        Ok((moves, Balance { lines }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(name: &str) -> Tensor {
        Tensor::from_f32(name, &[], &[1.0]).unwrap()
    }

    fn vector(name: &str, cells: usize) -> Tensor {
        Tensor::from_f32(name, &[cells], &vec![1.0; cells]).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let table = RenameTable::new(vec![
            Rule::ignore("a_7", "odd one out"),
            Rule::take("a_{n}", "b.{n-1}.bias", Axes::Keep),
        ]);
        let expected = [Expected::new("b.0.bias", []), Expected::new("b.1.bias", [])];
        let sources = vec![scalar("a_2"), scalar("a_7"), scalar("a_1"), scalar("a_01")];
        let (tensors, balance) = table.apply(sources, &expected).unwrap();
        let names: Vec<_> = tensors.iter().map(Tensor::name).collect();
        assert_eq!(names, ["b.0.bias", "b.1.bias"]);
        assert_eq!(balance.unused(), ["a_01"]);
        assert_eq!(balance.renamed(), 2);
    }

    #[test]
    fn a_name_that_the_model_lacks_leaves_the_tensor_unused() {
        let table = RenameTable::new(vec![Rule::take("a_{n}", "b_{n}", Axes::Keep)]);
        let expected = [Expected::new("b_1", []), Expected::new("b_3", [])];
        let balance = table.balance(&[scalar("a_1"), scalar("a_2")], &expected).unwrap();
        assert_eq!(balance.missing(), ["b_3"]);
        assert_eq!(balance.unused(), ["a_2"]);
    }

    #[test]
    fn a_shape_that_is_not_the_models_is_named_with_both() {
        let table = RenameTable::new(vec![Rule::take("a", "b", Axes::Permute(&[1, 0]))]);
        let source = [Tensor::from_f32("a", &[2, 3], &[0.0; 6]).unwrap()];
        let error = table.balance(&source, &[Expected::new("b", [2, 3])]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor \"b\": from \"a\" of shape [2, 3], which gives [3, 2], but the model needs [2, 3]"
        );
        let error = table.balance(&[vector("a", 6)], &[Expected::new("b", [6])]).unwrap_err();
        assert!(error.to_string().contains("are no order of the 1 axes of shape [6]"), "{error}");
    }

    #[test]
    fn reshape_needs_as_many_cells() {
        let table = RenameTable::new(vec![Rule::take("a", "b", Axes::Reshape)]);
        let expected = [Expected::new("b", [1, 6])];
        let (tensors, balance) = table.apply(vec![vector("a", 6)], &expected).unwrap();
        assert_eq!(tensors[0].shape(), [1, 6]);
        assert_eq!(balance.reshaped(), ["b"]);
        assert!(table.balance(&[vector("a", 5)], &expected).is_err());
        // Cells that would keep their shape are not called reshaped.
        let same = table.balance(&[vector("a", 6)], &[Expected::new("b", [6])]).unwrap();
        assert!(same.reshaped().is_empty());
    }

    /// Row (y 1, x 2, channel 1) of a matrix for a map of 2 x 3 cells and 2 channels, column 3.
    #[test]
    fn a_matrix_becomes_a_kernel() {
        let table = RenameTable::new(vec![Rule::take("a", "b", Axes::IO_TO_OIHW)]);
        let expected = [Expected::new("b", [5, 2, 2, 3])];
        let values: Vec<f32> = (0..60).map(|at| at as f32).collect();
        let matrix = Tensor::from_f32("a", &[12, 5], &values).unwrap();
        let (tensors, balance) = table.apply(vec![matrix], &expected).unwrap();
        let kernel = tensors[0].to_f32().unwrap();
        assert_eq!(kernel[((3 * 2 + 1) * 2 + 1) * 3 + 2], (((3 + 2) * 2 + 1) * 5 + 3) as f32);
        assert_eq!((balance.moved_axes(), balance.reshaped()), (1, vec!["b".to_owned()]));
        assert!(table.balance(&[vector("a", 61)], &expected).is_err());
        let other = [Expected::new("b", [12, 5])];
        assert!(table.balance(&[vector("a", 60)], &other).is_err(), "two axes are not four");
    }

    #[test]
    fn two_tensors_of_one_new_name_are_refused() {
        let table = RenameTable::new(vec![
            Rule::take("a", "c", Axes::Keep),
            Rule::take("b", "c", Axes::Keep),
        ]);
        let error = table.balance(&[scalar("a"), scalar("b")], &[Expected::new("c", [])]);
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "tensor \"c\": both \"a\" and \"b\" are renamed to this");
    }

    #[test]
    fn the_identity_is_even() {
        let expected = [Expected::new("a", []), Expected::new("{n}", [2])];
        let table = RenameTable::identity(&expected[..1]);
        let balance = table.balance(&[scalar("a")], &expected[..1]).unwrap();
        assert!(balance.is_even());
        assert_eq!((balance.loaded(), balance.renamed(), balance.moved_axes()), (1, 0, 0));
    }
}
