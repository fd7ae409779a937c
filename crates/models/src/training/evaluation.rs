//! What weights of a file are worth, beside what needs no network.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use serde::Serialize;
use upconv_data::datasets::{Part, Segmentation, SegmentationFolder};
use upconv_nn::inference::NetworkOptions;
use upconv_train::metrics::baselines::{ColourTable, MeanMask};
use upconv_train::{Result, Scalars, TrainError};
use upconv_weights::Weights;
use upconv_weights::metadata::Input;

use super::begin::unknown;
use super::classification;
use super::figures::{Figures, View, compiled, measure};
use super::loss::Loss;
use super::networks::Network;
use super::road::RoadFigures;
use crate::error::ModelError;
use crate::fcn::{self, Fcn};
use crate::segmentation::Shapes;
use crate::segnet::{self, SegNet};
use crate::unet::{self, UNet};
use crate::{picture, segmentation, stored};

/// What weights are worth on a part of some data.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// The part that was looked at: `test` where it has masks, else `val`.
    pub part: String,
    /// Its pictures.
    pub pictures: usize,
    /// Figures of the network.
    pub metrics: Scalars,
    /// Figures of what needs no network and is fitted to the training part; for two classes only.
    pub baselines: BTreeMap<&'static str, Scalars>,
    /// Of classifiers, which class was taken for which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confusion: Option<Confusions>,
    /// Pictures that could not be looked at, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Which class was taken for which.
#[derive(Clone, Debug, Serialize)]
pub struct Confusions {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Pictures, by true class and then by what they were taken for.
    pub counts: Vec<Vec<u64>>,
}

/// Measures weights of a model.
///
/// # Errors
/// A model of another kind; weights that are not of it; data that cannot be used.
pub fn evaluate(model: &str, file: &Path, data: &Path) -> Result<Evaluation> {
    match model {
        fcn::NAME => of::<Fcn>(fcn::NAME, file, data),
        fcn::KITTISEG => of::<Fcn>(fcn::KITTISEG, file, data),
        unet::FAMILY => of::<UNet>(unet::FAMILY, file, data),
        segnet::NAME => of::<SegNet>(segnet::NAME, file, data),
        _ => classification::evaluate(model, file, data).unwrap_or_else(|| Err(unknown(model))),
    }
}

fn of<N: Network>(model: &'static str, file: &Path, data: &Path) -> Result<Evaluation> {
    let weights = Weights::read(file)?;
    let name = file.display().to_string();
    let mut config: N::Config =
        stored::settings(model, &name, &weights).map_err(TrainError::model)?;
    let net = N::of(&config, &Device::flex())
        .and_then(|net| stored::filled(net, &name, &weights))
        .map_err(TrainError::model)?;
    let folder = SegmentationFolder::open(data).map_err(TrainError::model)?;
    let (has, classes) = (*N::classes(&mut config), folder.classes.list().len());
    if has != classes {
        let what = format!("{name} has {has} classes, but {} has {classes}", data.display());
        return Err(TrainError::model(ModelError::Inner { model, what }));
    }
    let input = weights.metadata().and_then(|metadata| metadata.input.clone());
    let view = view::<N>(input.unwrap_or_else(|| picture::unit([0, 0])));
    let (part, data) = measured(&folder)?;
    let size = data.load(0).map_err(TrainError::model)?.size();
    let mut figures = Figures::thorough(classes, size)?;
    let shapes = Shapes::new(net, NetworkOptions::default());
    let network = compiled(&shapes);
    measure(&mut figures, network, &view, &data, usize::MAX, &Loss::default())?;
    let metrics = figures.scalars();
    let baselines = match classes {
        2 => baselines(&folder, &data)?,
        _ => BTreeMap::new(),
    };
    Ok(Evaluation {
        part: part.to_string(),
        pictures: data.pairs.len(),
        metrics,
        baselines,
        confusion: None,
        notes: Vec::new(),
    })
}

fn view<N: Network>(input: Input) -> View {
    View { scale: segmentation::scale(&input), multiple: N::MULTIPLE, input }
}

/// The test part where it has masks, else the validation part.
fn measured(folder: &SegmentationFolder) -> Result<(Part, Segmentation)> {
    let masked = |data: &Segmentation| data.pairs.iter().any(|pair| pair.mask.is_some());
    if let Some(test) = folder.part(Part::Test).ok().filter(masked) {
        return Ok((Part::Test, test));
    }
    Ok((Part::Val, folder.part(Part::Val).map_err(TrainError::model)?))
}

/// The mean mask and the table of colours.
fn baselines(
    folder: &SegmentationFolder,
    measured: &Segmentation,
) -> Result<BTreeMap<&'static str, Scalars>> {
    let Ok(training) = folder.part(Part::Train) else { return Ok(BTreeMap::new()) };
    let size = training.load(0).map_err(TrainError::model)?.size();
    let mut mean = MeanMask::new(size.height, size.width).map_err(TrainError::model)?;
    let mut table = ColourTable::new();
    for index in 0..training.pairs.len() {
        let photo = training.load(index).map_err(TrainError::model)?;
        let size = photo.size();
        mean.add(photo.labels(), size.height, size.width).map_err(TrainError::model)?;
        table.add(photo.rgb(), photo.labels()).map_err(TrainError::model)?;
    }
    let mut of_mean = RoadFigures::everywhere();
    let mut of_table = RoadFigures::everywhere();
    for (index, pair) in measured.pairs.iter().enumerate() {
        let calibration = pair.calibration.as_deref();
        let photo = measured.load(index).map_err(TrainError::model)?;
        let size = photo.size();
        let p = mean.probabilities(size.height, size.width).map_err(TrainError::model)?;
        of_mean.add(&p, photo.labels(), size, calibration)?;
        let p = table.probabilities(photo.rgb()).map_err(TrainError::model)?;
        of_table.add(&p, photo.labels(), size, calibration)?;
    }
    Ok(BTreeMap::from([("mean_mask", of_mean.scalars()), ("colour_table", of_table.scalars())]))
}
