//! `results`: what networks of this project learn, measured by training them with the program.
//!
//! `results roads` renders the pictures, trains every network of [`ROADS`] and measures it. Its folder keeps what is
//! done: a command that was broken off goes on where it was. Then it writes
//!
//! - docs/results/roads.json and the tables of docs/results/roads*.md,
//! - the weights that come with the program,
//! - the pictures of the README.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::steps::{cargo, stream};
use crate::unexpected;

/// A network and the words that train it.
struct Row {
    name: &'static str,
    /// What it is, in English and Chinese.
    title: [&'static str; 2],
    train: &'static [&'static str],
}

/// The first is the one whose weights come with the program.
const ROADS: [Row; 4] = [
    Row {
        name: "fcn8s",
        title: ["FCN-8s, transposed convolution", "FCN-8s，转置卷积"],
        train: &["fcn8s"],
    },
    Row {
        name: "fcn32s",
        title: ["FCN-32s, transposed convolution", "FCN-32s，转置卷积"],
        train: &["fcn8s", "--set", "config.finest=32"],
    },
    Row {
        name: "bilinear",
        title: ["FCN-8s, bilinear", "FCN-8s，双线性"],
        train: &["fcn8s", "--upsample", "bilinear"],
    },
    Row { name: "segnet", title: ["SegNet, unpooling", "SegNet，反池化"], train: &["segnet"] },
];

/// Baselines by their names in `eval`.
const BASELINES: [(&str, [&str; 2]); 2] = [
    ("mean_mask", ["mean mask of the training pictures", "训练图片的平均遮罩"]),
    ("colour_table", ["best threshold on colour", "最佳颜色阈值"]),
];

const SEED: &str = "1";

const HEADS: [[&str; 2]; 8] = [
    ["network", "网络"],
    ["parameters", "参数"],
    ["MaxF", "MaxF"],
    ["AP", "AP"],
    ["MaxF from above", "俯视 MaxF"],
    ["mean IoU", "平均 IoU"],
    ["boundary F", "边界 F"],
    ["CPU minutes", "CPU 分钟"],
];

const METRICS: [&str; 5] = ["max_f", "average_precision", "bev_max_f", "mean_iou", "boundary_f"];

/// What a training run took; unknown where it was broken off and went on.
#[derive(Serialize, Deserialize)]
struct Trained {
    seconds: Option<f64>,
    cpu_seconds: Option<f64>,
    /// The best weights.
    weights: PathBuf,
}

/// A line of the table.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    parameters: Option<u64>,
    seconds: Option<f64>,
    cpu_seconds: Option<f64>,
    metrics: Value,
}

/// docs/results/roads.json.
#[derive(Serialize, Deserialize)]
struct Roads {
    cpu: String,
    threads: usize,
    pictures: u64,
    lines: Vec<Line>,
}

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        ["roads"] => roads(root, &root.join("target/results/roads")),
        ["roads", folder] if !folder.starts_with('-') => roads(root, &std::path::absolute(folder)?),
        ["--check"] => check(root),
        ["roads", argument, ..] | [argument, ..] => Err(unexpected("results", argument)),
        [] => write(root),
    }
}

/// The pages with the tables of the file beside them.
fn write(root: &Path) -> Result<()> {
    for (page, text) in pages(root)? {
        fs::write(page, text)?;
    }
    Ok(())
}

/// That the pages say what the file beside them says.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (page, text) in pages(root)? {
        if fs::read_to_string(&page)? != text {
            bail!("{} does not fit docs/results/roads.json; see cargo xtask help", page.display());
        }
    }
    println!("docs/results: the tables are those of the measurements");
    Ok(())
}

fn roads(root: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let data = folder.join("roads");
    if !data.join("testing").is_dir() {
        let making = folder.join("making");
        let words = ["data", "make", "roads", "--count", "300", "--seed", SEED];
        let _ = fs::remove_dir_all(&making);
        stream(program(root).args(words).arg(&making))?;
        fs::rename(&making, &data)?;
    }
    let mut lines = Vec::new();
    let mut pictures = 0;
    let mut baselines = Value::Null;
    for row in &ROADS {
        let trained = train(root, folder, &data, row)?;
        println!("{}: measured", row.name);
        let weights = trained.weights.display().to_string();
        let data = data.display().to_string();
        let eval = answer(root, &["eval", row.train[0], "--weights", &weights, "--data", &data])?;
        pictures = eval["pictures"].as_u64().context("eval gives no number of pictures")?;
        baselines = eval["baselines"].clone();
        let inspected = answer(root, &["inspect", &weights])?;
        lines.push(Line {
            name: row.name.into(),
            parameters: Some(parameters(&inspected)?),
            seconds: trained.seconds,
            cpu_seconds: trained.cpu_seconds,
            metrics: eval["metrics"].clone(),
        });
        if row.name == ROADS[0].name {
            keep_weights(root, &trained.weights)?;
        }
    }
    for (name, _) in BASELINES {
        let metrics = baselines[name].clone();
        let (parameters, seconds, cpu_seconds) = (None, None, None);
        lines.push(Line { name: name.into(), parameters, seconds, cpu_seconds, metrics });
    }
    let threads = std::thread::available_parallelism()?.get();
    let measured = Roads { cpu: cpu(), threads, pictures, lines };
    let json = serde_json::to_string_pretty(&measured)? + "\n";
    fs::write(root.join("docs/results/roads.json"), json)?;
    write(root)?;
    draw(root, &data)
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

/// The weights as F16, where the program takes them from.
fn keep_weights(root: &Path, weights: &Path) -> Result<()> {
    let kept = root.join("crates/models/weights/road.safetensors");
    let (from, to) = (weights.display().to_string(), kept.display().to_string());
    answer(root, &["convert", &from, &to, "--dtype", "f16"])?;
    Ok(())
}

/// A picture that the network has not seen, and what the program makes of it.
fn draw(root: &Path, data: &Path) -> Result<()> {
    let example = root.join("examples/road.png");
    fs::copy(data.join("testing/image_2/uu_000004.png"), &example)?;
    let words = ["segment", "--model", "road", "examples/road.png", "-o", "docs/pictures"];
    stream(program(root).args(words).args(["--only", "overlay", "--quiet"]))
}

/// The pages with the tables that docs/results/roads.json gives.
fn pages(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let folder = root.join("docs/results");
    let file = folder.join("roads.json");
    let text = fs::read_to_string(&file).with_context(|| format!("{}", file.display()))?;
    let measured: Roads =
        serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
    let page = |(language, name): (usize, &str)| {
        let page = folder.join(name);
        let text = fs::read_to_string(&page).with_context(|| format!("{}", page.display()))?;
        let filled = filled(&text, &table(&measured, language))
            .with_context(|| format!("{}", page.display()))?;
        Ok((page, filled))
    };
    [(0, "roads.md"), (1, "roads.zh-CN.md")].into_iter().map(page).collect()
}

/// The page with another table.
fn filled(page: &str, table: &str) -> Result<String> {
    const BEGIN: &str = "<!-- table roads -->\n";
    const END: &str = "<!-- end roads -->";
    let (before, rest) = page.split_once(BEGIN).context("no `<!-- table roads -->`")?;
    let (_, after) = rest.split_once(END).context("no `<!-- end roads -->`")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn table(measured: &Roads, language: usize) -> String {
    let title = |name: &str| {
        let row = ROADS.iter().map(|row| (row.name, row.title));
        let mut all = row.chain(BASELINES);
        all.find(|(of, _)| *of == name).map_or(name.to_owned(), |(_, title)| title[language].into())
    };
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = HEADS.iter().map(|head| head[language].to_owned()).collect();
    let mut table = row(&heads) + "| --- |" + &" ---: |".repeat(HEADS.len() - 1) + "\n";
    let missing = || "-".to_owned();
    for line in &measured.lines {
        let metric = |name: &&str| {
            line.metrics[*name].as_f64().map_or_else(missing, |value| format!("{value:.4}"))
        };
        let mut cells = vec![title(&line.name)];
        cells.push(line.parameters.map_or_else(missing, |count| count.to_string()));
        cells.extend(METRICS.iter().map(metric));
        cells.push(line.cpu_seconds.map_or_else(missing, |s| format!("{:.1}", s / 60.0)));
        table += &row(&cells);
    }
    let Roads { cpu, threads, pictures, .. } = measured;
    table
        + &match language {
            0 => format!(
                "\n{pictures} test pictures; {cpu}, {threads} threads; seed {SEED}, one run each.\n"
            ),
            _ => format!(
                "\n{pictures} 张测试图片；{cpu}，{threads} 线程；种子 {SEED}，各训练一次。\n"
            ),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_two_lines() {
        let line = |name: &str, cpu_seconds: Option<f64>, metrics| Line {
            name: name.into(),
            parameters: cpu_seconds.map(|_| 7),
            seconds: None,
            cpu_seconds,
            metrics,
        };
        let lines = vec![
            line("fcn8s", Some(90.0), serde_json::json!({"max_f": 0.96, "mean_iou": 0.5})),
            line("mean_mask", None, Value::Null),
        ];
        let measured = Roads { cpu: "a CPU".into(), threads: 2, pictures: 100, lines };
        let page =
            filled("x\n<!-- table roads -->\nold\n<!-- end roads -->\ny", &table(&measured, 0));
        let page = page.unwrap();
        assert!(page.starts_with("x\n<!-- table roads -->\n| network | parameters |"), "{page}");
        let first = "| FCN-8s, transposed convolution | 7 | 0.9600 | - | - | 0.5000 | - | 1.5 |\n";
        assert!(page.contains(first), "{page}");
        assert!(page.contains("| mean mask of the training pictures | - |"), "{page}");
        assert!(page.ends_with("one run each.\n<!-- end roads -->\ny") && !page.contains("old"));
        assert!(filled("no table", "").is_err());
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
