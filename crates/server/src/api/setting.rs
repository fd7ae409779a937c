//! One setting in every form of words, numbers and connections.

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde::Serialize;
use upconv_explain::{
    AllDialects, Explained, Explanation, Fill, Planned, Trace, Words, plan as plan_sizes, words,
};
use upconv_geometry::{Dialect, GeometryError};
use utoipa::{IntoParams, ToSchema};

use super::{Language, Refusals, SettingBody, TraceBody};
use crate::body;
use crate::error::{ApiError, Result};
use crate::fields::Fields;
use crate::router::App;

/// Everything about one setting: sizes, window, overlap, words, matrix, code.
#[utoipa::path(get, path = "/api/v1/explain", params(Words, Language), responses((status = 200, body = Explanation), Refusals))]
pub(super) async fn explain(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Explanation>> {
    explained(&app, Fields::of_query(query.as_deref())?).await
}

/// The same; `lang` and the words stand in the body.
#[utoipa::path(post, path = "/api/v1/explain", request_body = SettingBody, responses((status = 200, body = Explanation), Refusals))]
pub(super) async fn explain_body(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Explanation>> {
    explained(&app, Fields::of_json(&body::json(&headers, body).await?)?).await
}

async fn explained(app: &App, fields: Fields) -> Result<Json<Explanation>> {
    app.pool.run(move || understood(fields).map(|explained| Json(explained.data()))).await
}

/// Words, put to their dialect.
pub(super) fn understood(fields: Fields) -> Result<Explained> {
    let lang = fields.lang;
    let setting = fields.setting()?;
    Explained::new(setting, lang).map_err(|error| ApiError::geometry(&error, lang))
}

/// How the grids are filled.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct Fills {
    /// The input: `count`, `ones`, `impulse`, `random:SEED`, or numbers with commas between; `count`.
    x: Option<String>,
    /// The kernel: the same, and `bilinear`; `count`.
    w: Option<String>,
}

/// A setting with numbers put through it.
#[derive(Serialize, ToSchema)]
pub(super) struct Traced {
    /// As `/api/v1/explain` has it.
    explanation: Explanation,
    /// Connections, products and sums.
    trace: Trace,
}

/// A setting with numbers put through it, from every side.
#[utoipa::path(get, path = "/api/v1/trace", params(Words, Fills, Language), responses((status = 200, body = Traced), Refusals))]
pub(super) async fn trace(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Traced>> {
    traced(&app, Fields::of_query(query.as_deref())?).await
}

/// The same; `x`, `w`, `lang` and the words stand in the body.
#[utoipa::path(post, path = "/api/v1/trace", request_body = TraceBody, responses((status = 200, body = Traced), Refusals))]
pub(super) async fn trace_body(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Traced>> {
    traced(&app, Fields::of_json(&body::json(&headers, body).await?)?).await
}

async fn traced(app: &App, mut fields: Fields) -> Result<Json<Traced>> {
    let work = move || {
        let fills = fills(&mut fields)?;
        let explained = understood(fields)?;
        let trace = put_through(&explained, &fills)?;
        Ok(Json(Traced { explanation: explained.data(), trace }))
    };
    app.pool.run(work).await
}

/// What the fields `x` and `w` say.
pub(super) fn fills(fields: &mut Fields) -> Result<[Fill; 2]> {
    let lang = fields.lang;
    let mut fill = |field: &'static str| match fields.text(field)? {
        None => Ok(Fill::count(field)),
        Some(text) => {
            Fill::parse(field, &text).map_err(|error| ApiError::field(field, error.message(lang)))
        }
    };
    Ok([fill("x")?, fill("w")?])
}

/// Numbers through a setting.
pub(super) fn put_through(explained: &Explained, [x, w]: &[Fill; 2]) -> Result<Trace> {
    let refused =
        |error: upconv_explain::TraceError| ApiError::refused(error.object(explained.lang()));
    Trace::of(explained, x, w).map_err(refused)
}

/// What every dialect makes of the same words; `dialect` itself does not matter.
#[utoipa::path(get, path = "/api/v1/dialects", params(Words, Language), responses((status = 200, body = AllDialects), Refusals))]
pub(super) async fn dialects(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<AllDialects>> {
    all_dialects(&app, Fields::of_query(query.as_deref())?).await
}

/// The same; `lang` and the words stand in the body.
#[utoipa::path(post, path = "/api/v1/dialects", request_body = SettingBody, responses((status = 200, body = AllDialects), Refusals))]
pub(super) async fn dialects_body(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<AllDialects>> {
    all_dialects(&app, Fields::of_json(&body::json(&headers, body).await?)?).await
}

async fn all_dialects(app: &App, fields: Fields) -> Result<Json<AllDialects>> {
    let lang = fields.lang;
    app.pool.run(move || Ok(Json(AllDialects::of(&fields.setting()?, lang)))).await
}

/// Which sizes are wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct Wanted {
    /// The size that there is, `N`, `HxW` or `DxHxW`.
    from: String,
    /// The size that is wanted.
    to: String,
    /// Whose rules hold; all dialects.
    dialect: Option<String>,
}

/// Settings that give a size.
#[derive(Serialize, ToSchema)]
pub(super) struct Plans {
    /// Of each dialect, best first.
    settings: Vec<Planned>,
}

/// The settings that make one size of another.
#[utoipa::path(get, path = "/api/v1/plan", params(Wanted, Language), responses((status = 200, body = Plans), Refusals))]
pub(super) async fn plan(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Json<Plans>> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let lang = fields.lang;
    let word = |error: &words::WordError| ApiError::words(error, lang);
    let mut size = |field: &'static str| {
        let text = fields.needed(field)?;
        words::sizes(field, &text).map_err(|error| word(&error))
    };
    let (from, to) = (size("from")?, size("to")?);
    let dialects = match fields.text("dialect")? {
        Some(name) => vec![words::dialect(&name).map_err(|error| word(&error))?],
        None => Dialect::ALL.to_vec(),
    };
    fields.done()?;
    if from.len() != to.len() {
        let error =
            GeometryError::AttributeLength { attribute: "to", expected: from.len(), got: to.len() };
        return Err(ApiError::geometry(&error, lang));
    }
    let work = move || {
        let of = |dialect| plan_sizes(dialect, &from, &to, lang);
        Ok(Json(Plans { settings: dialects.into_iter().flat_map(of).collect() }))
    };
    app.pool.run(work).await
}
