//! Training of the networks that give a picture its class.
//!
//! | module | what |
//! | --- | --- |
//! | [`settings`] | what can be set |
//! | [`presets`] | settings with a name |
//! | [`networks`] | what training needs to know of each network |
//! | [`figures`] | what a network is worth on some pictures |
//! | [`fine_tune`] | training from weights of other classes, some layers as they are |

mod begin;
mod evaluation;
pub mod figures;
pub mod fine_tune;
mod input;
pub mod networks;
pub mod presets;
pub mod settings;
mod sheet;
mod trainee;

pub(super) use begin::{begin, resume};
pub(super) use evaluation::evaluate;
pub use networks::NAMES;
pub use settings::Settings;
pub use trainee::ClassificationTrainee;

/// Calls a function with the kind of network of a name in place of `N`; `None` for a name of another kind.
macro_rules! with_network {
    ($model:expr, $call:ident::<N>($($argument:expr),* $(,)?)) => {{
        use $crate::{alexnet, cifar, efficientnet, resnet, resnet_cifar, vgg};
        match $model {
            cifar::SOFTMAX | cifar::TWO_LAYER => Some($call::<cifar::Dense>($($argument),*)),
            cifar::CNN | cifar::TUTORIAL => Some($call::<cifar::Cnn>($($argument),*)),
            resnet_cifar::NAME => Some($call::<resnet_cifar::ResNetCifar>($($argument),*)),
            "resnet18" | "resnet34" | "resnet50" | "resnet101" | "resnet152" | "resnet50-half"
            | "resnet10-cvgj" | "resnet50-cvgj" => Some($call::<resnet::ResNet>($($argument),*)),
            "vgg16" | "vgg19" | "vgg19-cvgj" => Some($call::<vgg::Vgg>($($argument),*)),
            "alexnet" | "caffenet" | "alexnet-cvgj" => {
                Some($call::<alexnet::AlexNet>($($argument),*))
            }
            efficientnet::NAME => Some($call::<efficientnet::EfficientNet>($($argument),*)),
            _ => None,
        }
    }};
}
pub(crate) use with_network;
