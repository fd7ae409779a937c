//! `results roads`: rendered roads, and networks that find them. Writes
//!
//! - docs/results/roads.json and the tables of docs/results/roads*.md,
//! - the weights that come with the program,
//! - the pictures of the README.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Row, SEED, answer, cpu, made, parameters, program, train, write};
use crate::steps::stream;

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
pub(super) struct Roads {
    cpu: String,
    threads: usize,
    pictures: u64,
    lines: Vec<Line>,
}

pub(super) fn run(root: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let data = made(root, folder, &["roads", "--count", "300"])?;
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

pub(super) fn table(measured: &Roads, language: usize) -> String {
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
        let table = table(&measured, 0);
        assert!(table.starts_with("| network | parameters |"), "{table}");
        let first = "| FCN-8s, transposed convolution | 7 | 0.9600 | - | - | 0.5000 | - | 1.5 |\n";
        assert!(table.contains(first), "{table}");
        assert!(table.contains("| mean mask of the training pictures | - |"), "{table}");
        assert!(table.ends_with("one run each.\n"));
    }
}
