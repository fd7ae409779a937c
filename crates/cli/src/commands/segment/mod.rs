//! `upconv segment`: people, roads and whatever a network was trained for, cut out of photos.

pub(crate) mod args;
mod failed;
mod model;
mod report;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use upconv_data::atomic::{self, Pending};
use upconv_data::pipeline::{self, Options, Outcome};
use upconv_data::walk::Inputs;
use upconv_data::{DataError, Kinds, decode};
use upconv_explain::Lang;
use upconv_models::segmentation::SegmentOptions;
use upconv_models::segmentation::tiles::Tiles;

use self::args::{Only, Segment};
use self::failed::FailedList;
use self::report::Reporter;
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::threads;

const DEFAULT_THRESHOLD: f32 = 0.5;

pub(crate) fn run(args: &Segment, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let lang = context.lang;
    let threshold = threshold(args.threshold.as_deref(), lang)?;
    check_standard_input(&args.images, lang)?;
    let tiles = args.tile.map(|side| Tiles::new(side, args.overlap)).transpose();
    let tiles = tiles.map_err(|error| Failure::usage(Some("tile"), error.to_string()))?;
    threads::start(global.threads.as_deref(), lang)?;
    let options = SegmentOptions { class: args.class.clone(), tiles, whole_up_to: 0 };
    let net = model::load(args, &options, lang)?;

    let folder = args.out.clone().unwrap_or_default();
    let inputs = inputs(args, &folder)?;
    prepare(&folder).map_err(|error| Failure::write(shown(&folder), &error, lang))?;
    let mut failed = FailedList::new(&folder);
    let options = Options { kinds: kinds(&args.only), threshold, ..Options::new(&folder) };
    let mut reporter = Reporter::new(net.name(), inputs.inputs.len(), context);
    let summary = pipeline::run(&inputs.inputs, &*net, &options, |outcome: Outcome<'_>| {
        let label = &outcome.input.label;
        match &outcome.result {
            Ok(done) => reporter.done(label, done),
            Err(error) => {
                reporter.failed(label, error);
                // Where nothing can be written, this cannot either.
                if !error.is_final() {
                    failed.add(label, error);
                }
            }
        }
    });
    reporter.finish(&inputs, summary, &failed);
    reporter.check()?;
    failed.check(lang)?;
    let good = summary.failed == 0 && summary.given_up == 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn threshold(text: Option<&str>, lang: Lang) -> Result<f32, Failure> {
    let Some(text) = text else { return Ok(DEFAULT_THRESHOLD) };
    match text.parse() {
        Ok(threshold) if (0.0..=1.0).contains(&threshold) => Ok(threshold),
        _ => Err(Failure::usage(
            Some("threshold"),
            match lang {
                Lang::En => format!("--threshold '{text}' must be a number from 0 to 1"),
                Lang::Zh => format!("--threshold '{text}' 必须是 0 到 1 之间的数"),
            },
        )),
    }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// That standard input, if it is named, stands alone.
fn check_standard_input(images: &[PathBuf], lang: Lang) -> Result<(), Failure> {
    if images.len() == 1 || !images.iter().any(|path| is_standard_input(path)) {
        return Ok(());
    }
    Err(Failure::usage(
        Some("image"),
        match lang {
            Lang::En => "- (standard input) must be the only picture; ./- is a file".into(),
            Lang::Zh => "-（标准输入）必须是唯一的图片；./- 表示文件".into(),
        },
    ))
}

/// None named means all.
fn kinds(only: &[Only]) -> Kinds {
    let has = |kind| only.is_empty() || only.contains(&kind);
    Kinds { mask: has(Only::Mask), overlay: has(Only::Overlay), cutout: has(Only::Cutout) }
}

/// What is to be segmented. A folder without pictures, if there is nothing else, fails the command.
fn inputs(args: &Segment, folder: &Path) -> Result<Inputs, Failure> {
    if let [image] = args.images.as_slice()
        && is_standard_input(image)
    {
        let bytes = decode::read(io::stdin().lock())
            .map_err(|error| Failure::file(&format!("-: {error}"), Some("-".into())))?;
        return Ok(Inputs::from_bytes("-", "stdin", bytes));
    }
    let inputs = Inputs::find(&args.images, folder);
    if let [only] = inputs.inputs.as_slice()
        && let Some(problem @ DataError::NoPictures) = &only.problem
    {
        let message = format!("{}: {problem}", only.label);
        return Err(Failure::file(&message, Some(only.label.clone())));
    }
    Ok(inputs)
}

/// Creates the output folder, makes sure that it can be written to before anything is computed, and
/// removes what killed runs left in it.
fn prepare(folder: &Path) -> io::Result<()> {
    let folder = shown(folder);
    if folder.exists() && !folder.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    fs::create_dir_all(folder)?;
    Pending::create(&folder.join("probe"))?;
    atomic::sweep(folder);
    Ok(())
}

/// The folder under a name that people and the system understand.
fn shown(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}
