//! A page as blocks (headings, prose, figures, code), and its form as plain text.
//!
//! Prose is wrapped to the reader's width; a figure is a list of forms, of which the first that fits is
//! shown. Chinese characters count as two columns.

use crate::lang::{Lang, say};

/// One part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The page's title.
    Title(String),
    /// A section's title.
    Heading(String),
    /// Running text.
    Prose(String),
    /// One point of a list.
    Item(String),
    /// A fact that the reader should not miss.
    Warning(String),
    /// Lines to be shown as they are: the widest form first, narrower ones after it. If none fits, the
    /// last is shown, wrapped.
    Figure(Vec<Vec<String>>),
    /// Source code, with the name of what it is for.
    Code {
        /// Name of the framework.
        label: String,
        /// The code.
        text: String,
    },
}

impl Block {
    /// A figure that has one form only; a narrower screen gets a line that says how wide it would be.
    pub(crate) fn figure(lines: Vec<String>, lang: Lang) -> Self {
        let needed = lines.iter().map(|line| width(line)).max().unwrap_or(0) + INDENT;
        let narrow = say!(
            lang,
            "(a picture that needs {needed} columns)",
            "（此图需要 {needed} 列宽的屏幕）"
        );
        Self::Figure(vec![lines, vec![narrow]])
    }
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its parts, in reading order.
    pub blocks: Vec<Block>,
}

/// How plain text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the reader's screen.
    pub width: usize,
    /// Whether titles are printed bold, by terminal codes.
    pub bold: bool,
}

impl Default for Layout {
    fn default() -> Self {
        Self { width: 80, bold: false }
    }
}

/// Columns by which everything below a heading is indented.
const INDENT: usize = 2;

impl Page {
    /// The page as plain text, ending in a line break.
    ///
    /// ```
    /// use upconv_explain::{Block, Layout, Page};
    /// let page = Page { blocks: vec![Block::Heading("One".into()), Block::Prose("a b c".into())] };
    /// assert_eq!(page.text(Layout { width: 6, bold: false }), "One\n  a b\n  c\n");
    /// ```
    pub fn text(&self, layout: Layout) -> String {
        let mut out = String::new();
        let mut previous: Option<&Block> = None;
        for block in &self.blocks {
            if previous.is_some_and(|previous| blank_between(previous, block)) {
                out.push('\n');
            }
            push_block(&mut out, block, layout);
            previous = Some(block);
        }
        out
    }
}

fn blank_between(previous: &Block, next: &Block) -> bool {
    !matches!(
        (previous, next),
        (Block::Heading(_), _)
            | (Block::Item(_) | Block::Prose(_), Block::Item(_))
            | (Block::Title(_), Block::Prose(_))
    )
}

fn push_block(out: &mut String, block: &Block, layout: Layout) {
    let room = layout.width.saturating_sub(INDENT).max(1);
    match block {
        Block::Title(text) | Block::Heading(text) => {
            for line in wrap(text, layout.width) {
                match layout.bold {
                    true => push_line(out, 0, &format!("\u{1b}[1m{line}\u{1b}[0m")),
                    false => push_line(out, 0, &line),
                }
            }
        }
        Block::Prose(text) | Block::Warning(text) => {
            wrap(text, room).iter().for_each(|line| push_line(out, INDENT, line));
        }
        Block::Item(text) => {
            for (n, line) in wrap(text, room.saturating_sub(2).max(1)).iter().enumerate() {
                push_line(out, INDENT, &format!("{} {line}", if n == 0 { "-" } else { " " }));
            }
        }
        Block::Figure(forms) => {
            let fits = |form: &&Vec<String>| form.iter().all(|line| width(line) <= room);
            for line in forms.iter().find(fits).or(forms.last()).into_iter().flatten() {
                match width(line) <= room {
                    true => push_line(out, INDENT, line),
                    false => wrap(line, room).iter().for_each(|line| push_line(out, INDENT, line)),
                }
            }
        }
        Block::Code { label, text } => {
            push_line(out, INDENT, &format!("{label}:"));
            text.lines().for_each(|line| push_line(out, 2 * INDENT, line));
        }
    }
}

fn push_line(out: &mut String, indent: usize, line: &str) {
    if !line.is_empty() {
        out.extend(std::iter::repeat_n(' ', indent));
    }
    out.push_str(line);
    out.push('\n');
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// `text` followed by blanks up to `columns`.
pub(crate) fn pad_end(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    text.chars().chain(std::iter::repeat_n(' ', blanks)).collect()
}

/// Rows of equally many cells as lines, columns two blanks apart; those of which `right` says so end at the right.
pub(crate) fn table<R: AsRef<[String]>>(rows: &[R], right: impl Fn(usize) -> bool) -> Vec<String> {
    let cells = |n: usize| rows.iter().filter_map(move |row| row.as_ref().get(n));
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    let widths: Vec<usize> =
        (0..columns).map(|n| cells(n).map(|cell| width(cell)).max().unwrap_or(0)).collect();
    let line = |row: &R| {
        let cell = |(n, (cell, &columns)): (usize, (&String, &usize))| match right(n) {
            true => " ".repeat(columns - width(cell)) + cell,
            false => pad_end(cell, columns),
        };
        let cells: Vec<String> = row.as_ref().iter().zip(&widths).enumerate().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// CJK characters and their punctuation.
pub(crate) fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}')
}

/// Characters that may not begin a line.
fn clings(c: char) -> bool {
    matches!(c, '，' | '。' | '；' | '：' | '、' | '）' | '！' | '？' | '”')
}

/// Lines of at most `columns`, broken at blanks and between Chinese characters. A word that is longer
/// stands on a line of its own.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for (space, unit) in units(text) {
        let blank = usize::from(space && !line.is_empty());
        if !line.is_empty() && width(&line) + blank + width(&unit) > columns {
            lines.push(std::mem::take(&mut line));
        } else if blank == 1 {
            line.push(' ');
        }
        line.push_str(&unit);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The pieces between which a line may break, each with whether a blank stands before it.
fn units(text: &str) -> Vec<(bool, String)> {
    let mut units: Vec<(bool, String)> = Vec::new();
    let mut space = false;
    let mut before = ' ';
    for c in text.chars() {
        if c == ' ' {
            space = true;
            continue;
        }
        let opened = matches!(before, '（' | '“');
        let joins = !space && (opened || clings(c) || !is_wide(before) && !is_wide(c));
        match units.last_mut() {
            Some((_, unit)) if joins => unit.push(c),
            _ => units.push((space, c.to_string())),
        }
        (space, before) = (false, c);
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_breaks_between_characters_and_not_before_punctuation() {
        assert_eq!(wrap("转置卷积，步幅 2", 8), ["转置卷", "积，步幅", "2"]);
        assert_eq!(wrap("输入 3x3", 20), ["输入 3x3"]);
        assert_eq!(width("步幅 2"), 6);
    }

    #[test]
    fn a_long_word_stands_alone() {
        assert_eq!(wrap("a bcdefgh i", 4), ["a", "bcdefgh", "i"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn the_first_form_that_fits_is_shown() {
        let forms = vec![vec!["123456789".to_owned()], vec!["1..9".to_owned()]];
        let page = Page { blocks: vec![Block::Figure(forms)] };
        assert_eq!(page.text(Layout { width: 11, bold: false }), "  123456789\n");
        assert_eq!(page.text(Layout { width: 10, bold: false }), "  1..9\n");
    }
}
