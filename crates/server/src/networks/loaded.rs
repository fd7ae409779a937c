//! Weights that became a network, and what they say of themselves.

use std::fmt;

use upconv_data::Segment;
use upconv_models::classify::{Classifier, Crop};
use upconv_models::registry::Entry;
use upconv_models::sample::Draw;
use upconv_models::segmentation::SegmentOptions;
use upconv_models::segmentation::tiles::Tiles;
use upconv_weights::Weights;
use upconv_weights::metadata::Input;

use super::NetworkError;
use crate::error::ApiError;
use crate::limits::{TILE, WHOLE_BYTES};

/// A network that runs.
enum Kind {
    Segment(Box<dyn Segment>),
    Classify(Box<Classifier>),
    Draw(Box<dyn Draw>),
}

/// What the weights say of themselves.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) weights_hash: String,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) licence: Option<String>,
    pub(crate) attribution: Option<String>,
    pub(crate) input: Option<Input>,
}

/// Both.
pub(crate) struct Loaded {
    pub(crate) entry: &'static Entry,
    kind: Kind,
    pub(crate) facts: Facts,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Loaded {} {}", self.entry.name, self.facts.weights_hash)
    }
}

impl Loaded {
    /// The network of weights that errors call `file`.
    ///
    /// # Errors
    /// Weights that the model cannot load; a model that does nothing with pictures.
    pub(crate) fn of(
        entry: &'static Entry,
        file: &str,
        weights: &Weights,
    ) -> Result<Self, NetworkError> {
        // Sides up to the largest that a part has run as a whole, as `upconv segment` runs them.
        let tiles = Some(Tiles::new(TILE, None)?);
        let options = SegmentOptions { class: None, tiles, whole_up_to: WHOLE_BYTES };
        let kind = if let Some(net) = entry.segmenter(file, weights, &options)? {
            Kind::Segment(net)
        } else if entry.classifies() {
            Kind::Classify(Box::new(Classifier::new(file, weights, Crop::Center)?))
        } else if let Some(net) = entry.sampler(file, weights)? {
            Kind::Draw(net)
        } else {
            let reason = format!("{} does nothing with pictures", entry.name);
            return Err(NetworkError::Unusable { file: file.into(), reason });
        };
        let metadata = weights.metadata().cloned();
        let labels = match &kind {
            Kind::Classify(net) => {
                Some(net.labels().iter().map(|label| label.label.clone()).collect())
            }
            _ => metadata.as_ref().and_then(|metadata| metadata.labels.clone()),
        };
        let facts = Facts {
            weights_hash: weights.weights_hash(),
            labels,
            licence: metadata.as_ref().and_then(|metadata| metadata.licence.clone()),
            attribution: metadata.as_ref().and_then(|metadata| metadata.attribution.clone()),
            input: metadata.and_then(|metadata| metadata.input),
        };
        Ok(Self { entry, kind, facts })
    }

    /// As what cuts out.
    ///
    /// # Errors
    /// If it does something else: another file came in its place after the network was chosen.
    pub(crate) fn segmenter(&self) -> Result<&dyn Segment, ApiError> {
        match &self.kind {
            Kind::Segment(net) => Ok(&**net),
            _ => Err(ApiError::busy()),
        }
    }

    /// As what classifies.
    ///
    /// # Errors
    /// As [`Loaded::segmenter`].
    pub(crate) fn classifier(&self) -> Result<&Classifier, ApiError> {
        match &self.kind {
            Kind::Classify(net) => Ok(net),
            _ => Err(ApiError::busy()),
        }
    }

    /// As what draws.
    ///
    /// # Errors
    /// As [`Loaded::segmenter`].
    pub(crate) fn sampler(&self) -> Result<&dyn Draw, ApiError> {
        match &self.kind {
            Kind::Draw(net) => Ok(&**net),
            _ => Err(ApiError::busy()),
        }
    }
}
