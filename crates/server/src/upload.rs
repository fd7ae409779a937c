//! A picture that is sent with a question: as the body itself, or as a part of a form.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header;
use upconv_data::{Picture, Size, decode};
use upconv_explain::Lang;

use crate::body::{self, Held};
use crate::clients::Open;
use crate::error::{ApiError, Result};
use crate::fields::Fields;
use crate::limits::{MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS};
use crate::multipart;
use crate::router::App;

/// The part of a form that holds the picture.
const IMAGE: &str = "image";

/// A picture, not yet decoded, and what was asked with it.
#[derive(Debug)]
pub(crate) struct Upload {
    /// What its header promises.
    pub(crate) size: Size,
    /// The bytes of its file.
    pub(crate) file: Bytes,
    /// When it was there.
    pub(crate) come: Instant,
    /// Keeps the share of memory for bodies, and the client's count.
    held: (Held, Open),
}

impl Upload {
    /// Reads a picture for a network, and the fields beside it. Who cannot be served is sent away as early as may be.
    ///
    /// # Errors
    /// Too many requests, of the client or of all; a body that is too large or too slow, or no form although it says so;
    /// a header of a picture that is none, or promises too much.
    pub(crate) async fn read(app: &App, request: Request) -> Result<(Self, Fields)> {
        let (head, body) = request.into_parts();
        let headers = &head.headers;
        let entered = app.clients.enter(head.extensions.get().copied());
        let open = match entered.and_then(|open| app.networks.pool.gate().check().map(|()| open)) {
            Ok(open) => open,
            Err(reason) => return Err(body::refuse(headers, body, reason).await),
        };
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = multipart::boundary(kind.unwrap_or_default())?;
        let mut fields = Fields::of_query(head.uri.query())?;
        let held = body::shared(headers, body, MAX_PICTURE_BYTES, &app.uploads).await?;
        let file = match boundary {
            None => held.bytes.clone(),
            Some(boundary) => of_form(&held.bytes, &boundary, &mut fields)?,
        };
        let size = promised(&file, fields.lang)?;
        let come = Instant::now();
        Ok((Self { size, file, come, held: (held, open) }, fields))
    }

    /// The picture itself. The share of memory for bodies is given back, the client's count is not.
    ///
    /// # Errors
    /// A picture that is damaged.
    pub(crate) fn decode(self, lang: Lang) -> Result<(Picture, Open)> {
        let picture = decoded(&self.file, lang)?;
        let (_, open) = self.held;
        Ok((picture, open))
    }
}

/// The picture of a form, whose other parts are fields.
fn of_form(body: &Bytes, boundary: &str, fields: &mut Fields) -> Result<Bytes> {
    let mut image = None;
    for part in multipart::parts(body, boundary)? {
        if part.name != IMAGE {
            let value = String::from_utf8(part.content.to_vec());
            let value = value.map_err(|_| {
                ApiError::field(
                    &part.name,
                    format!("{} is not UTF-8", crate::fields::shown(&part.name)),
                )
            })?;
            fields.add(part.name, value)?;
        } else if image.replace(part.content).is_some() {
            return Err(ApiError::field(IMAGE, format!("{IMAGE} is given twice")));
        } else if let Some(file) = part.file.filter(|_| !fields.has("name")) {
            fields.add("name".into(), file)?;
        }
    }
    image.ok_or_else(|| {
        let message = match fields.lang {
            Lang::En => format!("the form has no part {IMAGE}"),
            Lang::Zh => format!("表单中没有 {IMAGE} 部分"),
        };
        ApiError::field(IMAGE, message)
    })
}

/// The size in a picture's header, within limits; nothing is decoded.
fn promised(file: &[u8], lang: Lang) -> Result<Size> {
    let refuse = |error| ApiError::picture(&error, lang);
    let size = decode::promised_size(file).map_err(refuse)?;
    match size.pixels() > MAX_PICTURE_PIXELS {
        true => {
            let limit = MAX_PICTURE_PIXELS;
            Err(refuse(upconv_data::DataError::TooManyPixels { size, limit }))
        }
        false => Ok(size),
    }
}

/// A picture of at most [`MAX_PICTURE_PIXELS`].
///
/// # Errors
/// One that is larger, damaged or none.
pub(crate) fn decoded(file: &[u8], lang: Lang) -> Result<Picture> {
    decode::decode_within(file, MAX_PICTURE_PIXELS).map_err(|error| ApiError::picture(&error, lang))
}
