use super::*;
use crate::options::{Kept, Layout};
use crate::testing::{bits, everywhere, integers, poison};

/// Around the borders of parts and registers.
const LENGTHS: [usize; 6] = [0, 1, 15, 33, 1 << 16, (1 << 16) + (1 << 14) + 7];

#[test]
fn activations_are_those_of_single_values() {
    for length in LENGTHS {
        let mut x = integers(length, 1);
        x.iter_mut().step_by(7).for_each(|v| *v = f32::NAN);
        let dy = integers(length, 2);
        for activation in Activation::SOME {
            let wanted: Vec<f32> = x.iter().map(|&v| activation.apply(v)).collect();
            let kept = if activation.kept() == Kept::Output { &wanted } else { &x };
            let gradient: Vec<f32> =
                kept.iter().zip(&dy).map(|(&kept, &dy)| activation.backward(kept, dy)).collect();
            everywhere(|isa| {
                let (mut y, mut dx) = (poison(length), poison(length));
                activate_into_with(isa, activation, &x, &mut y);
                assert!(bits(&y) == bits(&wanted), "{activation:?} {length}");
                y.copy_from_slice(&x);
                activate_with(isa, activation, &mut y);
                assert!(bits(&y) == bits(&wanted), "{activation:?} {length} in place");
                backward_with(isa, activation, [kept, &dy], &mut dx);
                assert!(bits(&dx) == bits(&gradient), "{activation:?} {length} backward");
                dx.copy_from_slice(&dy);
                backward_to_with(isa, activation, kept, &mut dx);
                assert!(bits(&dx) == bits(&gradient), "{activation:?} {length} back in place");
            });
        }
    }
}

#[test]
fn gradients_equal_central_differences() {
    let more = [Activation::LeakyRelu { slope: -0.5 }, Activation::LeakyRelu { slope: 0.0 }];
    for activation in Activation::SOME.into_iter().chain(more) {
        // Halfway between the corners, which are whole numbers.
        for x in (-8..8).map(|n| n as f32 + 0.5) {
            let step = 1.0 / 128.0;
            let slope = (activation.apply(x + step) - activation.apply(x - step)) / (2.0 * step);
            let kept = match activation.kept() {
                Kept::Output => activation.apply(x),
                Kept::Input => x,
            };
            let got = activation.backward(kept, 1.0);
            // The third derivatives are below 2, and rounding is divided by the step.
            assert!((got - slope).abs() < 1e-4, "{activation:?} at {x}: {got}, not {slope}");
        }
    }
}

#[test]
fn known_values() {
    let swish = Activation::HardSwish { scale: 0.25 };
    assert_eq!([-4.0, -1.0, 1.0, 4.0].map(|v| swish.apply(v)), [0.0, -0.5, 1.0, 6.0]);
    assert_eq!([-4.0, -1.0, 1.0, 4.0].map(|v| swish.backward(v, 2.0)), [0.0, 0.5, 2.5, 3.0]);
    assert_eq!([-1.0, 2.0, 9.0].map(|v| Activation::Relu6.apply(v)), [0.0, 2.0, 6.0]);
    assert_eq!([0.0, 2.0, 6.0].map(|y| Activation::Relu6.backward(y, 3.0)), [0.0, 3.0, 0.0]);
    assert!(Activation::Relu6.apply(f32::NAN).is_nan() && swish.apply(f32::NAN).is_nan());
}

#[test]
fn sums_in_place_and_beside() {
    for length in LENGTHS {
        let (a, b) = (integers(length, 1), integers(length, 2));
        for activation in Activation::SOME {
            let wanted: Vec<f32> = a.iter().zip(&b).map(|(a, b)| activation.apply(a + b)).collect();
            everywhere(|isa| {
                let mut y = poison(length);
                add_with(isa, [&a, &b], activation, &mut y);
                assert!(bits(&y) == bits(&wanted), "{activation:?} {length}");
                y.copy_from_slice(&a);
                add_to_with(isa, &mut y, &b, activation);
                assert!(bits(&y) == bits(&wanted), "{activation:?} {length} in place");
            });
        }
    }
}

#[test]
fn channels_have_their_own_numbers() {
    let sizes =
        [[2, 3, 5], [1, 70, 9], [3, 1, 4], [2, 65, 1], [1, 3, 40_000], [2, 0, 3], [0, 2, 3]];
    for (batch, channels, cells) in sizes.map(|[n, c, s]| (n, c, s)) {
        let (factor, shift) = (integers(channels, 1), integers(channels, 2));
        let gate = integers(batch * channels, 3);
        let x = integers(batch * channels * cells, 4);
        for layout in Layout::ALL {
            let extent = Extent { batch, channels, cells, layout };
            // Image and channel of each value.
            let of = |at: usize| match layout {
                Layout::Nchw => (at / cells / channels, at / cells % channels),
                Layout::Nhwc => (at / cells / channels, at % channels),
            };
            let relu = Activation::Relu;
            let affine =
                |(at, &x): (usize, &f32)| relu.apply(x * factor[of(at).1] + shift[of(at).1]);
            let scaled: Vec<f32> = x.iter().enumerate().map(affine).collect();
            let gated = |(at, &x): (usize, &f32)| x * gate[of(at).0 * channels + of(at).1];
            let gated: Vec<f32> = x.iter().enumerate().map(gated).collect();
            everywhere(|isa| {
                let mut y = poison(x.len());
                let affine = Affine { factor: &factor, shift: &shift };
                scale_shift_with(isa, &extent, affine, relu, &x, &mut y);
                assert_eq!(y, scaled, "{extent:?}");
                let mut y = poison(x.len());
                multiply_with(isa, &extent, &gate, &x, &mut y);
                assert_eq!(y, gated, "{extent:?}");
            });
        }
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let (a, mut y) = ([1.0; 2], [0.0; 3]);
    assert!(activate_into(Activation::Relu, &a, &mut y).is_err());
    assert!(activation_backward(Activation::Relu, &a, &[1.0], &mut y[..2]).is_err());
    assert!(activation_backward_to(Activation::Relu, &a, &mut y).is_err());
    assert!(add(&a, &y.clone(), Activation::Relu, &mut y[..2]).is_err());
    assert!(add_to(&mut y, &a, Activation::Relu).is_err());
    let extent = Extent { batch: 1, channels: 3, cells: 1, layout: Layout::Nchw };
    let affine = Affine { factor: &a, shift: &a };
    assert!(scale_shift(&extent, affine, Activation::None, &[1.0; 3], &mut y).is_err());
    assert!(multiply_channels(&extent, &a, &[1.0; 3], &mut y).is_err());
    let huge = Extent { batch: 1 << 40, channels: 1 << 40, ..extent };
    assert!(multiply_channels(&huge, &a, &[1.0; 3], &mut y).is_err());
    assert!(Extent::of(&[3], Layout::Nchw).is_err());
}
