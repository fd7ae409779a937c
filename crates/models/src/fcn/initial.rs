//! How an FCN begins.

use crate::initial::{Initial, usual};

/// The rule for [`crate::initial::draw`]: as KittiSeg begins, and Kaiming for the trunk, which KittiSeg reads from a file.
///
/// Scores begin small, those of the finer maps smaller (1e-3, 1e-4); what makes maps larger begins as bilinear
/// interpolation, and is trained.
///
/// # Source
/// KittiSeg's `fcn8_vgg.py`.
///
/// ```
/// use upconv_models::fcn::initial;
/// use upconv_models::initial::Initial;
/// assert_eq!(initial("up8.weight", &[2, 2, 16, 16]), Initial::Bilinear);
/// let Initial::TruncatedNormal { deviation } = initial("score.weight", &[2, 4096, 1, 1]) else {
///     panic!("scores are normal, and cut")
/// };
/// assert!((deviation - 0.0221).abs() < 1e-4);
/// ```
pub fn initial(name: &str, shape: &[usize]) -> Initial {
    let (layer, field) = name.split_once('.').unwrap_or((name, ""));
    match (layer, field) {
        ("score", "weight") => {
            let fan_in: usize = shape.iter().skip(1).product();
            Initial::TruncatedNormal { deviation: (2.0 / fan_in.max(1) as f64).sqrt() }
        }
        ("score4", "weight") => Initial::TruncatedNormal { deviation: 1e-3 },
        ("score3", "weight") => Initial::TruncatedNormal { deviation: 1e-4 },
        ("up2" | "up4" | "up8" | "up16" | "up32", "weight") => Initial::Bilinear,
        ("up2" | "up4", "conv.weight") => Initial::ShuffledBilinear { factor: 2 },
        ("up8", "conv.weight") => Initial::ShuffledBilinear { factor: 8 },
        ("up16", "conv.weight") => Initial::ShuffledBilinear { factor: 16 },
        ("up32", "conv.weight") => Initial::ShuffledBilinear { factor: 32 },
        _ => usual(name, shape),
    }
}
