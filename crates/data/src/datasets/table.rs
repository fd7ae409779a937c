//! The table of classes that a user writes: `classes.toml`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::Hash;

use serde::Deserialize;
use toml::Spanned;

use super::classes::{Class, Classes, MAX_CLASSES, VOID, colour};
use super::mask::{Key, Meaning};
use crate::error::{DataError, Result};

/// The name of the file.
pub(super) const FILE: &str = "classes.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    masks: Option<Meaning>,
    #[serde(default)]
    void: Void,
    #[serde(default)]
    class: Vec<Spanned<Row>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Void {
    colours: Vec<Spanned<[u8; 3]>>,
    numbers: Option<Vec<Spanned<u16>>>,
    others: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    colour: Option<[u8; 3]>,
    #[serde(default)]
    more_colours: Vec<[u8; 3]>,
    numbers: Option<Vec<u16>>,
}

/// Reads a table.
///
/// # Errors
/// With the line, if it is no TOML, has an unknown key, no class or more than 255, or names a class, a
/// colour or a number twice.
pub(super) fn read(text: &str) -> Result<Classes> {
    let line = |at: usize| 1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count();
    let wrong = |at: usize, reason: String| DataError::Table { line: line(at), reason };
    let table: Table = toml::from_str(text).map_err(|error| {
        let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
        wrong(error.span().map_or(0, |span| span.start), reason)
    })?;
    if table.class.is_empty() || table.class.len() > MAX_CLASSES {
        let count = table.class.len();
        return Err(wrong(
            0,
            format!("{count} classes; there must be 1 to {MAX_CLASSES}, each as [[class]]"),
        ));
    }
    let mut list: Vec<Class> = Vec::new();
    let (mut colours, mut numbers) = (HashMap::new(), HashMap::new());
    for (label, row) in (0..VOID).zip(&table.class) {
        let (at, row) = (row.span().start, row.get_ref());
        if row.name.trim().is_empty() {
            return Err(wrong(at, "a class without a name".into()));
        }
        if list.iter().any(|class| class.name == row.name) {
            return Err(wrong(at, format!("the class {:?} stands here twice", row.name)));
        }
        for &colour in row.colour.iter().chain(&row.more_colours) {
            once(&mut colours, colour, label, format_args!("colour {colour:?}"))
                .map_err(|reason| wrong(at, reason))?;
        }
        for &number in row.numbers.as_deref().unwrap_or(&[u16::from(label)]) {
            once(&mut numbers, u32::from(number), label, format_args!("number {number}"))
                .map_err(|reason| wrong(at, reason))?;
        }
        let colour = row.colour.unwrap_or_else(|| colour(label));
        list.push(Class { name: row.name.clone(), colour });
    }
    for colour in &table.void.colours {
        let value = *colour.get_ref();
        once(&mut colours, value, VOID, format_args!("colour {value:?}"))
            .map_err(|reason| wrong(colour.span().start, reason))?;
    }
    for number in table.void.numbers.iter().flatten() {
        let value = u32::from(*number.get_ref());
        once(&mut numbers, value, VOID, format_args!("number {value}"))
            .map_err(|reason| wrong(number.span().start, reason))?;
    }
    if table.void.numbers.is_none() {
        numbers.entry(u32::from(VOID)).or_insert(VOID);
    }
    if table.masks == Some(Meaning::Colours) && colours.is_empty() {
        return Err(wrong(0, "masks hold colours, but no class has one".into()));
    }
    let colours = (!colours.is_empty()).then_some(colours);
    let others_are_void = table.void.others;
    let key = Key { meaning: table.masks, numbers, colours, others_are_void };
    Ok(Classes { list, key })
}

fn once<K: Hash + Eq>(
    labels: &mut HashMap<K, u8>,
    key: K,
    label: u8,
    what: fmt::Arguments<'_>,
) -> std::result::Result<(), String> {
    match labels.entry(key) {
        Entry::Occupied(_) => {
            Err(format!("the {what} stands for two classes, or for one and void"))
        }
        Entry::Vacant(vacant) => {
            vacant.insert(label);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_table() {
        let classes = read(
            r#"
            masks = "colours"
            [void]
            colours = [[0, 0, 0]]
            numbers = [0]
            others = true
            [[class]]
            name = "道路 road"
            colour = [255, 0, 255]
            more_colours = [[254, 0, 254]]
            numbers = [7, 8]
            [[class]]
            name = "sky"
            "#,
        )
        .unwrap();
        let names: Vec<_> = classes.list().iter().map(|class| class.name.as_str()).collect();
        assert_eq!(names, ["道路 road", "sky"]);
        assert_eq!(classes.list()[1].colour, [128, 0, 0]);
        let key = classes.key();
        assert_eq!(key.meaning, Some(Meaning::Colours));
        assert!(key.others_are_void);
        // The second class has its place as number, and 255 is void only where nothing else is said.
        let mut numbers: Vec<_> =
            key.numbers.iter().map(|(&number, &label)| (number, label)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [(0, VOID), (1, 1), (7, 0), (8, 0)]);
        let colours = key.colours.as_ref().unwrap();
        assert_eq!(colours[&[254, 0, 254]], 0);
        assert_eq!(colours[&[0, 0, 0]], VOID);
        assert_eq!(colours.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let two = "[[class]]\nname = 'a'\n[[class]]\nname = 'b'\n";
        for (text, expected) in [
            ("", "line 1: 0 classes; there must be 1 to 255"),
            ("[[class]]\nname = 3", "line 2: invalid type"),
            ("[[class]]\nname = ''", "line 1: a class without a name"),
            ("[[class]]\nname = 'a'\ncolor = [1, 2, 3]", "line 3: unknown field `color`"),
            ("[[class]]\nname = 'a'\ncolour = [1, 2, 256]", "line 3: invalid value: integer `256`"),
            ("[[class]]\nname = 'a'\ncolour = [1, 2]", "line 3: invalid length"),
            (
                "[[class]]\nname = 'a'\n[[class]]\nname = 'a'",
                "line 3: the class \"a\" stands here twice",
            ),
            ("masks = 'greys'\n", "line 1: unknown variant `greys`"),
            ("masks = ", "line 1"),
            (
                "masks = 'colours'\n[[class]]\nname = 'a'",
                "line 1: masks hold colours, but no class",
            ),
            (&format!("{two}numbers = [0]"), "line 3: the number 0 stands for two classes"),
            (&format!("[void]\nnumbers = [3,\n 1]\n{two}"), "line 3: the number 1 stands for"),
            (
                "[[class]]\nname = 'a'\ncolour = [1, 2, 3]\n[void]\ncolours = [[1, 2, 3]]",
                "line 5: the colour [1, 2, 3] stands for",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
        let many: String = (0..256).map(|n| format!("[[class]]\nname = '{n}'\n")).collect();
        assert!(read(&many).unwrap_err().to_string().contains("256 classes"));
        let most: String = (0..255).map(|n| format!("[[class]]\nname = '{n}'\n")).collect();
        assert_eq!(read(&most).unwrap().list().len(), 255);
    }
}
