//! Steps of a longer command: each is announced, timed, and the first failure ends the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Set to 1 for tests that must read the fetched data; not set for all others.
pub(crate) const WITH_DATA: &str = "UPCONV_WITH_DATA";

/// A cargo that runs in `root`: the one that started this program, so that one toolchain does all.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    // The argument `--with-data` alone decides: a variable of the shell must not add or hide tests.
    command.current_dir(root).env_remove(WITH_DATA);
    command
}

/// Runs `command` with its output streamed, and fails unless it exits with 0.
pub(crate) fn stream(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

/// The steps of one run of a command.
pub(crate) struct Steps {
    command: &'static str,
    root: PathBuf,
    started: Instant,
    done: Vec<(String, Duration)>,
    skipped: Vec<String>,
}

impl Steps {
    pub(crate) fn new(command: &'static str, root: &Path) -> Self {
        Self {
            command,
            root: root.to_owned(),
            started: Instant::now(),
            done: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// One step. `title` is the command line that a person would type for it.
    ///
    /// # Errors
    /// That of `action`, with the step's number and title before it.
    pub(crate) fn step(&mut self, title: &str, action: impl FnOnce() -> Result<()>) -> Result<()> {
        let number = self.done.len() + self.skipped.len() + 1;
        println!("\n==> {number}. {title}");
        let start = Instant::now();
        action().with_context(|| {
            format!("cargo xtask {} failed at step {number}, `{title}`", self.command)
        })?;
        self.done.push((title.to_owned(), start.elapsed()));
        Ok(())
    }

    /// A step that is one call of cargo, with these variables in its environment.
    pub(crate) fn cargo(&mut self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
        let mut command = cargo(&self.root);
        command.args(arguments).envs(variables.iter().copied());
        let mut title = String::new();
        for (name, value) in variables {
            title += &format!("{name}=\"{value}\" ");
        }
        title += &format!("cargo {}", arguments.join(" "));
        self.step(&title, || stream(&mut command))
    }

    /// A step that needs an optional part of the toolchain, such as `fmt` or `clippy`. A toolchain
    /// without it skips the step and says so.
    pub(crate) fn cargo_component(&mut self, arguments: &[&str]) -> Result<()> {
        let component = arguments.first().copied().unwrap_or_default();
        let installed = cargo(&self.root)
            .args([component, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if installed {
            return self.cargo(arguments, &[]);
        }
        println!("\nSKIPPED: cargo {} (this toolchain has no {component})", arguments.join(" "));
        self.skipped.push(format!("cargo {component} (not installed)"));
        Ok(())
    }

    /// The closing lines: how long each step took, and what was not checked.
    pub(crate) fn summary(&self) {
        println!();
        for (title, time) in &self.done {
            println!("{:7.1} s  {title}", time.as_secs_f64());
        }
        if !self.skipped.is_empty() {
            println!("{} checks skipped: {}", self.skipped.len(), self.skipped.join(", "));
        }
        println!(
            "cargo xtask {}: all {} steps passed in {:.0} s",
            self.command,
            self.done.len(),
            self.started.elapsed().as_secs_f64()
        );
    }
}
