//! Bodies of requests: read whole, up to a limit, in time, and within what all bodies together may take.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use tokio::time::{Instant, timeout, timeout_at};

use crate::budget::{Budget, Share};
use crate::error::{ApiError, Result};
use crate::limits::{
    IDLE_TIME, JSON_TIME, MAX_JSON_BYTES, MAX_WASTED_BYTES, UPLOAD_TIME, WASTE_TIME,
};

/// A body, and its share of the memory for bodies as long as it is held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    pub(crate) share: Option<Share>,
}

/// A JSON body.
///
/// # Errors
/// If it is larger than [`MAX_JSON_BYTES`] or takes longer than [`JSON_TIME`].
pub(crate) async fn json(headers: &HeaderMap, body: Body) -> Result<Bytes> {
    Ok(read(headers, body, MAX_JSON_BYTES, JSON_TIME, None).await?.bytes)
}

/// A weight file, whose number a gate bounds.
///
/// # Errors
/// If it is larger than `limit` or takes longer than [`UPLOAD_TIME`].
pub(crate) async fn upload(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes> {
    Ok(read(headers, body, limit, UPLOAD_TIME, None).await?.bytes)
}

/// A picture, within what all pictures share. Who sends slowly holds no more than was sent.
///
/// # Errors
/// As [`upload`]; if nothing comes for [`IDLE_TIME`]; if all pictures together are too many bytes.
pub(crate) async fn shared(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    budget: &Budget,
) -> Result<Held> {
    read(headers, body, limit, UPLOAD_TIME, Some(budget)).await
}

/// Reads what a client sends that is sent away, within bounds: one that cannot send it to its end may never look at the
/// answer. Gives the reason back.
pub(crate) async fn refuse(headers: &HeaderMap, mut body: Body, reason: ApiError) -> ApiError {
    // Who asks first has not begun to send.
    if headers.contains_key(header::EXPECT) || said(headers).is_some_and(|n| n > MAX_WASTED_BYTES) {
        return reason;
    }
    let waste = async {
        let mut wasted = 0;
        while let Some(Ok(piece)) = next(&mut body).await {
            wasted += piece.len() as u64;
            if wasted > MAX_WASTED_BYTES {
                break;
            }
        }
    };
    // It was not wanted anyway.
    let _ = timeout(WASTE_TIME, waste).await;
    reason
}

async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    time: Duration,
    budget: Option<&Budget>,
) -> Result<Held> {
    // Whoever says how much it is is sent away before anything is read.
    let said = said(headers);
    if said.is_some_and(|n| n > limit as u64) {
        return Err(ApiError::too_large(limit));
    }
    let end = Instant::now() + time;
    let (mut bytes, mut share): (Vec<u8>, Option<Share>) = (Vec::new(), None);
    loop {
        let until = end.min(Instant::now() + IDLE_TIME);
        let piece = match timeout_at(until, next(&mut body)).await {
            Err(_) => return Err(ApiError::slow()),
            Ok(None) => return Ok(Held { bytes: bytes.into(), share }),
            // Cut short by the client, who is gone.
            Ok(Some(Err(_))) => return Err(ApiError::cut_short()),
            Ok(Some(Ok(piece))) => piece,
        };
        if bytes.len() + piece.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        if let Some(budget) = budget {
            match (budget.try_take(piece.len() as u64), &mut share) {
                (None, _) => return Err(refuse(headers, body, ApiError::busy()).await),
                (Some(more), Some(share)) => share.join(more),
                (more, none) => *none = more,
            }
        }
        if bytes.is_empty() {
            // What is said is not believed beyond a first piece: nobody gets memory for a promise.
            bytes.reserve(said.map_or(0, |n| (n as usize).min(FIRST)));
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Most bytes that are asked for before they come.
const FIRST: usize = 1 << 20;

/// The length that a client says.
fn said(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The next piece of data.
async fn next(body: &mut Body) -> Option<std::result::Result<Bytes, axum::Error>> {
    loop {
        match std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await? {
            Err(error) => return Some(Err(error)),
            // Trailers say nothing here.
            Ok(frame) => match frame.into_data() {
                Ok(data) => return Some(Ok(data)),
                Err(_) => continue,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use futures_util::{StreamExt, stream};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    async fn status(body: Body, limit: usize) -> Option<StatusCode> {
        read(&HeaderMap::new(), body, limit, SHORT, None).await.err().map(|error| error.status)
    }

    fn endless() -> impl futures_util::Stream<Item = std::io::Result<Bytes>> {
        stream::repeat_with(|| Ok(Bytes::from_static(b"1234")))
    }

    #[tokio::test]
    async fn too_long_and_too_slow() {
        assert_eq!(status(Body::from("1234"), 4).await, None);
        assert_eq!(status(Body::from("12345"), 4).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
        let never = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
        assert_eq!(status(never, 4).await, Some(StatusCode::REQUEST_TIMEOUT));
        // Without end: given up at the limit.
        let endless = Body::from_stream(endless());
        assert_eq!(status(endless, 64).await, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn bodies_share_and_give_back() {
        let budget = Budget::new(3 << 10);
        let read = |body: Body| {
            let budget = budget.clone();
            async move { read(&HeaderMap::new(), body, 1 << 20, SHORT, Some(&budget)).await }
        };
        let held = read(Body::from(vec![7; 2048])).await.expect("two of three");
        assert_eq!(held.bytes, vec![7; 2048]);
        let refused = read(Body::from(vec![7; 2048])).await.expect_err("one is left");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(held);
        assert!(read(Body::from(vec![7; 3072])).await.is_ok());
        // Who hangs gives back what was sent.
        let hangs = stream::iter([Ok(Bytes::from(vec![7; 3072]))]).chain(stream::pending());
        let hangs = Body::from_stream(hangs.map(|piece: std::io::Result<Bytes>| piece));
        assert_eq!(read(hangs).await.err(), Some(ApiError::slow()));
        assert!(budget.try_take(3 << 10).is_some());
    }

    #[tokio::test]
    async fn who_is_sent_away_may_send_on_for_a_while() {
        let headers = HeaderMap::new();
        for body in [Body::from(vec![0; 1 << 20]), Body::from_stream(endless())] {
            assert_eq!(refuse(&headers, body, ApiError::busy()).await, ApiError::busy());
        }
    }
}
