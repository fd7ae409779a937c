//! Clients that ask a server as fast as it answers, and how long they wait.
//!
//! `cargo run --release -p upconv-server --example load -- 127.0.0.1:7878 /api/v1/explain?... 50 10` lets 50 clients ask
//! for 10 seconds, each on one connection and one request at a time, and prints a line of JSON. `--body FILE` posts a
//! file; `--pause MS` waits between an answer and the next question; who is sent away (429, 503) waits as long as
//! `Retry-After` says, unless `--impatient`. Plain threads and sockets: what is measured is the server.
#![allow(clippy::print_stdout, reason = "the line is its product")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is asked, and how.
#[derive(Clone)]
struct Question {
    addr: String,
    request: Arc<Vec<u8>>,
    pause: Duration,
    impatient: bool,
    end: Instant,
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    /// Milliseconds of every answer that was not a refusal.
    waits: Vec<f64>,
    /// Answers by their status; 0 for a connection that broke after the question was sent.
    statuses: BTreeMap<u16, usize>,
    /// Connections that nobody accepted: the server has ended.
    refused: usize,
    /// Refusals that did not say when to come again.
    without_retry_after: usize,
}

/// An answer's head.
struct Answer {
    status: u16,
    retry_after: Option<u64>,
}

const SENT_AWAY: [u16; 2] = [429, 503];

fn main() -> Result<(), Box<dyn Error>> {
    let (clients, seconds, question) = question(std::env::args().skip(1))?;
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let question = question.clone();
            std::thread::spawn(move || client(&question))
        })
        .collect();
    let mut all = Seen::default();
    for thread in threads {
        let seen = thread.join().map_err(|_| "a client failed")?;
        all.waits.extend(seen.waits);
        all.refused += seen.refused;
        all.without_retry_after += seen.without_retry_after;
        for (status, count) in seen.statuses {
            *all.statuses.entry(status).or_default() += count;
        }
    }
    all.waits.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * all.waits.len() as f64).ceil() as usize;
        all.waits.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    };
    let line = serde_json::json!({
        "clients": clients,
        "seconds": seconds,
        "answers": all.waits.len(),
        "per_second": all.waits.len() as f64 / seconds,
        "ms": {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "most": at(1.0)},
        "statuses": all.statuses,
        "refused": all.refused,
        "without_retry_after": all.without_retry_after,
    });
    println!("{line}");
    Ok(())
}

fn question(
    mut arguments: impl Iterator<Item = String>,
) -> Result<(usize, f64, Question), Box<dyn Error>> {
    const USAGE: &str =
        "usage: load ADDR PATH CLIENTS SECONDS [--body FILE] [--pause MS] [--impatient]";
    let mut next = || arguments.next().ok_or(USAGE);
    let (addr, path, clients, seconds) = (next()?, next()?, next()?.parse()?, next()?.parse()?);
    let (mut body, mut pause, mut impatient) = (None, Duration::ZERO, false);
    while let Ok(argument) = next() {
        match &*argument {
            "--body" => body = Some(std::fs::read(next()?)?),
            "--pause" => pause = Duration::from_millis(next()?.parse()?),
            "--impatient" => impatient = true,
            _ => return Err(USAGE.into()),
        }
    }
    let mut request = match &body {
        None => format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n\r\n"),
        Some(body) => {
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Length: {length}\r\n\r\n")
        }
    }
    .into_bytes();
    request.extend(body.unwrap_or_default());
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    Ok((clients, seconds, Question { addr, request: Arc::new(request), pause, impatient, end }))
}

/// Asks until the end, over one connection as long as that holds.
fn client(question: &Question) -> Seen {
    let mut seen = Seen::default();
    let mut connection = None;
    // Who waits is not woken only to find that it is over.
    let sleep = |time: Duration| {
        let left = question.end.saturating_duration_since(Instant::now());
        std::thread::sleep(time.min(left));
    };
    while Instant::now() < question.end {
        let begun = Instant::now();
        let stream = match connection.take() {
            Some(stream) => Ok(stream),
            None => connect(&question.addr),
        };
        let mut stream = match stream {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                seen.refused += 1;
                sleep(Duration::from_millis(100));
                continue;
            }
            Err(_) => {
                *seen.statuses.entry(0).or_default() += 1;
                continue;
            }
        };
        let Ok(answer) = ask(&mut stream, &question.request) else {
            *seen.statuses.entry(0).or_default() += 1;
            continue;
        };
        *seen.statuses.entry(answer.status).or_default() += 1;
        if SENT_AWAY.contains(&answer.status) {
            seen.without_retry_after += usize::from(answer.retry_after.is_none());
            if !question.impatient {
                sleep(Duration::from_secs(answer.retry_after.unwrap_or(1)));
            }
        } else {
            seen.waits.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        sleep(question.pause);
        connection = Some(stream);
    }
    seen
}

fn connect(addr: &str) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(120)))?;
    Ok(BufReader::new(stream))
}

/// Sends a request, reads the whole answer, and gives its head.
fn ask(stream: &mut BufReader<TcpStream>, request: &[u8]) -> std::io::Result<Answer> {
    let broken = || std::io::Error::other("no HTTP");
    stream.get_mut().write_all(request)?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    let (mut length, mut retry_after) = (0, None);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(broken());
        }
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(|_| broken())?;
            }
            Some((name, value)) if name.eq_ignore_ascii_case("retry-after") => {
                retry_after = Some(value.trim().parse().map_err(|_| broken())?);
            }
            Some(_) => {}
        }
    }
    // An answer that is cut short is none.
    match std::io::copy(&mut stream.take(length), &mut std::io::sink())? == length {
        true => Ok(Answer { status, retry_after }),
        false => Err(broken()),
    }
}
