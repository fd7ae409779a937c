//! How far a set is: a bar on a terminal, some lines elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use upconv_explain::Lang;

use crate::args::Context;
use crate::output;

/// Lines that are printed where no bar can be.
const LINES: usize = 10;

/// Tells about a known number of pictures on standard error.
pub(super) struct Progress {
    total: usize,
    bar: Option<ProgressBar>,
    context: Context,
}

impl Progress {
    pub(super) fn new(total: usize, context: Context) -> Self {
        let bar = !context.quiet && io::stderr().is_terminal();
        let bar = bar.then(|| ProgressBar::new(total as u64).with_style(style(context.lang)));
        Self { total, bar, context }
    }

    /// Called once for each number from 1 to all, from any thread.
    pub(super) fn report(&self, done: usize) {
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.context.quiet => {}
            None => {
                let lines = |done: usize| done * LINES / self.total.max(1);
                if lines(done) > lines(done - 1) {
                    let total = self.total;
                    output::note(&match self.context.lang {
                        Lang::En => format!("{done} of {total} pictures"),
                        Lang::Zh => format!("{total} 张图片中已完成 {done} 张"),
                    });
                }
            }
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(lang: Lang) -> ProgressStyle {
    let template = match lang {
        Lang::En => "{bar:30} {pos}/{len}, {eta} left",
        Lang::Zh => "{bar:30} {pos}/{len}，剩余 {eta}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
