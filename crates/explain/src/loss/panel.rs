//! A part of the picture beside what the ways made of it, with the differences, as pixels.

use super::page::psnr;
use super::planes::{CHANNELS, Planes};
use super::{Loss, Method};
use crate::drawing::{
    About, Anchor, HEATS, Mark, Outline, Paint, Point, Scene, Theme, file, heat, picture,
};
use crate::lang::{Lang, say};

/// Pixels: `rgb: [height, width, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Red, green and blue of every pixel, row by row.
    pub rgb: Vec<u8>,
}

/// Side of a tile, and least pixels that a pixel of the picture is shown as.
const TILE: usize = 184;
const ZOOM: usize = 2;
const COLUMNS: usize = 4;
const GAP: usize = 12;
const MARGIN: usize = 16;
/// Most characters of a file's name.
const LONGEST: usize = 32;
/// Above the first row of cells, and above the tiles of a cell.
const HEAD: usize = 62;
const LABEL: usize = 40;
/// A cell with its label, a tile, a tile of differences, and what is below.
const CELL: usize = LABEL + 2 * TILE + 4 + 16;
/// The difference from which on the colour is the strongest.
const STRONG: f64 = 0.25;

pub(super) fn panel(loss: &Loss, name: &str, lang: Lang) -> Option<Panel> {
    let part = Part::of(&loss.picture);
    let rows = (Method::ALL.len() + 1).div_ceil(COLUMNS);
    let width = 2 * MARGIN + COLUMNS * TILE + (COLUMNS - 1) * GAP;
    let mut scene = Scene {
        width: width as f64,
        height: (HEAD + rows * CELL + 8) as f64,
        ..Default::default()
    };
    let left = MARGIN as f64;
    scene.bold(
        Point::new(left, 24.0),
        16.0,
        lang.pick("The size comes back, the values do not", "尺寸回来了，数值没有回来"),
    );
    let (factor, side) = (loss.data.factor, part.side);
    let name = match name.char_indices().nth(LONGEST) {
        Some((end, _)) => &format!("{}...", &name[..end]),
        None => name,
    };
    scene.say(
        Point::new(left, 46.0),
        12.0,
        say!(
            lang,
            "{name}: down by {factor} and up again; shown are {side}x{side} pixels of the middle",
            "{name}：缩小到 1/{factor} 再放大回来；所示为中间的 {side}x{side} 像素"
        ),
    );
    for (n, method) in Method::ALL.into_iter().enumerate() {
        let row = &loss.data.rows[n];
        let (x, y) = corner(n + 1);
        let (psnr, ssim) = (psnr(row.psnr, lang), format!("{:.3}", row.ssim));
        let unit = if row.psnr.is_some() { " dB" } else { "" };
        scene.bold(Point::new(x as f64, (y + 10) as f64), 12.0, method.label(lang));
        let at = Point::new(x as f64, (y + 28) as f64);
        scene.say(at, 12.0, format!("PSNR {psnr}{unit} · SSIM {ssim}"));
    }
    legend(&mut scene, lang);
    let about = About { title: name, description: "", language: lang.pick("en", "zh-CN") };
    let drawn = picture(&file(&scene, &about, Theme::Light))?;
    let mut panel = Panel {
        height: drawn.height.into(),
        width: drawn.width.into(),
        rgb: drawn.colours.concat(),
    };
    let shown = [&loss.picture].into_iter().chain(loss.results.iter().map(|(_, planes)| planes));
    for (n, planes) in shown.enumerate() {
        let (x, y) = corner(n);
        panel.paste((x, y + LABEL), &part, |at| colour(planes, at));
        if n > 0 {
            let difference = |at| heat(difference(&loss.picture, planes, at) / STRONG);
            panel.paste((x, y + LABEL + TILE + 4), &part, difference);
        }
    }
    Some(panel)
}

/// The upper left corner of a cell.
fn corner(n: usize) -> (usize, usize) {
    (MARGIN + n % COLUMNS * (TILE + GAP), HEAD + n / COLUMNS * CELL)
}

/// Below the picture itself: what the colours of differences say.
fn legend(scene: &mut Scene, lang: Lang) {
    let (x, y) = corner(0);
    scene.bold(Point::new(x as f64, (y + 10) as f64), 12.0, lang.pick("the picture", "原图"));
    let top = (y + LABEL + TILE + 4) as f64;
    let lines = [
        lang.pick("below the others:", "其余各图下方："),
        lang.pick("the difference from the picture,", "与原图之差，"),
        lang.pick("the largest of three colours", "取三种颜色中最大者"),
    ];
    for (n, line) in lines.into_iter().enumerate() {
        scene.say(Point::new(x as f64, top + 14.0 + 18.0 * n as f64), 12.0, line);
    }
    let width = TILE as f64 / HEATS as f64;
    for n in 0..HEATS {
        scene.marks.push(Mark::Rect {
            at: Point::new(x as f64 + width * n as f64, top + 64.0),
            width,
            height: 14.0,
            fill: Some(Paint::Heat(n)),
            stroke: None,
            outline: Outline::Thin,
        });
    }
    let ends = [(0, Anchor::Start, "0".to_owned()), (TILE, Anchor::End, format!("{STRONG}+"))];
    for (at, anchor, text) in ends {
        scene.text(Point::new((x + at) as f64, top + 90.0), 11.0, anchor, Paint::Ink, text);
    }
}

/// The square in the middle that is shown, and how large its pixels are.
struct Part {
    top: usize,
    left: usize,
    side: usize,
    zoom: usize,
}

impl Part {
    fn of(planes: &Planes) -> Self {
        let shorter = planes.height.min(planes.width);
        let zoom = TILE.div_ceil(shorter.max(1)).max(ZOOM);
        let side = TILE / zoom;
        let middle = |length: usize| (length - side.min(length)) / 2;
        Self { top: middle(planes.height), left: middle(planes.width), side, zoom }
    }
}

impl Panel {
    /// A tile with its upper left corner at `(x, y)`, its colours given by row and column of the picture.
    fn paste(
        &mut self,
        (x, y): (usize, usize),
        part: &Part,
        colour: impl Fn([usize; 2]) -> [u8; 3],
    ) {
        for row in 0..part.side * part.zoom {
            for column in 0..part.side * part.zoom {
                let at = [part.top + row / part.zoom, part.left + column / part.zoom];
                let to = ((y + row) * self.width + x + column) * CHANNELS;
                if let Some(pixel) = self.rgb.get_mut(to..to + CHANNELS) {
                    pixel.copy_from_slice(&colour(at));
                }
            }
        }
    }
}

fn colour(planes: &Planes, [row, column]: [usize; 2]) -> [u8; 3] {
    std::array::from_fn(|channel| {
        let value = planes.plane(channel)[row * planes.width + column];
        // Limited to 0 to 1 before.
        (255.0 * value).round() as u8
    })
}

fn difference(a: &Planes, b: &Planes, [row, column]: [usize; 2]) -> f64 {
    let of = |channel: usize| {
        let at = row * a.width + column;
        (a.plane(channel)[at] - b.plane(channel)[at]).abs()
    };
    (0..CHANNELS).map(of).fold(0.0, f64::max)
}
