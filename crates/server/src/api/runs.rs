//! Runs of training: a list, one with its curves, and its sample pictures.

use std::path::Path as FilePath;
use std::time::SystemTime;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use upconv_explain::Lang;
use upconv_train::BestSoFar;
use upconv_train::run::metrics::Kind;
use upconv_train::run::{Curve, Curves, Point, samples};
use upconv_train::settings::Goal;
use utoipa::ToSchema;

use super::{Language, Refusals};
use crate::error::{ApiError, Result};
use crate::etag;
use crate::fields::{Fields, shown};
use crate::limits::MAX_PICTURE_BYTES;
use crate::router::App;
use crate::runs::{Runs, Seen, Summary};

/// Most items of a list among the settings; a longer one is told as a text.
const MAX_LIST: usize = 32;
/// Most characters of such a text.
const MAX_TEXT: usize = 400;
/// Whole numbers up to here are exact in JavaScript; others are told as a text.
const MAX_EXACT: u64 = 1 << 53;
/// Runs that are named where one is not found.
const NAMED: usize = 5;

/// Whether a process trains it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RunState {
    /// One does.
    Training,
    /// None does.
    Resting,
}

/// The best evaluation so far.
#[derive(Serialize, ToSchema)]
struct BestRow {
    /// What counts.
    metric: String,
    /// Its value.
    value: f64,
    /// Steps that were done.
    step: u64,
}

/// What makes an evaluation the best.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Rule {
    /// More is better.
    Max,
    /// Less is better.
    Min,
}

/// A run in a list. What cannot be read is null, and `problem` says why.
#[derive(Serialize, ToSchema)]
pub(super) struct RunSummary {
    /// What it is called here.
    name: String,
    /// The model's name.
    model: Option<String>,
    state: RunState,
    /// Steps that are done, by the last line of its numbers; before there is one, by its newest checkpoint.
    step: Option<u64>,
    /// Whole passes over the data that are done.
    epoch: Option<u64>,
    /// How long it is to be trained: `400 steps`, `1 epoch`.
    length: Option<String>,
    best: Option<BestRow>,
    rule: Option<Rule>,
    /// How many sample pictures there are.
    picture_count: usize,
    /// Since its numbers became more.
    seconds_since_change: Option<f64>,
    /// What of it cannot be read.
    problem: Option<String>,
}

/// All runs.
#[derive(Serialize, ToSchema)]
pub(super) struct RunList {
    /// In the order of the folders that were given, and of their names.
    runs: Vec<RunSummary>,
}

/// A number over the steps.
#[derive(Serialize, ToSchema)]
struct CurveRow {
    /// Its name.
    name: String,
    /// `train` or `evaluate`.
    kind: CurveKind,
    /// `[step, mean, low, high]` each, 600 at most: the last of the steps that a point stands for, and the mean and the
    /// extremes of their values.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<(u64, f64, f64, f64)>,
}

/// What a number is of.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CurveKind {
    /// Steps.
    Train,
    /// Evaluations.
    Evaluate,
}

/// A run with its curves.
#[derive(Serialize, ToSchema)]
pub(super) struct RunAnswer {
    #[serde(flatten)]
    summary: RunSummary,
    /// By dotted keys, such as `run.length`; values are texts, numbers, truth values and short lists of these.
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    /// In the order in which the run names them.
    curves: Vec<CurveRow>,
    /// Steps that have a sample picture.
    pictures: Vec<u64>,
    /// Steps that have a checkpoint.
    checkpoints: Vec<u64>,
}

/// All runs of training that this server shows.
#[utoipa::path(get, path = "/api/v1/runs", params(Language), responses((status = 200, body = RunList), Refusals))]
pub(super) async fn all_runs(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<RunList>> {
    let lang = language(query.as_deref())?;
    let known = app.runs.work(|runs| Ok(runs.all())).await?;
    let runs = known.into_iter().map(|known| RunSummary::of(known.name, &known.summary, lang));
    Ok(Json(RunList { runs: runs.collect() }))
}

/// A run with its settings and curves. Its tag does not depend on `seconds_since_change`.
#[utoipa::path(get, path = "/api/v1/runs/{name}", params(("name" = String, Path, description = "what the list calls it, `/` as `%2F`"), Language), responses((status = 200, body = RunAnswer), (status = 304, description = "nothing is new since the answer of this tag"), Refusals))]
pub(super) async fn one_run(
    State(app): State<App>,
    path: std::result::Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let lang = language(query.as_deref())?;
    let name = path.map(|Path(name)| name).unwrap_or_default();
    let work = move |runs: &Runs| {
        let folder = runs.folder(&name).ok_or_else(|| no_run(runs, &name, lang))?;
        let mut answer = RunAnswer::of(runs, name, &folder, lang);
        let since = answer.summary.seconds_since_change.take();
        let tag = etag::of(&json(&answer)?);
        answer.summary.seconds_since_change = since;
        Ok((tag, json(&answer)?))
    };
    let (tag, body) = app.runs.work(work).await?;
    // Weak, since two answers of one tag differ in how long ago it was.
    Ok(kept(&headers, "application/json", format!("W/{tag}"), body))
}

/// A sample picture of a run.
#[utoipa::path(get, path = "/api/v1/runs/{name}/pictures/{step}", params(("name" = String, Path, description = "what the list calls it, `/` as `%2F`"), ("step" = u64, Path, description = "one of its `pictures`"), Language), responses((status = 200, description = "the picture", content_type = "image/png", body = Vec<u8>), (status = 304, description = "the picture is still that of this tag"), Refusals))]
pub(super) async fn run_picture(
    State(app): State<App>,
    path: std::result::Result<Path<(String, String)>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let lang = language(query.as_deref())?;
    let (name, step) = path.map(|Path(parts)| parts).unwrap_or_default();
    let work = move |runs: &Runs| {
        let folder = runs.folder(&name).ok_or_else(|| no_run(runs, &name, lang))?;
        let digits = step.bytes().all(|digit| digit.is_ascii_digit());
        let number = step.parse().ok().filter(|_| digits);
        let number: u64 = number.ok_or_else(|| no_step(&step, lang))?;
        let picture = samples::read(&folder, number, MAX_PICTURE_BYTES as u64)
            .map_err(|error| unreadable(&error, lang))?;
        let picture = picture.ok_or_else(|| no_picture(number, lang))?;
        Ok((etag::of(&picture), picture))
    };
    let (tag, picture) = app.runs.work(work).await?;
    Ok(kept(&headers, "image/png", tag, picture))
}

/// The language, beside which these routes have no field.
fn language(query: Option<&str>) -> Result<Lang> {
    let fields = Fields::of_query(query)?;
    let lang = fields.lang;
    fields.done().map(|()| lang)
}

fn json(answer: &RunAnswer) -> Result<Vec<u8>> {
    serde_json::to_vec(answer).map_err(|_| ApiError::internal())
}

fn kept(headers: &HeaderMap, kind: &'static str, tag: String, body: Vec<u8>) -> Response {
    let same = etag::is_kept(headers, &tag);
    let own = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::ETAG, tag),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if same { (StatusCode::NOT_MODIFIED, own).into_response() } else { (own, body).into_response() }
}

fn no_run(runs: &Runs, name: &str, lang: Lang) -> ApiError {
    let all = runs.all();
    let known: Vec<String> = all.iter().take(NAMED).map(|known| shown(&known.name)).collect();
    let more = if all.len() > NAMED { ", …" } else { "" };
    let (name, known) = (shown(name), known.join(", ") + more);
    let message = match (lang, known.is_empty()) {
        (Lang::En, true) => format!("there is no run '{name}', and no other"),
        (Lang::En, false) => format!("there is no run '{name}'; there is: {known}"),
        (Lang::Zh, true) => format!("没有名为 '{name}' 的训练，也没有其他训练"),
        (Lang::Zh, false) => format!("没有名为 '{name}' 的训练；现有：{known}"),
    };
    ApiError::unknown("name", message)
}

fn no_step(step: &str, lang: Lang) -> ApiError {
    let step = shown(step);
    ApiError::field(
        "step",
        match lang {
            Lang::En => format!("step '{step}' is not a whole number of 0 or more"),
            Lang::Zh => format!("步数 '{step}' 不是非负整数"),
        },
    )
}

fn no_picture(step: u64, lang: Lang) -> ApiError {
    let message = match lang {
        Lang::En => format!("there is no picture of step {step}"),
        Lang::Zh => format!("第 {step} 步没有图片"),
    };
    ApiError::unknown("step", message)
}

fn unreadable(error: &upconv_train::TrainError, lang: Lang) -> ApiError {
    let why = crate::runs::why(error);
    ApiError::refused(upconv_explain::ErrorObject {
        message: match lang {
            Lang::En => format!("the picture cannot be read: {why}"),
            Lang::Zh => format!("图片无法读取：{why}"),
        },
        ..Default::default()
    })
}

impl RunSummary {
    fn of(name: String, seen: &Summary, lang: Lang) -> Self {
        let since = seen.changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        let problems: Vec<String> =
            seen.problems.iter().map(|problem| problem.message(lang)).collect();
        Self {
            name,
            model: seen.model.clone(),
            state: if seen.training { RunState::Training } else { RunState::Resting },
            step: seen.step,
            epoch: seen.epoch,
            length: seen.length.clone(),
            best: seen.best.clone().map(BestRow::from),
            rule: seen.goal.map(Rule::from),
            picture_count: seen.picture_count,
            seconds_since_change: since.map(|since| since.as_secs_f64()),
            problem: (!problems.is_empty()).then(|| problems.join(lang.pick("; ", "；"))),
        }
    }
}

impl RunAnswer {
    fn of(runs: &Runs, name: String, folder: &FilePath, lang: Lang) -> Self {
        let mut seen = Seen::new(folder);
        let curves = |curves: &Curves| curves.curves().iter().map(CurveRow::from).collect();
        let curves = runs.with_curves(folder, &mut seen, curves);
        let mut settings = Map::new();
        flatten("", seen.settings, &mut settings);
        Self {
            summary: RunSummary::of(name, &seen.summary, lang),
            settings,
            curves,
            pictures: seen.pictures,
            checkpoints: seen.checkpoints,
        }
    }
}

impl From<BestSoFar> for BestRow {
    fn from(best: BestSoFar) -> Self {
        Self { metric: best.metric, value: best.value, step: best.step }
    }
}

impl From<Goal> for Rule {
    fn from(goal: Goal) -> Self {
        match goal {
            Goal::Max => Self::Max,
            Goal::Min => Self::Min,
        }
    }
}

impl From<&Curve> for CurveRow {
    fn from(curve: &Curve) -> Self {
        let kind = match curve.kind {
            Kind::Train => CurveKind::Train,
            Kind::Evaluate => CurveKind::Evaluate,
        };
        let point = |point: &Point| (point.step, point.mean, point.low, point.high);
        Self { name: curve.name.clone(), kind, points: curve.points().iter().map(point).collect() }
    }
}

/// Tables within tables as dotted keys.
fn flatten(above: &str, table: toml::Table, flat: &mut Map<String, Value>) {
    for (key, value) in table {
        let key = if above.is_empty() { key } else { format!("{above}.{key}") };
        match value {
            toml::Value::Table(table) => flatten(&key, table, flat),
            toml::Value::Array(list) if list.len() <= MAX_LIST && list.iter().all(is_single) => {
                flat.insert(key, list.into_iter().map(single).collect());
            }
            other => {
                flat.insert(key, single(other));
            }
        }
    }
}

fn is_single(value: &toml::Value) -> bool {
    !matches!(value, toml::Value::Table(_) | toml::Value::Array(_))
}

/// As JSON; what that cannot say as a text.
fn single(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Integer(number) if number.unsigned_abs() <= MAX_EXACT => number.into(),
        toml::Value::Float(number) if number.is_finite() => number.into(),
        other => {
            let text = other.to_string();
            match text.char_indices().nth(MAX_TEXT) {
                Some((end, _)) => format!("{}…", &text[..end]).into(),
                None => text.into(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_flat() {
        let table = r#"
            a = 1
            half = 0.5
            none = nan
            seed = 9007199254740993
            on = 1979-05-27
            list = [1, "x", true]
            nested = [[1, 2]]
            empty = []
            [net.optimiser]
            kind = "adam"
            [[layer]]
            size = 3
            [nothing]
        "#;
        let mut flat = Map::new();
        flatten("", table.parse().unwrap(), &mut flat);
        let expected = json!({
            "a": 1, "half": 0.5, "none": "nan", "seed": "9007199254740993", "on": "1979-05-27",
            "list": [1, "x", true], "nested": "[[1, 2]]", "empty": [], "net.optimiser.kind": "adam",
            "layer": "[{ size = 3 }]",
        });
        assert_eq!(Value::Object(flat), expected);
        let long = toml::Value::Array(vec![toml::Value::Integer(1); 1000]);
        let mut flat = Map::new();
        flatten("", [("x".to_string(), long)].into_iter().collect(), &mut flat);
        assert_eq!(flat["x"].as_str().unwrap().chars().count(), MAX_TEXT + 1);
    }
}
