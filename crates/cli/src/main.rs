//! `upconv`: one program around transposed convolution. `upconv --help` lists the commands.
//!
//! Each command is one file in `commands/`: it reads its arguments, calls a library crate, prints.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod failure;
mod language;
mod output;
mod sizes;
mod threads;
mod usage;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command, Context, Device};
use crate::failure::Failure;

fn main() -> ExitCode {
    let early = language::Early::from_args(std::env::args_os());
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::finish(&error, early),
    };
    let context = Context { json: cli.wants_json(), quiet: cli.global.quiet, lang: early.lang };
    let result = check(&cli, context).and_then(|()| match &cli.command {
        Command::Explain(explain) => commands::explain::run(explain, context),
        Command::Plan(plan) => commands::plan::run(plan, context),
        Command::Conformance(conformance) => {
            commands::conformance::run(conformance, &cli.global, context)
        }
        Command::Bench(bench) => commands::bench::run(bench, &cli.global, context),
        Command::Segment(segment) => commands::segment::run(segment, &cli.global, context),
        Command::Predict(predict) => commands::predict::run(predict, &cli.global, context),
        Command::Sample(sample) => commands::sample::run(sample, &cli.global, context),
        Command::Train(train) => commands::train::run(train, &cli.global, context),
        Command::Eval(eval) => commands::eval::run(eval, &cli.global, context),
        Command::Finetune(finetune) => commands::finetune::run(finetune, &cli.global, context),
        Command::Data(data) => commands::data::run(data, &cli.global, context),
        Command::Models(models) => commands::models::run(models, context),
        Command::Convert(convert) => commands::convert::run(convert, &cli.global, context),
        Command::Inspect(inspect) => commands::inspect::run(inspect, context),
        Command::Diff(diff) => commands::diff::run(diff, context),
        Command::Serve(serve) => commands::serve::run(serve, &cli.global, context),
        Command::About => commands::about::run(&cli.global, context),
    });
    match result {
        Ok(code) => code,
        Err(failure) => failure.finish(context.json, context.lang),
    }
}

/// What holds for every command.
fn check(cli: &Cli, context: Context) -> Result<(), Failure> {
    threads::from_argument(cli.global.threads.as_deref(), context.lang)?;
    match cli.global.device {
        Device::Cpu => Ok(()),
        Device::Wgpu | Device::Cuda => Err(Failure::device(cli.global.device, context.lang)),
    }
}
