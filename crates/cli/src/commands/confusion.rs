//! Which class was taken for which, as text.

use std::fmt::Write;

use upconv_explain::Lang;
use upconv_models::training::Confusions;

/// Most classes of which every pair is shown.
const TABLE: usize = 20;

/// Pairs that are shown of more classes.
const PAIRS: usize = 20;

/// A table with a row for each true class and a column for each that was found; of many classes the pairs that are mistaken
/// most often.
pub(crate) fn text(confusion: &Confusions, lang: Lang) -> String {
    let Confusions { classes, counts } = confusion;
    if classes.len() > TABLE {
        return pairs(confusion, lang);
    }
    let names = classes.iter().map(|name| name.chars().count());
    let width = names.max().unwrap_or(0).clamp(5, 24);
    let cells = counts.iter().flatten().map(|count| count.to_string().len());
    let cell = cells.max().unwrap_or(1).max(classes.len().to_string().len()) + 1;
    let mut text = match lang {
        Lang::En => "rows: the true class; columns: what it was taken for\n".to_owned(),
        Lang::Zh => "行：真实类别；列：被判为的类别\n".to_owned(),
    };
    let _ = write!(text, "{:>4} {:<width$}", "", "");
    for class in 0..classes.len() {
        let _ = write!(text, "{class:>cell$}");
    }
    text.push('\n');
    for (class, (name, row)) in classes.iter().zip(counts).enumerate() {
        let short: String = name.chars().take(width).collect();
        let _ = write!(text, "{class:>4} {short:<width$}");
        for count in row {
            let shown = if *count == 0 { ".".into() } else { count.to_string() };
            let _ = write!(text, "{shown:>cell$}");
        }
        text.push('\n');
    }
    text
}

fn pairs(confusion: &Confusions, lang: Lang) -> String {
    let Confusions { classes, counts } = confusion;
    let mut wrong: Vec<(u64, usize, usize)> = Vec::new();
    for (truth, row) in counts.iter().enumerate() {
        let others = row.iter().enumerate().filter(|&(found, &count)| found != truth && count > 0);
        wrong.extend(others.map(|(found, &count)| (count, truth, found)));
    }
    // Equal ones in the order of their classes.
    wrong.sort_by_key(|&(count, truth, found)| (u64::MAX - count, truth, found));
    let mut text = match lang {
        Lang::En => "most frequent mistakes: pictures, true class, what it was taken for\n",
        Lang::Zh => "最常见的错误：图片数、真实类别、被判为的类别\n",
    }
    .to_owned();
    for (count, truth, found) in wrong.into_iter().take(PAIRS) {
        let _ = writeln!(text, "{count:>8}  {}  {}", classes[truth], classes[found]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table_and_the_mistakes_of_a_large_one() {
        let classes = vec!["cat".to_owned(), "dog".to_owned()];
        let confusion = Confusions { classes, counts: vec![vec![10, 2], vec![0, 5]] };
        let table = text(&confusion, Lang::En);
        let lines: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(lines, ["            0  1", "   0 cat   10  2", "   1 dog    .  5"]);
        let mut counts = vec![vec![0; 30]; 30];
        (counts[7][8], counts[3][2]) = (4, 9);
        let classes = (0..30).map(|class| format!("c{class}")).collect();
        let table = text(&Confusions { classes, counts }, Lang::En);
        let lines: Vec<&str> = table.lines().skip(1).collect();
        assert_eq!(lines, ["       9  c3  c2", "       4  c7  c8"]);
    }
}
