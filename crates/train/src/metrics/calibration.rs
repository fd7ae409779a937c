//! Calibration files of KITTI's road benchmark: where a point of the road lies in the picture.
//!
//! A file has lines `NAME: numbers`, rows of a matrix one after the other:
//!
//! | name | shape | what |
//! | --- | --- | --- |
//! | `P2` | 3 x 4 | from rectified camera coordinates to pixels of the left colour camera |
//! | `R0_rect` | 3 x 3 | from camera to rectified camera coordinates |
//! | `Tr_cam_to_road` | 3 x 4 | from camera to road coordinates, in metres |
//!
//! In road coordinates x points right, y down and z forward, and the road is the plane `y = 0`. Other
//! lines (`P0`, `Tr_velo_to_cam` and so on) are of no use here.
//!
//! # Source
//! The kit of KITTI's road benchmark: `x = P2 * R0_rect * inverse(Tr_cam_to_road) * X`.

use super::MetricsError;

/// A matrix of three rows.
type Rows<const COLUMNS: usize> = [[f64; COLUMNS]; 3];

/// What a calibration file says about the left colour camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// From rectified camera coordinates to pixels.
    pub p2: Rows<4>,
    /// From camera to rectified camera coordinates.
    pub r0_rect: Rows<3>,
    /// From camera to road coordinates.
    pub tr_cam_to_road: Rows<4>,
}

impl Calibration {
    /// Reads the text of a calibration file.
    ///
    /// # Errors
    /// If a line is not `NAME: numbers`, a matrix is missing, stands there twice, has another number of
    /// numbers or one that is not finite.
    ///
    /// ```
    /// use upconv_train::metrics::calibration::Calibration;
    /// let calibration = Calibration::parse(
    ///     "P2: 700 0 600 0 0 700 170 0 0 0 1 0\n\
    ///      R0_rect: 1 0 0 0 1 0 0 0 1\n\
    ///      Tr_cam_to_road: 1 0 0 0 0 1 0 -1.5 0 0 1 0\n",
    /// )?;
    /// // A point of the road 2 m to the right and 10 m ahead of a camera 1.5 m above it:
    /// // 700 * 2 / 10 + 600, 700 * 1.5 / 10 + 170.
    /// let homography = calibration.road_to_image()?;
    /// assert_eq!(homography.project(2.0, 10.0), Some((740.0, 275.0)));
    /// # Ok::<(), upconv_train::metrics::MetricsError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, MetricsError> {
        let (mut p2, mut r0_rect, mut tr_cam_to_road) = (None, None, None);
        for (index, content) in text.lines().enumerate() {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let wrong =
                |problem: String| MetricsError::CalibrationLine { line: index + 1, problem };
            let Some((name, numbers)) = content.split_once(':') else {
                return Err(wrong("expected NAME: numbers".into()));
            };
            match name.trim() {
                "P2" => fill(&mut p2, numbers),
                "R0_rect" => fill(&mut r0_rect, numbers),
                "Tr_cam_to_road" => fill(&mut tr_cam_to_road, numbers),
                _ => Ok(()),
            }
            .map_err(|problem| wrong(format!("{}: {problem}", name.trim())))?;
        }
        let missing = |name| MetricsError::MatrixMissing { name };
        Ok(Self {
            p2: p2.ok_or(missing("P2"))?,
            r0_rect: r0_rect.ok_or(missing("R0_rect"))?,
            tr_cam_to_road: tr_cam_to_road.ok_or(missing("Tr_cam_to_road"))?,
        })
    }

    /// Where points of the road lie in the picture.
    ///
    /// # Errors
    /// If `Tr_cam_to_road` cannot be inverted.
    pub fn road_to_image(&self) -> Result<Homography, MetricsError> {
        let name = "Tr_cam_to_road";
        let rotation = self.tr_cam_to_road.map(|row| [row[0], row[1], row[2]]);
        let shift = self.tr_cam_to_road.map(|row| row[3]);
        let inverse = inverse(&rotation).ok_or(MetricsError::Singular { name })?;
        // A point of the road is (x, 0, z): the camera sees it at inverse * ((x, 0, z) - shift).
        let moved: [f64; 3] = std::array::from_fn(|row| -dot(&inverse[row], &shift));
        let in_camera: Rows<3> =
            std::array::from_fn(|row| [inverse[row][0], inverse[row][2], moved[row]]);
        let rectified = product(&self.r0_rect, &in_camera);
        let left = self.p2.map(|row| [row[0], row[1], row[2]]);
        let mut matrix = product(&left, &rectified);
        for (row, p2) in matrix.iter_mut().zip(&self.p2) {
            row[2] += p2[3];
        }
        Ok(Homography { matrix })
    }
}

/// From the plane of the road to the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homography {
    /// Acts on `(x, z, 1)`; gives `(u w, v w, w)`.
    pub matrix: Rows<3>,
}

impl Homography {
    /// The column and the row at which a point of the road is seen, in pixels, or none if it is not in
    /// front of the camera. `x` is to the right, `z` forward, in metres.
    pub fn project(&self, x: f64, z: f64) -> Option<(f64, f64)> {
        let [u, v, w] = self.matrix.map(|row| dot(&row, &[x, z, 1.0]));
        (w > 0.0).then(|| (u / w, v / w))
    }
}

/// Reads the rows of a matrix that must not be there yet.
fn fill<const COLUMNS: usize>(
    matrix: &mut Option<Rows<COLUMNS>>,
    numbers: &str,
) -> Result<(), String> {
    if matrix.is_some() {
        return Err("stands here a second time".into());
    }
    let mut rows = [[0.0; COLUMNS]; 3];
    let (got, expected) = (numbers.split_whitespace().count(), 3 * COLUMNS);
    if got != expected {
        return Err(format!("{got} numbers, where {expected} are expected"));
    }
    for (cell, text) in rows.as_flattened_mut().iter_mut().zip(numbers.split_whitespace()) {
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => *cell = number,
            _ => return Err(format!("'{text}' is no finite number")),
        }
    }
    *matrix = Some(rows);
    Ok(())
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn product(a: &Rows<3>, b: &Rows<3>) -> Rows<3> {
    let column = |index: usize| [b[0][index], b[1][index], b[2][index]];
    std::array::from_fn(|row| std::array::from_fn(|index| dot(&a[row], &column(index))))
}

/// By cofactors.
fn inverse(m: &Rows<3>) -> Option<Rows<3>> {
    let cofactor = |row: usize, column: usize| {
        let (r, s) = ((row + 1) % 3, (row + 2) % 3);
        let (c, d) = ((column + 1) % 3, (column + 2) % 3);
        m[r][c] * m[s][d] - m[r][d] * m[s][c]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    let inverse: Rows<3> = std::array::from_fn(|row| {
        std::array::from_fn(|column| cofactor(column, row) / determinant)
    });
    inverse.as_flattened().iter().all(|cell| cell.is_finite()).then_some(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAT: &str = "P0: 1\n\nP2: 700 0 600 0 0 700 170 0 0 0 1 0\n\
        R0_rect: 1 0 0 0 1 0 0 0 1\nTr_cam_to_road: 1 0 0 0 0 1 0 -1.5 0 0 1 0\n";

    /// A camera turned, shifted and scaled by hand, against the same steps one at a time.
    #[test]
    fn the_homography_is_the_chain_of_its_matrices() {
        // Rotation by the Pythagorean triple 3, 4, 5 about x; the camera 1.5 m above the road.
        let calibration = Calibration {
            p2: [[700.0, 0.0, 600.0, 45.0], [0.0, 700.0, 170.0, 0.5], [0.0, 0.0, 1.0, 0.25]],
            r0_rect: [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
            tr_cam_to_road: [[1.0, 0.0, 0.0, 0.5], [0.0, 0.8, -0.6, -1.5], [0.0, 0.6, 0.8, 0.0]],
        };
        let (x, z) = (2.0, 10.0);
        // Less the shift (1.5, 1.5, 10), turned back: 0.8 * 1.5 + 0.6 * 10, -0.6 * 1.5 + 0.8 * 10.
        let camera = [1.5, 7.2, 7.1];
        // A quarter turn.
        let rectified = [-camera[1], camera[0], camera[2]];
        let w = rectified[2] + 0.25;
        let u = (700.0 * rectified[0] + 600.0 * rectified[2] + 45.0) / w;
        let v = (700.0 * rectified[1] + 170.0 * rectified[2] + 0.5) / w;
        let found = calibration.road_to_image().unwrap().project(x, z).unwrap();
        assert!((found.0 - u).abs() < 1e-9 && (found.1 - v).abs() < 1e-9, "{found:?} {u} {v}");
        assert_eq!(calibration.road_to_image().unwrap().project(x, -40.0), None);
    }

    #[test]
    fn what_is_wrong_in_a_file_is_named() {
        Calibration::parse(FLAT).unwrap();
        let error = |text: &str| Calibration::parse(text).unwrap_err().to_string();
        assert_eq!(error(&FLAT.replace("P2", "P9")), "calibration: P2 is missing");
        assert_eq!(
            error(&FLAT.replace("1 0\nR0", "1\nR0")),
            "calibration, line 3: P2: 11 numbers, where 12 are expected"
        );
        assert_eq!(
            error(&FLAT.replace("-1.5", "nan")),
            "calibration, line 5: Tr_cam_to_road: 'nan' is no finite number"
        );
        assert_eq!(error("P2"), "calibration, line 1: expected NAME: numbers");
        let twice = FLAT.to_owned() + "R0_rect: 1 0 0 0 1 0 0 0 1";
        assert_eq!(error(&twice), "calibration, line 6: R0_rect: stands here a second time");
        let flat = Calibration::parse(FLAT).unwrap();
        let singular = Calibration { tr_cam_to_road: [[0.0; 4]; 3], ..flat };
        let error = singular.road_to_image().unwrap_err();
        assert_eq!(error.to_string(), "calibration: Tr_cam_to_road cannot be inverted");
    }
}
