//! The routes of the API, a file for each group.

mod draw;
mod lessons;
mod models;
mod network;
mod picture;
mod predict;
mod runs;
mod sample;
mod segment;
mod setting;
mod weights;

pub(crate) use network::Compressed;
use serde::Serialize;
use upconv_explain::Words;
use utoipa::{IntoParams, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ErrorBody;
use crate::router::App;

#[derive(OpenApi)]
#[openapi(info(
    title = "upconv",
    description = "Transposed convolution explained: every figure of the explorer. Errors have one form everywhere. \
                   With a token: `Authorization: Bearer T`.",
))]
struct Document;

/// All of them, with their description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(setting::explain, setting::explain_body))
        .routes(routes!(setting::trace, setting::trace_body))
        .routes(routes!(setting::dialects, setting::dialects_body))
        .routes(routes!(setting::plan))
        .routes(routes!(draw::draw, draw::draw_body))
        .routes(routes!(picture::grid))
        .routes(routes!(picture::loss))
        .routes(routes!(picture::panel))
        .routes(routes!(weights::file))
        .routes(routes!(weights::layer))
        .routes(routes!(weights::balance))
        .routes(routes!(lessons::all))
        .routes(routes!(lessons::check))
        .routes(routes!(models::models))
        .routes(routes!(models::model))
        .routes(routes!(segment::segment))
        .routes(routes!(predict::predict))
        .routes(routes!(sample::sample))
        .routes(routes!(runs::all_runs))
        .routes(routes!(runs::one_run))
        .routes(routes!(runs::run_picture))
}

/// The language of the answer.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct Language {
    /// `en` or `zh`; English.
    #[param(inline)]
    lang: Option<LanguageName>,
}

/// A language.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its description is used")]
enum LanguageName {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

/// A setting, with the language of the answer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct SettingBody {
    #[schema(inline)]
    #[serde(flatten)]
    words: Words,
    /// English.
    #[schema(inline, nullable = false)]
    lang: Option<LanguageName>,
}

/// A setting with numbers, as `/api/v1/trace` takes them by its address.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) struct TraceBody {
    #[schema(inline)]
    #[serde(flatten)]
    setting: SettingBody,
    /// The input; `count`.
    #[schema(nullable = false)]
    x: Option<String>,
    /// The kernel; `count`.
    #[schema(nullable = false)]
    w: Option<String>,
}

/// What every route may answer besides.
#[derive(utoipa::IntoResponses)]
#[expect(dead_code, reason = "only its description is used")]
pub(crate) enum Refusals {
    /// A field or the body is not of a legal form.
    #[response(status = 400)]
    Form(#[to_schema] ErrorBody),
    /// A token is needed.
    #[response(status = 401)]
    Token(#[to_schema] ErrorBody),
    /// A page of another site sent it.
    #[response(status = 403)]
    Foreign(#[to_schema] ErrorBody),
    /// There is nothing of this name.
    #[response(status = 404)]
    Nothing(#[to_schema] ErrorBody),
    /// The body did not come in time.
    #[response(status = 408)]
    Slow(#[to_schema] ErrorBody),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(#[to_schema] ErrorBody),
    /// It is well written, and a rule refuses it.
    #[response(status = 422)]
    Refused(#[to_schema] ErrorBody),
    /// This client has too many requests open; `Retry-After` says when to come again.
    #[response(status = 429)]
    TooMany(#[to_schema] ErrorBody),
    /// Too many requests wait; `Retry-After` says when to come again.
    #[response(status = 503)]
    Busy(#[to_schema] ErrorBody),
}
