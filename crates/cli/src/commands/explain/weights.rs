//! `upconv explain --weights`: whether the weights of a layer leave a chessboard.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_explain::{BalanceData, BalanceOf};
use upconv_server::layer::{Asked, LayerError, LayerOptions, MeasuredLayer};
use upconv_weights::{format, shown};

use super::args::Explain;
use crate::args::Context;
use crate::failure::Failure;
use crate::output;
use crate::sizes::{count, dialect, sizes};

#[derive(Serialize)]
struct Report<'a> {
    file: &'a str,
    layer: &'a str,
    dialect: &'static str,
    shape: &'a [usize],
    #[serde(flatten)]
    balance: BalanceData,
}

pub(super) fn run(
    file: &Path,
    name: &str,
    args: &Explain,
    context: Context,
) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    let options = LayerOptions {
        dialect: args.dialect.as_ref().map(|name| dialect(name, lang)).transpose()?,
        stride: args.stride.as_ref().map(|text| sizes("stride", text, lang)).transpose()?,
        groups: args.groups.as_ref().map(|text| count("groups", text, lang)).transpose()?,
    };
    let source = format::open(file).map_err(|error| Failure::weights(&error))?;
    let asked = Asked { lang, dashes: "--" };
    let layer = MeasuredLayer::of(&source, name, &options, asked).map_err(|error| match error {
        LayerError::Field { field, message } => Failure::usage(Some(field), message),
        LayerError::File(message) => Failure::file(&message, Some(source.file.clone())),
        LayerError::Geometry(error) => Failure::geometry(&error, lang),
        LayerError::Weights(error) => Failure::weights(&error),
    })?;
    let MeasuredLayer { tensor, dialect, balance } = layer;
    let text = match json {
        true => output::json_line(&Report {
            file: &source.file,
            layer: tensor.name(),
            dialect: dialect.name(),
            shape: tensor.shape(),
            balance: balance.data(lang),
        }),
        false => {
            let (file, layer) = (shown(&source.file), shown(tensor.name()));
            let of = BalanceOf { file: &file, layer: &layer, shape: tensor.shape(), dialect };
            balance.page(&of, lang).text(output::layout())
        }
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, lang))?;
    Ok(ExitCode::SUCCESS)
}
