//! A picture as SVG.

use super::palette::{Colours, Paint, Theme};
use super::scene::{Anchor, Mark, Outline, Scene};

/// Fonts with Latin and Chinese characters; the first is the one that comes with the program.
pub(crate) const FONTS: &str = "'Upconv Sans', 'Noto Sans CJK SC', 'Noto Sans SC', 'Source Han Sans SC', \
     'PingFang SC', 'Microsoft YaHei', 'DejaVu Sans', sans-serif";

/// What a file says about itself.
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    pub(crate) language: &'a str,
}

/// A whole file, with the licence in it.
pub(crate) fn file(scene: &Scene, about: &About<'_>, theme: Theme) -> String {
    let (width, height) = (number(scene.width), number(scene.height));
    let (title, description) = (escaped(about.title), escaped(about.description));
    let language = about.language;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" xml:lang=\"{language}\">\n\
         <title>{title}</title>\n<desc>{description}</desc>\n\
         <!-- Made by upconv. CC0 1.0: no rights reserved. \
         https://creativecommons.org/publicdomain/zero/1.0/ -->\n"
    );
    let paper = Paint::Paper.colour(theme);
    out.push_str(&format!("<rect width=\"{width}\" height=\"{height}\" fill=\"{paper}\"/>\n"));
    out.push_str(&format!("<g font-family=\"{FONTS}\">\n"));
    out.push_str(&marks(scene, Colours::Fixed(theme)).concat());
    out.push_str("</g>\n</svg>\n");
    out
}

/// Every mark as an element of its own.
pub(crate) fn marks(scene: &Scene, colours: Colours) -> Vec<String> {
    scene.marks.iter().map(|mark| element(mark, colours)).collect()
}

fn element(mark: &Mark, colours: Colours) -> String {
    match mark {
        Mark::Rect { at, width, height, fill, stroke, outline } => {
            let fill = fill.map_or("none".to_owned(), |paint| colours.of(paint));
            let stroke = match stroke {
                None => String::new(),
                // The page's style has it.
                Some(Paint::Paper) if colours == Colours::Variables => String::new(),
                Some(paint) => {
                    let (width, dash) = match outline {
                        Outline::Thin => (1, ""),
                        Outline::Thick => (2, ""),
                        Outline::Dashed => (2, " stroke-dasharray=\"5 3\""),
                    };
                    format!(" stroke=\"{}\" stroke-width=\"{width}\"{dash}", colours.of(*paint))
                }
            };
            format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{fill}\"{stroke}/>\n",
                number(at.x),
                number(at.y),
                number(*width),
                number(*height)
            )
        }
        Mark::Text { at, size, anchor, bold, paint, on, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let bold = if *bold { " font-weight=\"bold\"" } else { "" };
            let fill = if *on { colours.on(*paint) } else { colours.of(*paint) };
            // Capitals and digits are about 0.72 of the size high.
            let base = number(at.y + 0.36 * size);
            let (x, size, text) = (number(at.x), number(*size), escaped(text));
            format!(
                "<text x=\"{x}\" y=\"{base}\" font-size=\"{size}\" \
                 fill=\"{fill}\"{anchor}{bold}>{text}</text>\n"
            )
        }
    }
}

/// At most two places behind the point.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// For text and for attributes in double quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::scene::Point;

    #[test]
    fn numbers_are_short_and_text_is_escaped() {
        assert_eq!(
            (number(3.0), number(2.5), number(1.0 / 3.0)),
            ("3".into(), "2.5".into(), "0.33".into())
        );
        let mut scene = Scene { width: 10.0, height: 5.0, ..Default::default() };
        scene.say(Point::new(1.0, 2.0), 10.0, "a < b & \"c\"");
        let about = About { title: "T", description: "D", language: "en" };
        let svg = file(&scene, &about, Theme::Light);
        assert!(svg.contains(">a &lt; b &amp; &quot;c&quot;</text>"), "{svg}");
        assert!(svg.contains("y=\"5.6\""), "{svg}");
    }
}
