//! `upconv explain --loss`: what a picture loses that is brought down and up again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use upconv_data::{Size, decode, encode};
use upconv_explain::{Lang, Loss, LossData, LossError, Photo};

use super::args::Explain;
use crate::args::Context;
use crate::failure::Failure;
use crate::output;
use crate::sizes::count;

#[derive(Serialize)]
struct Report<'a> {
    image: String,
    #[serde(flatten)]
    data: &'a LossData,
    /// The picture of all ways.
    panel: String,
}

pub(super) fn run(image: &Path, args: &Explain, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let factor = match &args.factor {
        Some(text) => count("factor", text, lang)?,
        None => 2,
    };
    let shown = image.display().to_string();
    let picture = File::open(image)
        .map_err(|error| unreadable(image, &error, lang))
        .and_then(|file| decode::read(file).map_err(|error| unreadable(image, &error, lang)))
        .and_then(|file| decode::decode(&file).map_err(|error| unreadable(image, &error, lang)))?;
    let rgb = picture.on_white();
    let photo = Photo { height: picture.height, width: picture.width, rgb: &rgb };
    let loss = Loss::new(photo, factor).map_err(|error| match error {
        LossError::Factor { .. } => Failure::usage(Some("factor"), error.message(lang)),
        _ => unreadable(image, &error.message(lang), lang),
    })?;
    let name = image.file_stem().unwrap_or_default().to_string_lossy();
    let to = args.out.clone().unwrap_or_else(|| PathBuf::from("."));
    let to = to.join(format!("{name}.loss.png"));
    // As it can be shown, whatever characters it has.
    let name = upconv_weights::shown(&name).to_string();
    write(&loss, &name, &to, lang)?;
    let panel = to.display().to_string();
    let text = match json {
        true => output::json_line(&Report { image: shown, data: loss.data(), panel }),
        false => loss.page(&name, lang).text(output::layout()),
    };
    let standard = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(standard, &error, lang))?;
    if !json {
        super::wrote(&to, context);
    }
    Ok(ExitCode::SUCCESS)
}

fn unreadable(image: &Path, error: &dyn std::fmt::Display, lang: Lang) -> Failure {
    let file = image.display().to_string();
    let message = match lang {
        Lang::En => format!("{file}: {error}"),
        Lang::Zh => format!("{file}：{error}"),
    };
    Failure::file(&message, Some(file))
}

/// The panel, with the folder that it goes to.
fn write(loss: &Loss, name: &str, to: &Path, lang: Lang) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::write(to, &error, lang);
    let panel = loss.panel(name, lang);
    let panel = panel.ok_or_else(|| failed(std::io::Error::other("the panel cannot be drawn")))?;
    let mut file = Vec::new();
    let size = Size { height: panel.height, width: panel.width };
    encode::rgb_png(&mut file, size, &panel.rgb).map_err(failed)?;
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    output::write_file(to, &file).map_err(failed)
}
