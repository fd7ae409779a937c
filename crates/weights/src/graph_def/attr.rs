//! Settings of nodes.

use super::nodes::short;
use crate::error::Result;
use crate::graph::Attr;
use crate::protobuf::{Field, Message};
use crate::{limits, tensor_proto};

/// Most items of a list; longer ones are not kept.
const MAX_ITEMS: usize = 1 << 12;

/// A key and its value, by an entry of the map of settings.
pub(super) fn entry<'a>(entry: &Field<'a>) -> Result<(&'a str, Attr)> {
    let (mut key, mut attr) = ("", Attr::Other);
    for field in entry.message("node.attr")? {
        let field = field?;
        match field.number {
            1 => key = short(&field, "node.attr.key")?,
            2 => attr = value(field.message("node.attr.value")?)?,
            _ => {}
        }
    }
    Ok((key, attr))
}

/// The tensor that an entry holds, if it holds one.
pub(super) fn tensor<'a>(entry: &Field<'a>) -> Result<Option<Message<'a>>> {
    let mut tensor = None;
    for field in entry.message("node.attr")? {
        let field = field?;
        if field.number != 2 {
            continue;
        }
        for part in field.message("node.attr.value")? {
            let part = part?;
            if part.number == 8 {
                tensor = Some(part.message("node.attr.value.tensor")?);
            }
        }
    }
    Ok(tensor)
}

fn value(value: Message<'_>) -> Result<Attr> {
    let mut attr = Attr::Other;
    for field in value {
        let field = field?;
        attr = match field.number {
            1 => list(field.message("node.attr.value.list")?)?,
            2 => text(field.bytes("node.attr.value.s")?).map_or(Attr::Other, Attr::Text),
            3 => Attr::Int(field.int("node.attr.value.i")?),
            4 => Attr::Float(field.float("node.attr.value.f")?.into()),
            5 => Attr::Bool(field.bool("node.attr.value.b")?),
            6 => Attr::Type(tensor_proto::type_name(field.int("node.attr.value.type")?)),
            _ => Attr::Other,
        };
    }
    Ok(attr)
}

fn list(list: Message<'_>) -> Result<Attr> {
    let (mut texts, mut ints, mut floats) = (Vec::new(), Vec::new(), Vec::new());
    for field in list {
        let field = field?;
        match field.number {
            2 => texts.extend(text(field.bytes("node.attr.value.list.s")?)),
            3 => field.int64s("node.attr.value.list.i", &mut ints, MAX_ITEMS)?,
            4 => field.floats("node.attr.value.list.f", &mut floats, MAX_ITEMS)?,
            _ => {}
        }
        if texts.len() > MAX_ITEMS {
            return Err(
                field.error("node.attr.value.list.s", format!("more than {MAX_ITEMS} texts"))
            );
        }
    }
    Ok(match (ints.is_empty(), floats.is_empty(), texts.is_empty()) {
        (false, ..) => Attr::Ints(ints),
        (_, false, _) => Attr::Floats(floats.into_iter().map(f64::from).collect()),
        (.., false) => Attr::Texts(texts),
        _ => Attr::Other,
    })
}

/// Text; nothing if it is longer than any that is a setting.
fn text(bytes: &[u8]) -> Option<String> {
    let is_short = bytes.len() <= limits::MAX_NAME_BYTES;
    is_short.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// About the bytes that a setting takes besides those of any.
pub(super) fn text_bytes(attr: &Attr) -> usize {
    match attr {
        Attr::Text(text) | Attr::Type(text) => text.len(),
        Attr::Ints(numbers) => numbers.len() * 8,
        Attr::Floats(numbers) => numbers.len() * 8,
        Attr::Texts(texts) => texts.iter().map(|text| text.len() + size_of::<String>()).sum(),
        Attr::Int(_) | Attr::Float(_) | Attr::Bool(_) | Attr::Other => 0,
    }
}
