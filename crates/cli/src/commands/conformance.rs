//! `upconv conformance`: a folder of golden cases through every path that this CPU has.

use std::path::Path;
use std::process::ExitCode;

use upconv_conformance::{Options, Report};
use upconv_explain::Lang;
use upconv_kernels::{Algorithm, Isa};

use crate::args::{Conformance, Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

pub(crate) fn run(
    args: &Conformance,
    global: &Global,
    context: Context,
) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let options = Options {
        isa: named("isa", args.isa.as_deref(), &Isa::ALL, Isa::name, lang)?,
        algorithm: named(
            "algorithm",
            args.algorithm.as_deref(),
            &Algorithm::ALL,
            Algorithm::name,
            lang,
        )?,
    };
    let threads = threads::start(global.threads.as_deref(), lang)?;
    let report = upconv_conformance::run(&args.dir, &options, |_case| ())
        .map_err(|error| Failure::file(&error, error.file()))?;
    let text = match json {
        true => output::json_line(&report),
        false => page(&report, threads),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    let good = report.failed == 0 && !report.cases.is_empty();
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A line per failed case, what ran, and the counts alone on the last line.
fn page(report: &Report, threads: usize) -> String {
    let mut lines: Vec<String> = report
        .failures()
        .map(|case| {
            let message = case.message.as_deref().unwrap_or("wrong");
            format!("failed: {} ({}, {}): {message}", case.id, case.op, case.dialect)
        })
        .collect();
    lines.push(format!("paths: {}", report.paths().join(", ")));
    lines.push(format!("threads: {threads}"));
    lines.push(format!("worst |a - r| / (1 + sum of |terms|): {:.2e}", report.worst));
    let Report { passed, failed, skipped, .. } = report;
    lines.push(format!("{passed} passed, {failed} failed, {skipped} skipped"));
    lines.join("\n") + "\n"
}

/// The value of a name; an unknown one is refused with the list of those that exist.
fn named<T: Copy>(
    argument: &str,
    name: Option<&str>,
    all: &[T],
    name_of: fn(T) -> &'static str,
    lang: Lang,
) -> Result<Option<T>, Failure> {
    let Some(name) = name else { return Ok(None) };
    let found = all.iter().copied().find(|&value| name_of(value) == name);
    found.map(Some).ok_or_else(|| {
        let legal = all.iter().map(|&value| name_of(value)).collect::<Vec<_>>().join(", ");
        Failure::usage(
            Some(argument),
            match lang {
                Lang::En => format!("--{argument} '{name}' is unknown; legal: {legal}"),
                Lang::Zh => format!("--{argument} '{name}' 未知；合法的有：{legal}"),
            },
        )
    })
}
