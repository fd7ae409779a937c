//! Disks that are full, folders that cannot be written, files that are damaged or of something else: a clear error, and
//! what was there before is still of use.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::{Settings, assert_same, child, contents, create, go_on, watched};
use upconv_train::settings::Span;
use upconv_train::{Happening, Outcome, Run, TrainError, Watch};

#[test]
fn as_a_child() {
    support::be_child();
}

/// What was said about checkpoints and settings.
#[derive(Default)]
struct Notes(Vec<String>);

impl Watch for Notes {
    fn see(&mut self, happening: &Happening<'_>) {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        self.0.extend(match happening {
            Happening::GoesOn { checkpoint, .. } => Some(format!("goes on {}", name(checkpoint))),
            Happening::Unusable { checkpoint, reason } => {
                Some(format!("unusable {}: {reason}", name(checkpoint)))
            }
            Happening::SettingChanged { key, before, now } => Some(format!("{key} {before} {now}")),
            _ => None,
        });
    }
}

/// A run that stands at a step, and the same run done.
fn stopped_and_whole(folder: &Path, until: u64) -> (PathBuf, PathBuf) {
    let (stopped, whole) = (folder.join("stopped"), folder.join("whole"));
    for run in [&stopped, &whole] {
        create(run, "classifier", &Settings::default());
    }
    assert_eq!(go_on(&stopped, Some(until)).unwrap().outcome, Outcome::Reached);
    assert_eq!(go_on(&whole, None).unwrap().outcome, Outcome::Done);
    (stopped, whole)
}

fn checkpoint(run: &Path, step: u64) -> PathBuf {
    run.join(format!("checkpoints/step-{step:09}"))
}

#[test]
fn a_damaged_checkpoint_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (run, whole) = stopped_and_whole(folder.path(), 20);
    let names =
        ["weights.safetensors", "averaged.safetensors", "state.safetensors", "checkpoint.toml"];
    for name in names {
        let path = checkpoint(&run, 20).join(name);
        let sound = fs::read(&path).unwrap();
        let mut flipped = sound.clone();
        flipped[sound.len() / 2] ^= 0x10;
        for (damaged, said) in [
            (sound[..sound.len() - 1].to_vec(), "has "),
            (Vec::new(), "has 0 bytes"),
            (flipped, "SHA-256"),
        ] {
            fs::write(&path, damaged).unwrap();
            let copy = folder.path().join("copy");
            copy_folder(&run, &copy);
            let mut notes = Notes::default();
            let result = watched(&copy, None, &mut notes);
            assert!(notes.0[0].starts_with("unusable step-000000020: "), "{:?}", notes.0);
            assert!(name == "checkpoint.toml" || notes.0[0].contains(said), "{:?}", notes.0);
            assert!(notes.0[0].contains(name), "{:?}", notes.0);
            assert_eq!(notes.0[1], "goes on step-000000016");
            assert_eq!(result.unwrap().outcome, Outcome::Done);
            assert_same(&whole, &copy);
            fs::remove_dir_all(&copy).unwrap();
        }
        fs::write(&path, sound).unwrap();
    }
    let mut notes = Notes::default();
    watched(&run, None, &mut notes).unwrap();
    assert_eq!(notes.0, ["goes on step-000000020"]);
}

#[test]
fn without_a_sound_checkpoint_nothing_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    create(&run, "classifier", &Settings::default());
    go_on(&run, Some(9)).unwrap();
    for step in [0, 4, 8, 9] {
        let path = checkpoint(&run, step).join("state.safetensors");
        if path.exists() {
            fs::write(path, "x").unwrap();
        }
    }
    let before = contents(&run);
    let error = go_on(&run, None).unwrap_err().to_string();
    let says =
        ["none of 3 checkpoints can be used; the newest: ", "step-000000009", "has 1 bytes, but"];
    assert!(says.iter().all(|part| error.contains(part)), "{error}");
    assert_eq!(contents(&run), before);
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let [run, other, wide] = ["run", "other", "wide"].map(|name| folder.path().join(name));
    create(&run, "classifier", &Settings::default());
    create(&other, "gan", &Settings::default());
    create(&wide, "classifier", &Settings { width: 5, ..Settings::default() });
    for run in [&run, &other, &wide] {
        go_on(run, Some(3)).unwrap();
    }
    let into = checkpoint(&run, 4);
    let try_with = |from: &Path, step: u64| {
        copy_folder(&checkpoint(from, step), &into);
        let mut notes = Notes::default();
        let error = watched(&run, None, &mut notes).unwrap_err();
        fs::remove_dir_all(&into).unwrap();
        (error, notes.0)
    };
    let (error, _) = try_with(&other, 3);
    assert!(matches!(error, TrainError::Foreign { .. }));
    assert!(
        error.to_string().ends_with("it is of model \"gan\", not of \"classifier\""),
        "{error}"
    );
    let (error, _) = try_with(&run.clone(), 3);
    assert!(error.to_string().ends_with("it is of step 3, not of 4"), "{error}");

    // Of other settings: the setting is named, and then what does not fit.
    fs::remove_dir_all(checkpoint(&run, 3)).unwrap();
    copy_folder(&checkpoint(&wide, 3), &checkpoint(&run, 3));
    let mut notes = Notes::default();
    let error = watched(&run, None, &mut notes).unwrap_err().to_string();
    assert_eq!(notes.0, ["width 5 8"]);
    assert!(
        error.contains("conv.weight has shape [5, 1, 3, 3], but [8, 1, 3, 3] is needed"),
        "{error}"
    );
}

#[test]
fn another_optimiser_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    create(&run, "classifier", &Settings::default());
    go_on(&run, Some(3)).unwrap();
    let config = run.join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let begin = text.find("[net.optimiser]").unwrap();
    let end = begin + 1 + text[begin + 1..].find("\n[").unwrap();
    let changed = format!("{}[net.optimiser]\nkind = \"adam\"\n{}", &text[..begin], &text[end..]);
    fs::write(&config, changed).unwrap();
    let error = go_on(&run, None).unwrap_err().to_string();
    assert!(error.contains("optimiser/") && error.ends_with("is of another optimiser"), "{error}");
    fs::write(&config, text).unwrap();
    go_on(&run, None).unwrap();
}

#[test]
fn torn_files_are_mended() {
    let folder = tempfile::tempdir().unwrap();
    let (run, whole) = stopped_and_whole(folder.path(), 20);
    for name in ["metrics.jsonl", "events.out.tfevents.0.upconv"] {
        let path = run.join(name);
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(&bytes.clone()[bytes.len() - 20..bytes.len() - 3]);
        fs::write(&path, bytes).unwrap();
    }
    fs::write(run.join("samples/.upconv-x.part"), "half").unwrap();
    fs::write(run.join("samples/step-000000044.png"), "of a step that is not done").unwrap();
    fs::create_dir(run.join("checkpoints/.step-24")).unwrap();
    go_on(&run, None).unwrap();
    assert_same(&whole, &run);
    let steps: Vec<u64> = events::read(&run.join("events.out.tfevents.0.upconv"))
        .iter()
        .filter(|event| event.values.iter().any(|value| value.0 == "train/loss"))
        .map(|event| event.step)
        .collect();
    assert_eq!(steps, (1..=45).collect::<Vec<u64>>());
}

#[path = "support/events.rs"]
mod events;

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let (run, whole) = stopped_and_whole(folder.path(), 20);
    let sizes = |name: &str| fs::metadata(run.join(name)).unwrap().len();
    let written = sizes("metrics.jsonl").max(sizes("events.out.tfevents.0.upconv"));
    let weights = fs::metadata(checkpoint(&run, 20).join("state.safetensors")).unwrap().len();
    // As many blocks of 512 bytes as logs still need, and fewer than a checkpoint does.
    let blocks = (written + 1500) / 512;
    assert!(blocks * 512 < weights, "{blocks} {weights}");
    let before = contents(&checkpoint(&run, 20));
    let child = child(&run, "classifier", None);
    let mut shell = std::process::Command::new("sh");
    // Without the trap the system ends a process that writes too much; with it the write fails.
    shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    shell.arg(child.get_program()).args(child.get_args());
    for (name, value) in child.get_envs() {
        shell.env(name, value.unwrap());
    }
    let output = shell.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap();
    assert!(
        last.contains("error: cannot write ") && last.contains("checkpoints/.step-24/"),
        "{error}"
    );
    assert!(last.contains("File too large"), "{error}");
    assert!(!run.join("checkpoints/.step-24").exists(), "nothing of it is left");
    assert_eq!(contents(&checkpoint(&run, 20)), before);
    // With room again it goes on.
    go_on(&run, None).unwrap();
    assert_same(&whole, &run);
}

#[test]
fn folders_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let begin = |path: &Path| Run::create(path, "classifier", &Settings::default()).unwrap_err();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = begin(&file.join("run")).to_string();
    assert!(error.starts_with("cannot write ") && error.contains("file/run"), "{error}");
    let error = begin(folder.path());
    assert!(matches!(error, TrainError::Occupied { .. }), "{error}");
    assert!(matches!(Run::open(folder.path()).unwrap_err(), TrainError::NoRun { .. }));

    // Where folders should be there are files.
    for (name, error) in [("checkpoints", "checkpoints"), ("samples", "samples")] {
        let run = folder.path().join(format!("with {name}"));
        create(&run, "classifier", &Settings::default());
        fs::write(run.join(name), "x").unwrap();
        let said = go_on(&run, Some(1)).unwrap_err().to_string();
        assert!(said.contains(error), "{said}");
    }
    for (text, expected) in [
        ("x = ", "config.toml: "),
        ("model = 'm'", "config.toml: schema is missing"),
        ("schema = 2\nmodel = 'm'", "schema 2, but this program reads schema 1"),
        ("schema = 1", "model is missing"),
        ("schema = 1\nmodel = 'm'", "the table [run] is missing"),
        ("schema = 1\nmodel = 'm'\n[run]\nkeep = 0", "run.keep: 0 checkpoints; legal: 1 or more"),
        (
            "schema = 1\nmodel = 'm'\n[run]\nlenght = 3",
            "unknown field `lenght`, expected one of `length`",
        ),
    ] {
        let run = folder.path().join("config");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join("config.toml"), text).unwrap();
        let error = Run::open(&run).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_training_that_diverges_ends_before_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut settings = Settings::default();
    settings.net.clip = None;
    settings.net.rate = 1e30;
    settings.net.warm_up = 0;
    create(&run, "classifier", &settings);
    let error = go_on(&run, None).unwrap_err();
    let TrainError::NotFinite { step, .. } = error else { panic!("{error}") };
    assert!(step < 8, "{step}");
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(lines.lines().count() as u64, step - 1);
    assert!(checkpoint(&run, 0).exists());
}

#[test]
fn settings_that_do_not_fit_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut settings = Settings::default();
    settings.run.save_every = Span::Steps(0);
    create(&run, "classifier", &settings);
    let error = go_on(&run, None).unwrap_err().to_string();
    assert_eq!(error, "run.save_every: \"0 steps\"; legal: 1 to 2^53 steps");
    let mut settings = Settings::default();
    settings.run.best.as_mut().unwrap().metric = "iou".into();
    let run = folder.path().join("metric");
    create(&run, "classifier", &settings);
    let error = go_on(&run, None).unwrap_err().to_string();
    assert_eq!(error, "run.best.metric: \"iou\" is not evaluated; there is accuracy");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}
