//! Named numbers of a step or an evaluation.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::{Result, TrainError};

/// Named numbers, such as losses and rates, in the order in which they were added.
///
/// ```
/// use upconv_train::Scalars;
/// let scalars = Scalars::new().with("loss", 0.5).with("accuracy", 1.0);
/// assert_eq!(scalars.get("loss"), Some(0.5));
/// assert_eq!(serde_json::to_string(&scalars).unwrap(), r#"{"loss":0.5,"accuracy":1.0}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scalars(Vec<(String, f64)>);

impl Scalars {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more; a value of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: f64) -> Self {
        self.put(name, value);
        self
    }

    /// Adds one; a value of the same name is replaced.
    pub fn put(&mut self, name: impl Into<String>, value: f64) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails at the first that is infinite or no number.
    pub(crate) fn check(&self, step: u64) -> Result<()> {
        match self.iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((name, value)) => Err(TrainError::NotFinite { step, name: name.into(), value }),
        }
    }
}

impl Serialize for Scalars {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Scalars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Scalars;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names and numbers")
            }

            fn visit_map<M: MapAccess<'de>>(
                self,
                mut map: M,
            ) -> std::result::Result<Scalars, M::Error> {
                let mut scalars = Scalars::new();
                while let Some((name, value)) = map.next_entry::<String, f64>()? {
                    scalars.put(name, value);
                }
                Ok(scalars)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
