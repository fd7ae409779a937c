//! Pictures of a setting, to keep.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use upconv_data::{Size, encode};
use upconv_explain::{Drawing, DrawingOptions, Theme, TraceError, View, Words};
use utoipa::{IntoParams, ToSchema};

use super::setting::{Fills, fills, put_through, understood};
use super::{Language, Refusals, TraceBody};
use crate::body;
use crate::error::{ApiError, Result};
use crate::fields::Fields;
use crate::router::App;

/// What is drawn, and how.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct Picture {
    /// `scatter`, `gather`, `zero-insertion`, `matrix`, `phases` or `overlap`; `scatter`.
    view: Option<String>,
    /// `svg`, `gif` (all steps), `png` or `html` (all views, with their steps); `svg`.
    format: Option<String>,
    /// `light` or `dark`; `light`.
    theme: Option<String>,
    /// `true` draws the forward convolution beside the view `scatter`.
    forward: Option<String>,
}

/// The same in a body.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
pub(super) struct DrawBody {
    #[schema(inline)]
    #[serde(flatten)]
    numbers: TraceBody,
    /// `scatter`.
    #[schema(nullable = false)]
    view: Option<String>,
    /// `svg`.
    #[schema(nullable = false)]
    format: Option<String>,
    /// `light`.
    #[schema(nullable = false)]
    theme: Option<String>,
    /// `false`.
    #[schema(nullable = false)]
    forward: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Svg,
    Gif,
    Png,
    Html,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Gif => "gif",
            Self::Png => "png",
            Self::Html => "html",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Gif => "image/gif",
            Self::Png => "image/png",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// A picture of a setting, which anybody may use for anything (CC0).
#[utoipa::path(get, path = "/api/v1/draw", params(Words, Picture, Fills, Language), responses(
    (status = 200, description = "the file", content((String = "image/svg+xml"), (String = "image/gif"), (String = "image/png"), (String = "text/html"))),
    Refusals,
))]
pub(super) async fn draw(State(app): State<App>, RawQuery(query): RawQuery) -> Result<Response> {
    drawn(&app, Fields::of_query(query.as_deref())?).await
}

/// The same; all fields stand in the body.
#[utoipa::path(post, path = "/api/v1/draw", request_body = DrawBody, responses(
    (status = 200, description = "the file", content((String = "image/svg+xml"), (String = "image/gif"), (String = "image/png"), (String = "text/html"))),
    Refusals,
))]
pub(super) async fn draw_body(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    drawn(&app, Fields::of_json(&body::json(&headers, body).await?)?).await
}

async fn drawn(app: &App, mut fields: Fields) -> Result<Response> {
    let views = View::ALL.map(|view| (view.name(), view));
    let view = fields.choice("view", View::default(), &views)?;
    let formats = [Format::Svg, Format::Gif, Format::Png, Format::Html].map(|f| (f.name(), f));
    let format = fields.choice("format", Format::Svg, &formats)?;
    let themes = [("light", Theme::Light), ("dark", Theme::Dark)];
    let theme = fields.choice("theme", Theme::Light, &themes)?;
    let forward = fields.choice("forward", false, &[("true", true), ("false", false)])?;
    let work = move || {
        let lang = fields.lang;
        let fills = fills(&mut fields)?;
        let explained = understood(fields)?;
        let too_large = || ApiError::refused(TraceError::TooLarge.object(lang));
        let options = DrawingOptions { theme, forward: forward && view == View::Scatter };
        let drawing = Drawing::new(&explained, options).ok_or_else(too_large)?;
        let drawing = drawing.with_numbers(&put_through(&explained, &fills)?);
        let file = match format {
            Format::Svg => drawing.svg(view).map(String::into_bytes),
            Format::Gif => drawing.gif(view),
            Format::Html => Some(drawing.html().into_bytes()),
            Format::Png => match drawing.pixels(view) {
                Some(panel) => Some(png(panel.height, panel.width, &panel.rgb)?),
                None => None,
            },
        };
        file.ok_or_else(too_large)
    };
    let file = app.pool.run(work).await?;
    let name = format!(
        "attachment; filename=\"transposed-convolution-{}.{}\"",
        view.name(),
        format.name()
    );
    let own =
        [(header::CONTENT_TYPE, format.kind().to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((own, file).into_response())
}

/// Pixels as a file.
pub(super) fn png(height: usize, width: usize, rgb: &[u8]) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    encode::rgb_png(&mut file, Size { height, width }, rgb).map_err(|_| ApiError::internal())?;
    Ok(file)
}
