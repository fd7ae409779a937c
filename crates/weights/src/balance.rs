//! What became of every tensor: of those that were there, and of those that are needed.

use std::fmt;

use serde::Serialize;

use crate::axes;
use crate::error::{Result, TensorFault, WeightsError, shown};
use crate::rename::{Axes, Expected};
use crate::tensor::{Tensor, shape_text};

/// The fate of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It is part of the model.
    Loaded {
        /// Its axes were moved so, if they were.
        moved: Option<Vec<usize>>,
        /// It has another shape now, and its cells in the same order.
        reshaped: bool,
        /// It was worked into others, as a batch norm into the convolution before it.
        folded: bool,
    },
    /// It is known, and not needed.
    Ignored {
        /// Why.
        reason: String,
    },
    /// The source has it, and nothing needs it.
    Unused,
    /// The model needs it, and the source does not have it.
    Missing,
}

/// A tensor, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Name and shape in the source; none if it is missing.
    pub from: Option<(String, Vec<usize>)>,
    /// Name and shape in the model; none if the model has no use for it.
    pub to: Option<(String, Vec<usize>)>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of every tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// A line for each tensor of the source, in its order, and one for each that is missing.
    pub lines: Vec<Line>,
}

/// Tensors that may be missing or unused. A name may have one `{n}` for a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Names of the model that may be missing.
    pub missing: Vec<String>,
    /// Names of the source that may be unused.
    pub unused: Vec<String>,
}

/// The members of `convert --json` about tensors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Members {
    /// Tensors of the model that were found.
    pub loaded: usize,
    /// Of these, with another name than in the source.
    pub renamed: usize,
    /// Of these, with axes in another order.
    pub moved_axes: usize,
    /// Worked into others.
    pub folded: usize,
    /// The model's names of those that have another shape, and their cells in the same order.
    pub reshaped: Vec<String>,
    /// The model's names of those that the source lacks.
    pub missing: Vec<String>,
    /// The source's names of those that nothing needs.
    pub unused: Vec<String>,
    /// Those that are known and not needed.
    pub ignored: Vec<Ignored>,
}

/// A tensor that is known and not needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ignored {
    /// Its name in the source.
    pub name: String,
    /// Why it is not needed.
    pub reason: String,
}

impl Line {
    pub(crate) fn of_source(tensor: &Tensor, fate: Fate) -> Self {
        Self { from: Some((tensor.name().into(), tensor.shape().to_vec())), to: None, fate }
    }

    pub(crate) fn missing(expected: &Expected) -> Self {
        let Expected { name, shape } = expected.clone();
        Self { from: None, to: Some((name, shape)), fate: Fate::Missing }
    }

    /// The tensor becomes `expected`, if its shape after the move is right.
    pub(crate) fn take(&mut self, tensor: &Tensor, expected: &Expected, axes: Axes) -> Result<()> {
        let fail = |fault| Err(WeightsError::tensor("", &expected.name, fault));
        let source = tensor.shape();
        let shape = match axes {
            Axes::Permute(order) => match axes::permuted_shape(source, order) {
                Ok(shape) => shape,
                Err(fault) => return fail(fault),
            },
            Axes::ReshapePermute(order)
                if tensor.cells() == expected.shape.iter().product::<usize>() =>
            {
                let shape = axes::source_shape(&expected.shape, order);
                match axes::permuted_shape(&shape, order) {
                    Ok(shape) => shape,
                    Err(fault) => return fail(fault),
                }
            }
            Axes::Reshape if tensor.cells() == expected.shape.iter().product::<usize>() => {
                expected.shape.clone()
            }
            Axes::Keep | Axes::Reshape | Axes::ReshapePermute(_) => source.to_vec(),
        };
        if shape != expected.shape {
            let (from, source_shape) = (tensor.name().into(), source.to_vec());
            let expected = expected.shape.clone();
            return fail(TensorFault::Shape { from, source_shape, shape, expected });
        }
        let moved = match axes {
            Axes::Permute(order) | Axes::ReshapePermute(order) if !order.is_sorted() => {
                Some(order.to_vec())
            }
            _ => None,
        };
        let reshaped = match axes {
            Axes::Reshape => source != shape,
            Axes::ReshapePermute(order) => source != axes::source_shape(&shape, order),
            Axes::Keep | Axes::Permute(_) => false,
        };
        self.to = Some((expected.name.clone(), shape));
        self.fate = Fate::Loaded { moved, reshaped, folded: false };
        Ok(())
    }
}

impl Balance {
    /// Tensors of the model that were found.
    pub fn loaded(&self) -> usize {
        self.count(|line| matches!(line.fate, Fate::Loaded { .. }))
    }

    /// Those with another name than in the source.
    pub fn renamed(&self) -> usize {
        self.count(|line| match (&line.from, &line.to) {
            (Some((from, _)), Some((to, _))) => from != to,
            _ => false,
        })
    }

    /// Those with axes in another order.
    pub fn moved_axes(&self) -> usize {
        self.count(|line| matches!(line.fate, Fate::Loaded { moved: Some(_), .. }))
    }

    /// Those worked into others.
    pub fn folded(&self) -> usize {
        self.count(|line| matches!(line.fate, Fate::Loaded { folded: true, .. }))
    }

    /// The model's names of those that have another shape, and their cells in the same order.
    pub fn reshaped(&self) -> Vec<String> {
        self.names(|line| match (&line.fate, &line.to) {
            (Fate::Loaded { reshaped: true, .. }, Some((name, _))) => Some(name),
            _ => None,
        })
    }

    /// The model's names of those that the source lacks.
    pub fn missing(&self) -> Vec<String> {
        self.names(|line| match (&line.fate, &line.to) {
            (Fate::Missing, Some((name, _))) => Some(name),
            _ => None,
        })
    }

    /// The source's names of those that nothing needs.
    pub fn unused(&self) -> Vec<String> {
        self.names(|line| match (&line.fate, &line.from) {
            (Fate::Unused, Some((name, _))) => Some(name),
            _ => None,
        })
    }

    /// Whether nothing is missing and nothing unused.
    pub fn is_even(&self) -> bool {
        self.count(|line| matches!(line.fate, Fate::Missing | Fate::Unused)) == 0
    }

    /// Fails if a tensor is missing or unused that may not be. `file` is the source in the message.
    ///
    /// # Errors
    /// [`WeightsError::Imbalance`], with the names.
    pub fn check(&self, file: &str, allowed: &Allowed) -> Result<()> {
        let left = |names: Vec<String>, patterns: &[String]| -> Result<Vec<String>> {
            let patterns: Vec<_> = patterns
                .iter()
                .map(|text| crate::rename::Pattern::parse(text))
                .collect::<Result<_>>()?;
            let open = |name: &String| patterns.iter().all(|pattern| pattern.fit(name).is_none());
            Ok(names.into_iter().filter(open).collect())
        };
        let missing = left(self.missing(), &allowed.missing)?;
        let unused = left(self.unused(), &allowed.unused)?;
        if missing.is_empty() && unused.is_empty() {
            return Ok(());
        }
        Err(WeightsError::Imbalance { file: file.into(), missing, unused })
    }

    /// The members of `convert --json`.
    pub fn members(&self) -> Members {
        let ignored = |line: &Line| match (&line.fate, &line.from) {
            (Fate::Ignored { reason }, Some((name, _))) => {
                Some(Ignored { name: name.clone(), reason: reason.clone() })
            }
            _ => None,
        };
        Members {
            loaded: self.loaded(),
            renamed: self.renamed(),
            moved_axes: self.moved_axes(),
            folded: self.folded(),
            reshaped: self.reshaped(),
            missing: self.missing(),
            unused: self.unused(),
            ignored: self.lines.iter().filter_map(ignored).collect(),
        }
    }

    /// The sums in one line.
    pub fn sums(&self) -> String {
        let Members { loaded, renamed, moved_axes, folded, reshaped, missing, unused, ignored } =
            self.members();
        format!(
            "{loaded} loaded ({renamed} renamed, {moved_axes} with moved axes, {folded} folded, \
             {} reshaped), {} ignored, {} missing, {} unused",
            reshaped.len(),
            ignored.len(),
            missing.len(),
            unused.len()
        )
    }

    fn count(&self, which: impl Fn(&Line) -> bool) -> usize {
        self.lines.iter().filter(|line| which(line)).count()
    }

    fn names(&self, name: impl Fn(&Line) -> Option<&String>) -> Vec<String> {
        self.lines.iter().filter_map(|line| name(line).cloned()).collect()
    }
}

/// A line per tensor, and the sums.
impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        f.write_str(&self.sums())
    }
}

/// `loaded   conv/filter 1x1x2x3 -> conv.weight 3x2x1x1 (axes 3 2 0 1)`
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = self.halves();
        match tail.is_empty() {
            true => f.write_str(&head),
            false => write!(f, "{head} {tail}"),
        }
    }
}

impl Line {
    /// The line in two parts, for narrow screens: what the tensor was, and what it became or why it did not;
    /// the second may be empty.
    pub fn halves(&self) -> (String, String) {
        let word = match self.fate {
            Fate::Loaded { .. } => "loaded",
            Fate::Ignored { .. } => "ignored",
            Fate::Unused => "UNUSED",
            Fate::Missing => "MISSING",
        };
        let named =
            |(name, shape): &(String, Vec<usize>)| format!("{} {}", shown(name), shape_text(shape));
        let head = self.from.as_ref().or(self.to.as_ref()).map_or(String::new(), named);
        let mut tail = Vec::new();
        if let (Some(from), Some(to)) = (&self.from, &self.to) {
            if from.1 != to.1 {
                tail.push(format!("-> {}", named(to)));
            } else if from.0 != to.0 {
                tail.push(format!("-> {}", shown(&to.0)));
            }
        }
        match &self.fate {
            Fate::Ignored { reason } => tail.push(format!("({reason})")),
            Fate::Loaded { moved, reshaped, folded } => {
                if let Some(order) = moved {
                    let order: Vec<String> = order.iter().map(usize::to_string).collect();
                    tail.push(format!("(axes {})", order.join(" ")));
                }
                tail.extend(reshaped.then(|| "(reshaped)".to_owned()));
                tail.extend(folded.then(|| "(folded)".to_owned()));
            }
            Fate::Unused | Fate::Missing => {}
        }
        (format!("{word:<8} {head}"), tail.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RenameTable, Rule};

    fn balance() -> Balance {
        let table = RenameTable::new(vec![
            Rule::take("a/w", "a.weight", Axes::Permute(&[1, 0])),
            Rule::take("c", "c", Axes::Keep),
            Rule::ignore("one", "a constant"),
        ]);
        let tensor = |name: &str, shape: &[usize]| {
            Tensor::from_f32(name, shape, &vec![0.0; shape.iter().product()]).unwrap()
        };
        let sources =
            [tensor("a/w", &[2, 3]), tensor("one", &[]), tensor("c", &[1]), tensor("x_1", &[1])];
        let expected =
            [Expected::new("a.weight", [3, 2]), Expected::new("c", [1]), Expected::new("d", [4])];
        table.balance(&sources, &expected).unwrap()
    }

    #[test]
    fn as_text() {
        assert_eq!(
            balance().to_string(),
            "loaded   a/w 2x3 -> a.weight 3x2 (axes 1 0)\n\
             ignored  one scalar (a constant)\n\
             loaded   c 1\n\
             UNUSED   x_1 1\n\
             MISSING  d 4\n\
             2 loaded (1 renamed, 1 with moved axes, 0 folded, 0 reshaped), 1 ignored, 1 missing, \
             1 unused"
        );
    }

    #[test]
    fn as_members() {
        let members = serde_json::to_value(balance().members()).unwrap();
        assert_eq!(
            members,
            serde_json::json!({
                "loaded": 2, "renamed": 1, "moved_axes": 1, "folded": 0, "reshaped": [],
                "missing": ["d"], "unused": ["x_1"],
                "ignored": [{"name": "one", "reason": "a constant"}],
            })
        );
    }

    #[test]
    fn an_imbalance_is_an_error_unless_it_is_allowed_by_name() {
        let check = |missing: &[&str], unused: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
            balance().check("f", &Allowed { missing: owned(missing), unused: owned(unused) })
        };
        assert_eq!(
            check(&[], &[]).unwrap_err().to_string(),
            "f: 1 missing (d) and 1 unused (x_1): every tensor must find its place, unless it is allowed \
             by name"
        );
        let error = check(&["d"], &[]).unwrap_err().to_string();
        assert!(error.starts_with("f: 1 unused (x_1): every tensor"), "{error}");
        assert!(check(&["x_1"], &["d"]).is_err());
        assert!(check(&["d"], &["x_1"]).is_ok());
        assert!(check(&["d"], &["x_{n}"]).is_ok());
        assert!(check(&["d"], &["{n}{n}"]).is_err());
    }
}
