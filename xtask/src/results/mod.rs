//! `results`: what networks of this project learn, measured by training them with the program.
//!
//! `results roads` and `results classify` make their data, train every network of their table and measure it. Their folders
//! keep what is done: a command that was broken off goes on where it was. Then they write what [`roads`] and [`classify`]
//! say.

mod classify;
mod roads;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::steps::cargo;
use crate::unexpected;

const SEED: &str = "1";

/// A network and the words that train it.
struct Row {
    name: &'static str,
    /// What it is, in English and Chinese.
    title: [&'static str; 2],
    train: &'static [&'static str],
}

/// What a training run took; unknown where it was broken off and went on.
#[derive(Serialize, Deserialize)]
struct Trained {
    seconds: Option<f64>,
    cpu_seconds: Option<f64>,
    /// The best weights.
    weights: PathBuf,
}

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let kept = |name: &str| root.join("target/results").join(name);
    match arguments {
        ["roads"] => roads::run(root, &kept("roads")),
        ["classify"] => classify::run(root, &kept("classify")),
        ["roads", folder] if !folder.starts_with('-') => {
            roads::run(root, &std::path::absolute(folder)?)
        }
        ["classify", folder] if !folder.starts_with('-') => {
            classify::run(root, &std::path::absolute(folder)?)
        }
        ["--check"] => check(root),
        ["roads" | "classify", argument, ..] | [argument, ..] => {
            Err(unexpected("results", argument))
        }
        [] => write(root),
    }
}

/// The pages with the tables of the files beside them.
fn write(root: &Path) -> Result<()> {
    for (page, text) in pages(root)? {
        fs::write(page, text)?;
    }
    Ok(())
}

/// That the pages say what the files beside them say.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (page, text) in pages(root)? {
        if fs::read_to_string(&page)? != text {
            bail!("{} does not fit the .json beside it; see cargo xtask help", page.display());
        }
    }
    println!("docs/results: the tables are those of the measurements");
    Ok(())
}

fn pages(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut pages = pages_of(root, "roads", roads::table)?;
    pages.extend(pages_of(root, "classify", classify::table)?);
    Ok(pages)
}

/// The pages of a name, in both languages, with the table that the file of that name gives.
fn pages_of<M: for<'de> Deserialize<'de>>(
    root: &Path,
    name: &str,
    table: fn(&M, usize) -> String,
) -> Result<Vec<(PathBuf, String)>> {
    let folder = root.join("docs/results");
    let file = folder.join(format!("{name}.json"));
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let measured: M = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
    let page = |(language, ending): (usize, &str)| {
        let page = folder.join(format!("{name}{ending}"));
        let text = fs::read_to_string(&page).with_context(|| format!("{}", page.display()))?;
        let filled = filled(&text, name, &table(&measured, language))
            .with_context(|| format!("{}", page.display()))?;
        Ok((page, filled))
    };
    [(0, ".md"), (1, ".zh-CN.md")].into_iter().map(page).collect()
}

/// The page with another table.
fn filled(page: &str, name: &str, table: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- table {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) =
        page.split_once(&begin).with_context(|| format!("no `{}`", begin.trim()))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("no `{end}`"))?;
    Ok(format!("{before}{begin}{table}{end}{after}"))
}

/// Makes a set of data with the program, unless it is there.
fn made(root: &Path, folder: &Path, words: &[&str]) -> Result<PathBuf> {
    let data = folder.join(words[0]);
    if !data.is_dir() {
        let making = folder.join("making");
        let _ = fs::remove_dir_all(&making);
        let mut command = program(root);
        command.args(["data", "make"]).args(words).args(["--seed", SEED]);
        crate::steps::stream(command.arg(&making))?;
        fs::rename(&making, &data)?;
    }
    Ok(data)
}

/// The program as users build it.
fn program(root: &Path) -> Command {
    let mut command = cargo(root);
    command.args(["run", "--release", "--quiet", "--locked", "-p", "upconv", "--"]);
    command
}

/// The JSON that the program prints.
fn answer(root: &Path, words: &[&str]) -> Result<Value> {
    let output = program(root).args(words).arg("--json").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("upconv {}: {}", words.join(" "), output.status);
    }
    // Training prints a line for each step, and its report last.
    let text = String::from_utf8(output.stdout)?;
    let last = text.lines().last().with_context(|| format!("upconv {}: no answer", words[0]))?;
    Ok(serde_json::from_str(last)?)
}

/// Trains a network, or reads what was kept of it.
fn train(root: &Path, folder: &Path, data: &Path, row: &Row) -> Result<Trained> {
    let kept = folder.join(format!("{}.json", row.name));
    if kept.is_file() {
        return Ok(serde_json::from_str(&fs::read_to_string(kept)?)?);
    }
    let out = folder.join("runs").join(row.name);
    let whole = !out.join("config.toml").is_file();
    println!("{}: trained{}", row.name, if whole { "" } else { ", from where it was" });
    let (out_text, data) = (out.display().to_string(), data.display().to_string());
    let mut words = vec!["train"];
    match whole {
        true => {
            words.extend(row.train);
            words.extend(["--data", &data, "--out", &out_text, "--seed", SEED]);
        }
        false => words.extend(["--resume", &out_text]),
    }
    let (begun, cpu) = (Instant::now(), cpu_of_children());
    let report = answer(root, &words)?;
    let weights = report["weights"].as_str().context("the report names no weights")?;
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_seconds = cpu_of_children().zip(cpu).map(|(after, before)| after - before);
    let trained = Trained {
        seconds: whole.then_some(seconds),
        cpu_seconds: cpu_seconds.filter(|_| whole),
        weights: root.join(weights),
    };
    fs::write(kept, serde_json::to_string(&trained)?)?;
    Ok(trained)
}

/// Seconds of CPU that the programs took which this one waited for: fields 16 and 17 of Linux's /proc/self/stat, in
/// hundredths (the kernel's unit for programs, on all processors that this runs on).
fn cpu_of_children() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is a name in brackets, which may hold spaces.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some((ticks(16)? + ticks(17)?) / 100.0)
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("unknown", |(_, name)| name).trim().to_owned()
}

/// Learned numbers: the statistics of batch norm are none.
fn parameters(inspected: &Value) -> Result<u64> {
    let tensors = inspected["tensors"].as_array().context("inspect lists no tensors")?;
    let cells = |tensor: &Value| -> Option<u64> {
        match tensor["name"].as_str()? {
            name if name.contains("running_") => Some(0),
            _ => tensor["shape"].as_array()?.iter().map(Value::as_u64).product(),
        }
    };
    tensors.iter().map(cells).sum::<Option<u64>>().context("a tensor without a shape")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_another() {
        let page = filled("x\n<!-- table a -->\nold\n<!-- end a -->\ny", "a", "new\n").unwrap();
        assert_eq!(page, "x\n<!-- table a -->\nnew\n<!-- end a -->\ny");
        let error = filled("no table", "a", "").unwrap_err().to_string();
        assert_eq!(error, "no `<!-- table a -->`");
    }

    #[test]
    fn statistics_are_no_parameters() {
        let inspected = serde_json::json!({"tensors": [
            {"name": "a.weight", "shape": [2, 3]},
            {"name": "bn.running_mean", "shape": [5]},
            {"name": "scalar", "shape": []},
        ]});
        assert_eq!(parameters(&inspected).unwrap(), 7);
    }

    #[test]
    fn waiting_for_a_program_counts_its_time() {
        if cfg!(target_os = "linux") {
            let before = cpu_of_children().unwrap();
            assert!(Command::new("true").status().unwrap().success());
            assert!(cpu_of_children().unwrap() >= before);
        }
    }
}
