use super::*;
use crate::options::Layout;
use crate::testing::{bits, everywhere, integers, poison};

fn place(extent: &Extent, image: usize, channel: usize, cell: usize) -> usize {
    let Extent { channels, cells, layout, .. } = *extent;
    match layout {
        Layout::Nchw => (image * channels + channel) * cells + cell,
        Layout::Nhwc => (image * cells + cell) * channels + channel,
    }
}

/// Softmax or its logarithm, and the gradient, by the definitions in f64.
fn plain(extent: &Extent, log: bool, x: &[f32], dy: &[f32]) -> [Vec<f64>; 2] {
    let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    for image in 0..extent.batch {
        for cell in 0..extent.cells {
            let at = |channel| place(extent, image, channel, cell);
            let channels = 0..extent.channels;
            let most = channels.clone().map(|c| x[at(c)]).fold(f32::NEG_INFINITY, f32::max);
            let e = |c| f64::from(x[at(c)] - most).exp();
            let sum: f64 = channels.clone().map(e).sum();
            let gradients: f64 = channels.clone().map(|c| f64::from(dy[at(c)])).sum();
            let dot: f64 = channels.clone().map(|c| f64::from(dy[at(c)]) * e(c) / sum).sum();
            for c in channels {
                let (share, dy) = (e(c) / sum, f64::from(dy[at(c)]));
                y[at(c)] = if log { share.ln() } else { share };
                dx[at(c)] = if log { dy - share * gradients } else { share * (dy - dot) };
            }
        }
    }
    [y, dx]
}

#[test]
fn matches_the_definition() {
    let sizes = [
        [2, 3, 5],
        [1, 21, 700],
        [3, 1000, 1],
        [70, 10, 1],
        [2, 1, 9],
        [1, 40, 3000],
        [2, 0, 3],
        [0, 2, 3],
    ];
    for [batch, channels, cells] in sizes {
        let x: Vec<f32> = integers(batch * channels * cells, 1).iter().map(|x| x * 1.5).collect();
        let dy = integers(x.len(), 2);
        for layout in Layout::ALL {
            let extent = Extent { batch, channels, cells, layout };
            for log in [false, true] {
                let [wanted, gradient] = plain(&extent, log, &x, &dy);
                let first = std::sync::Mutex::new(None);
                everywhere(|isa| {
                    let (mut y, mut dx) = (poison(x.len()), poison(x.len()));
                    forward_with(isa, &extent, log, &x, &mut y);
                    backward_with(isa, &extent, log, [&y, &dy], &mut dx);
                    // Three roundings and an exponential of 2 units; dy and its sum are below 8000.
                    for (got, wanted) in y.iter().zip(&wanted) {
                        let off = (f64::from(*got) - wanted).abs();
                        assert!(off <= 5e-7 * wanted.abs(), "{extent:?} {log}: {got} {wanted}");
                    }
                    for (got, wanted) in dx.iter().zip(&gradient) {
                        let off = (f64::from(*got) - wanted).abs();
                        assert!(
                            off <= 1e-5 * (1.0 + wanted.abs()),
                            "{extent:?} {log}: {got} {wanted}"
                        );
                    }
                    let all = (bits(&y), bits(&dx));
                    let mut first = first.lock().unwrap();
                    assert!(*first.get_or_insert_with(|| all.clone()) == all, "{extent:?} {log}");
                });
            }
        }
    }
}

#[test]
fn large_values_do_not_overflow_and_nan_stays_in_its_cell() {
    let x = [1e30, f32::NAN, 1e30, 0.0];
    for layout in Layout::ALL {
        // Cells (1e30, 1e30) and (NaN, 0), or (1e30, NaN) and (1e30, 0).
        let extent = Extent { batch: 1, channels: 2, cells: 2, layout };
        let mut y = [0.0; 4];
        softmax(&extent, &x, &mut y).unwrap();
        match layout {
            Layout::Nchw => assert!(y[0] == 0.5 && y[2] == 0.5 && y[1].is_nan() && y[3].is_nan()),
            Layout::Nhwc => assert!(y[0].is_nan() && y[1].is_nan() && y[2] == 1.0 && y[3] == 0.0),
        }
    }
}

#[test]
fn wrong_lengths_are_errors() {
    let extent = Extent { batch: 1, channels: 2, cells: 2, layout: Layout::Nchw };
    assert!(softmax(&extent, &[0.0; 3], &mut [0.0; 4]).is_err());
    assert!(log_softmax(&extent, &[0.0; 4], &mut [0.0; 3]).is_err());
    assert!(softmax_backward(&extent, &[0.0; 4], &[0.0; 3], &mut [0.0; 4]).is_err());
    assert!(log_softmax_backward(&extent, &[0.0; 4], &[0.0; 4], &mut [0.0; 5]).is_err());
}
