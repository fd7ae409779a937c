//! The form of an archive: `NAME/data.pkl`, `NAME/data/KEY` for each storage, and beside them the order of bytes.
//!
//! `torch.jit.save` writes such archives too, with the code of the model, and its constants in `constants.pkl`.

use std::collections::HashMap;

use super::storage::{Place, Storages};
use super::{form, walk};
use crate::bytes::Bytes;
use crate::error::{Result, WeightsError};
use crate::format::PassedOver;
use crate::pickle::{self, Names};
use crate::tensor::Tensor;
use crate::zip::Archive;

/// What the entry with the pickle is called, after the name of the archive.
const PICKLE: &str = "/data.pkl";

/// Whether an archive with entries of these names is one of PyTorch.
pub(crate) fn is_archive<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(is_pickle)
}

/// All tensors of an archive, and what is passed over.
pub(super) fn read(file: &str, bytes: Bytes) -> Result<(Vec<Tensor>, Vec<PassedOver>)> {
    let size = bytes.len();
    let archive = Archive::open(file, bytes)?;
    let Some((number, entry)) = archive.names().enumerate().find(|(_, name)| is_pickle(name))
    else {
        let first = archive.names().next().unwrap_or_default().to_owned();
        let reason = format!("there is no NAME{PICKLE}; the first entry is {first:?}");
        return Err(form(file, "archive", 0, reason));
    };
    let within = format!("{file}/{entry}");
    let root = entry.trim_end_matches(PICKLE).to_owned();

    let (mut places, mut order) = (HashMap::new(), None);
    for (number, entry) in archive.names().enumerate() {
        let Some(rest) = entry.strip_prefix(&root) else { continue };
        if let Some(key) = rest.strip_prefix("/data/") {
            places.insert(key.to_owned(), Place::Entry(number));
        } else if rest == "/byteorder" {
            order = Some(number);
        }
    }
    let big = match order {
        None => false,
        Some(number) => match archive.read(number)?.trim_ascii() {
            b"little" => false,
            b"big" => true,
            other => {
                let got = String::from_utf8_lossy(&other[..other.len().min(20)]).into_owned();
                let reason = format!("{got:?}; legal: \"little\", \"big\"");
                return Err(form(file, "byteorder", 0, reason));
            }
        },
    };
    let bytes = archive.read(number)?;
    let pickle = pickle::read(&within, &bytes, 0, Names::Any)?;
    if pickle.end != bytes.len() {
        let (end, surplus) = (pickle.end as u64, (bytes.len() - pickle.end) as u64);
        return Err(WeightsError::Surplus { file: within, end, surplus });
    }
    let storages = Storages::new(file, places, big, Some(archive));
    walk::tensors(&within, &pickle, storages, size)
}

/// Of one folder and no deeper: the model's own files may be called so too.
fn is_pickle(name: &str) -> bool {
    name.strip_suffix(PICKLE).is_some_and(|root| !root.is_empty() && !root.contains('/'))
}
