//! Training steps beside PyTorch's: what `training_steps.py --json` wrote.

use serde::Deserialize;

use super::{Lang, digits};

/// A file of `training_steps.py --json`.
#[derive(Deserialize)]
pub(super) struct Steps {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    net: String,
    threads: usize,
    upconv: Side,
    torch: Side,
}

#[derive(Deserialize)]
struct Side {
    ms_min: f64,
    ms_median: f64,
    peak_bytes: f64,
}

/// One line for each network.
pub(super) fn table(steps: &Steps, lang: Lang) -> String {
    let mut out = lang
        .pick(
            "\n| step | threads | ms | median | PyTorch, ms | median | PyTorch / ours | memory, MiB | PyTorch, MiB |\n",
            "\n| 训练步 | 线程 | ms | 中位数 | PyTorch，ms | 中位数 | PyTorch / 本项目 | 内存，MiB | PyTorch，MiB |\n",
        )
        .to_owned();
    out += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for Step { net, threads, upconv, torch } in &steps.steps {
        let mib = |side: &Side| format!("{:.0}", side.peak_bytes / f64::from(1 << 20));
        let cells = [
            net.clone(),
            threads.to_string(),
            digits(upconv.ms_min),
            digits(upconv.ms_median),
            digits(torch.ms_min),
            digits(torch.ms_median),
            format!("{:.2}", torch.ms_min / upconv.ms_min),
            mib(upconv),
            mib(torch),
        ];
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_each_network() {
        let text = r#"{"steps": [{"net": "a", "threads": 2,
            "upconv": {"ms_min": 50.0, "ms_median": 60.0, "peak_bytes": 1048576},
            "torch": {"ms_min": 75.0, "ms_median": 80.0, "peak_bytes": 3145728}}]}"#;
        let table = table(&serde_json::from_str(text).unwrap(), Lang::En);
        assert!(
            table.ends_with("| a | 2 | 50.0 | 60.0 | 75.0 | 80.0 | 1.50 | 1 | 3 |\n\n"),
            "{table}"
        );
    }
}
