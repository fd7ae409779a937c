//! `upconv sample`: pictures that a network draws out of chance.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use upconv_data::{digest, encode};
use upconv_explain::Lang;
use upconv_models::registry;
use upconv_models::sample::{Draw, Sheet, sheet};

use super::stored::{self, Stored};
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

const EXAMPLES: &str = "\
Examples:
  upconv sample dcgan-faces --count 64 --seed 1 -o faces.png
  upconv sample dcgan-faces --weights mine.safetensors --verify -o sheet.png --json

The pictures lie side by side on one sheet. The same seed gives the same file with any number
of threads, and picture 7 of a seed is the same in a sheet of 8 and of 64.

Exit status: 0 done, 1 failed, 2 wrong use of the command line.";

/// Draw pictures out of chance
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Sample {
    /// A model that draws; `upconv models` lists them
    model: String,
    /// Its weights [default: those that come with the program]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// So many pictures
    #[arg(long, value_name = "N", default_value_t = 64)]
    count: usize,
    /// From which all random numbers come
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Run the self-test that is stored with the weights first
    #[arg(long)]
    verify: bool,
    /// The PNG file to write
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    weights: &'a str,
    count: usize,
    seed: u64,
    out: String,
    width: usize,
    height: usize,
    /// Of the sheet's pixels, before they are packed into the file.
    sha256: String,
}

pub(crate) fn run(args: &Sample, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    if !(1..=upconv_models::sample::MOST).contains(&args.count) {
        let message =
            format!("--count {}: legal: 1 to {}", args.count, upconv_models::sample::MOST);
        return Err(Failure::usage(Some("count"), message));
    }
    threads::start(global.threads.as_deref(), lang)?;
    let (draw, weights) = load(args, lang)?;
    let Sheet { size, rgb } =
        sheet(&*draw, args.seed, args.count).map_err(|error| Failure::other(&error))?;
    let mut png = Vec::new();
    encode::rgb_png(&mut png, size, &rgb)
        .and_then(|()| output::write_file(&args.out, &png))
        .map_err(|error| Failure::write(&args.out, &error, lang))?;
    let report = Report {
        model: &args.model,
        weights: &weights,
        count: args.count,
        seed: args.seed,
        out: args.out.display().to_string(),
        width: size.width,
        height: size.height,
        sha256: digest::of_bytes(&rgb),
    };
    let text = if json { output::json_line(&report) } else { text(&report, lang) };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

/// The network, and what its weights are called.
fn load(args: &Sample, lang: Lang) -> Result<(Box<dyn Draw>, String), Failure> {
    let entry = registry::find(&args.model)
        .map_err(|error| Failure::usage(Some("model"), error.to_string()))?;
    if !entry.draws() {
        let able = registry::MODELS.iter().filter(|entry| entry.draws()).map(|entry| entry.name);
        let able = able.collect::<Vec<_>>().join(", ");
        let message = match lang {
            Lang::En => format!("{} does not draw pictures; these do: {able}", entry.name),
            Lang::Zh => format!("{} 不会画图；可以画图的有：{able}", entry.name),
        };
        return Err(Failure::usage(Some("model"), message));
    }
    let Stored { file, weights } = stored::of(entry, args.weights.as_deref(), lang)?;
    if args.verify {
        stored::verify(entry, &file, &weights, lang)?;
    }
    let draw = entry
        .sampler(&file, &weights)
        .map_err(|error| Failure::file(&error, Some(file.clone())))?;
    let draw = draw.ok_or_else(|| Failure::other(&"no network"))?;
    Ok((draw, file))
}

fn text(report: &Report<'_>, lang: Lang) -> String {
    let Report { model, weights, count, seed, out, width, height, sha256 } = report;
    match lang {
        Lang::En => format!(
            "{model}, {weights}: {count} pictures, seed {seed}\nwritten: {out}, {width}x{height}\nsha256 of the pixels {sha256}\n"
        ),
        Lang::Zh => format!(
            "{model}，{weights}：{count} 张图片，种子 {seed}\n已写入：{out}，{width}x{height}\n像素的 sha256 {sha256}\n"
        ),
    }
}
