//! All routes, and the layers around them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;

use crate::budget::Budget;
use crate::clients::Clients;
use crate::error::ApiError;
use crate::gate::{Gate, Pool};
use crate::limits::{PER_CLIENT, PICTURES, UPLOAD_BYTES, WAITING, WEIGHTS};
use crate::metrics::Metrics;
use crate::networks::Networks;
use crate::runs::Runs;
use crate::serve::ServeError;
use crate::settings::Settings;
use crate::{access, api, metrics, pages};

/// What all requests share.
#[derive(Clone)]
pub struct App {
    pub(crate) pool: Pool,
    pub(crate) pictures: Gate,
    pub(crate) weights: Gate,
    pub(crate) networks: Arc<Networks>,
    /// For the bodies of all pictures.
    pub(crate) uploads: Budget,
    pub(crate) clients: Clients,
    pub(crate) metrics: Metrics,
    pub(crate) runs: Arc<Runs>,
    pub(crate) token: Option<String>,
    /// Whether it listens on a loopback address.
    pub(crate) local: bool,
}

impl App {
    /// With threads of its own, and networks read.
    ///
    /// # Errors
    /// If the system gives no threads; weights that cannot be used.
    pub fn new(settings: &Settings) -> Result<Self, ServeError> {
        let pool = Pool::new("compute", settings.threads, WAITING);
        let networks = Networks::new(&settings.weights, Networks::pool(settings.threads)?)?;
        Ok(Self {
            pool: pool.map_err(std::io::Error::other)?,
            pictures: Gate::new(PICTURES),
            weights: Gate::new(WEIGHTS),
            networks: Arc::new(networks),
            uploads: Budget::new(UPLOAD_BYTES),
            clients: Clients::new(PER_CLIENT),
            metrics: Metrics::new(),
            runs: Arc::new(Runs::new(settings.runs.clone())?),
            token: settings.token.clone(),
            local: settings.addr.ip().is_loopback(),
        })
    }

    /// Looks whether files of weights have changed, as [`crate::serve()`] does from time to time. One that changed is read at
    /// the second look that finds it the same, and until it is read the old network answers.
    pub fn look_again(&self) {
        self.networks.look_again();
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
    // Written once; what it is made of can always be written.
    let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let described = ([(header::CONTENT_TYPE, "application/json")], document);
    api.route("/api/v1/openapi.json", get(move || async move { described }))
        .route("/healthz", get(health))
        .route("/metrics", get(metrics::metrics))
        .route("/api/{*rest}", axum::routing::any(nothing))
        .fallback(get(pages::page))
        .method_not_allowed_fallback(other_method)
        .layer(middleware::from_fn_with_state(app.clone(), access::check))
        .layer(CatchPanicLayer::custom(|_| ApiError::internal().into_response()))
        .layer(middleware::from_fn_with_state(app.clone(), metrics::observe))
        .layer(CompressionLayer::new().compress_when(DefaultPredicate::new().and(is_plain)))
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "no-referrer"))
        .with_state(app)
}

/// Whether an answer is no text full of pictures.
fn is_plain(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<api::Compressed>().is_none()
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
