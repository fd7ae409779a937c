//! Curves of a file that grows, against plain arithmetic over all of its lines.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use upconv_train::run::metrics::{Kind, Line, MAX_LINE, Metrics, tail};
use upconv_train::run::{Curve, Curves, MAX_CURVES, MAX_POINTS};
use upconv_train::settings::RunSettings;
use upconv_train::{Run, Scalars, run};

/// A file of its own for each test.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    (folder, path)
}

/// Numbers between -1 and 1 that look random: steps of a linear congruential generator (Knuth, MMIX).
fn numbers(mut seed: u64) -> impl FnMut() -> f64 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// Lines of steps 1, 3, 5, ..., with an evaluation after every tenth.
fn lines(steps: u64, seed: u64) -> String {
    let mut next = numbers(seed);
    let mut text = String::new();
    for step in (0..steps).map(|n| 2 * n + 1) {
        let (loss, rate) = (next(), next());
        text += &format!(
            "{{\"step\":{step},\"epoch\":{},\"kind\":\"train\",\"loss\":{loss},\"rate\":{rate}}}\n",
            step / 100
        );
        if step % 20 == 19 {
            text += &format!("{{\"step\":{step},\"kind\":\"evaluate\",\"loss\":{}}}\n", next());
        }
    }
    text
}

fn read(path: &Path) -> Curves {
    let mut curves = Curves::new(path);
    curves.read().unwrap();
    curves
}

/// Steps and values of a number in a text.
fn values(text: &str, name: &str, kind: Kind) -> Vec<(u64, f64)> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let of_kind = lines.filter(|line| line["kind"] == kind.name());
    of_kind
        .filter_map(|line| Some((line["step"].as_u64().unwrap(), line[name].as_f64()?)))
        .collect()
}

/// Compares a curve with all values: each is counted once, in order, and points are full but for the last.
fn assert_curve(curve: &Curve, values: &[(u64, f64)]) {
    let points = curve.points();
    assert!(points.len() <= MAX_POINTS, "{}", points.len());
    // The smallest power of two that brings them below the limit.
    let width = values.len().div_ceil(MAX_POINTS).next_power_of_two();
    assert_eq!(points.len(), values.len().div_ceil(width));
    for (point, values) in points.iter().zip(values.chunks(width)) {
        assert_eq!(point.count, values.len() as u64);
        assert_eq!(point.step, values.last().unwrap().0);
        let mean = values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64;
        assert!((point.mean - mean).abs() < 1e-12, "{} {mean}", point.mean);
        let all = || values.iter().map(|(_, value)| *value);
        assert_eq!(point.low, all().fold(f64::INFINITY, f64::min));
        assert_eq!(point.high, all().fold(f64::NEG_INFINITY, f64::max));
    }
}

#[test]
fn means_and_extremes() {
    let (_folder, path) = place();
    for steps in [1, 599, 600, 601, 1200, 1201, 4801, 10_000] {
        let text = lines(steps, steps);
        fs::write(&path, &text).unwrap();
        let curves = read(&path);
        assert_eq!((curves.damaged(), curves.left_out().len()), (None, 0));
        let mut names = Vec::new();
        for curve in curves.curves() {
            names.push((curve.name.as_str(), curve.kind));
            assert_curve(curve, &values(&text, &curve.name, curve.kind));
        }
        let of_steps = [("loss", Kind::Train), ("rate", Kind::Train)];
        assert_eq!(names[..2], of_steps);
        assert_eq!(names.get(2), (steps >= 10).then_some(&("loss", Kind::Evaluate)));
    }
}

/// Wherever the file ended when it was looked at, the curves are the same.
#[test]
fn pieces_give_the_same() {
    let (_folder, path) = place();
    let text = lines(1500, 3);
    fs::write(&path, &text).unwrap();
    let whole = read(&path);
    for longest in [7.0, 300.0, 20_000.0] {
        let mut next = numbers(longest as u64);
        fs::remove_file(&path).unwrap();
        let mut curves = read(&path);
        let mut file = File::create(&path).unwrap();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let size = ((next().abs() * longest) as usize + 1).min(rest.len());
            file.write_all(&rest[..size]).unwrap();
            rest = &rest[size..];
            curves.read().unwrap();
        }
        assert_eq!(curves.curves(), whole.curves(), "{longest}");
    }
}

#[test]
fn half_a_line_waits() {
    let (_folder, path) = place();
    let text = lines(3, 1);
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    for end in [last, last + 1, text.len() - 1] {
        fs::write(&path, &text[..end]).unwrap();
        let curves = read(&path);
        assert_curve(&curves.curves()[0], &values(&text[..last], "loss", Kind::Train));
        assert_eq!(curves.damaged(), None);
        assert_eq!(tail(&path).unwrap().step, Some(3));
    }
    fs::write(&path, &text).unwrap();
    let tail = tail(&path).unwrap();
    assert_eq!((tail.step, tail.epoch, tail.damaged), (Some(5), Some(0), None));
}

fn append(metrics: &mut Metrics, steps: std::ops::Range<u64>, loss: f64) {
    for step in steps {
        let scalars = Scalars::new().with("loss", loss + step as f64);
        metrics.append(&Line { step, epoch: 0, kind: Kind::Train, scalars: &scalars }).unwrap();
    }
}

/// A run that goes on cuts off later steps and writes them again, with other numbers here.
#[test]
fn a_run_that_goes_on() {
    let (_folder, path) = place();
    append(&mut Metrics::open(&path, 0).unwrap(), 1..100, 0.0);
    let mut curves = read(&path);
    // Shorter; as long as before; longer.
    for (kept, end) in [(50, 70), (60, 71), (40, 300)] {
        append(&mut Metrics::open(&path, kept).unwrap(), kept + 1..end, end as f64);
        curves.read().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_curve(&curves.curves()[0], &values(&text, "loss", Kind::Train));
        assert_eq!(curves.damaged(), None);
    }
    // The same numbers again: nothing has to be read anew, and nothing is counted twice.
    append(&mut Metrics::open(&path, 200).unwrap(), 201..300, 300.0);
    curves.read().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_curve(&curves.curves()[0], &values(&text, "loss", Kind::Train));
}

#[test]
fn another_file_of_this_name() {
    let (folder, path) = place();
    let (one, two) = (lines(40, 1), lines(60, 2));
    fs::write(&path, &one).unwrap();
    let mut curves = read(&path);
    let mut assert_reads = |text: &str| {
        curves.read().unwrap();
        assert_curve(&curves.curves()[0], &values(text, "loss", Kind::Train));
        assert_eq!(curves.damaged(), None);
    };
    // In its place, and written over it: by the bytes alone.
    fs::write(folder.path().join("new"), &two).unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    assert_reads(&two);
    fs::write(&path, &one).unwrap();
    assert_reads(&one);
    fs::remove_file(&path).unwrap();
    curves.read().unwrap();
    assert!(curves.curves().is_empty());
}

#[test]
fn damaged_lines_are_named() {
    let (_folder, path) = place();
    let good = |step: u64| format!("{{\"step\":{step},\"kind\":\"train\",\"loss\":{step}}}\n");
    let mut curves = Curves::new(&path);
    let cases = [
        ("hello\n", "expected value"),
        ("\n", "EOF while parsing"),
        ("{\"step\":2,\"kind\":\"train\",\"loss\":\"low\"}\n", "invalid type: string"),
        ("{\"step\":2,\"kind\":\"train\",\"loss\":1e999}\n", "number out of range"),
        ("{\"step\":2,\"kind\":\"train\",\"loss\":NaN}\n", "expected"),
        ("{\"step\":-2,\"kind\":\"train\"}\n", "-2"),
        ("{\"step\":2,\"kind\":\"rest\"}\n", "unknown variant `rest`"),
        ("{\"kind\":\"train\"}\n", "missing field `step`"),
        ("{\"step\":2}\n", "missing field `kind`"),
        ("{\"step\":1,\"kind\":\"train\",\"loss\":5}\n", "step 1 after step 1"),
    ];
    for (line, reason) in cases {
        fs::write(&path, good(1) + line + &good(3) + line).unwrap();
        curves.read().unwrap();
        let damaged = curves.damaged().unwrap();
        assert_eq!((damaged.line, damaged.count), (Some(2), 2), "{line}");
        assert!(damaged.reason.contains(reason), "{line}: {damaged:?}");
        // What is sound is there, and goes on.
        assert_curve(&curves.curves()[0], &[(1, 1.0), (3, 3.0)]);
        File::options().append(true).open(&path).unwrap().write_all(good(4).as_bytes()).unwrap();
        curves.read().unwrap();
        assert_curve(&curves.curves()[0], &[(1, 1.0), (3, 3.0), (4, 4.0)]);
        assert_eq!(curves.damaged().map(|damaged| damaged.count), Some(2), "{line}");
        let tail = tail(&path).unwrap();
        assert_eq!(tail.step, Some(4), "{line}");
        if !reason.contains("after") {
            assert_eq!(tail.damaged, curves.damaged().cloned(), "{line}");
        }
    }
    // A step that falls behind what was read: the file is read anew, and still it falls.
    fs::write(&path, good(1) + &good(5)).unwrap();
    let mut curves = read(&path);
    for (step, expected) in [(3, &[1, 5][..]), (6, &[1, 5, 6]), (6, &[1, 5, 6]), (7, &[1, 5, 6, 7])]
    {
        File::options().append(true).open(&path).unwrap().write_all(good(step).as_bytes()).unwrap();
        curves.read().unwrap();
        let expected: Vec<_> = expected.iter().map(|&step| (step, step as f64)).collect();
        assert_curve(&curves.curves()[0], &expected);
    }
    let damaged = curves.damaged().unwrap();
    assert_eq!((damaged.line, damaged.count), (Some(3), 2));
    assert_eq!(damaged.reason, "step 3 after step 5");
    // No JSON is infinite: what is null is left out, and only that.
    fs::write(&path, "{\"step\":1,\"kind\":\"train\",\"loss\":null,\"rate\":2}\n").unwrap();
    let curves = read(&path);
    assert_eq!((curves.damaged(), curves.curves().len()), (None, 1));
    assert_curve(&curves.curves()[0], &[(1, 2.0)]);
    assert_eq!(curves.curves()[0].name, "rate");
}

#[test]
fn a_line_has_a_limit() {
    let (_folder, path) = place();
    let good = "{\"step\":1,\"kind\":\"train\",\"loss\":1}\n";
    let mut file = File::create(&path).unwrap();
    let mut curves = Curves::new(&path);
    let mut write = |bytes: &[u8]| {
        file.write_all(bytes).unwrap();
        curves.read().unwrap();
        curves.damaged().map(|damaged| (damaged.line, damaged.count))
    };
    assert_eq!(write(good.as_bytes()), None);
    // The longest that is read: spaces up to the limit, the end of the line included.
    let longest =
        good.replace("{\"step\":1", &format!("{{{}\"step\":2", " ".repeat(MAX_LINE - good.len())));
    assert_eq!(longest.len(), MAX_LINE);
    assert_eq!(write(longest.as_bytes()), None);
    assert_eq!(tail(&path).unwrap().step, Some(2));
    // Its end is far behind, and comes later.
    for _ in 0..5 {
        write(&vec![b'x'; MAX_LINE]);
    }
    assert_eq!(write(b"x\n"), Some((Some(3), 1)));
    assert_eq!(write(good.replace("\"step\":1", "\"step\":3").as_bytes()), Some((Some(3), 1)));
    assert_eq!(write(b"\n"), Some((Some(3), 2)));
    assert_curve(&curves.curves()[0], &[(1, 1.0), (2, 1.0), (3, 1.0)]);
}

#[test]
fn names_have_a_limit() {
    let (_folder, path) = place();
    let mut scalars = Scalars::new();
    scalars.put("n".repeat(1000), 1.0);
    for place in 0..MAX_CURVES + 20 {
        scalars.put(format!("{place}"), place as f64);
    }
    let mut metrics = Metrics::open(&path, 0).unwrap();
    for step in 1..4 {
        metrics.append(&Line { step, epoch: 0, kind: Kind::Train, scalars: &scalars }).unwrap();
    }
    let curves = read(&path);
    assert_eq!(curves.curves().len(), MAX_CURVES);
    assert!(curves.curves().iter().all(|curve| curve.points().len() == 3));
    let left_out = curves.left_out();
    assert_eq!((left_out.len(), left_out[0].len(), left_out[1].as_str()), (8, 128, "64"));
}

/// A long run: bounded points, and what is new costs no reading of what is old.
#[test]
fn a_hundred_thousand_lines() {
    let (_folder, path) = place();
    let text = lines(100_000, 9);
    fs::write(&path, &text).unwrap();
    let begun = Instant::now();
    let mut curves = read(&path);
    let first = begun.elapsed();
    let counts: Vec<usize> = curves.curves().iter().map(|curve| curve.points().len()).collect();
    // 100,000 values in points of 256, 10,000 in points of 32.
    assert_eq!(counts, [391, 391, 313]);
    assert_curve(&curves.curves()[0], &values(&text, "loss", Kind::Train));
    let begun = Instant::now();
    (0..20).for_each(|_| curves.read().unwrap());
    let again = begun.elapsed() / 20;
    assert!(again < first / 4 + Duration::from_millis(1), "{first:?} {again:?}");
    let begun = Instant::now();
    assert_eq!(tail(&path).unwrap().step, Some(199_999));
    assert!(begun.elapsed() < first, "{first:?}");
    // Far behind the beginning, where lines have no known number.
    File::options().append(true).open(&path).unwrap().write_all(b"hello\n").unwrap();
    let damaged = tail(&path).unwrap().damaged.unwrap();
    assert_eq!((damaged.line, damaged.count), (None, 1));
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let (folder, path) = place();
    fs::create_dir(&path).unwrap();
    let error = Curves::new(&path).read().unwrap_err().to_string();
    assert!(error.contains("no plain file"), "{error}");
    assert!(tail(&path).is_err());
    #[cfg(unix)]
    {
        fs::remove_dir(&path).unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, lines(3, 1)).unwrap();
        std::os::unix::fs::symlink(&secret, &path).unwrap();
        assert!(Curves::new(&path).read().is_err());
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        if made.is_ok_and(|status| status.success()) {
            assert!(Curves::new(&path).read().is_err());
        }
    }
}

#[derive(Default, serde::Serialize)]
struct Settings {
    run: RunSettings,
    batch: usize,
}

/// Who looks at a run does not take it, and sees whether somebody else has.
#[test]
fn looking_does_not_take() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    assert!(!run::is_run(&path) && !run::is_held(&path));
    let made = Run::create(&path, "demo", &Settings { batch: 4, ..Default::default() }).unwrap();
    assert!(run::is_run(&path) && run::is_held(&path));
    let config = run::config(&path).unwrap();
    assert_eq!((config.model.as_str(), config.settings["batch"].as_integer()), ("demo", Some(4)));
    assert_eq!(config.run_settings().unwrap(), RunSettings::default());
    assert!(config.settings.get("model").is_none() && config.settings.get("schema").is_none());
    drop(made);
    assert!(!run::is_held(&path));
    // Others look all the time; a trainer comes through.
    std::thread::scope(|scope| {
        let (send, stop) = std::sync::mpsc::channel::<()>();
        let path = &path;
        scope.spawn(move || {
            while stop.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                run::is_held(path);
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        for _ in 0..50 {
            assert!(Run::open(path).is_ok());
        }
        drop(send);
    });
    // Other programs have files of this name.
    fs::write(path.join("config.toml"), "schema = 1\nmodel = 'x'\n").unwrap();
    assert!(!run::is_run(&path));
    fs::write(path.join("config.toml"), "# The settings of this run.\nschema = 9").unwrap();
    assert!(run::is_run(&path));
    assert!(run::config(&path).unwrap_err().to_string().contains("schema 9"));
    fs::write(path.join("config.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(run::config(&path).unwrap_err().to_string().contains("1048576 bytes"));
}

#[test]
fn pictures_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(run::samples::list(path).unwrap().is_empty());
    let samples = path.join("samples");
    fs::create_dir(&samples).unwrap();
    for name in ["step-000000200.png", "step-000000100.png", ".upconv-x.part", "step-1.png"] {
        fs::write(samples.join(name), name).unwrap();
    }
    assert_eq!(run::samples::list(path).unwrap(), [100, 200]);
    let read = |step, limit| run::samples::read(path, step, limit);
    assert_eq!(read(100, 18).unwrap().unwrap(), b"step-000000100.png");
    assert!(read(100, 17).unwrap_err().to_string().contains("18 bytes; at most 17"));
    assert_eq!(read(1, 99).unwrap(), None);
    #[cfg(unix)]
    {
        let secret = path.join("secret");
        fs::write(&secret, "secret").unwrap();
        std::os::unix::fs::symlink(&secret, samples.join("step-000000300.png")).unwrap();
        assert_eq!(run::samples::list(path).unwrap(), [100, 200]);
        assert_eq!(read(300, 99).unwrap(), None);
        fs::rename(&samples, path.join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(path.join("elsewhere"), &samples).unwrap();
        assert_eq!((run::samples::list(path).unwrap(), read(100, 99).unwrap()), (vec![], None));
    }
}
