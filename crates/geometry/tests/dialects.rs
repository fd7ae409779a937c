//! Rules that differ between dialects, with numbers worked out by hand or observed in the frameworks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use upconv_geometry::dialect::{caffe, keras, onnx, pytorch, tensorflow};
use upconv_geometry::{
    ConvPadding, Dialect, GeometryError, Padding, PoolAxisParams, PoolRounding, Resolved, Setting,
    pool_output,
};

fn resolve(
    dialect: Dialect,
    input: i64,
    kernel: i64,
    stride: i64,
    change: impl FnOnce(&mut Setting),
) -> Result<Resolved, GeometryError> {
    let mut setting = Setting {
        input: vec![input],
        kernel: vec![kernel],
        stride: vec![stride],
        ..Setting::new(dialect)
    };
    change(&mut setting);
    setting.resolve()
}

/// (window begin, output) of the only axis, or the rule that is broken.
fn window(result: Result<Resolved, GeometryError>) -> Result<(i64, usize), &'static str> {
    result.map(|r| (r.axes[0].window_begin(), r.axes[0].output())).map_err(|e| e.rule())
}

#[test]
fn the_odd_pixel_is_cropped_at_the_end_by_tensorflow_and_at_the_begin_by_onnx() {
    // Input 3, kernel 3, stride 2: uncropped 7, so one cell goes to reach 6.
    let six = |s: &mut Setting| s.output = Some(vec![6]);
    let same = |s: &mut Setting| {
        s.padding = Some(Padding::Same);
        s.output = Some(vec![6]);
    };
    assert_eq!(window(resolve(Dialect::Tensorflow, 3, 3, 2, same)), Ok((0, 6)));
    assert_eq!(window(resolve(Dialect::Onnx, 3, 3, 2, six)), Ok((1, 6)));
    assert_eq!(window(resolve(Dialect::Onnx, 3, 3, 2, same)), Ok((0, 6)));
}

#[test]
fn tensorflow_same_moves_with_the_size_asked_for() {
    let at = |size| {
        window(resolve(Dialect::Tensorflow, 3, 3, 2, |s| {
            s.padding = Some(Padding::Same);
            s.output = Some(vec![size]);
        }))
    };
    assert_eq!(at(5), Ok((1, 5)));
    assert_eq!(at(6), Ok((0, 6)));
    assert_eq!(at(4), Err("OUTPUT_SHAPE_NOT_LEGAL"));
    assert_eq!(at(7), Err("OUTPUT_SHAPE_NOT_LEGAL"));
    assert_eq!(at(0), Err("OUTPUT_SIZE_NOT_POSITIVE"));
}

#[test]
fn without_an_output_tensorflow_takes_kerass_default() {
    let size = |dialect, padding: Padding, kernel| {
        window(resolve(dialect, 4, kernel, 3, |s| s.padding = Some(padding))).map(|w| w.1)
    };
    for kernel in [1, 2, 3, 5] {
        for padding in [Padding::Same, Padding::Valid] {
            assert_eq!(
                size(Dialect::Tensorflow, padding.clone(), kernel),
                size(Dialect::Keras, padding, kernel)
            );
        }
    }
    // (4 - 1) * 3 + max(kernel, 3), the rule in Keras's text.
    assert_eq!(size(Dialect::Keras, Padding::Valid, 1), Ok(12));
    assert_eq!(size(Dialect::Keras, Padding::Valid, 5), Ok(14));
}

#[test]
fn keras_reaches_a_wanted_size_by_output_padding_or_says_why_not() {
    // keras#13231: output_padding 8 with stride 8 is refused, the size is reachable all the same.
    let layer = keras::ConvTranspose {
        strides: vec![8],
        padding: keras::Padding::Same,
        ..Default::default()
    };
    let (axes, output_padding) = layer.axes_for(&[4], &[16], &[32]).unwrap();
    assert_eq!((axes[0].output(), output_padding), (32, None));
    let (_, output_padding) = layer.axes_for(&[4], &[16], &[31]).unwrap();
    assert_eq!(output_padding, Some(vec![7]));
    let error = layer.axes_for(&[4], &[16], &[33]).unwrap_err();
    assert_eq!((error.rule(), error.nearest()), ("OUTPUT_SHAPE_NOT_LEGAL", Some(32)));
    let both =
        keras::ConvTranspose { strides: vec![2], dilation_rate: vec![2], ..Default::default() };
    assert_eq!(both.axes(&[4], &[3]).unwrap_err().rule(), "KERAS_STRIDE_AND_DILATION");
}

#[test]
fn words_that_a_dialect_does_not_have_are_refused() {
    let rule =
        |dialect, change: fn(&mut Setting)| resolve(dialect, 4, 3, 2, change).unwrap_err().rule();
    assert_eq!(rule(Dialect::Pytorch, |s| s.padding = Some(Padding::Same)), "PADDING_UNKNOWN");
    assert_eq!(rule(Dialect::Caffe, |s| s.padding = Some(Padding::Valid)), "PADDING_UNKNOWN");
    assert_eq!(
        rule(Dialect::Tensorflow, |s| s.padding = Some(Padding::SameLower)),
        "PADDING_UNKNOWN"
    );
    let uneven = |s: &mut Setting| s.padding = Some(Padding::Pads(vec![(1, 0)]));
    assert_eq!(rule(Dialect::Pytorch, uneven), "PADDING_NOT_SYMMETRIC");
    assert_eq!(rule(Dialect::Keras, uneven), "PADDING_UNKNOWN");
    assert_eq!(
        rule(Dialect::Tensorflow, |s| s.output_padding = Some(vec![1])),
        "ARGUMENT_NOT_IN_DIALECT"
    );
    assert_eq!(rule(Dialect::Tflite, |s| s.dilation = vec![2]), "ARGUMENT_NOT_IN_DIALECT");
    assert_eq!(rule(Dialect::Keras, |s| s.groups = 2), "ARGUMENT_NOT_IN_DIALECT");
    assert_eq!(rule(Dialect::Caffe, |s| s.output = Some(vec![10])), "OUTPUT_SHAPE_NOT_LEGAL");
    assert!(resolve(Dialect::Caffe, 4, 3, 2, |s| s.output = Some(vec![9])).is_ok());
}

#[test]
fn tflite_computes_what_tensorflow_refuses() {
    let seven = resolve(Dialect::Tflite, 3, 3, 2, |s| s.output = Some(vec![7])).unwrap();
    assert!(seven.unchecked);
    // The forward rule for 7 expects 4 inputs: (4 - 1) * 2 + 3 - 7 = 2, half of it in front.
    assert_eq!(seven.axes[0].window_begin(), 1);
    assert!(!resolve(Dialect::Tflite, 3, 3, 2, |s| s.output = Some(vec![6])).unwrap().unchecked);
}

#[test]
fn fcn_8s_upsampling_in_caffe_and_pytorch() {
    let op = caffe::Deconvolution { stride: vec![2], ..Default::default() };
    assert_eq!(op.axes(&[16], &[4]).map(|a| a[0].output()), Ok(34));
    let op = pytorch::ConvTranspose { stride: vec![2], padding: vec![1], ..Default::default() };
    assert_eq!(op.axes(&[16], &[4]).map(|a| a[0].output()), Ok(32));
}

#[test]
fn output_padding_is_bounded_by_the_larger_of_stride_and_dilation() {
    let op = |output_padding, dilation| pytorch::ConvTranspose {
        stride: vec![2],
        dilation: vec![dilation],
        output_padding: vec![output_padding],
        ..Default::default()
    };
    assert!(op(1, 1).axes(&[4], &[3]).is_ok());
    assert_eq!(op(2, 1).axes(&[4], &[3]).unwrap_err().rule(), "OUTPUT_PADDING_TOO_LARGE");
    assert!(op(2, 3).axes(&[4], &[3]).is_ok());
}

#[test]
fn onnx_same_keeps_the_natural_size_when_the_kernel_is_short() {
    let op = onnx::ConvTranspose {
        strides: vec![4],
        auto_pad: onnx::AutoPad::SameUpper,
        ..Default::default()
    };
    // (3 - 1) * 4 + 2 = 10, below 3 * 4.
    assert_eq!(op.axes(&[3], &[2]).map(|a| (a[0].window_begin(), a[0].output())), Ok((0, 10)));
    let negative = onnx::ConvTranspose { pads: Some(vec![0, -1]), ..Default::default() };
    assert_eq!(negative.axes(&[3], &[2]).unwrap_err().rule(), "NEGATIVE_PADDING");
    let allowed = onnx::ConvTranspose { allow_negative_pads: true, ..negative };
    let axes = allowed.axes(&[3], &[2]).unwrap();
    assert_eq!((axes[0].output(), axes[0].pad_after()), (5, -1));
}

#[test]
fn tensorflow_shapes_need_batch_and_channels() {
    let op = |output_shape: &[i64]| tensorflow::ConvTranspose {
        strides: vec![2, 2],
        output_shape: output_shape.to_vec(),
        ..Default::default()
    };
    let shape = |output: &[i64]| op(output).shape(&[2, 4, 4, 6], &[3, 3, 5, 6], None);
    assert_eq!(shape(&[2, 8, 7, 10]).unwrap().groups(), 2);
    assert_eq!(shape(&[8, 7]).unwrap().y(), [2, 5, 8, 7]);
    assert_eq!(shape(&[1, 8, 8, 5]).unwrap_err().rule(), "OUTPUT_SHAPE_BATCH");
    assert_eq!(shape(&[2, 8, 8, 7]).unwrap_err().rule(), "OUTPUT_SHAPE_CHANNELS");
    assert_eq!(shape(&[2, 8, 8]).unwrap_err().rule(), "OUTPUT_SHAPE_RANK");
}

#[test]
fn three_pooling_rules_three_sizes() {
    let size = |input, kernel, stride, pad: i64, rounding| {
        let padding = ConvPadding::Pads { before: pad, after: pad };
        pool_output(0, PoolAxisParams { input, kernel, stride, dilation: 1, padding, rounding })
    };
    // Rows observed in Caffe's formula, torch without and torch with ceil_mode.
    for (row, sizes) in
        [((5, 2, 2, 0), [3, 2, 3]), ((4, 3, 3, 0), [2, 1, 2]), ((20, 3, 4, 0), [6, 5, 5])]
    {
        let (input, kernel, stride, pad) = row;
        let got = [PoolRounding::CeilCaffe, PoolRounding::Floor, PoolRounding::CeilTorch]
            .map(|rounding| size(input, kernel, stride, pad, rounding).unwrap());
        assert_eq!(got, sizes, "{row:?}");
    }
}

#[test]
fn forward_convolution_in_each_dialects_words() {
    let begin = |dialect: Dialect, stride: i64, padding: Padding| {
        dialect
            .conv_axes(&[6], &[3], &[stride], &[1], &padding)
            .map(|a| (a[0].pad_before(), a[0].output()))
            .map_err(|e| e.rule())
    };
    assert_eq!(begin(Dialect::Tensorflow, 2, Padding::Same), Ok((0, 3)));
    assert_eq!(begin(Dialect::Onnx, 2, Padding::SameLower), Ok((1, 3)));
    assert_eq!(begin(Dialect::Pytorch, 1, Padding::Same), Ok((1, 6)));
    assert_eq!(begin(Dialect::Pytorch, 2, Padding::Same), Err("PADDING_UNKNOWN"));
    assert_eq!(begin(Dialect::Caffe, 2, Padding::Pads(vec![(1, 1)])), Ok((1, 3)));
    assert_eq!(begin(Dialect::Keras, 2, Padding::Pads(vec![(1, 1)])), Err("PADDING_UNKNOWN"));
}
