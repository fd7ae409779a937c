//! `upconv predict`: what is on a picture.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use upconv_data::decode;
use upconv_data::walk::{Input, Inputs};
use upconv_explain::Lang;
use upconv_models::classify::{self, Classifier, Prediction};
use upconv_models::registry;

use super::stored::{self, Stored};
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

const EXAMPLES: &str = "\
Examples:
  upconv convert ResNet-50-model.caffemodel resnet50.safetensors
  upconv predict resnet50 --weights resnet50.safetensors cat.jpg
  upconv predict vgg16 --weights vgg16.safetensors photos/ --top 1 --json

How a picture is prepared (size, order of colours, mean), and what classes are called, stands in the
file of weights. A picture that fails is reported, and the rest goes on.

Exit status: 0 all done, 1 some failed, 2 wrong use of the command line.";

/// Say what is on a picture: the likeliest classes
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Predict {
    /// The model; `upconv models` lists them
    model: String,
    /// Pictures, and folders of pictures; - alone reads one picture from standard input
    #[arg(value_name = "IMAGE|DIR", required = true)]
    images: Vec<PathBuf>,
    /// Its weights: a file, or the folder of a run for the best of it
    #[arg(long, value_name = "FILE|RUN")]
    weights: Option<PathBuf>,
    /// Run the self-test that is stored with the weights first
    #[arg(long)]
    verify: bool,
    /// So many classes, the likeliest first
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    /// Which part of the picture: its centre, or the mean over four corners and the centre, and their mirror images
    #[arg(long, value_enum, default_value_t = Crop::Center)]
    crop: Crop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Crop {
    Center,
    Ten,
}

/// A picture's line in JSON.
#[derive(Serialize)]
struct Line<'a> {
    image: &'a str,
    model: &'a str,
    weights: &'a str,
    top: &'a [Prediction],
    ms: f64,
}

#[derive(Serialize)]
struct FailedLine<'a> {
    image: &'a str,
    error: &'a str,
}

pub(crate) fn run(args: &Predict, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let lang = context.lang;
    threads::start(global.threads.as_deref(), lang)?;
    let (classifier, weights) = load(args, lang)?;
    let inputs = inputs(&args.images, lang)?;
    let bar = match inputs.len() > 1 && !context.quiet {
        // Hides itself where there is no terminal.
        true => ProgressBar::new(inputs.len() as u64).with_style(style(lang)),
        false => ProgressBar::hidden(),
    };
    let mut failed = 0;
    for input in &inputs {
        let begun = Instant::now();
        let found = prediction(input, &classifier, args.top);
        let label = &*input.label;
        let text = match (&found, context.json) {
            (Ok(top), true) => {
                let model = classifier.model();
                output::json_line(&Line {
                    image: label,
                    model,
                    weights: &weights,
                    top,
                    ms: ms(begun.elapsed()),
                })
            }
            (Ok(top), false) => text(label, top),
            (Err(error), true) => output::json_line(&FailedLine { image: label, error }),
            (Err(error), false) => {
                bar.suspend(|| {
                    output::note(&match lang {
                        Lang::En => format!("error: {label}: {error}"),
                        Lang::Zh => format!("错误：{label}：{error}"),
                    })
                });
                String::new()
            }
        };
        failed += usize::from(found.is_err());
        let printed = bar.suspend(|| output::print(&text));
        printed.map_err(|error| Failure::write(Path::new("standard output"), &error, lang))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The classifier, and what its weights are called.
fn load(args: &Predict, lang: Lang) -> Result<(Classifier, String), Failure> {
    let entry = registry::find(&args.model)
        .map_err(|error| Failure::usage(Some("model"), error.to_string()))?;
    if !entry.classifies() {
        return Err(Failure::usage(
            Some("model"),
            match lang {
                Lang::En => format!(
                    "{} does not classify pictures; `upconv models` lists what does",
                    entry.name
                ),
                Lang::Zh => format!("{} 不做图片分类；`upconv models` 列出可用的模型", entry.name),
            },
        ));
    }
    let Stored { file, weights } = stored::of(entry, args.weights.as_deref(), lang)?;
    if args.verify {
        stored::verify(entry, &file, &weights, lang)?;
    }
    let crop = match args.crop {
        Crop::Center => classify::Crop::Center,
        Crop::Ten => classify::Crop::Ten,
    };
    let classifier = Classifier::new(&file, &weights, crop)
        .map_err(|error| Failure::file(&error, Some(file.clone())))?;
    Ok((classifier, file))
}

fn inputs(images: &[PathBuf], lang: Lang) -> Result<Vec<Input>, Failure> {
    let standard = |path: &PathBuf| path.as_os_str() == "-";
    match images {
        [only] if standard(only) => {
            let bytes = decode::read(io::stdin().lock())
                .map_err(|error| Failure::file(&format!("-: {error}"), Some("-".into())))?;
            Ok(Inputs::from_bytes("-", "stdin", bytes).inputs)
        }
        _ if images.iter().any(standard) => Err(Failure::usage(
            Some("image"),
            match lang {
                Lang::En => "- (standard input) must be the only picture; ./- is a file".into(),
                Lang::Zh => "-（标准输入）必须是唯一的图片；./- 表示文件".into(),
            },
        )),
        // Nothing is written, so that no file is anybody's output.
        _ => Ok(Inputs::find(images, Path::new("")).inputs),
    }
}

fn prediction(
    input: &Input,
    classifier: &Classifier,
    top: usize,
) -> Result<Vec<Prediction>, String> {
    let picture = input.picture().map_err(|error| error.to_string())?;
    let rgb = picture.on_white();
    classifier.classify(&rgb, picture.size(), top).map_err(|error| error.to_string())
}

fn text(label: &str, top: &[Prediction]) -> String {
    let mut text = format!("{label}\n");
    for Prediction { index, label, probability } in top {
        text += &format!("  {:5.1}%  {index:>4}  {}\n", probability * 100.0, label.label);
    }
    text
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn style(lang: Lang) -> ProgressStyle {
    let template = match lang {
        Lang::En => "{bar:30} {pos}/{len}, {eta} left",
        Lang::Zh => "{bar:30} {pos}/{len}，剩余 {eta}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
