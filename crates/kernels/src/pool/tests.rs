use upconv_geometry::{ConvPadding, PoolRounding};

use super::global::mean_with;
use super::*;
use crate::extent::Extent;
use crate::reference::average_pool::average_pool;
use crate::reference::max_pool::{IndexMeaning, max_pool};
use crate::testing::{bits, everywhere, integers, poison};
use crate::testing::{from_nchw, to_nchw};

fn window(kernel: &[usize], stride: &[usize], padding: ConvPadding) -> PoolWindow {
    PoolWindow {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        dilation: vec![1; kernel.len()],
        padding: vec![padding; kernel.len()],
        rounding: PoolRounding::Floor,
    }
}

fn windows() -> Vec<(PoolWindow, Vec<usize>)> {
    let one = ConvPadding::Pads { before: 1, after: 1 };
    let caffe = PoolRounding::CeilCaffe;
    let torch = PoolRounding::CeilTorch;
    let plain = |kernel: &[usize], stride: &[usize], padding| window(kernel, stride, padding);
    vec![
        (plain(&[2], &[2], ConvPadding::Valid), vec![2, 3, 2501]),
        (plain(&[3], &[1], one), vec![1, 2, 40]),
        (plain(&[3], &[7], ConvPadding::SameLower), vec![1, 2, 40]),
        (plain(&[2, 2], &[2, 2], ConvPadding::Valid), vec![2, 17, 9, 35]),
        (plain(&[3, 3], &[2, 2], one), vec![2, 5, 37, 36]),
        (plain(&[3, 3], &[2, 2], ConvPadding::SameUpper), vec![1, 16, 6, 7]),
        (PoolWindow { rounding: caffe, ..plain(&[3, 2], &[2, 3], one) }, vec![1, 3, 8, 9]),
        (PoolWindow { rounding: torch, ..plain(&[2, 3], &[3, 2], one) }, vec![1, 3, 8, 9]),
        // Windows beside the input, and one that sees nothing of it.
        (
            PoolWindow { rounding: caffe, ..plain(&[1, 1], &[5, 4], ConvPadding::Valid) },
            vec![1, 2, 4, 3],
        ),
        (PoolWindow { dilation: vec![2, 3], ..plain(&[3, 2], &[1, 2], one) }, vec![2, 2, 9, 11]),
        (plain(&[2, 2], &[1, 1], ConvPadding::Pads { before: -1, after: 2 }), vec![1, 2, 5, 5]),
        (plain(&[2, 3, 2], &[1, 2, 2], one), vec![2, 3, 4, 5, 6]),
        (plain(&[1, 12], &[1, 1], ConvPadding::Pads { before: 9, after: 9 }), vec![1, 1, 2, 1030]),
        (plain(&[3, 3], &[2, 2], one), vec![0, 4, 6, 6]),
        (plain(&[3, 3], &[2, 2], one), vec![2, 0, 6, 6]),
    ]
}

fn lie(layout: Layout, values: &[f32], shape: &[usize]) -> Vec<f32> {
    let mut shape = shape.to_vec();
    shape[1..].rotate_left(1);
    let mut out = values.to_vec();
    if layout == Layout::Nhwc && !values.is_empty() {
        from_nchw(values, &shape, &mut out);
    }
    out
}

fn back(layout: Layout, values: &[f32], shape: &[usize]) -> Vec<f32> {
    let mut shape = shape.to_vec();
    shape[1..].rotate_left(1);
    match layout {
        Layout::Nhwc if !values.is_empty() => to_nchw(values, &shape),
        _ => values.to_vec(),
    }
}

/// Every way through: instruction sets, threads and layouts.
fn each_way(check: impl Fn(&PlanOptions) + Sync) {
    for layout in Layout::ALL {
        everywhere(|isa| {
            check(&PlanOptions { isa: Some(isa.isa()), layout, ..Default::default() });
        });
    }
}

#[test]
fn maxima_are_those_of_the_reference() {
    for (window, shape) in windows() {
        let mut x = integers(shape.iter().product(), 1);
        // Ties are many; among them zeros of both signs, NaN and infinities.
        x.iter_mut().step_by(5).filter(|v| **v == 0.0).for_each(|v| *v = -0.0);
        x.iter_mut().step_by(41).for_each(|v| *v = f32::NAN);
        x.iter_mut().skip(3).step_by(17).for_each(|v| *v = f32::NEG_INFINITY);
        let wanted = max_pool(&window, &shape, &x, IndexMeaning::Plane).unwrap();
        let values: Vec<f32> = wanted.values.iter().map(|&v| v as f32).collect();
        let dy = integers(values.len(), 2);
        let mut dx = vec![0.0; x.len()];
        if !values.is_empty() {
            let (cells, outputs): (usize, usize) =
                (shape[2..].iter().product(), wanted.shape[2..].iter().product());
            for (at, (&place, dy)) in wanted.indices.iter().zip(&dy).enumerate() {
                if place >= 0 {
                    dx[at / outputs * cells + place as usize] += dy;
                }
            }
        }
        each_way(|options| {
            let what = format!("{window:?} {shape:?} {options:?}");
            let plan = MaxPoolPlan::new(&window, &shape, options).unwrap();
            let layout = options.layout;
            let x = lie(layout, &x, &shape);
            let mut y = poison(values.len());
            plan.forward(&x, &mut y).unwrap();
            assert_eq!(bits(&back(layout, &y, &wanted.shape)), bits(&values), "{what}");
            let (mut y, mut positions) = (poison(values.len()), vec![-7; values.len()]);
            plan.forward_with_positions(&x, &mut y, &mut positions).unwrap();
            assert_eq!(bits(&back(layout, &y, &wanted.shape)), bits(&values), "{what}");
            // Positions below 2^24 are exact as f32, too.
            let places: Vec<f32> = positions.iter().map(|&place| place as f32).collect();
            let places = back(layout, &places, &wanted.shape);
            assert!(places.iter().map(|&p| p as i64).eq(wanted.indices.iter().copied()), "{what}");
            let mut got = poison(x.len());
            plan.backward(&positions, &lie(layout, &dy, &wanted.shape), &mut got).unwrap();
            assert_eq!(back(layout, &got, &shape), dx, "{what}");
        });
    }
}

#[test]
fn means_are_those_of_the_reference_and_their_gradients_the_adjoint() {
    for (window, shape) in windows() {
        let x = integers(shape.iter().product(), 1);
        for count_padding in [false, true] {
            let wanted = average_pool(&window, count_padding, &shape, &x).unwrap();
            let wanted: Vec<f32> = wanted.iter().map(|&v| v as f32).collect();
            let output = window.output(&shape).unwrap();
            let dy = integers(wanted.len(), 2);
            let first = std::sync::Mutex::new(None);
            each_way(|options| {
                let what = format!("{window:?} {shape:?} {count_padding} {options:?}");
                let plan = AveragePoolPlan::new(&window, count_padding, &shape, options).unwrap();
                let mut y = poison(wanted.len());
                plan.forward(&lie(options.layout, &x, &shape), &mut y).unwrap();
                let y = back(options.layout, &y, &output);
                for (y, wanted) in y.iter().zip(&wanted) {
                    // Sums are exact; a share of three factors is rounded four times in f64, then once.
                    assert!(
                        (y - wanted).abs() <= f32::EPSILON * wanted.abs(),
                        "{what}: {y} {wanted}"
                    );
                }
                let mut dx = poison(x.len());
                plan.backward(&lie(options.layout, &dy, &output), &mut dx).unwrap();
                let dx = back(options.layout, &dx, &shape);
                // <pool(x), dy> = <x, backward(dy)>, up to the rounding of each term.
                let dot = |a: &[f32], b: &[f32]| -> (f64, f64) {
                    let terms = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
                    terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()))
                };
                let ((one, size), (other, more)) = (dot(&y, &dy), dot(&x, &dx));
                assert!((one - other).abs() <= 1e-6 * (1.0 + size + more), "{what}: {one} {other}");
                // The same bits on every way.
                let mut first = first.lock().unwrap();
                let (y, dx) = (bits(&y), bits(&dx));
                let first = first.get_or_insert_with(|| (y.clone(), dx.clone()));
                assert!(*first == (y, dx), "{what}");
            });
        }
    }
}

#[test]
fn global_means() {
    let sizes = [[2, 3, 5], [3, 70, 49], [1, 2, 100_000], [2, 5, 1], [2, 0, 3], [0, 3, 4]];
    for [batch, channels, cells] in sizes {
        let x = integers(batch * channels * cells, 1);
        let mean = |plane: &[f32]| {
            (plane.iter().map(|&v| f64::from(v)).sum::<f64>() / cells as f64) as f32
        };
        let wanted: Vec<f32> = x.chunks(cells).map(mean).collect();
        for layout in Layout::ALL {
            let extent = Extent { batch, channels, cells, layout };
            let own = lie(layout, &x, &[batch, channels, cells]);
            everywhere(|isa| {
                let mut y = poison(batch * channels);
                mean_with(isa, &extent, &own, &mut y);
                assert_eq!(y, wanted, "{extent:?}");
            });
            let dy = integers(batch * channels, 2);
            let mut dx = poison(x.len());
            global_mean_backward(&extent, &dy, &mut dx).unwrap();
            let dx = back(layout, &dx, &[batch, channels, cells]);
            let share = |at: usize| (f64::from(dy[at / cells]) / cells as f64) as f32;
            assert!(dx.iter().enumerate().all(|(at, &dx)| dx == share(at)), "{extent:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let usual = window(&[2, 2], &[2, 2], ConvPadding::Valid);
    let options = PlanOptions::default();
    let plan = MaxPoolPlan::new(&usual, &[1, 1, 4, 4], &options).unwrap();
    assert!(plan.forward(&[0.0; 15], &mut [0.0; 4]).is_err());
    assert!(plan.forward(&[0.0; 16], &mut [0.0; 3]).is_err());
    assert!(plan.forward_with_positions(&[0.0; 16], &mut [0.0; 4], &mut [0; 3]).is_err());
    for wrong in [-2, 16] {
        assert!(plan.backward(&[0, wrong, 0, -1], &[0.0; 4], &mut [0.0; 16]).is_err());
    }
    assert!(MaxPoolPlan::new(&usual, &[1, 1, 1 << 16, 1 << 16], &options).is_err());
    assert!(MaxPoolPlan::new(&usual, &[1, 1, 4], &options).is_err());
    let plan = AveragePoolPlan::new(&usual, true, &[1, 1, 4, 4], &options).unwrap();
    assert!(plan.forward(&[0.0; 15], &mut [0.0; 4]).is_err());
    assert!(plan.backward(&[0.0; 3], &mut [0.0; 16]).is_err());
}
