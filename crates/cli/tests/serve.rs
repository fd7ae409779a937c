//! `upconv serve` as a process: where it listens, what it refuses, how it ends.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use upconv_data::{Size, encode};

/// A server on a free port, and where that is.
fn started(more: &[&str]) -> (Child, String) {
    started_with(more, Stdio::piped())
}

fn started_with(more: &[&str], log: Stdio) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upconv"));
    let words = ["serve", "--addr", "127.0.0.1:0", "--json", "--threads", "1"];
    let command = command.args(words).args(more).env_remove("UPCONV_TOKEN");
    let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("it starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("piped");
    BufReader::new(output).read_line(&mut line).expect("a line");
    let ready: Value = serde_json::from_str(&line).expect("JSON");
    (child, ready["addr"].as_str().expect("an address").to_owned())
}

fn ask(addr: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn it_answers_until_it_is_told_to_end() {
    let (mut child, addr) = started(&[]);
    assert!(ask(&addr, "/healthz").starts_with("HTTP/1.1 200 OK"));
    let answer = ask(&addr, "/api/v1/explain?dialect=torch&input=3&kernel=3&stride=2&padding=1");
    assert!(answer.contains(r#""output":[5]"#), "{answer}");
    // A second server cannot have the same port.
    let error = common::error_line(&format!("serve --addr {addr} --quiet"), 1);
    assert!(error.contains(&format!("cannot listen on {addr}")), "{error}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    // Every request has its line, with its number.
    let mut log = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut log).expect("the log");
    let first: Value = serde_json::from_str(log.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&first["path"], &first["status"], &first["id"]),
        (&"/healthz".into(), &200.into(), &1.into())
    );
}

#[test]
fn runs_are_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["one", "two/deep"] {
        let run = folder.path().join(name);
        std::fs::create_dir_all(&run).expect("a folder");
        let config =
            "# The settings of this run.\nschema = 1\nmodel = \"demo\"\n[run]\nlength = 7\n";
        std::fs::write(run.join("config.toml"), config).expect("a file");
    }
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let shown = [one.to_str().expect("UTF-8"), two.to_str().expect("UTF-8")];
    let (mut child, addr) = started(&["--runs", shown[0], "--runs", shown[1]]);
    let answer = ask(&addr, "/api/v1/runs");
    let body = answer.split_once("\r\n\r\n").expect("a body").1;
    child.kill().and_then(|()| child.wait()).expect("it ends");
    let list: Value = serde_json::from_str(body).expect("JSON");
    let of = |place: usize| (&list["runs"][place]["name"], &list["runs"][place]["length"]);
    assert_eq!(of(0), (&"one".into(), &"7 steps".into()), "{list}");
    assert_eq!(of(1), (&"deep".into(), &"7 steps".into()), "{list}");
    // A folder that is not there, and a file, are refused before anything is listened to.
    let gone = folder.path().join("gone");
    let file = one.join("config.toml");
    for wrong in [gone, file] {
        let wrong = wrong.display();
        let error = common::error_line(&format!("serve --runs {} --runs {wrong}", shown[0]), 1);
        assert!(error.contains(&format!("--runs {wrong}: there is no such folder")), "{error}");
    }
}

/// Sends a picture to be segmented, and does not wait for the answer.
fn send(addr: &str, picture: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    let length = picture.len();
    let head = format!(
        "POST /api/v1/segment HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), picture].concat()).expect("sent");
    stream
}

/// A large picture of one colour in a small file.
fn flat_png(width: usize, height: usize) -> Vec<u8> {
    let size = Size { height, width };
    let mut file = Vec::new();
    encode::rgb_png(&mut file, size, &vec![90; 3 * size.pixels()]).expect("a PNG");
    file
}

fn end(child: &mut Child) -> Option<i32> {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    child.wait().expect("it ends").code()
}

#[test]
fn weights_are_served_under_their_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let road = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/weights/road.safetensors");
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::copy(road, at("street.safetensors")).expect("copied");
    let again = format!("again={}", at("street.safetensors"));
    let (mut child, addr) = started(&["--weights", &at("street.safetensors"), "--weights", &again]);
    let answer = ask(&addr, "/api/v1/models");
    assert_eq!(end(&mut child), Some(0));
    let list: Value =
        serde_json::from_str(answer.split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let names = list["networks"].as_array().expect("a list").iter().map(|one| &one["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["selfie", "road", "dcgan-faces", "street", "again"]);
    assert_eq!(
        (&list["networks"][3]["model"], &list["networks"][3]["file"]),
        (&"fcn8s".into(), &"street.safetensors".into())
    );
    std::fs::write(at("broken.safetensors"), "no weights").expect("a file");
    for (weights, expected, status) in [
        (at("gone.safetensors"), "gone.safetensors", 1),
        (at("broken.safetensors"), "broken.safetensors", 1),
        (format!("road={}", at("street.safetensors")), "two networks would be called road", 2),
        ("street=".into(), "street= names no file", 2),
    ] {
        let wrong = common::run(&format!("serve --weights {weights}"), status);
        let error = String::from_utf8_lossy(&wrong.stderr);
        assert!(error.contains(expected), "{error}");
    }
}

/// Whoever goes away ends the work, and the log says so.
#[test]
fn a_client_that_goes_away_is_noted() {
    let (mut child, addr) = started(&[]);
    let stream = send(&addr, &flat_png(5000, 4000));
    // Decoding takes longer than this.
    sleep(Duration::from_millis(100));
    drop(stream);
    let begun = Instant::now();
    let counted = r#"upconv_requests_total{route="/api/v1/segment",status="499"} 1"#;
    while !ask(&addr, "/metrics").contains(counted) {
        assert!(begun.elapsed().as_secs() < 60, "it is never counted");
        sleep(Duration::from_millis(50));
    }
    assert_eq!(end(&mut child), Some(0));
    let mut log = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut log).expect("the log");
    assert!(log.contains("the client went away"), "{log}");
}

/// What was accepted when it is told to end is answered.
#[test]
fn accepted_work_is_finished() {
    let (mut child, addr) = started(&[]);
    let picture = flat_png(3000, 2000);
    let mut streams: Vec<TcpStream> = (0..6).map(|_| send(&addr, &picture)).collect();
    let begun = Instant::now();
    // All of them and this question: the one thread works on the first for longer than they take to arrive.
    while !ask(&addr, "/metrics").contains("upconv_requests_running 7") {
        assert!(begun.elapsed().as_secs() < 30, "they are never all there");
    }
    assert_eq!(end(&mut child), Some(0));
    for stream in &mut streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with('}'), "{:.200}", answer);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_takes_the_log_and_nothing_else() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    let (mut child, addr) = started_with(&[], full.into());
    for _ in 0..3 {
        assert!(ask(&addr, "/api/v1/explain?input=3&kernel=3").starts_with("HTTP/1.1 200 OK"));
    }
    assert_eq!(end(&mut child), Some(0));
}

#[test]
fn others_need_a_token() {
    let refused = |words: &str| common::error_line(words, 2);
    let error = refused("serve --addr 0.0.0.0:0");
    assert!(
        error.contains("0.0.0.0:0 can be reached from other machines and needs a token"),
        "{error}"
    );
    assert!(refused("serve --token short").contains("16 characters"));
    let wrong = common::run("serve --addr localhost", 2);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--addr <IP:PORT>"), "{wrong:?}");
}
