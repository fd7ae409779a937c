//! The input sizes nearest by with which a chain comes back.
//!
//! Axes do not know of each other, so each is searched by itself, a cell at a time.

use upconv_geometry::{Dialect, Padding};

use super::walk::Walk;
use super::{Layer, Nearest, Wanted};

/// Most cells that a size is away from the one asked about.
const MAX_AWAY: usize = 4096;
/// Most layers that are worked out for one axis in one direction.
const MAX_STEPS: usize = 1 << 19;

/// The nearest sizes below and above; `fits` says whether `input` itself does.
pub(super) fn nearest(dialect: Dialect, layers: &[Layer], input: &[usize], fits: bool) -> Nearest {
    let axes: Vec<Vec<Layer>> = (0..input.len()).map(|axis| along(layers, axis)).collect();
    let search = |up: bool| -> Option<Vec<usize>> {
        let mut found: Vec<usize> = Vec::new();
        for (axis, (layers, &size)) in axes.iter().zip(input).enumerate() {
            // Axes that are alike have the same answer.
            let alike = (0..axis).find(|&other| axes[other] == *layers && input[other] == size);
            let mut steps = MAX_STEPS;
            let keep = !fits && comes_back(dialect, layers, size, &mut steps);
            let one = match alike.and_then(|other| found.get(other)) {
                Some(&same) => same,
                None if keep => size,
                None => along_axis(dialect, layers, size, up)?,
            };
            found.push(one);
        }
        // Rules that hold for a whole tensor, as that of its size, are asked once more.
        let walk = Walk::of(dialect, layers, &found).ok()?;
        walk.fits(layers).then_some(found)
    };
    Nearest { below: search(false), above: search(true) }
}

fn along_axis(dialect: Dialect, layers: &[Layer], size: usize, up: bool) -> Option<usize> {
    let mut steps = MAX_STEPS;
    (1..=MAX_AWAY)
        .map_while(|away| if up { size.checked_add(away) } else { size.checked_sub(away) })
        .take_while(|&size| size > 0)
        .map_while(|size| match comes_back(dialect, layers, size, &mut steps) {
            _ if steps == 0 => None,
            fits => Some((size, fits)),
        })
        .find_map(|(size, fits)| fits.then_some(size))
}

/// Whether a size of one axis comes back; takes the layers worked out from `steps`.
fn comes_back(dialect: Dialect, layers: &[Layer], size: usize, steps: &mut usize) -> bool {
    let mut walk = Walk { points: vec![vec![size]], unread: Vec::new() };
    for layer in layers {
        *steps = steps.saturating_sub(1);
        if *steps == 0 || walk.step(dialect, layer).is_err() {
            return false;
        }
        let beside = layer.skip.and_then(|point| walk.points.get(point));
        if beside.is_some_and(|beside| Some(beside) != walk.points.last()) {
            return false;
        }
    }
    walk.points.first() == walk.points.last()
}

/// The chain along one axis.
fn along(layers: &[Layer], axis: usize) -> Vec<Layer> {
    let one = |list: &Vec<i64>| list.get(axis).copied().into_iter().collect::<Vec<_>>();
    let project = |layer: &Layer| Layer {
        kernel: one(&layer.kernel),
        stride: one(&layer.stride),
        dilation: one(&layer.dilation),
        factor: one(&layer.factor),
        output_padding: layer.output_padding.as_ref().map(one),
        padding: match &layer.padding {
            Some(Padding::Pads(pads)) => {
                Some(Padding::Pads(pads.get(axis).copied().into_iter().collect()))
            }
            other => other.clone(),
        },
        wanted: match &layer.wanted {
            Some(Wanted::Size(size)) => Some(Wanted::Size(one(size))),
            other => other.clone(),
        },
        ..layer.clone()
    };
    layers.iter().map(project).collect()
}
