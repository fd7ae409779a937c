//! `upconv data`: data sets.

pub(crate) mod args;
mod failure;
mod fetch;
mod make;
mod progress;

use std::process::ExitCode;

use self::args::{Data, DataCommand};
use crate::args::{Context, Global};
use crate::failure::Failure;

pub(crate) fn run(args: &Data, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    match &args.command {
        DataCommand::Fetch(fetch) => fetch::run(fetch, context),
        DataCommand::Make(make) => make::run(make, global, context),
    }
}
