//! Pictures of one's own: as an input of cells, and what they lose on the way down and up again.

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use upconv_data::{Size, resize};
use upconv_explain::{LOSS_FACTORS, Lang, Loss, LossData, MAX_SIDE_PICTURED, Photo};
use utoipa::{IntoParams, ToSchema};

use super::draw::png;
use super::{Language, Refusals};
use crate::body::{self, Held};
use crate::error::{ApiError, Result};
use crate::fields::Fields;
use crate::limits::MAX_PICTURE_BYTES;
use crate::router::App;
use crate::upload::decoded;

/// The size of the grid.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct GridSize {
    /// Rows, 1 to 48; 8.
    #[param(minimum = 1, maximum = 48, nullable = false)]
    rows: Option<u32>,
    /// Columns, 1 to 128; 8.
    #[param(minimum = 1, maximum = 128, nullable = false)]
    columns: Option<u32>,
}

/// A picture as cells.
#[derive(Serialize, ToSchema)]
pub(super) struct Grid {
    /// Rows.
    rows: usize,
    /// Columns.
    columns: usize,
    /// Grey from 0 to 255, row by row.
    values: Vec<u8>,
}

/// Most rows of a grid.
const MAX_ROWS: usize = 48;

/// A picture in grey, as large as an input of the explorer.
#[utoipa::path(post, path = "/api/v1/picture", params(GridSize, Language), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = Grid), Refusals))]
pub(super) async fn grid(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Grid>> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let lang = fields.lang;
    // Below 2^31: both fit into a usize.
    let height = fields.number("rows", 8, 1..=MAX_ROWS as i64)? as usize;
    let width = fields.number("columns", 8, 1..=MAX_SIDE_PICTURED as i64)? as usize;
    fields.done()?;
    let work = move |file: Bytes| {
        let picture = decoded(&file, lang)?;
        let rgb = resize::antialiased(&picture.on_white(), picture.size(), Size { height, width })
            .map_err(|error| ApiError::picture(&error, lang))?;
        Ok(Json(Grid {
            rows: height,
            columns: width,
            values: rgb.chunks_exact(3).map(grey).collect(),
        }))
    };
    with_picture(&app, &headers, body, work).await
}

/// Luma of ITU-R BT.601, as Pillow's mode L has it.
fn grey(rgb: &[u8]) -> u8 {
    let weighted: u32 = rgb.iter().zip([19595, 38470, 7471]).map(|(&v, w)| u32::from(v) * w).sum();
    // The weights sum to 2^16.
    ((weighted + 0x8000) >> 16) as u8
}

/// How far down.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct Factor {
    /// 2 to 8; 2.
    #[param(minimum = 2, maximum = 8, nullable = false)]
    factor: Option<u32>,
}

/// What a picture loses that is brought down and up again, in seven ways.
#[utoipa::path(post, path = "/api/v1/loss", params(Factor, Language), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, body = LossData), Refusals))]
pub(super) async fn loss(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LossData>> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let (lang, factor) = (fields.lang, factor(&mut fields)?);
    fields.done()?;
    let work = move |file: Bytes| lost(&file, factor, lang).map(|loss| Json(loss.data().clone()));
    with_picture(&app, &headers, body, work).await
}

/// What the picture is called.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct PictureName {
    /// What the panel calls it; nothing.
    name: Option<String>,
}

/// The same as a picture of all ways side by side.
#[utoipa::path(post, path = "/api/v1/loss/panel", params(Factor, PictureName, Language), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses((status = 200, description = "the panel", content_type = "image/png", body = Vec<u8>), Refusals))]
pub(super) async fn panel(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let mut fields = Fields::of_query(query.as_deref())?;
    let (lang, factor) = (fields.lang, factor(&mut fields)?);
    let name = fields.text("name")?.unwrap_or_default();
    fields.done()?;
    let work = move |file: Bytes| {
        let name = upconv_weights::shown(&name).to_string();
        let panel = lost(&file, factor, lang)?.panel(&name, lang).ok_or_else(ApiError::internal)?;
        png(panel.height, panel.width, &panel.rgb)
    };
    let file = with_picture(&app, &headers, body, work).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], file).into_response())
}

fn factor(fields: &mut Fields) -> Result<i64> {
    fields.number("factor", 2, LOSS_FACTORS)
}

fn lost(file: &[u8], factor: i64, lang: Lang) -> Result<Loss> {
    let picture = decoded(file, lang)?;
    let rgb = picture.on_white();
    let photo = Photo { height: picture.height, width: picture.width, rgb: &rgb };
    Loss::new(photo, factor).map_err(|error| {
        ApiError::refused(upconv_explain::ErrorObject {
            message: error.message(lang),
            ..Default::default()
        })
    })
}

/// Reads a picture when it is its turn, and works on it.
async fn with_picture<T: Send + 'static>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    work: impl FnOnce(Bytes) -> Result<T> + Send + 'static,
) -> Result<T> {
    let Held { bytes, share } =
        body::shared(headers, body, MAX_PICTURE_BYTES, &app.uploads).await?;
    let turn = app.pictures.enter().await?;
    // Turn and share go with the work, which ends even where the client is gone.
    app.pool
        .run(move || {
            let result = work(bytes);
            drop((turn, share));
            result
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::grey;

    #[test]
    fn grey_by_hand() {
        assert_eq!((grey(&[255, 255, 255]), grey(&[0, 0, 0])), (255, 0));
        // 0.299 * 255 = 76.2, 0.587 * 255 = 149.7, 0.114 * 255 = 29.07
        assert_eq!((grey(&[255, 0, 0]), grey(&[0, 255, 0]), grey(&[0, 0, 255])), (76, 150, 29));
    }
}
