//! The forward convolution beside the transposed one: the same cells connected by the same taps, gone through
//! the other way.

use super::palette::Paint;
use super::panel::{Cell, Panel};
use super::subject::Subject;

/// What the forward convolution reads for input cell `step` of the transposed one: its own output cell.
pub(crate) fn panels(subject: &Subject, step: usize) -> Vec<Panel> {
    let lang = subject.lang;
    let [_, columns] = subject.input();
    let at = [step / columns, step % columns];
    let reads = |n: usize, cell: usize| subject.axes[n].targets(at[n]).any(|c| c.output == cell);
    let larger = Panel::new(
        lang.pick("forward convolution: it reads ...", "前向卷积：读取……"),
        subject.output(),
        |i, j| {
            let read = reads(0, i) && reads(1, j);
            Some(Cell::new(Paint::Output, None).lit_if(read, Paint::OutputLit))
        },
    );
    let smaller =
        Panel::new(lang.pick("... and writes", "……写入"), subject.input(), |i, j| {
            Some(Cell::new(Paint::Input, None).lit_if(i * columns + j == step, Paint::InputLit))
        });
    vec![larger, smaller]
}
