//! What a model brings to be trained.

use upconv_weights::{Metadata, Weights};

use crate::error::{Result, TrainError};
use crate::part::Component;
use crate::scalars::Scalars;
use crate::state::State;

/// A model with its data, as the engine sees it: the engine knows when, the model knows what.
///
/// What a step does may depend on the [`Moment`] and on the state alone, never on a clock or on chance from outside:
/// then a run that is killed goes on to the same bits.
pub trait Trainee {
    /// Its networks. Their weights, averages and optimisers are kept and restored by the engine.
    fn parts(&mut self) -> Vec<&mut dyn Component>;

    /// What the weight files say about themselves.
    fn metadata(&self) -> Metadata;

    /// Steps of one pass over the data; none if they have no end.
    fn steps_per_epoch(&self) -> Option<u64> {
        None
    }

    /// Pictures of one step, for the speed that is shown.
    fn pictures_per_step(&self) -> u64 {
        1
    }

    /// Is called once before the first step, with where it is; a loader begins to read ahead there.
    ///
    /// # Errors
    /// Those of the data.
    fn begin(&mut self, _moment: &Moment) -> Result<()> {
        Ok(())
    }

    /// One step of every optimiser that has its turn.
    ///
    /// # Errors
    /// Those of the data and of the network.
    fn step(&mut self, moment: &Moment) -> Result<Scalars>;

    /// Measures the network on data it does not learn from; leaves the training as it is.
    ///
    /// # Errors
    /// Those of the data and of the network.
    fn evaluate(&mut self, _moment: &Moment) -> Result<Scalars> {
        Ok(Scalars::new())
    }

    /// A picture that shows what the network does now; leaves the training as it is.
    ///
    /// # Errors
    /// Those of the network.
    fn sample(&mut self, _moment: &Moment) -> Result<Option<Sample>> {
        Ok(None)
    }

    /// Puts what it has to keep beside its parts into `state`, such as a pool of earlier pictures.
    ///
    /// # Errors
    /// If a tensor cannot be kept.
    fn save(&self, _state: &mut State) -> Result<()> {
        Ok(())
    }

    /// Takes what [`Trainee::save`] gave.
    ///
    /// # Errors
    /// What is missing, or does not fit.
    fn load(&mut self, _state: &State) -> Result<()> {
        Ok(())
    }

    /// What people should know since the last step, a line each, such as pictures that cannot be read.
    fn notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Begins from weights of a file: by default those of the same model, complete.
    ///
    /// # Errors
    /// Weights of another model; tensors that are missing or of other shapes.
    fn begin_from(&mut self, file: &str, weights: &Weights) -> Result<()> {
        let own = self.metadata().model;
        if let Some(metadata) = weights.metadata().filter(|metadata| metadata.model != own) {
            let reason = format!("these weights are of model {:?}, not of {own:?}", metadata.model);
            return Err(TrainError::Mismatch { file: file.into(), reason });
        }
        self.parts().into_iter().try_for_each(|part| part.begin_from(file, weights))
    }
}

/// Where in a training something happens.
///
/// ```
/// use upconv_train::Moment;
/// let moment = Moment { step: 25, per_epoch: Some(10), seed: 7 };
/// assert_eq!((moment.epoch(), moment.within_epoch()), (2, 5));
/// assert_eq!(moment.chance("dropout"), moment.chance("dropout"));
/// assert_ne!(moment.chance("dropout"), moment.chance("latent"));
/// assert_ne!(moment.chance("dropout"), Moment { step: 26, ..moment }.chance("dropout"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Steps that are done.
    pub step: u64,
    /// Steps of one pass over the data.
    pub per_epoch: Option<u64>,
    /// The run's seed.
    pub seed: u64,
}

impl Moment {
    /// Whole passes over the data that are done.
    pub fn epoch(&self) -> u64 {
        self.per_epoch.filter(|&steps| steps > 0).map_or(0, |steps| self.step / steps)
    }

    /// Steps of this pass that are done.
    pub fn within_epoch(&self) -> u64 {
        self.per_epoch.filter(|&steps| steps > 0).map_or(self.step, |steps| self.step % steps)
    }

    /// A seed for what one `stream` of chance draws at this step, such as a mask of dropout. It depends on nothing that
    /// happened before, so no state of a generator has to be kept.
    pub fn chance(&self, stream: &str) -> u64 {
        chance(self.seed, stream, self.step)
    }
}

/// The first 8 bytes, little-endian, of SHA-256 over the seed, the step (8 bytes each, little-endian) and the stream's
/// name.
pub fn chance(seed: u64, stream: &str, step: u64) -> u64 {
    use sha2::{Digest, Sha256};
    let mut digest = Sha256::new();
    digest.update(seed.to_le_bytes());
    digest.update(step.to_le_bytes());
    digest.update(stream.as_bytes());
    let digest: [u8; 32] = digest.finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// A picture of 8-bit colours, `rgb: [height, width, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Rows and columns.
    pub size: upconv_data::Size,
    /// The colours, row by row.
    pub rgb: Vec<u8>,
}
