//! What is made of a photo and its mask: mask, overlay and cut-out, as PNG.

use std::fmt;
use std::io::{self, BufWriter, Write};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;

use crate::{Picture, Size};

/// Brightness of the background in the overlay.
const BACKGROUND: f32 = 0.45;

/// Share of its own colour that the background keeps in the overlay; the rest is grey.
const BACKGROUND_COLOUR: f32 = 0.3;

/// What the darkened background is tinted with: a deep blue.
const TINT: [f32; 3] = [10.0, 22.0, 58.0];

/// The outline: a warm yellow, which stands apart from skin, hair and the tinted background.
const OUTLINE: [f32; 3] = [255.0, 206.0, 46.0];

/// Pixels of a photo's mean side per pixel of the outline's width.
const SIDE_PER_WIDTH: f32 = 280.0;

/// One of the pictures that are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Probability as 8-bit grey: white is the person.
    Mask,
    /// The photo with the background darkened and an outline.
    Overlay,
    /// The person alone, with soft edges, as RGBA.
    Cutout,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mask, Self::Overlay, Self::Cutout];

    /// What the file's name ends with.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Mask => ".mask.png",
            Self::Overlay => ".overlay.png",
            Self::Cutout => ".cutout.png",
        }
    }

    /// Channels of 8 bits.
    fn channels(self) -> usize {
        match self {
            Self::Mask => 1,
            Self::Overlay => 3,
            Self::Cutout => 4,
        }
    }
}

/// Which pictures are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds {
    /// Whether [`Kind::Mask`] is.
    pub mask: bool,
    /// Whether [`Kind::Overlay`] is.
    pub overlay: bool,
    /// Whether [`Kind::Cutout`] is.
    pub cutout: bool,
}

impl Kinds {
    /// All of them.
    pub const ALL: Self = Self { mask: true, overlay: true, cutout: true };

    /// Whether a kind is among them.
    pub fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::Mask => self.mask,
            Kind::Overlay => self.overlay,
            Kind::Cutout => self.cutout,
        }
    }
}

/// A photo and, for each of its pixels, the probability of the person.
///
/// # Shapes
/// `mask: [height, width]`, in 0..1, of the picture's size; the functions panic otherwise.
#[derive(Clone, Copy)]
pub struct Masked<'a> {
    /// The photo.
    pub picture: &'a Picture,
    /// The probabilities.
    pub mask: &'a [f32],
    /// From which probability on a pixel counts as person: where the outline runs.
    pub threshold: f32,
}

impl fmt::Debug for Masked<'_> {
    /// Without the pixels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked {:?} at {}", self.picture, self.threshold)
    }
}

impl Masked<'_> {
    /// The pixels of one kind of picture, `[height, width, channels]`, with 1, 3 or 4 channels.
    ///
    /// - Mask: `round(255 * p)`.
    /// - Cut-out: the photo's colours with alpha `round(a * p)`, where `a` is the photo's own alpha
    ///   (255 if it has none). Where that is 0 the colours are 0 too: what cannot be seen is not in
    ///   the file.
    /// - Overlay: the photo on white, mixed by `p` with its darkened, tinted self; the outline runs
    ///   where `p` passes the threshold.
    ///
    /// ```
    /// use upconv_data::{Kind, Picture};
    /// use upconv_data::encode::Masked;
    /// let picture = Picture { width: 3, height: 1, rgb: vec![7; 9], alpha: Some(vec![255, 100, 50]) };
    /// let masked = Masked { picture: &picture, mask: &[1.0, 0.5, 0.0], threshold: 0.5 };
    /// assert_eq!(masked.pixels(Kind::Mask), [255, 128, 0]);
    /// assert_eq!(masked.pixels(Kind::Cutout), [7, 7, 7, 255, 7, 7, 7, 50, 0, 0, 0, 0]);
    /// ```
    pub fn pixels(&self, kind: Kind) -> Vec<u8> {
        assert_eq!(self.mask.len(), self.picture.size().pixels(), "one probability for each pixel");
        match kind {
            Kind::Mask => self.mask.par_iter().map(|&p| byte(255.0 * p)).collect(),
            Kind::Cutout => self.cutout(),
            Kind::Overlay => self.overlay(),
        }
    }

    fn cutout(&self) -> Vec<u8> {
        let mut pixels = vec![0; self.mask.len() * 4];
        let opaque = |_: usize| 255.0;
        let alpha: &(dyn Fn(usize) -> f32 + Sync) = match &self.picture.alpha {
            Some(alpha) => &|place| f32::from(alpha[place]),
            None => &opaque,
        };
        let colours = self.picture.rgb.par_chunks_exact(3);
        pixels.par_chunks_exact_mut(4).zip(colours).enumerate().for_each(
            |(place, (pixel, colours))| {
                let alpha = byte(alpha(place) * self.mask[place]);
                if alpha > 0 {
                    pixel[..3].copy_from_slice(colours);
                    pixel[3] = alpha;
                }
            },
        );
        pixels
    }

    fn overlay(&self) -> Vec<u8> {
        let Size { height, width } = self.picture.size();
        let photo = self.picture.on_white();
        let mean_side = ((height as f32) * (width as f32)).sqrt();
        let half_width = (mean_side / SIDE_PER_WIDTH).max(1.0) / 2.0;
        let mut pixels = vec![0; photo.len()];
        pixels.par_chunks_exact_mut(width * 3).enumerate().for_each(|(row, line)| {
            for (column, pixel) in line.chunks_exact_mut(3).enumerate() {
                let place = row * width + column;
                let p = self.mask[place];
                let colour = [0, 1, 2].map(|channel| f32::from(photo[place * 3 + channel]));
                // ITU-R BT.601, on the values as they are: good enough for a grey to look at.
                let grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
                let outline = self.outline(row, column, half_width);
                for channel in 0..3 {
                    let pale = grey + (colour[channel] - grey) * BACKGROUND_COLOUR;
                    let behind = TINT[channel] + pale * BACKGROUND;
                    let seen = behind + (colour[channel] - behind) * p;
                    pixel[channel] = byte(seen + (OUTLINE[channel] - seen) * outline);
                }
            }
        });
        pixels
    }

    /// How much of a pixel the outline covers. The distance to the line where the probability equals
    /// the threshold is, to first order, the difference to it by the length of the gradient.
    fn outline(&self, row: usize, column: usize, half_width: f32) -> f32 {
        let Size { height, width } = self.picture.size();
        let at = |row: usize, column: usize| self.mask[row * width + column];
        let [above, below] = [row.saturating_sub(1), (row + 1).min(height - 1)];
        let [left, right] = [column.saturating_sub(1), (column + 1).min(width - 1)];
        let down = (at(below, column) - at(above, column)) / (below - above).max(1) as f32;
        let along = (at(row, right) - at(row, left)) / (right - left).max(1) as f32;
        let slope = down.hypot(along);
        if slope < f32::EPSILON {
            return 0.0;
        }
        let distance = (at(row, column) - self.threshold).abs() / slope;
        (half_width + 0.5 - distance).clamp(0.0, 1.0)
    }
}

/// Writes pixels of one kind as a PNG.
///
/// # Errors
/// What the writer says, or that the pixels do not fit the size.
///
/// ```
/// use upconv_data::{Kind, Size, decode, encode};
/// let mut file = Vec::new();
/// encode::png(&mut file, Kind::Mask, Size { height: 1, width: 2 }, &[0, 200])?;
/// assert_eq!(decode::decode(&file).unwrap().rgb, [0, 0, 0, 200, 200, 200]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn png(to: impl Write, kind: Kind, size: Size, pixels: &[u8]) -> io::Result<()> {
    let colours = match kind {
        Kind::Mask => ExtendedColorType::L8,
        Kind::Overlay => ExtendedColorType::Rgb8,
        Kind::Cutout => ExtendedColorType::Rgba8,
    };
    write(to, (colours, kind.channels()), size, pixels)
}

/// Writes a picture, `rgb: [height, width, 3]`, as a PNG.
///
/// # Errors
/// As [`png()`].
///
/// ```
/// use upconv_data::{Size, decode, encode};
/// let mut file = Vec::new();
/// encode::rgb_png(&mut file, Size { height: 1, width: 1 }, &[1, 2, 3])?;
/// assert_eq!(decode::decode(&file).unwrap().rgb, [1, 2, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn rgb_png(to: impl Write, size: Size, rgb: &[u8]) -> io::Result<()> {
    write(to, (ExtendedColorType::Rgb8, 3), size, rgb)
}

fn write(
    to: impl Write,
    (colours, channels): (ExtendedColorType, usize),
    size: Size,
    pixels: &[u8],
) -> io::Result<()> {
    let wrong = || io::Error::other(format!("{} bytes do not make {size} pixels", pixels.len()));
    if size.pixels().checked_mul(channels) != Some(pixels.len()) {
        return Err(wrong());
    }
    let side = |length: usize| u32::try_from(length).map_err(|_| wrong());
    let (width, height) = (side(size.width)?, side(size.height)?);
    let mut to = Remembering { to, error: None };
    let mut buffered = BufWriter::new(&mut to);
    let encoded =
        PngEncoder::new_with_quality(&mut buffered, CompressionType::Fast, FilterType::Adaptive)
            .write_image(pixels, width, height, colours)
            .map_err(io::Error::other)
            .and_then(|()| buffered.flush());
    drop(buffered);
    encoded.map_err(|error| to.error.take().unwrap_or(error))
}

/// A writer that keeps its last error: the encoder makes a text of it, in which a full disk can no
/// longer be told from others.
struct Remembering<W> {
    to: W,
    error: Option<io::Error>,
}

impl<W> Remembering<W> {
    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let kind = error.kind();
            self.error = Some(error);
            kind.into()
        })
    }
}

impl<W: Write> Write for Remembering<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.to.write(bytes);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.to.flush();
        self.remember(result)
    }
}

/// The nearest byte; a cast saturates at 0 and 255.
fn byte(value: f32) -> u8 {
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 3] = [200, 30, 30];

    #[test]
    fn the_overlay_keeps_the_person_darkens_the_rest_and_draws_the_line() {
        // Left half person; in between the mask falls over 4 columns, through 0.5 at 15.5.
        let (width, height) = (32, 24);
        let mask: Vec<f32> = (0..width * height)
            .map(|place| (0.5 + (15.5 - (place % width) as f32) / 4.0).clamp(0.0, 1.0))
            .collect();
        let picture = Picture { width, height, rgb: RED.repeat(width * height), alpha: None };
        let masked = Masked { picture: &picture, mask: &mask, threshold: 0.5 };
        let overlay = masked.pixels(Kind::Overlay);
        let at = |column: usize| &overlay[(12 * width + column) * 3..][..3];
        assert_eq!(at(3), RED);
        let behind = at(28);
        assert!(behind[0] < RED[0] / 2 && behind[2] > behind[1], "{behind:?}");
        // One pixel wide on either side of the line.
        for column in [15, 16] {
            let line = at(column);
            assert!(line[0] > 150 && line[1] > 100, "{column}: {line:?}");
        }
        for column in [13, 18] {
            assert!(at(column)[1] < 70, "{column}: {:?}", at(column));
        }
    }

    #[test]
    fn a_flat_mask_has_no_outline() {
        let picture = Picture { width: 2, height: 2, rgb: RED.repeat(4), alpha: None };
        let masked = Masked { picture: &picture, mask: &[1.0; 4], threshold: 1.0 };
        assert_eq!(masked.pixels(Kind::Overlay), RED.repeat(4));
    }

    #[test]
    fn errors_of_the_writer_come_through_as_they_are() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                // ENOSPC
                Err(io::Error::from_raw_os_error(28))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let size = Size { height: 100, width: 100 };
        let error = png(Full, Kind::Mask, size, &[7; 10_000]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(28));
        let error = png(Vec::new(), Kind::Overlay, size, &[7; 10_000]).unwrap_err();
        assert_eq!(error.to_string(), "10000 bytes do not make 100x100 pixels");
    }
}
