//! `bench-pages`: the tables of docs/performance.md, in both languages, made from the files that the measurements
//! left.
//!
//! A table stands between `<!-- table NAME -->` and `<!-- end NAME -->`, and comes from
//! docs/performance/NAME.json, which `time_peers.py --json` wrote, or `upconv bench --json`: then its rows are
//! compared with the first; or `training_steps.py`, `peak_memory.py` or `compare_models.py` with `--json`. Files
//! peak*.json of `upconv bench --json` are no tables; they tell the peak of the machine for a number of threads.

mod models;
mod steps;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::unexpected;
use models::{Differences, Memory};
use steps::Steps;

/// The page in every language, and the folder of its files.
const PAGES: [(&str, Lang); 2] =
    [("docs/performance.md", Lang::En), ("docs/performance.zh-CN.md", Lang::Zh)];
const FOLDER: &str = "docs/performance";

#[derive(Clone, Copy)]
enum Lang {
    En,
    Zh,
}

impl Lang {
    fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// How time_peers.py calls the program under test, given NCHW; and what its runs in NHWC are named.
const OURS: &str = "external";
const OURS_NHWC: &str = "upconv_nhwc";

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
struct Own {
    peak_gflops: f64,
    machine: OurMachine,
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    mode: String,
    algorithm: String,
    ms_min: f64,
    gflops: f64,
}

#[derive(Deserialize)]
struct OurMachine {
    cpu: Option<String>,
    threads: usize,
}

/// What a table is made from.
enum Table {
    Peers(Run),
    Growth(Own),
    Steps(Steps),
    Memory(Memory),
    Differences(Differences),
}

/// Everything in the folder.
#[derive(Default)]
struct Files {
    /// Tables by name.
    runs: BTreeMap<String, Table>,
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
    let files = Files::read(&root.join(FOLDER))?;
    for (name, lang) in PAGES {
        let path = root.join(name);
        let page = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        let wanted = filled((name, &page), &files, lang)?;
        if page == wanted {
            println!("{name} is what {FOLDER} says (tables: {})", files.runs.len());
            continue;
        }
        if check {
            bail!("{name} is not what {FOLDER} says; run cargo xtask bench-pages");
        }
        fs::write(&path, wanted).with_context(|| format!("cannot write {name}"))?;
        println!("wrote {name}");
    }
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
        let name = Path::new(path).file_stem().unwrap_or_default().to_string_lossy();
        let table = match serde_json::from_str::<Own>(text) {
            Ok(Own { peak_gflops, machine, .. }) if name.starts_with("peak") => {
                if let Some(other) = self.peaks.insert(machine.threads, peak_gflops) {
                    bail!("{path}: {other} is a second peak for {} threads", machine.threads);
                }
                return Ok(());
            }
            Ok(own) => Table::Growth(own),
            Err(_) => of_a_script(text).with_context(|| {
                format!("{path} comes from no script of bench, and not from upconv bench")
            })?,
        };
        self.runs.insert(name.into_owned(), table);
        Ok(())
    }
}

/// A table of one of the scripts in bench, which differ by the name of their list.
fn of_a_script(text: &str) -> serde_json::Result<Table> {
    if let Ok(steps) = serde_json::from_str(text) {
        return Ok(Table::Steps(steps));
    }
    if let Ok(memory) = serde_json::from_str(text) {
        return Ok(Table::Memory(memory));
    }
    if let Ok(differences) = serde_json::from_str(text) {
        return Ok(Table::Differences(differences));
    }
    serde_json::from_str(text).map(Table::Peers)
}

/// The page with every table as its file says; one without a file is empty.
fn filled((file, page): (&str, &str), files: &Files, lang: Lang) -> Result<String> {
    let mut out = String::new();
    let mut places = BTreeMap::new();
    let mut open: Option<&str> = None;
    for (number, line) in page.lines().enumerate() {
        let number = number + 1;
        match (open, marker(line, "table"), marker(line, "end")) {
            (None, Some(name), _) => {
                if let Some(first) = places.insert(name, number) {
                    bail!("{file}:{number}: table {name} is there already, in line {first}");
                }
                out += &format!("{line}\n");
                match files.runs.get(name) {
                    Some(Table::Peers(run)) => {
                        out += &table(run, files.peaks.get(&run.threads).copied(), lang);
                    }
                    Some(Table::Growth(own)) => out += &growth(own, lang),
                    Some(Table::Steps(steps)) => out += &steps::table(steps, lang),
                    Some(Table::Memory(memory)) => out += &models::memory(memory, lang),
                    Some(Table::Differences(rows)) => out += &models::differences(rows, lang),
                    None => {}
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
            (Some(name), ..) => bail!("{file}:{number}: table {name} has no end before this"),
            (None, None, Some(name)) => bail!("{file}:{number}: table {name} has not begun"),
        }
    }
    if let Some(name) = open {
        bail!("{file}: table {name} has no end");
    }
    if let Some(name) = files.runs.keys().find(|name| !places.contains_key(name.as_str())) {
        bail!("{file} has no place `<!-- table {name} -->` for {FOLDER}/{name}.json");
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
fn table(run: &Run, peak: Option<f64>, lang: Lang) -> String {
    let Run { mode, threads, machine, .. } = run;
    let ms = if run.cpu_time { "CPU ms" } else { "ms" };
    let s = if *threads == 1 { "" } else { "s" };
    let versions = machine.versions.iter().map(|(name, version)| format!("{name} {version}"));
    let versions = versions.collect::<Vec<_>>().join(", ");
    let unknown = lang.pick("a CPU of unknown model", "型号不明的 CPU");
    let cpu = machine.cpu.as_deref().unwrap_or(unknown);
    let of_peak = match (peak, lang) {
        (Some(peak), Lang::En) => format!("% of {peak:.1} GFLOP/s"),
        (Some(peak), Lang::Zh) => format!("占 {peak:.1} GFLOP/s 的 %"),
        (None, _) => lang.pick("% of peak", "占峰值的 %").to_owned(),
    };
    let mut out = match lang {
        Lang::En => format!(
            "\n`{mode}`, {threads} thread{s}, minimum of the repeats, on {cpu}; {versions}.\n\n\
             | id | NCHW, {ms} | NHWC, {ms} | best peer, {ms} | peer / better | \
             NCHW peer, {ms} | peer / NCHW | {of_peak} |\n"
        ),
        Lang::Zh => format!(
            "\n`{mode}`，{threads} 线程，取各次中的最小值，{cpu}；{versions}。\n\n\
             | 编号 | NCHW，{ms} | NHWC，{ms} | 最快的对手，{ms} | 对手 / 较快者 | \
             NCHW 对手，{ms} | 对手 / NCHW | {of_peak} |\n"
        ),
    };
    out += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    let factor = if mode == "fwdbwd" { 3.0 } else { 1.0 };
    let (mut ratios, mut nchw_ratios) = (Vec::new(), Vec::new());
    for Timed { workload, times } in &run.results {
        let [ours, ours_nhwc] = [OURS, OURS_NHWC].map(|name| times.get(name)?.min_ms);
        let better = [ours, ours_nhwc].into_iter().flatten().min_by(f64::total_cmp);
        let (best, nchw) = (best(times, &[]), best(times, &NHWC_PEERS));
        let ratio = |peer: Option<(&str, f64)>, ours: Option<f64>| Some(peer?.1 / ours?);
        let ratio_text = |ratio: Option<f64>| cell(ratio.map(|ratio| format!("{ratio:.2}")));
        let peer = |peer: Option<(&str, f64)>| {
            cell(peer.map(|(name, ms)| format!("{name} {}", digits(ms))))
        };
        // A matrix product is a yardstick, not a contest.
        if workload.kind != "gemm" {
            ratios.extend(ratio(best, better));
            nchw_ratios.extend(ratio(nchw, ours));
        }
        let share = better.zip(peak).map(|(ms, peak)| factor * workload.flops / ms / 1e4 / peak);
        let cells = [
            workload.id.clone(),
            cell(ours.map(digits)),
            cell(ours_nhwc.map(digits)),
            peer(best),
            ratio_text(ratio(best, better)),
            peer(nchw),
            ratio_text(ratio(nchw, ours)),
            cell(share.map(|share| format!("{share:.0}"))),
        ];
        out += &format!("| {} |\n", cells.join(" | "));
    }
    let means = [mean(&ratios), mean(&nchw_ratios)];
    let [all, nchw] = means.map(|mean| cell(mean.map(|mean| format!("{mean:.2}"))));
    let mean = lang.pick("geometric mean", "几何平均");
    out + &format!("| {mean} | | | | {all} | | {nchw} | |\n\n")
}

/// One line for each layer: what it takes, and how that and its operations compare with those of the first.
fn growth(own: &Own, lang: Lang) -> String {
    let threads = own.machine.threads;
    let s = if threads == 1 { "" } else { "s" };
    let unknown = lang.pick("a CPU of unknown model", "型号不明的 CPU");
    let cpu = own.machine.cpu.as_deref().unwrap_or(unknown);
    let mode = own.results.first().map_or("fwd", |row| &row.mode);
    let mut out = match lang {
        Lang::En => format!(
            "\n`{mode}`, {threads} thread{s}, minimum of the repeats, on {cpu}.\n\n\
             | layer | algorithm | ms | operations | time | time / operations |\n"
        ),
        Lang::Zh => format!(
            "\n`{mode}`，{threads} 线程，取各次中的最小值，{cpu}。\n\n\
             | 层 | 算法 | ms | 运算量 | 时间 | 时间 / 运算量 |\n"
        ),
    };
    out += "| --- | --- | ---: | ---: | ---: | ---: |\n";
    let first = own.results.first();
    for row in &own.results {
        let operations = |row: &Row| row.ms_min * row.gflops;
        let (time, grown) = first.map_or((1.0, 1.0), |first| {
            (row.ms_min / first.ms_min, operations(row) / operations(first))
        });
        let Row { name, algorithm, ms_min, .. } = row;
        out += &format!(
            "| `{name}` | `{algorithm}` | {} | {grown:.2} | {time:.2} | {:.2} |\n",
            digits(*ms_min),
            time / grown
        );
    }
    out + "\n"
}

/// The fastest peer but for some.
fn best<'a>(times: &'a BTreeMap<String, Time>, but: &[&str]) -> Option<(&'a str, f64)> {
    let not = |name: &str| [OURS, OURS_NHWC].contains(&name) || but.contains(&name);
    let peers = times.iter().filter(|(name, _)| !not(name));
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
                "upconv_nhwc": {"min_ms": 8.0, "median_ms": 11.0, "n": 10},
                "external": {"min_ms": 10.0, "median_ms": 11.0, "n": 10}}},
            {"workload": {"id": "W2", "kind": "tconv", "flops": 2000000}, "times": {
                "torch": {"min_ms": 0.25, "median_ms": 1, "n": 10},
                "external": {"min_ms": 0.5, "median_ms": 1, "n": 10}}},
            {"workload": {"id": "G1", "kind": "gemm", "flops": 2000000}, "times": {
                "torch": {"min_ms": 123.4, "median_ms": 1, "n": 10},
                "external": {"error": "unsupported"}}}]}"#;
    const PEAK: &str = r#"{"machine": {"cpu": null, "threads": 2}, "peak_gflops": 600.0,
        "results": [
            {"name": "n1", "mode": "fwd", "algorithm": "direct", "ms_min": 2.0, "gflops": 10.0},
            {"name": "n2", "mode": "fwd", "algorithm": "direct", "ms_min": 5.0, "gflops": 8.0}]}"#;
    const GROWTH: &str = "\n`fwd`, 2 threads, minimum of the repeats, on a CPU of unknown model.\n\n\
        | layer | algorithm | ms | operations | time | time / operations |\n\
        | --- | --- | ---: | ---: | ---: | ---: |\n\
        | `n1` | `direct` | 2.00 | 1.00 | 1.00 | 1.00 |\n\
        | `n2` | `direct` | 5.00 | 2.00 | 2.50 | 1.25 |\n\n";
    const TABLE: &str = "\n`fwdbwd`, 2 threads, minimum of the repeats, on a CPU; python 3.11.7, \
        torch 2.8.0.\n\n\
        | id | NCHW, ms | NHWC, ms | best peer, ms | peer / better | NCHW peer, ms | peer / NCHW | \
        % of 600.0 GFLOP/s |\n\
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n\
        | W1 | 10.0 | 8.00 | torch_cl 20.0 | 2.50 | torch 40.0 | 4.00 | 62 |\n\
        | W2 | 0.500 | n/a | torch 0.250 | 0.50 | torch 0.250 | 0.50 | 2 |\n\
        | G1 | n/a | n/a | torch 123 | n/a | torch 123 | n/a | n/a |\n\
        | geometric mean | | | | 1.12 | | 1.41 | |\n\n";

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
        assert_eq!(filled(("page", page), &files(), Lang::En).unwrap(), wanted);
        assert_eq!(filled(("page", &wanted), &files(), Lang::En).unwrap(), wanted);
        let chinese = filled(("page", page), &files(), Lang::Zh).unwrap();
        assert!(chinese.contains("| 几何平均 | | | | 1.12 | | 1.41 | |"), "{chinese}");
    }

    #[test]
    fn rows_of_our_own_are_compared_with_the_first() {
        let mut files = Files::default();
        files.add("x/doublings.json", PEAK).unwrap();
        let page = "<!-- table doublings -->\n<!-- end doublings -->\n";
        let wanted = format!("<!-- table doublings -->\n{GROWTH}<!-- end doublings -->\n");
        assert_eq!(filled(("page", page), &files, Lang::En).unwrap(), wanted);
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
            let error = filled(("page", page), &files(), Lang::En).unwrap_err().to_string();
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
        let page = "docs/performance.md";
        for (name, _) in PAGES {
            fs::write(path(name), "<!-- table t2 -->\n<!-- end t2 -->\n").unwrap();
        }
        run(root.path(), &["--check"]).unwrap();
        fs::write(path("t2.json"), RUN).unwrap();
        let new = path("t2.json").display().to_string();
        run(root.path(), &[&new]).unwrap();
        run(root.path(), &["--check"]).unwrap();
        let text = fs::read_to_string(path(page)).unwrap();
        assert!(text.contains("| W1 | 10.0 |"), "{text}");
        fs::write(path(page), text.replace("10.0", "9.0")).unwrap();
        assert!(run(root.path(), &["--check"]).is_err());
        for wrong in [&["--force"][..], &["--check", "t2.json"]] {
            assert!(run(root.path(), wrong).unwrap_err().is::<crate::WrongUse>());
        }
    }
}
