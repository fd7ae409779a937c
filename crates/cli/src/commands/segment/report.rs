//! What is told about each picture and about the run.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use upconv_data::DataError;
use upconv_data::pipeline::{Done, Summary};
use upconv_data::walk::Inputs;
use upconv_explain::Lang;

use super::failed::{FailedLine, FailedList};
use crate::args::Context;
use crate::failure::Failure;
use crate::output;

/// Most files that are named one by one in a note.
const MAX_NAMED: usize = 3;

/// Prints a line per picture on standard output; with many on a terminal there is a bar as well.
pub(super) struct Reporter {
    model: String,
    total: usize,
    bar: ProgressBar,
    context: Context,
    problem: Option<io::Error>,
}

#[derive(Serialize)]
struct DoneLine<'a> {
    image: &'a str,
    width: usize,
    height: usize,
    model: &'a str,
    share: f64,
    mask: Option<String>,
    overlay: Option<String>,
    cutout: Option<String>,
    ms: Milliseconds,
}

#[derive(Serialize)]
struct Milliseconds {
    decode: f64,
    resize: f64,
    network: f64,
    write: f64,
}

impl Reporter {
    pub(super) fn new(model: &str, total: usize, context: Context) -> Self {
        let bar = match total > 1 && !context.quiet && io::stderr().is_terminal() {
            true => ProgressBar::new(total as u64).with_style(style(context.lang)),
            false => ProgressBar::hidden(),
        };
        bar.enable_steady_tick(Duration::from_millis(500));
        Self { model: model.to_owned(), total, bar, context, problem: None }
    }

    pub(super) fn done(&mut self, image: &str, done: &Done) {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let files = [&done.mask, &done.overlay, &done.cutout].map(path);
        let line = if self.context.json {
            let [mask, overlay, cutout] = files;
            let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
            let times = &done.times;
            output::json_line(&DoneLine {
                image,
                width: done.size.width,
                height: done.size.height,
                model: &self.model,
                share: done.share,
                mask,
                overlay,
                cutout,
                ms: Milliseconds {
                    decode: milliseconds(times.decode),
                    resize: milliseconds(times.resize),
                    network: milliseconds(times.network),
                    write: milliseconds(times.write),
                },
            })
        } else {
            let percent = done.share * 100.0;
            let files: Vec<String> = files.into_iter().flatten().collect();
            match self.context.lang {
                Lang::En => format!("{image}: {percent:.1}% foreground -> {}\n", files.join(", ")),
                Lang::Zh => format!("{image}：前景 {percent:.1}% -> {}\n", files.join("、")),
            }
        };
        self.print(&line);
        self.bar.inc(1);
    }

    pub(super) fn failed(&mut self, image: &str, error: &DataError) {
        if self.context.json {
            self.print(&output::json_line(&FailedLine::new(image, error)));
        } else {
            let line = match self.context.lang {
                Lang::En => format!("error: {image}: {error}"),
                Lang::Zh => format!("错误：{image}：{error}"),
            };
            self.bar.suspend(|| output::note(&line));
        }
        self.bar.inc(1);
    }

    /// The counts of a run with several pictures, and what was passed over.
    pub(super) fn finish(&self, inputs: &Inputs, summary: Summary, failed: &FailedList) {
        self.bar.finish_and_clear();
        if self.context.quiet {
            return;
        }
        let lang = self.context.lang;
        let Inputs { passed_over, outputs, .. } = inputs;
        if *passed_over > 0 {
            output::note(&match lang {
                Lang::En => format!("passed over in folders, being no pictures: {passed_over}"),
                Lang::Zh => format!("文件夹中略过的非图片文件：{passed_over}"),
            });
        }
        if !outputs.is_empty() {
            let names = named(outputs);
            output::note(&match lang {
                Lang::En => format!("passed over, being results of other pictures: {names}"),
                Lang::Zh => format!("略过的文件（是其他图片的结果）：{names}"),
            });
        }
        if self.total > 1 {
            output::note(&counts(summary, failed.path(), lang));
        }
    }

    /// That everything could be printed.
    pub(super) fn check(self) -> Result<(), Failure> {
        match self.problem {
            None => Ok(()),
            Some(error) => {
                Err(Failure::write(Path::new("standard output"), &error, self.context.lang))
            }
        }
    }

    fn print(&mut self, line: &str) {
        if let Err(error) = self.bar.suspend(|| output::print(line)) {
            self.problem.get_or_insert(error);
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

fn counts(summary: Summary, failed_list: &Path, lang: Lang) -> String {
    let Summary { done, failed, given_up } = summary;
    let list = failed_list.display();
    let mut line = match (lang, failed) {
        (Lang::En, 0) => format!("{done} done"),
        (Lang::Zh, 0) => format!("完成 {done}"),
        (Lang::En, _) => format!("{done} done, {failed} failed"),
        (Lang::Zh, _) => format!("完成 {done}，失败 {failed}"),
    };
    line += &match (lang, given_up) {
        (_, 0) if failed == 0 => String::new(),
        (Lang::En, 0) => format!(" (listed in {list})"),
        (Lang::Zh, 0) => format!("（见 {list}）"),
        (Lang::En, _) => format!(", {given_up} given up, since nothing more can be written"),
        (Lang::Zh, _) => format!("，因无法继续写入而放弃 {given_up}"),
    };
    line
}

fn named(paths: &[PathBuf]) -> String {
    let mut names: Vec<String> =
        paths.iter().take(MAX_NAMED).map(|path| path.display().to_string()).collect();
    if paths.len() > MAX_NAMED {
        names.push(format!("... ({})", paths.len()));
    }
    names.join(", ")
}
