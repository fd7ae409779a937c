//! `upconv data make`: a set out of random numbers.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_data::Size;
use upconv_data::synthetic::Made;
use upconv_data::synthetic::roads::{self, Roads};
use upconv_explain::Lang;

use super::args::{Make, SetName};
use super::failure::failure;
use super::progress::Progress;
use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

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
            let set = Roads { size, ..Roads::new(args.seed, args.count) };
            let set = Roads { testing: args.test.unwrap_or(set.testing), ..set };
            let progress = Progress::new(set.count(), context);
            let made = set.write(&args.dir, |done| progress.report(done));
            progress.finish();
            ("roads", roads::LICENCE, made)
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
