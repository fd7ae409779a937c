//! `upconv plan`: settings that reach a wanted size; with `--chain` whether a whole network comes back to its own.

mod chain;

use std::process::ExitCode;

use serde::Serialize;
use upconv_explain::{Lang, Planned, plan, plan_page};
use upconv_geometry::Dialect;

use crate::args::{Context, Plan};
use crate::failure::Failure;
use crate::output;
use crate::sizes::{dialect, sizes};

#[derive(Serialize)]
struct Settings {
    settings: Vec<Planned>,
}

pub(crate) fn run(args: &Plan, context: Context) -> Result<ExitCode, Failure> {
    if let Some(file) = &args.chain {
        return chain::run(file, args.from.as_deref(), context);
    }
    let Context { json, lang, .. } = context;
    // Without --chain the command line asks for --from.
    let from = sizes("from", args.from.as_deref().unwrap_or_default(), lang)?;
    let to = wanted(args, lang)?;
    if from.len() != to.len() {
        return Err(Failure::usage(Some("to"), axes(from.len(), to.len(), lang)));
    }
    for (field, size) in [("from", &from), ("to", &to)] {
        legal(field, size, lang)?;
    }
    let dialects = match &args.dialect {
        Some(name) => vec![dialect(name, lang)?],
        None => Dialect::ALL.to_vec(),
    };
    let planned: Vec<(Dialect, Vec<Planned>)> =
        dialects.into_iter().map(|dialect| (dialect, plan(dialect, &from, &to, lang))).collect();
    let none = planned.iter().all(|(_, planned)| planned.is_empty());
    let text = match json {
        true => {
            let mut settings: Vec<Planned> =
                planned.into_iter().flat_map(|(_, planned)| planned).collect();
            // Best first over all dialects; those of one stay in their order.
            settings.sort_by_key(|one| (!one.uniform, !one.symmetric, one.rescaled, one.products));
            output::json_line(&Settings { settings })
        }
        false => plan_page(&planned, &from, &to, lang).text(output::layout()),
    };
    let path = std::path::Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(if none { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// `--to`, or the size of the tensor that the result is to be put beside.
fn wanted(args: &Plan, lang: Lang) -> Result<Vec<i64>, Failure> {
    let size =
        |name, text: &Option<String>| text.as_ref().map(|text| sizes(name, text, lang)).transpose();
    match (size("to", &args.to)?, size("like", &args.like)?) {
        (Some(to), Some(like)) if to != like => {
            let (to, like) = (shown(&to), shown(&like));
            Err(Failure::usage(
                Some("like"),
                match lang {
                    Lang::En => format!(
                        "--to {to} does not stand beside --like {like}: a skip connection needs equal \
                         sizes; give one of them"
                    ),
                    Lang::Zh => format!(
                        "--to {to} 与 --like {like} 不同：跳跃连接要求尺寸相同；请只给出其中一个"
                    ),
                },
            ))
        }
        (Some(to), _) | (None, Some(to)) => Ok(to),
        (None, None) => Err(Failure::usage(
            Some("to"),
            match lang {
                Lang::En => "--to or --like is missing: the size that is wanted".into(),
                Lang::Zh => "缺少 --to 或 --like：想要的尺寸".into(),
            },
        )),
    }
}

fn shown(size: &[i64]) -> String {
    size.iter().map(i64::to_string).collect::<Vec<_>>().join("x")
}

fn axes(from: usize, to: usize, lang: Lang) -> String {
    match lang {
        Lang::En => {
            format!("--from has {from} axes, but the wanted size {to}; they must be equally many")
        }
        Lang::Zh => format!("--from 有 {from} 个轴，想要的尺寸有 {to} 个；两者必须相同"),
    }
}

/// Refuses sizes that no axis has.
fn legal(field: &str, size: &[i64], lang: Lang) -> Result<(), Failure> {
    let most = upconv_geometry::limits::MAX_AXIS;
    match size.iter().find(|size| !(1..=most).contains(*size)) {
        Some(wrong) => Err(Failure::usage(Some(field), cells(field, *wrong, lang))),
        None => Ok(()),
    }
}

fn cells(field: &str, wrong: i64, lang: Lang) -> String {
    let most = upconv_geometry::limits::MAX_AXIS;
    match lang {
        Lang::En => format!("--{field} has {wrong} cells along an axis; legal: 1 to {most}"),
        Lang::Zh => format!("--{field} 有一个轴为 {wrong} 格；合法的是 1 到 {most}"),
    }
}
