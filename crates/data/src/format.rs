//! What a file is, told by its first bytes, and what it calls itself, told by its name.

use std::path::Path;

use crate::Size;
use crate::error::{DataError, Result};

/// How many bytes of a file are enough to tell its format.
pub(crate) const HEAD: usize = 32;

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
}

/// Endings of names that promise a picture. Some of these formats are not read: such a file was meant
/// to be one of the pictures, so that it is reported rather than passed over.
const ENDINGS: &[&str] = &[
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "dib", "gif", "tif", "tiff", "heic",
    "heif", "avif", "jxl", "jp2",
];

impl Format {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
        }
    }

    pub(crate) fn image_format(self) -> image::ImageFormat {
        match self {
            Self::Jpeg => image::ImageFormat::Jpeg,
            Self::Png => image::ImageFormat::Png,
            Self::WebP => image::ImageFormat::WebP,
            Self::Bmp => image::ImageFormat::Bmp,
        }
    }

    /// The format of a file that begins with `head`, at least [`HEAD`] bytes unless it is shorter.
    pub(crate) fn of(head: &[u8]) -> Result<Self> {
        if head.is_empty() {
            return Err(DataError::Empty);
        }
        // "RIFF", four bytes of length, "WEBP"; and four bytes of length, "ftyp", brand.
        let at = |start: usize, length: usize| head.get(start..start + length).unwrap_or_default();
        let not_read = |format| Err(DataError::FormatNotRead { format });
        match head {
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', ..] => Ok(Self::Png),
            _ if head.starts_with(b"RIFF") && at(8, 4) == b"WEBP" => Ok(Self::WebP),
            // Two letters alone would take any text that begins with them; the header goes on with a
            // length and two reserved words, which are zero.
            [b'B', b'M', ..] if at(6, 4) == [0; 4] => Ok(Self::Bmp),
            [b'G', b'I', b'F', b'8', ..] => not_read("a GIF"),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => not_read("a TIFF or a raw photo"),
            [0, 0, 0, 12, b'J', b'X', b'L', ..] | [0xff, 0x0a, ..] => not_read("a JPEG XL"),
            [0, 0, 0, 12, b'j', b'P', ..] => not_read("a JPEG 2000"),
            _ if at(4, 4) == b"ftyp" => match at(8, 4) {
                b"avif" | b"avis" => not_read("an AVIF"),
                b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1" => not_read("a HEIC"),
                _ => Err(DataError::NotAPicture),
            },
            _ => Err(DataError::NotAPicture),
        }
    }

    /// Whether a file's name promises a picture.
    ///
    /// The comparison knows no case: `PHOTO.JPG` counts.
    pub(crate) fn promised_by(name: &Path) -> bool {
        let Some(ending) = name.extension().and_then(|ending| ending.to_str()) else {
            return false;
        };
        ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
    }

    /// The size that stands in the first bytes, for the formats in which it does. A decoder may have
    /// to read much more before it can tell.
    pub(crate) fn early_size(self, head: &[u8]) -> Option<Size> {
        let number = |start: usize| {
            let bytes = head.get(start..start + 4)?;
            let bytes = <[u8; 4]>::try_from(bytes).ok()?;
            usize::try_from(match self {
                Self::Png => u32::from_be_bytes(bytes),
                // Negative heights mean rows from above.
                _ => i32::from_le_bytes(bytes).unsigned_abs(),
            })
            .ok()
        };
        let (width, height) = match self {
            Self::Png if head.get(12..16) == Some(b"IHDR") => (16, 20),
            Self::Bmp if head.get(14).is_some_and(|&header| header >= 40) => (18, 22),
            _ => return None,
        };
        Some(Size { height: number(height)?, width: number(width)? })
    }
}

/// Whether a JPEG has no end: after the header of its first scan there is no end-of-image marker.
///
/// Decoders fill what is missing with grey and say nothing. The search begins behind the segments,
/// which may hold a whole thumbnail with an end of its own; within a scan the two bytes cannot occur,
/// since a data byte `ff` is followed by `00`.
pub(crate) fn jpeg_is_cut_off(file: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const START_OF_SCAN: u8 = 0xda;
    let mut place = 2;
    loop {
        let Some(&[0xff, marker]) = file.get(place..place + 2) else {
            return place + 2 > file.len();
        };
        match marker {
            // Filling.
            0xff => place += 1,
            END => return false,
            0x01 | 0xd0..=0xd8 => place += 2,
            _ => {
                let Some(&[high, low]) = file.get(place + 2..place + 4) else { return true };
                place += 2 + usize::from(u16::from_be_bytes([high, low]));
                if marker == START_OF_SCAN {
                    let rest = file.get(place..).unwrap_or_default();
                    return !rest.windows(2).any(|pair| pair == [0xff, END]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_content() {
        let of = |head: &[u8]| Format::of(head).map_err(|error| error.to_string());
        assert_eq!(of(b"\xff\xd8\xff\xe0rest"), Ok(Format::Jpeg));
        assert_eq!(of(b"\x89PNG\r\n\x1a\n"), Ok(Format::Png));
        assert_eq!(of(b"RIFF\x10\0\0\0WEBPVP8 "), Ok(Format::WebP));
        assert_eq!(of(&crate::sample::bmp()), Ok(Format::Bmp));
        for (head, word) in [
            (&b"GIF89a"[..], "GIF"),
            (b"II*\0", "TIFF"),
            (b"\0\0\0\x18ftypheic", "HEIC"),
            (b"\0\0\0\x1cftypavif", "AVIF"),
            (b"\0\0\0\x18ftypmp42", "no picture"),
            (b"BMW", "no picture"),
            (b"BMW and other cars", "no picture"),
            (b"RIFF\x10\0\0\0WAVE", "no picture"),
            (b"\xff", "no picture"),
            (b"", "empty"),
        ] {
            let error = of(head).unwrap_err();
            assert!(error.contains(word), "{head:?}: {error}");
        }
    }

    #[test]
    fn promises_of_names() {
        for name in ["a.jpg", "b/C.JPEG", "a.b.PnG", "photo.heic"] {
            assert!(Format::promised_by(Path::new(name)), "{name}");
        }
        for name in ["jpg", "a.txt", "a.jpg.txt", ".jpg", "png/a", "a."] {
            assert!(!Format::promised_by(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn the_end_of_a_jpeg_is_searched_behind_its_segments() {
        // A segment of 6 bytes holds a thumbnail's end.
        let start = [0xff, 0xd8, 0xff, 0xe1, 0, 6, 0xff, 0xd9, 0, 0, 0xff, 0xda, 0, 2, 1, 2, 3];
        let whole = [&start[..], &[0xff, 0xd9]].concat();
        assert!(!jpeg_is_cut_off(&whole));
        for length in 2..whole.len() {
            assert!(jpeg_is_cut_off(&whole[..length]), "{length}");
        }
        // Bytes behind the end do no harm, and what is no marker is left to the decoder.
        assert!(!jpeg_is_cut_off(&[&whole[..], b"more"].concat()));
        assert!(!jpeg_is_cut_off(&[0xff, 0xd8, 1, 2, 3, 4]));
    }
}
