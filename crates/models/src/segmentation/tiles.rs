//! A picture in parts that overlap.
//!
//! A pixel of a network's answer depends on the pixels around it, as far as its receptive field reaches. So a tile gives
//! the same as the whole picture where its edges are farther away than that, or are edges of the picture; where tiles
//! overlap, their answers are mixed, each with a weight that falls towards its own edge.
//!
//! The picture's border is repeated up to multiples of [`STEP`]. A network with the centred crop of KittiSeg
//! ([`Crop::Centred`](crate::fcn::Crop::Centred)) then moves nothing, where on a whole picture of another size it moves its
//! answer by up to 3 pixels.

use upconv_data::Size;

use crate::error::{ModelError, Result};

/// What sides and overlaps are a multiple of: the coarsest map of every network here has a cell for 32 x 32 pixels, and
/// a tile's cells must be those of the whole picture.
pub const STEP: usize = 32;

/// How a picture is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
    side: usize,
    overlap: usize,
}

impl Tiles {
    /// Tiles of `side` x `side` pixels of the network's input, of which neighbours share `overlap`; a quarter of the side
    /// by default.
    ///
    /// # Errors
    /// A side that is no multiple of [`STEP`] or below two of them; an overlap that is no multiple, or more than half
    /// of the side.
    ///
    /// ```
    /// use upconv_models::segmentation::tiles::Tiles;
    /// assert!(Tiles::new(512, None).is_ok());
    /// let error = Tiles::new(500, None).unwrap_err().to_string();
    /// assert_eq!(error, "tiles: side: 500 must be a multiple of 32 from 64 on, such as 480 or 512");
    /// ```
    pub fn new(side: usize, overlap: Option<usize>) -> Result<Self> {
        let refuse = |setting, reason| Err(ModelError::Setting { model: "tiles", setting, reason });
        if side < 2 * STEP || !side.is_multiple_of(STEP) {
            let below = (side / STEP * STEP).max(2 * STEP);
            let above =
                side.checked_next_multiple_of(STEP).map_or(below, |side| side.max(3 * STEP));
            let reason = format!(
                "{side} must be a multiple of {STEP} from {} on, such as {below} or {above}",
                2 * STEP
            );
            return refuse("side", reason);
        }
        let overlap = overlap.unwrap_or(side / 4 / STEP * STEP);
        if overlap > side / 2 || !overlap.is_multiple_of(STEP) {
            let reason = format!(
                "{overlap} must be a multiple of {STEP} up to {}, half of the side",
                side / 2 / STEP * STEP
            );
            return refuse("overlap", reason);
        }
        Ok(Self { side, overlap })
    }

    /// The largest part of a picture.
    pub fn largest(self, picture: Size) -> Size {
        let axis = |length: usize| length.min(self.side);
        Size { height: axis(picture.height), width: axis(picture.width) }
    }

    /// Where tiles begin along an axis; all but the last are of the full side.
    fn begins(self, length: usize) -> impl Iterator<Item = usize> + Clone {
        let advance = self.side - self.overlap;
        let count = 1 + length.saturating_sub(self.side).div_ceil(advance);
        (0..count).map(move |tile| tile * advance)
    }

    /// The answers of `run` for all tiles, mixed; none if it gives none for a tile.
    ///
    /// # Shapes
    /// `rgb: [h, w, 3] -> [h, w]`, and the same of the tiles
    pub(super) fn blend(
        self,
        rgb: &[f32],
        size: Size,
        run: impl Fn(&[f32], Size) -> Result<Option<Vec<f32>>>,
    ) -> Result<Option<Vec<f32>>> {
        let Size { height, width } = size;
        let (mut sum, mut weights) = (vec![0.0; height * width], vec![0.0; height * width]);
        let mut part = Vec::new();
        for top in self.begins(height) {
            for left in self.begins(width) {
                let tile = Size {
                    height: self.side.min(height - top),
                    width: self.side.min(width - left),
                };
                part.clear();
                for row in top..top + tile.height {
                    part.extend_from_slice(&rgb[3 * (row * width + left)..][..3 * tile.width]);
                }
                let Some(p) = run(&part, tile)? else { return Ok(None) };
                let down = self.ramp(top, tile.height, height);
                let across = self.ramp(left, tile.width, width);
                for (row, p) in p.chunks_exact(tile.width).enumerate() {
                    let at = (top + row) * width + left;
                    let sums = sum[at..].iter_mut().zip(&mut weights[at..]);
                    for (((sum, weight), &p), &across) in sums.zip(p).zip(&across) {
                        *sum += down[row] * across * p;
                        *weight += down[row] * across;
                    }
                }
            }
        }
        for (sum, &weight) in sum.iter_mut().zip(&weights) {
            // Every pixel lies in a tile, and no weight is 0. A mean of probabilities, but for rounding.
            *sum = (*sum / weight).clamp(0.0, 1.0);
        }
        Ok(Some(sum))
    }

    /// Weights along an axis for a tile at `begin`: 1, but rising and falling over the overlap with a neighbour.
    fn ramp(self, begin: usize, length: usize, whole: usize) -> Vec<f32> {
        let share = |cells: usize| ((cells + 1) as f32 / (self.overlap + 1) as f32).min(1.0);
        let weight = |cell: usize| {
            let rising = if begin > 0 { share(cell) } else { 1.0 };
            let falling = if begin + length < whole { share(length - 1 - cell) } else { 1.0 };
            rising * falling
        };
        (0..length).map(weight).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_cell() {
        let tiles = Tiles::new(128, Some(32)).unwrap();
        let begins = |length| tiles.begins(length).collect::<Vec<_>>();
        assert_eq!(begins(100), [0]);
        assert_eq!(begins(128), [0]);
        assert_eq!(begins(129), [0, 96]);
        assert_eq!(begins(224), [0, 96]);
        assert_eq!(begins(225), [0, 96, 192]);
        // The last overlaps by the whole overlap and has at least a cell of its own.
        for length in 1..1000 {
            let last = tiles.begins(length).last().unwrap();
            assert!(last + 128 >= length && (last == 0 || last + 32 < length), "{length}");
        }
        let error = Tiles::new(128, Some(96)).unwrap_err().to_string();
        assert_eq!(error, "tiles: overlap: 96 must be a multiple of 32 up to 64, half of the side");
        assert!(Tiles::new(0, None).is_err() && Tiles::new(usize::MAX, None).is_err());
    }

    #[test]
    fn what_looks_at_its_own_pixel_only_is_the_same_in_tiles() {
        let size = Size { height: 150, width: 333 };
        let rgb: Vec<f32> = (0..size.pixels() * 3).map(|at| (at % 251) as f32 / 251.0).collect();
        let red = |rgb: &[f32], _| Ok(Some(rgb.chunks_exact(3).map(|pixel| pixel[0]).collect()));
        let whole: Vec<f32> = rgb.chunks_exact(3).map(|pixel| pixel[0]).collect();
        for overlap in [0, 32, 64] {
            let tiles = Tiles::new(128, Some(overlap)).unwrap();
            let got = tiles.blend(&rgb, size, red).unwrap().unwrap();
            let worst = got.iter().zip(&whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-6, "{overlap}: {worst}");
        }
        // Tiles that disagree: 0 in the first, 1 in the second; the mix rises from one to the other.
        let tiles = Tiles::new(64, Some(32)).unwrap();
        let size = Size { height: 1, width: 96 };
        let rgb: Vec<f32> = (0..96).flat_map(|at| [at as f32; 3]).collect();
        let second =
            |rgb: &[f32], size: Size| Ok(Some(vec![f32::from(rgb[0] > 0.0); size.pixels()]));
        let got = tiles.blend(&rgb, size, second).unwrap().unwrap();
        assert!(tiles.blend(&rgb, size, |_, _| Ok(None)).unwrap().is_none());
        assert_eq!((got[31], got[64]), (0.0, 1.0));
        // At the first shared cell 32/33 of the first tile and 1/33 of the second.
        assert!((got[32] - 1.0 / 33.0).abs() < 1e-6 && got.is_sorted());
    }
}
