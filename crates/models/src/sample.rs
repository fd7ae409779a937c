//! Pictures that a network draws out of chance, each from its own stream of random numbers, and many of them on one sheet.

use upconv_data::Size;

use crate::error::{ModelError, Result};

/// A network with its weights, which draws pictures.
pub trait Draw: Send + Sync {
    /// Of every picture.
    fn size(&self) -> Size;

    /// Picture number `index` of a seed, the same bits with any number of threads, and whatever else is drawn.
    ///
    /// # Shapes
    /// The result is `[height, width, 3]`, red, green and blue.
    ///
    /// # Errors
    /// If the network fails.
    fn picture(&self, seed: u64, index: u64) -> Result<Vec<u8>>;
}

/// Most pictures on one sheet.
pub const MOST: usize = 4096;

/// Pixels of white between pictures, and around them.
const GAP: usize = 2;

/// Many pictures on white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Of the whole.
    pub size: Size,
    /// `[height, width, 3]`
    pub rgb: Vec<u8>,
}

/// The pictures 0 to `count` of a seed, row by row on a sheet that is as wide as it is high, or a picture wider.
///
/// ```
/// use upconv_data::Size;
/// use upconv_models::sample::{Draw, sheet};
///
/// /// A pixel that counts.
/// struct Number;
/// impl Draw for Number {
///     fn size(&self) -> Size {
///         Size { height: 1, width: 1 }
///     }
///     fn picture(&self, seed: u64, index: u64) -> upconv_models::Result<Vec<u8>> {
///         Ok(vec![(10 * seed + index) as u8; 3])
///     }
/// }
/// let three = sheet(&Number, 1, 3)?;
/// // Two columns and two rows of single pixels, with 2 pixels before each and at the end.
/// assert_eq!((three.size.width, three.size.height), (8, 8));
/// let row: Vec<u8> = three.rgb[2 * 8 * 3..][..8 * 3].iter().copied().step_by(3).collect();
/// assert_eq!(row, [255, 255, 10, 255, 255, 11, 255, 255]);
/// assert_eq!(three.rgb[(5 * 8 + 2) * 3], 12);
/// assert!(sheet(&Number, 1, 0).is_err());
/// # Ok::<(), upconv_models::ModelError>(())
/// ```
///
/// # Errors
/// None or more than [`MOST`] pictures; what the network says.
pub fn sheet(draw: &dyn Draw, seed: u64, count: usize) -> Result<Sheet> {
    if !(1..=MOST).contains(&count) {
        let reason = format!("{count}; legal: 1 to {MOST}");
        return Err(ModelError::Setting { model: "sample", setting: "count", reason });
    }
    let Size { height, width } = draw.size();
    let columns = (1..=count).find(|side| side * side >= count).unwrap_or(count);
    let rows = count.div_ceil(columns);
    let side = |pictures: usize, length: usize| pictures * (length + GAP) + GAP;
    let size = Size { height: side(rows, height), width: side(columns, width) };
    let mut rgb = vec![255; 3 * size.pixels()];
    for index in 0..count {
        let picture = draw.picture(seed, index as u64)?;
        let (top, left) = (side(index / columns, height), side(index % columns, width));
        for (row, line) in picture.chunks_exact(3 * width).enumerate().take(height) {
            rgb[3 * ((top + row) * size.width + left)..][..3 * width].copy_from_slice(line);
        }
    }
    Ok(Sheet { size, rgb })
}
