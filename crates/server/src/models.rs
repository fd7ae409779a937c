//! What there is to know of a model, for the command line and the API alike.

use std::sync::OnceLock;

use serde::Serialize;
use upconv_data::fetch;
use upconv_explain::Lang;
use upconv_models::registry::{Entry, MODELS, Task, Text, Totals};
use upconv_models::{Layer, ModelError};
use utoipa::ToSchema;

/// A model in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Summary {
    /// The name on the command line and in weight files.
    pub name: &'static str,
    /// What it is.
    pub system: &'static str,
    /// Where it comes from.
    pub paper: &'static str,
    /// Sums over its layers.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub totals: Totals,
    /// `[n, channels, height, width]` of the input that its weights are for, or of a usual one.
    pub input: [usize; 4],
    /// Weights that come with the program.
    pub weights: &'static [&'static str],
    /// What one takes it for.
    pub strengths: &'static str,
    /// What it cannot do.
    pub weaknesses: &'static str,
    /// What to take instead, and when.
    pub choose_instead: &'static str,
    /// What it does with pictures: `segment`, `classify` or `draw`.
    #[schema(value_type = Option<String>)]
    pub task: Option<Task>,
    /// The file of weights, to convert, that `upconv data fetch NAME DIR` puts into a folder; null if it brings none.
    pub fetched: Option<&'static str>,
}

/// A model with its layers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Whole {
    /// What it is.
    #[serde(flatten)]
    pub summary: Summary,
    /// For one image, in the order in which they run.
    #[schema(value_type = Vec<Object>)]
    pub layers: Vec<Layer>,
}

impl Summary {
    /// Of one model.
    ///
    /// # Errors
    /// None for a model that is built in; the type is that of the network's own description.
    ///
    /// ```
    /// use upconv_explain::Lang;
    /// use upconv_server::models::Summary;
    /// let selfie = Summary::of(upconv_models::registry::find("selfie")?, Lang::En)?;
    /// assert_eq!((selfie.totals.parameters, selfie.input), (106_401, [1, 3, 256, 256]));
    /// # Ok::<(), upconv_models::ModelError>(())
    /// ```
    pub fn of(entry: &Entry, lang: Lang) -> Result<Self, ModelError> {
        Ok(Self::with(entry, entry.totals()?, lang))
    }

    /// Of all models, in the order of the registry. Sums are taken once.
    ///
    /// # Errors
    /// As [`Summary::of`].
    pub fn all(lang: Lang) -> Result<Vec<Self>, ModelError> {
        static TOTALS: OnceLock<Vec<Totals>> = OnceLock::new();
        let totals = match TOTALS.get() {
            Some(totals) => totals,
            None => {
                let counted = MODELS.iter().map(Entry::totals).collect::<Result<_, _>>()?;
                TOTALS.get_or_init(|| counted)
            }
        };
        let with = |(entry, &totals): (&Entry, &Totals)| Self::with(entry, totals, lang);
        Ok(MODELS.iter().zip(totals).map(with).collect())
    }

    fn with(entry: &Entry, totals: Totals, lang: Lang) -> Self {
        let say = |text: Text| lang.pick(text.en, text.zh);
        Self {
            name: entry.name,
            system: say(entry.system),
            paper: entry.paper,
            totals,
            input: entry.input,
            weights: entry.weights,
            strengths: say(entry.strengths),
            weaknesses: say(entry.weaknesses),
            choose_instead: say(entry.choose_instead),
            task: entry.task(),
            fetched: fetch::find(entry.name).and_then(|set| set.weights()).map(|of| of.file),
        }
    }
}

impl Whole {
    /// Of one model.
    ///
    /// # Errors
    /// As [`Summary::of`].
    pub fn of(entry: &Entry, lang: Lang) -> Result<Self, ModelError> {
        Ok(Self { summary: Summary::of(entry, lang)?, layers: entry.layers()? })
    }
}
