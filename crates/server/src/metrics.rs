//! What is counted, in the form that Prometheus reads, and a line in the log for every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::ApiError;
use crate::router::App;

/// Seconds up to which answers are counted together.
const BUCKETS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// All numbers.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    running: Gauge,
    waiting: Gauge,
    next_id: Arc<AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<Answered, Counter>::default();
        let seconds = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let (running, waiting) = (Gauge::<i64, AtomicI64>::default(), Gauge::default());
        let mut registry = Registry::with_prefix("upconv");
        registry.register("requests", "Requests that were answered", requests.clone());
        registry.register(
            "answer_seconds",
            "Seconds from a request to its answer",
            seconds.clone(),
        );
        registry.register("requests_running", "Requests that are being answered", running.clone());
        registry.register("requests_waiting", "Requests that wait for a thread", waiting.clone());
        Self {
            registry: Arc::new(registry),
            requests,
            seconds,
            running,
            waiting,
            next_id: Arc::default(),
        }
    }
}

/// A request, until it is answered or the client goes away.
struct Observed {
    metrics: Metrics,
    id: u64,
    method: Method,
    path: String,
    /// By the pattern of the route: paths that clients make up are no labels.
    route: String,
    begun: Instant,
    /// Of the answer; none yet.
    status: Option<u16>,
}

/// What is counted where nobody waited for the answer, as nginx counts it.
const GONE: u16 = 499;

impl Drop for Observed {
    fn drop(&mut self) {
        let Self { metrics, id, method, path, route, begun, status } = self;
        let (seconds, route) = (begun.elapsed().as_secs_f64(), std::mem::take(route));
        metrics.running.dec();
        metrics.seconds.get_or_create(&Route { route: route.clone() }).observe(seconds);
        let counted = Answered { route, status: status.unwrap_or(GONE) };
        metrics.requests.get_or_create(&counted).inc();
        let (path, ms) = (crate::fields::shown(path), seconds * 1e3);
        match status {
            Some(status) => tracing::info!(id, %method, path, status, ms, "answered"),
            None => tracing::info!(id, %method, path, ms, "the client went away"),
        }
    }
}

/// Counts a request and its answer, gives it a number, and writes its line.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let metrics = &app.metrics;
    let id = metrics.next_id.fetch_add(1, Ordering::Relaxed) + 1;
    let route = request.extensions().get::<MatchedPath>();
    metrics.running.inc();
    let mut observed = Observed {
        metrics: metrics.clone(),
        id,
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        route: route.map_or("other", |path| path.as_str()).to_owned(),
        begun: Instant::now(),
        status: None,
    };
    let mut response = next.run(request).await;
    observed.status = Some(response.status().as_u16());
    let name = HeaderName::from_static("x-request-id");
    response.headers_mut().insert(name, HeaderValue::from(id));
    response
}

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    // A count of requests: far below 2^63.
    app.metrics.waiting.set(
        (app.pool.gate().waiting() + app.networks.pool.gate().waiting() + app.runs.waiting())
            as i64,
    );
    let mut text = String::new();
    match encode(&mut text, &app.metrics.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => ApiError::internal().into_response(),
    }
}
