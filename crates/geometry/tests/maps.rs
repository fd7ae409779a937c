//! The views of one axis against each other and against plain loops over `i * s + j * d - b`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use upconv_geometry::{Axis, AxisParams, Matrix};

fn axis() -> impl Strategy<Value = Axis> {
    (1usize..9, 1usize..8, 1usize..6, 1usize..4, -4i64..9, 1usize..30).prop_map(
        |(input, kernel, stride, dilation, window_begin, output)| {
            Axis::new(0, AxisParams { input, kernel, stride, dilation, window_begin, output })
                .unwrap()
        },
    )
}

/// Every (input, tap, output) by trying all three.
fn by_trying(a: &Axis) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    for i in 0..a.input() {
        for j in 0..a.kernel() {
            for o in 0..a.output() {
                if (i * a.stride() + j * a.dilation()) as i64 == o as i64 + a.window_begin() {
                    found.push((i, j, o));
                }
            }
        }
    }
    found
}

proptest! {
    #[test]
    fn gather_and_scatter_list_the_same_products(a in axis()) {
        let all = by_trying(&a);
        let scatter: Vec<_> =
            (0..a.input()).flat_map(|i| a.targets(i)).map(|c| (c.input, c.tap, c.output)).collect();
        prop_assert_eq!(&scatter, &all);
        let mut gather: Vec<_> =
            (0..a.output()).flat_map(|o| a.contributors(o)).map(|c| (c.input, c.tap, c.output)).collect();
        gather.sort_unstable();
        prop_assert_eq!(&gather, &all);
        for o in 0..a.output() {
            let count = all.iter().filter(|p| p.2 == o).count();
            prop_assert_eq!(a.overlap_at(o), count);
        }
    }

    #[test]
    fn the_inner_overlap_has_the_stated_range(
        kernel in 1usize..9, stride in 1usize..6, dilation in 1usize..5,
    ) {
        // Enough inputs that some cells see no border: `full - 2 * (effective - 1)` of them.
        let input = 4 * kernel * dilation + 8;
        let full = (input - 1) * stride + (kernel - 1) * dilation + 1;
        let a = Axis::new(0, AxisParams {
            input, kernel, stride, dilation, window_begin: 0, output: full,
        }).unwrap();
        let border = a.effective_kernel() + stride;
        let inner = &a.overlap()[border..full - border];
        let (least, most) = (inner.iter().min().unwrap(), inner.iter().max().unwrap());
        prop_assert_eq!(a.overlap_range(), (*least, *most));
        prop_assert_eq!(a.overlap_is_uniform(), least == most && *least > 0);
        prop_assert_eq!(a.has_holes(), *least == 0);
    }

    #[test]
    fn the_matrix_is_the_product_of_its_axes(a in axis(), b in axis()) {
        let matrix = Matrix::new(&[a, b]).unwrap();
        prop_assert_eq!((matrix.rows, matrix.columns), (a.input() * b.input(), a.output() * b.output()));
        let mut expected = Vec::new();
        for (i, j, o) in by_trying(&a) {
            for (u, v, w) in by_trying(&b) {
                expected.push((i * b.input() + u, j * b.kernel() + v, o * b.output() + w));
            }
        }
        let mut got: Vec<_> = matrix.entries.iter().map(|e| (e.row, e.tap, e.column)).collect();
        expected.sort_unstable();
        got.sort_unstable();
        prop_assert_eq!(got, expected);
    }

    /// Whole shapes with any numbers give an error or an answer within the limits, in every dialect.
    #[test]
    fn hostile_shapes_never_panic(
        x in proptest::collection::vec(size(), 0..6),
        w in proptest::collection::vec(size(), 0..6),
        output in proptest::collection::vec(number(), 0..6),
        stride in proptest::collection::vec(number(), 0..4),
        other in number(),
        groups in number(),
    ) {
        use upconv_geometry::dialect::{caffe, definition, keras, onnx, pytorch, tensorflow, tflite};
        let bias = Some(x.len());
        let size = Some(output.clone());
        let answers = [
            tensorflow::ConvTranspose {
                strides: stride.clone(), output_shape: output.clone(), dilations: vec![other],
                ..Default::default()
            }.shape(&x, &w, bias),
            keras::ConvTranspose {
                strides: stride.clone(), output_padding: size.clone(), ..Default::default()
            }.shape(&x, &w, bias),
            pytorch::ConvTranspose {
                stride: stride.clone(), padding: vec![other], output_padding: output.clone(), groups,
                ..Default::default()
            }.shape(&x, &w, bias),
            onnx::ConvTranspose {
                strides: stride.clone(), pads: Some(output.clone()), group: groups,
                allow_negative_pads: true, output_padding: vec![other], ..Default::default()
            }.shape(&x, &w, bias),
            onnx::ConvTranspose { strides: stride.clone(), output_shape: size, ..Default::default() }
                .shape(&x, &w, bias),
            caffe::Deconvolution { stride: stride.clone(), pad: vec![other], ..Default::default() }
                .shape(&x, &w, bias),
            tflite::TransposeConv { strides: stride.clone(), ..Default::default() }
                .shape(&x, &w, bias, &output),
            definition::ConvTranspose { stride, output_padding: output, groups, ..Default::default() }
                .shape(&x, &w, bias),
        ];
        for answer in answers {
            match answer {
                Ok(shape) => prop_assert!(upconv_geometry::limits::cells("output", &shape.y()).is_ok()),
                Err(error) => prop_assert!(!error.to_string().is_empty() && !error.rule().is_empty()),
            }
        }
    }
}

/// Small numbers, and such as overflow when they are multiplied or added.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0i64..6, 1 => Just(-1), 1 => Just(1i64 << 31), 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0usize..6, 1 => Just(1usize << 31), 1 => Just(1usize << 33), 1 => Just(usize::MAX)]
}
