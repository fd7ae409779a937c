//! The fields of a question, from the address or from a JSON body.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use upconv_explain::{Lang, Words};
use upconv_geometry::Setting;

use crate::error::{ApiError, Result};

/// Named texts, each of which is taken once; what is left over at the end is an error that names it.
pub(crate) struct Fields {
    map: Map<String, Value>,
    /// The language of the answer and of errors.
    pub(crate) lang: Lang,
}

impl Fields {
    /// Of the part of an address behind `?`.
    pub(crate) fn of_query(query: Option<&str>) -> Result<Self> {
        let pairs = serde_urlencoded(query.unwrap_or_default())?;
        let mut map = Map::new();
        for (name, value) in pairs {
            if map.insert(name.clone(), Value::String(value)).is_some() {
                return Err(ApiError::field(&name, format!("{name} is given twice")));
            }
        }
        Self::of(map)
    }

    /// Of a JSON object; numbers are as good as texts.
    pub(crate) fn of_json(body: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(body).map_err(|error| not_json(&error))?;
        match value {
            Value::Object(map) => Self::of(map),
            other => {
                let got = match other {
                    Value::Array(_) => "a list",
                    Value::Null => "null",
                    _ => "a single value",
                };
                let message = format!("the body is {got}, not a JSON object");
                Err(ApiError::new(axum::http::StatusCode::BAD_REQUEST, message))
            }
        }
    }

    fn of(map: Map<String, Value>) -> Result<Self> {
        let mut fields = Self { map, lang: Lang::En };
        fields.lang = fields.language()?;
        Ok(fields)
    }

    /// One more, from elsewhere in the request.
    ///
    /// # Errors
    /// If it is there already; a language that there is not.
    pub(crate) fn add(&mut self, name: String, value: String) -> Result<()> {
        if self.has(&name) || (name == "lang" && self.lang != Lang::En) {
            let shown = shown(&name);
            return Err(ApiError::field(&shown, format!("{shown} is given twice")));
        }
        self.map.insert(name, Value::String(value));
        self.lang = match self.map.contains_key("lang") {
            true => self.language()?,
            false => self.lang,
        };
        Ok(())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Takes the field of the language.
    fn language(&mut self) -> Result<Lang> {
        match self.text("lang")?.as_deref() {
            None | Some("en") => Ok(Lang::En),
            Some("zh") => Ok(Lang::Zh),
            Some(other) => {
                let message = format!("lang '{}' is unknown; legal: en, zh", shown(other));
                Err(ApiError::field("lang", message))
            }
        }
    }

    /// A field as text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(value)) => Ok(Some(value.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => {
                Err(ApiError::field(name, format!("{name} is a list or an object, not a text")))
            }
        }
    }

    /// A field that there must be.
    pub(crate) fn needed(&mut self, name: &str) -> Result<String> {
        let lang = self.lang;
        self.text(name)?.ok_or_else(|| {
            let message = match lang {
                Lang::En => format!("{name} is missing"),
                Lang::Zh => format!("缺少 {name}"),
            };
            ApiError::field(name, message)
        })
    }

    /// A whole number within limits.
    pub(crate) fn number(
        &mut self,
        name: &str,
        usual: i64,
        legal: std::ops::RangeInclusive<i64>,
    ) -> Result<i64> {
        let Some(text) = self.text(name)? else { return Ok(usual) };
        let number = text.parse::<i64>().ok().filter(|number| legal.contains(number));
        number.ok_or_else(|| {
            let (text, first, last) = (shown(&text), legal.start(), legal.end());
            let message = match self.lang {
                Lang::En => format!("{name} '{text}' is not a whole number from {first} to {last}"),
                Lang::Zh => format!("{name} '{text}' 不是 {first} 到 {last} 的整数"),
            };
            ApiError::field(name, message)
        })
    }

    /// One of several names.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &str,
        usual: T,
        legal: &[(&str, T)],
    ) -> Result<T> {
        let Some(text) = self.text(name)? else { return Ok(usual) };
        let found = legal.iter().find(|(known, _)| *known == text).map(|&(_, value)| value);
        found.ok_or_else(|| {
            let known = legal.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
            let text = shown(&text);
            let message = match self.lang {
                Lang::En => format!("{name} '{text}' is unknown; legal: {known}"),
                Lang::Zh => format!("{name} '{text}' 未知；合法的有：{known}"),
            };
            ApiError::field(name, message)
        })
    }

    /// A field of any JSON type.
    pub(crate) fn value<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value)
                .map(Some)
                .map_err(|error| ApiError::field(name, format!("{name}: {error}"))),
        }
    }

    /// The fields of a setting; no others may be left.
    pub(crate) fn setting(mut self) -> Result<Setting> {
        let words = Words {
            dialect: self.text("dialect")?,
            input: self.text("input")?,
            kernel: self.text("kernel")?,
            stride: self.text("stride")?,
            dilation: self.text("dilation")?,
            groups: self.text("groups")?,
            padding: self.text("padding")?,
            output: self.text("output")?,
            output_padding: self.text("output_padding")?,
        };
        let lang = self.lang;
        self.done()?;
        words.setting().map_err(|error| ApiError::words(&error, lang))
    }

    /// # Errors
    /// If a field is left.
    pub(crate) fn done(self) -> Result<()> {
        let Some(name) = self.map.keys().next() else { return Ok(()) };
        let name = shown(name);
        let message = match self.lang {
            Lang::En => format!("there is no field '{name}' here"),
            Lang::Zh => format!("这里没有字段 '{name}'"),
        };
        Err(ApiError::field(&name, message))
    }
}

/// A text of a client as an error may show it: short, and without control characters.
pub(crate) fn shown(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '?' } else { c };
    text.chars().take(60).map(visible).collect()
}

fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(axum::http::StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}"))
}

/// Pairs of `name=value`.
fn serde_urlencoded(query: &str) -> Result<Vec<(String, String)>> {
    let uri = axum::http::Uri::builder().path_and_query(format!("/?{query}")).build();
    let pairs = uri.ok().and_then(|uri| {
        axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok().map(|pairs| pairs.0)
    });
    pairs.ok_or_else(|| {
        let message =
            "what stands behind ? in the address is not of the form name=value&name=value";
        ApiError::new(axum::http::StatusCode::BAD_REQUEST, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_bodies_say_the_same() {
        let query = Fields::of_query(Some("input=3x3&kernel=3&stride=2&lang=zh")).unwrap();
        let body = Fields::of_json(br#"{"input": "3x3", "kernel": 3, "stride": 2, "lang": "zh"}"#);
        let body = body.unwrap();
        assert_eq!((query.lang, body.lang), (Lang::Zh, Lang::Zh));
        assert_eq!(query.setting(), body.setting());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |query: &str| {
            let error = Fields::of_query(Some(query)).and_then(Fields::setting).unwrap_err();
            format!("{error:?}")
        };
        assert!(message("input=3&input=4&kernel=3").contains("input is given twice"));
        assert!(message("input=3&kernel=3&colour=red").contains("there is no field 'colour' here"));
        assert!(message("kernel=3").contains("input is missing"));
        assert!(message("input=3&kernel=3&lang=de").contains("legal: en, zh"));
        assert!(Fields::of_json(b"[1]").is_err());
        assert!(Fields::of_json(b"{").is_err());
    }
}
