//! The header of an array as NumPy writes it: a dictionary in Python's notation, of text, numbers and tuples.

use crate::cursor::Cursor;
use crate::error::{Result, WeightsError};

/// Most brackets around a value.
const MAX_DEPTH: usize = 16;

/// A value in Python's notation.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Number(u64),
    Bool(bool),
    None,
    /// A list or a tuple.
    Sequence(Vec<Literal>),
}

/// Reads the one dictionary that `cursor` holds; its values have the offset at which they begin.
pub(super) fn dictionary(file: &str, cursor: Cursor<'_>) -> Result<Vec<(String, Literal, usize)>> {
    let mut parser = Parser { file, cursor };
    let mut members = Vec::new();
    parser.expect(b'{')?;
    while !parser.found(b'}') {
        let at = parser.place();
        let Literal::Text(key) = parser.value(0)? else {
            return Err(parser.error(at, "a key must be text".into()));
        };
        parser.expect(b':')?;
        let at = parser.place();
        members.push((key, parser.value(0)?, at));
        if !parser.found(b',') {
            parser.expect(b'}')?;
            break;
        }
    }
    match parser.peek() {
        None => Ok(members),
        Some(byte) => {
            Err(parser.error(parser.cursor.at(), format!("{} after its end", named(byte))))
        }
    }
}

struct Parser<'a> {
    file: &'a str,
    cursor: Cursor<'a>,
}

impl Parser<'_> {
    fn value(&mut self, depth: usize) -> Result<Literal> {
        let at = self.place();
        let Some(first) = self.peek() else {
            return Err(self.error(at, "it ends where a value is due".into()));
        };
        match first {
            b'(' | b'[' if depth == MAX_DEPTH => {
                Err(self.error(at, format!("more than {MAX_DEPTH} brackets in one another")))
            }
            b'(' => self.sequence(b')', depth),
            b'[' => self.sequence(b']', depth),
            b'\'' | b'"' => self.text(first),
            b'0'..=b'9' => {
                let digits = self.word(|byte| byte.is_ascii_digit());
                // Python 2 ends long numbers so.
                self.found(b'L');
                let legal = format!("the number {digits} is beyond {}", u64::MAX);
                digits.parse().map(Literal::Number).map_err(|_| self.error(at, legal))
            }
            _ => match self.word(|byte| byte.is_ascii_alphabetic()).as_str() {
                "True" => Ok(Literal::Bool(true)),
                "False" => Ok(Literal::Bool(false)),
                "None" => Ok(Literal::None),
                _ => Err(self.error(
                    at,
                    format!("{} where text, a number or a bracket is due", named(first)),
                )),
            },
        }
    }

    fn sequence(&mut self, end: u8, depth: usize) -> Result<Literal> {
        self.step();
        let mut values = Vec::new();
        while !self.found(end) {
            values.push(self.value(depth + 1)?);
            if !self.found(b',') {
                self.expect(end)?;
                break;
            }
        }
        Ok(Literal::Sequence(values))
    }

    /// Text up to the same quote; what is escaped stays so, as no known name holds any.
    fn text(&mut self, quote: u8) -> Result<Literal> {
        let at = self.cursor.at();
        self.step();
        let mut text = Vec::new();
        while let Some(byte) = self.step() {
            match byte {
                _ if byte == quote => {
                    return Ok(Literal::Text(String::from_utf8_lossy(&text).into_owned()));
                }
                b'\\' => text.extend([Some(byte), self.step()].into_iter().flatten()),
                _ => text.push(byte),
            }
        }
        Err(self.error(at, "text without an end".into()))
    }

    fn word(&mut self, fits: impl Fn(u8) -> bool) -> String {
        let mut word = String::new();
        while let Some(byte) = self.here().filter(|&byte| fits(byte)) {
            word.push(char::from(byte));
            self.step();
        }
        word
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        let at = self.place();
        if self.found(byte) {
            return Ok(());
        }
        let got = self.peek().map_or("the end".into(), named);
        Err(self.error(at, format!("{got} where {} is due", named(byte))))
    }

    fn found(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.step();
        }
        found
    }

    /// The next byte that is no space, which is passed by.
    fn peek(&mut self) -> Option<u8> {
        while self.here().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.step();
        }
        self.here()
    }

    /// Where the next byte lies that is no space.
    fn place(&mut self) -> usize {
        self.peek();
        self.cursor.at()
    }

    fn here(&self) -> Option<u8> {
        self.cursor.clone().array::<1>("").ok().map(|[byte]| byte)
    }

    fn step(&mut self) -> Option<u8> {
        self.cursor.array::<1>("").ok().map(|[byte]| byte)
    }

    fn error(&self, at: usize, reason: String) -> WeightsError {
        let (file, field) = (self.file.into(), "header".into());
        WeightsError::Form { file, field, offset: at as u64, reason }
    }
}

fn named(byte: u8) -> String {
    format!("{:?}", char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::Literal::*;
    use super::*;

    fn parse(text: &str) -> std::result::Result<Vec<(String, Literal, usize)>, String> {
        dictionary("f", Cursor::new("f", text.as_bytes(), 0)).map_err(|error| error.to_string())
    }

    #[test]
    fn headers_of_numpy() {
        let new = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n";
        let members = parse(new).unwrap();
        assert_eq!(members[0], ("descr".into(), Text("<f4".into()), 10));
        assert_eq!(members[1], ("fortran_order".into(), Bool(false), 34));
        assert_eq!(members[2].1, Sequence(vec![Number(3), Number(4)]));
        assert_eq!(parse("{'shape': (3L,)}").unwrap()[0].1, Sequence(vec![Number(3)]));
        assert_eq!(parse("{\"a\\\"b\":()}").unwrap(), [("a\\\"b".into(), Sequence(vec![]), 8)]);
        let fields = parse("{'descr': [('a', '<f4'), ('b', '|u1', (2,))]}").unwrap();
        assert!(matches!(&fields[0].1, Sequence(fields) if fields.len() == 2));
        assert_eq!(parse("{'a': None}").unwrap()[0].1, None);
        assert_eq!(parse("{}").unwrap(), []);
    }

    #[test]
    fn what_is_none_says_where() {
        for (text, expected) in [
            ("", "at byte 0: the end where '{' is due"),
            ("{'a': 1", "at byte 7: the end where '}' is due"),
            ("{'a': ", "at byte 6: it ends where a value is due"),
            ("{'a' 1}", "at byte 5: '1' where ':' is due"),
            ("{1: 1}", "at byte 1: a key must be text"),
            ("{'a': -1}", "at byte 6: '-' where text, a number or a bracket is due"),
            ("{'a': import}", "at byte 6: 'i' where text"),
            ("{'a': (1 2)}", "at byte 9: '2' where ')' is due"),
            ("{'a': 18446744073709551616}", "at byte 6: the number 18446744073709551616 is beyond"),
            ("{'a", "at byte 1: text without an end"),
            ("{'a\\", "at byte 1: text without an end"),
            ("{} x", "at byte 3: 'x' after its end"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("f: header {expected}")), "{text}: {error}");
        }
        let deep = format!("{{'a': {}", "(".repeat(1 << 16));
        let error = parse(&deep).unwrap_err();
        assert_eq!(error, "f: header at byte 22: more than 16 brackets in one another");
    }
}
