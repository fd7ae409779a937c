//! Which models there are, and which networks are served.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use upconv_explain::Lang;
use upconv_models::registry::{self, Task};
use utoipa::ToSchema;

use super::network::Prepared;
use super::{Language, Refusals};
use crate::error::{ApiError, Result};
use crate::fields::{Fields, shown};
use crate::models::{Summary, Whole};
use crate::networks::{Problem, Served};
use crate::router::App;

/// Models and networks.
#[derive(Serialize, ToSchema)]
pub(super) struct Models {
    /// All models of the program, in its order.
    models: Vec<Summary>,
    /// What is served.
    networks: Vec<NetworkRow>,
}

/// A model with weights, under the name that questions give.
#[derive(Serialize, ToSchema)]
struct NetworkRow {
    /// What questions call it.
    name: String,
    /// The model.
    model: &'static str,
    /// What it does: `segment`, `classify` or `draw`.
    #[schema(value_type = Option<String>)]
    task: Option<Task>,
    /// The file of its weights or the run; null for those of the program.
    file: Option<String>,
    /// SHA-256 over the weights.
    weights_hash: String,
    /// Names of the classes.
    labels: Option<Vec<String>>,
    /// SPDX expression of the weights' licence.
    licence: Option<String>,
    /// Whom to name.
    attribution: Option<String>,
    /// How pictures are prepared.
    input: Option<InputRow>,
    /// `ready`; `old` if the file is gone, or what replaced it cannot be used.
    state: &'static str,
    /// Why it is old.
    problem: Option<String>,
}

/// How pictures are prepared for a network.
#[derive(Serialize, ToSchema)]
struct InputRow {
    /// Height and width.
    size: [usize; 2],
    #[serde(flatten)]
    prepared: Prepared,
}

impl NetworkRow {
    fn of(served: &Served, lang: Lang) -> Self {
        let loaded = served.now();
        let facts = &loaded.facts;
        let problem = served.problem();
        Self {
            name: served.name.clone(),
            model: loaded.entry.name,
            task: loaded.entry.task(),
            file: served.file(),
            weights_hash: facts.weights_hash.clone(),
            labels: facts.labels.clone(),
            licence: facts.licence.clone(),
            attribution: facts.attribution.clone(),
            input: facts
                .input
                .as_ref()
                .map(|input| InputRow { size: input.size, prepared: Prepared::of(input) }),
            state: if problem.is_none() { "ready" } else { "old" },
            problem: problem.as_ref().map(|problem: &Problem| problem.message(lang)),
        }
    }
}

/// Which models there are, and which of them answer.
#[utoipa::path(get, path = "/api/v1/models", params(Language), responses((status = 200, body = Models), Refusals))]
pub(super) async fn models(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Models>> {
    let fields = Fields::of_query(query.as_deref())?;
    let lang = fields.lang;
    fields.done()?;
    let models = app.pool.run(move || Summary::all(lang).map_err(|_| ApiError::internal())).await?;
    let networks = app.networks.iter().map(|served| NetworkRow::of(served, lang)).collect();
    Ok(Json(Models { models, networks }))
}

/// One model with its layers.
#[utoipa::path(get, path = "/api/v1/models/{name}", params(("name" = String, Path, description = "the model's name"), Language), responses((status = 200, body = Whole), Refusals))]
pub(super) async fn model(
    State(app): State<App>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Whole>> {
    let fields = Fields::of_query(query.as_deref())?;
    let lang = fields.lang;
    fields.done()?;
    let Ok(entry) = registry::find(&name) else {
        let name = shown(&name);
        let message = match lang {
            Lang::En => format!("there is no model '{name}'; /api/v1/models lists them"),
            Lang::Zh => format!("没有名为 '{name}' 的模型；/api/v1/models 列出全部"),
        };
        return Err(ApiError::unknown("name", message));
    };
    let work = move || Whole::of(entry, lang).map(Json).map_err(|_| ApiError::internal());
    app.pool.run(work).await
}
