//! `upconv train`: a new run, or one that goes on.

pub(crate) mod args;
pub(crate) mod failure;
mod prove;

use std::path::Path;
use std::process::ExitCode;

use upconv_explain::Lang;
use upconv_models::training::{self, Begun, Wishes};
use upconv_train::progress::{Both, JsonLines, Progress};
use upconv_train::{Options, Outcome, Report, Run, Silent, Stop, Trainee, Watch, train};

use self::args::Train;
use self::failure::failure;
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

pub(crate) fn run(args: &Train, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let count = threads::start(global.threads.as_deref(), context.lang)?;
    // Inside of the pool once and for all: every operation would enter it by itself, and wait for other threads.
    rayon::scope(|_| inside(args, count, context))
}

fn inside(args: &Train, threads: usize, context: Context) -> Result<ExitCode, Failure> {
    let (run, mut trainee) = begun(args)?;
    if args.prove {
        return prove::run(args.until, threads, run, trainee, context);
    }
    let stop = Stop::on_signals().map_err(|error| Failure::other(&error))?;
    let report = watched(&run, trainee.as_mut(), args.until, stop, context)?;
    let text = match context.json {
        true => output::json_line(&report),
        false => format!("{report}\n"),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, context.lang))?;
    if report.outcome == Outcome::Stopped && context.json && !context.quiet {
        let run = report.run.display();
        output::note(&match context.lang {
            Lang::En => format!("stopped; to go on: upconv train --resume {run}"),
            Lang::Zh => format!("已停止；继续训练：upconv train --resume {run}"),
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// The run and what it trains; clap has seen to it that the words belong together.
fn begun(args: &Train) -> Result<Begun, Failure> {
    let begun = match (&args.resume, &args.model, &args.data, &args.out) {
        (Some(folder), ..) => training::resume(folder, &args.set),
        (None, Some(model), Some(data), Some(out)) => {
            let wishes = Wishes {
                preset: args.preset.as_deref(),
                width: args.width,
                upsample: args.upsample.map(Into::into),
                from: args.from.as_deref(),
                seed: args.seed,
                set: &args.set,
            };
            training::begin(model, data, out, &wishes)
        }
        _ => return Err(Failure::usage(None, "MODEL, --data and --out, or --resume".into())),
    };
    begun.map_err(|error| failure(&error))
}

/// Trains, with what people and programs want to see of it.
pub(crate) fn watched(
    run: &Run,
    trainee: &mut dyn Trainee,
    until: Option<u64>,
    stop: Stop,
    context: Context,
) -> Result<Report, Failure> {
    let mut silent = Silent;
    let mut progress = Progress::on_stderr();
    let mut lines = JsonLines(std::io::stdout());
    let mut both;
    let watch: &mut dyn Watch = match (context.json, context.quiet) {
        (false, true) => &mut silent,
        (false, false) => &mut progress,
        (true, true) => &mut lines,
        (true, false) => {
            both = Both(lines, progress);
            &mut both
        }
    };
    train(run, trainee, Options { until, stop, watch }).map_err(|error| failure(&error))
}
