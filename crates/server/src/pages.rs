//! The files of `pages/`, as they are: no build step.

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::error::ApiError;
use crate::etag;

#[derive(Embed)]
#[folder = "pages/"]
struct Pages;

/// A page, or what belongs to one.
pub(crate) async fn page(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = match path {
        "" => "index.html".to_owned(),
        folder if folder.ends_with('/') => format!("{folder}index.html"),
        file => file.to_owned(),
    };
    // What is there for people who write pages has no kind.
    match kind(&path).zip(Pages::get(&path)) {
        Some((kind, file)) => answer(kind, file, &headers),
        None => {
            let path = crate::fields::shown(uri.path());
            ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at {path}"))
                .into_response()
        }
    }
}

fn answer(kind: &'static str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let digest = file.metadata.sha256_hash();
    let tag: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let own = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::ETAG, tag.clone()),
        // Kept, but asked for anew each time: the answer is then a line.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    match etag::is_kept(headers, &tag) {
        true => (StatusCode::NOT_MODIFIED, own).into_response(),
        false => (own, file.data.into_owned()).into_response(),
    }
}

fn kind(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => return None,
    })
}
