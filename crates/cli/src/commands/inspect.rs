//! `upconv inspect`: what a weight file holds.

use std::path::Path;
use std::process::ExitCode;

use upconv_explain::{Block, Lang, Page};
use upconv_weights::format::SourceFile;
use upconv_weights::metadata::Input;
use upconv_weights::{
    InspectedTensor, Inspection, Metadata, PassedOver, Statistics, format, shape_text, shown,
};

use crate::args::{Context, Inspect};
use crate::failure::Failure;
use crate::output;

/// Most things that are passed over of which the page has a line.
const MAX_PASSED_OVER: usize = 8;

pub(crate) fn run(args: &Inspect, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let source = format::open(&args.file).map_err(|error| Failure::weights(&error))?;
    let inspection = Inspection::of(&source);
    let text = match json {
        true => output::json_line(&inspection),
        false => page(&inspection, lang).text(output::layout()),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

fn page(inspection: &Inspection<'_>, lang: Lang) -> Page {
    let Inspection { file, format, bytes, tensors, .. } = inspection;
    let mut blocks = vec![Block::Title(format!("{}: {format}", shown(file)))];
    let unknown = lang.pick("not said", "未注明");
    let cells: usize = tensors.iter().map(|row| row.shape.iter().product::<usize>()).sum();
    let mut facts = vec![
        (lang.pick("bytes", "字节"), bytes.to_string()),
        ("sha256", inspection.sha256.to_owned()),
        ("weights_hash", inspection.weights_hash.clone()),
        (lang.pick("model", "模型"), inspection.model.unwrap_or(unknown).to_owned()),
        (
            lang.pick("tensors", "张量"),
            match lang {
                Lang::En => format!("{}, with {cells} cells", tensors.len()),
                Lang::Zh => format!("{} 个，共 {cells} 格", tensors.len()),
            },
        ),
    ];
    for file in inspection.files.iter().skip(1) {
        let SourceFile { name, bytes, sha256 } = file;
        facts
            .push((lang.pick("also read", "另读取"), format!("{name} ({bytes}), sha256 {sha256}")));
    }
    let passed_over = lang.pick("passed over", "未读取");
    for PassedOver { name, what } in inspection.passed_over.iter().take(MAX_PASSED_OVER) {
        facts.push((passed_over, format!("{name} ({what})")));
    }
    if let Some(more @ 1..) = inspection.passed_over.len().checked_sub(MAX_PASSED_OVER) {
        let more = match lang {
            Lang::En => format!("{more} more"),
            Lang::Zh => format!("另外 {more} 项"),
        };
        facts.push((passed_over, more));
    }
    if let Some(metadata) = inspection.metadata {
        facts.extend(said(metadata, lang));
    }
    let non_finite = tensors.iter().filter(|row| row.statistics.non_finite > 0).count();
    let colon = lang.pick(": ", "：");
    blocks.extend(
        facts.into_iter().map(|(word, fact)| Block::Item(format!("{word}{colon}{}", shown(&fact)))),
    );
    if non_finite > 0 {
        blocks.push(Block::Warning(match lang {
            Lang::En => format!(
                "{non_finite} tensors hold NaN or infinities (last column); such weights are not used"
            ),
            Lang::Zh => format!("{non_finite} 个张量含有 NaN 或无穷大（见最后一列），不能用作权重"),
        }));
    }
    if !tensors.is_empty() {
        blocks.push(Block::Heading(lang.pick("Tensors", "张量").into()));
        blocks.push(Block::Figure(table(tensors, non_finite > 0)));
    }
    Page { blocks }
}

/// What a file says about itself, but for its model.
fn said(metadata: &Metadata, lang: Lang) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut fact = |word, text: Option<String>| facts.extend(text.map(|text| (word, text)));
    fact(lang.pick("licence", "许可"), metadata.licence.clone());
    fact(lang.pick("attribution", "署名"), metadata.attribution.clone());
    let source = metadata.source.as_ref().map(|source| {
        let package = source.package.as_ref().map_or(String::new(), |name| format!(", {name}"));
        format!("{} (sha256 {}){package}", source.file, source.sha256)
    });
    fact(lang.pick("source", "来源"), source);
    fact(lang.pick("input", "输入"), metadata.input.as_ref().map(input));
    let labels = metadata.labels.as_ref().map(|labels| labels.len().to_string());
    fact(lang.pick("labels", "类别"), labels);
    let selftest = metadata.selftest.as_ref();
    let selftest = selftest.map(|names| format!("{} -> {}", names.input, names.output));
    fact(lang.pick("self-test", "自检"), selftest);
    facts
}

/// `256x256 RGB, 0 to 1, resize bilinear, fit stretch`, in the words of the file.
fn input(input: &Input) -> String {
    // Plain names: this cannot fail.
    let word = |value: serde_json::Result<serde_json::Value>| {
        value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    };
    let order = word(serde_json::to_value(input.order));
    let [low, high] = input.range;
    let mut parts =
        vec![format!("{} {order}", shape_text(&input.size)), format!("{low} to {high}")];
    for (name, values) in [("mean", &input.mean), ("std", &input.std)] {
        parts.extend(values.as_ref().map(|values| format!("{name} {values:?}")));
    }
    parts.push(format!("resize {}", word(serde_json::to_value(input.resize))));
    parts.push(format!("fit {}", word(serde_json::to_value(input.fit))));
    parts.join(", ")
}

/// A row for each tensor; on a narrow screen two lines for each.
fn table(tensors: &[InspectedTensor<'_>], with_non_finite: bool) -> Vec<Vec<String>> {
    let heading = ["name", "dtype", "shape", "min", "max", "mean", "std", "non_finite"];
    let columns = if with_non_finite { heading.len() } else { heading.len() - 1 };
    let mut rows = vec![heading.map(str::to_owned)];
    rows.extend(tensors.iter().map(|row| {
        let Statistics { min, max, mean, std, non_finite } = row.statistics;
        let number = |value: Option<f64>| value.map_or("-".into(), output::number);
        [
            shown(row.name).into_owned(),
            row.dtype.into(),
            shape_text(row.shape),
            number(min),
            number(max),
            number(mean),
            number(std),
            non_finite.to_string(),
        ]
    }));
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let wide = rows.iter().map(|row| {
        let cell = |(place, (text, &width)): (usize, (&String, &usize))| match place {
            0..3 => format!("{text:<width$}"),
            _ => format!("{text:>width$}"),
        };
        row.iter().zip(&widths).enumerate().map(cell).collect::<Vec<_>>().join(" ")
    });
    let narrow = rows.iter().skip(1).flat_map(|[name, dtype, shape, min, max, mean, std, bad]| {
        let bad = if with_non_finite { format!(", non_finite {bad}") } else { String::new() };
        [
            format!("{name} {dtype} {shape}"),
            format!("  {min} to {max}, mean {mean}, std {std}{bad}"),
        ]
    });
    vec![wide.collect(), narrow.collect()]
}
