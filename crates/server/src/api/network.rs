//! What the questions to networks share: their turn, their memory, what a network saw, and answers that hold pictures.

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use upconv_data::{Size, encode};
use upconv_weights::metadata::{Fit, Input, Order, Resize};
use utoipa::ToSchema;

use crate::budget::Share;
use crate::error::{ApiError, Result};
use crate::gate::Wanted;
use crate::limits::BYTES_PER_PIXEL;
use crate::networks::Networks;
use crate::upload::Upload;

/// Works on a picture when it is its turn, within what all pictures may take; `network` bytes of that are the network's.
///
/// # Errors
/// If too many wait already; what the work says.
pub(super) async fn on_picture(
    networks: &Networks,
    upload: Upload,
    network: u64,
    work: impl FnOnce(Upload, &Wanted) -> Result<Answer> + Send + 'static,
) -> Result<Response> {
    let turn = networks.pool.gate().enter().await?;
    let pixels = upload.size.pixels() as u64;
    let bytes = pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(network);
    let mut share = networks.memory.take(bytes).await.ok_or_else(ApiError::internal)?;
    let answer = networks.pool.run_in(turn, |wanted| work(upload, wanted)).await?;
    share.keep(answer.body.len() as u64);
    Ok(answer.with(share))
}

/// A body, and what it is.
pub(super) struct Answer {
    body: Vec<u8>,
    kind: &'static str,
    /// Of the pixels that were found.
    share: Option<f64>,
}

impl Answer {
    pub(super) fn json(value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(|_| ApiError::internal())?;
        Ok(Self { body, kind: "application/json", share: None })
    }

    pub(super) fn png(body: Vec<u8>, share: Option<f64>) -> Self {
        Self { body, kind: "image/png", share }
    }

    /// As an answer that holds its share of memory until the last byte is sent.
    fn with(self, share: Share) -> Response {
        let Self { body, kind, share: found } = self;
        let body = Bytes::from_owner(Counted { bytes: body, _share: share });
        let mut response = ([(header::CONTENT_TYPE, kind)], Body::from(body)).into_response();
        // Pictures are compressed already; base64 of them would shrink by a quarter at the price of the network's time.
        response.extensions_mut().insert(Compressed);
        if let Some(value) = found.and_then(|found| HeaderValue::try_from(found.to_string()).ok()) {
            response.headers_mut().insert("x-upconv-share", value);
        }
        response
    }
}

/// Marks an answer that is not to be compressed again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compressed;

/// Bytes with their share of memory.
struct Counted {
    bytes: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// How pictures are prepared for a network.
#[derive(Clone, Serialize, ToSchema)]
pub(super) struct Prepared {
    /// `RGB`, `BGR` or `GRAY`.
    #[schema(value_type = String)]
    order: Order,
    /// What the bytes 0 and 255 become.
    range: [f64; 2],
    /// Subtracted from each channel.
    mean: Option<Vec<f64>>,
    /// Whether a mean of every pixel is subtracted instead.
    mean_picture: bool,
    /// Each channel is divided by it after that.
    std: Option<Vec<f64>>,
    /// How pixels are interpolated.
    #[schema(value_type = String)]
    resize: Resize,
    /// How the picture is brought to the shape of the input.
    #[schema(value_type = String)]
    fit: Fit,
}

impl Prepared {
    pub(super) fn of(input: &Input) -> Self {
        let channels = input.order.channels();
        let (short, long) = match &input.mean {
            Some(mean) if mean.len() > channels => (None, true),
            mean => (mean.clone(), false),
        };
        Self {
            order: input.order,
            range: input.range,
            mean: short,
            mean_picture: long,
            std: input.std.clone(),
            resize: input.resize,
            fit: input.fit,
        }
    }
}

/// What a network saw of a picture.
#[derive(Serialize, ToSchema)]
pub(super) struct Seen {
    /// Columns of its input.
    width: usize,
    /// Rows of its input.
    height: usize,
    /// The picture at that size, as people see it: `data:image/png;base64,...`
    picture: String,
    #[serde(flatten)]
    prepared: Option<Prepared>,
}

impl Seen {
    /// `rgb: [height, width, 3]`
    pub(super) fn new(size: Size, rgb: &[u8], input: Option<&Input>) -> Result<Self> {
        let mut png = Vec::new();
        encode::rgb_png(&mut png, size, rgb).map_err(|_| ApiError::internal())?;
        let (picture, prepared) = (data_url(&png), input.map(Prepared::of));
        Ok(Self { width: size.width, height: size.height, picture, prepared })
    }
}

/// A PNG as an address that holds it.
pub(super) fn data_url(png: &[u8]) -> String {
    let mut url = String::from("data:image/png;base64,");
    STANDARD.encode_string(png, &mut url);
    url
}

/// To the thousandth of a millisecond.
pub(super) fn ms(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
