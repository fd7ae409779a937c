//! From words to a run: which model, which data, which settings.

use std::path::{Path, PathBuf};

use upconv_data::datasets::SegmentationFolder;
use upconv_train::settings::{FromWeights, RunSettings, contradiction, overrides, resolve};
use upconv_train::{Result, Run, TrainError, Trainee};
use upconv_weights::format;

use super::classification;
use super::networks::{NAMES, Network};
use super::presets::Preset;
use super::segmentation::SegmentationTrainee;
use super::settings::Settings;
use crate::error::ModelError;
use crate::fcn::{self, Fcn};
use crate::segnet::{self, SegNet};
use crate::unet::{self, UNet};
use crate::upsampling::Upsampling;

/// What a user says about a new training.
#[derive(Clone, Debug, Default)]
pub struct Wishes<'a> {
    /// A preset; without it the first.
    pub preset: Option<&'a str>,
    /// So many times the published channels.
    pub width: Option<f64>,
    /// How maps become larger.
    pub upsample: Option<Upsampling>,
    /// Weights to begin with.
    pub from: Option<&'a Path>,
    /// Where all that is random comes from.
    pub seed: Option<u64>,
    /// `key=value` of single settings.
    pub set: &'a [String],
}

impl Wishes<'_> {
    /// The place of the wished preset among those of a model, by their names.
    pub(super) fn chosen(
        &self,
        model: &str,
        names: impl Iterator<Item = &'static str>,
    ) -> Result<usize> {
        let Some(name) = self.preset else { return Ok(0) };
        let names: Vec<&str> = names.collect();
        names.iter().position(|&known| known == name).ok_or_else(|| TrainError::Setting {
            place: "--preset".into(),
            reason: format!("{model} has no {name:?}; legal: {}", names.join(", ")),
        })
    }

    /// Writes the seed, and the weights to begin with, into the settings of a run.
    pub(super) fn enter(&self, run: &mut RunSettings) -> Result<()> {
        if let Some(seed) = self.seed {
            run.seed = seed;
        }
        if let Some(file) = self.from {
            let file = absolute(file)?;
            let weights_hash = format::open(&file)?.weights.weights_hash();
            run.from = Some(FromWeights { file, weights_hash });
        }
        Ok(())
    }
}

/// A path as a run keeps it, which may go on from another folder.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(path).map_err(|source| TrainError::Read { path: path.into(), source })
}

/// A run and what it trains.
pub type Begun = (Run, Box<dyn Trainee>);

/// Begins a run of a model in a new or empty folder; nothing is trained yet.
///
/// # Errors
/// An unknown model or preset; data that cannot be used; settings without a meaning, by key. The folder is not touched
/// then.
pub fn begin(model: &str, data: &Path, out: &Path, wishes: &Wishes<'_>) -> Result<Begun> {
    match model {
        fcn::NAME | fcn::KITTISEG => begin_as::<Fcn>(model, data, out, wishes),
        unet::FAMILY => begin_as::<UNet>(model, data, out, wishes),
        segnet::NAME => begin_as::<SegNet>(model, data, out, wishes),
        _ => classification::begin(model, data, out, wishes).unwrap_or_else(|| Err(unknown(model))),
    }
}

/// Opens a run to go on with it; `set` may say again what it was begun with.
///
/// # Errors
/// No run; one of another kind of model; a setting that contradicts it.
pub fn resume(folder: &Path, set: &[String]) -> Result<Begun> {
    let run = Run::open(folder)?;
    contradiction(run.table(), &overrides(set)?)?;
    let trainee = trainee(&run)?;
    Ok((run, trainee))
}

fn trainee(run: &Run) -> Result<Box<dyn Trainee>> {
    let model = run.model();
    Ok(match model {
        fcn::NAME | fcn::KITTISEG => {
            Box::new(SegmentationTrainee::<Fcn>::new(model, run.settings()?)?)
        }
        unet::FAMILY => Box::new(SegmentationTrainee::<UNet>::new(model, run.settings()?)?),
        segnet::NAME => Box::new(SegmentationTrainee::<SegNet>::new(model, run.settings()?)?),
        _ => return classification::resume(run).unwrap_or_else(|| Err(unknown(model))),
    })
}

pub(super) fn unknown(model: &str) -> TrainError {
    let known = NAMES.iter().chain(&classification::NAMES).copied().collect::<Vec<_>>().join(", ");
    TrainError::model(ModelError::Unknown { name: model.into(), known })
}

fn begin_as<N: Network + 'static>(
    model: &str,
    data: &Path,
    out: &Path,
    wishes: &Wishes<'_>,
) -> Result<Begun> {
    let settings = settings::<N>(model, data, wishes)?;
    let trainee = SegmentationTrainee::<N>::new(model, settings.clone())?;
    let run = Run::create(out, model, &settings)?;
    Ok((run, Box::new(trainee)))
}

/// The preset, with what was wished.
fn settings<N: Network>(
    model: &str,
    data: &Path,
    wishes: &Wishes<'_>,
) -> Result<Settings<N::Config>> {
    let refuse = |place: &str, reason: String| TrainError::Setting { place: place.into(), reason };
    let mut presets = N::presets();
    let at = wishes.chosen(model, presets.iter().map(|preset| preset.name))?;
    let Preset { width, mut settings, .. } = presets.swap_remove(at);
    let width = wishes.width.unwrap_or(width);
    if !(width > 0.0 && width <= 16.0) {
        return Err(refuse("--width", format!("{width}; legal: above 0, up to 16")));
    }
    settings.config = N::wide(settings.config, width);
    if let Some(upsample) = wishes.upsample {
        *N::upsample(&mut settings.config) = upsample;
    }
    let folder = absolute(data)?;
    let found = SegmentationFolder::open(&folder).map_err(TrainError::model)?;
    *N::classes(&mut settings.config) = found.classes.list().len();
    settings.data.folder = folder;
    wishes.enter(&mut settings.run)?;
    let settings: Settings<N::Config> =
        resolve("--set", &settings, Default::default(), overrides(wishes.set)?)?;
    settings.run.check()?;
    Ok(settings)
}
