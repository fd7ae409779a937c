//! Processes that train are killed at random moments, and go on in new processes to the same bytes.
//!
//! `UPCONV_TRAIN_KILLS` says how often; 20 without it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(unix)]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::{assert_same, child, long_child, slow_child, uniform};
use upconv_train::prove::{Stretch, prove};

#[test]
fn as_a_child() {
    support::be_child();
}

fn kills() -> u64 {
    std::env::var("UPCONV_TRAIN_KILLS").map_or(20, |kills| kills.parse().unwrap())
}

fn quiet(mut command: Command) -> Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Kills a run again and again, from before its folder is there until it is done, and compares all files with an
/// unbroken run's. The run is so long, and the time before a kill so short, that most or all kills hit one run.
fn survives(model: &str, kills: u64, seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let length = 45 + 5 * kills;
    let unbroken = folder.path().join("unbroken");
    let timed = |mut command: Command| {
        let begun = Instant::now();
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        (begun.elapsed(), String::from_utf8(output.stdout).unwrap())
    };
    let (whole, printed) = timed(long_child(&unbroken, model, length));
    let done = format!("{length} of {length}, done");
    assert!(printed.contains("weights hash  ") && printed.contains(&done), "{printed}");
    let (start, _) = timed(long_child(&unbroken, model, length));
    let longest = start.mul_f32(1.5) + whole.saturating_sub(start).mul_f32(2.0 / kills as f32);

    let (mut killed, mut rounds, mut draws) = (0, 0, 0);
    while killed < kills {
        let broken = folder.path().join(format!("broken-{rounds}"));
        loop {
            let mut command = quiet(long_child(&broken, model, length));
            let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
            draws += 1;
            sleep(longest.mul_f32(uniform(seed, draws)));
            process.kill().unwrap();
            let output = process.wait_with_output().unwrap();
            if output.status.success() {
                break;
            }
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.signal(), Some(9), "it ended by itself: {said}");
            killed += 1;
        }
        assert_same(&unbroken, &broken);
        assert_eq!(steps_of_events(&unbroken), steps_of_events(&broken));
        rounds += 1;
    }
    eprintln!("{model}: {killed} kills in {rounds} runs of {length} steps, all the same bytes");
}

#[test]
fn one_network() {
    survives("classifier", kills(), 1);
}

#[test]
fn two_networks() {
    survives("gan", kills(), 2);
}

/// Step and length of the data of every record; times are of the same length everywhere.
fn steps_of_events(run: &Path) -> Vec<(u64, usize)> {
    events::read(&run.join("events.out.tfevents.0.upconv"))
        .into_iter()
        .map(|event| (event.step, event.bytes))
        .collect()
}

#[path = "support/events.rs"]
mod events;

#[test]
fn threads_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    for model in ["classifier", "gan"] {
        let run = |threads: &str| {
            let run = folder.path().join(format!("{model}-{threads}"));
            let mut command = quiet(child(&run, model, None));
            assert!(command.env("RAYON_NUM_THREADS", threads).status().unwrap().success());
            run
        };
        let one = run("1");
        for threads in ["2", "5"] {
            assert_same(&one, &run(threads));
        }
    }
}

#[test]
fn a_proof_holds() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    assert!(quiet(child(&run, "classifier", Some(13))).status().unwrap().success());
    let before = support::contents(&run);
    let scratch = folder.path().join("scratch");
    let stretch = Stretch { run: run.clone(), scratch, steps: 20, kills: 5, seed: 3 };
    let proof = prove(&stretch, |folder, until| child(folder, "classifier", Some(until))).unwrap();
    assert_eq!((proof.from, proof.until, proof.kills), (13, 33, 5));
    assert!(proof.holds(), "{:?}", proof.difference);
    assert_eq!(support::contents(&run), before, "the run itself is left alone");
}

#[test]
fn a_proof_finds_what_depends_on_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let settings = support::Settings { clock: true, ..support::Settings::default() };
    support::create(&run, "classifier", &settings);
    assert!(quiet(child(&run, "classifier", Some(1))).status().unwrap().success());
    let scratch = folder.path().join("scratch");
    let stretch = Stretch { run, scratch, steps: 5, kills: 0, seed: 3 };
    let proof = prove(&stretch, |folder, until| child(folder, "classifier", Some(until))).unwrap();
    assert!(proof.difference.unwrap().starts_with("the weights have hash "));
}

#[test]
fn a_polite_signal_saves_and_a_second_one_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    let interrupt = |id: u32| {
        assert!(Command::new("kill").args(["-INT", &id.to_string()]).status().unwrap().success());
    };
    let lines = |run: &Path| {
        std::fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
    };
    let await_steps = |run: &Path, count: usize| {
        let begun = Instant::now();
        while lines(run) < count {
            assert!(begun.elapsed() < Duration::from_secs(30), "it does not begin");
            sleep(Duration::from_millis(2));
        }
    };
    let mut command = slow_child(&stopped, "classifier", 40);
    let process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    await_steps(&stopped, 3);
    interrupt(process.id());
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let resume = format!("to go on      upconv train --resume {}", stopped.display());
    assert!(printed.contains("of 45, stopped") && printed.contains(&resume), "{printed}");
    let at = lines(&stopped);
    let saved = stopped.join(format!("checkpoints/step-{at:09}"));
    assert!(saved.exists(), "the last step is saved");
    assert!(quiet(child(&stopped, "classifier", None)).status().unwrap().success());
    assert!(quiet(slow_child(&whole, "classifier", 0)).status().unwrap().success());
    let hash = |run: &Path| {
        let path = run.join("checkpoints/step-000000045/weights.safetensors");
        upconv_weights::Weights::read(&path).unwrap().weights_hash()
    };
    assert_eq!(hash(&whole), hash(&stopped));

    let held = folder.path().join("held");
    let mut process = quiet(slow_child(&held, "classifier", 60_000)).spawn().unwrap();
    while !held.join("checkpoints/step-000000000").exists() {
        sleep(Duration::from_millis(2));
    }
    sleep(Duration::from_millis(100));
    let begun = Instant::now();
    interrupt(process.id());
    sleep(Duration::from_millis(100));
    assert!(process.try_wait().unwrap().is_none(), "the first one waits for the step");
    interrupt(process.id());
    assert_eq!(process.wait().unwrap().code(), Some(130));
    assert!(begun.elapsed() < Duration::from_secs(20));
}
