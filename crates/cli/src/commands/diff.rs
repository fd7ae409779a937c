//! `upconv diff`: two weight files, value by value.

use std::path::Path;
use std::process::ExitCode;

use upconv_explain::{Block, Lang, Page};
use upconv_weights::compare::{self, Comparison, Difference};
use upconv_weights::{format, shown};

use crate::args::{Context, Diff};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Diff, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let open = |path| format::open(path).map_err(|error| Failure::weights(&error));
    let (a, b) = (open(&args.a)?, open(&args.b)?);
    let comparison = compare::compare(&a.weights, &b.weights);
    let text = match json {
        true => output::json_line(&comparison),
        false => page(&comparison, [&a.file, &b.file], lang).text(output::layout()),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

/// What differs, and how much is equal.
fn page(comparison: &Comparison, files: [&str; 2], lang: Lang) -> Page {
    let Comparison { equal, only_a, only_b, tensors } = comparison;
    let same = tensors.iter().filter(|tensor| tensor.is_none()).count();
    let of = tensors.len();
    let mut blocks = vec![Block::Title(match (lang, equal) {
        (Lang::En, true) => format!("equal: all {of} tensors have the same shapes and values"),
        (Lang::Zh, true) => format!("相同：全部 {of} 个张量的形状和数值都一样"),
        (Lang::En, false) => format!("different: {same} of {of} tensors in both files are equal"),
        (Lang::Zh, false) => format!("不同：两个文件共有的 {of} 个张量中有 {same} 个相同"),
    })];
    for (names, file) in [(only_a, files[0]), (only_b, files[1])] {
        if !names.is_empty() {
            let file = shown(file);
            blocks.push(Block::Heading(match lang {
                Lang::En => format!("Only in {file}"),
                Lang::Zh => format!("仅在 {file} 中"),
            }));
            blocks.extend(names.iter().map(|name| Block::Item(shown(name).into_owned())));
        }
    }
    let different: Vec<_> = tensors.iter().filter(|tensor| !tensor.is_none()).collect();
    if !different.is_empty() {
        blocks.push(Block::Heading(lang.pick("In both, and different", "两者都有但不同").into()));
        blocks.extend(different.into_iter().map(|tensor| Block::Item(line(tensor, lang))));
    }
    Page { blocks }
}

fn line(tensor: &Difference, lang: Lang) -> String {
    let Difference { name, max_abs, max_rel, differing, shapes: [a, b], .. } = tensor;
    let name = shown(name);
    match (differing, max_abs, max_rel) {
        (Some(count), Some(abs), Some(rel)) => {
            let (abs, rel) = (output::number(*abs), output::number(*rel));
            match lang {
                Lang::En => format!("{name}: {count} cells, max_abs {abs}, max_rel {rel}"),
                Lang::Zh => format!("{name}：{count} 格，max_abs {abs}，max_rel {rel}"),
            }
        }
        (Some(count), ..) => match lang {
            Lang::En => format!("{name}: {count} cells, NaN or infinities among them"),
            Lang::Zh => format!("{name}：{count} 格，其中有 NaN 或无穷大"),
        },
        (None, ..) => match lang {
            Lang::En => format!("{name}: shape {a:?} against {b:?}"),
            Lang::Zh => format!("{name}：形状 {a:?} 对 {b:?}"),
        },
    }
}
