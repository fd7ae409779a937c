//! What a trained network is worth: figures computed from its answers and from the truth.
//!
//! All of it is plain counting on slices. Pictures are added one by one; accumulators of several
//! threads are merged. Counts are integers, so that the order of pictures changes no figure.
//!
//! | module | for |
//! | --- | --- |
//! | [`road`] | one class against the rest, with probabilities: KITTI's MaxF and average precision |
//! | [`calibration`], [`birds_eye`] | the same figures on the road's plane, from above |
//! | [`confusion`] | any number of classes: IoU, accuracy |
//! | [`boundary`] | how well outlines are met |
//! | [`baselines`] | what is reached without looking at shapes |

pub mod baselines;
pub mod birds_eye;
pub mod boundary;
pub mod calibration;
pub mod confusion;
mod error;
pub mod road;

pub use error::MetricsError;

/// The label of pixels that count nowhere.
pub const VOID: u8 = 255;

/// `part / whole`, and 0 where there is nothing at all.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// That two buffers have the same number of pixels.
fn same_length(what: &'static str, got: usize, expected: usize) -> Result<(), MetricsError> {
    match got == expected {
        true => Ok(()),
        false => Err(MetricsError::Length { what, got, expected }),
    }
}
