//! Why a figure cannot be computed.

/// Why a figure cannot be computed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// A buffer does not fit the others.
    #[error("{what}: {got} values, where {expected} are expected")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// Values that are there.
        got: usize,
        /// Values that the others have.
        expected: usize,
    },
    /// A probability is not in 0..1.
    #[error("pixel {index} has the probability {got}, where a number from 0 to 1 is expected")]
    NoProbability {
        /// Place in the buffer, from 0.
        index: usize,
        /// What stands there.
        got: f32,
    },
    /// A label is of no class.
    #[error(
        "{what}: pixel {index} has the label {got}, where 0 to {} are expected, or 255 for void pixels of the truth",
        classes - 1
    )]
    NoLabel {
        /// Which buffer.
        what: &'static str,
        /// Place in the buffer, from 0.
        index: usize,
        /// What stands there.
        got: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// A number of classes that labels of 8 bits cannot tell apart.
    #[error("{got} classes, where 1 to 255 are expected: the label 255 is for void pixels")]
    Classes {
        /// The number that was asked for.
        got: usize,
    },
    /// Accumulators of different kinds cannot be merged.
    #[error("{what}: {left} here, {right} there; only equal ones can be merged")]
    Merge {
        /// In what they differ.
        what: &'static str,
        /// One value.
        left: usize,
        /// The other.
        right: usize,
    },
    /// A calibration file lacks a matrix.
    #[error("calibration: {name} is missing")]
    MatrixMissing {
        /// The matrix's name.
        name: &'static str,
    },
    /// A line of a calibration file is not `NAME: numbers`.
    #[error("calibration, line {line}: {problem}")]
    CalibrationLine {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A calibration that maps the road onto a line or a point.
    #[error("calibration: {name} cannot be inverted")]
    Singular {
        /// The matrix's name.
        name: &'static str,
    },
    /// A picture without pixels, or with more than can be counted.
    #[error("a picture of {width}x{height} pixels, where each side must have 1 to {limit}")]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Most pixels along a side.
        limit: usize,
    },
}
