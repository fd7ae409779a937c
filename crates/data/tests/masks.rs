//! Labels of masks of every kind, and what is wrong with those that are refused.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod support;

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
use support::{chunk, encoded, jpeg, png};
use upconv_data::datasets::{Classes, VOID, kitti, mask};

fn numbered(file: &[u8], classes: usize) -> Result<Vec<u8>, String> {
    let mask = mask::read(file, Classes::numbered(classes).key());
    mask.map(|mask| mask.labels).map_err(|error| error.to_string())
}

/// Three grey levels' worth of a palette in which colours say nothing: all are grey 7.
fn palette(entries: usize) -> Vec<u8> {
    chunk(b"PLTE", &vec![7; 3 * entries])
}

#[test]
fn of_a_palette_the_raw_index_counts() {
    // 8 bits, the index 255 for void, as PASCAL VOC has it.
    let file = png([3, 2], 8, 3, &palette(256), &[0, 0, 1, 2, 0, 255, 20, 3]);
    assert_eq!(numbered(&file, 21), Ok(vec![0, 1, 2, VOID, 20, 3]));
    // 4, 2 and 1 bits: indices from the highest bits down, rows filled up to bytes.
    let file = png([3, 2], 4, 3, &palette(16), &[0, 0x01, 0xf0, 0, 0x23, 0x40]);
    assert_eq!(numbered(&file, 16), Ok(vec![0, 1, 15, 2, 3, 4]));
    let file = png([5, 1], 2, 3, &palette(4), &[0, 0b00_01_10_11, 0b01_000000]);
    assert_eq!(numbered(&file, 4), Ok(vec![0, 1, 2, 3, 1]));
    let file = png([9, 1], 1, 3, &palette(2), &[0, 0b1010_0001, 0b1000_0000]);
    assert_eq!(numbered(&file, 2), Ok(vec![1, 0, 1, 0, 0, 0, 0, 1, 1]));
}

#[test]
fn grey_values_are_numbers_whatever_their_depth() {
    let file = png([2, 2], 8, 0, b"", &[0, 0, 1, 0, 255, 2]);
    assert_eq!(numbered(&file, 3), Ok(vec![0, 1, VOID, 2]));
    // A decoder for people would make 255 of the white of one bit.
    let file = png([4, 1], 1, 0, b"", &[0, 0b0110_0000]);
    assert_eq!(numbered(&file, 2), Ok(vec![0, 1, 1, 0]));
    let file = png([2, 1], 16, 0, b"", &[0, 0, 7, 0, 255]);
    assert_eq!(numbered(&file, 8), Ok(vec![7, VOID]));
    // The same in three equal channels, as tools write it that know no grey pictures.
    let rgb = RgbImage::from_raw(2, 1, vec![1, 1, 1, 4, 4, 4]).unwrap();
    assert_eq!(numbered(&encoded(&rgb.into(), ImageFormat::Png), 5), Ok(vec![1, 4]));
    let grey = GrayImage::from_raw(2, 1, vec![1, 4]).unwrap();
    assert_eq!(numbered(&encoded(&grey.into(), ImageFormat::Bmp), 5), Ok(vec![1, 4]));
}

#[test]
fn numbers_that_are_no_classes() {
    let file = png([2, 2], 8, 0, b"", &[0, 0, 1, 0, 21, 2]);
    let expected = "row 1, column 0 holds 21, but class numbers are 0 to 20, 255";
    assert_eq!(numbered(&file, 21), Err(expected.into()));
    // 16 bits with numbers of single objects.
    let file = png([3, 1], 16, 0, b"", &[0, 0, 1, 0x65, 0xce, 0xff, 0xff]);
    let expected = "row 0, column 1 holds 26062, but class numbers are 0 to 1, 255";
    assert_eq!(numbered(&file, 2), Err(expected.into()));
    let file = png([1, 1], 16, 0, b"", &[0, 0xff, 0xff]);
    assert!(numbered(&file, 2).unwrap_err().contains("holds 65535"));
}

#[test]
fn what_is_not_opaque_is_void() {
    // Grey 1 with alpha 255, 9 with 0, 1 with 128.
    let file = png([3, 1], 8, 4, b"", &[0, 1, 255, 9, 0, 1, 128]);
    assert_eq!(numbered(&file, 2), Ok(vec![1, VOID, VOID]));
    let rgba = RgbaImage::from_raw(2, 1, vec![255, 0, 255, 255, 255, 0, 255, 0]).unwrap();
    let mask =
        mask::read(&encoded(&rgba.into(), ImageFormat::Png), kitti::classes().key()).unwrap();
    assert_eq!(mask.labels, [1, VOID]);
}

#[test]
fn colours_of_kitti() {
    let pixels = vec![255, 0, 0, 255, 0, 255, 0, 0, 0, 254, 0, 255];
    let rgb = RgbImage::from_raw(4, 1, pixels).unwrap();
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let mask =
            mask::read(&encoded(&rgb.clone().into(), format), kitti::classes().key()).unwrap();
        assert_eq!(mask.labels, [0, 1, VOID, VOID]);
    }
    // The colours of a palette count too, where colours are asked for: here index 1 is red.
    let colours = chunk(b"PLTE", &[255, 0, 255, 255, 0, 0]);
    let mask =
        mask::read(&png([2, 1], 8, 3, &colours, &[0, 0, 1]), kitti::classes().key()).unwrap();
    assert_eq!(mask.labels, [1, 0]);
}

#[test]
fn colours_without_a_table() {
    // 300 colours.
    let rgb = RgbImage::from_fn(20, 15, |x, y| image::Rgb([x as u8, y as u8, 9]));
    let error = numbered(&encoded(&DynamicImage::from(rgb), ImageFormat::Png), 3).unwrap_err();
    assert!(error.starts_with("holds 300 colours ([0, 0, 9], [0, 1, 9], "), "{error}");
    assert!(
        error.ends_with(", but there is no classes.toml that says which class each is"),
        "{error}"
    );
    assert!(error.len() < 250, "{error}");
}

#[test]
fn files_that_are_no_masks() {
    let grey = DynamicImage::from(GrayImage::from_raw(2, 2, vec![0, 1, 0, 1]).unwrap());
    let error = numbered(&jpeg(&grey), 2).unwrap_err();
    assert!(error.starts_with("is a JPEG, which changes colours"), "{error}");
    assert_eq!(numbered(b"", 2), Err("is empty".into()));
    assert!(numbered(b"classes", 2).unwrap_err().starts_with("is no picture"));
    // A header that promises 4 * 10^9 pixels.
    let file = png([65535, 65535], 8, 0, b"", &[0]);
    assert!(numbered(&file, 2).unwrap_err().contains("at most 268435456 are read"));
}

#[test]
fn palettes_that_are_missing_or_too_short_do_no_harm() {
    assert_eq!(numbered(&png([1, 1], 8, 3, b"", &[0, 1]), 2), Ok(vec![1]));
    assert_eq!(numbered(&png([1, 1], 8, 3, &palette(1), &[0, 1]), 2), Ok(vec![1]));
}

#[test]
fn a_png_cut_off_anywhere_is_refused() {
    let rows: Vec<u8> = (0..64).flat_map(|_| [[0u8].as_slice(), &[1; 64]].concat()).collect();
    let file = png([64, 64], 8, 0, b"", &rows);
    assert_eq!(numbered(&file, 2).unwrap(), [1; 64 * 64]);
    // The last chunk, IEND, is no part of the picture, nor are 4 + 4 bytes of checksums.
    for length in (0..file.len() - 12 - 8).step_by(7) {
        assert!(numbered(&file[..length], 2).is_err(), "{length}");
    }
}
