//! What weights of a classifier are worth.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use upconv_data::datasets::{Classified, ClassifiedFolder, Part};
use upconv_nn::inference::NetworkOptions;
use upconv_train::{Result, Scalars, TrainError};
use upconv_weights::Weights;

use super::figures::{Figures, measure};
use super::networks::Classifying;
use super::with_network;
use crate::error::ModelError;
use crate::registry;
use crate::segmentation::Shapes;
use crate::stored;
use crate::training::evaluation::{Confusions, Evaluation};
use crate::training::figures::compiled;

/// Measures weights of a classifier; `None` for a model of another kind.
pub(in crate::training) fn evaluate(
    model: &str,
    file: &Path,
    data: &Path,
) -> Option<Result<Evaluation>> {
    let model = registry::MODELS.iter().find(|entry| entry.name == model)?.name;
    with_network!(model, of::<N>(model, file, data))
}

fn of<N: Classifying>(model: &'static str, file: &Path, data: &Path) -> Result<Evaluation> {
    let weights = Weights::read(file)?;
    let name = file.display().to_string();
    let refuse = |what: String| TrainError::model(ModelError::Inner { model, what });
    let mut config: N::Config =
        stored::settings(model, &name, &weights).map_err(TrainError::model)?;
    let net = N::of(&config, &Device::flex())
        .and_then(|net| stored::filled(net, &name, &weights))
        .map_err(TrainError::model)?;
    let folder = ClassifiedFolder::open(data, None).map_err(TrainError::model)?;
    let (has, classes) = (*N::classes(&mut config), folder.classes.len());
    if has != classes {
        return Err(refuse(format!(
            "{name} has {has} classes, but {} has {classes}",
            data.display()
        )));
    }
    let metadata = weights.metadata();
    if let Some(labels) = metadata.and_then(|metadata| metadata.labels.as_ref())
        && labels[..] != folder.classes[..]
    {
        return Err(refuse(format!(
            "{name} has the classes {}, but {} has {}",
            labels.join(", "),
            data.display(),
            folder.classes.join(", ")
        )));
    }
    let input = metadata.and_then(|metadata| metadata.input.clone());
    let input = input.ok_or_else(|| refuse(format!("{name}: input: is missing")))?;
    let (part, measured) = match folder.part(Part::Test) {
        Ok(test) => (Part::Test, test),
        Err(_) => (Part::Val, folder.part(Part::Val).map_err(TrainError::model)?),
    };
    let mut figures = Figures::new(classes)?;
    let shapes = Shapes::new(net, NetworkOptions::default());
    let notes = measure(&mut figures, compiled(&shapes), &input, &measured)?;
    let mut baselines = BTreeMap::new();
    if let Ok(training) = folder.part(Part::Train) {
        let accuracy = majority(&training, &measured, classes);
        baselines.insert("majority", Scalars::new().with("accuracy", accuracy));
    }
    let confusion = figures.confusion();
    let row = |truth: usize| (0..classes).map(|found| confusion.count(truth, found)).collect();
    Ok(Evaluation {
        part: part.to_string(),
        pictures: measured.len() - notes.len(),
        metrics: figures.thorough(),
        baselines,
        confusion: Some(Confusions {
            classes: folder.classes.to_vec(),
            counts: (0..classes).map(row).collect(),
        }),
        notes,
    })
}

/// The accuracy of always saying the class that training pictures have most often, the first among equals.
fn majority(training: &Classified, measured: &Classified, classes: usize) -> f64 {
    let counts = |data: &Classified| {
        let mut counts = vec![0usize; classes];
        for label in (0..data.len()).filter_map(|index| data.label(index)) {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts
    };
    let mut most = (0, 0);
    for (class, count) in counts(training).into_iter().enumerate() {
        if count > most.1 {
            most = (class, count);
        }
    }
    let share = counts(measured).get(most.0).copied().unwrap_or_default();
    share as f64 / measured.len().max(1) as f64
}
