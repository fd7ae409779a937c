//! Pictures of any size through networks that give every pixel its class.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use burn::tensor::{Device, Tensor, TensorData};
use upconv_data::{Segment, Size};
use upconv_models::fcn::{self, Fcn, FcnConfig};
use upconv_models::inference::Model;
use upconv_models::segmentation::tiles::Tiles;
use upconv_models::segmentation::{SCALE, SegmentOptions, Segmenter};
use upconv_models::unet::{self, UNet, UNetConfig};
use upconv_models::{initial, picture, stored};
use upconv_nn::pass::Eager;
use upconv_weights::Weights;

/// A narrow FCN-8s with weights of chance.
fn fcn() -> Fcn {
    let net = Fcn::new(&FcnConfig::small().with_width(0.125), &Device::flex()).unwrap();
    initial::draw(net, 7, initial::usual).unwrap()
}

fn weights(scale: Option<f64>) -> Weights {
    let mut input = picture::unit([0, 0]);
    input.other.extend(scale.map(|scale| (SCALE.to_owned(), scale.into())));
    Weights::new(Some(stored::metadata(fcn::NAME, &FcnConfig::small(), Some(input))), vec![])
        .unwrap()
}

fn segmenter(tiles: Option<Tiles>) -> Segmenter<Fcn> {
    let options = SegmentOptions { tiles, ..Default::default() };
    Segmenter::new(fcn::NAME, fcn(), 1, &weights(None), &options).unwrap()
}

/// Bands and grain.
fn photo(size: Size) -> Vec<f32> {
    let value = |at: usize| {
        let (pixel, channel) = (at / 3, at % 3);
        let (row, column) = (pixel / size.width, pixel % size.width);
        let band = (row / 9 + column / 23 + channel) % 5;
        (40 * band + (row * 31 + column * 17 + channel * 7) % 41) as f32 / 255.0
    };
    (0..3 * size.pixels()).map(value).collect()
}

#[test]
fn a_picture_of_odd_size_is_what_the_network_says() {
    let size = Size { height: 45, width: 83 };
    let rgb = photo(size);
    let got = segmenter(None).probabilities(&rgb, size).unwrap();
    // The same by hand: planes, the eager network, a softmax of two.
    let planes = (0..3).flat_map(|channel| rgb.iter().skip(channel).step_by(3).copied());
    let data = TensorData::new(planes.collect::<Vec<_>>(), [1, 3, 45, 83]);
    let x = Tensor::from_data(data, &Device::flex());
    let y = fcn().forward(&mut Eager::default(), &x).unwrap().into_data();
    let y: Vec<f32> = y.iter::<f32>().collect();
    let (background, road) = y.split_at(size.pixels());
    for ((got, background), road) in got.iter().zip(background).zip(road) {
        let expected = 1.0 / (1.0 + (background - road).exp());
        assert!((got - expected).abs() < 1e-5, "{got} {expected}");
    }
    assert!(got.iter().any(|&p| (p - got[0]).abs() > 1e-3), "the answer is the same everywhere");
}

/// Two pixels of the answer are independent where they are farther apart than the receptive field of 404 pixels.
#[test]
fn what_is_small_enough_is_not_cut() {
    let size = Size { height: 45, width: 150 };
    let (rgb, tiles) = (photo(size), Tiles::new(64, None).unwrap());
    let [whole, tiled] =
        [None, Some(tiles)].map(|tiles| segmenter(tiles).probabilities(&rgb, size).unwrap());
    assert_ne!(whole, tiled);
    let bytes = segmenter(None).bytes(size);
    for (whole_up_to, is_cut, expected) in [(bytes, false, &whole), (bytes - 1, true, &tiled)] {
        let options = SegmentOptions { tiles: Some(tiles), whole_up_to, ..Default::default() };
        let net = Segmenter::new(fcn::NAME, fcn(), 1, &weights(None), &options).unwrap();
        assert_eq!(net.is_cut(size), is_cut);
        assert_eq!(net.bytes(size) < bytes, is_cut);
        assert_eq!(&net.probabilities(&rgb, size).unwrap(), expected);
        // Given up before the second part.
        let asked = std::cell::Cell::new(0);
        let wanted = || asked.replace(asked.get() + 1) == 0;
        let given_up = net.probabilities_while(&rgb, size, &wanted).unwrap().is_none();
        assert_eq!((given_up, asked.get()), if is_cut { (true, 2) } else { (false, 0) });
    }
}

#[test]
fn tiles_give_the_whole_answer_away_from_seams() {
    const REACH: usize = 404 / 2;
    let size = Size { height: 64, width: 1056 };
    let rgb = photo(size);
    let whole = segmenter(None).probabilities(&rgb, size).unwrap();
    let tiles = Tiles::new(512, Some(64)).unwrap();
    let tiled = segmenter(Some(tiles)).probabilities(&rgb, size).unwrap();
    // Tiles at 0..512, 448..960 and 896..1056.
    let seams = [448, 512, 896, 960];
    let off = |column: usize| {
        let differences = (0..size.height).map(|row| row * size.width + column);
        differences.map(|at| (whole[at] - tiled[at]).abs()).fold(0.0, f32::max)
    };
    let mut compared = 0;
    for column in 0..size.width {
        if seams.iter().all(|&seam| column.abs_diff(seam) > REACH) {
            assert!(off(column) < 1e-5, "column {column}: {}", off(column));
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
    // A seam does show, or the test would prove nothing.
    assert!((448..512).map(off).fold(0.0, f32::max) > 1e-4);
}

#[test]
fn scale_and_classes_come_from_the_weights() {
    let half =
        Segmenter::new("x", fcn(), 1, &weights(Some(0.5)), &SegmentOptions::default()).unwrap();
    let size = |height, width| Size { height, width };
    assert_eq!(half.input_size(size(375, 1242)), size(188, 621));
    assert_eq!(segmenter(None).input_size(size(375, 1242)), size(375, 1242));
    let picture = photo(size(20, 30));
    let road = half.probabilities(&picture, size(20, 30)).unwrap();
    let options = SegmentOptions { class: Some("0".into()), ..Default::default() };
    let other = Segmenter::new("x", fcn(), 1, &weights(None), &options).unwrap();
    let rest = other.probabilities(&picture, size(20, 30)).unwrap();
    assert!(road.iter().zip(&rest).all(|(a, b)| (a + b - 1.0).abs() < 1e-6));
    let error = half.probabilities(&picture, size(21, 30)).unwrap_err();
    assert_eq!(error, "1800 values for a picture of 30x21 in RGB");
    assert!(half.probabilities(&[], size(0, 30)).is_err());
    // What the layers hold, in bytes: at least the largest map, which has 8 channels of 4 bytes.
    assert!(half.bytes(size(100, 100)) >= 100 * 100 * 2 * 4);
}

#[test]
fn a_network_of_multiples_takes_any_size() {
    let config = UNetConfig { base: 2, ..Default::default() };
    let net = UNet::new(&config, &Device::flex()).unwrap();
    let net = initial::draw(net, 1, initial::usual).unwrap();
    let input = Some(picture::unit([0, 0]));
    let weights = Weights::new(Some(stored::metadata(unet::FAMILY, &config, input)), vec![]);
    let options = SegmentOptions::default();
    let net =
        Segmenter::new(unet::FAMILY, net, unet::MULTIPLE, &weights.unwrap(), &options).unwrap();
    for (height, width) in [(1, 1), (17, 31), (16, 48)] {
        let size = Size { height, width };
        let p = net.probabilities(&photo(size), size).unwrap();
        assert_eq!(p.len(), size.pixels());
        assert!(p.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}
