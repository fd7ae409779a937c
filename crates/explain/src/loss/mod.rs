//! The size comes back, the values do not: a picture brought down and up again in several ways, and what is
//! lost on the way.
//!
//! 1. [`planes`]: the picture as numbers, a convolution and its transpose.
//! 2. [`methods`]: the ways, [`least_squares`] among them, which knows C.
//! 3. [`measures`]: PSNR and SSIM; [`crate::rank`]: what a small C sees at all.
//! 4. [`page`]: the table and what it says; [`panel`]: the pictures side by side.

mod least_squares;
mod measures;
mod methods;
mod page;
mod panel;
mod planes;
#[cfg(test)]
mod tests;

pub use methods::Method;
pub use panel::Panel;

use rayon::prelude::*;
use serde::Serialize;
use upconv_kernels::KernelError;

use crate::document::Page;
use crate::lang::{Lang, say};
use crate::rank::SmallMatrix;
use measures::ROUNDING;
use planes::{CHANNELS, Pair, Planes};

/// Largest side that is looked at; of a larger picture, so much of its middle.
pub const MAX_LOSS_SIDE: usize = 1024;
/// Factors by which a picture can be brought down.
pub const LOSS_FACTORS: std::ops::RangeInclusive<i64> = 2..=8;

/// A picture: `rgb: [height, width, 3]`.
#[derive(Clone, Copy, Debug)]
pub struct Photo<'a> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Red, green and blue of every pixel, row by row.
    pub rgb: &'a [u8],
}

/// Why a picture cannot be looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum LossError {
    /// The factor is not among [`LOSS_FACTORS`].
    Factor {
        /// It.
        got: i64,
    },
    /// A side is too short.
    TooSmall {
        /// Columns and rows.
        got: [usize; 2],
        /// Fewest of either.
        least: usize,
    },
    /// The pixels do not fit the size.
    Pixels {
        /// Bytes.
        got: usize,
        /// Bytes of so many rows and columns.
        expected: usize,
    },
    /// A kernel refuses the sizes.
    Kernel(KernelError),
}

impl LossError {
    /// In words.
    pub fn message(&self, lang: Lang) -> String {
        match self {
            Self::Factor { got } => {
                let (first, last) = (LOSS_FACTORS.start(), LOSS_FACTORS.end());
                say!(
                    lang,
                    "factor {got}: legal are {first} to {last}",
                    "因子 {got}：合法的是 {first} 到 {last}"
                )
            }
            Self::TooSmall { got: [width, height], least } => say!(
                lang,
                "a picture of {width}x{height} pixels is too small: either side needs {least} at least",
                "{width}x{height} 像素的图片太小：每边至少需要 {least} 个像素"
            ),
            Self::Pixels { got, expected } => say!(
                lang,
                "{got} bytes of pixels, where the size needs {expected}",
                "像素有 {got} 字节，按尺寸应有 {expected} 字节"
            ),
            Self::Kernel(error) => error.to_string(),
        }
    }
}

impl From<KernelError> for LossError {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}

/// One way, and how near it comes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LossRow {
    /// [`Method::name`].
    pub method: &'static str,
    /// Numbers that are kept, for each of the picture's own.
    pub kept: f64,
    /// In dB, over all pixels and colours, of values limited to 0 to 1; null if every value is the same, up to the
    /// rounding of sums.
    pub psnr: Option<f64>,
    /// Mean structural similarity: 1 is the same picture.
    pub ssim: f64,
}

/// What came of it, as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LossData {
    /// How far down.
    pub factor: usize,
    /// Columns and rows that were looked at.
    pub size: [usize; 2],
    /// In the order of [`Method::ALL`].
    pub rows: Vec<LossRow>,
    /// Of the picture's variance the share that the convolution does not see: what no way up can know.
    pub unseen: f64,
    /// C for a small picture.
    pub matrix: SmallMatrix,
}

/// A picture, and what the ways down and up made of it.
#[derive(Clone, Debug)]
pub struct Loss {
    picture: Planes,
    results: Vec<(Method, Planes)>,
    data: LossData,
    /// Columns and rows of the whole picture.
    whole: [usize; 2],
}

impl Loss {
    /// Brings the picture down by `factor` and up again in every way. The size is cut to multiples of the
    /// factor, and to [`MAX_LOSS_SIDE`], around the middle.
    ///
    /// # Errors
    /// A factor out of [`LOSS_FACTORS`], a side below four times the factor or 16, pixels that do not fit the size.
    ///
    /// ```
    /// use upconv_explain::{Loss, Photo};
    /// // Stripes one pixel wide: means of any window of 4 x 4 are all the same.
    /// let rgb: Vec<u8> = (0..16 * 16 * 3).map(|n| if n / 3 % 2 == 0 { 0 } else { 255 }).collect();
    /// let loss = Loss::new(Photo { height: 16, width: 16, rgb: &rgb }, 2).unwrap();
    /// assert_eq!(loss.data().rows[0].method, "conv_transpose");
    /// // Every pixel comes back as 0.5: the mean square is 0.25, 10 * log10(4) dB.
    /// assert!((loss.data().rows[0].psnr.unwrap() - 6.0206).abs() < 1e-4);
    /// assert_eq!(loss.data().rows[4].psnr, None); // pixel shuffle brings all of it back
    /// ```
    pub fn new(photo: Photo<'_>, factor: i64) -> Result<Self, LossError> {
        if !LOSS_FACTORS.contains(&factor) {
            return Err(LossError::Factor { got: factor });
        }
        // From 2 to 8.
        let factor = factor as usize;
        let expected = photo.height.saturating_mul(photo.width).saturating_mul(CHANNELS);
        if photo.rgb.len() != expected {
            return Err(LossError::Pixels { got: photo.rgb.len(), expected });
        }
        let least = (4 * factor).max(16);
        if photo.height.min(photo.width) < least {
            return Err(LossError::TooSmall { got: [photo.width, photo.height], least });
        }
        let picture = middle(photo, factor);
        let pair = Pair::new(picture.height, picture.width, factor).map_err(LossError::from)?;
        let all = Method::ALL.par_iter().map(|&method| {
            let result = method.apply(&pair, &picture)?;
            let limited = result.values.iter().map(|value| value.clamp(0.0, 1.0)).collect();
            let shown = result.with(limited);
            let row = LossRow {
                method: method.name(),
                kept: method.kept(&pair),
                psnr: measures::psnr(&picture, &shown),
                ssim: measures::ssim(&picture, &shown),
            };
            // What lies in the null space of C is what the nearest of all that C sees does not have.
            let unseen = (method == Method::LeastSquares).then(|| unseen(&picture, &result));
            Ok((method, shown, row, unseen))
        });
        let all = all.collect::<Result<Vec<_>, KernelError>>()?;
        let small = Pair::new(4 * factor, 4 * factor, factor)?;
        let matrix = SmallMatrix::new(small.axes(), &small.mean_kernel());
        let data = LossData {
            factor,
            size: [picture.width, picture.height],
            rows: all.iter().map(|(_, _, row, _)| *row).collect(),
            unseen: all.iter().find_map(|(_, _, _, unseen)| *unseen).unwrap_or(0.0),
            matrix: matrix.map_err(KernelError::from)?,
        };
        let results = all.into_iter().map(|(method, shown, _, _)| (method, shown)).collect();
        Ok(Self { picture, results, data, whole: [photo.width, photo.height] })
    }

    /// Everything as data.
    pub fn data(&self) -> &LossData {
        &self.data
    }

    /// The table, and what it says.
    pub fn page(&self, name: &str, lang: Lang) -> Page {
        page::page(self, name, lang)
    }

    /// A part of the picture beside what the ways made of it, with the differences.
    pub fn panel(&self, name: &str, lang: Lang) -> Option<Panel> {
        panel::panel(self, name, lang)
    }
}

/// The middle of the picture, of sides that are multiples of the factor.
fn middle(photo: Photo<'_>, factor: usize) -> Planes {
    let side = |length: usize| length.min(MAX_LOSS_SIDE) / factor * factor;
    let (height, width) = (side(photo.height), side(photo.width));
    let (top, left) = ((photo.height - height) / 2, (photo.width - width) / 2);
    let value = |n: usize| {
        let (channel, row, column) = (n / (height * width), n / width % height, n % width);
        let at = ((top + row) * photo.width + left + column) * CHANNELS + channel;
        f64::from(photo.rgb[at]) / 255.0
    };
    Planes { height, width, values: (0..CHANNELS * height * width).map(value).collect() }
}

/// The share of the variance of a picture that another one has not.
fn unseen(picture: &Planes, seen: &Planes) -> f64 {
    let (mut lost, mut all) = (0.0, 0.0);
    for channel in 0..CHANNELS {
        let (a, b) = (picture.plane(channel), seen.plane(channel));
        let mean = a.iter().sum::<f64>() / a.len().max(1) as f64;
        lost += a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        all += a.iter().map(|a| (a - mean).powi(2)).sum::<f64>();
    }
    // Of a picture of one colour only rounding is left.
    if all > ROUNDING * picture.values.len() as f64 { lost / all } else { 0.0 }
}
