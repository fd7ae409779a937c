//! One table of what each framework makes of the same words.
//!
//! Rows are compared with the most common result, that is output and window of all axes together; of
//! several that are equally common the first in the order of the table. A dialect that refuses the words
//! differs from all that accept them.

use serde::Serialize;
use upconv_geometry::{Axis, Dialect, Setting};

use crate::document::{Block, Page, pad_end, width};
use crate::lang::{Lang, say, sizes};
use crate::message::ErrorObject;

/// What one dialect makes of the words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DialectRow {
    /// Name of the dialect.
    pub dialect: &'static str,
    /// Output cells per axis; null if refused.
    pub output: Option<Vec<usize>>,
    /// Where the window begins per axis; null if refused.
    pub window_begin: Option<Vec<i64>>,
    /// Why it is refused; else null.
    pub error: Option<ErrorObject>,
    /// Which of `output`, `window_begin`, `error` differ from the most common result.
    pub differs: Vec<&'static str>,
    /// Cells cropped behind per axis (negative: zeros added); null if refused.
    pub pad_after: Option<Vec<i64>>,
    /// TFLite only: it computes what TensorFlow refuses.
    pub unchecked: bool,
}

/// The table of all dialects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AllDialects {
    /// One row per dialect, in the order of [`Dialect::ALL`].
    pub rows: Vec<DialectRow>,
}

impl AllDialects {
    /// Puts the same words to every dialect; the setting's own dialect does not matter.
    ///
    /// ```
    /// use upconv_explain::{AllDialects, Lang};
    /// use upconv_geometry::{Dialect, Padding, Setting};
    /// let setting = Setting {
    ///     input: vec![3], kernel: vec![3], stride: vec![2],
    ///     padding: Some(Padding::Same), output: Some(vec![6]),
    ///     ..Setting::new(Dialect::Definition)
    /// };
    /// let table = AllDialects::of(&setting, Lang::En);
    /// assert_eq!(table.rows[0].window_begin, Some(vec![0]));
    /// assert_eq!(table.rows[2].dialect, "pytorch");
    /// assert_eq!(table.rows[2].differs, ["error"]); // it has no `same`
    /// ```
    pub fn of(setting: &Setting, lang: Lang) -> Self {
        let mut rows: Vec<DialectRow> = Dialect::ALL.map(|d| row(setting, d, lang)).into();
        let common = most_common(&rows);
        for row in &mut rows {
            row.differs = match (&common, &row.error) {
                (None, _) => Vec::new(),
                (Some(_), Some(_)) => vec!["error"],
                (Some((output, begin)), None) => {
                    let same = [
                        ("output", row.output.as_ref() == Some(output)),
                        ("window_begin", row.window_begin.as_ref() == Some(begin)),
                    ];
                    same.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
                }
            };
        }
        Self { rows }
    }

    /// Whether every dialect refuses the words.
    pub fn all_refused(&self) -> bool {
        self.rows.iter().all(|row| row.error.is_some())
    }

    /// The table as a page for people.
    pub fn page(&self, lang: Lang) -> Page {
        let mut blocks = vec![
            Block::Title(
                lang.pick(
                    "What every dialect makes of the same words",
                    "同样的写法，各框架得到什么",
                )
                .into(),
            ),
            Block::Figure(vec![self.table(lang)]),
        ];
        if self.rows.iter().any(|row| !row.differs.is_empty() && row.error.is_none()) {
            blocks.push(Block::Prose(lang.pick(
                "* differs from the most common result (of equally common ones, the first above)",
                "* 与最常见的结果不同（并列时以表中靠前者为准）",
            ).into()));
        }
        if self.rows.iter().any(|row| row.unchecked) {
            blocks.push(Block::Prose(
                lang.pick(
                    "TFLite never checks the output size: TensorFlow refuses this one.",
                    "TFLite 从不检查输出尺寸：这个尺寸会被 TensorFlow 拒绝。",
                )
                .into(),
            ));
        }
        let refused: Vec<_> = self.rows.iter().filter(|row| row.error.is_some()).collect();
        if !refused.is_empty() {
            blocks.push(Block::Heading(lang.pick("Refused, and why", "被拒绝的及原因").into()));
            for row in refused {
                let message = row.error.as_ref().map_or("", |error| error.message.as_str());
                let dialect = row.dialect;
                blocks.push(Block::Item(say!(
                    lang,
                    "{dialect}: {message}",
                    "{dialect}：{message}"
                )));
            }
        }
        Page { blocks }
    }

    fn table(&self, lang: Lang) -> Vec<String> {
        let head = [
            lang.pick("dialect", "框架"),
            lang.pick("output", "输出"),
            lang.pick("begins at", "窗口起点"),
            lang.pick("crop (front,behind)", "裁剪（前,后）"),
        ];
        let mut lines = vec![head.map(str::to_owned)];
        for row in &self.rows {
            let (Some(output), Some(begin), Some(after)) =
                (&row.output, &row.window_begin, &row.pad_after)
            else {
                let refused = lang.pick("refused", "拒绝").to_owned();
                lines.push([row.dialect.to_owned(), refused, "-".into(), "-".into()]);
                continue;
            };
            let mark = |field| if row.differs.contains(&field) { " *" } else { "" };
            let pairs: Vec<_> =
                begin.iter().zip(after).map(|(b, e)| format!("({b},{e})")).collect();
            lines.push([
                row.dialect.to_owned(),
                sizes(output) + mark("output"),
                begin.iter().map(i64::to_string).collect::<Vec<_>>().join(",")
                    + mark("window_begin"),
                match pairs.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|pair| pair == first) => first.clone(),
                    _ => pairs.join(" "),
                },
            ]);
        }
        let columns: Vec<usize> = (0..head.len())
            .map(|c| lines.iter().map(|l| width(&l[c])).max().unwrap_or(0) + 3)
            .collect();
        let line = |cells: &[String; 4]| {
            let padded = cells.iter().zip(&columns).map(|(cell, &columns)| pad_end(cell, columns));
            padded.collect::<String>().trim_end().to_owned()
        };
        lines.iter().map(line).collect()
    }
}

fn row(setting: &Setting, dialect: Dialect, lang: Lang) -> DialectRow {
    let refused = DialectRow {
        dialect: dialect.name(),
        output: None,
        window_begin: None,
        error: None,
        differs: Vec::new(),
        pad_after: None,
        unchecked: false,
    };
    match (Setting { dialect, ..setting.clone() }).resolve() {
        Ok(resolved) => DialectRow {
            output: Some(resolved.axes.iter().map(Axis::output).collect()),
            window_begin: Some(resolved.axes.iter().map(Axis::window_begin).collect()),
            pad_after: Some(resolved.axes.iter().map(Axis::pad_after).collect()),
            unchecked: resolved.unchecked,
            ..refused
        },
        Err(error) => DialectRow { error: Some(ErrorObject::of(&error, lang)), ..refused },
    }
}

/// Output and window of the result that most dialects share; the first of several.
fn most_common(rows: &[DialectRow]) -> Option<(Vec<usize>, Vec<i64>)> {
    let results: Vec<_> = rows
        .iter()
        .filter_map(|row| Some((row.output.clone()?, row.window_begin.clone()?)))
        .collect();
    let votes = |result| results.iter().filter(|other| *other == result).count();
    // `max_by_key` takes the last of equals, so it looks from behind.
    results.iter().rev().max_by_key(|result| votes(*result)).cloned()
}
