//! Between the two orders of axes, for what knows one of them only.

/// `[n, cells..., channels]` as `[n, channels, cells...]`; `shape` is that of the tensor given.
pub(crate) fn to_nchw(tensor: &[f32], shape: &[usize]) -> Vec<f32> {
    let (channels, cells) = sizes(shape);
    let mut out = vec![0.0; tensor.len()];
    let image = (channels * cells).max(1);
    for (from, to) in tensor.chunks_exact(image).zip(out.chunks_exact_mut(image)) {
        for (channel, plane) in to.chunks_exact_mut(cells).enumerate() {
            let from = from[channel..].iter().step_by(channels);
            plane.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        }
    }
    out
}

/// The other way; `shape` is that of the result.
pub(crate) fn from_nchw(tensor: &[f32], shape: &[usize], out: &mut [f32]) {
    let (channels, cells) = sizes(shape);
    let image = (channels * cells).max(1);
    for (from, to) in tensor.chunks_exact(image).zip(out.chunks_exact_mut(image)) {
        for (channel, plane) in from.chunks_exact(cells).enumerate() {
            let to = to[channel..].iter_mut().step_by(channels);
            to.zip(plane).for_each(|(to, &from)| *to = from);
        }
    }
}

fn sizes(shape: &[usize]) -> (usize, usize) {
    let channels = shape.last().copied().unwrap_or(1);
    (channels.max(1), shape[1..shape.len() - 1].iter().product::<usize>().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        // Two images of two cells with three channels.
        let nhwc = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0];
        let nchw = to_nchw(&nhwc, &[2, 1, 2, 3]);
        assert_eq!(nchw, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0, 7.0, 10.0, 8.0, 11.0, 9.0, 12.0]);
        let mut back = [0.0; 12];
        from_nchw(&nchw, &[2, 1, 2, 3], &mut back);
        assert_eq!(back, nhwc);
    }
}
