//! A checked chain as a page for people.

use super::{Checked, CheckedLayer, INPUT, Lost};
use crate::document::{self, Block, Page};
use crate::lang::{Lang, say, short, sizes};

pub(super) fn page(checked: &Checked) -> Page {
    let lang = checked.lang;
    let (file, from, to) = (&checked.file, sizes(&checked.input), sizes(&checked.output));
    let mut blocks = vec![
        Block::Title(say!(lang, "{file}: from {from} to {to}", "{file}：从 {from} 到 {to}")),
        Block::Prose(verdict(checked)),
        Block::Heading(lang.pick("Layer by layer", "逐层尺寸").into()),
        Block::Figure(vec![
            table(checked, &[Column::Name, Column::Op, Column::Size, Column::Unread, Column::Skip]),
            table(checked, &[Column::Name, Column::Size, Column::Unread, Column::Skip]),
            checked.layers.iter().map(|layer| line(layer, lang)).collect(),
        ]),
    ];
    let mut section = |heading: &str, items: Vec<String>| {
        if !items.is_empty() {
            blocks.push(Block::Heading(heading.to_owned()));
            blocks.extend(items.into_iter().map(Block::Item));
        }
    };
    section(lang.pick("Where cells are lost", "在哪里丢失"), lost(&checked.loses, lang));
    let repairs: Vec<String> = checked.repairs.iter().map(|repair| repair.text.clone()).collect();
    let none = lang.pick(
        "nothing of what was tried: like, output_padding, padding, another input size nearby",
        "试过的都不行：like、output_padding、padding、附近的其他输入尺寸",
    );
    match repairs.is_empty() && !checked.comes_back() {
        true => section(lang.pick("What repairs it", "如何修复"), vec![none.to_owned()]),
        false => section(lang.pick("Any one of these repairs it", "以下任一改动即可修复"), repairs),
    }
    let near = [&checked.nearest.below, &checked.nearest.above];
    let near: Vec<String> = near.into_iter().flatten().map(|size| sizes(size)).collect();
    if checked.comes_back() {
        section(lang.pick("Nearest other sizes that come back", "其他能还原的最近尺寸"), near);
    }
    Page { blocks }
}

fn verdict(checked: &Checked) -> String {
    let lang = checked.lang;
    let skips: Vec<bool> =
        checked.layers.iter().filter_map(|l| l.skip.as_ref()).map(|skip| skip.fits).collect();
    let (all, broken) = (skips.len(), skips.iter().filter(|fits| !**fits).count());
    let back = match checked.round_trip {
        true => lang.pick("The size comes back.", "尺寸能够还原。").to_owned(),
        false => {
            let (from, to) = (sizes(&checked.input), sizes(&checked.output));
            say!(
                lang,
                "The size does not come back: {from} goes in, {to} comes out.",
                "尺寸不能还原：输入 {from}，输出 {to}。"
            )
        }
    };
    let skips = match (all, broken) {
        (0, _) => return back,
        (_, 0) => lang.pick(" Every skip connection fits.", "所有跳跃连接都吻合。").to_owned(),
        (1, _) => lang.pick(" The skip connection does not fit.", "跳跃连接不吻合。").to_owned(),
        _ => {
            let verb = if broken == 1 { "does" } else { "do" };
            match lang {
                Lang::En => format!(" {broken} of {all} skip connections {verb} not fit."),
                Lang::Zh => format!("{all} 个跳跃连接中有 {broken} 个不吻合。"),
            }
        }
    };
    back + &skips
}

#[derive(Clone, Copy)]
enum Column {
    Name,
    Op,
    Size,
    Unread,
    Skip,
}

fn table(checked: &Checked, columns: &[Column]) -> Vec<String> {
    let lang = checked.lang;
    let any = |f: fn(&CheckedLayer) -> bool| checked.layers.iter().any(f);
    let shown = |column: &&Column| match column {
        Column::Unread => any(|layer| layer.unread.iter().any(|&cells| cells > 0)),
        Column::Skip => any(|layer| layer.skip.is_some()),
        _ => true,
    };
    let columns: Vec<Column> = columns.iter().filter(shown).copied().collect();
    let head = columns.iter().map(|column| match column {
        Column::Name => lang.pick("layer", "层"),
        Column::Op => "op",
        Column::Size => lang.pick("size", "尺寸"),
        Column::Unread => lang.pick("unread", "未读"),
        Column::Skip => lang.pick("beside", "并列于"),
    });
    let input = columns.iter().map(|column| match column {
        Column::Name => INPUT.to_owned(),
        Column::Size => sizes(&checked.input),
        _ => String::new(),
    });
    let mut rows: Vec<Vec<String>> = vec![head.map(Into::into).collect(), input.collect()];
    for layer in &checked.layers {
        rows.push(columns.iter().map(|column| cell(*column, layer, lang)).collect());
    }
    document::table(&rows, |_| false)
}

fn cell(column: Column, layer: &CheckedLayer, lang: Lang) -> String {
    match (column, &layer.skip) {
        (Column::Name, _) => layer.name.clone(),
        (Column::Op, _) => layer.op.to_owned(),
        (Column::Size, _) => sizes(&layer.output),
        (Column::Unread, _) if layer.unread.iter().all(|&cells| cells == 0) => String::new(),
        (Column::Unread, _) => counts(&layer.unread),
        (Column::Skip, None) => String::new(),
        (Column::Skip, Some(skip)) if skip.fits => skip.layer.clone(),
        (Column::Skip, Some(skip)) => {
            let (name, size) = (&skip.layer, sizes(&skip.size));
            say!(lang, "{name}: not {size}", "{name}：不是 {size}")
        }
    }
}

/// `1` for `[1, 1]`, else `1,0`.
fn counts(cells: &[usize]) -> String {
    short(cells).replace('x', ",")
}

/// For screens that are too narrow for a table.
fn line(layer: &CheckedLayer, lang: Lang) -> String {
    let (name, size) = (&layer.name, sizes(&layer.output));
    let mut text = say!(lang, "{name}: {size}", "{name}：{size}");
    if layer.unread.iter().any(|&cells| cells > 0) {
        let cells = counts(&layer.unread);
        text += &say!(lang, ", {cells} unread", "，未读 {cells}");
    }
    if let Some(skip) = layer.skip.as_ref().filter(|skip| !skip.fits) {
        let (name, size) = (&skip.layer, sizes(&skip.size));
        text += &say!(lang, ", beside {name} of {size}", "，并列的 {name} 为 {size}");
    }
    text
}

/// One line for each layer; axes that lose alike stand together.
fn lost(loses: &[Lost], lang: Lang) -> Vec<String> {
    let mut groups: Vec<(&Lost, Vec<usize>)> = Vec::new();
    for one in loses {
        let alike = |(other, _): &&mut (&Lost, Vec<usize>)| {
            (&other.layer, &other.reason) == (&one.layer, &one.reason)
        };
        match groups.iter_mut().find(alike) {
            Some((_, axes)) => axes.push(one.axis),
            None => groups.push((one, vec![one.axis])),
        }
    }
    let one = |(lost, axes): &(&Lost, Vec<usize>)| {
        let Lost { layer, reason, .. } = lost;
        let numbers = lang.and(axes);
        match axes.len() {
            1 => say!(lang, "{layer}, axis {numbers}: {reason}", "{layer}，轴 {numbers}：{reason}"),
            _ => say!(lang, "{layer}, axes {numbers}: {reason}", "{layer}，轴 {numbers}：{reason}"),
        }
    };
    groups.iter().map(one).collect()
}
