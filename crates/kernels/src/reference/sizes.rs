//! Sizes by trying, not by formula: the independent check of `upconv-geometry`.

/// Output cells of a forward convolution: windows that fit into the padded input, counted one by one.
///
/// All numbers in cells; `stride`, `kernel` and `dilation` at least 1 (0 windows otherwise).
///
/// ```
/// use upconv_kernels::reference::sizes::conv_output;
/// // 5 cells, kernel 3, stride 2: windows begin at 0 and 2.
/// assert_eq!(conv_output(5, 3, 2, 1, (0, 0)), 2);
/// assert_eq!(conv_output(6, 3, 2, 1, (0, 0)), 2);
/// assert_eq!(conv_output(6, 3, 2, 1, (0, 1)), 3);
/// ```
pub fn conv_output(
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    (before, after): (usize, usize),
) -> usize {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return 0;
    }
    let padded = before + input + after;
    let mut windows = 0;
    let mut begin = 0;
    while (0..kernel).all(|tap| begin + tap * dilation < padded) {
        windows += 1;
        begin += stride;
    }
    windows
}

/// Cells of the uncropped result of a transposed convolution: one past the last that a product reaches.
///
/// ```
/// use upconv_kernels::reference::sizes::conv_transpose_full;
/// assert_eq!(conv_transpose_full(3, 3, 2, 1), 7);
/// assert_eq!(conv_transpose_full(3, 2, 2, 3), 8);
/// ```
pub fn conv_transpose_full(input: usize, kernel: usize, stride: usize, dilation: usize) -> usize {
    let reached = |i: usize| (0..kernel).map(move |j| i * stride + j * dilation);
    (0..input).flat_map(reached).max().map_or(0, |last| last + 1)
}

/// All sizes up to `most` whose forward convolution, padded by `pads(size)`, gives `input` cells.
///
/// ```
/// use upconv_kernels::reference::sizes::sizes_that_share;
/// // VALID, kernel 3, stride 2: 7 and 8 both come back to 3.
/// assert_eq!(sizes_that_share(3, 3, 2, 1, 20, |_| (0, 0)), [7, 8]);
/// ```
pub fn sizes_that_share(
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    most: usize,
    pads: impl Fn(usize) -> (usize, usize),
) -> Vec<usize> {
    let comes_back =
        |&size: &usize| conv_output(size, kernel, stride, dilation, pads(size)) == input;
    (1..=most).filter(comes_back).collect()
}
