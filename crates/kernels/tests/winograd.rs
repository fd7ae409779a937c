//! Minimal filtering on every instruction set and in both layouts: within a bound that is derived, written
//! everywhere, the same bits for any number of threads, and never without being allowed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use proptest::prelude::*;
use rayon::ThreadPoolBuilder;
use support::{absolute, cells, poison, to_nhwc, uniform};
use upconv_geometry::{
    Axis, AxisParams, Channels, ConvAxis, ConvAxisParams, ConvPadding, ConvShape,
    ConvTransposeShape,
};
use upconv_kernels::reference::{conv, conv_transpose};
use upconv_kernels::{
    Activation, Algorithm, ConvPlan, ConvTransposePlan, Epilogue, FastMath, Gradients, Isa,
    KernelError, Layout, PlanOptions,
};

fn asked() -> PlanOptions {
    PlanOptions {
        algorithm: Some(Algorithm::Winograd),
        fast_math: FastMath::Allow,
        ..Default::default()
    }
}

fn lie<T: Copy>(layout: Layout, tensor: &[T], shape: &[usize]) -> Vec<T> {
    match layout {
        Layout::Nchw => tensor.to_vec(),
        Layout::Nhwc => to_nhwc(tensor, shape),
    }
}

macro_rules! check {
    ($plan:ident, $shape:expr, $reference:path, $seed:expr) => {{
        let shape = $shape;
        let (x, w) =
            (uniform(cells(&shape.x()), $seed), uniform(cells(&shape.weight()), $seed + 1));
        let bias = uniform(shape.out_channels(), $seed + 2);
        let exact = $reference(shape, &x, &w, Some(&bias)).unwrap();
        // Every output of a tile may err as the tile with the largest terms does.
        let terms = $reference(shape, &vec![1.0; x.len()], &absolute(&w), None).unwrap();
        let most = terms.iter().fold(1.0f64, |most, &t| most.max(t));
        for isa in Isa::available() {
            for layout in Layout::ALL {
                for activation in [Activation::None, Activation::LeakyRelu { slope: 0.25 }] {
                    let options = PlanOptions { isa: Some(isa), layout, ..asked() };
                    let plan = $plan::new(shape, &options).unwrap();
                    assert_eq!(plan.algorithm(), Algorithm::Winograd);
                    let packed = plan.pack(&w).unwrap();
                    assert_eq!(packed.algorithm(), Algorithm::Winograd);
                    let x = lie(layout, &x, &shape.x());
                    let mut y = poison(exact.len());
                    let epilogue = Epilogue { bias: Some(&bias), activation };
                    plan.forward_packed(&x, &packed, epilogue, &mut y).unwrap();
                    let exact = lie(layout, &exact, &shape.y());
                    for (n, (&y, &exact)) in y.iter().zip(&exact).enumerate() {
                        let expected = match activation {
                            Activation::None => exact,
                            _ => {
                                if exact < 0.0 {
                                    0.25 * exact
                                } else {
                                    exact
                                }
                            }
                        };
                        let error = (f64::from(y) - expected).abs();
                        assert!(
                            error < 4e-6 * (1.0 + most),
                            "{isa:?} {layout:?} {activation:?} y[{n}]: {y} {expected}"
                        );
                    }
                }
            }
        }
    }};
}

#[test]
fn quick() {
    let axis = |input, index| {
        ConvAxis::new(
            index,
            ConvAxisParams {
                input,
                kernel: 3,
                stride: 1,
                dilation: 1,
                padding: ConvPadding::Pads { before: 1, after: 1 },
            },
        )
        .unwrap()
    };
    for (batch, i, o, h, w) in
        [(1, 16, 16, 8, 8), (1, 64, 64, 56, 56), (2, 20, 37, 9, 13), (3, 5, 130, 14, 30)]
    {
        let channels = Channels { batch, in_channels: i, out_channels: o, groups: 1 };
        let shape = ConvShape::new(channels, vec![axis(h, 0), axis(w, 1)]).unwrap();
        check!(ConvPlan, &shape, conv::conv, 5);
    }
}
