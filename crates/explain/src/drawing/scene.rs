//! What a picture is made of: rectangles and text, with the role of their colour and not the colour.

use super::palette::Paint;

/// One picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) marks: Vec<Mark>,
}

/// A place, in pixels from the upper left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Mark {
    Rect {
        at: Point,
        width: f64,
        height: f64,
        fill: Option<Paint>,
        stroke: Option<Paint>,
        outline: Outline,
    },
    Text {
        /// The left end of the line, its middle or its right end.
        at: Point,
        size: f64,
        anchor: Anchor,
        bold: bool,
        paint: Paint,
        /// Whether the paint is what the text stands on.
        on: bool,
        text: String,
    },
}

/// How the border of a rectangle is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outline {
    Thin,
    Thick,
    Dashed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Point {
    pub(crate) fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }
}

impl Scene {
    /// Running text, its middle at `y`.
    pub(crate) fn say(&mut self, at: Point, size: f64, text: impl Into<String>) {
        self.text(at, size, Anchor::Start, Paint::Ink, text);
    }

    pub(crate) fn text(
        &mut self,
        at: Point,
        size: f64,
        anchor: Anchor,
        paint: Paint,
        text: impl Into<String>,
    ) {
        let text = text.into();
        self.marks.push(Mark::Text { at, size, anchor, bold: false, paint, on: false, text });
    }

    pub(crate) fn bold(&mut self, at: Point, size: f64, text: impl Into<String>) {
        let (anchor, paint, text) = (Anchor::Start, Paint::Ink, text.into());
        self.marks.push(Mark::Text { at, size, anchor, bold: true, paint, on: false, text });
    }

    /// A border without a filling.
    pub(crate) fn frame(
        &mut self,
        at: Point,
        (width, height): (f64, f64),
        paint: Paint,
        outline: Outline,
    ) {
        self.marks.push(Mark::Rect { at, width, height, fill: None, stroke: Some(paint), outline });
    }
}
