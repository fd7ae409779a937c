//! JSON with errors that say where.

use serde::Deserialize;

use crate::error::{Result, WeightsError, shown};

/// Parses a whole document. `root` is what messages call it; nothing where it is the file itself.
///
/// The depth is limited to 128 by the parser.
pub(crate) fn parse<'a, T: Deserialize<'a>>(file: &str, root: &str, json: &'a [u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|e| error(file, root, &e.path().to_string(), e.inner().to_string()))?;
    deserializer.end().map_err(|e| error(file, root, "", e.to_string()))?;
    Ok(value)
}

/// An error at a path below `root`.
pub(crate) fn error(file: &str, root: &str, path: &str, reason: String) -> WeightsError {
    // What ends in a question mark ends between two members.
    let path = path.trim_end_matches('?').trim_end_matches('.');
    // Both may quote the file.
    let (path, reason) = (shown(path), shown(&reason).into_owned());
    let field = match (root, path.as_ref()) {
        ("", "") => ".".into(),
        ("", only) | (only, "") => only.into(),
        (root, path) => format!("{root}.{path}"),
    };
    WeightsError::Json { file: file.into(), field, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is_wrong() {
        #[derive(Debug, Deserialize)]
        struct Point {
            #[allow(dead_code)]
            x: Vec<u8>,
        }
        let fail = |root, json: &str| parse::<Point>("f", root, json.as_bytes()).unwrap_err();
        assert!(fail("", r#"{"x":[1,-1]}"#).to_string().starts_with("f: x[1]: invalid value"));
        assert!(fail("top", r#"{"x":[1,-1]}"#).to_string().starts_with("f: top.x[1]: invalid"));
        assert!(fail("top", r#"{"#).to_string().starts_with("f: top: EOF"));
        assert!(fail("", r#"{"#).to_string().starts_with("f: .: EOF"));
        let rude = fail("", "{\"x\":[\"\\u001b[2J\"]}").to_string();
        assert!(rude.contains("\\u{1b}[2J") && !rude.contains('\u{1b}'), "{rude}");
        assert!(fail("", r#"{"x":[]} y"#).to_string().starts_with("f: .: trailing characters"));
    }
}
