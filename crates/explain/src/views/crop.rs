//! The picture that comes first: where each input lands, and which window of the row is kept.

use upconv_geometry::Axis;

use super::grid::{cell_width, row};
use super::{Place, Span};
use crate::document::pad_end;
use crate::lang::{Lang, say};

/// Most inputs that are drawn one below the other.
const MAX_INPUTS: usize = 12;

/// Most cells that are drawn one by one.
const MAX_CELLS: usize = 40;

/// The picture of one axis: cell by cell if that is small enough, then as a bar.
pub(crate) fn forms(a: &Axis, lang: Lang) -> Vec<Vec<String>> {
    let mut forms = Vec::new();
    if a.input() <= MAX_INPUTS && Span::of(a).len() <= MAX_CELLS && a.kernel() <= MAX_CELLS {
        forms.push(cell_by_cell(a, lang));
    }
    let bar = bar(a, lang);
    let short = bar.replace("==== ", "");
    forms.extend([vec![bar], vec![short]]);
    forms
}

fn cell_by_cell(a: &Axis, lang: Lang) -> Vec<String> {
    let span = Span::of(a);
    let mut labels = Vec::new();
    let mut rows: Vec<(Vec<String>, bool)> = Vec::new();
    for input in 0..a.input() {
        let mut cells = vec![String::new(); span.len()];
        for tap in 0..a.kernel() {
            let cell = (input * a.stride() + tap * a.dilation()) as i64;
            cells[(cell - span.first) as usize] = format!("w{tap}");
        }
        labels.push(format!("x[{input}]"));
        rows.push((cells, false));
    }
    labels.push(lang.pick("uncropped", "未裁剪").into());
    let number = |cell: i64| match span.place(cell) {
        Place::Cropped | Place::Kept => cell.to_string(),
        Place::Added | Place::Nowhere => String::new(),
    };
    rows.push((span.cells().map(number).collect(), false));
    labels.push(lang.pick("window", "窗口").into());
    let mark = |cell: i64| match span.place(cell) {
        Place::Cropped => "x".into(),
        Place::Kept => "=".into(),
        Place::Added => "0".into(),
        Place::Nowhere => String::new(),
    };
    rows.push((span.cells().map(mark).collect(), true));
    labels.push("y".into());
    let output = |cell: i64| span.output_at(cell).map(|o| o.to_string()).unwrap_or_default();
    rows.push((span.cells().map(output).collect(), true));

    let width = rows.iter().map(|(cells, _)| cell_width(cells)).max().unwrap_or(1);
    let column = labels.iter().map(|l| crate::document::width(l)).max().unwrap_or(0) + 1;
    let drawn = labels.iter().zip(&rows);
    drawn
        .map(|(label, (cells, windowed))| {
            row(&pad_end(label, column), cells, width, windowed.then(|| span.window()))
        })
        .collect()
}

/// `1 cropped [ ==== 32 kept ==== ] 1 cropped`.
fn bar(a: &Axis, lang: Lang) -> String {
    let (before, after) = (a.pad_before(), a.pad_after());
    let outside = |count: i64| match count {
        1.. => say!(lang, "{count} cropped", "裁掉 {count}"),
        _ => String::new(),
    };
    let added = |count: i64| match -count {
        zeros @ 1.. => {
            let zeros = lang.zeros(zeros);
            say!(lang, "0 {zeros} 0 ", "0 补 {zeros} 0 ")
        }
        _ => String::new(),
    };
    let kept = a.output() as i64 - (-before).max(0) - (-after).max(0);
    let kept = match kept {
        1.. => say!(lang, "==== {kept} kept ==== ", "==== 保留 {kept} ==== "),
        // The window lies beside the uncropped row.
        _ => String::new(),
    };
    let line = format!(
        "{} [ {}{}{}] {}",
        outside(before),
        added(before),
        kept,
        added(after),
        outside(after)
    );
    line.trim().to_owned()
}

/// What the marks mean.
pub(crate) fn legend(axes: &[Axis], lang: Lang) -> String {
    let added = axes.iter().any(|a| a.pad_before() < 0 || a.pad_after() < 0);
    let marks = say!(
        lang,
        "Each input cell lays the kernel (w0, w1, ...) down, one stride further than the one before; \
         what meets in a column is added up. [=] is kept, x is cropped away",
        "每个输入格放下一次卷积核（w0、w1……），每次比前一格后移一个步幅；同一列的乘积相加。[=] 为保留，\
         x 为裁掉"
    );
    match added {
        true => say!(lang, "{marks}, 0 is added.", "{marks}，0 为补上的零。"),
        false => marks + lang.pick(".", "。"),
    }
}
