//! The rendered streets: neither colour nor place alone tells the road, and their calibration is true.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.
#![allow(clippy::print_stdout)] // The figures are shown with --nocapture.

use rayon::prelude::*;
use upconv_data::Size;
use upconv_data::synthetic::roads::{Part, Scenery, picture};
use upconv_train::metrics::baselines::{ColourRangeFit, ColourTable, MeanMask};
use upconv_train::metrics::birds_eye::{self, BirdsEye};
use upconv_train::metrics::calibration::Calibration;
use upconv_train::metrics::road::{ROAD, RoadCounts};

/// A quarter of KITTI's size.
const SIZE: Size = Size { height: 94, width: 311 };

fn pictures(part: Part, count: usize) -> Vec<Scenery> {
    (0..count).into_par_iter().map(|index| picture(1, part, index, SIZE)).collect()
}

/// MaxF in the picture and from above.
fn scores(test: &[Scenery], answer: impl Fn(&Scenery) -> Vec<f32>) -> [f64; 2] {
    let [mut plain, mut above] = [RoadCounts::new(), RoadCounts::new()];
    for scenery in test {
        let probabilities = answer(scenery);
        plain.add(&probabilities, &scenery.labels).unwrap();
        let calibration = Calibration::parse(&scenery.calibration).unwrap();
        let view = BirdsEye::new(&calibration, SIZE.height, SIZE.width).unwrap();
        view.add(&mut above, &probabilities, &scenery.labels).unwrap();
    }
    [plain.figures().max_f, above.figures().max_f]
}

/// Run with `--nocapture` it prints the figures.
#[test]
fn neither_place_nor_colour_tells_the_road() {
    let (training, test) = (pictures(Part::Training, 300), pictures(Part::Testing, 100));
    let mut mean = MeanMask::new(SIZE.height, SIZE.width).unwrap();
    let (mut table, mut fit) = (ColourTable::new(), ColourRangeFit::new());
    for Scenery { rgb, labels, .. } in &training {
        mean.add(labels, SIZE.height, SIZE.width).unwrap();
        table.add(rgb, labels).unwrap();
        fit.add(rgb, labels).unwrap();
    }
    let range = fit.best();
    let mask = mean.probabilities(SIZE.height, SIZE.width).unwrap();
    let found = [
        ("mean mask", scores(&test, |_| mask.clone())),
        ("colour table", scores(&test, |picture| table.probabilities(&picture.rgb).unwrap())),
        ("colour range", scores(&test, |picture| range.probabilities(&picture.rgb).unwrap())),
    ];
    println!("best range: {range:?}");
    for (name, [plain, above]) in found {
        println!("{name}: MaxF {plain:.4}, from above {above:.4}");
    }
    for (name, [plain, above]) in found {
        assert!(plain < 0.85, "{name}: {plain}");
        assert!(above < 0.85, "{name} from above: {above}");
        // A rule that finds nothing would prove nothing.
        assert!(plain > 0.3, "{name}: {plain}");
    }
}

/// From above a road is as wide far away as near: a wrong pitch or height would make it a wedge, a wrong
/// roll would lean it.
#[test]
fn the_calibration_is_that_of_the_picture() {
    let size = Size { height: 188, width: 621 };
    let mut ratios: Vec<f64> = (0..8)
        .into_par_iter()
        .map(|index| {
            let scenery = picture(2, Part::Training, index, size);
            let calibration = Calibration::parse(&scenery.calibration).unwrap();
            let view = BirdsEye::new(&calibration, size.height, size.width).unwrap();
            let above = view.from_above(&scenery.labels, 0).unwrap();
            // The widest road seen in rows from z = 9 to 14 m, and from 18 to 30 m.
            let widest = |from: usize, to: usize| {
                let rows = (46 - to) * 20..(46 - from) * 20;
                let width = |row: usize| {
                    let cells = &above[row * birds_eye::WIDTH..][..birds_eye::WIDTH];
                    cells.iter().filter(|&&label| label == ROAD).count()
                };
                rows.map(width).max().unwrap() as f64
            };
            widest(18, 30) / widest(9, 14)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = (ratios[3] + ratios[4]) / 2.0;
    assert!((0.95..1.05).contains(&median), "{ratios:?}");
}
