//! Names with one number in them.

use crate::error::{Result, WeightsError};

/// Stands for a number.
const HOLE: &str = "{n}";

/// Most digits of a number, so that sums stay far from overflow.
const MAX_DIGITS: usize = 9;

/// A name, or a name with one number in it.
pub(crate) enum Pattern<'a> {
    Exact(&'a str),
    Numbered { before: &'a str, after: &'a str },
}

impl<'a> Pattern<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self> {
        match text.split_once(HOLE) {
            None => Ok(Self::Exact(text)),
            Some((_, after)) if after.contains(HOLE) => {
                let reason = format!("{HOLE} stands in it twice; once is legal");
                Err(WeightsError::Rule { from: text.into(), reason })
            }
            Some((before, after)) => Ok(Self::Numbered { before, after }),
        }
    }

    /// Whether a name fits, and the number in it.
    pub(crate) fn fit(&self, name: &str) -> Option<Option<i64>> {
        match self {
            Self::Exact(text) => (*text == name).then_some(None),
            Self::Numbered { before, after } => {
                let digits = name.strip_prefix(before)?.strip_suffix(after)?;
                let plain = (1..=MAX_DIGITS).contains(&digits.len())
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && (digits.len() == 1 || !digits.starts_with('0'));
                if plain { digits.parse().ok().map(Some) } else { None }
            }
        }
    }
}

/// `to` with `{n}`, `{n+K}` and `{n-K}` replaced. `from` is the rule's pattern.
pub(crate) fn fill(from: &str, to: &str, number: Option<i64>) -> Result<String> {
    let wrong = |reason: String| WeightsError::Rule { from: from.into(), reason };
    let (mut filled, mut rest) = (String::with_capacity(to.len()), to);
    while let Some((before, hole)) = rest.split_once("{n") {
        let (offset, after) =
            hole.split_once('}').ok_or_else(|| wrong(format!("{to:?} has {{ without }}")))?;
        let number = number.ok_or_else(|| wrong(format!("it has no {HOLE}, but {to:?} has")))?;
        let offset: i64 = match offset {
            "" => 0,
            signed if signed.starts_with(['+', '-']) && signed.len() <= MAX_DIGITS => {
                signed.parse().map_err(|_| wrong(format!("{to:?}: {signed:?} is no number")))?
            }
            other => {
                return Err(wrong(format!(
                    "{to:?}: {{n{other}}} is not {{n}}, {{n+1}} or {{n-1}}"
                )));
            }
        };
        // Both are below 10^9.
        let value = number + offset;
        if value < 0 {
            return Err(wrong(format!("{to:?} for {number} has the number {value}")));
        }
        filled += before;
        filled += &value.to_string();
        rest = after;
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(pattern: &str, name: &str) -> Option<Option<i64>> {
        Pattern::parse(pattern).unwrap().fit(name)
    }

    #[test]
    fn which_names_fit() {
        assert_eq!(fit("a", "a"), Some(None));
        assert_eq!(fit("a", "ab"), None);
        assert_eq!(fit("a_{n}/b", "a_12/b"), Some(Some(12)));
        assert_eq!(fit("a_{n}/b", "a_0/b"), Some(Some(0)));
        for name in ["a_/b", "a_01/b", "a_+1/b", "a_1_2/b", "a_1/bc", "a_1234567890/b", "a_٣/b"] {
            assert_eq!(fit("a_{n}/b", name), None, "{name}");
        }
        // Both ends must not share bytes.
        assert_eq!(fit("aa{n}aa", "aaa"), None);
        assert!(Pattern::parse("{n}{n}").is_err());
    }

    #[test]
    fn numbers_are_put_in_and_shifted() {
        assert_eq!(fill("f", "x.{n}.{n+1}.{n-2}", Some(2)).unwrap(), "x.2.3.0");
        assert_eq!(fill("f", "x", None).unwrap(), "x");
        assert_eq!(fill("f", "{x}", None).unwrap(), "{x}");
        for (to, number) in [
            ("{n}", None),
            ("{n-3}", Some(2)),
            ("{n*2}", Some(2)),
            ("{n", Some(2)),
            ("{n+}", Some(2)),
        ] {
            assert!(fill("f", to, number).is_err(), "{to}");
        }
    }
}
