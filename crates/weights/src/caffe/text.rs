//! Prototxt: protocol buffers as text, by which people describe nets for Caffe.
//!
//! `name: value`, `name { .. }`, `name: < .. >`, `name: [a, b]` for several of one name; `#` begins a comment; commas and
//! semicolons may stand between fields. Known messages are checked against [`super::schema`]: names, types, and that
//! nothing comes twice that may come once. Messages that are not known there are taken as they stand.
//!
//! # Source
//! Protocol Buffers Documentation, "Text Format Language Specification".

mod token;

use super::schema::{self, Field, Kind};
use super::settings::{Setting, Settings};
use crate::error::{Result, WeightsError};
use crate::limits;
use token::{Token, Tokens};

/// Reads text that messages call `file`, whose outermost fields are these.
pub(super) fn parse(file: &str, text: &str, fields: &'static [Field]) -> Result<Settings> {
    let mut parser = Parser { tokens: Tokens::new(file, text), left: limits::MAX_SETTINGS };
    parser.fields(Some(fields), None, 0)
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    /// How many more settings may come.
    left: usize,
}

impl Parser<'_> {
    /// Fields up to `end`, or to the end of the text.
    fn fields(
        &mut self,
        known: Option<&'static [Field]>,
        end: Option<char>,
        depth: usize,
    ) -> Result<Settings> {
        let mut settings = Settings::default();
        loop {
            let at = self.tokens.place();
            match self.tokens.next()? {
                None if end.is_none() => return Ok(settings),
                None => {
                    let due = end.unwrap_or('}');
                    return self.tokens.fail(at, format!("the text ends where {due:?} is due"));
                }
                Some(Token::Symbol(symbol)) if Some(symbol) == end => return Ok(settings),
                Some(Token::Word(name)) => self.field(name, at, known, depth, &mut settings)?,
                Some(Token::Symbol('[')) => {
                    return self.tokens.fail(at, "extensions are not read".into());
                }
                Some(other) => {
                    let due = end.map_or(String::new(), |end| format!(" or {end:?}"));
                    let reason = format!("{other} where the name of a field{due} is due");
                    return self.tokens.fail(at, reason);
                }
            }
            if !self.tokens.found(',')? {
                self.tokens.found(';')?;
            }
        }
    }

    fn field(
        &mut self,
        name: &str,
        at: usize,
        known: Option<&'static [Field]>,
        depth: usize,
        settings: &mut Settings,
    ) -> Result<()> {
        let field = known.and_then(|known| known.iter().find(|field| field.name == name));
        if let (None, Some(known)) = (field, known.filter(|known| is_closed(known))) {
            let legal = known.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
            return self.tokens.fail(at, format!("unknown field {name:?}; legal: {legal}"));
        }
        if field.is_some_and(|field| !field.repeated) && settings.get(name).is_some() {
            return self.tokens.fail(at, format!("{name:?} comes twice, but may come once"));
        }
        let colon = self.tokens.found(':')?;
        let value_at = self.tokens.place();
        if !self.tokens.found('[')? {
            let value = self.value(name, field, colon, depth)?;
            return self.push(settings, name, value, value_at);
        }
        if field.is_some_and(|field| !field.repeated) {
            let reason = format!("{name:?} may come once, and so takes no list");
            return self.tokens.fail(value_at, reason);
        }
        while !self.tokens.found(']')? {
            let at = self.tokens.place();
            let value = self.value(name, field, colon, depth)?;
            self.push(settings, name, value, at)?;
            if !self.tokens.found(',')? {
                let at = self.tokens.place();
                if !self.tokens.found(']')? {
                    let got = self.tokens.next()?;
                    let got = got.map_or("the end".into(), |token| token.to_string());
                    return self.tokens.fail(at, format!("{got} where ',' or ']' is due"));
                }
                break;
            }
        }
        Ok(())
    }

    fn push(
        &mut self,
        settings: &mut Settings,
        name: &str,
        value: Setting,
        at: usize,
    ) -> Result<()> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => {
                let reason = format!("more than {} settings", limits::MAX_SETTINGS);
                return self.tokens.fail(at, reason);
            }
        }
        settings.push(name, value);
        Ok(())
    }

    fn value(
        &mut self,
        name: &str,
        field: Option<&'static Field>,
        colon: bool,
        depth: usize,
    ) -> Result<Setting> {
        let at = self.tokens.place();
        let token = self.tokens.next()?;
        if let Some(Token::Symbol(open @ ('{' | '<'))) = token {
            let known = match field.map(|field| &field.kind) {
                None => None,
                Some(Kind::Message(fields)) => Some(*fields),
                Some(kind) => {
                    return self.wrong(at, name, "a group of settings", kind);
                }
            };
            if depth == limits::MAX_MESSAGE_DEPTH {
                let reason = format!("more than {depth} groups of settings in one another");
                return self.tokens.fail(at, reason);
            }
            let end = if open == '{' { '}' } else { '>' };
            return self.fields(known, Some(end), depth + 1).map(Setting::Group);
        }
        let Some(token) = token else {
            return self.tokens.fail(at, format!("the text ends where {name:?} needs a value"));
        };
        if !colon {
            let reason = format!("{token} after {name:?} where ':' or '{{' is due");
            return self.tokens.fail(at, reason);
        }
        let negative = token == Token::Symbol('-');
        let token = match negative {
            true => self.tokens.next()?,
            false => Some(token),
        };
        let setting = match (token, negative) {
            (Some(Token::Number(digits)), negative) => self.number(digits, negative, at)?,
            (Some(Token::Word(word)), _) if token::is_infinite(word) => {
                Setting::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY })
            }
            (Some(Token::Word(word)), _) if word.eq_ignore_ascii_case("nan") => {
                Setting::Float(f64::NAN)
            }
            (Some(Token::Word(word)), false) => Setting::Word(word.into()),
            (Some(Token::Text(text)), false) => Setting::Text(self.text(text)?),
            (other, _) => {
                let got = other.map_or("the end".into(), |token| token.to_string());
                let due = if negative { "a number" } else { "a value" };
                return self.tokens.fail(at, format!("{got} where {due} is due"));
            }
        };
        match field {
            Some(field) => self.typed(setting, name, &field.kind, at),
            None => Ok(setting),
        }
    }

    /// The same as what a field holds.
    fn typed(&self, setting: Setting, name: &str, kind: &Kind, at: usize) -> Result<Setting> {
        Ok(match (kind, setting) {
            (Kind::Int, Setting::Int(number)) => Setting::Int(number),
            (Kind::Float, Setting::Int(number)) => Setting::Float(number as f64),
            (Kind::Float, Setting::Float(number)) => Setting::Float(number),
            (Kind::Bool, Setting::Int(number @ (0 | 1))) => Setting::Bool(number == 1),
            (Kind::Bool, Setting::Word(word)) if matches!(&word[..], "true" | "True" | "t") => {
                Setting::Bool(true)
            }
            (Kind::Bool, Setting::Word(word)) if matches!(&word[..], "false" | "False" | "f") => {
                Setting::Bool(false)
            }
            (Kind::Text, Setting::Text(text)) => Setting::Text(text),
            (Kind::OpenWords(_), Setting::Word(word)) => Setting::Word(word),
            (Kind::Words(words), Setting::Word(word))
                if words.iter().any(|(known, _)| *known == word) =>
            {
                Setting::Word(word)
            }
            (kind @ (Kind::Words(words) | Kind::OpenWords(words)), Setting::Int(number)) => {
                match (words.iter().find(|(_, known)| *known == number), kind) {
                    (Some((word, _)), _) => Setting::Word((*word).into()),
                    (None, Kind::OpenWords(_)) => Setting::Int(number),
                    (None, _) => {
                        return self.wrong(at, name, &format!("the number {number}"), kind);
                    }
                }
            }
            (kind, other) => {
                let got = match other {
                    Setting::Int(number) => format!("the number {number}"),
                    Setting::Float(number) => format!("the number {number}"),
                    Setting::Text(text) => format!("text {text:?}"),
                    Setting::Word(word) => format!("the word {word:?}"),
                    Setting::Bool(_) | Setting::Group(_) => "something else".into(),
                };
                return self.wrong(at, name, &got, kind);
            }
        })
    }

    fn wrong<T>(&self, at: usize, name: &str, got: &str, kind: &Kind) -> Result<T> {
        let legal = match kind {
            Kind::Int => "a whole number of 64 bits".into(),
            Kind::Float => "a number".into(),
            Kind::Bool => "true or false".into(),
            Kind::Text => "text in quotes".into(),
            Kind::OpenWords(_) => "a word".into(),
            Kind::Words(words) => {
                words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
            }
            Kind::Message(_) => "a group of settings in braces".into(),
        };
        self.tokens.fail(at, format!("{name:?} is {got}; legal: {legal}"))
    }

    fn number(&self, digits: &str, negative: bool, at: usize) -> Result<Setting> {
        match token::number(digits, negative) {
            Some(number) => Ok(number),
            None => self.tokens.fail(at, format!("{digits:?} is no number")),
        }
    }

    /// Text may be cut into pieces that stand one after the other.
    fn text(&mut self, first: Vec<u8>) -> Result<String> {
        let at = self.tokens.place();
        let mut bytes = first;
        while let Some(more) = self.tokens.more_text()? {
            bytes.extend(more);
        }
        String::from_utf8(bytes)
            .or_else(|_| self.tokens.fail(at, "the text before this is not UTF-8".into()))
    }
}

/// Whether there are no other fields than these.
fn is_closed(fields: &'static [Field]) -> bool {
    let open = [schema::LAYER, schema::V1_LAYER];
    !fields.is_empty() && !open.iter().any(|layer| std::ptr::eq(*layer, fields))
}

#[cfg(test)]
mod tests;
