//! `upconv data make`: a set out of random numbers.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_data::Size;
use upconv_data::synthetic::Made;
use upconv_data::synthetic::pictures::{self, Backgrounds, ShapeSet};
use upconv_data::synthetic::roads::{self, Roads};
use upconv_explain::Lang;

use super::args::{Make, SetName};
use super::failure::failure;
use super::progress::Progress;
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

/// Streets for training, where nobody says how many.
const ROADS: usize = 300;

/// Pictures, where nobody says how many.
const PICTURES: usize = 60_000;

#[derive(Serialize)]
struct Report<'a> {
    name: &'static str,
    files: usize,
    bytes: u64,
    sha256: &'a str,
    licence: &'static str,
}

pub(crate) fn run(args: &Make, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let size = args.size.as_deref().map_or(Ok(roads::SIZE), |text| size(text, lang))?;
    threads::start(global.threads.as_deref(), lang)?;
    let (name, licence, made) = match args.name {
        SetName::Roads => {
            unused("backgrounds", args.backgrounds.is_some(), args.name, lang)?;
            let count = args.count.unwrap_or(ROADS);
            let set = Roads { size, ..Roads::new(args.seed, count) };
            let set = Roads { testing: args.test.unwrap_or(set.testing), ..set };
            let progress = Progress::new(set.count(), context);
            let made = set.write(&args.dir, |done| progress.report(done));
            progress.finish();
            ("roads", roads::LICENCE, made)
        }
        SetName::Pictures => {
            unused("test", args.test.is_some(), args.name, lang)?;
            unused("size", args.size.is_some(), args.name, lang)?;
            let backgrounds = match &args.backgrounds {
                None => None,
                Some(folder) => {
                    let (photos, problems) =
                        Backgrounds::read(folder).map_err(|error| failure(&error, lang))?;
                    problems.iter().for_each(|problem| output::note(&problem.to_string()));
                    Some(photos)
                }
            };
            let count = args.count.unwrap_or(PICTURES);
            let set = ShapeSet { seed: args.seed, count, backgrounds };
            let progress = Progress::new(count, context);
            let made = set.write(&args.dir, |done| progress.report(done));
            progress.finish();
            ("pictures", pictures::LICENCE, made)
        }
    };
    let Made { files, bytes, sha256 } = made.map_err(|error| failure(&error, lang))?;
    let text = match json {
        true => output::json_line(&Report { name, files, bytes, sha256: &sha256, licence }),
        false => match lang {
            Lang::En => {
                format!("{name}: {files} files, {bytes} bytes, {licence}\nsha256 {sha256}\n")
            }
            Lang::Zh => {
                format!("{name}：{files} 个文件，{bytes} 字节，{licence}\nsha256 {sha256}\n")
            }
        },
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses an option that a set does not have.
fn unused(option: &'static str, given: bool, name: SetName, lang: Lang) -> Result<(), Failure> {
    let name = match name {
        SetName::Roads => "roads",
        SetName::Pictures => "pictures",
    };
    match given {
        false => Ok(()),
        true => Err(Failure::usage(
            Some(option),
            match lang {
                Lang::En => format!("--{option} is not an option of {name}"),
                Lang::Zh => format!("{name} 没有 --{option} 选项"),
            },
        )),
    }
}

/// `1242x375`: columns, then rows, as sizes of pictures are written.
fn size(text: &str, lang: Lang) -> Result<Size, Failure> {
    let number = |text: &str| text.trim().parse().ok();
    let parsed = text
        .split_once(['x', 'X'])
        .and_then(|(width, height)| Some(Size { width: number(width)?, height: number(height)? }));
    parsed.ok_or_else(|| {
        Failure::usage(
            Some("size"),
            match lang {
                Lang::En => format!("--size '{text}' must be WxH, such as 1242x375"),
                Lang::Zh => format!("--size '{text}' 必须是 WxH（宽x高），例如 1242x375"),
            },
        )
    })
}
