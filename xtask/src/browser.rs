//! `test --browser`: the pages in Chromium, and the API against its own description.
//!
//! What is needed comes from the ordinary clients: Chromium by apt-get where this runs as root on Debian, the tools of
//! the pages by npm, schemathesis by pip. What cannot be had is skipped, with a loud line and a count.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::steps::{Steps, cargo, stream};

/// Where the tests of the pages are.
const FOLDER: &str = "crates/server/browser";
/// Names under which Chromium is installed.
const CHROMIUM: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
const SCHEMATHESIS: &str = "schemathesis==4.32.5";
/// The program in the test profile, which the tests have built already.
const UPCONV: &[&str] = &["run", "--profile", "test", "--locked", "--quiet", "--"];
/// Where what the pages show is made.
const MADE: &str = "target/browser";
/// Runs that the pages show, and the rates that they learn with.
const RUNS: [(&str, &str); 2] = [("slow", "0.0005"), ("fast", "0.01")];

/// Runs both; what is returned was skipped, and why.
pub(crate) fn run(root: &Path, steps: &mut Steps) -> Result<Vec<String>> {
    let mut skipped = Vec::new();
    let folder = root.join(FOLDER);
    let runs = train(root, steps)?;
    let server = Server::start(root, &runs)?;
    match tools(&folder) {
        Ok(chromium) => {
            steps.step("npm run types", || stream(npm(&folder).args(["run", "types"])))?;
            steps.step("npm test (the pages in Chromium)", || {
                let mut command = npm(&folder);
                command.arg("test").env("UPCONV_URL", &server.url).env("CHROMIUM", chromium);
                stream(command.env("UPCONV_RUNS", &runs))
            })?;
        }
        Err(reason) => skipped.push(format!("{} tests of the pages ({reason:#})", count(&folder)?)),
    }
    match schemathesis(root) {
        Ok(program) => steps.step("schemathesis run", || {
            let mut command = Command::new(program);
            command.args(["run", "--max-examples", "30", "--phases", "examples,coverage,fuzzing"]);
            // Rules of dialects refuse what is well written: that is what they are for.
            command.args(["--exclude-checks", "positive_data_acceptance"]);
            command.args(["--seed", "1"]).arg(format!("{}api/v1/openapi.json", server.url));
            stream(command.current_dir(root.join("target")))
        })?,
        Err(reason) => skipped.push(format!("1 run of schemathesis over the API ({reason:#})")),
    }
    Ok(skipped)
}

/// Tests in the folder, for the line that says that they were skipped.
pub(crate) fn count_all(root: &Path) -> Result<usize> {
    count(&root.join(FOLDER))
}

fn count(folder: &Path) -> Result<usize> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("in {}", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            let text = std::fs::read_to_string(&path)?;
            sum += text.lines().filter(|line| line.trim_start().starts_with("test(")).count();
        }
    }
    Ok(sum)
}

/// Makes pictures and trains small classifiers on them, some seconds each; gives the folder of the runs.
fn train(root: &Path, steps: &mut Steps) -> Result<PathBuf> {
    let made = root.join(MADE);
    let (pictures, runs) = (made.join("pictures"), made.join("runs"));
    if made.exists() {
        std::fs::remove_dir_all(&made).with_context(|| format!("in {}", made.display()))?;
    }
    steps.step("upconv train (what the pages show)", || {
        let mut make = cargo(root);
        make.args(UPCONV).args(["data", "make", "pictures", "--count", "400", "--quiet"]);
        stream(make.arg(&pictures))?;
        for (name, rate) in RUNS {
            let mut command = cargo(root);
            command.args(UPCONV).args(["train", "cifar-softmax", "--quiet", "--data"]);
            command.arg(&pictures).arg("--out").arg(runs.join(name));
            command.args(["--set", &format!("net.rate={rate}")]);
            for span in [
                "length=\"300 steps\"",
                "evaluate_every=\"50 steps\"",
                "sample_every=\"100 steps\"",
            ] {
                command.args(["--set", &format!("run.{span}")]);
            }
            stream(&mut command)?;
        }
        Ok(())
    })?;
    Ok(runs)
}

/// A server of ours, which ends with this value.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(root: &Path, runs: &Path) -> Result<Self> {
        println!("\n==> upconv serve");
        let mut command = cargo(root);
        command.args(UPCONV).args([
            "serve",
            "--addr",
            "127.0.0.1:0",
            "--json",
            "--quiet",
            "--weights",
        ]);
        command.arg(format!("shapes={}", runs.join(RUNS[1].0).display())).arg("--runs").arg(runs);
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .context("cannot read what `upconv serve` says")?;
        }
        let said: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("`upconv serve` said {line:?}, not where it listens"))?;
        let url = said["url"].as_str().context("no member url")?.to_owned();
        Ok(Self { child, url })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // On Unix cargo has become the program itself; elsewhere it may outlive this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Installs what the tests of the pages need, and gives Chromium.
fn tools(folder: &Path) -> Result<PathBuf> {
    if !works("node", "--version") || !works("npm", "--version") {
        bail!("Node.js 20 or newer and npm are not installed");
    }
    let chromium = match found() {
        Some(chromium) => chromium,
        None => {
            println!("Chromium is not installed; asking apt-get");
            let apt = |arguments: &[&str]| {
                let mut command = Command::new("apt-get");
                command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
                stream(command.stdout(Stdio::null()))
            };
            apt(&["update"])
                .and_then(|()| apt(&["install", "-y", "--no-install-recommends", "chromium"]))
                .context("Chromium is not installed, and apt-get does not install it")?;
            found().context("Chromium was installed and is not found")?
        }
    };
    stream(npm(folder).args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]))
        .context("npm ci failed")?;
    Ok(chromium)
}

fn found() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&folders)
        .flat_map(|folder| CHROMIUM.iter().map(move |name| folder.join(name)));
    programs.find(|program| program.is_file())
}

fn works(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(folder);
    command
}

/// Schemathesis in an environment of its own below target/.
fn schemathesis(root: &Path) -> Result<PathBuf> {
    let venv = root.join("target/schemathesis-venv");
    let program = venv.join("bin/schemathesis");
    if !program.is_file() {
        let quiet = |command: &mut Command| stream(command.stdout(Stdio::null()));
        quiet(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            .context("python3 with venv is not installed")?;
        quiet(Command::new(venv.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))
            .with_context(|| format!("pip does not install {SCHEMATHESIS}"))?;
    }
    Ok(program)
}
