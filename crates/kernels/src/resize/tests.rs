use super::*;
use crate::reference::resize::{ResizeAxis, resize};
use crate::reference::resize_method::{Filter, Method, NearestF32};
use crate::testing::{bits, everywhere, integers, poison};
use crate::testing::{from_nchw, to_nchw};

const ALL: [Resample; 5] = [
    Resample::Nearest,
    Resample::NearestExact,
    Resample::LinearHalfPixel,
    Resample::LinearAlignCorners,
    Resample::LinearAsymmetric,
];

fn method(how: Resample) -> Method {
    let linear = |coordinates| Method::Linear(Filter::plain(coordinates));
    match how {
        Resample::Nearest => Method::NearestF32(NearestF32::Scaled),
        Resample::NearestExact => Method::NearestF32(NearestF32::Centred),
        Resample::LinearHalfPixel => linear(Coordinates::HalfPixel),
        Resample::LinearAlignCorners => linear(Coordinates::AlignCorners),
        Resample::LinearAsymmetric => linear(Coordinates::Asymmetric),
    }
}

/// From NCHW to a layout, and back.
fn lie(layout: Layout, values: &[f32], shape: &[usize], to_layout: bool) -> Vec<f32> {
    let mut shape = shape.to_vec();
    shape[1..].rotate_left(1);
    let mut out = values.to_vec();
    match (layout, to_layout) {
        _ if values.is_empty() => {}
        (Layout::Nhwc, true) => from_nchw(values, &shape, &mut out),
        (Layout::Nhwc, false) => out = to_nchw(values, &shape),
        (Layout::Nchw, _) => {}
    }
    out
}

fn dot(a: &[f32], b: &[f32]) -> (f64, f64) {
    let terms = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    terms.fold((0.0, 0.0), |(sum, size), t| (sum + t, size + t.abs()))
}

fn check(leading: [usize; 2], input: &[usize], output: &[usize], how: Resample) {
    let shape: Vec<usize> = leading.iter().chain(input).copied().collect();
    let result: Vec<usize> = leading.iter().chain(output).copied().collect();
    let x = integers(shape.iter().product(), 1);
    let dy = integers(result.iter().product(), 2);
    let axes: Vec<ResizeAxis> = [ResizeAxis::Keep; 2]
        .into_iter()
        .chain(output.iter().map(|&size| ResizeAxis::Size(size)))
        .collect();
    let wanted = resize(&method(how), &shape, &axes, &x).unwrap();
    let first = std::sync::Mutex::new(None);
    for layout in Layout::ALL {
        everywhere(|isa| {
            let what = format!("{how:?} {leading:?} {input:?} -> {output:?} {layout:?}");
            let options = PlanOptions { isa: Some(isa.isa()), layout, ..Default::default() };
            let plan = ResizePlan::new(&shape, output, how, &options).unwrap();
            let (mut y, mut dx) = (poison(dy.len()), poison(x.len()));
            plan.forward(&lie(layout, &x, &shape, true), &mut y).unwrap();
            plan.backward(&lie(layout, &dy, &result, true), &mut dx).unwrap();
            let y = lie(layout, &y, &result, false);
            let dx = lie(layout, &dx, &shape, false);
            // Each axis rounds its weight and three operations on values of at most 8.
            for (got, wanted) in y.iter().zip(&wanted) {
                assert!((f64::from(*got) - wanted).abs() <= 1e-5, "{what}: {got} {wanted}");
            }
            let ((one, size), (other, more)) = (dot(&y, &dy), dot(&x, &dx));
            assert!((one - other).abs() <= 1e-6 * (1.0 + size + more), "{what}: {one} {other}");
            let all = (bits(&y), bits(&dx));
            let mut first = first.lock().unwrap();
            assert!(*first.get_or_insert_with(|| all.clone()) == all, "{what}: other bits");
        });
    }
}

#[test]
fn matches_the_reference_and_its_adjoint() {
    for how in ALL {
        check([2, 3], &[5], &[10], how);
        check([2, 3], &[5], &[3], how);
        check([2, 3], &[3, 4], &[6, 8], how);
        check([2, 3], &[3, 4], &[3, 7], how);
        check([2, 3], &[3, 4], &[7, 4], how);
        check([2, 3], &[3, 4], &[3, 4], how);
        check([1, 5], &[1, 5], &[4, 2], how);
        check([2, 2], &[2, 3, 2], &[4, 5, 6], how);
        check([2, 2], &[2, 3, 2], &[2, 5, 2], how);
        // Several parts, also within one plane.
        check([1, 3], &[70, 64], &[140, 256], how);
        check([1, 19], &[300], &[4001], how);
        check([0, 3], &[4, 4], &[8, 8], how);
        check([2, 0], &[4, 4], &[8, 8], how);
    }
}

#[test]
fn an_infinite_neighbour_with_weight_zero_stays_out() {
    let how = Resample::LinearHalfPixel;
    let plan = ResizePlan::new(&[1, 1, 2], &[4], how, &PlanOptions::default()).unwrap();
    let mut y = poison(4);
    plan.forward(&[1.0, f32::INFINITY], &mut y).unwrap();
    assert_eq!(y, [1.0, f32::INFINITY, f32::INFINITY, f32::INFINITY]);
}

#[test]
fn wrong_sizes_are_errors() {
    let plan = |x: &[usize], output: &[usize]| {
        ResizePlan::new(x, output, Resample::Nearest, &PlanOptions::default())
    };
    for output in [&[4][..], &[0, 4], &[1 << 40, 4], &[4, 4, 4]] {
        assert!(plan(&[1, 1, 2, 2], output).is_err(), "{output:?}");
    }
    assert!(plan(&[1, 1], &[]).is_err());
    let plan = plan(&[1, 1, 2], &[4]).unwrap();
    assert!(plan.forward(&[0.0; 3], &mut [0.0; 4]).is_err());
    assert!(plan.backward(&[0.0; 4], &mut [0.0; 3]).is_err());
}
