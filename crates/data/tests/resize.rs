//! Resizing against the reference of the kernels, which sums in f64.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod support;

use support::noise;
use upconv_data::Size;
use upconv_data::decode::decode;
use upconv_data::resize::{to_network, to_photo};
use upconv_kernels::reference::resize::{ResizeAxis, resize};
use upconv_kernels::reference::resize_coordinates::Coordinates;
use upconv_kernels::reference::resize_method::{Filter, Method};

/// Sizes that shrink, grow, do both, keep, and have one row or column.
const SIZES: [[usize; 4]; 12] = [
    [512, 512, 256, 256],
    [37, 53, 8, 6],
    [8, 6, 37, 53],
    [5, 300, 300, 5],
    [16, 16, 16, 16],
    [1, 1, 7, 9],
    [7, 9, 1, 1],
    [1, 40, 13, 20],
    [2, 2, 4, 4],
    [3, 5, 6, 10],
    [1080, 3, 256, 256],
    [31, 31, 10, 11],
];

fn reference(x: &[f32], from: [usize; 3], to: [usize; 2]) -> Vec<f64> {
    let axes = [ResizeAxis::Size(to[0]), ResizeAxis::Size(to[1]), ResizeAxis::Keep];
    let method = Method::Linear(Filter::plain(Coordinates::HalfPixel));
    resize(&method, &from, &axes, x).unwrap()
}

#[track_caller]
fn assert_close(got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (place, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        assert!((f64::from(got) - expected).abs() < 1e-6, "{place}: {got}, expected {expected}");
    }
}

#[test]
fn a_photo_for_the_network() {
    for [h, w, oh, ow] in SIZES {
        let rgb = noise(h * w * 3, 1);
        let (from, to) = (Size { height: h, width: w }, Size { height: oh, width: ow });
        let got = to_network(&rgb, from, to).unwrap();
        let x: Vec<f32> = rgb.iter().map(|&value| f32::from(value)).collect();
        let expected: Vec<f64> =
            reference(&x, [h, w, 3], [oh, ow]).iter().map(|value| value / 255.0).collect();
        assert_close(&got, &expected);
    }
}

#[test]
fn a_mask_for_the_photo() {
    for [h, w, oh, ow] in SIZES {
        let mask: Vec<f32> =
            noise(h * w, 2).iter().map(|&value| f32::from(value) / 255.0).collect();
        let (from, to) = (Size { height: h, width: w }, Size { height: oh, width: ow });
        let got = to_photo(&mask, from, to).unwrap();
        assert_close(&got, &reference(&mask, [h, w, 1], [oh, ow]));
    }
}

#[test]
fn a_halving_is_the_mean_of_blocks_to_the_last_bit() {
    let (h, w) = (36, 50);
    let rgb = noise(h * w * 3, 5);
    let to = Size { height: h / 2, width: w / 2 };
    let got = to_network(&rgb, Size { height: h, width: w }, to).unwrap();
    for (place, &got) in got.iter().enumerate() {
        let (i, j, c) = (place / 3 / to.width, place / 3 % to.width, place % 3);
        let at = |i: usize, j: usize| u32::from(rgb[(i * w + j) * 3 + c]);
        let sum = at(2 * i, 2 * j)
            + at(2 * i, 2 * j + 1)
            + at(2 * i + 1, 2 * j)
            + at(2 * i + 1, 2 * j + 1);
        assert_eq!(got, sum as f32 / 4.0 / 255.0, "{place}");
    }
}

#[test]
fn the_first_pixel_of_the_astronaut() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/astronaut.png");
    let picture = decode(&std::fs::read(path).unwrap()).unwrap();
    let size = Size { height: 256, width: 256 };
    let rgb = to_network(&picture.rgb, picture.size(), size).unwrap();
    assert_eq!(rgb[..3], [0.57254905, 0.5509804, 0.577451]);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let rgb = noise(101 * 67 * 3, 9);
    let mask: Vec<f32> = noise(64, 9).iter().map(|&value| f32::from(value) / 255.0).collect();
    let both = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (photo, small) = (Size { height: 101, width: 67 }, Size { height: 8, width: 8 });
            [to_network(&rgb, photo, small).unwrap(), to_photo(&mask, small, photo).unwrap()]
        })
    };
    let one = both(1);
    assert_eq!(one, both(2));
    assert_eq!(one, both(5));
}
