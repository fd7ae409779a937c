//! All ways against numbers from NumPy (`kron`; `pinv` of what deviates from the mean) and scikit-image 0.26.0
//! (`structural_similarity` with `gaussian_weights=True, use_sample_covariance=False, data_range=1`), for the
//! same noise.

use super::*;
use crate::drawing::heat;

/// Splitmix64 (Steele, Lea, Flood 2014) from 7 on; of each number the highest byte.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 56) as u8
    };
    (0..bytes).map(|_| next()).collect()
}

fn loss(height: usize, width: usize, factor: i64) -> Loss {
    let rgb = noise(height * width * CHANNELS);
    Loss::new(Photo { height, width, rgb: &rgb }, factor).expect("it is large enough")
}

fn check(loss: &Loss, expected: [(&str, Option<f64>, f64); 7], unseen: f64) {
    for (row, (method, psnr, ssim)) in loss.data.rows.iter().zip(expected) {
        assert_eq!((row.method, row.psnr.is_some()), (method, psnr.is_some()));
        let psnr = (row.psnr.unwrap_or(0.0) - psnr.unwrap_or(0.0)).abs();
        assert!(psnr < 1e-5 && (row.ssim - ssim).abs() < 1e-5, "{row:?}");
    }
    assert!((loss.data.unseen - unseen).abs() < 1e-9, "{}", loss.data.unseen);
}

#[test]
fn halves_are_what_numpy_makes_of_them() {
    let expected = [
        ("conv_transpose", Some(11.168848), 0.097643),
        ("conv_bilinear", Some(11.126892), 0.093881),
        ("max_unpool", Some(7.984024), 0.468386),
        ("max_unpool_no_indices", Some(5.408518), 0.013267),
        ("pixel_shuffle", None, 1.0),
        ("pixel_shuffle_mean", Some(12.071924), 0.394388),
        ("least_squares", Some(11.867108), 0.350947),
    ];
    let loss = loss(24, 20, 2);
    check(&loss, expected, 0.7766492935913326);
    // Of 12 x 10 blocks, 11 x 9 windows that overlap.
    assert_eq!(loss.data.rows[0].kept, 99.0 / 480.0);
    assert_eq!((loss.data.rows[2].kept, loss.data.rows[3].kept), (0.5, 0.25));
    let small = loss.data.matrix;
    assert_eq!((small.rows, small.columns, small.rank), (9, 64, 9));
    assert_eq!(small.null_share, 55.0 / 64.0);
}

#[test]
fn thirds_of_sides_that_are_no_multiples_too() {
    let expected = [
        ("conv_transpose", Some(10.984733), 0.046500),
        ("conv_bilinear", Some(10.964265), 0.038701),
        ("max_unpool", Some(6.206686), 0.199258),
        ("max_unpool_no_indices", Some(4.987609), 0.019496),
        ("pixel_shuffle", None, 1.0),
        ("pixel_shuffle_mean", Some(11.349771), 0.177991),
        ("least_squares", Some(11.274567), 0.153978),
    ];
    let loss = loss(31, 40, 3);
    assert_eq!((loss.data.size, loss.whole), ([39, 30], [40, 31]));
    check(&loss, expected, 0.8935804750857584);
}

/// C times what least squares finds is what C made of the picture, also where C is nearly singular.
#[test]
fn least_squares_finds_all_that_c_has_seen() {
    let rgb = noise(400 * 300 * CHANNELS);
    let picture = middle(Photo { height: 400, width: 300, rgb: &rgb }, 2);
    let pair = Pair::new(400, 300, 2).expect("sizes are legal");
    let mean = pair.mean_kernel();
    let small = pair.down(&mean, &picture.values).expect("sizes fit");
    let found = Method::LeastSquares.apply(&pair, &picture).expect("sizes fit");
    let again = pair.down(&mean, &found.values).expect("sizes fit");
    let worst = small.iter().zip(&again).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-7, "{worst}");
}

/// A single colour comes back from any mean, and nothing of it is unseen.
#[test]
fn a_single_colour_is_exact_up_to_rounding() {
    let rgb = vec![77; 40 * 50 * CHANNELS];
    let loss =
        Loss::new(Photo { height: 40, width: 50, rgb: &rgb }, 3).expect("it is large enough");
    let exact: Vec<bool> = loss.data.rows.iter().map(|row| row.psnr.is_none()).collect();
    assert_eq!(exact, [true, true, false, false, true, true, true]);
    assert_eq!(loss.data.unseen, 0.0);
}

#[test]
fn a_panel_shows_the_picture_and_no_difference_where_nothing_differs() {
    let loss = loss(24, 20, 2);
    for lang in [Lang::En, Lang::Zh] {
        let panel = loss.panel("noise", lang).expect("it can be drawn");
        assert_eq!(panel.rgb.len(), panel.width * panel.height * CHANNELS);
        let pixel = |x: usize, y: usize| &panel.rgb[(y * panel.width + x) * CHANNELS..][..3];
        // 20 columns are shown 10 times as large, 18 of them, from column 1 and row 3 on.
        let first = |n: usize| (255.0 * loss.picture.plane(n)[3 * 20 + 1]).round() as u8;
        assert_eq!(pixel(16, 62 + 40), [first(0), first(1), first(2)]);
        // Pixel shuffle stands below the second.
        let top = 62 + (40 + 2 * 184 + 4 + 16) + 40 + 184 + 4;
        assert_eq!(pixel(16 + 196 + 90, top + 90), heat(0.0));
    }
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let rgb = vec![0; 15 * 40 * 3];
    let photo = Photo { height: 15, width: 40, rgb: &rgb };
    for (factor, text) in [
        (1, "factor 1: legal are 2 to 8"),
        (i64::MAX, "factor 9223372036854775807: legal are 2 to 8"),
        (2, "a picture of 40x15 pixels is too small: either side needs 16 at least"),
        (8, "a picture of 40x15 pixels is too small: either side needs 32 at least"),
    ] {
        assert_eq!(Loss::new(photo, factor).expect_err("refused").message(Lang::En), text);
    }
    let error = Loss::new(Photo { rgb: &rgb[1..], ..photo }, 2).expect_err("refused");
    assert_eq!(error, LossError::Pixels { got: 1799, expected: 1800 });
}
