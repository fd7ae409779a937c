//! The pinhole camera, and the calibration file that tells of it.
//!
//! Road coordinates are those of KITTI's road benchmark, but for the sign of the height: x to the right,
//! y up and z forward, in metres, from the point of the ground below the camera; z is the camera's
//! heading along the ground. The file has y down.

use std::fmt::Write as _;

use super::vector::V3;
use crate::Size;

/// Distance of KITTI's right cameras from the left ones, in metres.
const BASELINE: f64 = 0.54;

/// A camera above the ground.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Camera {
    /// Rows and columns of the picture.
    pub(crate) size: Size,
    /// Focal length, in pixels.
    pub(crate) focal: f64,
    /// Column and row at which the optical axis meets the picture; pixel centres are whole numbers.
    pub(crate) centre: [f64; 2],
    /// Height above the ground, in metres.
    pub(crate) height: f64,
    /// Angle of the optical axis below the horizontal, in radians.
    pub(crate) pitch: f64,
    /// Angle by which the picture's right side is down, in radians.
    pub(crate) roll: f64,
}

impl Camera {
    /// The directions in which points of the picture look.
    pub(crate) fn rays(&self) -> Rays {
        // The rotation has y down.
        let axis = |column: usize, factor: f64| {
            let [x, y, z] = self.rotation().map(|row| row[column] * factor);
            [x, -y, z]
        };
        let (right, down) = (axis(0, 1.0 / self.focal), axis(1, 1.0 / self.focal));
        let ahead = axis(2, 1.0);
        let [column, row] = self.centre;
        let corner = |i: usize| ahead[i] - right[i] * column - down[i] * row;
        Rays {
            corner: V3(std::array::from_fn(|i| corner(i) as f32)),
            right: V3(right.map(|x| x as f32)),
            down: V3(down.map(|x| x as f32)),
        }
    }

    /// Column and row at which a point in road coordinates is seen, or none if it is not in front.
    pub(crate) fn project(&self, point: V3) -> Option<[f32; 2]> {
        let V3([x, y, z]) = point;
        let from = [f64::from(x), self.height - f64::from(y), f64::from(z)];
        let rotation = self.rotation();
        // The inverse of a rotation is its transpose.
        let axis = |column: usize| (0..3).map(|row| rotation[row][column] * from[row]).sum::<f64>();
        let [across, down, ahead] = [axis(0), axis(1), axis(2)];
        (ahead > 0.01).then(|| {
            [
                (self.focal * across / ahead + self.centre[0]) as f32,
                (self.focal * down / ahead + self.centre[1]) as f32,
            ]
        })
    }

    /// From camera coordinates (x right, y down, z along the axis) to road coordinates with y down: first
    /// the roll about z, then the pitch about x.
    fn rotation(&self) -> [[f64; 3]; 3] {
        let (sin, cos) = self.pitch.sin_cos();
        let (sin_roll, cos_roll) = self.roll.sin_cos();
        [
            [cos_roll, -sin_roll, 0.0],
            [cos * sin_roll, cos * cos_roll, sin],
            [-sin * sin_roll, -sin * cos_roll, cos],
        ]
    }

    /// The text of the calibration file, with the lines of KITTI's.
    ///
    /// The left colour camera, `P2`, has no offset against the coordinates of the camera; the laser
    /// scanner and the inertial unit, which nothing here depends on, stand at the same place.
    pub(crate) fn calibration(&self) -> String {
        let Self { focal, centre, height, .. } = *self;
        let projection = |offset: f64| {
            let shift = -focal * offset;
            [focal, 0.0, centre[0], shift, 0.0, focal, centre[1], 0.0, 0.0, 0.0, 1.0, 0.0]
        };
        let [right, down, ahead] = self.rotation();
        let road = [
            [right[0], right[1], right[2], 0.0],
            [down[0], down[1], down[2], -height],
            [ahead[0], ahead[1], ahead[2], 0.0],
        ];
        // The scanner has x forward, y left, z up.
        let velo = [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let still = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
        let mut text = String::new();
        for (name, numbers) in [
            ("P0", &projection(0.0)[..]),
            ("P1", &projection(BASELINE)),
            ("P2", &projection(0.0)),
            ("P3", &projection(BASELINE)),
            ("R0_rect", &identity),
            ("Tr_velo_to_cam", &velo),
            ("Tr_imu_to_velo", &still),
            ("Tr_cam_to_road", road.as_flattened()),
        ] {
            let _ = write!(text, "{name}:");
            numbers.iter().for_each(|&number| text += &(" ".to_owned() + &scientific(number)));
            text.push('\n');
        }
        text
    }
}

/// Directions in road coordinates for points of the picture; they have a length of 1 along the optical axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rays {
    corner: V3,
    right: V3,
    down: V3,
}

impl Rays {
    pub(crate) fn at(&self, column: f32, row: f32) -> V3 {
        self.corner + self.right * column + self.down * row
    }
}

/// As C's `%.12e`: `7.215377000000e+02`.
fn scientific(number: f64) -> String {
    let text = format!("{number:.12e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level() -> Camera {
        let size = Size { height: 375, width: 1242 };
        Camera { size, focal: 700.0, centre: [620.0, 180.0], height: 1.5, pitch: 0.0, roll: 0.0 }
    }

    #[test]
    fn a_level_camera_by_hand() {
        // 2 m right, 10 m ahead on the ground: 700 * 2 / 10 + 620, 700 * 1.5 / 10 + 180.
        assert_eq!(level().project(V3([2.0, 0.0, 10.0])), Some([760.0, 285.0]));
        assert_eq!(level().project(V3([0.0, 0.0, -1.0])), None);
        let V3([x, y, z]) = level().rays().at(620.0, 180.0);
        assert!(x.abs() < 1e-6 && y.abs() < 1e-6 && z == 1.0, "{x} {y} {z}");
    }

    #[test]
    fn a_camera_that_looks_down_sees_the_ground_where_its_axis_meets_it() {
        // A pitch with tangent 0.1 meets the ground 15 m ahead.
        let camera = Camera { pitch: 0.1f64.atan(), ..level() };
        let [column, row] = camera.project(V3([0.0, 0.0, 15.0])).unwrap();
        assert!((column - 620.0).abs() < 1e-3 && (row - 180.0).abs() < 1e-3, "{column} {row}");
        // The right side is down: a point to the right is lower in the world for its row.
        let camera = Camera { roll: 0.1, ..level() };
        assert!(camera.rays().at(720.0, 180.0).0[1] < 0.0);
    }

    #[test]
    fn rays_and_projections_are_inverse() {
        let camera = Camera { pitch: 0.05, roll: -0.02, ..level() };
        for (column, row) in [(3.0, 300.0), (1200.0, 250.0), (600.5, 370.25)] {
            let V3([x, y, z]) = camera.rays().at(column, row);
            let t = 1.5 / -y;
            let [u, v] = camera.project(V3([x * t, 0.0, z * t])).unwrap();
            assert!((u - column).abs() < 0.01 && (v - row).abs() < 0.01, "{u} {v}");
        }
    }

    #[test]
    fn numbers_are_written_as_c_does() {
        assert_eq!(scientific(721.5377), "7.215377000000e+02");
        assert_eq!(scientific(0.0), "0.000000000000e+00");
        assert_eq!(scientific(-0.00123), "-1.230000000000e-03");
    }

    #[test]
    fn the_file_tells_of_this_camera() {
        let camera = Camera { pitch: 0.03, roll: -0.02, ..level() };
        let text = camera.calibration();
        let matrix = |name: &str| -> Vec<f64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().map(|number| number.parse().unwrap()).collect()
        };
        let (p2, road) = (matrix("P2:"), matrix("Tr_cam_to_road:"));
        // 3 m left, 0.7 m up, 20 m ahead; y is down in the file. The inverse of a rotation is its
        // transpose.
        let point = [-3.0, -0.7, 20.0];
        let moved: Vec<f64> = (0..3).map(|row| point[row] - road[4 * row + 3]).collect();
        let seen: Vec<f64> =
            (0..3).map(|axis| (0..3).map(|row| road[4 * row + axis] * moved[row]).sum()).collect();
        let [u, v, w] =
            [0, 1, 2].map(|row| (0..3).map(|axis| p2[4 * row + axis] * seen[axis]).sum::<f64>());
        let [column, row] = camera.project(V3([-3.0, 0.7, 20.0])).unwrap();
        assert!((u / w - f64::from(column)).abs() < 1e-2, "{} {column}", u / w);
        assert!((v / w - f64::from(row)).abs() < 1e-2, "{} {row}", v / w);
    }
}
