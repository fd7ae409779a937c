//! What is counted, in the form that Prometheus reads, and a line in the log for every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
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

/// One less runs, whichever way a request ends.
struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request and its answer, gives it a number, and writes its line.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let metrics = &app.metrics;
    let id = metrics.next_id.fetch_add(1, Ordering::Relaxed) + 1;
    // By the pattern of the route: paths that clients make up are no labels.
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("other", |path| path.as_str()).to_owned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    metrics.running.inc();
    let running = Running(metrics.running.clone());
    let begun = Instant::now();
    let mut response = next.run(request).await;
    drop(running);
    let seconds = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    metrics.seconds.get_or_create(&Route { route: route.clone() }).observe(seconds);
    metrics.requests.get_or_create(&Answered { route, status }).inc();
    let name = HeaderName::from_static("x-request-id");
    response.headers_mut().insert(name, HeaderValue::from(id));
    let path = crate::fields::shown(&path);
    tracing::info!(id, %method, path, status, ms = seconds * 1e3, "answered");
    response
}

/// `GET /metrics`
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    // A count of requests: far below 2^63.
    app.metrics.waiting.set(app.pool.waiting() as i64);
    let mut text = String::new();
    match encode(&mut text, &app.metrics.registry) {
        Ok(()) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => ApiError::internal().into_response(),
    }
}
