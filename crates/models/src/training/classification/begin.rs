//! From words to a run of a classifier.

use std::path::Path;

use upconv_data::datasets::ClassifiedFolder;
use upconv_train::settings::{overrides, resolve};
use upconv_train::{Result, Run, TrainError, Trainee};

use super::networks::Classifying;
use super::settings::Settings;
use super::trainee::ClassificationTrainee;
use super::{NAMES, with_network};
use crate::training::begin::{Begun, Wishes, absolute};

/// Begins a run of a classifier; `None` for a model of another kind.
pub(in crate::training) fn begin(
    model: &str,
    data: &Path,
    out: &Path,
    wishes: &Wishes<'_>,
) -> Option<Result<Begun>> {
    NAMES.contains(&model).then_some(())?;
    with_network!(model, begin_as::<N>(model, data, out, wishes))
}

/// What a run trains, if it is a classifier.
pub(in crate::training) fn resume(run: &Run) -> Option<Result<Box<dyn Trainee>>> {
    with_network!(run.model(), trainee::<N>(run))
}

fn trainee<N: Classifying + 'static>(run: &Run) -> Result<Box<dyn Trainee>> {
    Ok(Box::new(ClassificationTrainee::<N>::new(run.model(), run.settings()?)?))
}

fn begin_as<N: Classifying + 'static>(
    model: &str,
    data: &Path,
    out: &Path,
    wishes: &Wishes<'_>,
) -> Result<Begun> {
    let refuse = |place: &str, reason: String| TrainError::Setting { place: place.into(), reason };
    for (place, given) in
        [("--width", wishes.width.is_some()), ("--upsample", wishes.upsample.is_some())]
    {
        if given {
            return Err(refuse(place, format!("{model} has none; see config in config.toml")));
        }
    }
    let mut presets = N::presets(model);
    let at = wishes.chosen(model, presets.iter().map(|preset| preset.name))?;
    started::<N>(model, presets.swap_remove(at).settings, data, out, wishes)
}

/// A run with settings to which data and wishes are added.
pub(super) fn started<N: Classifying + 'static>(
    model: &str,
    mut settings: Settings<N::Config>,
    data: &Path,
    out: &Path,
    wishes: &Wishes<'_>,
) -> Result<Begun> {
    let folder = absolute(data)?;
    let found = ClassifiedFolder::open(&folder, Some(0)).map_err(TrainError::model)?;
    *N::classes(&mut settings.config) = found.classes.len();
    drop(found);
    settings.data.folder = folder;
    wishes.enter(&mut settings.run)?;
    let settings: Settings<N::Config> =
        resolve("--set", &settings, Default::default(), overrides(wishes.set)?)?;
    settings.run.check()?;
    let trainee = ClassificationTrainee::<N>::new(model, settings.clone())?;
    let run = Run::create(out, model, &settings)?;
    Ok((run, Box::new(trainee)))
}
