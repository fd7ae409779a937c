//! `multipart/form-data`, as forms of web pages and `curl -F` send it (RFC 7578, RFC 2046 section 5.1).
//!
//! The body is in memory already and has a limit, so that its parts are only found in it, never copied.

use axum::body::Bytes;

use crate::error::{ApiError, Result};

/// Most parts of a body.
const MAX_PARTS: usize = 64;
/// Most bytes of the lines before a part's content.
const MAX_HEAD: usize = 8 << 10;

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The field's name.
    pub(crate) name: String,
    /// What the file is called where it was; `None` for a field that is no file.
    pub(crate) file: Option<String>,
    /// What it holds.
    pub(crate) content: Bytes,
}

/// The boundary in a `Content-Type`, if that is `multipart/form-data`.
///
/// # Errors
/// If it is, and names no boundary of 1 to 70 characters.
pub(crate) fn boundary(content_type: &str) -> Result<Option<String>> {
    let (kind, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    let boundary = parameter(parameters, "boundary").filter(|b| (1..=70).contains(&b.len()));
    boundary.map(Some).ok_or_else(|| wrong("Content-Type names no boundary of 1 to 70 characters"))
}

/// The parts of a body.
///
/// # Errors
/// If it is not of the form.
pub(crate) fn parts(body: &Bytes, boundary: &str) -> Result<Vec<Part>> {
    let delimiter = [b"--", boundary.as_bytes()].concat();
    // What stands before the first is not looked at.
    let begin = match body.starts_with(&delimiter) {
        true => 0,
        false => find(body, &[b"\r\n", &delimiter[..]].concat())
            .map(|at| at + 2)
            .ok_or_else(|| wrong("the boundary of Content-Type is not in the body"))?,
    };
    let delimiter_line = [b"\r\n", &delimiter[..]].concat();
    let mut rest = body.slice(begin + delimiter.len()..);
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        if parts.len() == MAX_PARTS {
            return Err(wrong(&format!("there are more than {MAX_PARTS} parts")));
        }
        // Blanks may stand behind a boundary.
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !rest[blanks..].starts_with(b"\r\n") {
            return Err(wrong("a boundary does not end its line"));
        }
        // With its end of line, so that a part without a head is one too.
        let part = rest.slice(blanks..);
        let head = find(&part[..part.len().min(MAX_HEAD)], b"\r\n\r\n").ok_or_else(|| {
            wrong(&format!("the head of a part does not end within {MAX_HEAD} bytes"))
        })?;
        let content = part.slice(head + 4..);
        let end = find(&content, &delimiter_line)
            .ok_or_else(|| wrong("the body ends before its last boundary"))?;
        parts.push(self::part(&part[..head], content.slice(..end))?);
        rest = content.slice(end + delimiter_line.len()..);
    }
    Ok(parts)
}

fn part(head: &[u8], content: Bytes) -> Result<Part> {
    let head = std::str::from_utf8(head).map_err(|_| wrong("the head of a part is not UTF-8"))?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let (kind, parameters) =
        disposition.and_then(|value| value.split_once(';')).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(wrong("a part has no Content-Disposition: form-data; name=\"...\""));
    }
    let name = parameter(parameters, "name").ok_or_else(|| wrong("a part has no name"))?;
    Ok(Part { name, file: parameter(parameters, "filename"), content })
}

/// The value of a parameter in `; a=b; c="d"`. In quotes a backslash stands before a quote or a backslash, and browsers
/// write a quote as `%22`.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([';', ' ', '\t', '\r', '\n']);
        let (name, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = next;
    }
}

/// What stands before the closing quote, and what behind it.
fn quoted_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value.replace("%22", "\""), &text[at + 1..])),
            // Alone it is one: old browsers send whole paths of Windows.
            '\\' => match characters.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push(character),
            },
            _ => value.push(character),
        }
    }
    None
}

/// Where `needle` begins; it is found by its first byte, which in pictures is as rare as any.
fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    let last = hay.len().checked_sub(needle.len())?;
    let mut from = 0;
    while from <= last {
        let at = from + hay[from..=last].iter().position(|byte| *byte == needle[0])?;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn wrong(what: &str) -> ApiError {
    ApiError::new(axum::http::StatusCode::BAD_REQUEST, format!("multipart/form-data: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As curl 8 sends `-F model=road -F "image=@a.png"`.
    const CURL: &[u8] = b"--------------------------x1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nroad\r\n\
        --------------------------x1\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a \\\"b\\\".png\"\r\n\
        Content-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\r\n--no\r\n--------------------------x1--\r\n";
    const BOUNDARY: &str = "------------------------x1";

    #[test]
    fn what_curl_sends() {
        let parts = parts(&Bytes::from_static(CURL), BOUNDARY).unwrap();
        let [model, image] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!(
            (&*model.name, model.file.as_deref(), &model.content[..]),
            ("model", None, &b"road"[..])
        );
        assert_eq!((&*image.name, image.file.as_deref()), ("image", Some("a \"b\".png")));
        assert_eq!(image.content, &b"\x89PNG\r\n\x1a\n\r\n--no"[..]);
    }

    #[test]
    fn what_stands_around_it_is_passed_over() {
        let body = b"before\r\n--b  \r\ncontent-DISPOSITION: Form-Data;NAME=x\r\nOther: y\r\n\r\n\r\n--b--after";
        let parts = parts(&Bytes::from_static(body), "b").unwrap();
        assert_eq!(parts, [Part { name: "x".into(), file: None, content: Bytes::new() }]);
        assert_eq!(super::parts(&Bytes::from_static(b"--b--"), "b").unwrap(), []);
    }

    #[test]
    fn cut_anywhere_it_is_refused() {
        // Behind the last boundary nothing has to come.
        let whole = CURL.len() - b"\r\n".len();
        for end in 0..whole {
            assert!(parts(&Bytes::from_static(&CURL[..end]), BOUNDARY).is_err(), "{end}");
        }
        assert!(parts(&Bytes::from_static(&CURL[..whole]), BOUNDARY).is_ok());
    }

    /// Bytes that are changed, taken out and put in at random: refused or read, and every content is a part of the body.
    #[test]
    fn no_body_is_a_panic() {
        let mut random = 1u64;
        let mut next = |below: usize| {
            // Knuth's generator; its upper bits are good enough.
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) as usize % below
        };
        let pieces: [&[u8]; 6] = [b"\r\n", b"--", BOUNDARY.as_bytes(), b"\"", b"\\", b"; name="];
        let mut read = 0;
        for _ in 0..20_000 {
            let mut body = CURL.to_vec();
            for _ in 0..=next(4) {
                let at = next(body.len());
                match next(3) {
                    0 => body[at] = next(256) as u8,
                    1 => drop(body.drain(at..(at + next(9)).min(body.len()))),
                    _ => drop(body.splice(at..at, pieces[next(6)].iter().copied())),
                }
            }
            let body = Bytes::from(body);
            if let Ok(parts) = parts(&body, BOUNDARY) {
                read += 1;
                assert!(parts.iter().map(|part| part.content.len()).sum::<usize>() < body.len());
            }
        }
        assert!((1000..19_000).contains(&read), "{read}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused =
            |body: &str| format!("{:?}", parts(&Bytes::from(body.to_owned()), "b").unwrap_err());
        assert!(refused("--c\r\n").contains("the boundary of Content-Type is not in the body"));
        assert!(refused("--bc\r\n\r\n").contains("does not end its line"));
        assert!(refused("--b\r\n\r\nx\r\n--b--").contains("no Content-Disposition"));
        let head = "--b\r\nContent-Disposition: form-data";
        assert!(refused(&format!("{head}\r\n\r\nx\r\n--b--")).contains("no Content-Disposition"));
        assert!(refused(&format!("{head}; filename=a\r\n\r\nx\r\n--b--")).contains("no name"));
        assert!(refused(&format!("{head}; name=\"a\r\n\r\nx\r\n--b--")).contains("no name"));
        let part = "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b";
        assert!(refused(&format!("--b{}--", part.repeat(65))).contains("more than 64 parts"));
        assert!(refused(&format!("--b\r\nX: {}\r\n\r\n--b--", "x".repeat(9000))).contains("8192"));
    }

    #[test]
    fn boundaries() {
        let of = |text: &str| boundary(text).ok().flatten();
        assert_eq!(of("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(
            of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"").as_deref(),
            Some("a b")
        );
        assert_eq!(boundary("image/png"), Ok(None));
        for wrong in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"x",
        ] {
            assert!(boundary(wrong).is_err(), "{wrong}");
        }
    }
}
