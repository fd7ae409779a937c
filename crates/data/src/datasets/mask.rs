//! From a mask's file to labels.
//!
//! - A palette PNG holds class numbers: the raw index counts, not its colour, as in PASCAL VOC.
//! - A grey PNG of 1 to 16 bits holds class numbers: the raw value counts, so that 1 stays 1.
//! - RGB pictures hold colours, which a table gives to classes. A table may ask for colours or numbers
//!   whatever the file is.
//! - 255 is void unless a table says otherwise. So is every pixel that is not fully opaque.
//! - JPEGs are refused: they change colours.

use std::collections::{BTreeSet, HashMap};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use png::{BitDepth, ColorType, Transformations};
use serde::Deserialize;

use super::classes::VOID;
use super::labelled::zeros;
use crate::decode::{self, Opened};
use crate::error::{DataError, Result};
use crate::format::Format;
use crate::{Picture, Size};

/// Colours that an error lists.
const EXAMPLES: usize = 8;

/// What the values of masks mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meaning {
    /// Each value is the number of a class.
    Numbers,
    /// Each colour stands for a class.
    Colours,
}

/// How masks name classes.
#[derive(Clone, Debug)]
pub struct Key {
    /// What values mean; if `None`, that depends on the kind of the file.
    pub(super) meaning: Option<Meaning>,
    /// Labels of numbers.
    pub(super) numbers: HashMap<u32, u8>,
    /// Labels of colours; `None` if no class has any.
    pub(super) colours: Option<HashMap<[u8; 3], u8>>,
    /// Whether all that is not named is void; else it is an error.
    pub(super) others_are_void: bool,
}

impl Key {
    /// Numbers from 0 to `count - 1` are labels themselves.
    pub(super) fn numbers(count: u8) -> Self {
        let numbers = (0..count).chain([VOID]).map(|number| (u32::from(number), number));
        Self { meaning: None, numbers: numbers.collect(), colours: None, others_are_void: false }
    }

    fn known(&self) -> String {
        let mut numbers: Vec<_> = self.numbers.keys().copied().collect();
        numbers.sort_unstable();
        // Runs of neighbours, as 0 to 20.
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for number in numbers {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => runs.push((number, number)),
            }
        }
        let text = |&(first, last): &(u32, u32)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        };
        runs.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

/// Labels of a mask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mask {
    /// Rows and columns.
    pub size: Size,
    /// `[height, width]`
    pub labels: Vec<u8>,
}

/// Reads a mask.
///
/// # Errors
/// If the file is no picture, damaged or a JPEG, or holds a number or a colour that is not known; row
/// and column are named.
pub fn read(file: &[u8], key: &Key) -> Result<Mask> {
    let format = Format::of(file)?;
    if format == Format::Jpeg {
        return Err(DataError::LossyMask);
    }
    if format == Format::Png
        && key.meaning != Some(Meaning::Colours)
        && let Some(values) = png_numbers(file)?
    {
        return values.labels(key);
    }
    let picture = decode::decode(file)?;
    let is_grey =
        || picture.rgb.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[0] == pixel[2]);
    match (key.meaning, &key.colours) {
        (Some(Meaning::Numbers), _) => grey_numbers(&picture)?.labels(key),
        // A tool that knows no grey pictures stores them in three equal channels.
        (None, None) if is_grey() => grey_numbers(&picture)?.labels(key),
        (_, Some(colours)) => from_colours(&picture, colours, key.others_are_void),
        (_, None) => Err(without_table(&picture)),
    }
}

/// Numbers of pixels; `None` where a pixel is not opaque.
struct Numbers {
    size: Size,
    values: Vec<Option<u16>>,
}

impl Numbers {
    fn labels(self, key: &Key) -> Result<Mask> {
        let mut labels = zeros(self.size.pixels())?;
        let mut last = (None, VOID);
        for (place, (label, value)) in labels.iter_mut().zip(self.values).enumerate() {
            // Neighbours are mostly alike.
            if value != last.0 {
                let number = value.map_or(0, u32::from);
                let found = match value {
                    None => Some(VOID),
                    Some(_) => key.numbers.get(&number).copied(),
                };
                let found = found.or(key.others_are_void.then_some(VOID)).ok_or_else(|| {
                    let (row, column) = (place / self.size.width, place % self.size.width);
                    DataError::UnknownNumber { row, column, number, known: key.known() }
                })?;
                last = (value, found);
            }
            *label = last.1;
        }
        Ok(Mask { size: self.size, labels })
    }
}

fn grey_numbers(picture: &Picture) -> Result<Numbers> {
    let size = picture.size();
    let mut values = zeros(size.pixels())?;
    for (place, (value, pixel)) in values.iter_mut().zip(picture.rgb.chunks_exact(3)).enumerate() {
        let &[red, green, blue] = pixel else { continue };
        if picture.alpha.as_ref().is_some_and(|alpha| alpha[place] < u8::MAX) {
            continue;
        }
        if red != green || red != blue {
            let (row, column) = (place / size.width, place % size.width);
            return Err(DataError::NotANumber { row, column, colour: [red, green, blue] });
        }
        *value = Some(u16::from(red));
    }
    Ok(Numbers { size, values })
}

fn from_colours(
    picture: &Picture,
    colours: &HashMap<[u8; 3], u8>,
    others_are_void: bool,
) -> Result<Mask> {
    let size = picture.size();
    let mut labels = zeros(size.pixels())?;
    let mut last = None;
    for (place, (label, pixel)) in labels.iter_mut().zip(picture.rgb.chunks_exact(3)).enumerate() {
        if picture.alpha.as_ref().is_some_and(|alpha| alpha[place] < u8::MAX) {
            *label = VOID;
            continue;
        }
        let colour = [pixel[0], pixel[1], pixel[2]];
        *label = match last {
            Some((known, label)) if known == colour => label,
            _ => {
                let found = colours.get(&colour).copied();
                let found = found.or(others_are_void.then_some(VOID)).ok_or_else(|| {
                    let (row, column) = (place / size.width, place % size.width);
                    DataError::UnknownColour { row, column, colour }
                })?;
                last = Some((colour, found));
                found
            }
        };
    }
    Ok(Mask { size, labels })
}

fn without_table(picture: &Picture) -> DataError {
    let all: BTreeSet<[u8; 3]> =
        picture.rgb.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let examples = all.iter().copied().take(EXAMPLES).collect();
    DataError::ColoursWithoutTable { count: all.len(), examples }
}

/// The raw values of a PNG with a palette or in grey; `None` for one in colours.
fn png_numbers(file: &[u8]) -> Result<Option<Numbers>> {
    // Limits, and what is wrong with headers, are the same as for photos.
    drop(Opened::new(file)?);
    let damaged = |reason| DataError::Damaged { format: Format::Png.name(), reason };
    match catch_unwind(AssertUnwindSafe(|| raw(file))) {
        Ok(Ok(numbers)) => numbers.transpose(),
        Ok(Err(png::DecodingError::IoError(error)))
            if error.kind() == std::io::ErrorKind::UnexpectedEof =>
        {
            Err(DataError::CutOff { bytes: file.len() })
        }
        Ok(Err(error)) => Err(damaged(decode::one_line(&error))),
        Err(_) => Err(damaged("the decoder fails on it".into())),
    }
}

fn raw(file: &[u8]) -> std::result::Result<Option<Result<Numbers>>, png::DecodingError> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::IDENTITY);
    let mut reader = decoder.read_info()?;
    let (colours, depth) = reader.output_color_type();
    let has_alpha = match colours {
        ColorType::Indexed | ColorType::Grayscale => false,
        ColorType::GrayscaleAlpha => true,
        ColorType::Rgb | ColorType::Rgba => return Ok(None),
    };
    let (width, height) = reader.info().size();
    // A u32 fits into a usize wherever there is an address space for pictures.
    let size = Size { height: height as usize, width: width as usize };
    let sizes = (reader.output_line_size(width), reader.output_buffer_size());
    let (Some(line), Some(length)) = sizes else { return Err(png::DecodingError::LimitsExceeded) };
    let mut bytes = match zeros(length) {
        Ok(bytes) => bytes,
        Err(error) => return Ok(Some(Err(error))),
    };
    reader.next_frame(&mut bytes)?;
    Ok(Some(unpacked(size, &bytes, line, depth, has_alpha)))
}

fn unpacked(
    size: Size,
    bytes: &[u8],
    line: usize,
    depth: BitDepth,
    has_alpha: bool,
) -> Result<Numbers> {
    let mut values = zeros(size.pixels())?;
    let bits = depth as usize;
    let channels = 1 + usize::from(has_alpha);
    let most = u16::MAX >> (16 - bits);
    for (row, values) in bytes.chunks_exact(line).zip(values.chunks_exact_mut(size.width)) {
        let sample = |place: usize| match bits {
            16 => u16::from_be_bytes([row[2 * place], row[2 * place + 1]]),
            // From the highest bits down; `bits` divides 8.
            _ => {
                let shift = 8 - bits - place * bits % 8;
                u16::from(row[place * bits / 8]) >> shift & most
            }
        };
        for (column, value) in values.iter_mut().enumerate() {
            let is_opaque = !has_alpha || sample(column * channels + 1) == most;
            *value = is_opaque.then(|| sample(column * channels));
        }
    }
    Ok(Numbers { size, values })
}
