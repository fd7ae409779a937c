//! Pictures in pixels: SVG drawn with the font that comes with the program, and frames as an animated GIF.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use rayon::prelude::*;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

/// Latin and Chinese characters, see `fonts/subset.py`.
static FONT: &[u8] = include_bytes!("../../fonts/upconv-sans.otf");
/// Hundredths of a second that a step is shown, and the last one.
const STEP: u16 = 70;
const LAST: u16 = 250;
/// What the file says about itself.
const LICENCE: &[u8] =
    b"Made by upconv. CC0 1.0: no rights reserved. https://creativecommons.org/publicdomain/zero/1.0/";

static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    fonts.load_font_data(FONT.to_vec());
    Arc::new(fonts)
});

/// Colours of a picture, row by row from the upper left corner.
pub(crate) struct Picture {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) colours: Vec<[u8; 3]>,
}

/// `None` if the text is no SVG that can be drawn; what this crate writes is.
pub(crate) fn picture(svg: &str) -> Option<Picture> {
    let options = Options { fontdb: FONTS.clone(), ..Default::default() };
    let tree = Tree::from_str(svg, &options).ok()?;
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height())?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    // The paper is opaque, so colours are what they are.
    let colours = pixels.pixels().iter().map(|p| [p.red(), p.green(), p.blue()]).collect();
    let (width, height) = (u16::try_from(size.width()).ok()?, u16::try_from(size.height()).ok()?);
    Some(Picture { width, height, colours })
}

/// The pictures one after the other, for ever. `None` as [`picture`].
pub(crate) fn gif(svgs: &[String]) -> Option<Vec<u8>> {
    let pictures: Vec<Picture> = svgs.par_iter().map(|svg| picture(svg)).collect::<Option<_>>()?;
    let first = pictures.first()?;
    let (width, height) = (first.width, first.height);
    let mut palette = Palette::new(&pictures);
    let mut out = Vec::new();
    let colours = palette.colours.concat();
    let mut encoder = gif::Encoder::new(&mut out, width, height, &colours).ok()?;
    encoder.set_repeat(gif::Repeat::Infinite).ok()?;
    encoder.write_raw_extension(gif::AnyExtension(0xfe), &[LICENCE]).ok()?;
    let mut before: Option<&Picture> = None;
    for (n, picture) in pictures.iter().enumerate() {
        let [left, top, right, bottom] = match before {
            Some(before) => changed(before, picture),
            None => [0, 0, width.into(), height.into()],
        };
        let mut buffer = Vec::with_capacity((right - left) * (bottom - top));
        for row in top..bottom {
            let row = &picture.colours[row * usize::from(width)..][left..right];
            buffer.extend(row.iter().map(|&colour| palette.index(colour)));
        }
        // Not above the size of the picture, which is 16 bits.
        let frame = gif::Frame {
            left: left as u16,
            top: top as u16,
            width: (right - left) as u16,
            height: (bottom - top) as u16,
            buffer: buffer.into(),
            delay: if n + 1 == pictures.len() { LAST } else { STEP },
            ..Default::default()
        };
        encoder.write_frame(&frame).ok()?;
        before = Some(picture);
    }
    drop(encoder);
    Some(out)
}

/// Left, top, right and bottom of what differs; one pixel if nothing does.
fn changed(before: &Picture, after: &Picture) -> [usize; 4] {
    let width = usize::from(after.width);
    let [mut left, mut top, mut right, mut bottom] = [usize::MAX, usize::MAX, 0, 0];
    for (n, (a, b)) in before.colours.iter().zip(&after.colours).enumerate() {
        if a != b {
            let (row, column) = (n / width, n % width);
            (left, right) = (left.min(column), right.max(column + 1));
            (top, bottom) = (top.min(row), bottom.max(row + 1));
        }
    }
    if right == 0 { [0, 0, 1, 1] } else { [left, top, right, bottom] }
}

/// The 256 most frequent colours of all pictures: those of areas among them, so that what stays the same
/// stays the same to the eye. The many shades at the edges of letters take the nearest.
struct Palette {
    colours: Vec<[u8; 3]>,
    known: HashMap<[u8; 3], u8>,
}

impl Palette {
    fn new(pictures: &[Picture]) -> Self {
        let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
        for colour in pictures.iter().flat_map(|picture| &picture.colours) {
            *counts.entry(*colour).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        // By colour where they are equally frequent, so that the file is always the same.
        counts.sort_unstable_by_key(|&(colour, count)| (std::cmp::Reverse(count), colour));
        let colours: Vec<[u8; 3]> =
            counts.into_iter().take(256).map(|(colour, _)| colour).collect();
        let known = colours.iter().enumerate().map(|(n, &colour)| (colour, n as u8)).collect();
        Self { colours, known }
    }

    fn index(&mut self, colour: [u8; 3]) -> u8 {
        let colours = &self.colours;
        *self.known.entry(colour).or_insert_with(|| {
            let far = |other: &[u8; 3]| -> i32 {
                colour.iter().zip(other).map(|(&a, &b)| (i32::from(a) - i32::from(b)).pow(2)).sum()
            };
            // At most 256 colours.
            (0..colours.len()).min_by_key(|&n| far(&colours[n])).unwrap_or(0) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(colours: &[[u8; 3]]) -> Picture {
        Picture { width: 2, height: 2, colours: colours.to_vec() }
    }

    #[test]
    fn only_what_changed_is_written() {
        let (a, b) = ([0, 0, 0], [9, 9, 9]);
        assert_eq!(changed(&plain(&[a, a, a, a]), &plain(&[a, b, a, b])), [1, 0, 2, 2]);
        assert_eq!(changed(&plain(&[a; 4]), &plain(&[a; 4])), [0, 0, 1, 1]);
    }

    #[test]
    fn rare_colours_take_the_nearest() {
        let mut palette = Palette::new(&[plain(&[[0, 0, 0], [0, 0, 0], [200, 0, 0], [0, 0, 0]])]);
        assert_eq!(palette.colours, [[0, 0, 0], [200, 0, 0]]);
        assert_eq!((palette.index([90, 0, 0]), palette.index([120, 0, 0])), (0, 1));
    }

    /// Chinese and Latin characters leave ink on the paper.
    #[test]
    fn the_font_has_the_characters() {
        let ink = |text: &str| {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"20\" height=\"20\">\
                 <rect width=\"20\" height=\"20\" fill=\"#fff\"/><text y=\"16\" font-size=\"16\" \
                 font-family=\"Upconv Sans\">{text}</text></svg>"
            );
            let picture = picture(&svg).expect("it is SVG");
            picture.colours.iter().filter(|colour| colour[0] < 128).count()
        };
        assert_eq!(ink(" "), 0);
        for text in ["x", "转", "置", "·"] {
            assert!(ink(text) > 3, "{text}: {}", ink(text));
        }
    }
}
