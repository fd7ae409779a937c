//! Errors as clients see them: a status and the object of the command line.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use upconv_data::DataError;
use upconv_explain::words::WordError;
use upconv_explain::{ErrorObject, Lang};
use upconv_geometry::GeometryError;
use upconv_weights::WeightsError;
use utoipa::ToSchema;

use crate::layer::LayerError;

/// A request that is not answered as it wants to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    object: Box<ErrorObject>,
    /// Seconds after which the client may come again.
    retry_after: Option<u64>,
}

/// The body of every error.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong.
    error: ErrorObject,
}

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl ApiError {
    /// A status with a line for people.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self::of(status, ErrorObject { message: message.into(), ..ErrorObject::default() })
    }

    fn of(status: StatusCode, object: ErrorObject) -> Self {
        Self { status, object: Box::new(object), retry_after: None }
    }

    /// A field of the request that is not of a legal form.
    pub(crate) fn field(field: &str, message: String) -> Self {
        let (rule, field) = (Some("USAGE".into()), Some(field.into()));
        let object = ErrorObject { rule, field, message, ..ErrorObject::default() };
        Self::of(StatusCode::BAD_REQUEST, object)
    }

    /// Something that is well written and cannot be done.
    pub(crate) fn refused(object: ErrorObject) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, object)
    }

    pub(crate) fn words(error: &WordError, lang: Lang) -> Self {
        Self::field(error.field, error.message(error.field, lang))
    }

    pub(crate) fn geometry(error: &GeometryError, lang: Lang) -> Self {
        Self::refused(ErrorObject::of(error, lang))
    }

    /// A picture that cannot be read.
    pub(crate) fn picture(error: &DataError, lang: Lang) -> Self {
        let message = lang.pick("the picture ", "图片：").to_owned() + &error.to_string();
        Self::refused(ErrorObject { message, ..ErrorObject::default() })
    }

    pub(crate) fn weights(error: &WeightsError) -> Self {
        Self::refused(ErrorObject {
            message: error.to_string(),
            file: error.file().map(Into::into),
            field: error.field().map(Into::into),
            ..ErrorObject::default()
        })
    }

    pub(crate) fn layer(error: LayerError, file: &str, lang: Lang) -> Self {
        match error {
            LayerError::Field { field, message } => Self::field(field, message),
            LayerError::File(message) => {
                let file = Some(file.into());
                Self::refused(ErrorObject { message, file, ..ErrorObject::default() })
            }
            LayerError::Geometry(error) => Self::geometry(&error, lang),
            LayerError::Weights(error) => Self::weights(&error),
        }
    }

    /// Something that a name does not name.
    pub(crate) fn unknown(field: &str, message: String) -> Self {
        let field = Some(field.into());
        Self::of(StatusCode::NOT_FOUND, ErrorObject { field, message, ..ErrorObject::default() })
    }

    /// Too much is going on; the client may come again.
    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many requests wait already; try again")
            .after(Duration::ZERO)
    }

    /// One client has too much going on.
    pub(crate) fn too_many(most: usize) -> Self {
        let message = format!("you have {most} requests open already; await one of them");
        Self::new(StatusCode::TOO_MANY_REQUESTS, message).after(Duration::ZERO)
    }

    /// The work is bounded, but the machine is slow; its result is thrown away.
    pub(crate) fn long() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the answer took too long; try again")
            .after(Duration::ZERO)
    }

    /// The same, to be tried again after so long; a second at least.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait.as_millis().div_ceil(1000).max(1) as u64);
        self
    }

    /// Nobody waits for the answer any more, so that nobody sees this.
    pub(crate) fn gone() -> Self {
        // As nginx counts it.
        let status = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, "the client is gone")
    }

    pub(crate) fn cut_short() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "the body was cut short")
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        let (limit, unit) = match limit >> 20 {
            0 => (limit >> 10, "KiB"),
            mib => (mib, "MiB"),
        };
        let message = format!("the body has more than {limit} {unit}, which are the most");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    pub(crate) fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")
    }

    /// Our own fault, without the reason: that is in the log.
    pub(crate) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed to answer this request")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(ErrorBody { error: *self.object })).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
