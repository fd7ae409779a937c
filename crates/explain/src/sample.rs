//! For tests: random settings, and a calculator for the equations that texts print.

use upconv_geometry::{Dialect, Padding, Resolved, Setting};

use crate::document::is_wide;

/// A small generator with a fixed seed: tests are the same on every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number in `low..=high`.
    pub(crate) fn within(&mut self, low: i64, high: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + ((self.0 >> 11) % (high - low + 1) as u64) as i64
    }
}

/// So many settings that their dialects accept, over all dialects, ranks, paddings and sizes.
pub(crate) fn settings(count: usize) -> Vec<(Setting, Resolved)> {
    let mut random = Random::new(7);
    let mut accepted = Vec::new();
    while accepted.len() < count {
        let setting = draw(&mut random);
        if let Ok(resolved) = setting.resolve() {
            accepted.push((setting, resolved));
        }
    }
    accepted
}

fn draw(random: &mut Random) -> Setting {
    let dialect = Dialect::ALL[random.within(0, 6) as usize];
    let rank = random.within(1, 3);
    let mut list = |low, high| (0..rank).map(|_| random.within(low, high)).collect::<Vec<_>>();
    let (input, kernel, stride) = (list(1, 6), list(1, 6), list(1, 4));
    let dilation = if list(0, 2)[0] == 0 { list(1, 3) } else { vec![1] };
    let (befores, afters) = (list(-2, 4), list(-2, 4));
    let (sizes, added) = (list(1, 16), list(0, 3));
    let padding = match random.within(0, 8) {
        0 => None,
        1 | 2 => Some(Padding::Same),
        3 => Some(Padding::Valid),
        4 => Some(Padding::SameLower),
        5 | 6 => Some(Padding::Pads(befores.iter().map(|&p| (p, p)).collect())),
        _ => Some(Padding::Pads(befores.into_iter().zip(afters).collect())),
    };
    Setting {
        input,
        kernel,
        stride,
        dilation,
        padding,
        groups: if random.within(0, 5) == 0 { 2 } else { 1 },
        output: (random.within(0, 1) == 0).then_some(sizes),
        output_padding: (random.within(0, 3) == 0).then_some(added),
        ..Setting::new(dialect)
    }
}

/// Works every `a = b` of a text out again, and counts them; panics where the sides differ.
///
/// Sides that are words (`full = ...`) are passed over; of `window begins at floor(1 / 2)` the longest
/// end that is an expression counts, of `7 cells` the longest beginning.
pub(crate) fn check_equations(text: &str) -> usize {
    let mut checked = 0;
    for part in text.split([';', ':', '；', '：', '，']) {
        let sides: Vec<&str> = part.split(" = ").collect();
        for pair in sides.windows(2) {
            let left = starts(pair[0]).find_map(value);
            let right = ends(pair[1]).find_map(value);
            if let (Some(left), Some(right)) = (left, right) {
                assert_eq!(left, right, "{} = {} in {text:?}", pair[0], pair[1]);
                checked += 1;
            }
        }
    }
    checked
}

/// All ends of a text that begin a word, the longest first.
fn starts(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let breaks = text.char_indices().filter(|(_, c)| *c == ' ' || is_wide(*c));
    std::iter::once(0).chain(breaks.map(|(at, c)| at + c.len_utf8())).map(|at| &text[at..])
}

/// All beginnings of a text that end a word, the longest first.
fn ends(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim();
    let breaks: Vec<usize> =
        text.char_indices().filter(|(_, c)| *c == ' ' || is_wide(*c)).map(|(at, _)| at).collect();
    std::iter::once(text.len()).chain(breaks.into_iter().rev()).map(|at| &text[..at])
}

/// The value of an expression with `+ - * / mod floor ceil max`; `None` if it is none.
fn value(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let value = sum(&mut rest)?;
    rest.trim().is_empty().then_some(value)
}

fn sum(rest: &mut &str) -> Option<f64> {
    let mut total = product(rest)?;
    loop {
        if take(rest, "+") {
            total += product(rest)?;
        } else if take(rest, "-") {
            total -= product(rest)?;
        } else {
            return Some(total);
        }
    }
}

fn product(rest: &mut &str) -> Option<f64> {
    let mut total = factor(rest)?;
    loop {
        if take(rest, "*") {
            total *= factor(rest)?;
        } else if take(rest, "/") {
            total /= factor(rest)?;
        } else if take(rest, "mod ") {
            total = total.rem_euclid(factor(rest)?);
        } else {
            return Some(total);
        }
    }
}

fn factor(rest: &mut &str) -> Option<f64> {
    if take(rest, "floor(") {
        return closed(rest).map(f64::floor);
    }
    if take(rest, "ceil(") {
        return closed(rest).map(f64::ceil);
    }
    if take(rest, "max(") {
        let left = sum(rest)?;
        let right = take(rest, ",").then(|| closed(rest))??;
        return Some(left.max(right));
    }
    if take(rest, "(") {
        return closed(rest);
    }
    let trimmed = rest.trim_start();
    let digits = trimmed.strip_prefix('-').unwrap_or(trimmed);
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let end = trimmed.len() - digits.len() + length;
    let number = trimmed[..end].parse().ok()?;
    *rest = &trimmed[end..];
    Some(number)
}

fn closed(rest: &mut &str) -> Option<f64> {
    let value = sum(rest)?;
    take(rest, ")").then_some(value)
}

fn take(rest: &mut &str, token: &str) -> bool {
    match rest.trim_start().strip_prefix(token) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

#[test]
fn the_calculator_is_right() {
    assert_eq!(value("(3 - 1) * 2 + 3"), Some(7.0));
    assert_eq!(value("floor((5 + 2 - 3) / 2) + 1"), Some(3.0));
    assert_eq!(value("(3 - 1) * 2 + 4 mod 2 + 1"), Some(5.0));
    assert_eq!(value("max(0, 3 - 5)"), Some(0.0));
    assert_eq!(value("words"), None);
    assert_eq!(
        check_equations("axis 0: full = (3 - 1) * 2 + 3 = 7; begins at floor(3 / 2) = 1 cell"),
        2
    );
}

#[test]
#[should_panic(expected = "1 + 1")]
fn the_calculator_finds_what_is_wrong() {
    check_equations("a = 1 + 1 = 3");
}
