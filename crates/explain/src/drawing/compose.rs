//! From the panels of a step to a picture 800 pixels wide: heading, panels in rows, caption.

use super::palette::Paint;
use super::panel::{Cell, Frame, Panel};
use super::scene::{Anchor, Mark, Outline, Point, Scene};
use crate::document::{width, wrap};

const WIDTH: f64 = 800.0;
const MARGIN: f64 = 24.0;
const GAP: f64 = 32.0;
/// Sizes of text: heading, view, everything else, names of panels, licence.
const HEADING: f64 = 20.0;
const VIEW: f64 = 15.0;
const TEXT: f64 = 14.0;
const LABEL: f64 = 13.0;
const SMALL: f64 = 11.0;
const LARGEST_CELL: f64 = 48.0;
/// Height that a row of panels should not exceed, with numbers in the cells and without.
const TALLEST: f64 = 520.0;
const TALLEST_PLAIN: f64 = 360.0;
/// Text below this size is left out, of all cells of a panel together.
const LEAST_TEXT: f64 = 8.0;

/// What stands above the panels.
pub(crate) struct Head<'a> {
    pub(crate) title: &'a str,
    pub(crate) setting: &'a str,
    pub(crate) view: &'a str,
}

/// One picture for each step, all of the same size, with every mark in the same place of the list.
pub(crate) fn scenes(head: &Head<'_>, frames: &[Frame]) -> Vec<Scene> {
    let measures = measures(frames);
    let captions: Vec<Vec<String>> =
        frames.iter().map(|frame| wrap(&frame.caption, columns(TEXT))).collect();
    let lines = captions.iter().map(Vec::len).max().unwrap_or(0);
    let each =
        |(frame, caption): (&Frame, &Vec<String>)| scene(head, frame, &measures, caption, lines);
    frames.iter().zip(&captions).map(each).collect()
}

/// Columns of text that find room in a line. Characters are about half as wide as high, Chinese ones as wide.
fn columns(size: f64) -> usize {
    ((WIDTH - 2.0 * MARGIN) / (0.53 * size)) as usize
}

/// What a panel must have room for in any step.
#[derive(Clone, Copy, Default)]
struct Measure {
    /// Of its name, in pixels.
    label: f64,
    /// Columns of the longest text in a cell, if there is one.
    text: Option<usize>,
}

fn measures(frames: &[Frame]) -> Vec<Vec<Measure>> {
    let mut measures: Vec<Vec<Measure>> = Vec::new();
    for frame in frames {
        for (n, row) in frame.panels.iter().enumerate() {
            measures.resize_with(measures.len().max(n + 1), Vec::new);
            for (m, panel) in row.iter().enumerate() {
                let own = &mut measures[n];
                own.resize(own.len().max(m + 1), Measure::default());
                let texts = panel.cells.iter().flatten().filter_map(|cell| cell.text.as_ref());
                let label = width(&panel.label) as f64 * 0.55 * LABEL;
                own[m].label = own[m].label.max(label);
                own[m].text = own[m].text.max(texts.map(|text| width(text)).max());
            }
        }
    }
    measures
}

fn scene(
    head: &Head<'_>,
    frame: &Frame,
    measures: &[Vec<Measure>],
    caption: &[String],
    caption_lines: usize,
) -> Scene {
    let mut scene = Scene { width: WIDTH, ..Default::default() };
    let mut y = MARGIN + HEADING / 2.0;
    scene.bold(Point::new(MARGIN, y), HEADING, head.title);
    y += HEADING;
    for line in wrap(head.setting, columns(TEXT)) {
        scene.text(Point::new(MARGIN, y + 4.0), TEXT, Anchor::Start, Paint::Faint, line);
        y += TEXT * 1.5;
    }
    y += 10.0;
    for line in wrap(head.view, columns(VIEW)) {
        scene.bold(Point::new(MARGIN, y), VIEW, line);
        y += VIEW * 1.4;
    }
    y += 4.0;
    for (row, measures) in frame.panels.iter().zip(measures) {
        y = panels(&mut scene, row, measures, y) + 16.0;
    }
    y += 4.0;
    for n in 0..caption_lines {
        let line = caption.get(n).cloned().unwrap_or_default();
        scene.say(Point::new(MARGIN, y), TEXT, line);
        y += TEXT * 1.5;
    }
    let licence = Point::new(MARGIN, y + SMALL / 2.0);
    scene.text(licence, SMALL, Anchor::Start, Paint::Faint, "upconv · CC0 1.0");
    scene.height = (y + SMALL + MARGIN / 2.0).ceil();
    scene
}

/// A row of panels, on several lines if it must; where it ends.
fn panels(scene: &mut Scene, row: &[Panel], measures: &[Measure], top: f64) -> f64 {
    let room = WIDTH - 2.0 * MARGIN - GAP * row.len().saturating_sub(1) as f64;
    let columns: usize = row.iter().map(|panel| panel.columns).sum();
    let rows = row.iter().map(|panel| panel.rows).max().unwrap_or(1).max(1);
    let plain = measures.iter().all(|measure| measure.text.is_none());
    let tallest = if plain { TALLEST_PLAIN } else { TALLEST };
    let cell = LARGEST_CELL.min(room / columns.max(1) as f64).min(tallest / rows as f64);
    // Whole pixels, so that borders are sharp, unless cells are tiny.
    let cell = if cell >= 6.0 { cell.floor() } else { cell };
    let (mut x, mut y, mut tallest) = (MARGIN, top, 0.0f64);
    for (panel, measure) in row.iter().zip(measures) {
        let own = measure.label.max(panel.columns as f64 * cell);
        if x > MARGIN && x + own > WIDTH - MARGIN {
            (x, y, tallest) = (MARGIN, y + tallest + 16.0, 0.0);
        }
        draw(scene, panel, Point::new(x, y), (cell, measure.text));
        x += own + GAP;
        tallest = tallest.max(panel.rows as f64 * cell + LABEL + 10.0);
    }
    y + tallest
}

fn draw(scene: &mut Scene, panel: &Panel, at: Point, (cell, text): (f64, Option<usize>)) {
    scene.say(Point::new(at.x, at.y + LABEL / 2.0), LABEL, panel.label.as_str());
    let at = Point::new(at.x, at.y + LABEL + 8.0);
    let size = text.and_then(|columns| text_size(columns, cell));
    for (n, own) in panel.cells.iter().enumerate() {
        let (row, column) = (n / panel.columns, n % panel.columns);
        let corner = Point::new(at.x + column as f64 * cell, at.y + row as f64 * cell);
        if let Some(own) = own {
            draw_cell(scene, own, corner, cell, size);
        }
    }
    for window in &panel.windows {
        let corner = Point::new(
            at.x + window.columns.start as f64 * cell,
            at.y + window.rows.start as f64 * cell,
        );
        let extent = (window.columns.len() as f64 * cell, window.rows.len() as f64 * cell);
        scene.frame(corner, extent, window.paint, Outline::Dashed);
    }
}

/// The size at which texts of so many columns fit into cells, if they can be read.
fn text_size(columns: usize, cell: f64) -> Option<f64> {
    let size = (0.45 * cell).min(0.9 * cell / (0.6 * columns.max(1) as f64));
    (size >= LEAST_TEXT).then_some(size)
}

/// A rectangle, and its text where there is room, lit or not.
fn draw_cell(scene: &mut Scene, own: &Cell, corner: Point, cell: f64, size: Option<f64>) {
    // The border of what is lit stays within the cell.
    let (lit, inset) = match own.lit {
        true if cell >= 24.0 => (Some(Outline::Thick), 1.0),
        true if cell >= 6.0 => (Some(Outline::Thin), 0.5),
        _ => (None, 0.0),
    };
    scene.marks.push(Mark::Rect {
        at: Point::new(corner.x + inset, corner.y + inset),
        width: cell - 2.0 * inset,
        height: cell - 2.0 * inset,
        fill: Some(own.paint),
        stroke: match lit {
            Some(_) => Some(Paint::Ink),
            None if cell >= 6.0 => Some(Paint::Paper),
            None => None,
        },
        outline: lit.unwrap_or(Outline::Thin),
    });
    if let Some(size) = size {
        scene.marks.push(Mark::Text {
            at: Point::new(corner.x + cell / 2.0, corner.y + cell / 2.0),
            size,
            anchor: Anchor::Middle,
            bold: own.lit,
            paint: own.paint,
            on: true,
            text: own.text.clone().unwrap_or_default(),
        });
    }
}
