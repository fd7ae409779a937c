//! Runs of training, asked for as a page asks for them, while they are written.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;
use upconv_server::{App, Settings, openapi, router};
use upconv_train::run::checkpoint::{self, Content};
use upconv_train::run::metrics::{Kind, Line, Metrics};
use upconv_train::settings::{Best, Goal, RunSettings, Span};
use upconv_train::{BestSoFar, Run, Scalars, Standing};
use upconv_weights::Weights;

/// What an answer says.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// A server that shows the runs below a folder.
fn server(folders: &[&Path]) -> Router {
    let runs = folders.iter().map(|folder| folder.to_path_buf()).collect();
    let settings = Settings {
        addr: ([127, 0, 0, 1], 0).into(),
        token: None,
        threads: 2,
        weights: vec![],
        runs,
    };
    router(App::new(&settings).expect("threads"))
}

async fn ask(server: &Router, request: Request<Body>) -> Answer {
    let response = server.clone().oneshot(request).await.expect("it always answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec();
    Answer { status, headers, body }
}

async fn get(server: &Router, path: &str) -> Answer {
    ask(server, Request::get(format!("/api/v1/{path}")).body(Body::empty()).unwrap()).await
}

/// The runs of the list, by name.
async fn list(server: &Router) -> Vec<Value> {
    let answer = get(server, "runs").await;
    assert_eq!(answer.status, 200);
    answer.json()["runs"].as_array().expect("a list").clone()
}

/// Until folders are looked at anew.
async fn a_second() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

const CONFIG: &str = "# The settings of this run.\nschema = 1\nmodel = \"demo\"\n\
                      [run]\nlength = 40\n[net]\nrate = 0.5\n";

/// The folder of a run, written by hand.
fn folder(root: &Path, name: &str, config: &str, metrics: &str) -> PathBuf {
    let folder = root.join(name);
    fs::create_dir_all(folder.join("samples")).unwrap();
    fs::write(folder.join("config.toml"), config).unwrap();
    fs::write(folder.join("metrics.jsonl"), metrics).unwrap();
    folder
}

fn line(step: u64, loss: f64) -> String {
    format!("{{\"step\":{step},\"epoch\":{},\"kind\":\"train\",\"loss\":{loss}}}\n", step / 10)
}

fn append(run: &Path, text: &str) {
    let file = File::options().append(true).open(run.join("metrics.jsonl"));
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

#[derive(Default, serde::Serialize)]
struct TrainSettings {
    run: RunSettings,
    batch: usize,
    folder: String,
}

/// All members of the contract, of a run that the engine's own code wrote.
#[tokio::test]
async fn a_run_as_the_engine_writes_it() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("roads/fcn8s");
    fs::create_dir(root.path().join("roads")).unwrap();
    let best = Best { metric: "max_f1".into(), goal: Goal::Max, margin: 0.0, patience: None };
    let run = RunSettings { length: Span::Epochs(10), best: Some(best), ..Default::default() };
    let settings = TrainSettings { run, batch: 4, folder: "pictures".into() };
    let run = Run::create(&path, "fcn8s", &settings).unwrap();
    let mut metrics = Metrics::open(&path.join("metrics.jsonl"), 0).unwrap();
    let mut log = |step, kind, scalars: &Scalars| {
        metrics.append(&Line { step, epoch: step / 40, kind, scalars }).unwrap();
    };
    for step in 1..=120 {
        log(step, Kind::Train, &Scalars::new().with("loss", 1.0 / step as f64).with("rate", 0.5));
        if step % 50 == 0 {
            log(step, Kind::Evaluate, &Scalars::new().with("loss", 2.0).with("max_f1", 0.93));
        }
    }
    let best = BestSoFar { step: 100, metric: "max_f1".into(), value: 0.93 };
    let standing = Standing { best: Some(best), ..Default::default() };
    fs::create_dir(path.join("checkpoints")).unwrap();
    for step in [50, 100] {
        let content = Content {
            model: "fcn8s",
            step,
            standing: &standing,
            settings: run.table(),
            weights: Weights::new(None, Vec::new()).unwrap(),
            averaged: None,
            state: Vec::new(),
        };
        checkpoint::write(&path.join("checkpoints"), content).unwrap();
    }
    fs::create_dir(path.join("samples")).unwrap();
    for step in [60, 120] {
        fs::write(path.join(format!("samples/step-{step:09}.png")), [7, step as u8]).unwrap();
    }
    let server = server(&[root.path()]);
    let runs = list(&server).await;
    let mut summary = runs[0].clone();
    let since = summary["seconds_since_change"].take();
    assert!(since.as_f64().is_some_and(|since| (0.0..60.0).contains(&since)), "{since}");
    assert_eq!(
        summary,
        json!({
            "name": "roads/fcn8s", "model": "fcn8s", "state": "training", "step": 120, "epoch": 3,
            "length": "10 epochs", "best": {"metric": "max_f1", "value": 0.93, "step": 100},
            "rule": "max", "picture_count": 2, "seconds_since_change": null, "problem": null,
        })
    );
    let answer = get(&server, "runs/roads%2Ffcn8s").await;
    assert_eq!(
        (answer.status, &answer.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/json".parse().unwrap())
    );
    let mut one = answer.json();
    one["seconds_since_change"].take();
    for (member, value) in summary.as_object().unwrap() {
        assert_eq!(&one[member], value, "{member}");
    }
    assert_eq!((&one["pictures"], &one["checkpoints"]), (&json!([60, 120]), &json!([50, 100])));
    let settings = &one["settings"];
    for (key, value) in [
        ("run.length", json!("10 epochs")),
        ("run.best.metric", json!("max_f1")),
        ("batch", json!(4)),
        ("folder", json!("pictures")),
    ] {
        assert_eq!(settings[key], value, "{settings}");
    }
    assert!(settings.get("model").is_none(), "{settings}");
    let curves = one["curves"].as_array().unwrap();
    let names: Vec<_> = curves.iter().map(|curve| (&curve["name"], &curve["kind"])).collect();
    let (train, evaluate) = (&json!("train"), &json!("evaluate"));
    assert_eq!(
        names,
        [
            (&json!("loss"), train),
            (&json!("rate"), train),
            (&json!("loss"), evaluate),
            (&json!("max_f1"), evaluate),
        ]
    );
    assert_eq!(curves[0]["points"].as_array().map(Vec::len), Some(120));
    assert_eq!(curves[0]["points"][3], json!([4, 0.25, 0.25, 0.25]));
    assert_eq!(curves[3]["points"], json!([[50, 0.93, 0.93, 0.93], [100, 0.93, 0.93, 0.93]]));
    let picture = get(&server, "runs/roads%2Ffcn8s/pictures/120").await;
    assert_eq!(picture.headers[header::CONTENT_TYPE], "image/png");
    assert_eq!((picture.status, picture.body), (StatusCode::OK, vec![7, 120]));
    // Whoever trains it goes.
    drop(run);
    assert_eq!(get(&server, "runs/roads%2Ffcn8s").await.json()["state"], "resting");
    a_second().await;
    assert_eq!(list(&server).await[0]["state"], "resting");
}

#[tokio::test]
async fn a_file_that_grows() {
    let root = tempfile::tempdir().unwrap();
    let run = folder(root.path(), "a", CONFIG, "");
    let server = server(&[root.path()]);
    let one = async || get(&server, "runs/a").await.json();
    let points = |one: &Value| one["curves"][0]["points"].as_array().map_or(0, Vec::len);
    let empty = one().await;
    assert_eq!((&empty["step"], &empty["curves"]), (&Value::Null, &json!([])));
    append(&run, &line(1, 0.5));
    append(&run, "{\"step\":2,\"ep");
    let half = one().await;
    assert_eq!((points(&half), &half["step"], &half["problem"]), (1, &json!(1), &Value::Null));
    append(&run, "och\":0,\"kind\":\"train\",\"loss\":0.25}\n");
    let whole = one().await;
    assert_eq!(whole["curves"][0]["points"], json!([[1, 0.5, 0.5, 0.5], [2, 0.25, 0.25, 0.25]]));
    // Beyond 600 points, pairs: of losses n and n + 1.
    fs::write(run.join("metrics.jsonl"), "").unwrap();
    (1..=601).for_each(|step| append(&run, &line(step, step as f64)));
    let many = one().await;
    assert_eq!((points(&many), &many["step"], &many["epoch"]), (301, &json!(601), &json!(60)));
    assert_eq!(many["curves"][0]["points"][1], json!([4, 3.5, 3.0, 4.0]));
    assert_eq!(many["curves"][0]["points"][300], json!([601, 601.0, 601.0, 601.0]));
    // It goes on from an earlier step.
    Metrics::open(&run.join("metrics.jsonl"), 5).unwrap();
    let back = one().await;
    assert_eq!((points(&back), &back["step"]), (5, &json!(5)));
}

#[tokio::test]
async fn nothing_new_is_a_line() {
    let root = tempfile::tempdir().unwrap();
    let run = folder(root.path(), "a", CONFIG, &line(1, 0.5));
    fs::write(run.join("samples/step-000000001.png"), "one").unwrap();
    let server = server(&[root.path()]);
    for path in ["runs/a", "runs/a/pictures/1"] {
        let first = get(&server, path).await;
        assert_eq!(first.headers[header::CACHE_CONTROL], "no-cache");
        let mut tag = first.headers[header::ETAG].clone();
        let again = async |tag: &HeaderValue| {
            let request = Request::get(format!("/api/v1/{path}"));
            let request = request.header(header::IF_NONE_MATCH, tag);
            ask(&server, request.body(Body::empty()).unwrap()).await
        };
        // Though more time has passed since it changed.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let same = again(&tag).await;
        assert_eq!(
            (same.status, same.body.len(), &same.headers[header::ETAG]),
            (StatusCode::NOT_MODIFIED, 0, &tag)
        );
        let changes: [(&str, &dyn Fn()); 3] = [
            ("a line", &|| append(&run, &line(2, 0.25))),
            ("a setting", &|| {
                fs::write(run.join("config.toml"), format!("{CONFIG}warm_up = 3\n")).unwrap()
            }),
            ("a picture", &|| fs::write(run.join("samples/step-000000002.png"), "two").unwrap()),
        ];
        for (what, change) in changes {
            change();
            let new = again(&tag).await;
            let expected = if path == "runs/a" { 200 } else { 304 };
            assert_eq!(new.status, expected, "{path}: {what}");
            tag = new.headers[header::ETAG].clone();
        }
    }
    fs::write(run.join("samples/step-000000001.png"), "eno").unwrap();
    assert_eq!(get(&server, "runs/a/pictures/1").await.body, b"eno");
    // What it says depends on the language only where something is wrong.
    append(&run, "hello\n");
    let texts = [get(&server, "runs/a").await, get(&server, "runs/a?lang=zh").await];
    assert_ne!(texts[0].headers[header::ETAG], texts[1].headers[header::ETAG]);
}

#[tokio::test]
async fn runs_come_and_go() {
    let root = tempfile::tempdir().unwrap();
    let (one, two) = (root.path().join("one"), root.path().join("two"));
    let a = folder(&one, "a", CONFIG, &line(1, 0.5));
    folder(&two, "a", CONFIG, &line(2, 0.5));
    folder(&one, "b/c/d", CONFIG, "");
    folder(&one, "b/c/d/deep", CONFIG, "");
    folder(&one, "too/far/be/low", CONFIG, "");
    let own = folder(root.path(), "own", CONFIG, "");
    let server = server(&[&one, &two, &own, &root.path().join("gone")]);
    let names = async || -> Vec<String> {
        let runs = list(&server).await;
        runs.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names().await, ["a", "b/c/d", "a (2)", "own"]);
    assert_eq!(get(&server, "runs/a%20(2)").await.json()["step"], 2);
    assert_eq!(get(&server, "runs/b%2Fc%2Fd").await.json()["model"], "demo");
    // It is gone at once, and from the list when that is made anew.
    fs::remove_dir_all(&a).unwrap();
    let gone = get(&server, "runs/a").await;
    assert_eq!(gone.status, 404);
    folder(&one, "new", CONFIG, "");
    a_second().await;
    assert_eq!(names().await, ["b/c/d", "new", "a", "own"]);
    assert_eq!(get(&server, "runs/a").await.json()["step"], 2);
    fs::remove_dir_all(root.path()).unwrap();
    a_second().await;
    assert!(names().await.is_empty());
}

#[tokio::test]
async fn what_is_damaged_is_named_and_the_rest_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let lines = line(1, 0.5) + "hello\n" + &line(3, 0.25);
    let metrics = folder(root.path(), "metrics", CONFIG, &lines);
    folder(root.path(), "schema", &CONFIG.replace("schema = 1", "schema = 9"), &line(1, 1.0));
    folder(root.path(), "length", &CONFIG.replace("40", "\"4 weeks\""), "");
    folder(root.path(), "toml", "# The settings of this run.\nschema == 1\n", "");
    let checkpoints = folder(root.path(), "weights", CONFIG, "").join("checkpoints");
    fs::create_dir_all(checkpoints.join("step-000000005")).unwrap();
    fs::write(checkpoints.join("step-000000005/checkpoint.toml"), "none").unwrap();
    let sound = folder(root.path(), "sound", CONFIG, &line(7, 0.5));
    let no_file = folder(root.path(), "folder", CONFIG, "");
    fs::remove_file(no_file.join("metrics.jsonl")).unwrap();
    fs::create_dir(no_file.join("metrics.jsonl")).unwrap();
    let server = server(&[root.path()]);
    let runs = list(&server).await;
    let of = |name: &str| runs.iter().find(|run| run["name"] == name).unwrap();
    assert_eq!(runs.len(), 7);
    let cases = [
        ("metrics", "metrics.jsonl, line 2 is damaged: expected value"),
        ("schema", "config.toml cannot be read: schema 9, but this program reads schema 1"),
        ("length", "config.toml cannot be read: [run]: length: invalid value"),
        ("toml", "config.toml cannot be read: TOML parse error at line 2"),
        (
            "weights",
            "checkpoints cannot be read: none of 1 can be used; the newest: does not begin",
        ),
        ("folder", "metrics.jsonl cannot be read: it is no plain file"),
    ];
    for (name, problem) in cases {
        let said = of(name)["problem"].as_str().unwrap();
        assert!(said.starts_with(problem), "{name}: {said}");
        assert!(!said.contains('\n') && !said.contains(root.path().to_str().unwrap()), "{said}");
        let one = get(&server, &format!("runs/{name}")).await;
        assert_eq!((one.status, &one.json()["problem"]), (StatusCode::OK, &of(name)["problem"]));
        let zh = get(&server, &format!("runs/{name}?lang=zh")).await.json();
        assert!(zh["problem"].as_str().unwrap().contains(['损', '无']), "{zh}");
    }
    assert_eq!(of("sound")["problem"], Value::Null);
    assert_eq!((&of("schema")["model"], &of("schema")["step"]), (&Value::Null, &json!(1)));
    assert_eq!((&of("length")["model"], &of("length")["length"]), (&json!("demo"), &Value::Null));
    assert_eq!(of("sound")["length"], "40 steps");
    let one = get(&server, "runs/metrics").await.json();
    assert_eq!(one["curves"][0]["points"], json!([[1, 0.5, 0.5, 0.5], [3, 0.25, 0.25, 0.25]]));
    // Damage far from the end is known once the curves were read; then the list says it too.
    let long: String = (4..5000).map(|step| line(step, 0.5)).collect();
    append(&metrics, &long);
    let mut more = line(8, 0.5) + "hello\n";
    more += &(9..5000).map(|step| line(step, 0.5)).collect::<String>();
    append(&sound, &more);
    a_second().await;
    let said = |runs: Vec<Value>, name: &str| {
        runs.into_iter().find(|run| run["name"] == name).unwrap()["problem"].clone()
    };
    let runs = list(&server).await;
    assert_eq!(said(runs.clone(), "sound"), Value::Null);
    assert!(said(runs, "metrics").as_str().unwrap().contains("line 2"));
    let one = get(&server, "runs/sound").await.json();
    assert!(one["problem"].as_str().unwrap().contains("line 3"), "{}", one["problem"]);
    a_second().await;
    assert!(said(list(&server).await, "sound").as_str().unwrap().contains("line 3"));
}

#[tokio::test]
async fn hostile_names() {
    let root = tempfile::tempdir().unwrap();
    let given = root.path().join("given");
    folder(&given, "a", CONFIG, "");
    let secret = folder(root.path(), "secret", CONFIG, &line(1, 0.5));
    fs::write(secret.join("samples/step-000000001.png"), "secret").unwrap();
    let server = server(&[&given]);
    let long = "x".repeat(10_000);
    for name in [
        "nothing",
        "..%2Fsecret",
        "%2e%2e%2fsecret",
        "..",
        "%2e%2e",
        "a%2F..%2F..%2Fsecret",
        "a%00",
        "%00",
        "%ff%fe",
        "a%2F",
        "%2Fa",
        ".",
        "a%5C..",
        &long,
        "../secret",
        "a/../../secret",
        "%E8%B7%AF",
    ] {
        let answer = get(&server, &format!("runs/{name}")).await;
        let said = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.status, 404, "{name}: {said}");
        assert!((8..400).contains(&said.len()), "{name}: {said}");
        assert!(!said.contains('\0'), "{said}");
        let picture = get(&server, &format!("runs/{name}/pictures/1")).await;
        assert_eq!(picture.status, 404, "{name}");
    }
    let zh = get(&server, "runs/nothing?lang=zh").await.json();
    assert_eq!(zh["error"]["message"], "没有名为 'nothing' 的训练；现有：a");
    let en = get(&server, "runs/nothing").await.json();
    assert_eq!(en["error"]["message"], "there is no run 'nothing'; there is: a");
    assert_eq!(en["error"]["field"], "name");
    for (step, status) in [
        ("1", 404),
        ("99999999999999999999", 400),
        ("-1", 400),
        ("+1", 400),
        ("1e3", 400),
        ("x", 400),
        ("..%2F..%2Fconfig.toml", 400),
        ("1%00", 400),
        (&long, 400),
    ] {
        let answer = get(&server, &format!("runs/a/pictures/{step}")).await;
        assert_eq!(answer.status, status, "{step}");
        assert!(answer.json()["error"]["message"].as_str().unwrap().len() < 200);
    }
    assert_eq!(get(&server, "runs?folder=x").await.status, 400);
    assert_eq!(get(&server, "runs/a?lang=de").await.status, 400);
    let posted = Request::post("/api/v1/runs").body(Body::empty()).unwrap();
    assert_eq!(ask(&server, posted).await.status, 405);
    let none = self::server(&[]);
    assert_eq!(get(&none, "runs").await.json(), json!({"runs": []}));
    assert_eq!(get(&none, "runs/a").await.status, 404);
}

#[cfg(unix)]
#[tokio::test]
async fn links_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let secret = folder(root.path(), "secret", CONFIG, &line(1, 0.5));
    fs::write(secret.join("samples/step-000000001.png"), "secret").unwrap();
    let given = root.path().join("given");
    let run = folder(&given, "a", CONFIG, "");
    symlink(&secret, given.join("link")).unwrap();
    symlink(secret.join("samples/step-000000001.png"), run.join("samples/step-000000001.png"))
        .unwrap();
    fs::remove_file(run.join("metrics.jsonl")).unwrap();
    symlink(secret.join("metrics.jsonl"), run.join("metrics.jsonl")).unwrap();
    fs::create_dir_all(given.join("config")).unwrap();
    symlink(secret.join("config.toml"), given.join("config/config.toml")).unwrap();
    let server = server(&[&given]);
    let runs = list(&server).await;
    assert_eq!((runs.len(), &runs[0]["name"]), (1, &json!("a")));
    assert_eq!((&runs[0]["step"], &runs[0]["picture_count"]), (&Value::Null, &json!(0)));
    assert!(runs[0]["problem"].as_str().unwrap().contains("no plain file"));
    assert_eq!(get(&server, "runs/a").await.json()["curves"], json!([]));
    assert_eq!(get(&server, "runs/a/pictures/1").await.status, 404);
    fs::remove_dir_all(run.join("samples")).unwrap();
    symlink(secret.join("samples"), run.join("samples")).unwrap();
    assert_eq!(get(&server, "runs/a/pictures/1").await.status, 404);
}

#[tokio::test]
async fn a_picture_has_a_limit() {
    let root = tempfile::tempdir().unwrap();
    let run = folder(root.path(), "a", CONFIG, "");
    let limit = upconv_server::limits::MAX_PICTURE_BYTES as u64;
    for (step, bytes) in [(1, limit), (2, limit + 1)] {
        let file = File::create(run.join(format!("samples/step-{step:09}.png"))).unwrap();
        file.set_len(bytes).unwrap();
    }
    let server = server(&[root.path()]);
    assert_eq!(get(&server, "runs/a/pictures/1").await.body.len() as u64, limit);
    let refused = get(&server, "runs/a/pictures/2").await;
    let message = refused.json()["error"]["message"].clone();
    assert_eq!(
        (refused.status, message),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            json!("the picture cannot be read: 33554433 bytes; at most 33554432 are read")
        )
    );
}

/// Root may read everything, so nothing can be shown to it.
#[cfg(unix)]
#[tokio::test]
async fn what_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let shut =
        |path: PathBuf| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    for name in ["config", "metrics", "samples", "sound", "whole"] {
        folder(root.path(), name, CONFIG, &line(1, 0.5));
    }
    shut(root.path().join("config/config.toml"));
    shut(root.path().join("metrics/metrics.jsonl"));
    shut(root.path().join("samples/samples"));
    if File::open(root.path().join("config/config.toml")).is_ok() {
        eprintln!("skipped: this user may read every file");
        return;
    }
    shut(root.path().join("whole"));
    let server = server(&[root.path()]);
    let runs = list(&server).await;
    let problems: Vec<_> =
        runs.iter().map(|run| (run["name"].as_str().unwrap(), run["problem"].as_str())).collect();
    assert_eq!(
        problems,
        [
            ("config", Some("config.toml cannot be read: Permission denied (os error 13)")),
            ("metrics", Some("metrics.jsonl cannot be read: Permission denied (os error 13)")),
            ("samples", Some("samples cannot be read: Permission denied (os error 13)")),
            ("sound", None),
        ]
    );
    assert_eq!(
        get(&server, "runs/config").await.json()["curves"][0]["points"],
        json!([[1, 0.5, 0.5, 0.5]])
    );
    fs::set_permissions(root.path().join("whole"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(root.path().join("samples/samples"), fs::Permissions::from_mode(0o700))
        .unwrap();
}

/// Asked for by many at once, while it is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_ask_at_once() {
    let root = tempfile::tempdir().unwrap();
    let run = folder(root.path(), "a", CONFIG, "");
    let server = server(&[root.path()]);
    let mut asked = Vec::new();
    for step in 1..=50 {
        append(&run, &line(step, 0.5));
        let server = server.clone();
        asked.push(tokio::spawn(async move { get(&server, "runs/a").await }));
    }
    for answer in asked {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 200);
        let one = answer.json();
        assert_eq!(one["problem"], Value::Null);
        // Each step once, in order, whenever it was looked.
        let points = one["curves"][0]["points"].as_array().cloned().unwrap_or_default();
        let steps: Vec<u64> = points.iter().map(|point| point[0].as_u64().unwrap()).collect();
        assert_eq!(steps, (1..=steps.len() as u64).collect::<Vec<_>>());
    }
    let last = get(&server, "runs/a").await.json();
    assert_eq!(last["curves"][0]["points"].as_array().map(Vec::len), Some(50));
}

/// Programs that are made of the document name their functions by these.
#[test]
fn operations_have_names_of_their_own() {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|path| path.as_object().unwrap().values());
    let mut names: Vec<&str> = operations.map(|it| it["operationId"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}
