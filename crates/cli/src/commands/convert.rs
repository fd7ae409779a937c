//! `upconv convert`: a foreign weight file becomes one of ours, and every tensor is accounted for.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_explain::{Block, ErrorObject, Lang, Page};
use upconv_models::ModelError;
use upconv_models::registry::{self, Conversion, Entry};
use upconv_weights::balance::{Balance, Members};
use upconv_weights::convert::{self, Converted};
use upconv_weights::format::SourceFile;
use upconv_weights::output::Output;
use upconv_weights::{Allowed, Expected, Format, RenameTable, Source, caffe, format, shown};

use crate::args::{Context, Convert, Float, Global};
use crate::failure::Failure;
use crate::{output, threads};

#[derive(Serialize)]
struct Report<'a> {
    from: From<'a>,
    to: String,
    model: &'static str,
    #[serde(flatten)]
    members: Members,
    /// Of the weights that were written; null if nothing was.
    weights_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a ErrorObject>,
}

#[derive(Serialize)]
struct From<'a> {
    file: &'a str,
    format: &'static str,
    sha256: &'a str,
    files: &'a [SourceFile],
}

pub(crate) fn run(args: &Convert, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let source = format::open(&args.input).map_err(|error| Failure::weights(&error))?;
    let source = normalised(args, source)?;
    if source.holds(&args.output) {
        return Err(over_itself(args, lang));
    }
    let written = Output::of(&args.output).ok_or_else(|| not_written(args, lang))?;
    // The network runs once, for the self-test.
    threads::start(global.threads.as_deref(), lang)?;
    let (entry, conversion) = choose(args, &source, lang)?;
    let allowed =
        Allowed { missing: args.allow_missing.clone(), unused: args.allow_unused.clone() };
    // The tensors go into the conversion; the report needs the rest.
    let (file, format, files) = (source.file.clone(), source.format, source.files.clone());
    let Conversion { table, expected, mut metadata } = conversion;
    if let Some(path) = &args.mean {
        let mean = caffe::read_mean(path).map_err(|error| Failure::weights(&error))?;
        if let Some(input) = &mut metadata.input {
            input.mean = Some(mean.per_channel());
        }
    }
    let Converted { balance, weights } =
        convert::convert(source, &table, &expected, metadata, &allowed)
            .map_err(|error| Failure::weights(&error))?;

    let (imbalance, weights_hash) = match weights {
        Err(error) => (Some(Failure::weights(&error)), None),
        Ok(weights) => {
            let weights = match args.dtype {
                None => Ok(weights),
                Some(Float::F16) => weights.to_f16(),
                Some(Float::F32) => weights.widened(),
            };
            let weights = weights.map_err(|error| Failure::weights(&error))?;
            let weights = match balance.missing().is_empty() {
                true => entry.with_selftest(weights).map_err(model)?,
                // A network that lacks a tensor cannot be run.
                false => weights,
            };
            written.write(&weights, &args.output).map_err(|error| Failure::weights(&error))?;
            (None, Some(weights.weights_hash()))
        }
    };
    let sha256 = files.first().map_or("", |file| &file.sha256);
    let report = Report {
        from: From { file: &file, format: format.name(), sha256, files: &files },
        to: args.output.display().to_string(),
        model: entry.name,
        members: balance.members(),
        weights_hash,
        error: imbalance.as_ref().map(Failure::object),
    };
    let text = match json {
        true => output::json_line(&report),
        false => page(&report, &balance, lang).text(output::layout()),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    match imbalance {
        None => Ok(ExitCode::SUCCESS),
        // With --json the error is a member of the one object.
        Some(_) if json => Ok(ExitCode::FAILURE),
        Some(failure) => Err(failure),
    }
}

/// Weights of Caffe with the running means and variances of their batch norm, as tables of models take them.
fn normalised(args: &Convert, mut source: Source) -> Result<Source, Failure> {
    if let Some(path) = &args.prototxt {
        if source.format != Format::Caffemodel {
            let message =
                format!("--prototxt is for .caffemodel files, not for {}", source.format.name());
            return Err(Failure::usage(Some("prototxt"), message));
        }
        source.net = Some(caffe::read_net(path).map_err(|error| Failure::weights(&error))?);
    }
    if let Some(net) = &source.net {
        let weights = std::mem::take(&mut source.weights);
        let normalised = caffe::batch_norm(net, weights);
        source.weights = normalised.map_err(|error| Failure::weights(&error))?.weights;
    }
    Ok(source)
}

/// The model, and how the source becomes its weights.
fn choose(
    args: &Convert,
    source: &Source,
    lang: Lang,
) -> Result<(&'static Entry, Conversion), Failure> {
    // A file of ours says whose weights it holds.
    let said = source.weights.metadata().map(|metadata| metadata.model.as_str());
    if let Some(name) = args.model.as_deref().or(said) {
        let entry = registry::find(name).map_err(|error| match args.model {
            Some(_) => Failure::usage(Some("model"), format!("--model: {error}")),
            None => Failure::file(&error, Some(source.file.clone())),
        })?;
        if let Some(found) = said.filter(|&found| found != entry.name) {
            let (file, found) = (source.file.clone(), found.to_owned());
            return Err(model(ModelError::OtherModel { file, found, wanted: entry.name }));
        }
        let mut conversion = entry.conversion(source).map_err(model)?;
        let ours = |e: &Expected| source.weights.get(&e.name).is_some();
        if source.format == Format::Safetensors || conversion.expected.iter().all(ours) {
            // Nothing but this program names tensors so.
            conversion.table = RenameTable::identity(&conversion.expected);
            let own = source.weights.metadata().cloned();
            conversion.metadata = own.unwrap_or(conversion.metadata);
        }
        return Ok((entry, conversion));
    }
    let mut found = registry::candidates(source);
    let names = |list: Vec<&str>| list.join(", ");
    let message = match found.len() {
        1 => return found.pop().ok_or_else(|| Failure::other(&"no model")),
        0 => {
            let known = names(registry::MODELS.iter().map(|entry| entry.name).collect());
            match lang {
                Lang::En => format!(
                    "{}: its tensors fit no model ({known}); with --model NAME the missing and unused \
                     ones are listed",
                    source.file
                ),
                Lang::Zh => format!(
                    "{}：其中的张量不符合任何模型（{known}）；用 --model NAME 可列出缺少和多余的张量",
                    source.file
                ),
            }
        }
        _ => {
            let fit = names(found.iter().map(|(entry, _)| entry.name).collect());
            match lang {
                Lang::En => format!("{}: fits more than one model; say --model {fit}", source.file),
                Lang::Zh => format!("{}：符合多个模型；请用 --model 指定：{fit}", source.file),
            }
        }
    };
    Err(Failure::file(&message, Some(source.file.clone())))
}

fn model(error: ModelError) -> Failure {
    match &error {
        ModelError::Weights(error) => Failure::weights(error),
        ModelError::OtherModel { file, .. } => Failure::file(&error, Some(file.clone())),
        _ => Failure::other(&error),
    }
}

fn not_written(args: &Convert, lang: Lang) -> Failure {
    let file = args.output.display();
    let message = match lang {
        Lang::En => format!(
            "{file}: files of this ending are read, and not written; legal: .safetensors, .npz, .onnx"
        ),
        Lang::Zh => format!("{file}：这种文件只能读取，不能写入；可用：.safetensors、.npz、.onnx"),
    };
    Failure::usage(Some("output"), message)
}

fn over_itself(args: &Convert, lang: Lang) -> Failure {
    let file = args.output.display().to_string();
    let message = match lang {
        Lang::En => format!("{file}: is read by this very command; write to another name"),
        Lang::Zh => format!("{file}：此命令正在读取该文件；请写到另一个文件名"),
    };
    Failure::file(&message, Some(file))
}

/// The fate of every tensor, and the sums.
fn page(report: &Report<'_>, balance: &Balance, lang: Lang) -> Page {
    let Report { from, to, model, weights_hash, .. } = report;
    let (file, to) = (shown(from.file), shown(to));
    let mut blocks = vec![Block::Title(format!("{file} ({}) -> {model}", from.format))];
    let wide = balance.lines.iter().map(ToString::to_string).collect();
    let narrow = balance.lines.iter().flat_map(|line| {
        let (head, tail) = line.halves();
        [head, format!("  {tail}")].into_iter().filter(|half| !half.trim().is_empty())
    });
    blocks.push(Block::Figure(vec![wide, narrow.collect()]));
    blocks.push(Block::Prose(balance.sums()));
    if let Some(hash) = weights_hash {
        blocks.push(Block::Prose(match lang {
            Lang::En => format!("written: {to}, weights_hash {hash}"),
            Lang::Zh => format!("已写入：{to}，weights_hash {hash}"),
        }));
    }
    Page { blocks }
}
