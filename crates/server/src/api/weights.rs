//! Weight files: what is in them, and whether a layer leaves a chessboard. A file is read in memory and forgotten.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use upconv_explain::{Balance, BalanceData, Explained, Explanation, Lang, TransposedWeight, words};
use upconv_geometry::{Dialect, Setting};
use upconv_weights::{Inspection, Source, format};
use utoipa::{IntoParams, ToSchema};

use super::{Language, Refusals};
use crate::body;
use crate::error::{ApiError, Result};
use crate::fields::{Fields, shown};
use crate::layer::{Asked, LayerOptions, MeasuredLayer, possible};
use crate::limits::{MAX_BALANCE_NUMBERS, MAX_WEIGHTS_BYTES};
use crate::router::App;

/// What the file is called: its ending helps where its content does not tell.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct FileName {
    /// Its name, without a folder; `weights`.
    name: Option<String>,
}

/// A layer that may be a transposed convolution.
#[derive(Serialize, ToSchema)]
pub(super) struct LayerRow {
    /// The layer.
    layer: String,
    /// Its weight.
    tensor: String,
    /// The shape of that, as the file has it.
    shape: Vec<usize>,
    /// Its stride, where the file says that it is one.
    stride: Option<Vec<usize>>,
}

/// What a file holds.
#[derive(Serialize, ToSchema)]
pub(super) struct File {
    /// As `upconv inspect --json` prints it.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    inspection: serde_json::Value,
    /// Layers that may be transposed convolutions; those that are known to be come first.
    layers: Vec<LayerRow>,
}

/// What a weight file holds.
#[utoipa::path(post, path = "/api/v1/weights", params(FileName, Language), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = File), Refusals))]
pub(super) async fn file(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<File>> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let name = name(&mut fields)?;
    fields.done()?;
    let work = move |source: Source| {
        let inspection = serde_json::to_value(Inspection::of(&source));
        let layers = possible(&source).into_iter().map(|found| LayerRow {
            layer: found.layer.into(),
            tensor: found.tensor.name().into(),
            shape: found.tensor.shape().to_vec(),
            stride: found.stride,
        });
        let inspection = inspection.map_err(|_| ApiError::internal())?;
        Ok(Json(File { inspection, layers: layers.collect() }))
    };
    with_source(&app, &headers, body, name, work).await
}

/// Which layer, and what the file does not say of it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct LayerQuestion {
    /// The layer or its tensor.
    layer: String,
    /// `N` or one per axis; what the file says.
    stride: Option<String>,
    /// Groups; as the bias tells, or 1.
    groups: Option<String>,
    /// Whose order of axes the weight has; that of the format.
    dialect: Option<String>,
}

/// A layer with its own weights.
#[derive(Serialize, ToSchema)]
pub(super) struct LayerAnswer {
    /// The file.
    file: String,
    /// The tensor.
    layer: String,
    /// Whose order of axes it has.
    dialect: String,
    /// As the file has it.
    shape: Vec<usize>,
    /// Whether its phases differ, and what can be done.
    balance: BalanceData,
    /// Its kernel and stride over an input of 4 cells per axis.
    explanation: Explanation,
}

/// Input cells per axis that a layer is shown over.
const SHOWN_INPUT: i64 = 4;

/// Whether a layer's own weights leave a chessboard.
#[utoipa::path(post, path = "/api/v1/weights/layer", params(FileName, LayerQuestion, Language), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = LayerAnswer), Refusals))]
pub(super) async fn layer(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LayerAnswer>> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let lang = fields.lang;
    let name = name(&mut fields)?;
    let layer = fields.needed("layer")?;
    let word = |error: words::WordError| ApiError::words(&error, lang);
    let optional = |text: Option<String>| text.filter(|text| !text.is_empty());
    let stride = optional(fields.text("stride")?);
    let groups = optional(fields.text("groups")?);
    let dialect = optional(fields.text("dialect")?);
    fields.done()?;
    let options = LayerOptions {
        dialect: dialect.map(|name| words::dialect(&name)).transpose().map_err(word)?,
        stride: stride.map(|text| words::sizes("stride", &text)).transpose().map_err(word)?,
        groups: groups.map(|text| words::count("groups", &text)).transpose().map_err(word)?,
    };
    let work = move |source: Source| {
        let asked = Asked { lang, dashes: "" };
        let measured = MeasuredLayer::of(&source, &layer, &options, asked);
        let measured = measured.map_err(|error| ApiError::layer(error, &source.file, lang))?;
        let balance = measured.balance.data(lang);
        Ok(Json(LayerAnswer {
            file: source.file.clone(),
            layer: measured.tensor.name().into(),
            dialect: measured.dialect.name().into(),
            shape: measured.tensor.shape().to_vec(),
            explanation: over_a_small_input(&balance, lang)?,
            balance,
        }))
    };
    with_source(&app, &headers, body, name, work).await
}

fn over_a_small_input(balance: &BalanceData, lang: Lang) -> Result<Explanation> {
    // Sides of a tensor in memory: far below 2^63.
    let list = |sizes: &[usize]| sizes.iter().map(|&size| size as i64).collect::<Vec<_>>();
    let setting = Setting {
        input: vec![SHOWN_INPUT; balance.kernel.len()],
        kernel: list(&balance.kernel),
        stride: list(&balance.stride),
        ..Setting::new(Dialect::Definition)
    };
    let explained =
        Explained::new(setting, lang).map_err(|error| ApiError::geometry(&error, lang))?;
    Ok(explained.data())
}

/// A weight in numbers.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct WeightNumbers {
    /// Row by row, 16,384 at most.
    values: Vec<f64>,
    /// `[in, out / groups, kernel...]`
    shape: Vec<usize>,
    /// One per axis of the kernel.
    stride: Vec<usize>,
    /// Groups; 1.
    groups: Option<usize>,
    /// `en` or `zh`; English.
    lang: Option<String>,
}

/// Whether weights leave a chessboard, and what can be done.
#[utoipa::path(post, path = "/api/v1/balance", request_body = WeightNumbers, responses((status = 200, body = BalanceData), Refusals))]
pub(super) async fn balance(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<BalanceData>> {
    let mut fields = Fields::of_json(&body::json(&headers, body).await?)?;
    let lang = fields.lang;
    let missing = |name: &str| ApiError::field(name, format!("{name} is missing"));
    let values: Vec<f64> = fields.value("values")?.ok_or_else(|| missing("values"))?;
    let shape: Vec<usize> = fields.value("shape")?.ok_or_else(|| missing("shape"))?;
    let stride: Vec<usize> = fields.value("stride")?.ok_or_else(|| missing("stride"))?;
    let groups = fields.value("groups")?.unwrap_or(1);
    fields.done()?;
    if values.len() > MAX_BALANCE_NUMBERS {
        let message =
            format!("{} numbers; at most {MAX_BALANCE_NUMBERS} are looked at", values.len());
        return Err(ApiError::field("values", message));
    }
    let work = move || {
        let weight = TransposedWeight {
            values: &values,
            shape: &shape,
            stride: &stride,
            groups,
            bias: None,
        };
        let balance = Balance::of(&weight).map_err(|error| {
            ApiError::refused(upconv_explain::ErrorObject {
                message: error.message(lang),
                ..Default::default()
            })
        })?;
        Ok(Json(balance.data(lang)))
    };
    app.pool.run(work).await
}

/// The name of a file: what stands behind the last slash, as it is only shown.
fn name(fields: &mut Fields) -> Result<String> {
    let name = fields.text("name")?.unwrap_or_default();
    let base = shown(name.rsplit(['/', '\\']).next().unwrap_or_default());
    Ok(if base.is_empty() { "weights".into() } else { base })
}

/// Reads a weight file when it is its turn, and works on it.
async fn with_source<T: Send + 'static>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    name: String,
    work: impl FnOnce(Source) -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = match app.weights.enter().await {
        Ok(turn) => turn,
        Err(reason) => return Err(body::refuse(headers, body, reason).await),
    };
    let file: Bytes = body::upload(headers, body, MAX_WEIGHTS_BYTES).await?;
    app.pool
        .run(move || {
            // The only holder of the bytes, so that this moves them.
            let source = format::from_bytes(&name, Vec::from(file))
                .map_err(|error| ApiError::weights(&error));
            let result = source.and_then(work);
            drop(turn);
            result
        })
        .await
}
