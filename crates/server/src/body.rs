//! Bodies of requests: read whole, up to a limit, in time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};

use crate::error::{ApiError, Result};
use crate::limits::{JSON_TIME, MAX_JSON_BYTES, UPLOAD_TIME};

/// A JSON body.
///
/// # Errors
/// If it is larger than [`MAX_JSON_BYTES`] or takes longer than [`JSON_TIME`].
pub(crate) async fn json(headers: &HeaderMap, body: Body) -> Result<Bytes> {
    read(headers, body, MAX_JSON_BYTES, JSON_TIME).await
}

/// A picture or a weight file.
///
/// # Errors
/// If it is larger than `limit` or takes longer than [`UPLOAD_TIME`].
pub(crate) async fn upload(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes> {
    read(headers, body, limit, UPLOAD_TIME).await
}

async fn read(headers: &HeaderMap, body: Body, limit: usize, time: Duration) -> Result<Bytes> {
    // Whoever says how much it is is sent away before anything is read.
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if said.and_then(|length| length.parse::<u64>().ok()).is_some_and(|n| n > limit as u64) {
        return Err(ApiError::too_large(limit));
    }
    match tokio::time::timeout(time, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        // Cut short by the client, who is gone, or too long.
        Ok(Err(_)) => Err(ApiError::too_large(limit)),
        Err(_) => Err(ApiError::slow()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use futures_util::stream;

    use super::*;

    async fn status(body: Body, limit: usize) -> Option<StatusCode> {
        let read = read(&HeaderMap::new(), body, limit, Duration::from_millis(50)).await;
        read.err().map(|error| error.status)
    }

    #[tokio::test]
    async fn too_long_and_too_slow() {
        assert_eq!(status(Body::from("1234"), 4).await, None);
        assert_eq!(status(Body::from("12345"), 4).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
        let never = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
        assert_eq!(status(never, 4).await, Some(StatusCode::REQUEST_TIMEOUT));
        // Without end: given up at the limit.
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(b"1234")));
        let endless = Body::from_stream(endless);
        assert_eq!(status(endless, 64).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
