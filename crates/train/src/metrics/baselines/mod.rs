//! What is reached without looking at shapes: the figures that a network must clearly beat.
//!
//! A baseline is fitted to the training part, gives probabilities of road for the test part, and is
//! scored by [`RoadCounts`](super::road::RoadCounts) like any network.
//!
//! - [`MeanMask`] does not look at the picture: it answers with the mean of the training masks.
//! - [`ColourTable`] looks at each pixel's colour alone, with the share of road among all training pixels
//!   of that colour. It stands above every rule that asks whether a colour lies in some region.
//! - [`ColourRange`] is the best such rule of one line: a channel between two thresholds.

mod colour_range;
mod colour_table;
mod mean_mask;

pub use colour_range::{Channel, ColourRange, ColourRangeFit};
pub use colour_table::ColourTable;
pub use mean_mask::MeanMask;

use super::road::{OTHER, ROAD};
use super::{MetricsError, VOID, same_length};

/// Calls `count` with each pixel that is not void and with whether it is road.
fn each_pixel(
    rgb: &[u8],
    labels: &[u8],
    mut count: impl FnMut([u8; 3], bool),
) -> Result<(), MetricsError> {
    same_length("rgb", rgb.len(), labels.len().saturating_mul(3))?;
    check(labels)?;
    for (pixel, &label) in rgb.as_chunks().0.iter().zip(labels) {
        if label != VOID {
            count(*pixel, label == ROAD);
        }
    }
    Ok(())
}

/// That labels are of road, of what is no road, or void.
fn check(labels: &[u8]) -> Result<(), MetricsError> {
    match labels.iter().position(|label| ![OTHER, ROAD, VOID].contains(label)) {
        None => Ok(()),
        Some(index) => {
            let (what, got, classes) = ("labels", labels[index], 2);
            Err(MetricsError::NoLabel { what, index, got, classes })
        }
    }
}
