//! A `.caffemodel`: a `NetParameter` in bytes, with the blobs of its layers.

use std::collections::BTreeSet;

use super::blob;
use super::net::{self, Net};
use super::schema::{self, Field, Kind};
use super::settings::{Setting, Settings};
use crate::bytes::Bytes;
use crate::error::{Result, WeightsError};
use crate::limits;
use crate::protobuf::Message;
use crate::tensor::Tensor;

/// The net that a file describes, and the blobs of its layers.
pub(super) fn read(file: &str, bytes: &Bytes) -> Result<(Net, Vec<Tensor>)> {
    let message = Message::new(file, bytes);
    let mut settings = Settings::default();
    let mut reader = Reader { left: limits::MAX_SETTINGS };
    reader.fill(message.clone(), schema::NET, "", &mut settings)?;
    let mut net = net::of(file, settings)?;

    let layers = message.filter_map(|field| {
        let field = field.ok()?;
        match field.number {
            schema::LAYER_NUMBER => Some((field, schema::BLOBS)),
            schema::V1_LAYER_NUMBER => Some((field, schema::V1_BLOBS)),
            _ => None,
        }
    });
    let mut tensors = Vec::new();
    let mut names = BTreeSet::new();
    // The net has its layers in the order of the file.
    for (layer, (field, blobs)) in net.layers.iter_mut().zip(layers) {
        for field in field.message("layer")? {
            let field = field?;
            if field.number != blobs {
                continue;
            }
            if layer.name.is_empty() {
                return Err(field.error("layer", "it has blobs, but no name".into()));
            }
            if layer.blobs == 0 && !names.insert(&layer.name) {
                let reason = "this name comes twice, and both layers have blobs".into();
                let (file, layer) = (file.into(), layer.name.clone());
                return Err(WeightsError::Layer { file, layer, reason });
            }
            if tensors.len() == limits::MAX_TENSORS {
                let (got, limit) = (tensors.len() + 1, limits::MAX_TENSORS);
                let (file, what) = (file.into(), "blobs");
                return Err(WeightsError::TooMany { file, what, got, limit });
            }
            let name = format!("{}/{}", layer.name, layer.blobs);
            let message = field.message(&name)?;
            let tensor = blob::read(message, bytes, &name, (&layer.kind, layer.blobs))?;
            tensors.push(tensor);
            layer.blobs += 1;
        }
    }
    Ok((net, tensors))
}

struct Reader {
    /// How many more settings may come.
    left: usize,
}

impl Reader {
    /// Adds the fields of a message, of which these are known, to settings.
    fn fill(
        &mut self,
        message: Message<'_>,
        known: &[Field],
        path: &str,
        settings: &mut Settings,
    ) -> Result<()> {
        for field in message {
            let field = field?;
            let Some(Field { name, repeated, kind, .. }) =
                known.iter().find(|known| known.number == field.number)
            else {
                continue;
            };
            let what = match path {
                "" => (*name).into(),
                path => format!("{path}.{name}"),
            };
            let values = match kind {
                Kind::Message(fields) => {
                    // Pieces of one group are put together.
                    let before = if *repeated { None } else { settings.get_mut(name) };
                    let mut group = match before {
                        Some(Setting::Group(group)) => std::mem::take(group),
                        _ => Settings::default(),
                    };
                    self.fill(field.message(&what)?, fields, &what, &mut group)?;
                    vec![Setting::Group(group)]
                }
                Kind::Text => vec![Setting::Text(field.text(&what)?.into())],
                Kind::Float if *repeated => {
                    let mut floats = Vec::new();
                    field.floats(&what, &mut floats, self.left)?;
                    floats.into_iter().map(|number| Setting::Float(number.into())).collect()
                }
                Kind::Float => vec![Setting::Float(field.float(&what)?.into())],
                Kind::Int | Kind::Bool | Kind::Words(_) | Kind::OpenWords(_) if *repeated => {
                    let mut numbers = Vec::new();
                    field.int64s(&what, &mut numbers, self.left)?;
                    numbers.into_iter().map(|number| whole(kind, number)).collect()
                }
                Kind::Int | Kind::Bool | Kind::Words(_) | Kind::OpenWords(_) => {
                    vec![whole(kind, field.int(&what)?)]
                }
            };
            // What comes again is looked for among all that came before, which must not be done without end.
            let replaced = !repeated && settings.get(name).is_some();
            let cost = if replaced { settings.len() } else { values.len() };
            match self.left.checked_sub(cost) {
                Some(left) => self.left = left,
                None => {
                    let limit = limits::MAX_SETTINGS;
                    return Err(field.error(&what, format!("more than {limit} settings")));
                }
            }
            for value in values {
                match if replaced { settings.get_mut(name) } else { None } {
                    Some(setting) => *setting = value,
                    None => settings.push(name, value),
                }
            }
        }
        Ok(())
    }
}

/// A number as what its field holds. A word that is not known stays a number.
fn whole(kind: &Kind, number: i64) -> Setting {
    match kind {
        Kind::Bool => Setting::Bool(number != 0),
        Kind::Words(words) | Kind::OpenWords(words) => {
            match words.iter().find(|(_, own)| *own == number) {
                Some((word, _)) => Setting::Word((*word).into()),
                None => Setting::Int(number),
            }
        }
        _ => Setting::Int(number),
    }
}
