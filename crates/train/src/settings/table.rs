//! Settings as TOML tables: strict reading, `--set key=value`, presets, and what differs between two.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::error::{Result, TrainError};

/// The key that says of which kind a table is; tables of different kinds share no other key.
const KIND: &str = "kind";

/// Most parts of a dotted key.
const MAX_DEPTH: usize = 16;

/// Reads settings of a type that denies unknown fields. `place` names the file, or the command line, in errors.
///
/// # Errors
/// A key that there is not, with those that there are; a value of the wrong type; the dotted key is named.
///
/// ```
/// use upconv_train::settings::{RunSettings, read};
/// let table = toml::from_str("length = 5\nsed = 1").unwrap();
/// let error = read::<RunSettings>("config.toml", table).unwrap_err().to_string();
/// assert!(error.starts_with("config.toml: sed: unknown field `sed`, expected one of `length`"), "{error}");
/// ```
pub fn read<S: DeserializeOwned>(place: &str, table: Table) -> Result<S> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        let reason = message.lines().next().unwrap_or_default();
        let place = if path == "." { place.into() } else { format!("{place}: {path}") };
        TrainError::setting(place, reason)
    })
}

/// The table of `key=value` texts, as of `--set`: keys are dotted, values are TOML, and what is no TOML is a text.
///
/// # Errors
/// No `=`, an empty key, a key that is set twice or is both a value and a table.
///
/// ```
/// let table = upconv_train::settings::overrides(&["run.length=20 epochs", "batch=16", "a.b=[1, 2]"])?;
/// assert_eq!(table["run"]["length"].as_str(), Some("20 epochs"));
/// assert_eq!(table["batch"].as_integer(), Some(16));
/// assert_eq!(table["a"]["b"].as_array().map(|a| a.len()), Some(2));
/// # Ok::<(), upconv_train::TrainError>(())
/// ```
pub fn overrides<T: AsRef<str>>(texts: &[T]) -> Result<Table> {
    let mut table = Table::new();
    for text in texts {
        let text = text.as_ref();
        let wrong = |reason: &str| TrainError::setting(format!("--set {text}"), reason);
        let (key, value) = text.split_once('=').ok_or_else(|| wrong("legal: KEY=VALUE"))?;
        let parts: Vec<&str> = key.trim().split('.').collect();
        if parts.len() > MAX_DEPTH || parts.iter().any(|part| part.is_empty()) {
            return Err(wrong("the key is empty, or too deep"));
        }
        let Some((last, above)) = parts.split_last() else { continue };
        let mut inner = &mut table;
        for part in above {
            let entry = inner.entry(*part).or_insert_with(|| Value::Table(Table::new()));
            inner =
                entry.as_table_mut().ok_or_else(|| wrong("a part of the key is set already"))?;
        }
        if inner.insert((*last).into(), value_of(value.trim())).is_some() {
            return Err(wrong("the key is set already"));
        }
    }
    Ok(table)
}

/// Defaults, under a preset, under overrides, as a model's settings.
///
/// A table whose `kind` changes begins anew, since its other keys belong to the old kind.
///
/// # Errors
/// As [`read`]; `place` names where the overrides come from.
pub fn resolve<S>(place: &str, defaults: &S, preset: Table, overrides: Table) -> Result<S>
where
    S: Serialize + DeserializeOwned,
{
    let mut table = table_of(place, defaults)?;
    merge(&mut table, preset);
    merge(&mut table, overrides);
    read(place, table)
}

/// The settings as a table.
pub(crate) fn table_of<S: Serialize>(place: &str, settings: &S) -> Result<Table> {
    Table::try_from(settings).map_err(|error| TrainError::setting(place, error.to_string()))
}

/// Whether what is asked for at resumption differs from the run.
///
/// # Errors
/// The first key of `asked` that the run does not have, or has with another value; both values are named.
///
/// ```
/// let run = toml::from_str("batch = 16\n[run]\nseed = 1").unwrap();
/// let asked = upconv_train::settings::overrides(&["run.seed=1"])?;
/// assert!(upconv_train::settings::contradiction(&run, &asked).is_ok());
/// let asked = upconv_train::settings::overrides(&["batch=32"])?;
/// let error = upconv_train::settings::contradiction(&run, &asked).unwrap_err().to_string();
/// assert!(error.starts_with("batch is 16 in this run and cannot become 32"), "{error}");
/// # Ok::<(), upconv_train::TrainError>(())
/// ```
pub fn contradiction(run: &Table, asked: &Table) -> Result<()> {
    let mut found = Vec::new();
    compare("", Some(run), asked, &mut found);
    match found.into_iter().next() {
        None => Ok(()),
        Some((key, run, asked)) => Err(TrainError::Contradiction { key, run, asked }),
    }
}

/// Every dotted key in which two tables differ, with both values; `nothing` stands for a key that is not there.
pub fn differences(a: &Table, b: &Table) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    compare("", Some(a), b, &mut found);
    let mut missing = Vec::new();
    compare("", Some(b), a, &mut missing);
    for (key, in_b, in_a) in missing {
        if !found.iter().any(|(known, ..)| *known == key) {
            found.push((key, in_a, in_b));
        }
    }
    found
}

/// What of `wanted` is not so in `there`.
fn compare(
    above: &str,
    there: Option<&Table>,
    wanted: &Table,
    found: &mut Vec<(String, String, String)>,
) {
    for (key, value) in wanted {
        let dotted = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let old = there.and_then(|there| there.get(key));
        match (old, value) {
            (Some(Value::Table(old)), Value::Table(new)) => compare(&dotted, Some(old), new, found),
            (None, Value::Table(new)) => compare(&dotted, None, new, found),
            (Some(old), new) if same(old, new) => {}
            (old, new) => {
                let old = old.map_or("nothing".into(), Value::to_string);
                found.push((dotted, old, new.to_string()));
            }
        }
    }
}

/// Whether two values mean the same: `1` is `1.0`, and `5` is `"5 steps"`.
fn same(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| value.as_float().or(value.as_integer().map(|n| n as f64));
    let span = |value: &Value| match value {
        Value::Integer(steps) => format!("{steps}").parse::<super::Span>().ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match (a, b) {
        (Value::Integer(_) | Value::Float(_), Value::Integer(_) | Value::Float(_)) => {
            a == b || number(a) == number(b)
        }
        (Value::String(_), Value::String(_) | Value::Integer(_)) => {
            a == b || span(a).is_some() && span(a) == span(b)
        }
        _ => a == b,
    }
}

fn merge(base: &mut Table, over: Table) {
    let other_kind = over.get(KIND).is_some_and(|kind| base.get(KIND) != Some(kind));
    if other_kind {
        base.clear();
    }
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// A TOML value, or the text itself.
fn value_of(text: &str) -> Value {
    let line = format!("v = {text}");
    let parsed = if text.contains(['\n', '\r']) { None } else { line.parse::<Table>().ok() };
    // A text such as `x # y` would lose its end.
    let whole = parsed
        .filter(|table| table.len() == 1 && (!text.contains('#') || text.contains(['"', '\''])));
    match whole.and_then(|mut table| table.remove("v")) {
        Some(value) => value,
        None => Value::String(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::settings::{RunSettings, Span};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        run: RunSettings,
        batch: usize,
        rate: f64,
        data: String,
        optimiser: Optimiser,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Optimiser {
        Sgd(Sgd),
        Adam(Adam),
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Sgd {
        momentum: f64,
    }

    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Adam {
        beta_1: f64,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self {
                run: RunSettings::default(),
                batch: 8,
                rate: 0.1,
                data: "none".into(),
                optimiser: Optimiser::Adam(Adam { beta_1: 0.9 }),
            }
        }
    }

    fn set(texts: &[&str]) -> Result<Settings> {
        let preset = toml::from_str("batch = 16\nrate = 0.5").unwrap();
        resolve("--set", &Settings::default(), preset, overrides(texts)?)
    }

    #[test]
    fn defaults_preset_and_overrides_in_that_order() {
        let settings = set(&["rate=1", "run.length=7", "data=/a b/c#d.png"]).unwrap();
        assert_eq!((settings.batch, settings.rate), (16, 1.0));
        assert_eq!(settings.run.length, Span::Steps(7));
        assert_eq!(settings.data, "/a b/c#d.png");
        assert_eq!(set(&["data=\"7\""]).unwrap().data, "7");
    }

    #[test]
    fn another_kind_begins_anew() {
        let settings = set(&["optimiser.kind=sgd", "optimiser.momentum=0.5"]).unwrap();
        assert_eq!(settings.optimiser, Optimiser::Sgd(Sgd { momentum: 0.5 }));
        let settings = set(&["optimiser.kind=adam"]).unwrap();
        assert_eq!(settings.optimiser, Optimiser::Adam(Adam { beta_1: 0.9 }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, parts) in [
            ("batsh=1", &["batsh", "expected one of `run`, `batch`, `rate`"][..]),
            ("run.lenght=1", &["run.lenght", "`length`, `save_every`"]),
            ("optimiser.momentum=1", &["optimiser", "unknown field `momentum`, expected `beta_1`"]),
            ("optimiser.kind=lamp", &["optimiser", "`lamp`, expected `sgd` or `adam`"]),
            ("batch=many", &["batch", "invalid type: string \"many\""]),
            ("batch=-1", &["batch", "-1"]),
            ("run.length=3 weeks", &["run.length", "\"N epochs\""]),
            ("batch", &["--set batch", "KEY=VALUE"]),
            ("a..b=1", &["--set a..b=1", "empty"]),
        ] {
            let error = set(&[text]).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
        assert!(set(&["batch=1", "batch=2"]).unwrap_err().to_string().contains("set already"));
        assert!(set(&["batch=1", "batch.x=2"]).unwrap_err().to_string().contains("set already"));
    }

    #[test]
    fn a_written_table_reads_the_same() {
        let settings = set(&["run.best={metric=\"iou\", goal=\"max\", patience=3}"]).unwrap();
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(read::<Settings>("f", toml::from_str(&text).unwrap()).unwrap(), settings);
        assert_eq!(settings.run.best.unwrap().patience, Some(3));
    }

    #[test]
    fn contradictions_and_differences() {
        let run = table_of("f", &Settings::default()).unwrap();
        let same = overrides(&["rate=0.1", "run.length=1 epoch", "optimiser.beta_1=0.9"]).unwrap();
        contradiction(&run, &same).unwrap();
        for (text, expected) in [
            ("run.length=5", "run.length is \"1 epoch\" in this run and cannot become 5;"),
            ("new.key=5", "new.key is nothing in this run and cannot become 5;"),
            ("run=5", "run is "),
        ] {
            let error = contradiction(&run, &overrides(&[text]).unwrap()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let a = toml::from_str("x = 1\n[t]\ny = 1").unwrap();
        let b = toml::from_str("x = 1.0\n[t]\nz = 'a'").unwrap();
        let differ = |key: &str, a: &str, b: &str| (key.to_string(), a.to_string(), b.to_string());
        let expected = [differ("t.z", "nothing", "'a'"), differ("t.y", "1", "nothing")];
        let found = differences(&a, &b);
        assert_eq!(found[0].0, expected[0].0);
        assert_eq!(found[1], expected[1]);
        assert_eq!(found.len(), 2);
    }
}
