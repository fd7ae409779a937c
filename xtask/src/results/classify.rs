//! `results classify`: classifiers on made pictures and on Fashion-MNIST, which it fetches. Writes docs/results/classify.json
//! and the tables of docs/results/classify*.md.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Row, SEED, answer, cpu, made, parameters, train, write};
use crate::fetch;

/// What is learned.
#[derive(Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Data {
    /// `upconv data make pictures`.
    Shapes,
    /// The package of Debian.
    FashionMnist,
}

const ROWS: [(Data, Row); 5] = [
    (
        Data::Shapes,
        Row {
            name: "softmax",
            title: ["softmax on pixels", "像素上的 softmax"],
            train: &["cifar-softmax"],
        },
    ),
    (
        Data::Shapes,
        Row {
            name: "two-layer",
            title: ["one hidden layer", "一个隐藏层"],
            train: &["cifar-two-layer"],
        },
    ),
    (
        Data::Shapes,
        Row {
            name: "cnn",
            title: ["two convolutions (TensorFlow's tutorial)", "两个卷积（TensorFlow 教程）"],
            train: &["cifar-tutorial"],
        },
    ),
    (
        Data::Shapes,
        Row { name: "resnet20", title: ["ResNet-20", "ResNet-20"], train: &["resnet20"] },
    ),
    (
        Data::FashionMnist,
        Row { name: "resnet20-fashion", title: ["ResNet-20", "ResNet-20"], train: &["resnet20"] },
    ),
];

impl Data {
    fn title(self) -> [&'static str; 2] {
        match self {
            Self::Shapes => ["shapes", "形状"],
            Self::FashionMnist => ["Fashion-MNIST", "Fashion-MNIST"],
        }
    }
}

const HEADS: [[&str; 2]; 7] = [
    ["data", "数据"],
    ["network", "网络"],
    ["parameters", "参数"],
    ["accuracy", "准确率"],
    ["among five", "前五"],
    ["loss", "损失"],
    ["CPU minutes", "CPU 分钟"],
];

/// A line of the table.
#[derive(Serialize, Deserialize)]
struct Line {
    name: String,
    data: Data,
    pictures: u64,
    parameters: u64,
    seconds: Option<f64>,
    cpu_seconds: Option<f64>,
    metrics: Value,
    /// Accuracy of the class that is most frequent in training.
    majority: Option<f64>,
}

/// docs/results/classify.json.
#[derive(Serialize, Deserialize)]
pub(super) struct Classify {
    cpu: String,
    threads: usize,
    lines: Vec<Line>,
}

pub(super) fn run(root: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut lines = Vec::new();
    for (data, row) in &ROWS {
        let folder_of_data = match data {
            Data::Shapes => made(root, folder, &["pictures", "--count", "60000"])?,
            Data::FashionMnist => {
                fetch::run(root, &[fetch::FASHION_MNIST])?;
                root.join("data").join(fetch::FASHION_MNIST)
            }
        };
        let trained = train(root, folder, &folder_of_data, row)?;
        println!("{}: measured", row.name);
        let weights = trained.weights.display().to_string();
        let of = folder_of_data.display().to_string();
        let eval = answer(root, &["eval", row.train[0], "--weights", &weights, "--data", &of])?;
        let inspected = answer(root, &["inspect", &weights])?;
        lines.push(Line {
            name: row.name.into(),
            data: *data,
            pictures: eval["pictures"].as_u64().context("eval gives no number of pictures")?,
            parameters: parameters(&inspected)?,
            seconds: trained.seconds,
            cpu_seconds: trained.cpu_seconds,
            metrics: eval["metrics"].clone(),
            majority: eval["baselines"]["majority"]["accuracy"].as_f64(),
        });
    }
    let threads = std::thread::available_parallelism()?.get();
    let json = serde_json::to_string_pretty(&Classify { cpu: cpu(), threads, lines })? + "\n";
    fs::write(root.join("docs/results/classify.json"), json)?;
    write(root)
}

pub(super) fn table(measured: &Classify, language: usize) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = HEADS.iter().map(|head| head[language].to_owned()).collect();
    let mut table = row(&heads) + "| --- | --- |" + &" ---: |".repeat(HEADS.len() - 2) + "\n";
    for line in &measured.lines {
        let found = ROWS.iter().find(|(_, row)| row.name == line.name);
        let title = found.map_or(line.name.as_str(), |(_, row)| row.title[language]);
        let metric = |name: &str, factor: f64, ending: &str, digits: usize| {
            let value = line.metrics[name].as_f64();
            value.map_or("-".into(), |value| format!("{:.digits$}{ending}", factor * value))
        };
        table += &row(&[
            line.data.title()[language].into(),
            title.into(),
            line.parameters.to_string(),
            metric("accuracy", 100.0, "%", 2),
            metric("top_5", 100.0, "%", 2),
            metric("loss", 1.0, "", 4),
            line.cpu_seconds.map_or("-".into(), |seconds| format!("{:.1}", seconds / 60.0)),
        ]);
    }
    let Classify { cpu, threads, lines } = measured;
    let pictures = lines.first().map_or(0, |line| line.pictures);
    table
        + &match language {
            0 => format!(
                "\n{pictures} test pictures of each set; {cpu}, {threads} threads; seed {SEED}, one run each.\n"
            ),
            _ => format!(
                "\n每个数据集 {pictures} 张测试图片；{cpu}，{threads} 线程；种子 {SEED}，各训练一次。\n"
            ),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_one_line() {
        let line = Line {
            name: "resnet20-fashion".into(),
            data: Data::FashionMnist,
            pictures: 100,
            parameters: 7,
            seconds: None,
            cpu_seconds: Some(90.0),
            metrics: serde_json::json!({"accuracy": 0.925, "loss": 0.25}),
            majority: Some(0.1),
        };
        let measured = Classify { cpu: "a CPU".into(), threads: 2, lines: vec![line] };
        let table = table(&measured, 0);
        let expected = "| Fashion-MNIST | ResNet-20 | 7 | 92.50% | - | 0.2500 | 1.5 |\n\n100 test";
        assert!(table.contains(expected), "{table}");
    }
}
