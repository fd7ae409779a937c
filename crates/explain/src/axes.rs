//! Axes that are alike are explained once.

use upconv_geometry::Axis;

use crate::lang::{Lang, say};

/// The different axes, each with the numbers of the axes that equal it, in order of first appearance.
pub(crate) fn alike(axes: &[Axis]) -> Vec<(Vec<usize>, &Axis)> {
    let mut groups: Vec<(Vec<usize>, &Axis)> = Vec::new();
    for (number, axis) in axes.iter().enumerate() {
        match groups.iter_mut().find(|(_, known)| *known == axis) {
            Some((numbers, _)) => numbers.push(number),
            None => groups.push((vec![number], axis)),
        }
    }
    groups
}

/// `axis 0`, `axes 0 and 1`.
pub(crate) fn label(numbers: &[usize], lang: Lang) -> String {
    let list = lang.and(numbers);
    match (lang, numbers.len()) {
        (Lang::En, 1) => format!("axis {list}"),
        (Lang::En, _) => format!("axes {list}"),
        (Lang::Zh, _) => say!(lang, "axes {list}", "轴 {list}"),
    }
}

/// `(1,1)`: cells cropped in front and behind.
pub(crate) fn window(axis: &Axis) -> String {
    format!("({},{})", axis.pad_before(), axis.pad_after())
}
