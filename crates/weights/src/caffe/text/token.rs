//! The words, numbers, pieces of text and signs that a prototxt is made of.

use std::fmt;

use super::WeightsError;
use crate::caffe::settings::Setting;
use crate::error::Result;

/// One of them.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Number(&'a str),
    /// One piece of text in quotes, without its escapes.
    Text(Vec<u8>),
    Symbol(char),
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(text) | Self::Number(text) => write!(f, "{text:?}"),
            Self::Text(_) => f.write_str("text"),
            Self::Symbol(symbol) => write!(f, "{symbol:?}"),
        }
    }
}

/// A place in a text.
pub(super) struct Tokens<'a> {
    file: &'a str,
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { file, text, at }
    }

    /// Where the next token begins.
    pub(super) fn place(&mut self) -> usize {
        loop {
            let rest = &self.text[self.at..];
            let inner = rest.trim_start();
            self.at += rest.len() - inner.len();
            if !inner.starts_with('#') {
                return self.at;
            }
            self.at += inner.find('\n').unwrap_or(inner.len());
        }
    }

    /// Passes a sign, if it comes next.
    pub(super) fn found(&mut self, symbol: char) -> Result<bool> {
        let at = self.place();
        let found = self.text[at..].starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        Ok(found)
    }

    /// The next piece of text, if one comes next.
    pub(super) fn more_text(&mut self) -> Result<Option<Vec<u8>>> {
        let at = self.place();
        match self.text[at..].chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Some),
            _ => Ok(None),
        }
    }

    /// The next token; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>> {
        let at = self.place();
        let rest = &self.text[at..];
        let Some(first) = rest.chars().next() else { return Ok(None) };
        if matches!(first, '"' | '\'') {
            return self.quoted(first).map(|text| Some(Token::Text(text)));
        }
        let follows = rest.chars().nth(1);
        let is_number = first.is_ascii_digit()
            || first == '.' && follows.is_some_and(|digit| digit.is_ascii_digit());
        let is_word = first.is_ascii_alphabetic() || first == '_';
        if !is_number && !is_word {
            self.at += first.len_utf8();
            return Ok(Some(Token::Symbol(first)));
        }
        let mut before = ' ';
        let length = rest
            .find(|letter: char| {
                let exponent = matches!(letter, '+' | '-') && matches!(before, 'e' | 'E');
                let fits = letter.is_ascii_alphanumeric()
                    || letter == '_'
                    || is_number && (letter == '.' || exponent && !is_hexadecimal(rest));
                before = letter;
                !fits
            })
            .unwrap_or(rest.len());
        self.at += length;
        let token = &rest[..length];
        Ok(Some(if is_number { Token::Number(token) } else { Token::Word(token) }))
    }

    /// A piece of text, whose first quote is next.
    fn quoted(&mut self, quote: char) -> Result<Vec<u8>> {
        let begin = self.at;
        let mut bytes = Vec::new();
        let mut letters = self.text[begin..].char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                _ if letter == quote => {
                    self.at = begin + at + 1;
                    return Ok(bytes);
                }
                '\n' => break,
                char::REPLACEMENT_CHARACTER => {
                    return self.fail(begin + at, "text that is not UTF-8".into());
                }
                '\\' => {
                    let Some((length, own)) = escape(&self.text[begin + at + 1..]) else {
                        let legal = r#"\a \b \f \n \r \t \v \? \' \" \\, \ and 1 to 3 octal digits, \x and 1 or 2, \u and 4, \U and 8 hexadecimal ones"#;
                        return self.fail(begin + at, format!("an unknown escape; legal: {legal}"));
                    };
                    bytes.extend(own);
                    // Escapes are ASCII: letters and bytes are the same.
                    letters.by_ref().take(length).for_each(drop);
                }
                _ => bytes.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        self.fail(begin, "text without an end; it must end on its line".into())
    }

    /// An error at a place.
    pub(super) fn fail<T>(&self, at: usize, reason: String) -> Result<T> {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[begin..].chars().count() + 1;
        Err(WeightsError::Text { file: self.file.into(), line, column, reason })
    }
}

fn is_hexadecimal(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

pub(super) fn is_infinite(word: &str) -> bool {
    word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity")
}

/// A number as it is written, whole where it can be.
pub(super) fn number(digits: &str, negative: bool) -> Option<Setting> {
    let whole = if is_hexadecimal(digits) {
        Some(i128::from_str_radix(&digits[2..], 16).ok()?)
    } else if digits.len() > 1
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && digits.starts_with('0')
    {
        Some(i128::from_str_radix(digits, 8).ok()?)
    } else {
        digits.parse::<i128>().ok()
    };
    if let Some(whole) = whole {
        let whole = if negative { -whole } else { whole };
        return Some(i64::try_from(whole).map_or(Setting::Float(whole as f64), Setting::Int));
    }
    let digits = digits.strip_suffix(['f', 'F']).unwrap_or(digits);
    let number: f64 = digits.parse().ok()?;
    Some(Setting::Float(if negative { -number } else { number }))
}

/// What an escape stands for, by the text after its backslash, and how many letters it takes of that.
fn escape(text: &str) -> Option<(usize, Vec<u8>)> {
    let first = text.bytes().next()?;
    let simple = |byte: u8| Some((1, vec![byte]));
    let digits = |from: usize, most: usize, radix: u32| {
        let rest = &text.as_bytes()[from..];
        let count = rest.iter().take(most).take_while(|&&digit| char::from(digit).is_digit(radix));
        let count = count.count();
        // ASCII digits alone.
        let value = u32::from_str_radix(text.get(from..from + count)?, radix).ok()?;
        Some((from + count, value))
    };
    match first {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'v' => simple(11),
        b'?' | b'\'' | b'"' | b'\\' => simple(first),
        b'0'..=b'7' => {
            let (length, value) = digits(0, 3, 8)?;
            Some((length, vec![u8::try_from(value).ok()?]))
        }
        b'x' => {
            let (length, value) = digits(1, 2, 16)?;
            Some((length, vec![u8::try_from(value).ok()?]))
        }
        b'u' | b'U' => {
            let count = if first == b'u' { 4 } else { 8 };
            let (length, value) = digits(1, count, 16)?;
            let letter = char::from_u32(value).filter(|_| length == 1 + count)?;
            Some((length, letter.to_string().into_bytes()))
        }
        _ => None,
    }
}
