//! Formats, depths, orientations, and files that lie or break off.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod support;

use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
use support::{chunk, encoded, jpeg, noise, png, tiff_with_orientation, with_orientation};
use upconv_data::DataError;
use upconv_data::decode::{MAX_PIXELS, decode};

const GREY: u8 = 0;
const RGB: u8 = 2;
const PALETTE: u8 = 3;
const GREY_ALPHA: u8 = 4;
const RGBA: u8 = 6;

fn photo(width: u32, height: u32) -> DynamicImage {
    let pixels = noise((width * height * 3) as usize, 7);
    DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, pixels).unwrap())
}

#[test]
fn formats_without_loss() {
    let photo = photo(5, 3);
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::WebP] {
        let picture = decode(&encoded(&photo, format)).unwrap();
        assert_eq!((picture.width, picture.height, picture.alpha), (5, 3, None), "{format:?}");
        assert_eq!(picture.rgb, photo.as_bytes(), "{format:?}");
    }
    let grey = GrayImage::from_fn(16, 8, |x, y| image::Luma([(x * 10 + y * 5) as u8]));
    let picture = decode(&jpeg(&DynamicImage::ImageLuma8(grey.clone()))).unwrap();
    for (pixel, grey) in picture.rgb.chunks(3).zip(grey.as_raw()) {
        assert!(pixel.iter().all(|value| value.abs_diff(*grey) <= 3), "{pixel:?} {grey}");
    }
}

#[test]
fn inks_become_light() {
    // Four blocks of 8x8 of one colour each, written by Pillow 12 as the printing trade has it (Adobe's
    // marker, inks inverted): red, cyan, half black, and 20% cyan with 40% magenta.
    let picture = decode(include_bytes!("pictures/cmyk.jpg")).unwrap();
    assert_eq!((picture.width, picture.height, picture.alpha), (32, 8, None));
    // 255 * (1 - ink) * (1 - black)
    let expected = [[255u8, 0, 0], [0, 255, 255], [127, 127, 127], [204, 153, 255]];
    for (block, expected) in expected.into_iter().enumerate() {
        let pixel = &picture.rgb[3 * (4 * 32 + block * 8 + 4)..][..3];
        assert!(
            pixel.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2),
            "{pixel:?} {expected:?}"
        );
    }
}

#[test]
fn alpha_is_kept_apart() {
    let pixels = vec![10, 20, 30, 255, 40, 50, 60, 0, 70, 80, 90, 128];
    let picture = DynamicImage::ImageRgba8(RgbaImage::from_raw(3, 1, pixels).unwrap());
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let picture = decode(&encoded(&picture, format)).unwrap();
        assert_eq!(picture.alpha, Some(vec![255, 0, 128]), "{format:?}");
        assert_eq!(picture.rgb[..3], [10, 20, 30], "{format:?}");
        // round(70 * 128 / 255 + 127) and so on.
        assert_eq!(*picture.on_white(), [10, 20, 30, 255, 255, 255, 162, 167, 172], "{format:?}");
    }
    // Opaque all over is the same as none.
    let opaque = DynamicImage::ImageRgba8(RgbaImage::from_pixel(2, 2, image::Rgba([1, 2, 3, 255])));
    assert_eq!(decode(&encoded(&opaque, ImageFormat::Png)).unwrap().alpha, None);
}

#[test]
fn sixteen_bits_become_the_nearest_eight() {
    // 0x0080 = 128 rounds down to 0 (128 / 257 < 0.5), 0x0081 rounds up to 1; 0xff7f = 65407 is 254.5.
    let rows = [0, 0x00, 0x80, 0x00, 0x81, 0xff, 0x7e, 0xff, 0x80, 0xff, 0xff];
    let grey = decode(&png([5, 1], 16, GREY, &[], &rows)).unwrap();
    let values: Vec<u8> = grey.rgb.chunks(3).map(|pixel| pixel[0]).collect();
    assert_eq!(values, [0, 1, 254, 255, 255]);
    for (colours, rows, rgb, alpha) in [
        (RGB, &[0, 0x10, 0x10, 0x20, 0x20, 0x30, 0x30][..], [16, 32, 48], None),
        (GREY_ALPHA, &[0, 0x10, 0x10, 0x80, 0x80], [16; 3], Some(vec![128])),
        (RGBA, &[0, 1, 1, 2, 2, 3, 3, 4, 4], [1, 2, 3], Some(vec![4])),
    ] {
        let picture = decode(&png([1, 1], 16, colours, &[], rows)).unwrap();
        assert_eq!((picture.rgb, picture.alpha), (rgb.to_vec(), alpha), "{colours}");
    }
}

#[test]
fn grey_and_palettes_of_few_bits() {
    // 1 bit: 1, 0, 1. 4 bits: 15, 0, 5, each times 17.
    let one = decode(&png([3, 1], 1, GREY, &[], &[0, 0b1010_0000])).unwrap();
    assert_eq!(one.rgb, [255, 255, 255, 0, 0, 0, 255, 255, 255]);
    let four = decode(&png([3, 1], 4, GREY, &[], &[0, 0xf0, 0x50])).unwrap();
    assert_eq!(four.rgb, [255, 255, 255, 0, 0, 0, 85, 85, 85]);
    let palette = chunk(b"PLTE", &[1, 2, 3, 4, 5, 6]);
    let plain = decode(&png([2, 1], 1, PALETTE, &palette, &[0, 0b0100_0000])).unwrap();
    assert_eq!((plain.rgb, plain.alpha), (vec![1, 2, 3, 4, 5, 6], None));
    let transparent = [palette, chunk(b"tRNS", &[255, 9])].concat();
    let picture = decode(&png([2, 1], 1, PALETTE, &transparent, &[0, 0b0100_0000])).unwrap();
    assert_eq!(picture.alpha, Some(vec![255, 9]));
    let grey_alpha = decode(&png([1, 2], 8, GREY_ALPHA, &[], &[0, 50, 255, 0, 60, 7])).unwrap();
    assert_eq!(grey_alpha.rgb, [50, 50, 50, 60, 60, 60]);
    assert_eq!(grey_alpha.alpha, Some(vec![255, 7]));
}

/// The six pixels of a picture of 3 x 2, in the order in which they appear once it is upright.
const UPRIGHT: [(u16, [usize; 2], [u8; 6]); 8] = [
    (1, [3, 2], [0, 1, 2, 3, 4, 5]),
    (2, [3, 2], [2, 1, 0, 5, 4, 3]),
    (3, [3, 2], [5, 4, 3, 2, 1, 0]),
    (4, [3, 2], [3, 4, 5, 0, 1, 2]),
    (5, [2, 3], [0, 3, 1, 4, 2, 5]),
    (6, [2, 3], [3, 0, 4, 1, 5, 2]),
    (7, [2, 3], [5, 2, 4, 1, 3, 0]),
    (8, [2, 3], [2, 5, 1, 4, 0, 3]),
];

#[test]
fn every_orientation_is_carried_out() {
    let values = [0, 50, 100, 150, 200, 250];
    let grey = GrayImage::from_raw(3, 2, values.to_vec()).unwrap();
    let file = jpeg(&DynamicImage::ImageLuma8(grey));
    for (orientation, [width, height], order) in UPRIGHT {
        let picture = decode(&with_orientation(&file, orientation)).unwrap();
        assert_eq!((picture.width, picture.height), (width, height), "{orientation}");
        for (pixel, place) in picture.rgb.chunks(3).zip(order) {
            let expected = values[usize::from(place)];
            assert!(pixel[0].abs_diff(expected) < 20, "{orientation}: {:?}", picture.rgb);
        }
    }
    // Nonsense is no orientation.
    for orientation in [0, 9, u16::MAX] {
        assert_eq!(decode(&with_orientation(&file, orientation)).unwrap().width, 3);
    }
}

#[test]
fn alpha_turns_with_the_colours() {
    let exif = chunk(b"eXIf", &tiff_with_orientation(6));
    let rows = [0, 1, 10, 2, 20, 3, 30, 0, 4, 40, 5, 50, 6, 60];
    let picture = decode(&png([3, 2], 8, GREY_ALPHA, &exif, &rows)).unwrap();
    assert_eq!((picture.width, picture.height), (2, 3));
    let grey: Vec<u8> = picture.rgb.chunks(3).map(|pixel| pixel[0]).collect();
    assert_eq!(grey, [4, 1, 5, 2, 6, 3]);
    assert_eq!(picture.alpha, Some(vec![40, 10, 50, 20, 60, 30]));
}

#[test]
fn promises_of_too_many_pixels_are_refused_at_once() {
    let start = Instant::now();
    let bmp = |width: i32, height: i32| {
        let mut file = upconv_data::sample::bmp();
        file[18..22].copy_from_slice(&width.to_le_bytes());
        file[22..26].copy_from_slice(&height.to_le_bytes());
        file
    };
    for (file, text) in [
        (png([1 << 31, 1 << 31], 8, RGB, &[], &[0]), "has 2147483648x2147483648 pixels"),
        (png([u32::MAX, u32::MAX], 16, RGBA, &[], &[0]), "has 4294967295x4294967295 pixels"),
        (png([1 << 16, 1 << 15], 1, GREY, &[], &[0]), "has 65536x32768 pixels, 2147483648 in all"),
        (png([1 << 14, (1 << 14) + 1], 8, GREY, &[], &[0]), "at most 268435456 are read"),
        (bmp(i32::MAX, i32::MIN), "has 2147483647x2147483648 pixels"),
        (png([0, 5], 8, RGB, &[], &[0]), "has 0x5 pixels: there is nothing in it"),
    ] {
        let error = decode(&file).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    // A JPEG states at most 65535 x 65535; its size lies behind the start-of-frame marker ff c0.
    let mut file = jpeg(&photo(8, 8));
    let frame = file.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    file[frame + 5..frame + 9].fill(0xff);
    let error = decode(&file).unwrap_err();
    assert!(matches!(error, DataError::TooManyPixels { limit: MAX_PIXELS, .. }), "{error}");
    // A WebP states at most 16384 x 16384, just the limit; in an extended header 2^24 x 2^24.
    let mut file = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    file.extend([0xff; 6]);
    assert!(decode(&file).is_err());
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_png_of_the_legal_size_with_nothing_in_it() {
    let error = decode(&png([1 << 13, 1 << 13], 8, GREY, &[], &[0, 1, 2])).unwrap_err();
    assert!(matches!(error, DataError::Damaged { .. } | DataError::CutOff { .. }), "{error}");
}

#[test]
fn truncated_files_are_errors_and_never_panics() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
        let file = encoded(&photo(64, 48), format);
        let step = if format == ImageFormat::Jpeg { 64 } else { 97 };
        for length in (0..file.len()).step_by(step) {
            let error = decode(&file[..length]).expect_err("a part of a picture");
            assert!(!error.to_string().contains('\n'), "{error}");
            // The panic of a decoder would have become this.
            assert!(!error.to_string().contains("fails on it"), "{format:?} {length}: {error}");
        }
        decode(&file).unwrap();
    }
    assert!(matches!(decode(b""), Err(DataError::Empty)));
    let file = jpeg(&photo(64, 48));
    let error = decode(&file[..file.len() / 2]).unwrap_err().to_string();
    let half = file.len() / 2;
    assert_eq!(error, format!("breaks off after {half} bytes, before the end of the picture"));
}

#[test]
fn damaged_bytes_never_panic() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
        let file = encoded(&photo(24, 16), format);
        for (round, place) in noise(400, 3).chunks(2).enumerate() {
            let mut file = file.clone();
            // Headers are hit more often than their share.
            let place = usize::from(place[0]) * if round % 2 == 0 { 1 } else { 7 } % file.len();
            file[place] ^= noise(1, round as u32)[0] | 1;
            if let Err(error) = decode(&file) {
                assert!(!error.to_string().contains("fails on it"), "{format:?}: {error}");
            }
        }
    }
}
