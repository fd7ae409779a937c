//! Changes to training images, drawn anew for each item of each epoch.
//!
//! Each file is one change: a pure function of the photo and of what was drawn, and the draw apart from
//! it. [`Augment`] is the list of all of them, as it stands in a run's settings, and applies them in
//! this order: mirror, random size, soft crop, fixed size, patch; then brightness, contrast, hue and
//! saturation. Labels go where their pixels go.

pub mod brightness;
pub mod colour;
pub mod contrast;
pub mod flip;
pub mod hue;
pub mod patch;
pub mod resize;
pub mod saturation;
pub mod soft_crop;

use serde::{Deserialize, Serialize};

use crate::Size;
use crate::datasets::Labelled;
use crate::decode::MAX_PIXELS;
use crate::error::{DataError, Result};
use crate::random::Random;

pub use colour::Range;
pub use flip::Flip;
pub use resize::RandomResize;
pub use soft_crop::SoftCrop;

/// Which changes are made, and how strong they are. What is `None` is not done.
///
/// ```
/// use upconv_data::augment::{Augment, Flip};
/// let settings = r#"{"flip": "random", "patch": {"height": 256, "width": 256}, "soft_crop": {}}"#;
/// let augment: Augment = serde_json::from_str(settings)?;
/// assert_eq!(augment.flip, Flip::Random);
/// assert_eq!(augment.soft_crop, Augment::kittiseg().soft_crop);
/// assert_eq!(augment.hue, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Whether images are mirrored.
    pub flip: Flip,
    /// Larger or smaller, in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_resize: Option<RandomResize>,
    /// A few rows and columns cut away, in some cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_crop: Option<SoftCrop>,
    /// Stretched to this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed_resize: Option<Size>,
    /// A patch of this size, anywhere; black and void beyond a photo that is smaller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Size>,
    /// Most that is added or taken away, of 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<f64>,
    /// Factors around the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Range>,
    /// Most turns of the circle of hues, either way: up to 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hue: Option<f64>,
    /// Factors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saturation: Option<Range>,
}

/// A photo as a network takes it, with its labels.
#[derive(Clone, PartialEq)]
pub struct Augmented {
    /// Rows and columns.
    pub size: Size,
    /// `[height, width, 3]`: red, green, blue, in 0..255, not rounded.
    pub rgb: Vec<f32>,
    /// `[height, width]`
    pub labels: Vec<u8>,
}

impl Augment {
    /// No changes.
    pub fn none() -> Self {
        Self::default()
    }

    /// What KittiSeg trains with: each image also mirrored, and a soft crop in four of five cases.
    ///
    /// # Source
    /// hypes/KittiSeg.json and inputs/kitti_seg_input.py of MarvinTeichmann/KittiSeg.
    pub fn kittiseg() -> Self {
        Self { flip: Flip::Both, soft_crop: Some(SoftCrop::default()), ..Self::default() }
    }

    /// That all settings have a meaning.
    ///
    /// # Errors
    /// With the name of the setting, what it is and what it may be.
    pub fn check(&self) -> Result<()> {
        let rule = |holds: bool, name, got: String, legal| match holds {
            true => Ok(()),
            false => Err(DataError::Setting { name, got, legal }),
        };
        let chance = |name, value: f64| {
            rule((0.0..=1.0).contains(&value), name, value.to_string(), "a number from 0 to 1")
        };
        let range = |name, range: Option<Range>| match range {
            None => Ok(()),
            Some(Range { min, max }) => rule(
                0.0 <= min && min <= max && max <= 1e3,
                name,
                format!("{min} to {max}"),
                "a range within 0 to 1000, the smaller number first",
            ),
        };
        let size = |name, size: Option<Size>| match size {
            None => Ok(()),
            Some(size) => rule(
                (1..=MAX_PIXELS).contains(&size.pixels()),
                name,
                size.to_string(),
                "a size of 1 to 268435456 pixels",
            ),
        };
        if let Some(SoftCrop { chance: often, max }) = self.soft_crop {
            chance("soft_crop.chance", often)?;
            rule(max >= 1, "soft_crop.max", max.to_string(), "1 or more")?;
        }
        if let Some(RandomResize { chance: often, deviation, min, max }) = self.random_resize {
            chance("random_resize.chance", often)?;
            let legal = "a number from 0 to 10";
            let holds = (0.0..=10.0).contains(&deviation);
            rule(holds, "random_resize.deviation", deviation.to_string(), legal)?;
            let legal = "a range within 0.01 to 100, the smaller number first";
            let holds = 0.01 <= min && min <= max && max <= 100.0;
            rule(holds, "random_resize", format!("{min} to {max}"), legal)?;
        }
        size("fixed_resize", self.fixed_resize)?;
        size("patch", self.patch)?;
        if let Some(most) = self.brightness {
            let holds = (0.0..=255.0).contains(&most);
            rule(holds, "brightness", most.to_string(), "a number from 0 to 255")?;
        }
        if let Some(most) = self.hue {
            rule((0.0..=0.5).contains(&most), "hue", most.to_string(), "a number from 0 to 0.5")?;
        }
        range("contrast", self.contrast)?;
        range("saturation", self.saturation)
    }

    /// Changes a photo. With [`Flip::Both`] the caller says which of the two it wants by
    /// `wants_mirror`, otherwise that counts for nothing.
    ///
    /// # Errors
    /// If a size is impossible or the memory cannot be had.
    pub fn apply(
        &self,
        photo: &Labelled,
        wants_mirror: bool,
        random: &mut Random,
    ) -> Result<Augmented> {
        let shaped = self.shape(photo, wants_mirror, random)?;
        let photo = shaped.as_ref().unwrap_or(photo);
        let mut rgb = crate::datasets::labelled::zeros(photo.rgb().len())?;
        for (value, &byte) in rgb.iter_mut().zip(photo.rgb()) {
            *value = f32::from(byte);
        }
        self.colour(&mut rgb, random);
        Ok(Augmented { size: photo.size(), rgb, labels: photo.labels().to_vec() })
    }

    /// What moves pixels; `None` if nothing did.
    fn shape(
        &self,
        photo: &Labelled,
        wants_mirror: bool,
        random: &mut Random,
    ) -> Result<Option<Labelled>> {
        let mut shaped: Option<Labelled> = None;
        let mirror = match self.flip {
            Flip::Off => false,
            Flip::Random => random.chance(0.5),
            Flip::Both => wants_mirror,
        };
        if mirror {
            shaped = Some(flip::mirrored(photo)?);
        }
        if let Some(factor) = self.random_resize.and_then(|resize| resize.draw(random)) {
            let photo = shaped.as_ref().unwrap_or(photo);
            shaped = Some(resize::resized(photo, resize::scaled(photo.size(), factor))?);
        }
        if let Some(cut) = self.soft_crop.and_then(|crop| crop.draw(random)) {
            shaped = Some(soft_crop::cut(shaped.as_ref().unwrap_or(photo), cut)?);
        }
        if let Some(size) = self.fixed_resize {
            shaped = Some(resize::resized(shaped.as_ref().unwrap_or(photo), size)?);
        }
        if let Some(size) = self.patch {
            let photo = shaped.as_ref().unwrap_or(photo);
            shaped = Some(patch::patch(photo, size, patch::draw(photo.size(), size, random))?);
        }
        Ok(shaped)
    }

    /// What changes colours. Brightness and contrast may lead out of 0..255, where hues have no
    /// meaning: what is beyond is cut off before them.
    fn colour(&self, rgb: &mut [f32], random: &mut Random) {
        let both_ways = |most: f64| Range { min: -most, max: most };
        if let Some(most) = self.brightness {
            brightness::add(rgb, both_ways(most).draw(random));
        }
        if let Some(range) = self.contrast {
            contrast::stretch(rgb, range.draw(random));
        }
        if self.brightness.is_some() || self.contrast.is_some() {
            rgb.iter_mut().for_each(|value| *value = value.clamp(0.0, 255.0));
        }
        if let Some(most) = self.hue {
            hue::turn(rgb, both_ways(most).draw(random));
        }
        if let Some(range) = self.saturation {
            saturation::scale(rgb, range.draw(random));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::datasets::VOID;
    use crate::random::{Purpose, Stream};

    pub(crate) fn random(seed: u64) -> Random {
        Stream { seed, purpose: Purpose::AUGMENT, epoch: 0, index: 0 }.start()
    }

    /// A photo in which red is the row, green the column, and the label a function of them.
    pub(crate) fn placed(size: Size) -> Labelled {
        let places = || {
            (0..size.height)
                .flat_map(|row| (0..size.width).map(move |column| (row as u8, column as u8)))
        };
        let rgb = places().flat_map(|(row, column)| [row, column, 200]).collect();
        Labelled::new(size, rgb, places().map(|(row, column)| label(row, column)).collect())
            .unwrap()
    }

    fn label(row: u8, column: u8) -> u8 {
        row.wrapping_mul(31).wrapping_add(column.wrapping_mul(7)) % 200
    }

    /// That each label is the function of its pixel, or void and black.
    pub(crate) fn assert_aligned(photo: &Labelled) {
        for (pixel, &got) in photo.rgb().chunks_exact(3).zip(photo.labels()) {
            match pixel {
                [0, 0, 0] => assert_eq!(got, VOID),
                _ => assert_eq!(got, label(pixel[0], pixel[1])),
            }
        }
    }

    #[test]
    fn whatever_moves_pixels_moves_labels() {
        let photo = placed(Size { height: 60, width: 80 });
        let augment = Augment {
            flip: Flip::Random,
            soft_crop: Some(SoftCrop::default()),
            patch: Some(Size { height: 40, width: 90 }),
            ..Augment::none()
        };
        let mut random = random(1);
        let mut different = std::collections::HashSet::new();
        for _ in 0..100 {
            let shaped = augment.shape(&photo, false, &mut random).unwrap().unwrap();
            assert_aligned(&shaped);
            different.insert(shaped.labels().to_vec());
        }
        assert!(different.len() > 95, "{}", different.len());
    }

    #[test]
    fn none_changes_nothing_and_draws_nothing() {
        let photo = placed(Size { height: 5, width: 6 });
        let mut random = random(2);
        let same = Augment::none().apply(&photo, true, &mut random).unwrap();
        assert!(same.rgb.iter().zip(photo.rgb()).all(|(&value, &byte)| value == f32::from(byte)));
        assert_eq!((same.size, &same.labels[..]), (photo.size(), photo.labels()));
        assert_eq!(random.position().words, 0);
    }

    #[test]
    fn both_is_as_the_caller_wants() {
        let photo = placed(Size { height: 5, width: 6 });
        let augment = Augment { flip: Flip::Both, ..Augment::none() };
        let apply = |mirror| augment.apply(&photo, mirror, &mut random(3)).unwrap();
        assert_eq!(apply(false).labels, photo.labels());
        assert_eq!(apply(true).labels, flip::mirrored(&photo).unwrap().labels());
        let back = flip::mirrored(&flip::mirrored(&photo).unwrap()).unwrap();
        assert_eq!(back, photo);
    }

    #[test]
    fn colours_stay_in_range_and_leave_labels_alone() {
        let photo = placed(Size { height: 20, width: 30 });
        let augment = Augment {
            brightness: Some(200.0),
            contrast: Some(Range { min: 0.1, max: 4.0 }),
            hue: Some(0.5),
            saturation: Some(Range { min: 0.0, max: 3.0 }),
            ..Augment::none()
        };
        let mut random = random(4);
        for _ in 0..50 {
            let changed = augment.apply(&photo, false, &mut random).unwrap();
            assert!(changed.rgb.iter().all(|value| (0.0..=255.0).contains(value)));
            assert_eq!(changed.labels, photo.labels());
        }
    }

    #[test]
    fn settings_come_back_from_text_as_they_were() {
        let all = Augment {
            random_resize: Some(RandomResize::default()),
            fixed_resize: Some(Size { height: 384, width: 1248 }),
            brightness: Some(30.0),
            contrast: Some(Range { min: 0.75, max: 1.25 }),
            hue: Some(0.15),
            saturation: Some(Range { min: 0.5, max: 1.6 }),
            ..Augment::kittiseg()
        };
        for augment in [all, Augment::kittiseg(), Augment::none()] {
            augment.check().unwrap();
            let text = serde_json::to_string(&augment).unwrap();
            assert_eq!(serde_json::from_str::<Augment>(&text).unwrap(), augment);
        }
        assert_eq!(serde_json::to_string(&Augment::none()).unwrap(), r#"{"flip":"off"}"#);
        assert!(serde_json::from_str::<Augment>(r#"{"mirror": true}"#).is_err());
    }

    #[test]
    fn settings_without_a_meaning_are_named() {
        let none = Augment::none;
        let size = |height, width| Some(Size { height, width });
        let range = |min, max| Some(Range { min, max });
        let crop = |chance, max| Some(SoftCrop { chance, max });
        for (augment, expected) in [
            (Augment { soft_crop: crop(1.5, 3), ..none() }, "soft_crop.chance is 1.5"),
            (Augment { soft_crop: crop(f64::NAN, 3), ..none() }, "soft_crop.chance is NaN"),
            (Augment { soft_crop: crop(0.5, 0), ..none() }, "soft_crop.max is 0"),
            (Augment { patch: size(0, 5), ..none() }, "patch is 5x0"),
            (Augment { fixed_resize: size(usize::MAX, 2), ..none() }, "fixed_resize is 2x"),
            (
                Augment { hue: Some(0.6), ..none() },
                "hue is 0.6, but must be a number from 0 to 0.5",
            ),
            (Augment { brightness: Some(-1.0), ..none() }, "brightness is -1"),
            (Augment { contrast: range(2.0, 1.0), ..none() }, "contrast is 2 to 1"),
            (Augment { saturation: range(0.0, f64::INFINITY), ..none() }, "saturation is 0 to inf"),
        ] {
            let error = augment.check().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        let resize = RandomResize { min: 0.0, ..RandomResize::default() };
        let error = Augment { random_resize: Some(resize), ..none() }.check().unwrap_err();
        assert!(error.to_string().starts_with("random_resize is 0 to 1.7"), "{error}");
    }
}
