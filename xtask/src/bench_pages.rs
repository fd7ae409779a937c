//! `bench-pages`: the tables of docs/performance.md, made from the files that the measurements left.
//!
//! A table stands between `<!-- table NAME -->` and `<!-- end NAME -->`, and comes from
//! docs/performance/NAME.json, which `time_peers.py --json` wrote. Files of `upconv bench --json` in the
//! same folder tell the peak of the machine for a number of threads.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::unexpected;

/// The page, and the folder of its files.
const PAGE: &str = "docs/performance.md";
const FOLDER: &str = "docs/performance";

/// How time_peers.py calls the program under test.
const OURS: &str = "external";

/// Peers that are given their tensors in NHWC.
const NHWC_PEERS: [&str; 2] = ["torch_cl", "tensorflow"];

/// A file of `time_peers.py --json`.
#[derive(Deserialize)]
struct Run {
    mode: String,
    threads: usize,
    #[serde(default)]
    cpu_time: bool,
    machine: PeersMachine,
    results: Vec<Timed>,
}

#[derive(Deserialize)]
struct PeersMachine {
    cpu: Option<String>,
    versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Timed {
    workload: Workload,
    times: BTreeMap<String, Time>,
}

#[derive(Deserialize)]
struct Workload {
    id: String,
    kind: String,
    flops: f64,
}

/// Without `min_ms` there is an error instead.
#[derive(Deserialize)]
struct Time {
    min_ms: Option<f64>,
}

/// A file of `upconv bench --json`.
#[derive(Deserialize)]
struct Peak {
    peak_gflops: f64,
    machine: OurMachine,
}

#[derive(Deserialize)]
struct OurMachine {
    threads: usize,
}

/// Everything in the folder.
#[derive(Default)]
struct Files {
    /// By name.
    runs: BTreeMap<String, Run>,
    /// GFLOP/s by threads.
    peaks: BTreeMap<usize, f64>,
}

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let check = arguments.contains(&"--check");
    if let Some(argument) = arguments.iter().find(|a| a.starts_with('-') && **a != "--check") {
        return Err(unexpected("bench-pages", argument));
    }
    let new: Vec<&str> = arguments.iter().copied().filter(|a| !a.starts_with('-')).collect();
    match (check, new.as_slice()) {
        (true, [argument, ..]) => return Err(unexpected("bench-pages --check", argument)),
        (true, []) => {}
        (false, []) => {}
        (false, new) => keep(root, new)?,
    }
    let path = root.join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let files = Files::read(&root.join(FOLDER))?;
    let wanted = filled(&page, &files)?;
    if page == wanted {
        println!("{PAGE} is what {FOLDER} says (tables: {})", files.runs.len());
        return Ok(());
    }
    if check {
        bail!("{PAGE} is not what {FOLDER} says; run cargo xtask bench-pages");
    }
    fs::write(&path, wanted).with_context(|| format!("cannot write {PAGE}"))?;
    println!("wrote {PAGE}");
    Ok(())
}

/// Copies files into the folder, from where the page is made.
fn keep(root: &Path, new: &[&str]) -> Result<()> {
    let folder = root.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {FOLDER}"))?;
    for &path in new {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        Files::default().add(path, &text)?;
        let name = Path::new(path).file_stem().context("a file without a name")?;
        let kept = folder.join(name).with_extension("json");
        fs::write(&kept, text).with_context(|| format!("cannot write {}", kept.display()))?;
    }
    Ok(())
}

impl Files {
    fn read(folder: &Path) -> Result<Self> {
        let mut files = Self::default();
        if !folder.is_dir() {
            return Ok(files);
        }
        let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<PathBuf> = entries.collect::<std::io::Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path)?;
            files.add(&path.to_string_lossy(), &text)?;
        }
        Ok(files)
    }

    /// Takes in one file, of either kind.
    fn add(&mut self, path: &str, text: &str) -> Result<()> {
        if let Ok(Peak { peak_gflops, machine }) = serde_json::from_str(text) {
            if let Some(other) = self.peaks.insert(machine.threads, peak_gflops) {
                bail!("{path}: {other} is a second peak for {} threads", machine.threads);
            }
            return Ok(());
        }
        let run = serde_json::from_str(text)
            .with_context(|| format!("{path} comes from neither time_peers.py nor upconv bench"))?;
        let name = Path::new(path).file_stem().unwrap_or_default().to_string_lossy();
        self.runs.insert(name.into_owned(), run);
        Ok(())
    }
}

/// The page with every table as its file says; one without a file is empty.
fn filled(page: &str, files: &Files) -> Result<String> {
    let mut out = String::new();
    let mut places = BTreeMap::new();
    let mut open: Option<&str> = None;
    for (number, line) in page.lines().enumerate() {
        let number = number + 1;
        match (open, marker(line, "table"), marker(line, "end")) {
            (None, Some(name), _) => {
                if let Some(first) = places.insert(name, number) {
                    bail!("{PAGE}:{number}: table {name} is there already, in line {first}");
                }
                out += &format!("{line}\n");
                if let Some(run) = files.runs.get(name) {
                    out += &table(run, files.peaks.get(&run.threads).copied());
                }
                open = Some(name);
            }
            (Some(name), None, end) if end.is_none_or(|end| end == name) => {
                if end.is_some() {
                    out += &format!("{line}\n");
                    open = None;
                }
            }
            (None, None, None) => out += &format!("{line}\n"),
            (Some(name), ..) => bail!("{PAGE}:{number}: table {name} has no end before this"),
            (None, None, Some(name)) => bail!("{PAGE}:{number}: table {name} has not begun"),
        }
    }
    if let Some(name) = open {
        bail!("{PAGE}: table {name} has no end");
    }
    if let Some(name) = files.runs.keys().find(|name| !places.contains_key(name.as_str())) {
        bail!("{PAGE} has no place `<!-- table {name} -->` for {FOLDER}/{name}.json");
    }
    Ok(out)
}

/// The name in `<!-- WORD NAME -->`.
fn marker<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let inside = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?.trim();
    let name = inside.strip_prefix(word)?.strip_prefix(' ')?.trim();
    (!name.is_empty() && !name.contains(' ')).then_some(name)
}

/// What was measured, and one line for each workload.
fn table(run: &Run, peak: Option<f64>) -> String {
    let Run { mode, threads, machine, .. } = run;
    let ms = if run.cpu_time { "CPU ms" } else { "ms" };
    let s = if *threads == 1 { "" } else { "s" };
    let versions = machine.versions.iter().map(|(name, version)| format!("{name} {version}"));
    let versions = versions.collect::<Vec<_>>().join(", ");
    let cpu = machine.cpu.as_deref().unwrap_or("a CPU of unknown model");
    let of_peak = match peak {
        Some(peak) => format!("% of {peak:.1} GFLOP/s"),
        None => "% of peak".to_owned(),
    };
    let mut out = format!(
        "\n`{mode}`, {threads} thread{s}, minimum of the repeats, on {cpu}; {versions}.\n\n\
         | id | ours, {ms} | best peer, {ms} | peer / ours | NCHW peer / ours | {of_peak} |\n\
         | --- | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let factor = if mode == "fwdbwd" { 3.0 } else { 1.0 };
    let (mut ratios, mut nchw_ratios) = (Vec::new(), Vec::new());
    for Timed { workload, times } in &run.results {
        let ours = times.get(OURS).and_then(|time| time.min_ms);
        let (best, nchw) = (best(times, &[]), best(times, &NHWC_PEERS));
        let ratio = |peer: Option<(&str, f64)>| Some(peer?.1 / ours?);
        // A matrix product is a yardstick, not a contest.
        if workload.kind != "gemm" {
            ratios.extend(ratio(best));
            nchw_ratios.extend(ratio(nchw));
        }
        let share = ours.zip(peak).map(|(ms, peak)| factor * workload.flops / ms / 1e4 / peak);
        let cells = [
            workload.id.clone(),
            cell(ours.map(digits)),
            cell(best.map(|(name, ms)| format!("{name} {}", digits(ms)))),
            cell(ratio(best).map(|ratio| format!("{ratio:.2}"))),
            cell(ratio(nchw).map(|ratio| format!("{ratio:.2}"))),
            cell(share.map(|share| format!("{share:.0}"))),
        ];
        out += &format!("| {} |\n", cells.join(" | "));
    }
    let means = [mean(&ratios), mean(&nchw_ratios)];
    let [all, nchw] = means.map(|mean| cell(mean.map(|mean| format!("{mean:.2}"))));
    out + &format!("| geometric mean | | | {all} | {nchw} | |\n\n")
}

/// The fastest peer but for some.
fn best<'a>(times: &'a BTreeMap<String, Time>, but: &[&str]) -> Option<(&'a str, f64)> {
    let peers = times.iter().filter(|(name, _)| *name != OURS && !but.contains(&name.as_str()));
    let timed = peers.filter_map(|(name, time)| Some((name.as_str(), time.min_ms?)));
    timed.min_by(|(_, a), (_, b)| a.total_cmp(b))
}

fn mean(ratios: &[f64]) -> Option<f64> {
    let sum: f64 = ratios.iter().map(|ratio| ratio.ln()).sum();
    (!ratios.is_empty()).then(|| (sum / ratios.len() as f64).exp())
}

fn cell(text: Option<String>) -> String {
    text.unwrap_or_else(|| "n/a".to_owned())
}

/// Three digits, or all before the point.
fn digits(ms: f64) -> String {
    let decimals = match ms {
        ..0.1 => 4,
        ..1.0 => 3,
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{ms:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = r#"{
        "machine": {"cpu": "a CPU", "versions": {"torch": "2.8.0", "python": "3.11.7"}},
        "mode": "fwdbwd", "threads": 2, "cpu_time": false, "reps": 10,
        "results": [
            {"workload": {"id": "W1", "kind": "tconv", "flops": 1000000000}, "load": 0.1, "times": {
                "torch": {"min_ms": 40.0, "median_ms": 50.0, "n": 10},
                "torch_cl": {"min_ms": 20.0, "median_ms": 30.0, "n": 10},
                "onnxruntime": {"error": "unsupported"},
                "external": {"min_ms": 10.0, "median_ms": 11.0, "n": 10}}},
            {"workload": {"id": "W2", "kind": "tconv", "flops": 2000000}, "times": {
                "torch": {"min_ms": 0.25, "median_ms": 1, "n": 10},
                "external": {"min_ms": 0.5, "median_ms": 1, "n": 10}}},
            {"workload": {"id": "G1", "kind": "gemm", "flops": 2000000}, "times": {
                "torch": {"min_ms": 123.4, "median_ms": 1, "n": 10},
                "external": {"error": "unsupported"}}}]}"#;
    const PEAK: &str = r#"{"machine": {"cpu": null, "threads": 2}, "peak_gflops": 600.0,
        "results": []}"#;
    const TABLE: &str = "\n`fwdbwd`, 2 threads, minimum of the repeats, on a CPU; python 3.11.7, \
        torch 2.8.0.\n\n\
        | id | ours, ms | best peer, ms | peer / ours | NCHW peer / ours | % of 600.0 GFLOP/s |\n\
        | --- | ---: | ---: | ---: | ---: | ---: |\n\
        | W1 | 10.0 | torch_cl 20.0 | 2.00 | 4.00 | 50 |\n\
        | W2 | 0.500 | torch 0.250 | 0.50 | 0.50 | 2 |\n\
        | G1 | n/a | torch 123 | n/a | n/a | n/a |\n\
        | geometric mean | | | 1.00 | 1.41 | |\n\n";

    fn files() -> Files {
        let mut files = Files::default();
        files.add("x/t2.json", RUN).unwrap();
        files.add("x/peak.json", PEAK).unwrap();
        files
    }

    #[test]
    fn a_table_is_filled_and_stays_filled() {
        let page = "# Title\n<!-- table t2 -->\nold\n<!-- end t2 -->\ntext\n\
                    <!-- table later -->\n<!-- end later -->\n";
        let wanted = format!(
            "# Title\n<!-- table t2 -->\n{TABLE}<!-- end t2 -->\ntext\n\
             <!-- table later -->\n<!-- end later -->\n"
        );
        assert_eq!(filled(page, &files()).unwrap(), wanted);
        assert_eq!(filled(&wanted, &files()).unwrap(), wanted);
    }

    #[test]
    fn broken_pages_and_files_are_refused() {
        for (page, part) in [
            ("<!-- table t2 -->\n", "table t2 has no end"),
            ("<!-- end t2 -->\n", "table t2 has not begun"),
            ("<!-- table t2 -->\n<!-- end t3 -->\n", "no end before this"),
            ("<!-- table t2 -->\n<!-- table t3 -->\n", "no end before this"),
            (
                "<!-- table t2 -->\n<!-- end t2 -->\n<!-- table t2 -->\n<!-- end t2 -->\n",
                "is there already, in line 1",
            ),
            ("no table\n", "has no place `<!-- table t2 -->`"),
        ] {
            let error = filled(page, &files()).unwrap_err().to_string();
            assert!(error.contains(part), "{page}: {error}");
        }
        assert!(files().add("y/peak.json", PEAK).is_err());
        assert!(files().add("y/other.json", "{}").is_err());
    }

    #[test]
    fn the_command_keeps_files_and_checks() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        fs::create_dir(path("docs")).unwrap();
        fs::write(path(PAGE), "<!-- table t2 -->\n<!-- end t2 -->\n").unwrap();
        run(root.path(), &["--check"]).unwrap();
        fs::write(path("t2.json"), RUN).unwrap();
        let new = path("t2.json").display().to_string();
        run(root.path(), &[&new]).unwrap();
        run(root.path(), &["--check"]).unwrap();
        let page = fs::read_to_string(path(PAGE)).unwrap();
        assert!(page.contains("| W1 | 10.0 |"), "{page}");
        fs::write(path(PAGE), page.replace("10.0", "9.0")).unwrap();
        assert!(run(root.path(), &["--check"]).is_err());
        for wrong in [&["--force"][..], &["--check", "t2.json"]] {
            assert!(run(root.path(), wrong).unwrap_err().is::<crate::WrongUse>());
        }
    }
}
