//! Which layer loses the cells that are missing at the end.
//!
//! Each axis stands for itself. Strides on the way down are matched with those on the way up like brackets:
//! the layer that makes up for a stride should come back to the size before it. What is missing where a size
//! should be equal to another one is put down to cells that a layer between the two never reads, to layers
//! that shrink their input without a stride, and for the rest to the layer on the way up that makes too few.

use std::collections::BTreeMap;

use super::walk::Walk;
use super::{Layer, Lost, Op, Point, Wanted, place};
use crate::lang::{Lang, say};

/// What a layer does to the cells of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scale {
    /// As many come out as go in, but for a border.
    Level,
    Down(usize),
    /// By a factor, which may be unknown where the size is given.
    Up(Option<usize>),
    /// Down to a given size.
    Given,
}

/// A layer on the way up, and the point before the layers on the way down that it makes up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The layer on the way up.
    pub(super) up: usize,
    /// Where its output should be as large as.
    pub(super) target: Point,
    /// The layers on the way down, the outermost first.
    downs: Vec<usize>,
    /// The first layer that makes up for one of `downs`.
    first_up: usize,
    /// All that lies between goes up by this.
    factor: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The layer never reads them.
    Unread,
    /// It has no stride, but another size comes out.
    Border,
    /// Another size comes out than at this point.
    Up(Point),
    /// The sum of all before; wanted is the size at this point.
    Sum(Point),
}

/// Cells that a layer loses along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loss {
    pub(super) layer: usize,
    pub(super) axis: usize,
    pub(super) kind: Kind,
    pub(super) cells: i64,
}

/// All losses of a chain that does not come back, in the order of its layers.
pub(super) fn losses(layers: &[Layer], walk: &Walk) -> Vec<Loss> {
    let axes = walk.points.first().map_or(0, Vec::len);
    let mut all: Vec<Loss> = (0..axes).flat_map(|axis| of_axis(layers, walk, axis)).collect();
    all.sort_unstable();
    all.dedup_by_key(|loss| (loss.layer, loss.axis));
    all
}

fn scale(layer: &Layer, walk: &Walk, number: usize, axis: usize) -> Scale {
    let (before, after) = (walk.points[number][axis], walk.points[number + 1][axis]);
    let positive =
        |list: &[i64]| list.get(axis).and_then(|&n| usize::try_from(n).ok()).filter(|&n| n > 1);
    match layer.op {
        Op::Conv | Op::MaxPool | Op::AvgPool => {
            positive(&layer.stride).map_or(Scale::Level, Scale::Down)
        }
        Op::PixelUnshuffle => positive(&layer.factor).map_or(Scale::Level, Scale::Down),
        Op::ConvTranspose => {
            positive(&layer.stride).map_or(Scale::Level, |stride| Scale::Up(Some(stride)))
        }
        Op::PixelShuffle => positive(&layer.factor).map_or(Scale::Level, |n| Scale::Up(Some(n))),
        Op::Resize => match (positive(&layer.factor), after.cmp(&before)) {
            (Some(factor), _) => Scale::Up(Some(factor)),
            (None, std::cmp::Ordering::Greater) => Scale::Up(None),
            (None, std::cmp::Ordering::Less) => Scale::Given,
            (None, std::cmp::Ordering::Equal) => Scale::Level,
        },
    }
}

/// By how much a layer on the way down divides.
fn stride(layer: &Layer, axis: usize) -> usize {
    let list = if layer.op == Op::PixelUnshuffle { &layer.factor } else { &layer.stride };
    list.get(axis).and_then(|&n| usize::try_from(n).ok()).unwrap_or(1)
}

/// A layer on the way down that is not yet made up for.
struct Open {
    layer: usize,
    /// Of its stride what is left.
    left: usize,
    first_up: Option<usize>,
}

/// The pairs of an axis, in the order of the layers on the way up.
pub(super) fn pairs(layers: &[Layer], walk: &Walk, axis: usize) -> Vec<Pair> {
    let mut open: Vec<Open> = Vec::new();
    let mut pairs = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        match scale(layer, walk, number, axis) {
            Scale::Level | Scale::Given => {}
            Scale::Down(left) => open.push(Open { layer: number, left, first_up: None }),
            Scale::Up(factor) => {
                pairs.extend(close(&mut open, (layers, walk), (number, axis), factor))
            }
        }
    }
    pairs
}

/// Makes up for the innermost open layers; a pair if one of them is done with.
fn close(
    open: &mut Vec<Open>,
    (layers, walk): (&[Layer], &Walk),
    (up, axis): (usize, usize),
    factor: Option<usize>,
) -> Option<Pair> {
    let size = walk.points[up + 1][axis];
    let (mut downs, mut all, mut first_up) = (Vec::new(), 1_usize, up);
    let mut left = factor;
    while let Some(mut last) = open.pop() {
        let first = last.first_up.unwrap_or(up);
        first_up = first_up.min(first);
        let done = match left {
            None => walk.points[last.layer][axis] >= size,
            Some(left) if left == last.left => true,
            // A part of a stride is made up for; the rest is for the next layer.
            Some(left) if last.left % left == 0 => {
                last.left /= left;
                last.first_up = Some(first);
                open.push(last);
                return None;
            }
            Some(left) if left % last.left == 0 => false,
            Some(_) => return None,
        };
        left = left.map(|left| left / last.left);
        downs.insert(0, last.layer);
        all = all.saturating_mul(stride(&layers[last.layer], axis));
        if done {
            let target = last.layer;
            return Some(Pair { up, target, downs, first_up, factor: all });
        }
    }
    None
}

/// From one point to the output of a layer, where both sizes should be equal.
#[derive(Clone, Copy)]
struct Span {
    from: Point,
    to: usize,
}

impl Span {
    fn inside(self, other: Self) -> bool {
        self.from >= other.from && self.to <= other.to
    }
}

fn of_axis(layers: &[Layer], walk: &Walk, axis: usize) -> Vec<Loss> {
    let size = |point: Point| walk.points[point][axis] as i64;
    let mut spans: Vec<Span> = layers
        .iter()
        .enumerate()
        .filter_map(|(to, layer)| layer.skip.map(|from| Span { from, to }))
        .collect();
    spans.push(Span { from: 0, to: layers.len().saturating_sub(1) });
    let fits = |span: &Span| size(span.from) == size(span.to + 1);
    let told = layers.iter().enumerate().filter_map(|(to, layer)| match &layer.wanted {
        Some(Wanted::Like(from)) => Some(Span { from: *from, to }),
        _ => None,
    });
    let made_up: Vec<Span> = spans.iter().copied().filter(fits).chain(told).collect();
    let pairs = pairs(layers, walk, axis);
    let mut found: Vec<Loss> = Vec::new();
    for span in spans.iter().filter(|span| !fits(span)) {
        // Whatever happened between two places of equal size is made up for.
        let mut counted = vec![false; layers.len()];
        counted.iter_mut().take(span.to + 1).skip(span.from).for_each(|counts| *counts = true);
        // Ends of what is made up for, so that each layer is looked at once.
        let mut ends: Vec<usize> = (0..layers.len()).collect();
        for inner in made_up.iter().filter(|inner| inner.inside(*span)) {
            ends[inner.from] = ends[inner.from].max(inner.to + 1);
        }
        let mut end = 0;
        for (number, counts) in counted.iter_mut().enumerate() {
            end = end.max(ends[number]);
            *counts &= number >= end;
        }
        let counts = |layer: usize| counted[layer];
        let mut here = borders(layers, walk, axis, &counts);
        for pair in pairs.iter().filter(|p| p.target >= span.from && counts(p.up)) {
            here.extend(of_pair(layers, walk, axis, pair));
        }
        // What is short further in is short here too.
        let told = |loss: &Loss| (span.from..=span.to).contains(&loss.layer);
        if here.is_empty() && !found.iter().any(told) {
            let cells = size(span.from) - size(span.to + 1);
            here.push(Loss { layer: span.to, axis, kind: Kind::Sum(span.from), cells });
        }
        found.extend(here);
    }
    found
}

/// What a pair loses: on the way down what is not read, the rest on the way up.
fn of_pair(layers: &[Layer], walk: &Walk, axis: usize, pair: &Pair) -> Vec<Loss> {
    let size = |point: Point| walk.points[point][axis] as i64;
    let missing = size(pair.target) - size(pair.up + 1);
    if missing == 0 {
        return Vec::new();
    }
    let (mut found, mut explained, mut factor) = (Vec::new(), 0_i64, 1_i64);
    for &layer in &pair.downs {
        // A kernel below its stride leaves cells out that a multiplication by the stride counts.
        let counted = size(layer + 1).saturating_mul(stride(&layers[layer], axis) as i64);
        let cells = (size(layer) - counted).clamp(0, walk.unread[layer][axis] as i64);
        if missing > 0 && cells > 0 {
            found.push(Loss { layer, axis, kind: Kind::Unread, cells });
        }
        explained = explained.saturating_add(cells.saturating_mul(factor));
        factor = factor.saturating_mul(stride(&layers[layer], axis) as i64);
    }
    // What went missing further in is multiplied on the way up.
    let innermost = pair.downs.last().map_or(0, |layer| layer + 1);
    let inherited = size(innermost) - size(pair.first_up);
    let rest = missing - explained - inherited.saturating_mul(pair.factor as i64);
    // A layer that makes up for what others lose is not at fault.
    if rest != 0 && (rest > 0) == (missing > 0) {
        found.push(Loss { layer: pair.up, axis, kind: Kind::Up(pair.target), cells: rest });
    }
    found
}

/// Layers without a stride whose size changes, unless others at the same scale make up for it.
fn borders(
    layers: &[Layer],
    walk: &Walk,
    axis: usize,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<Loss> {
    let mut levels: BTreeMap<(u64, u64), Vec<Loss>> = BTreeMap::new();
    // How far down and how far up, as a fraction.
    let (mut down, mut up) = (1_u64, 1_u64);
    for (number, layer) in layers.iter().enumerate() {
        match scale(layer, walk, number, axis) {
            Scale::Down(factor) => down = down.saturating_mul(factor as u64),
            Scale::Up(Some(factor)) => up = up.saturating_mul(factor as u64),
            Scale::Level if counts(number) && layer.op.has_window() => {
                let size = |point: Point| walk.points[point][axis] as i64;
                let cells = size(number) - size(number + 1);
                let loss = Loss { layer: number, axis, kind: Kind::Border, cells };
                if cells != 0 {
                    levels.entry((down, up)).or_default().push(loss);
                }
            }
            _ => {}
        }
        let common = gcd(down, up);
        (down, up) = (down / common, up / common);
    }
    let lost = |level: &Vec<Loss>| level.iter().map(|loss| loss.cells).sum::<i64>() != 0;
    levels.into_values().filter(lost).flatten().collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

impl Loss {
    /// With names and in words.
    pub(super) fn told(&self, layers: &[Layer], walk: &Walk, lang: Lang) -> Lost {
        let Self { layer: number, axis, cells, .. } = *self;
        let layer = &layers[number];
        Lost { layer: layer.name.clone(), axis, cells, reason: self.reason(layers, walk, lang) }
    }

    fn reason(&self, layers: &[Layer], walk: &Walk, lang: Lang) -> String {
        let Self { layer: number, axis, cells, kind } = *self;
        let size = |point: Point| walk.points[point][axis];
        let (before, after) = (size(number), size(number + 1));
        let amount = lang.cells(cells.abs());
        match kind {
            Kind::Unread => {
                let stride = stride(&layers[number], axis);
                let read = after.saturating_mul(stride);
                match (lang, cells) {
                    (Lang::En, 1) => format!(
                        "{before} -> {after}: no window reads the last cell, and {after} times the \
                         stride {stride} is {read} again"
                    ),
                    (Lang::En, _) => format!(
                        "{before} -> {after}: no window reads the last {cells} cells, and {after} times \
                         the stride {stride} is {read} again"
                    ),
                    (Lang::Zh, _) => format!(
                        "{before} -> {after}：没有窗口读到最后 {cells} 格，而 {after} 乘以步幅 {stride} 只有 {read}"
                    ),
                }
            }
            Kind::Border => {
                let kernel = layers[number].kernel.get(axis).copied().unwrap_or(1);
                say!(
                    lang,
                    "{before} -> {after} without a stride: the padding does not make up for the kernel of \
                     {kernel}",
                    "{before} -> {after}，却没有步幅：填充抵消不了长为 {kernel} 的卷积核"
                )
            }
            Kind::Up(target) => {
                let (wanted, place) = (size(target), place(layers, target));
                let less = match cells > 0 {
                    true => say!(lang, "{amount} too few", "少 {amount}"),
                    false => say!(lang, "{amount} too many", "多 {amount}"),
                };
                let by = match layers[number].op.has_window() {
                    true => lang.pick(
                        " by its kernel, stride and padding",
                        "（由其卷积核、步幅和填充决定）",
                    ),
                    false => "",
                };
                say!(
                    lang,
                    "{before} -> {after}, on the way back to the {wanted} of {place}: {less}{by}",
                    "{before} -> {after}，应回到 {place} 的 {wanted}：{less}{by}"
                )
            }
            Kind::Sum(target) => {
                let (wanted, place) = (size(target), place(layers, target));
                let text = say!(
                    lang,
                    "makes {after}, but {place} has {wanted}",
                    "得到 {after}，而 {place} 有 {wanted}"
                );
                match strides(layers, walk, axis, (target, number)) {
                    Some((down, up)) if down != up => {
                        text + &say!(
                            lang,
                            ": strides between the two go down by {down} and up by {up}",
                            "：两者之间的步幅共缩小 {down} 倍、放大 {up} 倍"
                        )
                    }
                    _ => text,
                }
            }
        }
    }
}

/// By how much the layers between two places go down and up; nothing where a layer is told its size.
fn strides(
    layers: &[Layer],
    walk: &Walk,
    axis: usize,
    (from, to): (Point, usize),
) -> Option<(usize, usize)> {
    let (mut down, mut up) = (1_usize, 1_usize);
    for (number, layer) in layers.iter().enumerate().take(to + 1).skip(from) {
        match scale(layer, walk, number, axis) {
            Scale::Level => {}
            Scale::Down(factor) => down = down.checked_mul(factor)?,
            Scale::Up(Some(factor)) => up = up.checked_mul(factor)?,
            Scale::Up(None) | Scale::Given => return None,
        }
    }
    Some((down, up))
}
