//! `upconv bench`: how fast the kernels are on this machine.

pub(crate) mod args;
mod machine;
mod model;
mod notation;
mod problem;
mod report;
mod serve;
mod timing;
mod values;
mod workload;
mod workloads;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use upconv_explain::Lang;
use upconv_kernels::{Algorithm, FastMath, KernelError, PlanOptions};

use self::args::Bench;
use self::machine::Machine;
use self::problem::{Mode, Problem, Refusal};
use self::report::{Report, Row};
use self::workload::{Shape, Workload};
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

/// A layer to be timed.
struct Layer {
    name: String,
    workload: Workload,
    shape: Shape,
}

pub(crate) fn run(args: &Bench, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let standard_output = Path::new("standard output");
    if args.serve {
        let threads = threads::start(global.threads.as_deref(), lang)?;
        let (layout, fast_math) = (args.layout.into(), fast_math(args));
        let options = serve::Options { layout, fast_math, threads, quiet: context.quiet };
        let served = serve::run(&mut io::stdin().lock(), options);
        served.map_err(|error| Failure::other(&error))?;
        return Ok(ExitCode::SUCCESS);
    }
    let layers = layers(args, lang)?;
    let threads = threads::start(global.threads.as_deref(), lang)?;
    if cfg!(debug_assertions) && !context.quiet {
        output::note(lang.pick(
            "this is a debug build; its times say nothing about a release",
            "这是调试版本；其耗时不代表发布版本",
        ));
    }
    // On a thread of the pool, as in `serve`.
    let (report, refused) = rayon::scope(|_| measure(&layers, args, threads, context))?;
    let text = match json {
        true => output::json_line(&report),
        // Every layer was refused, and that has been said.
        false if report.results.is_empty() => String::new(),
        false => report.page(lang).text(output::layout()),
    };
    output::print(&text).map_err(|error| Failure::write(standard_output, &error, lang))?;
    Ok(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The layers of the command line, with their sizes checked.
fn layers(args: &Bench, lang: Lang) -> Result<Vec<Layer>, Failure> {
    let wrong_shape = |text: &str, wrong: notation::Wrong| {
        let message = wrong.message(lang);
        Failure::usage(Some("shape"), format!("--shape '{}': {message}", shown(text)))
    };
    let mut all = Vec::new();
    if !args.names.is_empty() || args.shape.is_empty() {
        let known = workloads::named(&args.names, lang);
        for known in known.map_err(|message| Failure::usage(Some("name"), message))? {
            let workload = known.workload().map_err(|wrong| wrong_shape(known.name, wrong))?;
            all.push((known.name.to_owned(), workload));
        }
    }
    for text in &args.shape {
        let workload = notation::parse(text).map_err(|wrong| wrong_shape(text, wrong))?;
        all.push((text.trim().to_owned(), workload));
    }
    let checked = all.into_iter().map(|(name, workload)| {
        let shape = workload.shape().map_err(|error| Failure::geometry(&error, lang))?;
        Ok(Layer { name, workload, shape })
    });
    checked.collect()
}

fn fast_math(args: &Bench) -> FastMath {
    if args.fast_math { FastMath::Allow } else { FastMath::Deny }
}

/// A text as it was written, but for line breaks and the like.
fn shown(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Times every layer; also tells whether any was refused, which standard error has been told by name.
fn measure(
    layers: &[Layer],
    args: &Bench,
    threads: usize,
    context: Context,
) -> Result<(Report, bool), Failure> {
    let bar = match context.quiet || !io::stderr().is_terminal() {
        true => ProgressBar::hidden(),
        false => ProgressBar::new(layers.len() as u64),
    };
    let peak_gflops = machine::peak_gflops().map_err(|error| Failure::other(&error))?;
    let mut bench = Bencher { args, threads, peak_gflops };
    let (mut results, mut refused) = (Vec::new(), false);
    for layer in layers {
        match bench.rows(layer) {
            Ok(rows) => results.extend(rows),
            Err(error) => {
                refused = true;
                bar.suspend(|| output::note(&line(&layer.name, &error, context.lang)));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((Report { machine: Machine::this(threads), peak_gflops, results }, refused))
}

fn line(name: &str, error: &Refusal, lang: Lang) -> String {
    match lang {
        Lang::En => format!("error: {name}: {error}"),
        Lang::Zh => format!("错误：{name}：{error}"),
    }
}

/// What all rows share.
struct Bencher<'a> {
    args: &'a Bench,
    threads: usize,
    peak_gflops: f64,
}

impl Bencher<'_> {
    /// The row of the algorithm that the plan chooses, or one for every algorithm that applies.
    fn rows(&mut self, layer: &Layer) -> Result<Vec<Row>, Refusal> {
        if !self.args.all_algorithms {
            return Ok(vec![self.row(layer, self.problem(layer, None)?)?]);
        }
        let mut rows = Vec::new();
        let all: &[Algorithm] = match self.args.fast_math {
            true => &Algorithm::ALL,
            false => &Algorithm::EXACT,
        };
        for &algorithm in all {
            let problem = match self.problem(layer, Some(algorithm)) {
                Ok(problem) if problem.algorithm() == algorithm => problem,
                // Another one took its place, or there is no room for it.
                Ok(_) | Err(Refusal::Kernel(KernelError::WorkspaceTooSmall { .. })) => continue,
                Err(error) => return Err(error),
            };
            rows.push(self.row(layer, problem)?);
        }
        Ok(rows)
    }

    fn problem(&self, layer: &Layer, algorithm: Option<Algorithm>) -> Result<Problem, Refusal> {
        let layout = self.args.layout.into();
        let fast_math = fast_math(self.args);
        let options = PlanOptions { algorithm, layout, fast_math, ..Default::default() };
        Problem::new(&layer.workload, &layer.shape, &options)
    }

    fn row(&self, layer: &Layer, mut problem: Problem) -> Result<Row, Refusal> {
        let mode = Mode::from(self.args.mode);
        let error = self.error(layer, &mut problem)?;
        let times = timing::measure(&mut problem, mode)?;
        let flops = layer.shape.flops().saturating_mul(mode.factor());
        let gflops = flops as f64 / times.min / 1e6;
        let layout: upconv_kernels::Layout = self.args.layout.into();
        Ok(Row {
            name: layer.name.clone(),
            mode: mode.name(),
            layout: layout.name(),
            algorithm: problem.algorithm().name(),
            isa: problem.isa().name(),
            threads: self.threads,
            ms_min: times.min,
            ms_median: times.median,
            gflops,
            peak_share: gflops / self.peak_gflops,
            workspace_bytes: problem.workspace_bytes(),
            error,
        })
    }

    /// What a faster algorithm costs: the largest difference to what the default ones compute, in parts of the output's
    /// root mean square.
    fn error(&self, layer: &Layer, problem: &mut Problem) -> Result<Option<f64>, Refusal> {
        if Algorithm::EXACT.contains(&problem.algorithm()) {
            return Ok(None);
        }
        let options = PlanOptions { layout: self.args.layout.into(), ..Default::default() };
        let mut exact = Problem::new(&layer.workload, &layer.shape, &options)?;
        let (exact, fast) = (exact.output()?, problem.output()?);
        let pairs = exact.iter().zip(fast).map(|(&a, &b)| f64::from(a - b).abs());
        let worst = pairs.fold(0.0, f64::max);
        let squares: f64 = exact.iter().map(|&v| f64::from(v).powi(2)).sum();
        Ok(Some(worst / (squares / exact.len() as f64).sqrt()))
    }
}
