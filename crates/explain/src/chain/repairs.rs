//! Changes after which a chain comes back: each is made, and the chain is worked out again.

use serde::Serialize;
use upconv_geometry::{Dialect, Padding};

use super::losses::{Kind, Loss, pairs};
use super::walk::Walk;
use super::{INPUT, Layer, Nearest, Op, Point, Wanted, nearest, place};
use crate::lang::{Lang, say, short};

/// What a key is set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// One number per axis.
    Numbers(Vec<i64>),
    /// Before and after, per axis.
    Pairs(Vec<[i64; 2]>),
    /// A word or the name of a layer.
    Words(Vec<String>),
}

/// One key of one layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The layer, or `input` for the chain's input size.
    pub layer: String,
    /// The key.
    pub field: &'static str,
    /// What it is to be.
    pub value: Value,
}

/// A change, with those that must be made along with it, after which everything fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// The first change.
    #[serde(flatten)]
    pub change: Change,
    /// The others; often none.
    pub also: Vec<Change>,
    /// All of them in words.
    pub text: String,
}

/// The chain to be repaired.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) dialect: Dialect,
    pub(super) layers: &'a [Layer],
    pub(super) lang: Lang,
}

/// How layers on the way up are brought to their sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Like,
    OutputPadding,
    Padding,
}

/// All that were found, the most usual first.
pub(super) fn repairs(
    asked: &Question<'_>,
    walk: &Walk,
    losses: &[Loss],
    near: &Nearest,
) -> Vec<Repair> {
    let targets = targets(asked.layers, walk);
    let Some(input) = walk.points.first() else { return Vec::new() };
    let mut found: Vec<Vec<Change>> = Vec::new();
    let ways = [Way::Like, Way::OutputPadding, Way::Padding];
    let mut collect = |layers: &[Layer], before: &[Change]| {
        for way in ways {
            if let Some(after) = go(asked, layers, input, &targets, way) {
                let changes = [before, &after].concat();
                if !changes.is_empty() && !found.contains(&changes) {
                    found.push(changes);
                }
            }
        }
    };
    collect(asked.layers, &[]);
    let (kept, widened) = without_borders(asked, walk, losses);
    if !widened.is_empty() {
        collect(&kept, &widened);
    }
    let size = |size: &Vec<usize>| Change {
        layer: INPUT.to_owned(),
        field: INPUT,
        value: Value::Numbers(size.iter().map(|&n| n as i64).collect()),
    };
    let mut sizes = |near: &Nearest, before: &[Change]| {
        // Nobody would call it a repair to leave half of the input away.
        let most = |size: &&Vec<usize>| size.iter().zip(input).all(|(&n, &input)| 2 * n >= input);
        for near in [&near.below, &near.above].into_iter().flatten().filter(most) {
            found.push([before, &[size(near)]].concat());
        }
    };
    sizes(near, &[]);
    if !widened.is_empty() && *near == Nearest::default() {
        sizes(&nearest::nearest(asked.dialect, &kept, input, false), &widened);
    }
    found.into_iter().filter_map(|changes| told(changes, asked, input)).collect()
}

/// For every layer on the way up the point whose size it should make, where that is clear.
fn targets(layers: &[Layer], walk: &Walk) -> Vec<Option<Point>> {
    let mut targets: Vec<Option<Point>> = vec![None; layers.len()];
    let axes = walk.points.first().map_or(0, Vec::len);
    let mut differ = vec![false; layers.len()];
    for pair in (0..axes).flat_map(|axis| pairs(layers, walk, axis)) {
        differ[pair.up] |= targets[pair.up].is_some_and(|other| other != pair.target);
        targets[pair.up] = Some(pair.target);
    }
    targets.iter_mut().zip(differ).filter(|(_, differ)| *differ).for_each(|(t, _)| *t = None);
    // What the result is put beside, at once or after layers that keep its size, says it better, and so does
    // the end of the chain, which should be as large as its input.
    for number in 0..layers.len() {
        if !matches!(layers[number].op, Op::ConvTranspose | Op::Resize) {
            continue;
        }
        let size = &walk.points[number + 1];
        let same = |later: &usize| walk.points[later + 1] == *size;
        let mut after = (number..layers.len()).take_while(same);
        let end = layers.len() - 1;
        let beside = after.clone().find_map(|later| layers[later].skip);
        let last = after.any(|later| later == end).then_some(0);
        targets[number] = beside.or(last).or(targets[number]);
    }
    targets
}

/// Goes through the layers, and brings each on the way up to its size; the changes, if everything fits then.
fn go(
    asked: &Question<'_>,
    layers: &[Layer],
    input: &[usize],
    targets: &[Option<Point>],
    way: Way,
) -> Option<Vec<Change>> {
    let mut walk = Walk { points: vec![input.to_vec()], unread: Vec::new() };
    let mut repaired = layers.to_vec();
    let mut changes = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        walk.step(asked.dialect, layer).ok()?;
        let Some(target) = targets.get(number).copied().flatten() else { continue };
        let wanted = walk.points.get(target)?.clone();
        let size = walk.points.last()?;
        if wanted == *size || !matches!(layer.op, Op::ConvTranspose | Op::Resize) {
            continue;
        }
        let less = wanted.iter().zip(size).map(|(&w, &s)| w as i64 - s as i64).collect::<Vec<_>>();
        let (changed, field, value) = match way {
            Way::Like => told_size(layers, layer, target),
            Way::OutputPadding => more_at_the_end(layer, &less)?,
            Way::Padding => other_padding(layer, &less)?,
        };
        walk.back();
        walk.step(asked.dialect, &changed).ok()?;
        changes.push(Change { layer: layer.name.clone(), field, value });
        repaired[number] = changed;
    }
    walk.fits(&repaired).then_some(changes)
}

type Changed = (Layer, &'static str, Value);

fn told_size(layers: &[Layer], layer: &Layer, target: Point) -> Changed {
    let changed = Layer {
        wanted: Some(Wanted::Like(target)),
        output_padding: None,
        factor: Vec::new(),
        ..layer.clone()
    };
    (changed, "like", Value::Words(vec![place(layers, target).to_owned()]))
}

fn more_at_the_end(layer: &Layer, less: &[i64]) -> Option<Changed> {
    if layer.op != Op::ConvTranspose || layer.wanted.is_some() {
        return None;
    }
    let zeros = vec![0; less.len()];
    let added = layer.output_padding.as_ref().unwrap_or(&zeros);
    let added: Vec<i64> = added.iter().zip(less).map(|(added, less)| added + less).collect();
    if added.iter().any(|&added| added < 0) {
        return None;
    }
    let changed = Layer { output_padding: Some(added.clone()), ..layer.clone() };
    Some((changed, "output_padding", Value::Numbers(added)))
}

/// Crops less or more, equally at both ends where that is possible.
fn other_padding(layer: &Layer, less: &[i64]) -> Option<Changed> {
    if layer.op != Op::ConvTranspose || layer.wanted.is_some() {
        return None;
    }
    with_padding(layer, less, -1)
}

/// Padding that takes (`sign` -1) or adds (1) so many cells.
fn with_padding(layer: &Layer, cells: &[i64], sign: i64) -> Option<Changed> {
    let pads = match &layer.padding {
        None => vec![(0, 0); cells.len()],
        Some(Padding::Pads(pads)) => pads.clone(),
        Some(_) => return None,
    };
    let half = |((before, after), cells): (&(i64, i64), &i64)| {
        let front = cells / 2;
        (before + sign * front, after + sign * (cells - front))
    };
    let pads: Vec<(i64, i64)> = pads.iter().zip(cells).map(half).collect();
    if pads.iter().any(|(before, after)| *before < 0 || *after < 0) {
        return None;
    }
    let value = match pads.iter().all(|(before, after)| before == after) {
        true => Value::Numbers(pads.iter().map(|pad| pad.0).collect()),
        false => Value::Pairs(pads.iter().map(|(before, after)| [*before, *after]).collect()),
    };
    let changed = Layer { padding: Some(Padding::Pads(pads)), ..layer.clone() };
    Some((changed, "padding", value))
}

/// The layers with paddings that make up for kernels where a border is lost; no changes if one cannot.
fn without_borders(
    asked: &Question<'_>,
    walk: &Walk,
    losses: &[Loss],
) -> (Vec<Layer>, Vec<Change>) {
    let (mut layers, mut changes) = (asked.layers.to_vec(), Vec::new());
    let mut lossy: Vec<usize> =
        losses.iter().filter(|loss| loss.kind == Kind::Border).map(|loss| loss.layer).collect();
    lossy.dedup();
    for number in lossy {
        let layer = &asked.layers[number];
        let sizes = walk.points[number].iter().zip(&walk.points[number + 1]);
        let lost: Vec<i64> = sizes.map(|(&input, &out)| input as i64 - out as i64).collect();
        let word = matches!(asked.dialect, Dialect::Tensorflow | Dialect::Keras | Dialect::Tflite);
        let sign = if layer.op == Op::ConvTranspose { -1 } else { 1 };
        let changed = match word {
            true => {
                let changed = Layer { padding: Some(Padding::Same), ..layer.clone() };
                Some((changed, "padding", Value::Words(vec!["same".into()])))
            }
            false => with_padding(layer, &lost, sign),
        };
        let Some((changed, field, value)) = changed else { return (layers, Vec::new()) };
        changes.push(Change { layer: layer.name.clone(), field, value });
        layers[number] = changed;
    }
    (layers, changes)
}

fn told(mut changes: Vec<Change>, asked: &Question<'_>, input: &[usize]) -> Option<Repair> {
    let lang = asked.lang;
    if changes.is_empty() {
        return None;
    }
    // Layers that are to be changed alike are named together.
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for change in &changes {
        let setting = match &change.value {
            Value::Numbers(size) if change.field == INPUT => resized(size, input, lang),
            value => format!("{} = {}", change.field, value.toml()),
        };
        match groups.iter_mut().find(|(other, _)| *other == setting) {
            Some((_, layers)) => layers.push(&change.layer),
            None => groups.push((setting, vec![&change.layer])),
        }
    }
    let one = |(setting, layers): &(String, Vec<&str>)| match layers.as_slice() {
        [INPUT] => setting.clone(),
        layers => {
            let layers = lang.and(layers);
            say!(lang, "{setting} in {layers}", "{layers} 中 {setting}")
        }
    };
    let mut text = groups.iter().map(one).collect::<Vec<_>>().join(lang.pick("; ", "；"));
    let transposed = |change: &Change| {
        let of = asked.layers.iter().find(|layer| layer.name == change.layer);
        change.field == "like" && of.is_some_and(|layer| layer.op == Op::ConvTranspose)
    };
    // Where the framework has an argument for it.
    let argument = match asked.dialect {
        Dialect::Pytorch => lang.pick(" (output_size of the call)", "（即调用时的 output_size）"),
        Dialect::Tensorflow | Dialect::Tflite | Dialect::Onnx => {
            lang.pick(" (the output shape)", "（即输出形状）")
        }
        Dialect::Keras | Dialect::Caffe | Dialect::Definition => "",
    };
    if changes.iter().any(transposed) {
        text += argument;
    }
    let change = changes.remove(0);
    Some(Repair { change, also: changes, text })
}

/// An input size, and whether it is smaller or larger.
fn resized(size: &[i64], input: &[usize], lang: Lang) -> String {
    let size_text = match size {
        [one] => one.to_string(),
        all => format!("{all:?}"),
    };
    let smaller = size.iter().zip(input).all(|(&size, &input)| size <= input as i64);
    match smaller {
        true => say!(lang, "input = {size_text}: crop to it", "input = {size_text}：裁剪到此尺寸"),
        false => say!(lang, "input = {size_text}: pad to it", "input = {size_text}：补边到此尺寸"),
    }
}

impl Value {
    /// As the file writes it.
    fn toml(&self) -> String {
        match self {
            Self::Numbers(list) if list.windows(2).all(|two| two[0] == two[1]) => short(list),
            Self::Numbers(list) => format!("{list:?}"),
            Self::Pairs(list) => format!("{list:?}"),
            Self::Words(words) => format!("{:?}", words.concat()),
        }
    }
}
