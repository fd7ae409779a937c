//! `docs`: what stands in the pages of docs/ and comes from the program: its words, its numbers, its pictures.
//!
//! Lines and marks of a page that are invisible when it is read say what to run:
//!
//! ```text
//! <!-- upconv explain ... # Heading > First words -->   a section of the text, or one paragraph of it
//! <!-- end -->
//! <!-- run NAME upconv explain ... -->                   numbers, as JSON
//! ... <!-- NAME/rows/0/psnr:2 -->25.52<!-- = --> ...     one of them, with so many decimals; `:%1` in per cent
//! <!-- picture upconv explain ... -o pictures/a.svg -->  a picture
//! ```
//!
//! Commands run in docs/, in the language of the page.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::steps::cargo;
use crate::unexpected;

const PAGES: [(&str, &str); 2] =
    [("transposed-convolution.md", "en"), ("transposed-convolution.zh-CN.md", "zh")];

/// In the test profile, which the tests have built already.
const PROGRAM: &[&str] = &["run", "--profile", "test", "--quiet", "--locked", "-p", "upconv", "--"];

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    let check = match arguments {
        [] => false,
        ["--check"] => true,
        [argument, ..] => return Err(unexpected("docs", argument)),
    };
    let scratch = tempfile::tempdir()?;
    let docs = root.join("docs");
    for (page, language) in PAGES {
        let path = docs.join(page);
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let pictures = if check { scratch.path().join(language) } else { docs.clone() };
        let mut program = Program { root, docs: &docs, language, pictures, made: HashMap::new() };
        let filled = fill(&text, &mut program).with_context(|| format!("docs/{page}"))?;
        match check {
            true if filled != text => {
                bail!("docs/{page} is not what the program says; write it: cargo xtask docs")
            }
            true => program.compare_pictures()?,
            false => fs::write(&path, filled)?,
        }
        println!("docs/{page}: {} runs of the program", program.made.len());
    }
    Ok(())
}

/// Runs of the program for one page.
struct Program<'a> {
    root: &'a Path,
    docs: &'a Path,
    language: &'a str,
    /// Where pictures are written.
    pictures: PathBuf,
    /// Standard output by command line.
    made: HashMap<String, String>,
}

impl Program<'_> {
    /// Standard output of `upconv WORDS`.
    fn output(&mut self, words: &str) -> Result<String> {
        if let Some(output) = self.made.get(words) {
            return Ok(output.clone());
        }
        let Some(arguments) = words.strip_prefix("upconv ") else {
            bail!("`{words}` does not begin with `upconv`");
        };
        let mut command = cargo(self.root);
        command.current_dir(self.docs).args(PROGRAM).env("COLUMNS", "100");
        let mut to_file = false;
        for argument in arguments.split_whitespace() {
            match to_file {
                true => {
                    let path = self.pictures.join(argument);
                    if let Some(folder) = path.parent() {
                        fs::create_dir_all(folder)?;
                    }
                    command.arg(path)
                }
                false => command.arg(argument),
            };
            to_file = argument == "-o";
        }
        let output = command.args(["--quiet", "--lang", self.language]).output()?;
        if !output.status.success() {
            bail!("`{words}`: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        let output = String::from_utf8(output.stdout)?;
        self.made.insert(words.to_owned(), output.clone());
        Ok(output)
    }

    /// SVG is the same on every machine. Pixels may differ by a shade: it is enough that the file is there.
    fn compare_pictures(&self) -> Result<()> {
        let mut folders = vec![self.pictures.clone()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(&self.pictures)?;
                let kept = self.docs.join(name);
                let same = match path.extension().is_some_and(|ending| ending == "svg") {
                    true => fs::read(&kept).ok() == fs::read(&path).ok(),
                    false => kept.is_file(),
                };
                if !same {
                    bail!(
                        "docs/{} is not what the program draws: cargo xtask docs",
                        name.display()
                    );
                }
            }
        }
        Ok(())
    }
}

/// The page with everything that comes from the program put in anew.
fn fill(text: &str, program: &mut Program<'_>) -> Result<String> {
    let mut out = String::new();
    let mut numbers: HashMap<String, Value> = HashMap::new();
    let mut lines = text.lines().enumerate();
    while let Some((n, line)) = lines.next() {
        let at = || format!("line {}", n + 1);
        match Mark::of(line) {
            Some(Mark::Text { words, part }) => {
                let said = program.output(words).and_then(|said| pick(&said, part));
                let said = said.with_context(at)?;
                out.push_str(&format!("{line}\n\n```text\n{said}```\n\n<!-- end -->\n"));
                if !lines.any(|(_, line)| line == "<!-- end -->") {
                    bail!("line {}: no `<!-- end -->` follows", n + 1);
                }
            }
            Some(Mark::Numbers { name, words }) => {
                let said = program.output(&format!("{words} --json")).with_context(at)?;
                numbers.insert(name.to_owned(), serde_json::from_str(&said)?);
                out.push_str(&format!("{line}\n"));
            }
            Some(Mark::Picture { words }) => {
                program.output(words).with_context(at)?;
                out.push_str(&format!("{line}\n"));
            }
            None => {
                out.push_str(&fill_line(line, &numbers).with_context(at)?);
                out.push('\n');
            }
        }
    }
    Ok(out)
}

/// A line that says what to run.
enum Mark<'a> {
    Text { words: &'a str, part: &'a str },
    Numbers { name: &'a str, words: &'a str },
    Picture { words: &'a str },
}

impl<'a> Mark<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let inside = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
        if let Some(words) = inside.strip_prefix("picture ") {
            return Some(Self::Picture { words });
        }
        if let Some(rest) = inside.strip_prefix("run ") {
            let (name, words) = rest.split_once(' ')?;
            return Some(Self::Numbers { name, words });
        }
        let (words, part) = inside.split_once(" # ").unwrap_or((inside, ""));
        words.starts_with("upconv ").then_some(Self::Text { words, part })
    }
}

/// All of the text, the section of a heading, or of it the paragraph that begins with some words: without the
/// blanks that it is indented by.
fn pick(text: &str, part: &str) -> Result<String> {
    if part.is_empty() {
        return Ok(text.to_owned());
    }
    let (heading, paragraph) = match part.split_once(" > ") {
        Some((heading, paragraph)) => (heading, Some(paragraph)),
        None => (part, None),
    };
    let from = text.lines().skip_while(|line| *line != heading).skip(1);
    let section: Vec<&str> = from
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .map(|line| line.strip_prefix("  ").unwrap_or(line))
        .collect();
    let lines: Vec<&str> = match paragraph {
        None => section,
        Some(words) => {
            let from = section.into_iter().skip_while(|line| !line.trim_start().starts_with(words));
            from.take_while(|line| !line.is_empty()).collect()
        }
    };
    let filled = |line: &&str| !line.is_empty();
    match (lines.iter().position(filled), lines.iter().rposition(filled)) {
        (Some(first), Some(last)) => {
            Ok(lines[first..=last].iter().map(|line| format!("{line}\n")).collect())
        }
        _ => bail!("the text has no `{part}`"),
    }
}

/// Numbers stand between a mark with their name and `<!-- = -->`.
fn fill_line(line: &str, numbers: &HashMap<String, Value>) -> Result<String> {
    const END: &str = "<!-- = -->";
    let mut out = String::new();
    let mut rest = line;
    while let Some(end) = rest.find(END) {
        let (before, after) = rest.split_at(end);
        let Some(begin) = before.rfind("<!-- ") else { bail!("`{END}` ends nothing") };
        let Some(length) = before[begin..].find(" -->") else { bail!("`{END}` ends nothing") };
        let mark = &before[begin + 5..begin + length];
        out.push_str(&before[..begin + length + 4]);
        out.push_str(&number(mark, numbers)?);
        out.push_str(END);
        rest = &after[END.len()..];
    }
    out.push_str(rest);
    Ok(out)
}

/// `NAME/pointer`, with `:2` for two decimals and `:%1` for one of per cent.
fn number(mark: &str, numbers: &HashMap<String, Value>) -> Result<String> {
    let (place, form) = mark.split_once(':').unwrap_or((mark, ""));
    let (name, pointer) = place.split_once('/').unwrap_or((place, ""));
    let all = numbers.get(name).with_context(|| format!("no run is named `{name}`"))?;
    let value = all.pointer(&format!("/{pointer}"));
    let value = value.with_context(|| format!("`{name}` has no `/{pointer}`"))?;
    let (percent, decimals) = match form.strip_prefix('%') {
        Some(decimals) => (true, decimals),
        None => (false, form),
    };
    match (value, decimals) {
        (Value::String(text), "") => Ok(text.clone()),
        (Value::Number(number), "") => Ok(number.to_string()),
        (Value::Number(number), decimals) => {
            let value = number.as_f64().unwrap_or(f64::NAN) * if percent { 100.0 } else { 1.0 };
            let decimals: usize = decimals.parse().with_context(|| format!("`{mark}`"))?;
            Ok(format!("{value:.decimals$}"))
        }
        _ => bail!("`{mark}` is {value}, neither a number nor a word"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_put_between_their_marks() -> Result<()> {
        let json = serde_json::json!({ "rows": [{ "psnr": 25.518, "share": 0.859 }], "n": 7 });
        let numbers = HashMap::from([("loss".to_owned(), json)]);
        let line = "a <!-- loss/rows/0/psnr:2 -->0<!-- = --> dB, <!-- loss/n --><!-- = -->, \
                    <!-- loss/rows/0/share:%1 -->x<!-- = --> %";
        assert_eq!(
            fill_line(line, &numbers)?,
            "a <!-- loss/rows/0/psnr:2 -->25.52<!-- = --> dB, <!-- loss/n -->7<!-- = -->, \
             <!-- loss/rows/0/share:%1 -->85.9<!-- = --> %"
        );
        for wrong in ["<!-- = -->", "<!-- a/b -->1<!-- = -->", "<!-- loss/m -->1<!-- = -->"] {
            assert!(fill_line(wrong, &numbers).is_err(), "{wrong}");
        }
        Ok(())
    }

    #[test]
    fn sections_and_paragraphs_are_picked() -> Result<()> {
        let text = "Title\n  words\n\nOne\n  a\n  b\n\n  C: 2 x 3\n   w0\n\n  more\n\nTwo\n  c\n";
        assert_eq!(pick(text, "One > C:")?, "C: 2 x 3\n w0\n");
        assert_eq!(pick(text, "Two")?, "c\n");
        assert_eq!(pick(text, "One")?, "a\nb\n\nC: 2 x 3\n w0\n\nmore\n");
        assert!(pick(text, "Three").is_err() && pick(text, "One > D").is_err());
        Ok(())
    }
}
