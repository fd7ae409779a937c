//! A network that learns the classes of pixels.

use std::collections::HashSet;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use upconv_data::augment::{RandomResize, resize};
use upconv_data::datasets::{
    Labelled, LabelledBatch, LabelledSource, Part as Portion, Segmentation, SegmentationFolder,
    VOID,
};
use upconv_data::loader::{Loader, LoaderState, Options, Source, Step};
use upconv_data::{DataError, Size};
use upconv_nn::ops;
use upconv_nn::parameters;
use upconv_nn::pass::Eager;
use upconv_train::part::{Component, Part};
use upconv_train::{Moment, Result, Sample, Scalars, State, TrainError, Trainee};
use upconv_weights::{Metadata, Tensor as Stored, Weights};

use super::figures::{Figures, View, best, eager, measure};
use super::networks::Network;
use super::settings::{DataSettings, Settings, of_net};
use crate::initial::draw;
use crate::segmentation::SCALE;
use crate::{picture, stored};

/// A network that learns the classes of pixels from a folder of images and masks.
///
/// What it shows the network at a step depends on the seed and on how far the loader has come, which is kept with every
/// checkpoint.
pub struct SegmentationTrainee<N: Network> {
    model: String,
    settings: Settings<N::Config>,
    part: Part<N>,
    view: View,
    source: Arc<LabelledSource>,
    validation: Option<Segmentation>,
    loader: Option<Loader<LabelledSource>>,
    /// Where the loader goes on.
    state: LoaderState,
    /// What was found wrong with pictures and not yet told.
    notes: Vec<String>,
    /// Pictures that were told of.
    told: HashSet<usize>,
}

impl<N: Network> std::fmt::Debug for SegmentationTrainee<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentationTrainee")
            .field("model", &self.model)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl<N: Network> SegmentationTrainee<N> {
    /// A network that begins as the seed of the run says.
    ///
    /// # Errors
    /// Settings without a meaning; a folder that cannot be used, or has another number of classes.
    pub fn new(model: &str, settings: Settings<N::Config>) -> Result<Self> {
        settings.data.check()?;
        let Settings { run, net, data, config, loss, input } = &settings;
        let folder = SegmentationFolder::open(&data.folder).map_err(TrainError::model)?;
        let classes = folder.classes.list().len();
        let set = *N::classes(&mut config.clone());
        if set != classes {
            let place = "config.classes".into();
            let reason = format!("{set}; {} has {classes} classes", data.folder.display());
            return Err(TrainError::Setting { place, reason });
        }
        loss.check(classes)?;
        let training = folder.part(Portion::Train).map_err(TrainError::model)?;
        let validation = folder.part(Portion::Val).ok();
        let size = training.load(0).map_err(TrainError::model)?.size();
        let Size { height, width } = resize::scaled(size, data.scale);
        let mut augment = data.augment.clone();
        if data.scale != 1.0 {
            let (min, max) = (data.scale, data.scale);
            augment.random_resize = Some(RandomResize { chance: 1.0, deviation: 0.0, min, max });
        }
        let cache = data.cache.saturating_mul(1 << 20);
        let source = LabelledSource::new(training, augment, cache).map_err(TrainError::model)?;
        let per_epoch = source.len().div_ceil(data.batch) as u64;
        let length = run.length.steps("run.length", Some(per_epoch))?;
        let network = N::of(config, &Device::flex().autodiff())
            .and_then(|network| draw(network, run.seed, N::initial))
            .map_err(TrainError::model)?;
        let mut view =
            View { input: input.input([height, width]), scale: data.scale, multiple: N::MULTIPLE };
        view.input.other.insert(SCALE.into(), data.scale.into());
        Ok(Self {
            model: model.into(),
            part: Part::new("", network, net, length).map_err(of_net)?,
            view,
            source: Arc::new(source),
            validation,
            loader: None,
            state: LoaderState { epoch: 0, position: 0, seed: run.seed },
            notes: folder.problems.iter().map(ToString::to_string).collect(),
            told: HashSet::new(),
            settings,
        })
    }

    fn next(&mut self) -> Result<LabelledBatch> {
        let loader = match &mut self.loader {
            Some(loader) => loader,
            none => {
                let options = Options::training(self.settings.data.batch);
                let loader = Loader::new(self.source.clone(), options, self.state);
                none.insert(loader.map_err(TrainError::model)?)
            }
        };
        let Step { batch, state, failed, .. } = match loader.next() {
            Some(step) => step.map_err(with_cure)?,
            None => return Err(TrainError::model("the data have an end")),
        };
        self.state = state;
        for failed in failed {
            if self.told.insert(failed.index) {
                self.notes.push(format!("{}; left out", failed.error));
            }
        }
        Ok(batch)
    }
}

/// What to do about pictures that cannot be put together.
fn with_cure(error: DataError) -> TrainError {
    match error {
        DataError::BatchSizes { .. } => TrainError::model(format!(
            "{error}; set data.augment.patch or data.augment.fixed_resize, or data.batch to 1"
        )),
        _ => TrainError::model(error),
    }
}

impl<N: Network> Trainee for SegmentationTrainee<N> {
    fn parts(&mut self) -> Vec<&mut dyn Component> {
        vec![&mut self.part]
    }

    fn metadata(&self) -> Metadata {
        let input = Some(self.view.input.clone());
        let classes = self.source.data().classes.list().iter();
        let labels = Some(classes.map(|class| class.name.clone()).collect());
        Metadata { labels, ..stored::metadata(&self.model, &self.settings.config, input) }
    }

    fn steps_per_epoch(&self) -> Option<u64> {
        Some(self.source.len().div_ceil(self.settings.data.batch) as u64)
    }

    fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn pictures_per_step(&self) -> u64 {
        self.settings.data.batch as u64
    }

    fn step(&mut self, moment: &Moment) -> Result<Scalars> {
        let LabelledBatch { count, size, images, labels } = self.next()?;
        let [h, w] = [size.height, size.width];
        let images = picture::planes_of(&self.view.input, &images, h * w);
        let (images, [high, wide]) = picture::padded(&images, [h, w], N::MULTIPLE);
        let labels = with_void(labels, [h, w], [high, wide]);
        let channels = self.view.input.order.channels();
        let images = TensorData::new(images, [count, channels, high, wide]);
        let x = Tensor::from_data(images, &Device::flex().autodiff());
        let mut pass = Eager::training(moment.chance("dropout"));
        let scores = self.part.module().forward(&mut pass, &x).map_err(TrainError::model)?;
        let descent = self.part.descend(self.settings.loss.of(scores, &labels)?)?;
        let scalars = Scalars::new().with("loss", descent.loss).with("rate", descent.rate);
        Ok(match descent.gradient_norm {
            None => scalars,
            Some(norm) => scalars.with("gradient_norm", norm),
        })
    }

    fn evaluate(&mut self, _: &Moment) -> Result<Scalars> {
        let Some(data) = &self.validation else { return Ok(Scalars::new()) };
        let Settings { data: DataSettings { evaluate, .. }, loss, .. } = &self.settings;
        let most = evaluate.unwrap_or(usize::MAX);
        let mut figures = Figures::new(data.classes.list().len())?;
        let net = self.part.for_use();
        measure(&mut figures, eager(&net), &self.view, data, most, loss)?;
        Ok(figures.scalars())
    }

    fn sample(&mut self, _: &Moment) -> Result<Option<Sample>> {
        let Some(data) = &self.validation else { return Ok(None) };
        let photo = data.load(0).map_err(TrainError::model)?;
        let scores = self.view.scores(eager(&self.part.for_use()), &photo)?;
        let p: Vec<f32> = ops::softmax(scores)?.into_data().iter::<f32>().collect();
        let found = best(&p, photo.size().pixels());
        let colour = |label: u8| Some(data.classes.list().get(usize::from(label))?.colour);
        let mut rgb = painted(&photo, &found, colour);
        rgb.extend(painted(&photo, photo.labels(), colour));
        let Size { height, width } = photo.size();
        Ok(Some(Sample { size: Size { height: 2 * height, width }, rgb }))
    }

    fn save(&self, state: &mut State) -> Result<()> {
        state.put_number("epoch", self.state.epoch)?;
        state.put_number("position", self.state.position)
    }

    fn load(&mut self, state: &State) -> Result<()> {
        let (epoch, position) = (state.get_number("epoch")?, state.get_number("position")?);
        self.state = LoaderState { epoch, position, seed: self.settings.run.seed };
        self.loader = None;
        Ok(())
    }

    /// Weights of the same model; for networks on VGG-16 also its weights, which become the trunk.
    fn begin_from(&mut self, file: &str, weights: &Weights) -> Result<()> {
        let config = &self.settings.config;
        let trunk = self.part.module().clone().with_trunk(config, file, weights);
        if let Some(network) = trunk {
            let all = parameters::get(&network.map_err(TrainError::model)?)?;
            let all = all.into_iter().map(|p| Stored::from_f32(p.name, &p.shape, &p.values));
            let all = Weights::new(None, all.collect::<std::result::Result<_, _>>()?)?;
            return self.part.begin_from(file, &all);
        }
        if let Some(found) = weights.metadata().filter(|metadata| metadata.model != self.model) {
            let reason =
                format!("these weights are of model {:?}, not of {:?}", found.model, self.model);
            return Err(TrainError::Mismatch { file: file.into(), reason });
        }
        self.part.begin_from(file, weights)
    }
}

/// Labels of pictures that were padded to the right and below, where nothing counts.
fn with_void(labels: Vec<u8>, [h, w]: [usize; 2], [high, wide]: [usize; 2]) -> Vec<u8> {
    if [h, w] == [high, wide] {
        return labels;
    }
    let mut padded = Vec::with_capacity(labels.len() / (h * w).max(1) * high * wide);
    for picture in labels.chunks_exact((h * w).max(1)) {
        let end = padded.len() + high * wide;
        for row in picture.chunks_exact(w) {
            padded.extend_from_slice(row);
            padded.resize(padded.len() + wide - w, VOID);
        }
        padded.resize(end, VOID);
    }
    padded
}

/// The picture, with the colours of classes beyond the first laid half over it.
fn painted(photo: &Labelled, labels: &[u8], colour: impl Fn(u8) -> Option<[u8; 3]>) -> Vec<u8> {
    let pixels = photo.rgb().as_chunks::<3>().0.iter().zip(labels);
    let half = |a: u8, b: u8| u8::midpoint(a, b);
    let paint = |(&[r, g, b], &label): (&[u8; 3], &u8)| match colour(label) {
        Some([red, green, blue]) if label > 0 => [half(r, red), half(g, green), half(b, blue)],
        _ => [r, g, b],
    };
    pixels.flat_map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_of_labels_is_void() {
        let v = VOID;
        let padded = with_void(vec![1, 2, 3, 4, 5, 6, 7, 8], [2, 2], [3, 4]);
        let expected = [1, 2, v, v, 3, 4, v, v, v, v, v, v, 5, 6, v, v, 7, 8, v, v, v, v, v, v];
        assert_eq!(padded, expected);
    }

    #[test]
    fn classes_are_painted_and_void_is_not() {
        let size = Size { height: 1, width: 3 };
        let photo = Labelled::new(size, vec![10; 9], vec![0, 1, VOID]).unwrap();
        let colour = |label: u8| {
            [Some([9; 3]), Some([250, 0, 10])].get(usize::from(label))?.as_ref().copied()
        };
        assert_eq!(painted(&photo, photo.labels(), colour), [10, 10, 10, 130, 5, 10, 10, 10, 10]);
    }
}
