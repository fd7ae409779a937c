//! Numbers for a grid of cells, as a reader asks for them.

use upconv_kernels::reference::bilinear::bilinear_taps;

use super::TraceError;

/// The largest magnitude of a number.
const LARGEST: f64 = 1e6;
/// Random numbers are whole, and of at most this magnitude: sums can be followed by hand.
const LARGEST_RANDOM: i64 = 9;
/// Most characters of a wrong text that its error shows.
const MAX_SHOWN: usize = 40;

/// How a grid is filled.
///
/// ```
/// use upconv_explain::Fill;
/// assert_eq!(Fill::parse("x", "1, 0.5,-3"), Fill::parse("x", "1,0.5,-3.0"));
/// assert!(Fill::parse("x", "1;2").is_err());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fill {
    field: &'static str,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Count,
    Ones,
    Impulse,
    Random(u64),
    Bilinear,
    Numbers(Vec<f64>),
}

impl Fill {
    /// 1, 2, 3, ...
    pub fn count(field: &'static str) -> Self {
        Self { field, kind: Kind::Count }
    }

    /// `count` (1, 2, 3, ...), `ones`, `impulse` (a 1 in the middle), `random:SEED`, `bilinear` (the kernel that
    /// interpolates), or numbers with commas between. `field` is what errors name.
    ///
    /// # Errors
    /// Another text; a number that is not finite or above a million.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, TraceError> {
        let wrong = |text: &str| {
            let visible = |c: char| if c.is_control() { '?' } else { c };
            let text = text.chars().take(MAX_SHOWN).map(visible).collect();
            TraceError::Fill { field, text }
        };
        let kind = match text.trim() {
            "count" => Kind::Count,
            "ones" => Kind::Ones,
            "impulse" => Kind::Impulse,
            "bilinear" => Kind::Bilinear,
            other => match other.strip_prefix("random:") {
                Some(seed) => Kind::Random(seed.parse().map_err(|_| wrong(other))?),
                None => {
                    let number = |part: &str| {
                        let number = part.trim().parse::<f64>().ok();
                        number.filter(|n| n.abs() <= LARGEST).ok_or_else(|| wrong(part))
                    };
                    Kind::Numbers(other.split(',').map(number).collect::<Result<_, _>>()?)
                }
            },
        };
        Ok(Self { field, kind })
    }

    /// The numbers for so many rows and columns of each group.
    pub(super) fn numbers(
        &self,
        [rows, columns]: [usize; 2],
        groups: usize,
    ) -> Result<Vec<f64>, TraceError> {
        let cells = rows * columns;
        let all = cells * groups;
        Ok(match &self.kind {
            Kind::Count => (1..=all).map(|n| n as f64).collect(),
            Kind::Ones => vec![1.0; all],
            Kind::Impulse => {
                let middle = rows / 2 * columns + columns / 2;
                (0..all).map(|n| f64::from(u8::from(n % cells == middle))).collect()
            }
            Kind::Bilinear => {
                let (down, across) = (bilinear_taps(rows)?, bilinear_taps(columns)?);
                // A single row is no axis: its taps are those of the columns.
                let down = if rows == 1 { vec![1.0] } else { down };
                let one = down.iter().flat_map(|a| across.iter().map(move |b| a * b));
                let one: Vec<f64> = one.collect();
                (0..groups).flat_map(|_| one.iter().copied()).collect()
            }
            Kind::Random(seed) => {
                let mut state = *seed;
                let span = 2 * LARGEST_RANDOM as u64 + 1;
                (0..all).map(|_| (next(&mut state) % span) as f64 - LARGEST_RANDOM as f64).collect()
            }
            Kind::Numbers(numbers) if numbers.len() == all => numbers.clone(),
            Kind::Numbers(numbers) if numbers.len() == cells => {
                (0..groups).flat_map(|_| numbers.iter().copied()).collect()
            }
            Kind::Numbers(numbers) => {
                let (field, got) = (self.field, numbers.len());
                return Err(TraceError::Count { field, got, cells, groups });
            }
        })
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): any seed will do, and a shared link gives the same numbers everywhere.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str, sides: [usize; 2], groups: usize) -> Result<Vec<f64>, TraceError> {
        Fill::parse("x", text)?.numbers(sides, groups)
    }

    #[test]
    fn every_word() {
        assert_eq!(numbers("count", [2, 2], 1).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(numbers("count", [1, 2], 2).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        let impulse = numbers("impulse", [3, 3], 1).unwrap();
        assert_eq!(impulse, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        // Outer product of 0.5 1 0.5.
        let bilinear = numbers("bilinear", [3, 3], 1).unwrap();
        assert_eq!(bilinear, [0.25, 0.5, 0.25, 0.5, 1.0, 0.5, 0.25, 0.5, 0.25]);
        assert_eq!(numbers("bilinear", [1, 4], 1).unwrap(), [0.25, 0.75, 0.75, 0.25]);
        assert_eq!(numbers("1,2", [1, 2], 2).unwrap(), [1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn random_numbers_are_those_of_the_paper_and_small() {
        // The first number of SplitMix64 for seed 0, as Java's SplittableRandom gives it.
        assert_eq!(next(&mut 0), 0xe220_a839_7b1d_cdaf);
        let drawn = numbers("random:3", [10, 10], 1).unwrap();
        assert!(drawn.iter().all(|n| n.abs() <= 9.0 && n.fract() == 0.0));
        assert_ne!(drawn, numbers("random:4", [10, 10], 1).unwrap());
    }

    #[test]
    fn what_is_no_number_is_named() {
        for bad in ["", "1,,2", "nan", "inf", "1e7", "random:", "random:-1", "zeros"] {
            assert!(matches!(Fill::parse("w", bad), Err(TraceError::Fill { .. })), "{bad}");
        }
        let error = numbers("1,2,3", [2, 2], 2).unwrap_err();
        assert_eq!(error, TraceError::Count { field: "x", got: 3, cells: 4, groups: 2 });
    }
}
