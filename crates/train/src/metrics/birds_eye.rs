//! Pictures seen from above, as KITTI's server scores the road.
//!
//! The plane of the road from 10 m left to 10 m right and from 6 m to 46 m ahead is cut into cells of
//! 0.05 m: 800 rows, the farthest first, and 400 columns. A cell takes the value of the pixel at which
//! its centre is seen; cells that no pixel sees are void. In the picture near pixels outweigh far ones
//! by hundreds to one; here each square metre counts the same.
//!
//! # Source
//! The kit of KITTI's road benchmark. It counts pixels from 1 and cuts fractions off, so that a point
//! at `(u, v)` takes the pixel `(floor(u) - 1, floor(v) - 1)` counted from 0, if `1 <= u <= width` and
//! `1 <= v <= height`; that is kept. Its coordinates of cells are `f32`, that is kept too.

use super::calibration::Calibration;
use super::road::RoadCounts;
use super::{MetricsError, VOID, same_length};

/// Rows of cells.
pub const HEIGHT: usize = 800;

/// Columns of cells.
pub const WIDTH: usize = 400;

/// The left edge, in metres right of the camera's road coordinates.
const LEFT: f64 = -10.0;

/// The far edge, in metres ahead.
const FAR: f64 = 46.0;

/// The side of a cell, in metres.
const CELL: f64 = 0.05;

/// Most pixels along a picture's side.
const MAX_SIDE: usize = 1 << 15;

/// Where each cell is seen in pictures of one size by one camera.
#[derive(Clone, PartialEq, Eq)]
pub struct BirdsEye {
    pixels: usize,
    /// For each cell the place of its pixel.
    sources: Vec<Option<u32>>,
}

impl std::fmt::Debug for BirdsEye {
    /// Without the cells.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seen = self.sources.iter().flatten().count();
        write!(f, "BirdsEye of {} pixels, {seen} cells seen", self.pixels)
    }
}

impl BirdsEye {
    /// Works out where each cell is seen in pictures of `height` rows and `width` columns.
    ///
    /// # Errors
    /// If the calibration cannot be inverted, or a side is 0 or above 32,768 pixels.
    pub fn new(
        calibration: &Calibration,
        height: usize,
        width: usize,
    ) -> Result<Self, MetricsError> {
        let limit = MAX_SIDE;
        if !(1..=limit).contains(&height) || !(1..=limit).contains(&width) {
            return Err(MetricsError::Size { width, height, limit });
        }
        let homography = calibration.road_to_image()?;
        let mut sources = Vec::with_capacity(HEIGHT * WIDTH);
        for row in 0..HEIGHT {
            for column in 0..WIDTH {
                let (x, z) = centre(row, column);
                sources.push(homography.project(x, z).and_then(|(u, v)| {
                    let row = from_one(v, height)?;
                    let column = from_one(u, width)?;
                    // Below 2^30, as both sides are at most 2^15.
                    Some((row * width + column) as u32)
                }));
            }
        }
        Ok(Self { pixels: height * width, sources })
    }

    /// The picture from above, `[800, 400]`, with `outside` where no pixel sees the road.
    ///
    /// # Errors
    /// If the picture has another number of pixels.
    pub fn from_above<T: Copy>(&self, picture: &[T], outside: T) -> Result<Vec<T>, MetricsError> {
        same_length("picture", picture.len(), self.pixels)?;
        let value = |source: &Option<u32>| source.map_or(outside, |place| picture[place as usize]);
        Ok(self.sources.iter().map(value).collect())
    }

    /// Adds a picture to `counts`, cell by cell instead of pixel by pixel.
    ///
    /// # Errors
    /// If a buffer has another number of pixels, and as [`RoadCounts::add`].
    pub fn add(
        &self,
        counts: &mut RoadCounts,
        probabilities: &[f32],
        labels: &[u8],
    ) -> Result<(), MetricsError> {
        let probabilities = self.from_above(probabilities, 0.0)?;
        counts.add(&probabilities, &self.from_above(labels, VOID)?)
    }
}

/// The centre of a cell on the road: metres to the right, metres ahead.
fn centre(row: usize, column: usize) -> (f64, f64) {
    let x = LEFT + CELL / 2.0 + column as f64 * CELL;
    let z = FAR - CELL / 2.0 - row as f64 * CELL;
    (f64::from(x as f32), f64::from(z as f32))
}

/// The place of a coordinate among `count` pixels, from 0.
fn from_one(coordinate: f64, count: usize) -> Option<usize> {
    (coordinate >= 1.0 && coordinate <= count as f64).then(|| coordinate as usize - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A level camera 1.5 m above the road: `u = 400 x / z + 320`, `v = 600 / z + 100`.
    fn flat() -> Calibration {
        Calibration {
            p2: [[400.0, 0.0, 320.0, 0.0], [0.0, 400.0, 100.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
            r0_rect: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            tr_cam_to_road: [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, -1.5], [0.0, 0.0, 1.0, 0.0]],
        }
    }

    #[test]
    fn cells_of_a_level_camera_by_hand() {
        let (height, width) = (200, 640);
        let picture: Vec<usize> = (0..height * width).collect();
        let above = BirdsEye::new(&flat(), height, width).unwrap();
        let above = above.from_above(&picture, usize::MAX).unwrap();
        assert_eq!(above.len(), 800 * 400);
        let at = |row: usize, column: usize| {
            let place = above[row * WIDTH + column];
            (place != usize::MAX).then(|| (place / width, place % width))
        };
        // Row 0: z = 45.975. v = 600 / 45.975 + 100 = 113.05: row 112.
        // Column 0: x = -9.975, u = 320 - 86.79 = 233.21: column 232.
        assert_eq!(at(0, 0), Some((112, 232)));
        // Column 399: x = 9.975, u = 406.79.
        assert_eq!(at(0, 399), Some((112, 405)));
        // Row 519: z = 20.025. v = 129.96. Column 200: x = 0.025, u = 320.499.
        assert_eq!(at(519, 200), Some((128, 319)));
        // Row 699: z = 11.025. v = 154.42. Column 100: x = -4.975, u = 139.50.
        assert_eq!(at(699, 100), Some((153, 138)));
        // Row 799: z = 6.025. v = 199.585 is the last row. Column 200: u = 321.66.
        assert_eq!(at(799, 200), Some((198, 320)));
        // There column 0 is at u = -342.2, left of the picture.
        assert_eq!(at(799, 0), None);
    }

    #[test]
    fn figures_from_above_weigh_metres_not_pixels() {
        let (height, width) = (200, 640);
        // Road in all rows below 130: nearer than z = 20 at v = 130; all is taken for road.
        let labels: Vec<u8> = (0..height * width).map(|i| u8::from(i / width >= 129)).collect();
        let probabilities = vec![1.0; labels.len()];
        let above = BirdsEye::new(&flat(), height, width).unwrap();
        let mut counts = RoadCounts::new();
        above.add(&mut counts, &probabilities, &labels).unwrap();
        let (road, other) = counts.pixels();
        // 520 of 800 rows are farther; of these all cells are seen.
        assert_eq!(other, 520 * 400);
        // Of the 280 near rows, those with |x| up to 0.8 z (u from 0 to 640), less the border.
        let seen: f64 =
            (0..280).map(|row| (0.8 * (19.975 - 0.05 * f64::from(row))).min(10.0)).sum();
        assert!((road as f64 - seen * 40.0).abs() < 0.01 * seen * 40.0, "{road} {}", seen * 40.0);
        let figures = counts.figures();
        assert_eq!(figures.precision, road as f64 / (road + other) as f64);
    }

    #[test]
    fn sizes_are_checked() {
        let error = BirdsEye::new(&flat(), 0, 5).unwrap_err();
        assert!(error.to_string().starts_with("a picture of 5x0 pixels"), "{error}");
        let above = BirdsEye::new(&flat(), 2, 3).unwrap();
        assert_eq!(
            above.from_above(&[0u8; 5], 0).unwrap_err().to_string(),
            "picture: 5 values, where 6 are expected"
        );
    }
}
