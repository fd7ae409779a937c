//! The networks that are served: those whose weights come with the program, and those that whoever started the server
//! named.
//!
//! A network is made once and kept in memory. Its file is looked at from time to time: another file in its place becomes
//! the network once it can be used, and until then, or if the file is gone, the one that was read before answers.

mod loaded;
mod served;

use std::path::PathBuf;

use upconv_explain::Lang;
use upconv_models::ModelError;
use upconv_models::registry::{MODELS, Task};
use upconv_train::TrainError;
use upconv_weights::WeightsError;

use crate::budget::Budget;
use crate::error::{ApiError, Result};
use crate::gate::Pool;
use crate::limits::{NETWORK_BYTES, NETWORK_WAITING};

pub(crate) use loaded::Loaded;
pub(crate) use served::{Problem, Served};

/// Weights that are served beside those of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenWeights {
    /// What requests call the network; the file's name without its ending, or the run's.
    pub name: Option<String>,
    /// A file of weights, or the folder of a run for the best of it.
    pub path: PathBuf,
}

/// Why a network cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// A name that two networks would have.
    #[error("two networks would be called {name}; NAME=PATH gives one of them another name")]
    Twice {
        /// The name.
        name: String,
    },
    /// A name that no address can hold.
    #[error(
        "{name:?} cannot be a network's name: legal are letters, digits, '.', '-' and '_'; NAME=PATH gives another one"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A run that holds no weights.
    #[error(transparent)]
    Run(#[from] TrainError),
    /// Weights that cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Weights that no model can use.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file of weights without what a network needs.
    #[error("{file}: {reason}")]
    Unusable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
}

impl NetworkError {
    /// The file that is wrong, where it is one.
    pub fn file(&self) -> Option<String> {
        match self {
            Self::Weights(error) => error.file().map(Into::into),
            Self::Unusable { file, .. } => Some(file.clone()),
            Self::Twice { .. } | Self::Name { .. } | Self::Run(_) | Self::Model(_) => None,
        }
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Networks {
    served: Vec<Served>,
    /// Threads of their own, so that short questions never wait behind a network.
    pub(crate) pool: Pool,
    /// What all pictures in work and all answers take.
    pub(crate) memory: Budget,
}

impl Networks {
    /// Reads all of them.
    ///
    /// # Errors
    /// Weights that cannot be used; names that do not tell them apart.
    pub(crate) fn new(
        given: &[GivenWeights],
        pool: Pool,
    ) -> std::result::Result<Self, NetworkError> {
        let built_in = MODELS.iter().filter_map(Served::built_in);
        let given = given.iter().map(Served::given);
        // With all threads: packing weights is work.
        let served =
            pool.install(|| built_in.chain(given).collect::<std::result::Result<Vec<_>, _>>())?;
        for (place, one) in served.iter().enumerate() {
            if served[..place].iter().any(|other| other.name == one.name) {
                return Err(NetworkError::Twice { name: one.name.clone() });
            }
        }
        Ok(Self { served, pool, memory: Budget::new(NETWORK_BYTES) })
    }

    /// A pool for networks.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub(crate) fn pool(threads: usize) -> std::io::Result<Pool> {
        Pool::new("network", threads, NETWORK_WAITING).map_err(std::io::Error::other)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Served> {
        self.served.iter()
    }

    /// Looks whether files have changed; takes a while where one has.
    pub(crate) fn look_again(&self) {
        self.pool.install(|| self.served.iter().for_each(Served::look_again));
    }

    /// The network of that name for a task; without a name `usual`, or else the only one.
    ///
    /// # Errors
    /// If there is none, or none is named and there are several.
    pub(crate) fn find(
        &self,
        name: Option<&str>,
        task: Task,
        usual: Option<&str>,
        lang: Lang,
    ) -> Result<&Served> {
        let able = || self.served.iter().filter(|one| one.entry().task() == Some(task));
        let names = || able().map(|one| &*one.name).collect::<Vec<_>>().join(", ");
        let wrong = |message| Err(ApiError::field("model", message));
        let Some(name) = name.or(usual) else {
            return match (able().next(), able().nth(1)) {
                (Some(only), None) => Ok(only),
                (None, _) => wrong(match lang {
                    Lang::En => {
                        "no network for this is served; `upconv serve --weights FILE` serves one"
                            .into()
                    }
                    Lang::Zh => {
                        "没有提供可完成此任务的网络；可用 `upconv serve --weights FILE` 提供".into()
                    }
                }),
                (Some(_), Some(_)) => wrong(match lang {
                    Lang::En => format!("model is missing; legal: {}", names()),
                    Lang::Zh => format!("缺少 model；合法的有：{}", names()),
                }),
            };
        };
        able().find(|one| one.name == name).map(Ok).unwrap_or_else(|| {
            let name = crate::fields::shown(name);
            wrong(match lang {
                Lang::En => format!("model '{name}' is not served for this; legal: {}", names()),
                Lang::Zh => format!("此任务没有名为 '{name}' 的 model；合法的有：{}", names()),
            })
        })
    }
}
