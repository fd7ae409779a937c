//! How much two pictures differ: PSNR and SSIM.

use rayon::prelude::*;

use super::planes::{CHANNELS, Planes};

/// Side of SSIM's window and the width of its Gaussian (Wang, Bovik, Sheikh, Simoncelli, Image quality
/// assessment: from error visibility to structural similarity, IEEE TIP 13(4), 2004, section III C).
pub(super) const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// `(0.01 L)^2` and `(0.03 L)^2` of the same section, with values up to L = 1.
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;
/// A mean square of differences below this is rounding of sums in f64: 200 dB.
pub(super) const ROUNDING: f64 = 1e-20;
/// Rows that a thread takes at a time.
const ROWS: usize = 32;

/// Peak signal-to-noise ratio in dB for values up to 1; `None` if nothing differs but by rounding.
pub(super) fn psnr(a: &Planes, b: &Planes) -> Option<f64> {
    let squares: f64 = a.values.iter().zip(&b.values).map(|(a, b)| (a - b).powi(2)).sum();
    let mean = squares / a.values.len() as f64;
    (mean > ROUNDING).then(|| -10.0 * mean.log10())
}

/// Structural similarity: the mean over all windows that lie inside, and over the channels.
pub(super) fn ssim(a: &Planes, b: &Planes) -> f64 {
    let weights = weights();
    let rows = (a.height + 1).saturating_sub(WINDOW);
    let tasks: Vec<(usize, usize)> = (0..CHANNELS)
        .flat_map(|channel| (0..rows).step_by(ROWS).map(move |first| (channel, first)))
        .collect();
    // Added up in order, so that the sum is the same for any number of threads.
    let sums: Vec<(f64, usize)> = tasks
        .into_par_iter()
        .map(|(channel, first)| {
            let planes = [a.plane(channel), b.plane(channel)];
            band(planes, a.width, first..(first + ROWS).min(rows), &weights)
        })
        .collect();
    let (sum, windows) = sums.iter().fold((0.0, 0), |(s, n), (sum, number)| (s + sum, n + number));
    sum / windows.max(1) as f64
}

fn weights() -> [f64; WINDOW] {
    let middle = (WINDOW / 2) as f64;
    let bell: [f64; WINDOW] =
        std::array::from_fn(|n| (-(n as f64 - middle).powi(2) / (2.0 * SIGMA * SIGMA)).exp());
    let sum: f64 = bell.iter().sum();
    bell.map(|weight| weight / sum)
}

/// The sum over the windows that begin in some rows, and their number.
fn band(
    [a, b]: [&[f64]; 2],
    width: usize,
    rows: std::ops::Range<usize>,
    weights: &[f64; WINDOW],
) -> (f64, usize) {
    let columns = (width + 1).saturating_sub(WINDOW);
    // Means along the rows of a, b, a * a, b * b and a * b.
    let along = |row: usize| -> Vec<[f64; 5]> {
        let (a, b) = (&a[row * width..][..width], &b[row * width..][..width]);
        let window = |at: usize| {
            let mut sums = [0.0; 5];
            for ((&a, &b), &weight) in a[at..].iter().zip(&b[at..]).zip(weights) {
                let terms = [a, b, a * a, b * b, a * b];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
            }
            sums
        };
        (0..columns).map(window).collect()
    };
    let lines: Vec<Vec<[f64; 5]>> = (rows.start..rows.end + WINDOW - 1).map(along).collect();
    let mut sum = 0.0;
    for lines in lines.windows(WINDOW) {
        for column in 0..columns {
            let mut means = [0.0; 5];
            for (line, &weight) in lines.iter().zip(weights) {
                let own = &line[column];
                means.iter_mut().zip(own).for_each(|(mean, &value)| *mean += weight * value);
            }
            let [a, b, aa, bb, ab] = means;
            let (va, vb, vab) = (aa - a * a, bb - b * b, ab - a * b);
            let numerator = (2.0 * a * b + C1) * (2.0 * vab + C2);
            sum += numerator / ((a * a + b * b + C1) * (va + vb + C2));
        }
    }
    (sum, rows.len() * columns)
}
