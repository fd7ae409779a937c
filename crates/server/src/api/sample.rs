//! Pictures that a network draws out of chance.

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use upconv_data::encode;
use upconv_models::registry::Task;
use upconv_models::sample::sheet;
use utoipa::IntoParams;

use super::{Language, Refusals};
use crate::error::{ApiError, Result};
use crate::fields::Fields;
use crate::limits::MAX_DRAWN;
use crate::router::App;

/// What is asked.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct SampleQuestion {
    /// The network; needed unless only one draws. `/api/v1/models` lists them.
    model: Option<String>,
    /// So many pictures, 1 to 64; 36.
    #[param(minimum = 1, maximum = 64, nullable = false)]
    count: Option<u32>,
    /// From which all random numbers come; 1.
    #[param(minimum = 0, nullable = false)]
    seed: Option<i64>,
}

/// A sheet of pictures; the same seed gives the same file.
#[utoipa::path(get, path = "/api/v1/sample", params(SampleQuestion, Language), responses((status = 200, description = "the sheet", content_type = "image/png", body = Vec<u8>), Refusals))]
pub(super) async fn sample(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let (lang, model) = (fields.lang, fields.text("model")?);
    // Neither is below 0.
    let count = fields.number("count", 36, 1..=MAX_DRAWN)? as usize;
    let seed = fields.number("seed", 1, 0..=i64::MAX)? as u64;
    fields.done()?;
    let loaded = app.networks.find(model.as_deref(), Task::Draw, None, lang)?.now();
    let turn = app.networks.pool.gate().enter().await?;
    let work = move |_: &_| {
        let sheet = sheet(loaded.sampler()?, seed, count).map_err(|_| ApiError::internal())?;
        let mut file = Vec::new();
        encode::rgb_png(&mut file, sheet.size, &sheet.rgb).map_err(|_| ApiError::internal())?;
        Ok(file)
    };
    let file = app.networks.pool.run_in(turn, work).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], file).into_response())
}
