//! Measures against the reference kernel, costs against sums on paper, and weights that are balanced by hand.

use upconv_geometry::dialect::pytorch::ConvTranspose;
use upconv_kernels::reference::conv_transpose::conv_transpose;

use super::*;
use crate::document::Layout;
use upconv_geometry::Dialect;

fn weight<'a>(
    values: &'a [f64],
    shape: &'a [usize],
    stride: &'a [usize],
) -> TransposedWeight<'a, f64> {
    TransposedWeight { values, shape, stride, groups: 1, bias: None }
}

/// Small whole numbers, so that sums are exact.
fn made(cells: usize) -> Vec<f64> {
    (0..cells).map(|n| (n * 7919 % 23) as f64 - 9.0).collect()
}

/// One period of what the reference makes of ones, away from the border, without the bias: `[out, phases]`.
fn period(weight: &TransposedWeight<'_, f64>) -> Vec<f64> {
    let (shape, stride) = (weight.shape, weight.stride);
    let signed = |list: &[usize]| list.iter().map(|&n| n as i64).collect::<Vec<_>>();
    let kernel = &shape[2..];
    let inputs: Vec<usize> =
        kernel.iter().zip(stride).map(|(&k, &s)| 2 * k.div_ceil(s) + 2).collect();
    let x_shape: Vec<usize> = [1, shape[0]].into_iter().chain(inputs.iter().copied()).collect();
    let op = ConvTranspose {
        stride: signed(stride),
        groups: weight.groups as i64,
        ..Default::default()
    };
    let whole = op.shape(&x_shape, shape, weight.bias.map(<[f64]>::len)).unwrap();
    let ones = vec![1.0; x_shape.iter().product()];
    let y = conv_transpose(&whole, &ones, weight.values, weight.bias).unwrap();
    let y_shape = whole.y();
    // From here on every tap finds an input; it lies at a multiple of the stride.
    let begin: Vec<usize> = kernel.iter().zip(stride).map(|(&k, &s)| k.div_ceil(s) * s).collect();
    let mut found = Vec::new();
    for channel in 0..y_shape[1] {
        let bias = weight.bias.map_or(0.0, |bias| bias[channel]);
        for phase in 0..stride.iter().product() {
            let (mut rest, mut at, mut step) = (phase, 0, 1);
            for axis in (0..stride.len()).rev() {
                at += (begin[axis] + rest % stride[axis]) * step;
                rest /= stride[axis];
                step *= y_shape[2 + axis];
            }
            found.push(y[channel * step + at] - bias);
        }
    }
    found
}

#[test]
fn responses_are_the_inner_output_of_the_reference() {
    let cases: [(&[usize], &[usize], usize); 9] = [
        (&[1, 1, 3], &[2], 1),
        (&[2, 3, 5], &[3], 1),
        (&[4, 2, 4], &[2], 2),
        (&[3, 2, 3, 3], &[2, 2], 1),
        (&[2, 2, 4, 5], &[2, 3], 1),
        (&[6, 1, 2, 3], &[2, 1], 6),
        // Holes.
        (&[2, 2, 1, 2], &[3, 2], 1),
        (&[2, 1, 3, 2, 4], &[2, 2, 3], 1),
        (&[2, 2, 2, 3, 3], &[2, 1, 2], 2),
    ];
    for (shape, stride, groups) in cases {
        let values = made(shape.iter().product());
        let bias = made(shape[1] * groups);
        let weight = TransposedWeight { values: &values, shape, stride, groups, bias: Some(&bias) };
        let balance = Balance::of(&weight).unwrap();
        let expected = period(&weight);
        let phases = stride.iter().product();
        for (channel, expected) in expected.chunks(phases).enumerate() {
            assert_eq!(balance.response(channel), Some(expected), "{shape:?} {stride:?}");
        }
        assert_eq!(balance.response(shape[1] * groups), None);
        let data = balance.data(Lang::En);
        let taps: usize = data.phases.iter().map(|row| row.taps).sum();
        assert_eq!(taps, shape[2..].iter().product::<usize>());
        let squares: f64 = data.phases.iter().map(|row| row.norm.powi(2)).sum();
        let all: f64 = values.iter().map(|value| value * value).sum();
        assert!((squares - all).abs() < 1e-9 * all);

        // And what is balanced gives the reference one number for all phases, at the level of before.
        match weight.balanced().unwrap() {
            None => assert!(data.holes && data.balanced.is_none()),
            Some(evened) => {
                let evened = TransposedWeight { values: &evened, ..weight };
                let found = period(&evened);
                for (new, old) in found.chunks(phases).zip(expected.chunks(phases)) {
                    let mean = old.iter().sum::<f64>() / phases as f64;
                    assert!(new.iter().all(|r| (r - mean).abs() < 1e-9), "{new:?} {mean}");
                }
                let again = Balance::of(&evened).unwrap();
                assert_eq!(again.imbalance(), 0.0);
                assert_eq!(data.balanced.unwrap().imbalance, 0.0);
            }
        }
    }
}

#[test]
fn imbalance_by_hand() {
    // Two channels. Phases of the first: 1 + 3 and 2, of the second: -1 + 1 and 4.
    let values = [1.0, 2.0, 3.0, -1.0, 4.0, 1.0];
    let balance = Balance::of(&weight(&values, &[1, 2, 3], &[2])).unwrap();
    assert_eq!(balance.response(0), Some(&[4.0, 2.0][..]));
    assert_eq!(balance.response(1), Some(&[0.0, 4.0][..]));
    // Differences 2 and 4, mean magnitudes 3 and 2.
    assert_eq!(balance.imbalances(), [2.0 / 3.0, 2.0]);
    assert!((balance.imbalance() - (20.0f64 / 13.0).sqrt()).abs() < 1e-15);
    let data = balance.data(Lang::En);
    assert_eq!((data.worst.channel, data.worst.imbalance), (1, 2.0));
    assert_eq!(data.worst.response, [0.0, 4.0]);
    // Mean over the channels; norms of 1, 3, -1, 1 and of 2, 4.
    assert_eq!((data.phases[0].response, data.phases[1].response), (2.0, 3.0));
    assert_eq!(data.phases[0].norm, 12.0f64.sqrt());
    assert_eq!(data.phases[1].norm, 20.0f64.sqrt());
}

#[test]
fn where_nothing_answers_nothing_is_uneven() {
    let of = |values: &[f64]| Balance::of(&weight(values, &[1, 1, 4], &[2])).unwrap().imbalance();
    assert_eq!(of(&[0.0; 4]), 0.0);
    // Both phases sum to 0 exactly, or but for rounding.
    assert_eq!(of(&[1.0, -2.0, -1.0, 2.0]), 0.0);
    assert_eq!(of(&[1.0, -2.0, -1.0 + 1e-9, 2.0]), 0.0);
    // Responses 1 and -1: the mean is 0, the mean magnitude is not.
    assert_eq!(of(&[0.5, -0.5, 0.5, -0.5]), 2.0);
    assert_eq!(of(&[1.0, 0.0, 0.0, 0.0]), 2.0);
}

#[test]
fn balancing_by_hand() {
    // Two input channels, kernel 2, stride 2: taps [1, 5] and [3, 3], responses 4 and 8, mean 6.
    let values = [1.0, 5.0, 3.0, 3.0];
    let layer = weight(&values, &[2, 1, 2], &[2]);
    // 2 more for phase 0 and 2 less for phase 1, each shared by two input channels.
    assert_eq!(layer.balanced().unwrap(), Some(vec![2.0, 4.0, 4.0, 2.0]));
    let balanced = Balance::of(&layer).unwrap().data(Lang::En).balanced.unwrap();
    // Norms of four ones, and of 1 5 3 3.
    assert!((balanced.change - (4.0f64 / 44.0).sqrt()).abs() < 1e-15);
    // Pair by pair only the first is uneven: 1 5 becomes 3 3.
    assert!((balanced.change_every_mix - (8.0f64 / 44.0).sqrt()).abs() < 1e-15);
}

#[test]
fn costs_by_hand() {
    let cures = |shape: &[usize], stride: &[usize], groups: usize| {
        let values = made(shape.iter().product());
        let weight = TransposedWeight { values: &values, shape, stride, groups, bias: None };
        Balance::of(&weight).unwrap().data(Lang::En).cures
    };
    let costs = |cures: &[Cure]| -> Vec<(&'static str, f64, bool)> {
        cures.iter().map(|cure| (cure.name, cure.products, cure.retrain)).collect()
    };
    // 8 input channels, 9 taps over 4 phases: 18 products now; 4x4 has 4 for each phase.
    let plain = cures(&[8, 2, 3, 3], &[2, 2], 1);
    assert!(plain.iter().all(|cure| cure.products_now == 18.0));
    let expected = [
        ("divisible_kernel", 32.0, true),
        ("icnr", 32.0, true),
        ("resize_convolution", 72.0, true),
        ("blur", 22.0, false),
        ("balanced_weights", 18.0, false),
    ];
    assert_eq!(costs(&plain), expected);
    assert_eq!(plain[2].ratio, 4.0);
    assert!(plain[0].note.starts_with("4x4 for 3x3"), "{}", plain[0].note);
    // 2x2 neighbours of 8 channels, for 2 output channels.
    assert!(plain[2].note.contains("adds 16 products"), "{}", plain[2].note);
    // Divisible already: nothing to train for that.
    let even = cures(&[8, 2, 4, 4], &[2, 2], 1);
    assert_eq!(costs(&even)[0], ("divisible_kernel", 32.0, false));
    assert_eq!(even[0].ratio, 1.0);
    // Groups: 8 inputs in 4 groups are 2 for each output; 5 taps over 3 phases, then 6.
    let grouped = cures(&[8, 1, 5], &[3], 4);
    assert_eq!(grouped[0].products_now, 10.0 / 3.0);
    assert_eq!((grouped[0].products, grouped[2].products), (4.0, 6.0));
    // With holes no weight is even; with one phase there is nothing to cure.
    assert_eq!(cures(&[1, 1, 1, 1], &[2, 2], 1).len(), 4);
    assert!(cures(&[1, 1, 3, 3], &[1, 1], 1).is_empty());
}

#[test]
fn what_does_not_fit_is_refused() {
    let refused = |weight: TransposedWeight<'_, f64>| {
        let error = Balance::of(&weight).unwrap_err();
        let english = error.message(Lang::En);
        assert!(!english.contains('\n'));
        assert!(error.message(Lang::Zh).chars().any(|c| c > '\u{2e80}'), "{error:?}");
        // NaN does not equal itself; its text does.
        assert_eq!(format!("{:?}", weight.balanced().unwrap_err()), format!("{error:?}"));
        english
    };
    let values = made(16);
    let base = weight(&values, &[2, 2, 2, 2], &[2, 2]);
    let shape = |shape| TransposedWeight { shape, ..base };
    let stride = |stride| TransposedWeight { stride, ..base };
    assert!(refused(shape(&[16])).starts_with("shape [16] is no weight"));
    assert!(refused(shape(&[4, 4])).contains("3 to 5 axes"));
    assert!(refused(shape(&[1, 1, 2, 2, 2, 2])).contains("3 to 5 axes"));
    assert!(refused(shape(&[2, 0, 2, 2])).contains("without cells"));
    assert!(refused(shape(&[2, 2, 2, 3])).contains("16 numbers, where its shape takes 24"));
    assert!(refused(shape(&[1 << 30, 1 << 30, 2, 2])).contains("limit"));
    assert!(refused(stride(&[2])).contains("1 strides for a kernel of 2 axes"));
    assert!(refused(stride(&[0, 2])).contains("stride 0"));
    assert!(refused(stride(&[usize::MAX, 2])).contains("limit"));
    assert!(refused(stride(&[100, 100])).contains("10000 phases: up to 4096"));
    assert!(refused(TransposedWeight { groups: 3, ..base }).contains("groups 3"));
    assert!(refused(TransposedWeight { groups: 0, ..base }).contains("groups 0"));
    let short = TransposedWeight { bias: Some(&values[..1]), ..base };
    assert!(refused(short).contains("the bias has 1 numbers, where its shape takes 2"));
    for (bad, name) in [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "-inf"), (1e200, "1")] {
        let mut values = values.clone();
        values[5] = bad;
        let message = refused(weight(&values, base.shape, base.stride));
        assert!(message.starts_with(&format!("number 5 of the weight is {name}")), "{message}");
    }
}

#[test]
fn pages_fit_and_are_alike_in_both_languages() {
    let cases: [(&[usize], &[usize]); 8] = [
        (&[16, 1, 2, 2], &[2, 2]),
        (&[3, 2, 3, 3], &[2, 2]),
        (&[2, 2, 5], &[3]),
        (&[1, 1, 16, 16], &[8, 8]),
        (&[1, 1, 64, 64], &[32, 32]),
        (&[2, 2, 3, 3, 3], &[2, 2, 2]),
        (&[2, 2, 1, 1], &[2, 2]),
        (&[2, 2, 3, 3], &[1, 1]),
    ];
    for (shape, stride) in cases {
        let values: Vec<f64> =
            made(shape.iter().product()).iter().map(|value| value / 7.0).collect();
        let bias = made(shape[1]);
        let balance =
            Balance::of(&TransposedWeight { bias: Some(&bias), ..weight(&values, shape, stride) })
                .unwrap();
        let of = BalanceOf {
            file: "weights.safetensors",
            layer: "up.weight",
            shape,
            dialect: Dialect::Pytorch,
        };
        let [english, chinese] = [Lang::En, Lang::Zh].map(|lang| balance.page(&of, lang));
        assert_eq!(english.blocks.len(), chinese.blocks.len());
        for (page, columns) in [(&english, 80), (&english, 40), (&chinese, 80), (&chinese, 40)] {
            let text = page.text(Layout { width: columns, bold: false });
            assert!(!text.contains("  \n") && !text.contains("NaN"), "{text}");
            for line in text.lines() {
                assert!(crate::document::width(line) <= columns, "{columns}: {line}\n{text}");
            }
        }
        assert!(!english.text(Layout::default()).chars().any(|c| c > '\u{2e80}'));
    }
}
