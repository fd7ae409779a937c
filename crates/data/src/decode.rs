//! From the bytes of a file to pixels: 8-bit sRGB, upright, within limits.
//!
//! - The format is told by the content: JPEG, PNG, WebP or BMP. Of an animation the first picture counts.
//! - Grey becomes three equal channels; palettes are looked up; 16 bits become 8 by the nearest value,
//!   `round(v / 257)`; CMYK is converted. Colour profiles are not applied: values are taken as sRGB.
//! - The orientation that a camera noted (EXIF) is carried out, so that people stand upright.
//! - Transparency is kept apart, see [`Picture::on_white`].
//! - What the header promises is compared with [`MAX_PIXELS`] before anything is decoded.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, GrayImage, ImageDecoder, ImageError, ImageReader, Limits, RgbImage,
};

use crate::Size;
use crate::error::{DataError, Result};
use crate::format::{Format, jpeg_is_cut_off};

/// Most pixels that a picture may have: 2^28, 268 million.
pub const MAX_PIXELS: usize = 1 << 28;

/// Most bytes that a file may have: 2^30, 1 GiB.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// What a decoder may allocate for one picture, where it keeps count: four channels of 16 bits for
/// [`MAX_PIXELS`], and as much again for its own use.
const MAX_DECODER_BYTES: u64 = 16 * MAX_PIXELS as u64;

/// A decoded picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `[height, width, 3]`: red, green, blue, as in the file, whatever the alpha.
    pub rgb: Vec<u8>,
    /// `[height, width]`: 0 is fully transparent, 255 fully opaque. `None` if all of it is opaque.
    pub alpha: Option<Vec<u8>>,
}

impl std::fmt::Debug for Picture {
    /// Without the pixels.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let alpha = if self.alpha.is_some() { " with alpha" } else { "" };
        write!(f, "Picture {}{alpha}", self.size())
    }
}

impl Picture {
    /// Rows and columns.
    pub fn size(&self) -> Size {
        Size { height: self.height, width: self.width }
    }

    /// The picture as a network and a person should see it: laid on white.
    ///
    /// What stands in the file where it is transparent is arbitrary, often black, sometimes what was
    /// erased, so that it must not be looked at. White is what viewers and web pages put behind, and
    /// dark hair stays apart from it.
    ///
    /// ```
    /// use upconv_data::Picture;
    /// let black = Picture { width: 3, height: 1, rgb: vec![0; 9], alpha: Some(vec![255, 51, 0]) };
    /// assert_eq!(*black.on_white(), [0, 0, 0, 204, 204, 204, 255, 255, 255]);
    /// ```
    pub fn on_white(&self) -> Cow<'_, [u8]> {
        let Some(alpha) = &self.alpha else { return Cow::Borrowed(&self.rgb) };
        let mut laid = self.rgb.clone();
        for (pixel, &alpha) in laid.chunks_exact_mut(3).zip(alpha) {
            for value in pixel {
                *value = over_white(*value, alpha);
            }
        }
        Cow::Owned(laid)
    }
}

/// `round((value * alpha + 255 * (255 - alpha)) / 255)`
fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    // At most 255, as a mean of two values up to 255.
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Decodes a picture.
///
/// # Errors
/// If it is of no format that is read, promises more than [`MAX_PIXELS`], is damaged or cut off. A
/// JPEG without an end is refused even if a decoder would fill up what is missing with grey.
///
/// ```
/// use upconv_data::decode::decode;
/// assert_eq!(decode(&upconv_data::sample::bmp())?.rgb[..3], [255, 0, 0]);
/// assert!(decode(b"<svg/>").unwrap_err().to_string().starts_with("is no picture that is read here"));
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn decode(file: &[u8]) -> Result<Picture> {
    Opened::new(file)?.decode()
}

/// The same with a limit of one's own on pixels, below [`MAX_PIXELS`], which is looked at before anything is decoded.
///
/// # Errors
/// As [`decode`].
///
/// ```
/// use upconv_data::{decode, sample};
/// // 2x2 pixels.
/// assert!(decode::decode_within(&sample::bmp(), 4).is_ok());
/// let error = decode::decode_within(&sample::bmp(), 3).unwrap_err().to_string();
/// assert!(error.ends_with("at most 3 are read"), "{error}");
/// ```
pub fn decode_within(file: &[u8], limit: usize) -> Result<Picture> {
    let opened = Opened::new(file)?;
    let size = opened.size();
    match size.pixels() > limit {
        true => Err(DataError::TooManyPixels { size, limit }),
        false => opened.decode(),
    }
}

/// Rows and columns that a picture's header promises, as they lie in the file, not yet turned upright; nothing is decoded.
///
/// # Errors
/// As [`decode`], as far as the header tells.
///
/// ```
/// let size = upconv_data::decode::promised_size(&upconv_data::sample::bmp())?;
/// assert_eq!((size.height, size.width), (2, 2));
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn promised_size(file: &[u8]) -> Result<Size> {
    Opened::new(file).map(|opened| opened.size())
}

/// Reads a file or a stream whole, if it has at most [`MAX_FILE_BYTES`].
///
/// # Errors
/// If it cannot be read or is larger.
///
/// ```
/// assert_eq!(upconv_data::decode::read(&b"abc"[..])?, b"abc");
/// # Ok::<(), upconv_data::DataError>(())
/// ```
pub fn read(source: impl Read) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    source.take(MAX_FILE_BYTES + 1).read_to_end(&mut file).map_err(DataError::read)?;
    let bytes = file.len() as u64;
    match bytes > MAX_FILE_BYTES {
        true => Err(DataError::FileTooLarge { bytes, limit: MAX_FILE_BYTES }),
        false => Ok(file),
    }
}

/// A picture whose header has been read and found to be within the limits.
pub(crate) struct Opened<'a> {
    file: &'a [u8],
    format: Format,
    decoder: Box<dyn ImageDecoder + 'a>,
}

impl<'a> Opened<'a> {
    pub(crate) fn new(file: &'a [u8]) -> Result<Self> {
        let format = Format::of(file)?;
        if let Some(size) = format.early_size(file) {
            check(size)?;
        }
        if format == Format::Jpeg && jpeg_is_cut_off(file) {
            return Err(DataError::CutOff { bytes: file.len() });
        }
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(MAX_DECODER_BYTES);
        let decoder = guarded(format, file, || {
            let mut reader = ImageReader::with_format(Cursor::new(file), format.image_format());
            reader.limits(limits);
            reader.into_decoder()
        })?;
        let opened = Self { file, format, decoder: Box::new(decoder) };
        check(opened.size())?;
        Ok(opened)
    }

    /// Rows and columns as they lie in the file, not yet turned upright.
    pub(crate) fn size(&self) -> Size {
        let (width, height) = self.decoder.dimensions();
        // A u32 fits into a usize wherever there is an address space for pictures.
        Size { height: height as usize, width: width as usize }
    }

    /// Rows and columns of the upright picture.
    pub(crate) fn upright_size(&mut self) -> Size {
        let Size { height, width } = self.size();
        let lies = matches!(
            self.decoder.orientation(),
            Ok(Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH)
        );
        if lies { Size { height: width, width: height } } else { Size { height, width } }
    }

    pub(crate) fn decode(self) -> Result<Picture> {
        let size = self.size();
        let Self { file, format, mut decoder } = self;
        // A note that cannot be read is no reason to refuse the picture.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let colours = decoder.color_type();
        let mut values = Vec::new();
        let bytes = decoder.total_bytes();
        let length = usize::try_from(bytes).map_err(|_| DataError::Memory { bytes })?;
        values.try_reserve_exact(length).map_err(|_| DataError::Memory { bytes })?;
        values.resize(length, 0);
        guarded(format, file, || decoder.read_image(&mut values))?;
        let unknown = || DataError::Damaged {
            format: format.name(),
            reason: format!("pixels of the kind {colours:?} are not read"),
        };
        let (rgb, alpha) = planes(values, colours).ok_or_else(unknown)?;
        upright(size, rgb, alpha, orientation).ok_or_else(unknown)
    }
}

/// Runs a decoder. Should it panic on a hostile file, then that file is damaged, and that is all.
fn guarded<T>(
    format: Format,
    file: &[u8],
    action: impl FnOnce() -> image::ImageResult<T>,
) -> Result<T> {
    // What the action borrows is dropped or never looked at again after a panic.
    let result = catch_unwind(AssertUnwindSafe(action));
    let damaged = |reason| DataError::Damaged { format: format.name(), reason };
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match &error {
            ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
                DataError::CutOff { bytes: file.len() }
            }
            ImageError::Limits(_) => {
                damaged(format!("it needs more than {MAX_DECODER_BYTES} bytes to decode"))
            }
            ImageError::Decoding(decoding) => damaged(one_line(&reason(decoding))),
            _ => damaged(one_line(&error)),
        }),
        Err(_) => Err(damaged("the decoder fails on it".into())),
    }
}

/// What lies behind a decoder's error; the error itself begins with the format, which we name.
fn reason(error: &image::error::DecodingError) -> String {
    match std::error::Error::source(error) {
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}

pub(crate) fn one_line(error: &impl ToString) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check(size: Size) -> Result<()> {
    match size.pixels() {
        0 => Err(DataError::NoPixels { size }),
        pixels if pixels > MAX_PIXELS => Err(DataError::TooManyPixels { size, limit: MAX_PIXELS }),
        _ => Ok(()),
    }
}

/// The colours and the alpha of pixels as a decoder gives them; `None` for kinds that no format read
/// here has.
fn planes(values: Vec<u8>, colours: ColorType) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let values = match colours {
        ColorType::Rgb8 => return Some((values, None)),
        ColorType::L8 | ColorType::La8 | ColorType::Rgba8 => values,
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => values
            .chunks_exact(2)
            .map(|pair| {
                let value = u32::from(u16::from_ne_bytes([pair[0], pair[1]]));
                // 65535 / 255 = 257; at most 255.
                ((value + 128) / 257) as u8
            })
            .collect(),
        _ => return None,
    };
    let channels = usize::from(colours.channel_count());
    let grey = channels < 3;
    let mut rgb = Vec::with_capacity(values.len() / channels * 3);
    for pixel in values.chunks_exact(channels) {
        match grey {
            true => rgb.extend([pixel[0]; 3]),
            false => rgb.extend(&pixel[..3]),
        }
    }
    let alpha: Option<Vec<u8>> = colours
        .has_alpha()
        .then(|| values.iter().skip(channels - 1).step_by(channels).copied().collect());
    Some((rgb, alpha.filter(|alpha| alpha.iter().any(|&value| value != u8::MAX))))
}

/// Turns and mirrors as noted; `None` if the buffers do not fit the size.
fn upright(
    size: Size,
    rgb: Vec<u8>,
    alpha: Option<Vec<u8>>,
    orientation: Orientation,
) -> Option<Picture> {
    let (width, height) = (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?);
    let mut picture = DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, rgb)?);
    picture.apply_orientation(orientation);
    let alpha = match alpha {
        Some(alpha) => {
            let mut alpha = DynamicImage::ImageLuma8(GrayImage::from_raw(width, height, alpha)?);
            alpha.apply_orientation(orientation);
            Some(alpha.into_bytes())
        }
        None => None,
    };
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Some(Picture { width, height, rgb: picture.into_bytes(), alpha })
}
/// The bytes of a picture's file, of at most [`MAX_FILE_BYTES`].
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(DataError::read)?;
    let (bytes, limit) = (file.metadata().map_or(0, |there| there.len()), MAX_FILE_BYTES);
    match bytes > limit {
        true => Err(DataError::FileTooLarge { bytes, limit }),
        false => read(file),
    }
}
