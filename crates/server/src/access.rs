//! Who may ask: the token, and which names the server answers to.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::error::ApiError;
use crate::router::App;

/// The cookie that keeps the token in a browser.
const COOKIE: &str = "upconv_token";

/// Lets a request through, or says why not.
///
/// On a loopback address only names of this machine are answered: a page elsewhere that has its own name point here
/// (DNS rebinding) gets nothing. With a token, `/?token=T` puts it into a cookie, so that a link is enough.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Response {
    if app.local && !names_this_machine(request.headers()) {
        let message = "this server answers to localhost, 127.0.0.1 and [::1] only";
        return ApiError::new(StatusCode::MISDIRECTED_REQUEST, message).into_response();
    }
    if is_foreign_form(request.method(), request.headers()) {
        let message = "pages of other sites cannot send anything here";
        return ApiError::new(StatusCode::FORBIDDEN, message).into_response();
    }
    let Some(token) = &app.token else { return next.run(request).await };
    if request.uri().path() == "/healthz" || known(request.headers(), token) {
        return next.run(request).await;
    }
    match without_token(request.uri(), token) {
        Some(rest) => with_cookie(&rest, token),
        None => {
            let message =
                "a token is needed: open /?token=T once, or send `Authorization: Bearer T`";
            let mut response = ApiError::new(StatusCode::UNAUTHORIZED, message).into_response();
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
            response
        }
    }
}

/// Whether a page of another site sends something: a browser asks nobody before it sends a form, and says where it comes
/// from. A link from elsewhere is welcome.
fn is_foreign_form(method: &Method, headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !method.is_safe() && matches!(site, Some(b"cross-site" | b"same-site"))
}

/// Whether the name that the client used is of this machine.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else {
        // HTTP/1.0; a browser always says it.
        return true;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether the request bears the token, in its header or its cookie.
fn known(headers: &HeaderMap, token: &str) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let cookies = text(header::COOKIE).unwrap_or_default().split(';');
    let cookie = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    let mut given =
        bearer.into_iter().chain(cookie.filter(|(name, _)| *name == COOKIE).map(|c| c.1));
    given.any(|given| same(given, token))
}

/// Compares in a time that does not tell how many characters are right.
fn same(given: &str, token: &str) -> bool {
    let differ = given.bytes().zip(token.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
    given.len() == token.len() && differ == 0
}

/// The address without the right token in it; nothing if it holds none.
fn without_token(uri: &Uri, token: &str) -> Option<String> {
    let query = uri.query()?;
    let is_token =
        |part: &&str| part.strip_prefix("token=").is_some_and(|given| same(given, token));
    query.split('&').find(is_token)?;
    let rest: Vec<&str> = query.split('&').filter(|part| !is_token(part)).collect();
    let path = uri.path();
    // `//other.host` would lead elsewhere.
    let path = if path.starts_with("//") { "/" } else { path };
    Some(if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) })
}

fn with_cookie(to: &str, token: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict");
    // Settings allow only characters that a header can hold.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        let host = |name: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(name).unwrap());
            names_this_machine(&headers)
        };
        for own in ["localhost", "LOCALHOST:7878", "127.0.0.1:7878", "127.1.2.3", "[::1]:80"] {
            assert!(host(own), "{own}");
        }
        for foreign in ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:7878", "localhost.evil"]
        {
            assert!(!host(foreign), "{foreign}");
        }
    }

    #[test]
    fn forms_of_other_sites() {
        let foreign = |method, site: Option<&'static str>| {
            let site = site
                .map(|site| ("sec-fetch-site".parse().unwrap(), HeaderValue::from_static(site)));
            is_foreign_form(&method, &site.into_iter().collect())
        };
        assert!(
            foreign(Method::POST, Some("cross-site")) && foreign(Method::POST, Some("same-site"))
        );
        assert!(!foreign(Method::GET, Some("cross-site")));
        for own in [None, Some("same-origin"), Some("none")] {
            assert!(!foreign(Method::POST, own), "{own:?}");
        }
    }

    #[test]
    fn a_link_with_the_token_loses_it() {
        let rest = |uri: &str| without_token(&uri.parse().unwrap(), "secret");
        assert_eq!(rest("/?token=secret").as_deref(), Some("/"));
        assert_eq!(rest("/lessons/?a=1&token=secret&b=2").as_deref(), Some("/lessons/?a=1&b=2"));
        assert_eq!(rest("/?token=secre"), None);
        assert_eq!(rest("/?token=secret2"), None);
    }
}
