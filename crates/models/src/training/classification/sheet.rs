//! Pictures side by side, with a frame that says whether their class was found.

use upconv_data::{Picture, Size};
use upconv_train::Sample;

/// Pictures of a sheet: eight rows of eight.
pub(super) const PICTURES: usize = 64;

const COLUMNS: usize = 8;

/// Pixels of a frame, on each side.
const FRAME: usize = 2;

/// Longest side of a picture on the sheet; larger ones are shown by every so many pixels.
const SIDE: usize = 96;

const RIGHT: [u8; 3] = [40, 160, 60];
const WRONG: [u8; 3] = [210, 40, 40];

/// The sheet; `right[i]` is of `pictures[i]`.
pub(super) fn sheet(pictures: &[Picture], right: &[bool]) -> Sample {
    let step = |picture: &Picture| picture.width.max(picture.height).div_ceil(SIDE).max(1);
    let shown = |picture: &Picture| {
        let step = step(picture);
        [picture.height.div_ceil(step), picture.width.div_ceil(step)]
    };
    let [mut high, mut wide] = [1, 1];
    for picture in pictures {
        let [h, w] = shown(picture);
        (high, wide) = (high.max(h), wide.max(w));
    }
    let [cell_h, cell_w] = [high + 2 * FRAME, wide + 2 * FRAME];
    let columns = pictures.len().clamp(1, COLUMNS);
    let size =
        Size { height: cell_h * pictures.len().div_ceil(columns).max(1), width: cell_w * columns };
    let mut rgb = vec![255; 3 * size.pixels()];
    for (index, (picture, &right)) in pictures.iter().zip(right).enumerate() {
        let (top, left) = (index / columns * cell_h, index % columns * cell_w);
        let ([h, w], step) = (shown(picture), step(picture));
        for row in 0..h + 2 * FRAME {
            for column in 0..w + 2 * FRAME {
                let inside = row.checked_sub(FRAME).zip(column.checked_sub(FRAME));
                let colour = match inside.filter(|&(row, column)| row < h && column < w) {
                    Some((row, column)) => {
                        let place = 3 * (row * step * picture.width + column * step);
                        [0, 1, 2].map(|channel| picture.rgb[place + channel])
                    }
                    None if right => RIGHT,
                    None => WRONG,
                };
                let place = 3 * ((top + row) * size.width + left + column);
                rgb[place..place + 3].copy_from_slice(&colour);
            }
        }
    }
    Sample { size, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pictures_and_their_frames() {
        let picture = Picture { width: 1, height: 1, rgb: vec![1, 2, 3], alpha: None };
        let Sample { size, rgb } = sheet(&[picture.clone(), picture], &[true, false]);
        assert_eq!(size, Size { height: 5, width: 10 });
        let pixel = |row: usize, column: usize| &rgb[3 * (row * 10 + column)..][..3];
        assert_eq!((pixel(2, 2), pixel(2, 7)), (&[1, 2, 3][..], &[1, 2, 3][..]));
        assert_eq!((pixel(0, 4), pixel(4, 5)), (&RIGHT[..], &WRONG[..]));
    }
}
