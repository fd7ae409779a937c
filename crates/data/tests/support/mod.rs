//! Pictures made by hand, and files of formats that the encoders do not make.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.
#![allow(dead_code)] // Every test file uses its share of it.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat};
use upconv_data::{Segment, Size};

/// A chunk of a PNG.
pub(crate) fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = u32::try_from(content.len()).unwrap().to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(content);
    // The polynomial of ISO 3309, as the PNG specification has it, bit by bit.
    let mut crc = u32::MAX;
    for &byte in &chunk[4..] {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    chunk.extend((!crc).to_be_bytes());
    chunk
}

/// A PNG from its header's fields, further chunks, and rows each with a filter byte before it.
pub(crate) fn png(size: [u32; 2], depth: u8, colours: u8, chunks: &[u8], rows: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(size[0].to_be_bytes());
    header.extend(size[1].to_be_bytes());
    header.extend([depth, colours, 0, 0, 0]);
    // zlib with one stored block and its checksum.
    let length = u16::try_from(rows.len()).unwrap();
    let mut data = vec![0x78, 0x01, 0x01];
    data.extend(length.to_le_bytes());
    data.extend((!length).to_le_bytes());
    data.extend(rows);
    let (mut a, mut b) = (1u32, 0u32);
    for &byte in rows {
        a = (a + u32::from(byte)) % 65521;
        b = (b + a) % 65521;
    }
    data.extend(((b << 16) | a).to_be_bytes());
    let magic = b"\x89PNG\r\n\x1a\n".to_vec();
    [magic, chunk(b"IHDR", &header), chunks.to_vec(), chunk(b"IDAT", &data), chunk(b"IEND", b"")]
        .concat()
}

/// A picture in one of the formats that the `image` crate writes.
pub(crate) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A JPEG of the best quality, as pixels are to be recognised.
pub(crate) fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 100);
    picture.write_with_encoder(encoder).unwrap();
    file
}

/// Puts an EXIF segment with an orientation behind the start of a JPEG.
pub(crate) fn with_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    let mut exif = b"Exif\0\0".to_vec();
    exif.extend(tiff_with_orientation(orientation));
    let length = u16::try_from(exif.len() + 2).unwrap();
    let mut file = jpeg[..2].to_vec();
    file.extend([0xff, 0xe1]);
    file.extend(length.to_be_bytes());
    file.extend(exif);
    file.extend(&jpeg[2..]);
    file
}

/// Little-endian TIFF: a directory with one entry, tag 0x112 (orientation), one short.
pub(crate) fn tiff_with_orientation(orientation: u16) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend(orientation.to_le_bytes());
    tiff.extend([0; 6]);
    tiff
}

/// Numbers that look random and are the same everywhere.
pub(crate) fn noise(count: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// A network that takes bright pixels for the person; it has 8 rows and 6 columns.
pub(crate) struct Bright;

impl Segment for Bright {
    fn name(&self) -> &str {
        "bright"
    }

    fn input_size(&self, _photo: Size) -> Size {
        Size { height: 8, width: 6 }
    }

    fn probabilities(&self, rgb: &[f32], _size: Size) -> Result<Vec<f32>, String> {
        assert_eq!(rgb.len(), 8 * 6 * 3);
        Ok(rgb.chunks_exact(3).map(|pixel| (pixel.iter().sum::<f32>() / 3.0).min(1.0)).collect())
    }
}
