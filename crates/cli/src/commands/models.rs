//! `upconv models`: which networks there are, and what one of them is made of.

use std::path::Path;
use std::process::ExitCode;

use upconv_explain::{Block, Lang, Page};
use upconv_models::registry;
use upconv_server::models::{Summary, Whole};

use crate::args::{Context, Models};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Models, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let text = match &args.name {
        None => {
            let all = Summary::all(lang).map_err(|e| Failure::other(&e))?;
            if json { output::json_line(&all) } else { list(&all) }
        }
        Some(name) => {
            let entry = registry::find(name).map_err(|e| Failure::other(&e))?;
            let whole = Whole::of(entry, lang).map_err(|e| Failure::other(&e))?;
            if json { output::json_line(&whole) } else { page(&whole, lang) }
        }
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}

fn list(all: &[Summary]) -> String {
    let items = all.iter().map(|m| Block::Item(format!("{}: {}", m.name, m.system)));
    Page { blocks: items.collect() }.text(output::layout())
}

/// Words of the page, in the order of the page.
struct Words {
    facts: [&'static str; 6],
    columns: [&'static str; 5],
    none: &'static str,
    all: &'static str,
    layers: &'static str,
}

fn page(model: &Whole, lang: Lang) -> String {
    let m = &model.summary;
    let words = match lang {
        Lang::En => Words {
            facts: ["Paper", "Input", "Weights built in", "Strong", "Weak", "Take something else"],
            columns: ["layer", "kind", "output", "parameters", "MFLOP"],
            none: "none; it is to be trained",
            all: "all",
            layers: "Layers, for one image",
        },
        Lang::Zh => Words {
            facts: ["论文", "输入", "内置权重", "长处", "短处", "何时另选"],
            columns: ["layer", "kind", "output", "parameters", "MFLOP"],
            none: "无，需要训练",
            all: "all",
            layers: "各层（一张图）",
        },
    };
    let shape = |dims: &[usize]| dims.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    let facts = [
        m.paper.to_owned(),
        shape(&m.input),
        if m.weights.is_empty() { words.none.to_owned() } else { m.weights.join(", ") },
        m.strengths.to_owned(),
        m.weaknesses.to_owned(),
        m.choose_instead.to_owned(),
    ];
    let colon = lang.pick(": ", "：");
    let mut blocks = vec![Block::Title(format!("{}{colon}{}", m.name, m.system))];
    blocks
        .extend(words.facts.iter().zip(facts).map(|(w, f)| Block::Item(format!("{w}{colon}{f}"))));
    blocks.push(Block::Heading(words.layers.into()));
    let row = |[name, kind, out, parameters, flops]: [&str; 5]| {
        format!("{name:<20} {kind:<15} {out:>11} {parameters:>10} {flops:>11}")
    };
    let mflop = |flops: u64| format!("{:.3}", flops as f64 / 1e6);
    let mut table = vec![row(words.columns)];
    for layer in &model.layers {
        let (out, flops) = (shape(&layer.shape_out), mflop(layer.flops));
        let parameters = layer.parameters.to_string();
        table.push(row([&layer.name, layer.kind.name(), &out, &parameters, &flops]));
    }
    let (parameters, flops) = (m.totals.parameters.to_string(), mflop(m.totals.flops));
    table.push(row([words.all, "", "", &parameters, &flops]));
    blocks.push(Block::Figure(vec![table]));
    Page { blocks }.text(output::layout())
}
