//! `upconv serve` as a process: where it listens, what it refuses, how it ends.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A server on a free port, and where that is.
fn started(more: &[&str]) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upconv"));
    let words = ["serve", "--addr", "127.0.0.1:0", "--json", "--threads", "1"];
    let command = command.args(words).args(more).env_remove("UPCONV_TOKEN");
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
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
        let error = common::error_line(&format!("serve --runs {} --runs {wrong}", shown[0]), 2);
        assert!(error.contains(&format!("--runs {wrong}: there is no such folder")), "{error}");
    }
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
