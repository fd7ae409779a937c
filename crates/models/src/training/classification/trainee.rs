//! A network that learns the classes of pictures.

use std::collections::HashSet;
use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};
use upconv_data::Size;
use upconv_data::datasets::classified::{ClassifiedBatch, ClassifiedSource};
use upconv_data::datasets::{Classified, ClassifiedFolder, Part as Portion};
use upconv_data::loader::{Loader, LoaderState, Options, Step};
use upconv_nn::parameters;
use upconv_nn::pass::Eager;
use upconv_train::part::{Component, Part};
use upconv_train::{Moment, Result, Sample, Scalars, State, TrainError, Trainee};
use upconv_weights::metadata::Input;
use upconv_weights::{Metadata, Tensor as Stored, Weights};

use super::figures::{BATCH, Figures, best, measure};
use super::input::{prepare, prepared, size};
use super::networks::Classifying;
use super::settings::Settings;
use super::sheet;
use crate::initial::draw;
use crate::stored;
use crate::training::figures::eager;
use crate::training::loss::Loss;
use crate::training::settings::of_net;

/// The size of inputs where neither the network nor the pictures tell one.
const USUAL: Size = Size { height: 224, width: 224 };

/// A network that learns the classes of pictures.
///
/// What it shows the network at a step depends on the seed and on how far the loader has come, which is kept with every
/// checkpoint.
pub struct ClassificationTrainee<N: Classifying> {
    model: String,
    settings: Settings<N::Config>,
    part: Part<N>,
    input: Input,
    source: Arc<ClassifiedSource>,
    validation: Option<Classified>,
    loader: Option<Loader<ClassifiedSource>>,
    /// Where the loader goes on.
    state: LoaderState,
    /// What was found wrong with pictures and not yet told.
    notes: Vec<String>,
    /// Pictures that were told of.
    told: HashSet<usize>,
}

impl<N: Classifying> std::fmt::Debug for ClassificationTrainee<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClassificationTrainee")
            .field("model", &self.model)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Batches of one epoch.
fn batches(pictures: usize, batch: usize, drop_last: bool) -> u64 {
    let batches = if drop_last { pictures / batch } else { pictures.div_ceil(batch) };
    batches as u64
}

impl<N: Classifying> ClassificationTrainee<N> {
    /// A network that begins as the seed of the run says.
    ///
    /// # Errors
    /// Settings without a meaning; a folder that cannot be used, or has another number of classes.
    pub fn new(model: &str, settings: Settings<N::Config>) -> Result<Self> {
        settings.data.check()?;
        settings.loss.check()?;
        let Settings { run, net, data, config, frozen, .. } = &settings;
        let refuse =
            |place: &str, reason: String| TrainError::Setting { place: place.into(), reason };
        let folder =
            ClassifiedFolder::open(&data.folder, data.validation).map_err(TrainError::model)?;
        let classes = folder.classes.len();
        let set = *N::classes(&mut config.clone());
        if set != classes {
            let reason = format!("{set}; {} has {classes} classes", data.folder.display());
            return Err(refuse("config.classes", reason));
        }
        let training = folder.part(Portion::Train).map_err(TrainError::model)?;
        let validation = folder.part(Portion::Val).ok();
        let size = size(N::SIZE, &training, USUAL);
        let input = settings.input.input(size, &training)?;
        let [height, width] = input.size;
        let cache = data.cache.saturating_mul(1 << 20);
        let size = Size { height, width };
        let source =
            ClassifiedSource::new(training, size, prepare(input.clone()), data.jitter, cache);
        let per_epoch = batches(source.data().len(), data.batch, data.drop_last);
        if per_epoch == 0 {
            let reason = format!("{} of {} pictures", data.batch, source.data().len());
            return Err(refuse("data.batch", reason + "; legal with drop_last: no more than all"));
        }
        let length = run.length.steps("run.length", Some(per_epoch))?;
        let network = N::of(config, &Device::flex().autodiff())
            .and_then(|network| draw(network, run.seed, N::initial))
            .map_err(TrainError::model)?;
        let names = parameters::list(&network);
        for layer in &frozen.layers {
            let alone = super::settings::Frozen { layers: vec![layer.clone()] };
            if !names.iter().any(|(name, _)| alone.holds(name)) {
                let reason = format!("there is no layer {layer:?}");
                return Err(refuse("frozen.layers", reason));
            }
        }
        if names.iter().all(|(name, _)| frozen.holds(name)) {
            return Err(refuse("frozen.layers", "all; legal: some of them".into()));
        }
        let network = parameters::freeze(network, |name| frozen.holds(name));
        Ok(Self {
            model: model.into(),
            part: Part::new("", network, net, length).map_err(of_net)?,
            input,
            source: Arc::new(source),
            validation,
            loader: None,
            state: LoaderState { epoch: 0, position: 0, seed: run.seed },
            notes: folder.problems.iter().map(ToString::to_string).collect(),
            told: HashSet::new(),
            settings,
        })
    }

    fn next(&mut self) -> Result<ClassifiedBatch> {
        let loader = match &mut self.loader {
            Some(loader) => loader,
            none => {
                let data = &self.settings.data;
                let (order, drop_last) = (data.order, data.drop_last);
                let options = Options { order, drop_last, ..Options::training(data.batch) };
                let loader = Loader::new(self.source.clone(), options, self.state);
                none.insert(loader.map_err(TrainError::model)?)
            }
        };
        let Step { batch, state, failed, .. } = match loader.next() {
            Some(step) => step.map_err(TrainError::model)?,
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

/// Half of the sum of squares of all weights; nothing where there is none.
fn half_squares(module: &impl Module) -> Option<Tensor<1>> {
    #[derive(Default)]
    struct Squares {
        within: Vec<String>,
        sum: Option<Tensor<1>>,
    }
    impl ModuleVisitor for Squares {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.within.push(name.into());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.within.pop();
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.within.last().is_some_and(|name| name == "weight") {
                let weight = param.val();
                let own = (weight.clone() * weight).sum() / 2.0;
                self.sum = Some(match self.sum.take() {
                    None => own,
                    Some(sum) => sum + own,
                });
            }
        }
    }
    let mut squares = Squares::default();
    module.visit(&mut squares);
    squares.sum
}

impl<N: Classifying> Trainee for ClassificationTrainee<N> {
    fn parts(&mut self) -> Vec<&mut dyn Component> {
        vec![&mut self.part]
    }

    fn metadata(&self) -> Metadata {
        let labels = Some(self.source.data().classes.to_vec());
        let input = Some(self.input.clone());
        Metadata { labels, ..stored::metadata(&self.model, &self.settings.config, input) }
    }

    fn steps_per_epoch(&self) -> Option<u64> {
        let data = &self.settings.data;
        Some(batches(self.source.data().len(), data.batch, data.drop_last))
    }

    fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn pictures_per_step(&self) -> u64 {
        self.settings.data.batch as u64
    }

    fn step(&mut self, moment: &Moment) -> Result<Scalars> {
        let ClassifiedBatch { images, labels } = self.next()?;
        let ([h, w], channels) = (self.input.size, self.input.order.channels());
        let images = TensorData::new(images, [labels.len(), channels, h, w]);
        let x = Tensor::from_data(images, &Device::flex().autodiff());
        let mut pass = Eager::training(moment.chance("dropout"));
        let scores = self.part.module().forward(&mut pass, &x).map_err(TrainError::model)?;
        let [_, classes, ..] = scores.dims();
        let values = scores.clone().into_data();
        let values: Vec<f32> = values.iter::<f32>().collect();
        let right = values.chunks_exact(classes).zip(&labels);
        let right = right.filter(|(of_picture, label)| best(of_picture) == **label).count();
        let mut loss = Loss::default().of(scores, &labels)?;
        let factor = self.settings.loss.half_squares;
        if factor > 0.0
            && let Some(squares) = half_squares(self.part.module())
        {
            loss = loss + squares * factor;
        }
        let descent = self.part.descend(loss)?;
        let scalars = Scalars::new().with("loss", descent.loss);
        let scalars = scalars.with("accuracy", right as f64 / labels.len() as f64);
        let scalars = scalars.with("rate", descent.rate);
        Ok(match descent.gradient_norm {
            None => scalars,
            Some(norm) => scalars.with("gradient_norm", norm),
        })
    }

    fn evaluate(&mut self, _: &Moment) -> Result<Scalars> {
        let Some(data) = &self.validation else { return Ok(Scalars::new()) };
        let mut figures = Figures::new(data.classes.len())?;
        let net = self.part.for_use();
        let failed = measure(&mut figures, eager(&net), &self.input, data)?;
        // They are the same every time.
        if self.told.insert(usize::MAX) {
            self.notes.extend(failed);
        }
        Ok(figures.scalars())
    }

    fn sample(&mut self, _: &Moment) -> Result<Option<Sample>> {
        let data = self.validation.as_ref().unwrap_or(self.source.data());
        let (channels, [h, w]) = (self.input.order.channels(), self.input.size);
        let mut cells = Vec::new();
        let (mut images, mut labels) = (Vec::new(), Vec::new());
        for index in 0..data.len().min(sheet::PICTURES).min(BATCH) {
            let picture = data.load(index);
            if let (Ok(image), Some(label)) = (prepared(&self.input, &picture), data.label(index)) {
                images.extend(image);
                labels.push(label);
                cells.extend(picture);
            }
        }
        if labels.is_empty() {
            return Ok(None);
        }
        let net = self.part.for_use();
        let scores = eager(&net)(images, [labels.len(), channels, h, w])?;
        let [_, classes, ..] = scores.dims();
        let scores: Vec<f32> = scores.into_data().iter::<f32>().collect();
        let right = scores.chunks_exact(classes).zip(&labels);
        let right: Vec<bool> = right.map(|(scores, label)| best(scores) == *label).collect();
        Ok(Some(sheet::sheet(&cells, &right)))
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

    /// Weights of the same model; where the head is to be fresh, all but it.
    fn begin_from(&mut self, file: &str, weights: &Weights) -> Result<()> {
        if let Some(found) = weights.metadata().filter(|metadata| metadata.model != self.model) {
            let reason =
                format!("these weights are of model {:?}, not of {:?}", found.model, self.model);
            return Err(TrainError::Mismatch { file: file.into(), reason });
        }
        if !self.settings.fresh_head {
            return self.part.begin_from(file, weights);
        }
        let is_head =
            |name: &str| name.strip_prefix(N::HEAD).is_some_and(|rest| rest.starts_with('.'));
        let own = parameters::get(self.part.module())?;
        let head = own.into_iter().filter(|p| is_head(&p.name));
        let head = head.map(|p| Stored::from_f32(p.name, &p.shape, &p.values));
        let rest = weights.tensors().iter().filter(|tensor| !is_head(tensor.name()));
        let all = head.chain(rest.cloned().map(Ok)).collect::<std::result::Result<_, _>>()?;
        self.part.begin_from(file, &Weights::new(None, all)?)
    }
}
