//! All routes, and the layers around them.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;

use crate::error::ApiError;
use crate::gate::{Gate, Pool};
use crate::limits::{PICTURES, WAITING, WEIGHTS};
use crate::metrics::Metrics;
use crate::runs::Runs;
use crate::settings::Settings;
use crate::{access, api, metrics, pages};

/// What all requests share.
#[derive(Clone)]
pub struct App {
    pub(crate) pool: Pool,
    pub(crate) pictures: Gate,
    pub(crate) weights: Gate,
    pub(crate) metrics: Metrics,
    pub(crate) runs: Arc<Runs>,
    pub(crate) token: Option<String>,
    /// Whether it listens on a loopback address.
    pub(crate) local: bool,
}

impl App {
    /// With threads of its own.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn new(settings: &Settings) -> std::io::Result<Self> {
        Ok(Self {
            pool: Pool::new(settings.threads, WAITING).map_err(std::io::Error::other)?,
            pictures: Gate::new(PICTURES),
            weights: Gate::new(WEIGHTS),
            metrics: Metrics::new(),
            runs: Arc::new(Runs::new(settings.runs.clone())?),
            token: settings.token.clone(),
            local: settings.addr.ip().is_loopback(),
        })
    }
}

/// The pages load nothing from elsewhere, and nobody may frame them.
const POLICY: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The description of the API, as `/api/v1/openapi.json` gives it.
pub fn openapi() -> OpenApi {
    api::routes().split_for_parts().1
}

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let (api, document) = api::routes().split_for_parts();
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let document = Arc::new(document);
    api.route(
        "/api/v1/openapi.json",
        get(move || {
            let document = document.clone();
            async move { Json((*document).clone()) }
        }),
    )
    .route("/healthz", get(health))
    .route("/metrics", get(metrics::metrics))
    .route("/api/{*rest}", axum::routing::any(nothing))
    .fallback(get(pages::page))
    .method_not_allowed_fallback(other_method)
    .layer(middleware::from_fn_with_state(app.clone(), access::check))
    .layer(CatchPanicLayer::custom(|_| ApiError::internal().into_response()))
    .layer(middleware::from_fn_with_state(app.clone(), metrics::observe))
    .layer(CompressionLayer::new())
    .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
    .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
    .layer(set(header::REFERRER_POLICY, "no-referrer"))
    .with_state(app)
}

/// `GET /healthz`
async fn health() -> &'static str {
    "ok\n"
}

async fn nothing() -> Response {
    let message = "there is no such address; /api/v1/openapi.json lists those that there are";
    ApiError::new(StatusCode::NOT_FOUND, message).into_response()
}

async fn other_method() -> Response {
    let message = "this address does not answer to this method; /api/v1/openapi.json lists them";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, message).into_response()
}
