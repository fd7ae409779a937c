//! A stretch of training, in steps or epochs.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::error::{Result, TrainError};

/// A stretch of training: `500` or `"500 steps"`, `"3 epochs"`.
///
/// ```
/// use upconv_train::settings::Span;
/// let span: Span = "3 epochs".parse()?;
/// assert_eq!(span.steps("run.length", Some(40))?, 120);
/// assert!(span.steps("run.length", None).is_err());
/// # Ok::<(), upconv_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Steps of the optimiser.
    Steps(u64),
    /// Passes over the data.
    Epochs(u64),
}

impl Span {
    /// The stretch in steps, at least 1. `key` names the setting in errors.
    ///
    /// # Errors
    /// Epochs of data that have none; 0; more steps than can be counted.
    pub fn steps(self, key: &str, per_epoch: Option<u64>) -> Result<u64> {
        let steps = match (self, per_epoch) {
            (Self::Steps(steps), _) => Some(steps),
            (Self::Epochs(epochs), Some(per_epoch)) => epochs.checked_mul(per_epoch),
            (Self::Epochs(_), None) => {
                let reason =
                    format!("\"{self}\", but these data have no end; legal: a number of steps");
                return Err(TrainError::setting(key, reason));
            }
        };
        match steps {
            // Beyond 2^53 a step is no exact number in JSON.
            Some(steps) if (1..=1 << 53).contains(&steps) => Ok(steps),
            _ => Err(TrainError::setting(key, format!("\"{self}\"; legal: 1 to 2^53 steps"))),
        }
    }
}

impl FromStr for Span {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let reason = "legal: a number of steps, \"N steps\" or \"N epochs\"";
            TrainError::setting(format!("{text:?}"), reason)
        };
        let (number, unit) = text.trim().split_once(' ').unwrap_or((text.trim(), "steps"));
        let number = number.parse().map_err(|_| wrong())?;
        match unit.trim() {
            "step" | "steps" => Ok(Self::Steps(number)),
            "epoch" | "epochs" => Ok(Self::Epochs(number)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self {
            Self::Steps(steps) => (steps, "step"),
            Self::Epochs(epochs) => (epochs, "epoch"),
        };
        write!(f, "{number} {unit}{}", if *number == 1 { "" } else { "s" })
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of steps, \"N steps\" or \"N epochs\"")
            }

            fn visit_u64<E: de::Error>(self, steps: u64) -> std::result::Result<Span, E> {
                Ok(Span::Steps(steps))
            }

            fn visit_i64<E: de::Error>(self, steps: i64) -> std::result::Result<Span, E> {
                let wrong = |_| E::invalid_value(de::Unexpected::Signed(steps), &self);
                u64::try_from(steps).map(Span::Steps).map_err(wrong)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Span, E> {
                text.parse().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn texts_and_numbers() {
        for (text, span) in [
            ("7", Span::Steps(7)),
            ("7 steps", Span::Steps(7)),
            ("1 step", Span::Steps(1)),
            (" 2 epochs ", Span::Epochs(2)),
        ] {
            assert_eq!(text.parse::<Span>().unwrap(), span, "{text}");
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        for text in ["", "x", "-1", "1.5 epochs", "3 weeks", "epochs"] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains("\"N epochs\""), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_counted() {
        let steps = |span: Span| span.steps("run.length", Some(10)).map_err(|e| e.to_string());
        assert_eq!(steps(Span::Epochs(3)), Ok(30));
        assert_eq!(steps(Span::Steps(3)), Ok(3));
        for span in [Span::Steps(0), Span::Epochs(0), Span::Epochs(u64::MAX), Span::Steps(1 << 54)]
        {
            assert!(steps(span).unwrap_err().starts_with("run.length: "), "{span}");
        }
    }
}
