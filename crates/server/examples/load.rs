//! Clients that ask a server as fast as it answers, and how long they wait.
//!
//! `cargo run --release -p upconv-server --example load -- 127.0.0.1:7878 /api/v1/explain?... 50 10` lets 50 clients ask
//! for 10 seconds, each on one connection and one request at a time, and prints a line of JSON. Plain threads and sockets:
//! what is measured is the server.
#![allow(clippy::print_stdout, reason = "the line is its product")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What one client saw.
#[derive(Default)]
struct Seen {
    /// Milliseconds of every answer.
    waits: Vec<f64>,
    /// Answers by their status; 0 for a connection that broke.
    statuses: BTreeMap<u16, usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [addr, path, clients, seconds] = &arguments[..] else {
        return Err("usage: load ADDR PATH CLIENTS SECONDS".into());
    };
    let (clients, seconds): (usize, f64) = (clients.parse()?, seconds.parse()?);
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let (addr, path) = (addr.clone(), path.clone());
            std::thread::spawn(move || client(&addr, &path, end))
        })
        .collect();
    let mut all = Seen::default();
    for thread in threads {
        let seen = thread.join().map_err(|_| "a client failed")?;
        all.waits.extend(seen.waits);
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
        "requests": all.waits.len(),
        "per_second": all.waits.len() as f64 / seconds,
        "ms": {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "most": at(1.0)},
        "statuses": all.statuses,
    });
    println!("{line}");
    Ok(())
}

/// Asks until the end, over one connection as long as that holds.
fn client(addr: &str, path: &str, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\n\r\n");
    let mut connection = None;
    while Instant::now() < end {
        let begun = Instant::now();
        let stream = match connection.take() {
            Some(stream) => Ok(stream),
            None => connect(addr),
        };
        match stream.and_then(|mut stream| Ok((ask(&mut stream, &request)?, stream))) {
            Ok((status, stream)) => {
                seen.waits.push(begun.elapsed().as_secs_f64() * 1e3);
                *seen.statuses.entry(status).or_default() += 1;
                connection = Some(stream);
            }
            Err(_) => *seen.statuses.entry(0).or_default() += 1,
        }
    }
    seen
}

fn connect(addr: &str) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(BufReader::new(stream))
}

/// Sends a request, reads the whole answer, and gives its status.
fn ask(stream: &mut BufReader<TcpStream>, request: &str) -> std::io::Result<u16> {
    let broken = || std::io::Error::other("no HTTP");
    stream.get_mut().write_all(request.as_bytes())?;
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(|_| broken())?;
            }
            Some(_) => {}
        }
    }
    std::io::copy(&mut stream.take(length), &mut std::io::sink())?;
    Ok(status)
}
