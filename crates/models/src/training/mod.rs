//! Training of the networks that give every pixel its class, and of those that give a picture one.
//!
//! [`begin()`] makes a run of a model's name, a folder of pictures and what a user wishes; [`resume`] opens it again;
//! `upconv_train::train` does the rest. [`evaluate`] says what weights are worth.
//!
//! | module | what |
//! | --- | --- |
//! | [`classification`] | all of it for classifiers; the rest is for pixels |
//! | [`segmentation`] | a step, an evaluation, a sample picture |
//! | [`loss`] | what is made small |
//! | [`settings`] | what can be set |
//! | [`presets`] | settings with a name, KittiSeg's among them |
//! | [`networks`] | what training needs to know of each network |
//! | [`figures`] | what a network is worth on some pictures |
//! | [`evaluation`] | what weights of a file are worth |

mod begin;
pub mod classification;
pub mod evaluation;
pub mod figures;
pub mod loss;
pub mod networks;
pub mod presets;
pub mod road;
pub mod segmentation;
pub mod settings;

pub use begin::{Begun, Wishes, begin, resume};
pub use evaluation::{Confusions, Evaluation, evaluate};
pub use segmentation::SegmentationTrainee;
