//! `upconv eval`: what weights are worth.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_explain::Lang;
use upconv_models::training::{self, Evaluation};

use super::confusion;
use super::train::args::{Eval, weights};
use super::train::failure::failure;
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) model: &'a str,
    pub(super) weights: String,
    pub(super) data: String,
    #[serde(flatten)]
    pub(super) evaluation: Evaluation,
}

pub(crate) fn run(args: &Eval, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    threads::start(global.threads.as_deref(), lang)?;
    let weights = weights(&args.weights).map_err(|error| failure(&error))?;
    let evaluation = rayon::scope(|_| training::evaluate(&args.model, &weights, &args.data));
    let report = Report {
        model: &args.model,
        weights: weights.display().to_string(),
        data: args.data.display().to_string(),
        evaluation: evaluation.map_err(|error| failure(&error))?,
    };
    let text = if json { output::json_line(&report) } else { text(&report, lang) };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each figure, and a column for the network and each baseline.
pub(super) fn text(report: &Report<'_>, lang: Lang) -> String {
    let Report { model, weights, data, evaluation } = report;
    let Evaluation { part, pictures, metrics, baselines, confusion, notes } = evaluation;
    let mut text = match lang {
        Lang::En => format!("{model}, {weights}: {pictures} pictures of {data} ({part})\n"),
        Lang::Zh => format!("{model}，{weights}：{data}（{part}）的 {pictures} 张图片\n"),
    };
    let mut line = |name: &str, values: &[String]| {
        let _ = write!(text, "{name:<22}");
        for value in values {
            let _ = write!(text, " {value:>12}");
        }
        text.push('\n');
    };
    let heads = std::iter::once(*model).chain(baselines.keys().copied());
    line("", &heads.map(String::from).collect::<Vec<_>>());
    for (name, value) in metrics.iter() {
        let others = baselines.values().map(|scalars| scalars.get(name));
        let shown = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.4}"));
        let values = std::iter::once(Some(value)).chain(others).map(shown);
        line(name, &values.collect::<Vec<_>>());
    }
    if let Some(confusion) = confusion {
        text.push('\n');
        text += &confusion::text(confusion, lang);
    }
    for note in notes {
        let _ = writeln!(text, "{note}");
    }
    text
}
