//! Which class was taken for which, as a picture.

use crate::drawing::{
    About, Anchor, HEATS, Mark, Outline, Paint, Point, Scene, Theme, file, picture,
};
use crate::lang::{Lang, say};
use crate::loss::Panel;

/// Most classes that are drawn: more have no room for their names.
pub const MAX_CLASSES_DRAWN: usize = 60;

const MARGIN: f64 = 16.0;
const HEAD: f64 = 74.0;
/// Pixels for a letter of a name, about, and most letters of one.
const LETTER: f64 = 7.0;
const LONGEST: usize = 22;

/// A table with a row for each true class and a column for each that was found: the numbers of pictures, on a colour that is
/// the stronger the larger their share of the row is. `None` for no class, or more than [`MAX_CLASSES_DRAWN`].
///
/// ```
/// use upconv_explain::{Lang, confusion_picture};
/// let classes = ["cat".to_owned(), "dog".to_owned()];
/// let panel = confusion_picture("two", &classes, &[vec![9, 1], vec![0, 7]], Lang::En).unwrap();
/// assert_eq!(panel.rgb.len(), 3 * panel.width * panel.height);
/// ```
pub fn confusion_picture(
    title: &str,
    classes: &[String],
    counts: &[Vec<u64>],
    lang: Lang,
) -> Option<Panel> {
    let count = classes.len();
    if !(1..=MAX_CLASSES_DRAWN).contains(&count) {
        return None;
    }
    let names: Vec<String> = classes.iter().map(|name| shortened(name)).collect();
    let digits = counts.iter().flatten().map(|count| count.to_string().len()).max().unwrap_or(1);
    let cell = (LETTER * digits as f64 + 10.0).max(if count > 20 { 22.0 } else { 34.0 });
    // The name itself, its number, and the share that is right.
    let letters = names.iter().map(|name| name.chars().count()).max().unwrap_or(1);
    let left = MARGIN + LETTER * 1.4 * letters as f64 + 36.0;
    let across = cell * count as f64;
    let (width, height) = (left + across + 64.0 + MARGIN, HEAD + across + 22.0 + MARGIN);
    let mut scene = Scene { width: width.max(420.0), height, ..Default::default() };
    scene.bold(Point::new(MARGIN, 24.0), 16.0, title);
    let words = lang.pick(
        "rows: the true class; columns: what it was taken for",
        "行：真实类别；列：被判为的类别",
    );
    scene.say(Point::new(MARGIN, 44.0), 12.0, words);
    let middle = |at: usize| cell * (at as f64 + 0.5);
    for at in 0..count {
        let above = Point::new(left + middle(at), HEAD - 10.0);
        scene.text(above, 12.0, Anchor::Middle, Paint::Ink, at.to_string());
        let beside = Point::new(left - 8.0, HEAD + middle(at));
        scene.text(beside, 12.0, Anchor::End, Paint::Ink, format!("{} {at}", names[at]));
    }
    for (truth, row) in counts.iter().enumerate().take(count) {
        let all: u64 = row.iter().sum();
        for (found, &number) in row.iter().enumerate().take(count) {
            let share = number as f64 / all.max(1) as f64;
            // Nothing at all stays white; the least is seen.
            let step = (share * (HEATS - 1) as f64).ceil() as usize;
            let at = Point::new(left + cell * found as f64, HEAD + cell * truth as f64);
            let fill = Paint::Heat(step);
            scene.marks.push(Mark::Rect {
                at,
                width: cell,
                height: cell,
                fill: Some(fill),
                stroke: Some(Paint::Faint),
                outline: if truth == found { Outline::Thick } else { Outline::Thin },
            });
            if number > 0 {
                scene.marks.push(Mark::Text {
                    at: Point::new(at.x + cell / 2.0, at.y + cell / 2.0),
                    size: 11.0,
                    anchor: Anchor::Middle,
                    bold: truth == found,
                    paint: fill,
                    on: true,
                    text: number.to_string(),
                });
            }
        }
        let right = row.get(truth).copied().unwrap_or_default();
        let share = match all {
            0 => "-".to_owned(),
            _ => format!("{:.1}%", 100.0 * right as f64 / all as f64),
        };
        let at = Point::new(left + across + 8.0, HEAD + middle(truth));
        scene.say(at, 12.0, share);
    }
    let words = say!(
        lang,
        "at the right: the share of each class that was found",
        "右侧：每个类别判对的比例"
    );
    scene.say(Point::new(MARGIN, HEAD + across + 18.0), 12.0, words);
    let about = About { title, description: "", language: lang.pick("en", "zh-CN") };
    let drawn = picture(&file(&scene, &about, Theme::Light))?;
    let (height, width) = (drawn.height.into(), drawn.width.into());
    Some(Panel { height, width, rgb: drawn.colours.concat() })
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_right_is_dark_and_what_never_happens_is_pale() {
        let classes: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let counts = vec![vec![8, 0, 0], vec![0, 8, 0], vec![8, 0, 0]];
        for lang in [Lang::En, Lang::Zh] {
            let panel = confusion_picture("x", &classes, &counts, lang).unwrap();
            let left = (MARGIN + LETTER * 1.4 + 36.0) as usize;
            let pixel = |row: usize, column: usize| {
                // In a corner of the cell, where no digit is.
                let (x, y) = (left + 34 * column + 5, HEAD as usize + 34 * row + 5);
                u32::from(panel.rgb[3 * (y * panel.width + x)])
            };
            assert_eq!((pixel(0, 0), pixel(1, 1), pixel(2, 0)), (0x0b, 0x0b, 0x0b));
            assert_eq!((pixel(0, 1), pixel(2, 2)), (0xf4, 0xf4));
        }
        assert!(confusion_picture("x", &[], &[], Lang::En).is_none());
        let many = vec!["a".to_owned(); 61];
        assert!(confusion_picture("x", &many, &[], Lang::En).is_none());
    }
}
