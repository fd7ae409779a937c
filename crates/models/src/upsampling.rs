//! Four ways to larger maps, for the networks that let one choose.

use serde::{Deserialize, Serialize};

/// How maps become larger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upsampling {
    /// A transposed convolution, which is trained.
    #[default]
    Transposed,
    /// Bilinear resize with half-pixel centres, which has no parameters.
    Bilinear,
    /// Every value goes back to where a max pooling on the way down found it.
    ///
    /// # Source
    /// M. Zeiler, G. Taylor, R. Fergus, "Adaptive deconvolutional networks for mid and high level feature learning",
    /// 2011; Badrinarayanan, Kendall and Cipolla, "SegNet", 2015.
    Unpool,
    /// A convolution to many channels, which then become space.
    ///
    /// # Source
    /// W. Shi and others, "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    /// neural network", 2016.
    Shuffle,
}

impl Upsampling {
    /// All, in the order of lists.
    pub const ALL: [Self; 4] = [Self::Transposed, Self::Bilinear, Self::Unpool, Self::Shuffle];

    /// The name in settings and files.
    ///
    /// ```
    /// use upconv_models::upsampling::Upsampling;
    /// for how in Upsampling::ALL {
    ///     assert_eq!(serde_json::to_value(how)?, how.name());
    /// }
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transposed => "transposed",
            Self::Bilinear => "bilinear",
            Self::Unpool => "unpool",
            Self::Shuffle => "shuffle",
        }
    }
}
