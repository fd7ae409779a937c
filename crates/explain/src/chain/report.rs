//! What came of a chain, as data.

use serde::Serialize;

use super::walk::Walk;
use super::{Layer, Point, Repair, page, place};
use crate::document::Page;
use crate::lang::Lang;

/// A skip connection: what a layer's result is put beside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// The layer whose output stands beside, or `input`.
    pub layer: String,
    /// Its size.
    pub size: Vec<usize>,
    /// Whether both sizes are equal.
    pub fits: bool,
}

/// One layer, with its sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedLayer {
    /// Its name.
    pub name: String,
    /// What it does, as the file writes it.
    pub op: &'static str,
    /// Cells per axis that go in.
    pub input: Vec<usize>,
    /// Cells per axis that come out.
    pub output: Vec<usize>,
    /// Cells at the end of each axis of the input that the layer never reads.
    pub unread: Vec<usize>,
    /// What its output is put beside.
    pub skip: Option<Skip>,
}

/// Where cells are lost that no later layer brings back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The layer.
    pub layer: String,
    /// The axis.
    pub axis: usize,
    /// Cells that the layer leaves out or makes too few; negative: too many.
    pub cells: i64,
    /// Why, in words.
    pub reason: String,
}

/// The input sizes nearest to the one checked that come back and fit every skip connection.
///
/// Axes that come back already are left as they are, unless all do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// Smaller ones; null if there is none within a few thousand cells.
    pub below: Option<Vec<usize>>,
    /// Larger ones.
    pub above: Option<Vec<usize>>,
}

/// What came of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The file's name.
    pub file: String,
    /// Name of the dialect.
    pub dialect: &'static str,
    /// Cells per axis that go in.
    pub input: Vec<usize>,
    /// Cells per axis that come out of the last layer.
    pub output: Vec<usize>,
    /// Whether these are equal. Skip connections may still not fit: see [`Checked::comes_back`].
    pub round_trip: bool,
    /// The layers.
    pub layers: Vec<CheckedLayer>,
    /// Where cells are lost; empty if everything fits.
    pub loses: Vec<Lost>,
    /// Changes after which everything fits: each was made and checked.
    pub repairs: Vec<Repair>,
    /// Input sizes near this one with which everything fits.
    pub nearest: Nearest,
    #[serde(skip)]
    pub(super) lang: Lang,
}

impl Checked {
    /// Whether the size comes back and every skip connection fits.
    pub fn comes_back(&self) -> bool {
        self.round_trip && self.layers.iter().filter_map(|l| l.skip.as_ref()).all(|s| s.fits)
    }

    /// Everything as a page for people.
    pub fn page(&self) -> Page {
        page::page(self)
    }
}

impl CheckedLayer {
    /// Layer number `number`, from 0.
    pub(super) fn of(layers: &[Layer], walk: &Walk, number: usize) -> Self {
        let layer = &layers[number];
        let output = &walk.points[number + 1];
        let beside = |point: Point| Skip {
            layer: place(layers, point).to_owned(),
            size: walk.points[point].clone(),
            fits: walk.points[point] == *output,
        };
        Self {
            name: layer.name.clone(),
            op: layer.op.name(),
            input: walk.points[number].clone(),
            output: output.clone(),
            unread: walk.unread[number].clone(),
            skip: layer.skip.map(beside),
        }
    }
}
