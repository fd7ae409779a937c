//! What the loop does and when: evaluations, the best checkpoint, early ends, what is kept, where it begins.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use support::{Settings, create, go_on};
use upconv_train::part::Component;
use upconv_train::settings::{Best, FromWeights, Goal, RunSettings, Span};
use upconv_train::{
    Moment, Options, Outcome, Report, Result, Run, Scalars, Silent, Stop, TrainError, Trainee,
    train,
};
use upconv_weights::{Metadata, Weights};

/// A model without a network, whose evaluations are stated.
struct Stated {
    evaluations: Vec<f64>,
    stop: Option<(u64, Stop)>,
}

impl Trainee for Stated {
    fn parts(&mut self) -> Vec<&mut dyn Component> {
        Vec::new()
    }

    fn metadata(&self) -> Metadata {
        Metadata::new("stated")
    }

    fn steps_per_epoch(&self) -> Option<u64> {
        Some(4)
    }

    fn step(&mut self, moment: &Moment) -> Result<Scalars> {
        if let Some((_, stop)) = self.stop.iter().find(|(step, _)| *step == moment.step) {
            stop.wish();
        }
        Ok(Scalars::new().with("loss", 1.0 / (1 + moment.step) as f64))
    }

    fn evaluate(&mut self, moment: &Moment) -> Result<Scalars> {
        Ok(Scalars::new().with("iou", self.evaluations[moment.epoch() as usize - 1]))
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Only {
    run: RunSettings,
}

fn best(goal: Goal, margin: f64, patience: Option<u64>) -> Option<Best> {
    Some(Best { metric: "iou".into(), goal, margin, patience })
}

fn run_of(folder: &Path, run: RunSettings) -> Run {
    Run::create(folder, "stated", &Only { run }).unwrap()
}

fn stated(run: &Run, evaluations: &[f64], until: Option<u64>) -> Report {
    let mut trainee = Stated { evaluations: evaluations.to_vec(), stop: None };
    let options = Options { until, stop: Stop::default(), watch: &mut Silent };
    train(run, &mut trainee, options).unwrap()
}

fn kept(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("checkpoints")).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().unwrap().replace("step-0000000", ""))
        .collect();
    names.sort();
    names
}

#[test]
fn the_best_is_kept_and_no_better_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = RunSettings {
        length: Span::Epochs(9),
        keep: 2,
        best: best(Goal::Max, 0.05, Some(3)),
        ..RunSettings::default()
    };
    let run = run_of(folder.path(), settings);
    // Better by more than 0.05: the first, the second, not the third; then three that are not.
    let evaluations = [0.5, 0.6, 0.64, 0.3, 0.65, 0.9, 1.0, 1.0, 1.0];
    let report = stated(&run, &evaluations, None);
    assert_eq!((report.outcome, report.step, report.length), (Outcome::NoBetter, 20, 36));
    let found = report.best.clone().unwrap();
    assert_eq!((found.step, found.value, found.metric.as_str()), (8, 0.6, "iou"));
    assert_eq!(
        report.weights,
        folder.path().join("checkpoints/step-000000008/weights.safetensors")
    );
    assert_eq!(report.evaluation.get("iou"), Some(0.65));
    assert_eq!(report.last.get("loss"), Some(0.05));
    assert_eq!(kept(folder.path()), ["08", "16", "20"]);
    assert!(!report.to_string().contains("to go on"), "{report}");

    // It stays ended, unless more steps are asked for.
    let again = stated(&run, &evaluations, None);
    assert_eq!((again.outcome, again.step, again.steps_now), (Outcome::NoBetter, 20, 0));
    let further = stated(&run, &evaluations, Some(36));
    assert_eq!((further.outcome, further.step), (Outcome::Done, 36));
    assert_eq!(further.best.unwrap().step, 28);
}

#[test]
fn less_can_be_better() {
    let folder = tempfile::tempdir().unwrap();
    let settings = RunSettings {
        length: Span::Epochs(3),
        best: best(Goal::Min, 0.0, None),
        ..RunSettings::default()
    };
    let report = stated(&run_of(folder.path(), settings), &[0.5, 0.4, 0.4], None);
    let found = report.best.unwrap();
    assert_eq!((found.step, found.value, report.outcome), (8, 0.4, Outcome::Done));
}

#[test]
fn until_a_step_and_beyond_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let settings = RunSettings {
        length: Span::Steps(6),
        evaluate_every: Span::Steps(4),
        save_every: Span::Steps(100),
        log_every: 2,
        ..RunSettings::default()
    };
    let run = run_of(folder.path(), settings);
    let lines = || {
        let text = fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
        let short = |line: &str| line.split("\"epoch\"").next().unwrap().replace("{\"step\":", "");
        let kind = |line: &str| if line.contains("evaluate") { "e" } else { "" };
        text.lines().map(|line| short(line) + kind(line)).collect::<Vec<_>>()
    };
    let evaluations = [0.1, 0.2, 0.3];
    let report = stated(&run, &evaluations, Some(5));
    assert_eq!((report.outcome, report.step), (Outcome::Reached, 5));
    assert!(report.to_string().ends_with(&format!("--resume {}", folder.path().display())));
    assert_eq!(lines(), ["2,", "4,", "4,e"]);
    let report = stated(&run, &evaluations, Some(2));
    assert_eq!((report.outcome, report.step, report.steps_now), (Outcome::Reached, 5, 0));
    let report = stated(&run, &evaluations, None);
    assert_eq!((report.outcome, report.step), (Outcome::Done, 6));
    assert_eq!(lines(), ["2,", "4,", "4,e", "6,", "6,e"]);
    let report = stated(&run, &evaluations, Some(9));
    assert_eq!((report.outcome, report.step, report.length), (Outcome::Done, 9, 6));
    assert_eq!(lines(), ["2,", "4,", "4,e", "6,", "6,e", "8,", "8,e"]);
}

#[test]
fn a_wish_to_stop_is_met_after_the_step() {
    let folder = tempfile::tempdir().unwrap();
    let settings = RunSettings { length: Span::Epochs(2), ..RunSettings::default() };
    let run = run_of(folder.path(), settings);
    let stop = Stop::default();
    let mut trainee = Stated { evaluations: vec![0.1; 2], stop: Some((4, stop.clone())) };
    let report = train(&run, &mut trainee, Options { until: None, stop, watch: &mut Silent });
    let report = report.unwrap();
    assert_eq!((report.outcome, report.step), (Outcome::Stopped, 5));
    assert_eq!(kept(folder.path()).last().unwrap(), "05");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["outcome"], &json["step"]), (&"stopped".into(), &5.into()));
    assert_eq!(stated(&run, &[0.1; 2], None).outcome, Outcome::Done);
}

#[test]
fn a_run_begins_from_weights() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, third] = ["first", "second", "third"].map(|name| folder.path().join(name));
    create(&first, "classifier", &Settings::default());
    let trained = go_on(&first, None).unwrap();
    // The report names the weights to use, averaged ones here, and the hash of those that are trained on.
    assert!(trained.weights.ends_with("averaged.safetensors"));
    let file = trained.checkpoint.join("weights.safetensors");
    let weights = Weights::read(&file).unwrap();
    assert_eq!(weights.weights_hash(), trained.weights_hash);
    assert_eq!(weights.metadata().unwrap().model, "classifier");

    let mut settings = Settings::default();
    let weights_hash = trained.weights_hash.clone();
    settings.run.from = Some(FromWeights { file: file.clone(), weights_hash });
    create(&second, "classifier", &settings);
    assert_eq!(go_on(&second, Some(0)).unwrap().weights_hash, trained.weights_hash);
    let tuned = go_on(&second, Some(10)).unwrap();
    assert_ne!(tuned.weights_hash, trained.weights_hash);
    let losses = |run: &Path| -> f64 {
        let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        line["loss"].as_f64().unwrap()
    };
    assert!(losses(&second) < losses(&first), "it has learnt already");

    settings.run.from.as_mut().unwrap().weights_hash = "0".into();
    create(&third, "classifier", &settings);
    let error = go_on(&third, None).unwrap_err().to_string();
    assert!(error.contains("but the run began with 0"), "{error}");
    let gan = folder.path().join("gan");
    settings.run.from = Some(FromWeights { file, weights_hash: trained.weights_hash });
    create(&gan, "gan", &settings);
    let error = go_on(&gan, None).unwrap_err().to_string();
    assert!(
        error.ends_with("these weights are of model \"classifier\", not of \"gan\""),
        "{error}"
    );
}

#[test]
fn averaged_weights_are_complete() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    create(&run, "gan", &Settings::default());
    let checkpoint = go_on(&run, Some(3)).unwrap().checkpoint;
    let [plain, averaged] = ["weights.safetensors", "averaged.safetensors"]
        .map(|name| Weights::read(&checkpoint.join(name)).unwrap().into_tensors());
    assert_eq!(plain.len(), averaged.len());
    for (plain, averaged) in plain.iter().zip(&averaged) {
        // The discriminator keeps no average; running statistics are copied.
        let name = plain.name();
        let same = name.starts_with("discriminator.") || name.contains("running");
        assert_eq!((averaged.name(), plain == averaged), (name, same), "{name}");
    }
}

#[test]
fn the_classifier_learns() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut settings = Settings::default();
    settings.run.length = Span::Epochs(12);
    create(&run, "classifier", &settings);
    let report = go_on(&run, None).unwrap();
    assert!(report.best.unwrap().value > 0.9, "{:?}", report.evaluation);
}

#[test]
fn data_without_an_end_have_no_epochs() {
    struct Endless;
    impl Trainee for Endless {
        fn parts(&mut self) -> Vec<&mut dyn Component> {
            Vec::new()
        }
        fn metadata(&self) -> Metadata {
            Metadata::new("endless")
        }
        fn step(&mut self, _: &Moment) -> Result<Scalars> {
            Err(TrainError::model("the data are broken"))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let every = Span::Steps(5);
    let all = |length| RunSettings {
        length,
        save_every: every,
        evaluate_every: every,
        sample_every: every,
        ..RunSettings::default()
    };
    let begin = |name: &str, length| {
        let run = Run::create(&folder.path().join(name), "endless", &Only { run: all(length) });
        let options = Options { until: None, stop: Stop::default(), watch: &mut Silent };
        train(&run.unwrap(), &mut Endless, options).unwrap_err().to_string()
    };
    let error = begin("epochs", Span::Epochs(2));
    assert!(error.starts_with("run.length: \"2 epochs\", but these data have no end"), "{error}");
    assert_eq!(begin("steps", Span::Steps(9)), "the data are broken");
}
