//! The classes of a data set: names and colours.

use serde::Serialize;

use super::mask::Key;

/// The label of pixels that do not count, neither in a loss nor in a score.
pub const VOID: u8 = 255;

/// Most classes that a data set may have: labels 0 to 254.
pub const MAX_CLASSES: usize = VOID as usize;

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// What it is called.
    pub name: String,
    /// Red, green and blue that it is drawn with.
    pub colour: [u8; 3],
}

/// All classes of a data set, and how masks name them. The place in the list is the label.
#[derive(Clone, Debug)]
pub struct Classes {
    pub(super) list: Vec<Class>,
    pub(super) key: Key,
}

impl Classes {
    /// Classes that nobody named: masks hold the numbers from 0 to `count - 1`, at most 254.
    ///
    /// ```
    /// use upconv_data::datasets::Classes;
    /// let classes = Classes::numbered(2);
    /// assert_eq!(classes.list()[1].name, "class 1");
    /// assert_eq!(classes.list()[1].colour, [128, 0, 0]);
    /// ```
    pub fn numbered(count: usize) -> Self {
        let count = count.min(MAX_CLASSES) as u8;
        let class = |number| Class { name: format!("class {number}"), colour: colour(number) };
        Self { list: (0..count).map(class).collect(), key: Key::numbers(count) }
    }

    /// The classes, in the order of their labels.
    pub fn list(&self) -> &[Class] {
        &self.list
    }

    /// How masks name them.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

/// A colour for a class that has none: that of the PASCAL VOC development kit, whose bits are those
/// of the number, spread over the three channels from the highest down.
///
/// # Source
/// `VOClabelcolormap` of the VOC2012 development kit.
///
/// ```
/// use upconv_data::datasets::classes::colour;
/// // Background, aeroplane and TV monitor of PASCAL VOC.
/// assert_eq!([colour(0), colour(1), colour(20)], [[0, 0, 0], [128, 0, 0], [0, 64, 128]]);
/// ```
pub fn colour(number: u8) -> [u8; 3] {
    let mut colour = [0; 3];
    for bit in 0..8 {
        // Bits 0, 3, 6 are the highest of red, 1, 4, 7 those of green, 2, 5 those of blue.
        colour[bit % 3] |= (number >> bit & 1) << (7 - bit / 3);
    }
    colour
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_pascal_voc() {
        // As printed on its pages: person, sheep, bottle; and void, 255.
        assert_eq!(colour(15), [192, 128, 128]);
        assert_eq!(colour(17), [128, 64, 0]);
        assert_eq!(colour(5), [128, 0, 128]);
        assert_eq!(colour(VOID), [224, 224, 192]);
    }

    #[test]
    fn every_number_has_a_colour_of_its_own() {
        let all: std::collections::HashSet<_> = (0..=VOID).map(colour).collect();
        assert_eq!(all.len(), 256);
    }
}
