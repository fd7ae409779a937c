//! The road figures by histogram against plain loops over pixels and thresholds.

use proptest::prelude::*;
use upconv_train::metrics::VOID;
use upconv_train::metrics::road::{OTHER, ROAD, RoadCounts, THRESHOLDS};

/// TP, FP, FN, TN, as the definition has them: one comparison for each pixel and threshold.
fn brute_force(pictures: &[Vec<(f32, u8)>]) -> Vec<[u64; 4]> {
    let at = |index: usize| {
        let mut counts = [0; 4];
        for &(p, label) in pictures.iter().flatten() {
            if label != VOID {
                let positive = p >= index as f32 / 255.0;
                let place = match (label == ROAD, positive) {
                    (true, true) => 0,
                    (false, true) => 1,
                    (true, false) => 2,
                    (false, false) => 3,
                };
                counts[place] += 1;
            }
        }
        counts
    };
    (0..THRESHOLDS).map(at).collect()
}

/// MaxF, best threshold, average precision in floating point, in the order of the kit's code.
fn figures(curve: &[[u64; 4]]) -> (f64, f64, f64) {
    let (mut max_f, mut best, mut points) = (0.0, 0, vec![]);
    for (index, &[tp, fp, fn_, _]) in curve.iter().enumerate() {
        if tp > 0 {
            let f = (2 * tp) as f64 / (2 * tp + fp + fn_) as f64;
            if f > max_f {
                (max_f, best) = (f, index);
            }
            points.push((tp, tp + fn_, tp as f64 / (tp + fp) as f64));
        }
    }
    let mut sum = 0.0;
    for level in 0..=10 {
        let mut largest = 0.0;
        for &(tp, all, precision) in &points {
            if tp * 10 >= all * level && precision > largest {
                largest = precision;
            }
        }
        sum += largest;
    }
    (max_f, best as f64 / 255.0, sum / 11.0)
}

/// Any probability; bytes divided by 255; and the numbers on both sides of a threshold.
fn probability() -> impl Strategy<Value = f32> {
    prop_oneof![
        0.0f32..=1.0,
        (0..=255u8).prop_map(|byte| f32::from(byte) / 255.0),
        (1..=254u8, -2..=2i32).prop_map(|(byte, steps)| {
            let bits = (f32::from(byte) / 255.0).to_bits();
            f32::from_bits(bits.wrapping_add_signed(steps))
        }),
        (1..=254u8).prop_map(|byte| (f64::from(byte) / 255.0) as f32),
        Just(0.0),
        Just(-0.0),
        Just(1.0),
        Just(f32::MIN_POSITIVE),
    ]
}

fn pictures() -> impl Strategy<Value = Vec<Vec<(f32, u8)>>> {
    let pixel = (probability(), prop_oneof![Just(OTHER), Just(ROAD), Just(VOID)]);
    prop::collection::vec(prop::collection::vec(pixel, 0..60), 0..5)
}

proptest! {
    #[test]
    fn counts_and_figures_are_the_same(pictures in pictures()) {
        let mut counts = RoadCounts::new();
        let mut halves = [RoadCounts::new(), RoadCounts::new()];
        for (index, picture) in pictures.iter().enumerate() {
            let (probabilities, labels): (Vec<f32>, Vec<u8>) = picture.iter().copied().unzip();
            counts.add(&probabilities, &labels).unwrap();
            halves[index % 2].add(&probabilities, &labels).unwrap();
        }
        let expected = brute_force(&pictures);
        let curve: Vec<[u64; 4]> = counts.curve().iter().map(|c| {
            [c.true_positives, c.false_positives, c.false_negatives, c.true_negatives]
        }).collect();
        prop_assert_eq!(&curve, &expected);
        let found = counts.figures();
        let (max_f, best_threshold, average_precision) = figures(&expected);
        prop_assert_eq!(found.max_f, max_f);
        prop_assert_eq!(found.best_threshold, best_threshold);
        prop_assert_eq!(found.average_precision, average_precision);
        let [mut merged, second] = halves;
        merged.merge(&second);
        prop_assert_eq!(merged, counts);
    }
}
