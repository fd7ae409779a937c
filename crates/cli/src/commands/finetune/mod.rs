//! `upconv finetune`: a classifier for other classes.

pub(crate) mod args;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use upconv_data::{Size, encode};
use upconv_explain::{Lang, confusion_picture};
use upconv_models::training::classification::fine_tune::{self, Freeze};
use upconv_models::training::{self, Wishes};
use upconv_train::{Outcome, Stop};

use self::args::FineTune;
use super::eval::{self, Report};
use super::train::args::weights;
use super::train::{failure::failure, watched};
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

/// The best weights, in the folder of the run.
const WEIGHTS: &str = "finetuned.safetensors";
/// Which class was taken for which.
const CONFUSION: &str = "confusion.png";
/// What they are worth.
const REPORT: &str = "report.json";

pub(crate) fn run(args: &FineTune, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    threads::start(global.threads.as_deref(), context.lang)?;
    // Inside of the pool once and for all, as in training.
    rayon::scope(|_| inside(args, context))
}

fn inside(args: &FineTune, context: Context) -> Result<ExitCode, Failure> {
    let lang = context.lang;
    let freeze = match (&args.freeze_until, &args.train_only) {
        (Some(layer), _) => Freeze::Until(layer),
        (None, Some(layer)) => Freeze::AllBut(layer),
        (None, None) => Freeze::Nothing,
    };
    let from = args.weights.as_deref().map(weights).transpose();
    let from = from.map_err(|error| failure(&error))?;
    let wishes =
        Wishes { from: from.as_deref(), seed: args.seed, set: &args.set, ..Wishes::default() };
    let begun = fine_tune::begin(&args.model, &args.data, &args.out, freeze, &wishes);
    let (run, mut trainee) = begun.map_err(|error| failure(&error))?;
    let stop = Stop::on_signals().map_err(|error| Failure::other(&error))?;
    // What standard output is for is the report at the end.
    let quiet_lines = Context { json: false, ..context };
    let trained = watched(&run, trainee.as_mut(), None, stop, quiet_lines)?;
    drop(run);
    if trained.outcome == Outcome::Stopped && !context.quiet {
        let run = args.out.display();
        output::note(&match lang {
            Lang::En => format!("stopped; to go on: upconv train --resume {run}"),
            Lang::Zh => format!("已停止；继续训练：upconv train --resume {run}"),
        });
    }
    let evaluation = training::evaluate(&args.model, &trained.weights, &args.data);
    let evaluation = evaluation.map_err(|error| failure(&error))?;
    let kept = args.out.join(WEIGHTS);
    let failed = |path: &Path, error: std::io::Error| Failure::write(path, &error, lang);
    let best = fs::read(&trained.weights).map_err(|error| failed(&trained.weights, error))?;
    output::write_file(&kept, &best).map_err(|error| failed(&kept, error))?;
    let report = Report {
        model: &args.model,
        weights: kept.display().to_string(),
        data: args.data.display().to_string(),
        evaluation,
    };
    let drawn = draw(&report, &args.out, lang)?;
    let json = output::json_line(&report);
    let path = args.out.join(REPORT);
    output::write_file(&path, json.as_bytes()).map_err(|error| failed(&path, error))?;
    let text = match context.json {
        true => json,
        false => eval::text(&report, lang),
    };
    let standard = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(standard, &error, lang))?;
    if !context.json && !context.quiet {
        for path in drawn.iter().chain([&kept]) {
            let path = path.display();
            output::note(&match lang {
                Lang::En => format!("wrote {path}"),
                Lang::Zh => format!("已写入 {path}"),
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The picture of the mistakes, unless there are too many classes for one.
fn draw(report: &Report<'_>, out: &Path, lang: Lang) -> Result<Option<PathBuf>, Failure> {
    let Some(confusion) = &report.evaluation.confusion else { return Ok(None) };
    let accuracy = report.evaluation.metrics.get("accuracy").unwrap_or_default();
    let title = format!("{}: {:.1}%", report.model, 100.0 * accuracy);
    let Some(panel) = confusion_picture(&title, &confusion.classes, &confusion.counts, lang) else {
        return Ok(None);
    };
    let path = out.join(CONFUSION);
    let failed = |error: std::io::Error| Failure::write(&path, &error, lang);
    let size = Size { height: panel.height, width: panel.width };
    let mut file = Vec::new();
    encode::rgb_png(&mut file, size, &panel.rgb).map_err(failed)?;
    output::write_file(&path, &file).map_err(failed)?;
    Ok(Some(path))
}
