//! What a browser keeps, and asks for anew each time: the answer is then a line.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::http::{HeaderMap, header};

/// The tag of some bytes, with its quotes.
pub(crate) fn of(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

/// Whether a client has what is called `tag`.
pub(crate) fn is_kept(headers: &HeaderMap, tag: &str) -> bool {
    let kept = headers.get(header::IF_NONE_MATCH).and_then(|kept| kept.to_str().ok());
    // What gzip made of it is named as a weak form of the same.
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    kept.is_some_and(|kept| kept.split(',').any(|kept| bare(kept) == bare(tag)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn strong_and_weak_ones() {
        let kept = |value: &'static str, tag: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            is_kept(&headers, tag)
        };
        assert!(
            kept("\"a\"", "\"a\"") && kept("W/\"a\"", "\"a\"") && kept("\"b\", \"a\"", "W/\"a\"")
        );
        assert!(!kept("\"b\"", "\"a\"") && !kept("a", "\"a\""));
        assert!(!is_kept(&HeaderMap::new(), "\"a\""));
        assert_ne!(of(b"a"), of(b"b"));
    }
}
