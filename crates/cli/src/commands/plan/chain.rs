//! `upconv plan --chain`: a whole encoder and decoder.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use upconv_explain::{Chain, Lang};

use super::legal;
use crate::args::Context;
use crate::failure::Failure;
use crate::output;
use crate::sizes::sizes;

/// Most bytes of a file: far more than the most layers take.
const MAX_BYTES: u64 = 4 << 20;

pub(super) fn run(file: &Path, from: Option<&str>, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let from = from.map(|from| sizes("from", from, lang)).transpose()?;
    if let Some(from) = &from {
        legal("from", from, lang)?;
    }
    let name = match file.as_os_str() == "-" {
        true => lang.pick("standard input", "标准输入").to_owned(),
        false => file.display().to_string(),
    };
    let text = read(file).map_err(|error| cannot_read(&name, &error, lang))?;
    let failure = |error| Failure::chain(&error, lang);
    let chain = Chain::read(&text, &name).map_err(failure)?;
    let checked = chain.check(from.as_deref(), lang).map_err(failure)?;
    let text = match json {
        true => output::json_line(&checked),
        false => checked.page().text(output::layout()),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(if checked.comes_back() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read(file: &Path) -> io::Result<String> {
    let input: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(file)?),
    };
    let mut text = String::new();
    input.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let limit = format!("more than {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, limit));
    }
    Ok(text)
}

fn cannot_read(name: &str, error: &io::Error, lang: Lang) -> Failure {
    let message = match lang {
        Lang::En => format!("cannot read {name}: {error}"),
        Lang::Zh => format!("无法读取 {name}：{error}"),
    };
    Failure::file(&message, Some(name.to_owned()))
}
