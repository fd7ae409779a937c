//! Licence expressions as crates write them: SPDX, and the older form with a slash for "or".

use super::metadata::Package;

/// Licences that may be combined with ours (MIT OR Apache-2.0) and shipped in one program.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences allowed for one crate only: (crate, licence, why).
const EXCEPTIONS: &[(&str, &str, &str)] =
    &[("colored", "MPL-2.0", "comes with burn-tensor, used unchanged")];

/// All packages whose licence is not allowed, one line each.
pub(crate) fn problems(packages: &[&Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages {
        let Package { name, version, license, .. } = package;
        let Some(text) = license else {
            problems.push(format!("{name} {version}: names no licence"));
            continue;
        };
        match Expression::parse(text) {
            Err(reason) => problems.push(format!("{name} {version}: licence `{text}`: {reason}")),
            Ok(expression) if !expression.holds(&|licence| is_allowed(name, licence)) => {
                problems.push(format!("{name} {version}: licence `{text}` is not allowed"));
            }
            Ok(_) => {}
        }
    }
    problems
}

fn is_allowed(name: &str, licence: &str) -> bool {
    ALLOWED.contains(&licence)
        || EXCEPTIONS.iter().any(|(crate_name, id, _)| *crate_name == name && *id == licence)
}

/// A licence expression. AND binds tighter than OR; WITH belongs to the name before it.
#[derive(Debug, PartialEq, Eq)]
enum Expression {
    Licence(String),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

impl Expression {
    fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text);
        let mut rest = tokens.as_slice();
        let expression = Self::or(&mut rest)?;
        match rest {
            [] => Ok(expression),
            [token, ..] => Err(format!("`{token}` is not expected there")),
        }
    }

    fn or(rest: &mut &[&str]) -> Result<Self, String> {
        let mut left = Self::and(rest)?;
        while let ["OR" | "/", tail @ ..] = *rest {
            *rest = tail;
            left = Self::Or(Box::new(left), Box::new(Self::and(rest)?));
        }
        Ok(left)
    }

    fn and(rest: &mut &[&str]) -> Result<Self, String> {
        let mut left = Self::single(rest)?;
        while let ["AND", tail @ ..] = *rest {
            *rest = tail;
            left = Self::And(Box::new(left), Box::new(Self::single(rest)?));
        }
        Ok(left)
    }

    fn single(rest: &mut &[&str]) -> Result<Self, String> {
        match *rest {
            ["(", tail @ ..] => {
                *rest = tail;
                let inner = Self::or(rest)?;
                let [")", tail @ ..] = *rest else {
                    return Err("a bracket is not closed".to_owned());
                };
                *rest = tail;
                Ok(inner)
            }
            [name, "WITH", exception, tail @ ..] if is_name(name) && is_name(exception) => {
                *rest = tail;
                Ok(Self::Licence(format!("{name} WITH {exception}")))
            }
            [name, tail @ ..] if is_name(name) => {
                *rest = tail;
                Ok(Self::Licence((*name).to_owned()))
            }
            [token, ..] => Err(format!("`{token}` is not the name of a licence")),
            [] => Err("it ends where the name of a licence is due".to_owned()),
        }
    }

    /// Whether the allowed licences alone satisfy the expression.
    fn holds(&self, allowed: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Licence(name) => allowed(name),
            Self::And(left, right) => left.holds(allowed) && right.holds(allowed),
            Self::Or(left, right) => left.holds(allowed) || right.holds(allowed),
        }
    }
}

fn is_name(token: &str) -> bool {
    !matches!(token, "OR" | "AND" | "WITH" | "(" | ")" | "/")
}

fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(place) = rest.find(['(', ')', '/']) {
            if place > 0 {
                tokens.push(&rest[..place]);
            }
            tokens.push(&rest[place..=place]);
            rest = &rest[place + 1..];
        }
        if !rest.is_empty() {
            tokens.push(rest);
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::super::sample::package;
    use super::{Expression, is_allowed, problems};

    fn allowed(text: &str) -> Result<bool, String> {
        Ok(Expression::parse(text)?.holds(&|licence| is_allowed("some", licence)))
    }

    #[test]
    fn one_name() {
        assert_eq!(allowed("MIT"), Ok(true));
        assert_eq!(allowed("GPL-3.0-only"), Ok(false));
        // "or later" of a licence is another name and needs its own entry.
        assert_eq!(allowed("Apache-2.0+"), Ok(false));
    }

    #[test]
    fn or_needs_one_side_and_needs_both() {
        assert_eq!(allowed("GPL-2.0-only OR MIT"), Ok(true));
        assert_eq!(allowed("GPL-2.0-only AND MIT"), Ok(false));
        assert_eq!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"), Ok(true));
        assert_eq!(allowed("(MIT OR Apache-2.0) AND NCSA"), Ok(false));
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert_eq!(allowed("MIT OR Apache-2.0 AND GPL-3.0-only"), Ok(true));
        assert_eq!(allowed("GPL-3.0-only AND MIT OR GPL-3.0-only"), Ok(false));
        assert_eq!(allowed("GPL-3.0-only AND (MIT OR Apache-2.0)"), Ok(false));
    }

    #[test]
    fn a_slash_is_or() {
        assert_eq!(allowed("MIT/Apache-2.0"), Ok(true));
        assert_eq!(allowed("GPL-3.0-only / Unlicense"), Ok(true));
    }

    #[test]
    fn with_belongs_to_the_name_before_it() {
        assert_eq!(allowed("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only"), Ok(true));
        assert_eq!(allowed("GPL-2.0-only WITH Classpath-exception-2.0"), Ok(false));
        assert_eq!(allowed("MIT WITH LLVM-exception"), Ok(false));
    }

    #[test]
    fn broken_expressions_are_told() {
        for text in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT Apache-2.0", "MIT WITH", "MIT//"]
        {
            assert!(allowed(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_exception_holds_for_its_crate_alone() {
        let colored = package("colored", "3.0.0", Some("MPL-2.0"));
        let other = package("other", "1.0.0", Some("MPL-2.0"));
        let silent = package("silent", "0.1.0", None);
        assert_eq!(
            problems(&[&colored, &other, &silent]),
            ["other 1.0.0: licence `MPL-2.0` is not allowed", "silent 0.1.0: names no licence"]
        );
    }
}
