//! What was measured, as JSON and as a table for people.

use serde::Serialize;
use upconv_explain::{Block, Lang, Page};

use super::machine::Machine;

/// Longest name that stands in the table itself.
const MAX_NAME: usize = 8;

/// Everything that one call of `upconv bench` found.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) peak_gflops: f64,
    pub(super) results: Vec<Row>,
}

/// One layer, computed in one way.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) mode: &'static str,
    pub(super) layout: &'static str,
    pub(super) algorithm: &'static str,
    pub(super) isa: &'static str,
    pub(super) threads: usize,
    pub(super) ms_min: f64,
    pub(super) ms_median: f64,
    /// Useful operations in the least time.
    pub(super) gflops: f64,
    /// `gflops / peak_gflops`.
    pub(super) peak_share: f64,
    pub(super) workspace_bytes: usize,
    /// Of algorithms that are less exact: the largest difference to what the default ones compute, in parts of the
    /// output's root mean square.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<f64>,
}

/// What the table says of a row, in this order; the first three are words.
const COLUMNS: [&str; 8] =
    ["layer", "algorithm", "isa", "ms", "median", "GFLOP/s", "% peak", "workspace"];

/// Columns that are words, and so begin at the left.
const WORDS: usize = 3;

/// The tables from wide to narrow, by their columns.
const TABLES: [&[usize]; 4] =
    [&[0, 1, 2, 3, 4, 5, 6, 7], &[0, 1, 3, 4, 5, 6], &[0, 1, 3, 6], &[0, 3, 6]];

impl Report {
    /// The text for people.
    pub(super) fn page(&self, lang: Lang) -> Page {
        let long = self.long_names();
        let names = long.iter().enumerate().map(|(n, name)| format!("#{}: {name}", n + 1));
        let mut blocks = vec![Block::Prose(self.facts(lang))];
        blocks.extend(names.map(Block::Item));
        // The first that fits the reader's screen is shown.
        let table = |columns: &&[usize]| table(&self.cells(&long), columns);
        blocks.push(Block::Figure(TABLES.iter().map(table).collect()));
        blocks.extend(self.errors(&long, lang).map(Block::Prose));
        Page { blocks }
    }

    /// What faster algorithms cost.
    fn errors(&self, long: &[&str], lang: Lang) -> Option<String> {
        let error = |row: &Row| {
            let (name, algorithm) = (shown(&row.name, long), row.algorithm);
            row.error.map(|error| format!("{name} ({algorithm}) {error:.1e}"))
        };
        let all: Vec<String> = self.results.iter().filter_map(error).collect();
        if all.is_empty() {
            return None;
        }
        let list = all.join(lang.pick(", ", "，"));
        Some(match lang {
            Lang::En => format!(
                "Fast math: the largest difference to what the default algorithms compute, in parts of the output's \
                 root mean square: {list}."
            ),
            Lang::Zh => {
                format!("快速数学：与默认算法结果的最大差异，以输出的均方根为单位：{list}。")
            }
        })
    }

    fn facts(&self, lang: Lang) -> String {
        let Machine { cpu, threads, .. } = &self.machine;
        let cpu = cpu.as_deref().unwrap_or(lang.pick("CPU of unknown model", "未知型号的 CPU"));
        let (mode, layout) = match self.results.first() {
            Some(row) => (row.mode, row.layout),
            None => Default::default(),
        };
        let peak = self.peak_gflops;
        match lang {
            Lang::En => format!(
                "{cpu}, threads: {threads}, peak: {peak:.1} GFLOP/s. {mode}, {layout}: least and \
                 median ms of a run."
            ),
            Lang::Zh => format!(
                "{cpu}，线程数：{threads}，峰值：{peak:.1} GFLOP/s。{mode}，{layout}：\
                 每次运行的最短与中位毫秒数。"
            ),
        }
    }

    /// Names that would make the table too wide; there they become numbers.
    fn long_names(&self) -> Vec<&str> {
        let mut long = Vec::new();
        for name in self.results.iter().map(|row| row.name.as_str()) {
            if name.len() > MAX_NAME && !long.contains(&name) {
                long.push(name);
            }
        }
        long
    }

    fn cells(&self, long: &[&str]) -> Vec<[String; COLUMNS.len()]> {
        let row = |row: &Row| {
            [
                shown(&row.name, long),
                row.algorithm.to_owned(),
                row.isa.to_owned(),
                significant(row.ms_min),
                significant(row.ms_median),
                significant(row.gflops),
                format!("{:.0}", row.peak_share * 100.0),
                bytes(row.workspace_bytes),
            ]
        };
        let head = COLUMNS.map(str::to_owned);
        [head].into_iter().chain(self.results.iter().map(row)).collect()
    }
}

/// A name in the table: of the long ones its number.
fn shown(name: &str, long: &[&str]) -> String {
    match long.iter().position(|other| *other == name) {
        Some(place) => format!("#{}", place + 1),
        None => name.to_owned(),
    }
}

/// Lines of some of the columns, aligned.
fn table(cells: &[[String; COLUMNS.len()]], columns: &[usize]) -> Vec<String> {
    let width = |c: usize| cells.iter().map(|row| row[c].len()).max().unwrap_or_default();
    let cell = |row: &[String; COLUMNS.len()], c: usize| match c < WORDS {
        true => format!("{:<1$}", row[c], width(c)),
        false => format!("{:>1$}", row[c], width(c)),
    };
    let line = |row| columns.iter().map(|&c| cell(row, c)).collect::<Vec<_>>().join("  ");
    cells.iter().map(line).collect()
}

/// Four digits or more.
fn significant(value: f64) -> String {
    let decimals = match value {
        ..1.0 => 4,
        ..10.0 => 3,
        ..100.0 => 2,
        _ => 1,
    };
    format!("{value:.decimals$}")
}

/// A size with its unit.
fn bytes(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use upconv_explain::Layout;

    fn report() -> Report {
        let row = |name: &str, ms_min, workspace_bytes| Row {
            name: name.into(),
            mode: "fwd",
            layout: "nchw",
            algorithm: "column_gemm",
            isa: "avx512",
            threads: 2,
            ms_min,
            ms_median: 2.0 * ms_min,
            gflops: 12.5,
            peak_share: 0.125,
            workspace_bytes,
            error: None,
        };
        let long = "tconv:c64-32,i56x56,k4,s2,p1,bias";
        let results = vec![row("W1", 10.25, 0), row(long, 0.125, 2048), row(long, 1.0, 1 << 21)];
        Report { machine: Machine::this(2), peak_gflops: 100.0, results }
    }

    #[test]
    fn a_wide_table_has_everything() {
        let text = report().page(Lang::En).text(Layout { width: 90, bold: false });
        let end = "  - #1: tconv:c64-32,i56x56,k4,s2,p1,bias\n\n\
             \x20 layer  algorithm    isa         ms  median  GFLOP/s  % peak  workspace\n\
             \x20 W1     column_gemm  avx512   10.25   20.50    12.50      12        0 B\n";
        assert!(text.contains(end), "{text}");
        assert!(text.contains("#1     column_gemm  avx512   1.000   2.000    12.50"), "{text}");
    }

    #[test]
    fn errors_of_fast_math_stand_below_the_table() {
        let mut report = report();
        report.results[1].error = Some(1.5e-6);
        let text = report.page(Lang::En).text(Layout { width: 200, bold: false });
        assert!(text.trim_end().ends_with("root mean square: #1 (column_gemm) 1.5e-6."), "{text}");
    }

    #[test]
    fn narrow_ones_leave_columns_out() {
        for width in 20..90 {
            let text = report().page(Lang::En).text(Layout { width, bold: false });
            let table = text.split("  layer").nth(1).unwrap();
            assert!(table.lines().skip(1).all(|line| line.len() <= width), "{text}");
            let head = table.lines().next().unwrap();
            assert!(head.contains("ms") && head.contains("% peak"), "{text}");
        }
    }
}
