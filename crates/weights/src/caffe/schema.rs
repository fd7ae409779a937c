//! Which fields Caffe's messages have: their names in text, and their numbers in bytes.
//!
//! Complete for the messages that are listed. A layer may have others, as forks of Caffe add their own; in text those
//! keep their names and are not checked, in bytes they are passed by, as are blobs, which are read apart.
//!
//! # Source
//! BVLC/caffe, `src/caffe/proto/caffe.proto`; `LayerParameter` is the form since 2014, `V1LayerParameter` the one before.

use Kind::{Bool, Float, Int, Message, OpenWords, Text, Words};

/// A field of a message.
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: &'static str,
    /// Whether it may come more than once.
    pub(super) repeated: bool,
    pub(super) kind: Kind,
}

/// What a field holds.
pub(super) enum Kind {
    Int,
    Float,
    Bool,
    Text,
    /// One of these, each with its number.
    Words(&'static [(&'static str, i64)]),
    /// One of these, or another, as forks of Caffe have more.
    OpenWords(&'static [(&'static str, i64)]),
    Message(&'static [Field]),
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, repeated: false, kind }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field { number, name, repeated: true, kind }
}

/// `NetParameter`.
pub(super) static NET: &[Field] = &[
    one(1, "name", Text),
    many(3, "input", Text),
    many(8, "input_shape", Message(SHAPE)),
    many(4, "input_dim", Int),
    one(5, "force_backward", Bool),
    one(6, "state", Message(STATE)),
    one(7, "debug_info", Bool),
    many(LAYER_NUMBER, "layer", Message(LAYER)),
    many(V1_LAYER_NUMBER, "layers", Message(V1_LAYER)),
];

/// Number of `NetParameter.layer`.
pub(super) const LAYER_NUMBER: u32 = 100;
/// Number of `NetParameter.layers`.
pub(super) const V1_LAYER_NUMBER: u32 = 2;
/// Number of `LayerParameter.blobs`.
pub(super) const BLOBS: u32 = 7;
/// Number of `V1LayerParameter.blobs`.
pub(super) const V1_BLOBS: u32 = 6;

/// `LayerParameter`.
pub(super) static LAYER: &[Field] = &[
    one(1, "name", Text),
    one(2, "type", Text),
    many(3, "bottom", Text),
    many(4, "top", Text),
    one(10, "phase", Words(PHASE)),
    many(5, "loss_weight", Float),
    many(6, "param", Message(PARAM)),
    many(11, "propagate_down", Bool),
    many(8, "include", Message(RULE)),
    many(9, "exclude", Message(RULE)),
    one(100, "transform_param", Message(TRANSFORM)),
    one(139, "batch_norm_param", Message(BATCH_NORM)),
    one(141, "bias_param", Message(BIAS)),
    one(104, "concat_param", Message(CONCAT)),
    one(106, "convolution_param", Message(CONVOLUTION)),
    one(144, "crop_param", Message(CROP)),
    one(108, "dropout_param", Message(DROPOUT)),
    one(110, "eltwise_param", Message(ELTWISE)),
    one(140, "elu_param", Message(ELU)),
    one(135, "flatten_param", Message(FLATTEN)),
    one(117, "inner_product_param", Message(INNER_PRODUCT)),
    one(143, "input_param", Message(INPUT)),
    one(118, "lrn_param", Message(LRN)),
    one(121, "pooling_param", Message(POOLING)),
    one(122, "power_param", Message(POWER)),
    one(131, "prelu_param", Message(PRELU)),
    one(123, "relu_param", Message(RELU)),
    one(133, "reshape_param", Message(RESHAPE)),
    one(142, "scale_param", Message(SCALE)),
    one(124, "sigmoid_param", Message(SIGMOID)),
    one(126, "slice_param", Message(SLICE)),
    one(125, "softmax_param", Message(SOFTMAX)),
    one(127, "tanh_param", Message(SIGMOID)),
];

/// `V1LayerParameter`.
pub(super) static V1_LAYER: &[Field] = &[
    one(1, V0_LAYER, Message(&[])),
    one(4, "name", Text),
    one(5, "type", OpenWords(V1_TYPE)),
    many(2, "bottom", Text),
    many(3, "top", Text),
    many(1001, "param", Text),
    many(1002, "blob_share_mode", Words(SHARE_MODE)),
    many(7, "blobs_lr", Float),
    many(8, "weight_decay", Float),
    many(35, "loss_weight", Float),
    many(32, "include", Message(RULE)),
    many(33, "exclude", Message(RULE)),
    one(36, "transform_param", Message(TRANSFORM)),
    one(9, "concat_param", Message(CONCAT)),
    one(10, "convolution_param", Message(CONVOLUTION)),
    one(12, "dropout_param", Message(DROPOUT)),
    one(24, "eltwise_param", Message(ELTWISE)),
    one(17, "inner_product_param", Message(INNER_PRODUCT)),
    one(18, "lrn_param", Message(LRN)),
    one(19, "pooling_param", Message(POOLING)),
    one(21, "power_param", Message(POWER)),
    one(30, "relu_param", Message(RELU)),
    one(38, "sigmoid_param", Message(SIGMOID)),
    one(31, "slice_param", Message(SLICE)),
    one(39, "softmax_param", Message(SOFTMAX)),
    one(37, "tanh_param", Message(SIGMOID)),
];

/// `V1LayerParameter.layer`: a layer of the form before that, of 2013, whose fields are not read.
pub(super) const V0_LAYER: &str = "layer";

/// `BlobShape`.
static SHAPE: &[Field] = &[many(1, "dim", Int)];

static STATE: &[Field] =
    &[one(1, "phase", Words(PHASE)), one(2, "level", Int), many(3, "stage", Text)];

static RULE: &[Field] = &[
    one(1, "phase", Words(PHASE)),
    one(2, "min_level", Int),
    one(3, "max_level", Int),
    many(4, "stage", Text),
    many(5, "not_stage", Text),
];

static PARAM: &[Field] = &[
    one(1, "name", Text),
    one(2, "share_mode", Words(SHARE_MODE)),
    one(3, "lr_mult", Float),
    one(4, "decay_mult", Float),
];

static FILLER: &[Field] = &[
    one(1, "type", Text),
    one(2, "value", Float),
    one(3, "min", Float),
    one(4, "max", Float),
    one(5, "mean", Float),
    one(6, "std", Float),
    one(7, "sparse", Int),
    one(8, "variance_norm", Words(&[("FAN_IN", 0), ("FAN_OUT", 1), ("AVERAGE", 2)])),
];

static TRANSFORM: &[Field] = &[
    one(1, "scale", Float),
    one(2, "mirror", Bool),
    one(3, "crop_size", Int),
    one(4, "mean_file", Text),
    many(5, "mean_value", Float),
    one(6, "force_color", Bool),
    one(7, "force_gray", Bool),
];

static BATCH_NORM: &[Field] = &[
    one(1, "use_global_stats", Bool),
    one(2, "moving_average_fraction", Float),
    one(3, "eps", Float),
];

static BIAS: &[Field] =
    &[one(1, "axis", Int), one(2, "num_axes", Int), one(3, "filler", Message(FILLER))];

static CONCAT: &[Field] = &[one(2, "axis", Int), one(1, "concat_dim", Int)];

static CONVOLUTION: &[Field] = &[
    one(1, "num_output", Int),
    one(2, "bias_term", Bool),
    many(3, "pad", Int),
    many(4, "kernel_size", Int),
    many(6, "stride", Int),
    many(18, "dilation", Int),
    one(9, "pad_h", Int),
    one(10, "pad_w", Int),
    one(11, "kernel_h", Int),
    one(12, "kernel_w", Int),
    one(13, "stride_h", Int),
    one(14, "stride_w", Int),
    one(5, "group", Int),
    one(7, "weight_filler", Message(FILLER)),
    one(8, "bias_filler", Message(FILLER)),
    one(15, "engine", OpenWords(&[])),
    one(16, "axis", Int),
    one(17, "force_nd_im2col", Bool),
];

static CROP: &[Field] = &[one(1, "axis", Int), many(2, "offset", Int)];

static DROPOUT: &[Field] = &[one(1, "dropout_ratio", Float), one(2, "scale_train", Bool)];

static ELTWISE: &[Field] = &[
    one(1, "operation", Words(&[("PROD", 0), ("SUM", 1), ("MAX", 2)])),
    many(2, "coeff", Float),
    one(3, "stable_prod_grad", Bool),
];

static ELU: &[Field] = &[one(1, "alpha", Float)];

static FLATTEN: &[Field] = &[one(1, "axis", Int), one(2, "end_axis", Int)];

static INNER_PRODUCT: &[Field] = &[
    one(1, "num_output", Int),
    one(2, "bias_term", Bool),
    one(3, "weight_filler", Message(FILLER)),
    one(4, "bias_filler", Message(FILLER)),
    one(5, "axis", Int),
    one(6, "transpose", Bool),
];

static INPUT: &[Field] = &[many(1, "shape", Message(SHAPE))];

static LRN: &[Field] = &[
    one(1, "local_size", Int),
    one(2, "alpha", Float),
    one(3, "beta", Float),
    one(4, "norm_region", Words(&[("ACROSS_CHANNELS", 0), ("WITHIN_CHANNEL", 1)])),
    one(5, "k", Float),
    one(6, "engine", OpenWords(&[])),
];

static POOLING: &[Field] = &[
    one(1, "pool", Words(&[("MAX", 0), ("AVE", 1), ("STOCHASTIC", 2)])),
    one(4, "pad", Int),
    one(9, "pad_h", Int),
    one(10, "pad_w", Int),
    one(2, "kernel_size", Int),
    one(5, "kernel_h", Int),
    one(6, "kernel_w", Int),
    one(3, "stride", Int),
    one(7, "stride_h", Int),
    one(8, "stride_w", Int),
    one(11, "engine", OpenWords(&[])),
    one(12, "global_pooling", Bool),
    one(13, "round_mode", Words(&[("CEIL", 0), ("FLOOR", 1)])),
];

static POWER: &[Field] = &[one(1, "power", Float), one(2, "scale", Float), one(3, "shift", Float)];

static PRELU: &[Field] = &[one(1, "filler", Message(FILLER)), one(2, "channel_shared", Bool)];

static RELU: &[Field] = &[one(1, "negative_slope", Float), one(2, "engine", OpenWords(&[]))];

static RESHAPE: &[Field] =
    &[one(1, "shape", Message(SHAPE)), one(2, "axis", Int), one(3, "num_axes", Int)];

static SCALE: &[Field] = &[
    one(1, "axis", Int),
    one(2, "num_axes", Int),
    one(3, "filler", Message(FILLER)),
    one(4, "bias_term", Bool),
    one(5, "bias_filler", Message(FILLER)),
];

static SIGMOID: &[Field] = &[one(1, "engine", OpenWords(&[]))];

static SLICE: &[Field] =
    &[one(3, "axis", Int), many(2, "slice_point", Int), one(1, "slice_dim", Int)];

static SOFTMAX: &[Field] = &[one(1, "engine", OpenWords(&[])), one(2, "axis", Int)];

static PHASE: &[(&str, i64)] = &[("TRAIN", 0), ("TEST", 1)];

static SHARE_MODE: &[(&str, i64)] = &[("STRICT", 0), ("PERMISSIVE", 1)];

static V1_TYPE: &[(&str, i64)] = &[
    ("NONE", 0),
    ("ABSVAL", 35),
    ("ACCURACY", 1),
    ("ARGMAX", 30),
    ("BNLL", 2),
    ("CONCAT", 3),
    ("CONTRASTIVE_LOSS", 37),
    ("CONVOLUTION", 4),
    ("DATA", 5),
    ("DECONVOLUTION", 39),
    ("DROPOUT", 6),
    ("DUMMY_DATA", 32),
    ("EUCLIDEAN_LOSS", 7),
    ("ELTWISE", 25),
    ("EXP", 38),
    ("FLATTEN", 8),
    ("HDF5_DATA", 9),
    ("HDF5_OUTPUT", 10),
    ("HINGE_LOSS", 28),
    ("IM2COL", 11),
    ("IMAGE_DATA", 12),
    ("INFOGAIN_LOSS", 13),
    ("INNER_PRODUCT", 14),
    ("LRN", 15),
    ("MEMORY_DATA", 29),
    ("MULTINOMIAL_LOGISTIC_LOSS", 16),
    ("MVN", 34),
    ("POOLING", 17),
    ("POWER", 26),
    ("RELU", 18),
    ("SIGMOID", 19),
    ("SIGMOID_CROSS_ENTROPY_LOSS", 27),
    ("SILENCE", 36),
    ("SOFTMAX", 20),
    ("SOFTMAX_LOSS", 21),
    ("SPLIT", 22),
    ("SLICE", 33),
    ("TANH", 23),
    ("WINDOW_DATA", 24),
    ("THRESHOLD", 31),
];

/// What a type of the old form is called in the new one, as Caffe's `UpgradeV1LayerType` has it.
pub(super) fn new_type(word: &str) -> Option<&'static str> {
    Some(match word {
        "NONE" => "",
        "ABSVAL" => "AbsVal",
        "ACCURACY" => "Accuracy",
        "ARGMAX" => "ArgMax",
        "BNLL" => "BNLL",
        "CONCAT" => "Concat",
        "CONTRASTIVE_LOSS" => "ContrastiveLoss",
        "CONVOLUTION" => "Convolution",
        "DATA" => "Data",
        "DECONVOLUTION" => "Deconvolution",
        "DROPOUT" => "Dropout",
        "DUMMY_DATA" => "DummyData",
        "EUCLIDEAN_LOSS" => "EuclideanLoss",
        "ELTWISE" => "Eltwise",
        "EXP" => "Exp",
        "FLATTEN" => "Flatten",
        "HDF5_DATA" => "HDF5Data",
        "HDF5_OUTPUT" => "HDF5Output",
        "HINGE_LOSS" => "HingeLoss",
        "IM2COL" => "Im2col",
        "IMAGE_DATA" => "ImageData",
        "INFOGAIN_LOSS" => "InfogainLoss",
        "INNER_PRODUCT" => "InnerProduct",
        "LRN" => "LRN",
        "MEMORY_DATA" => "MemoryData",
        "MULTINOMIAL_LOGISTIC_LOSS" => "MultinomialLogisticLoss",
        "MVN" => "MVN",
        "POOLING" => "Pooling",
        "POWER" => "Power",
        "RELU" => "ReLU",
        "SIGMOID" => "Sigmoid",
        "SIGMOID_CROSS_ENTROPY_LOSS" => "SigmoidCrossEntropyLoss",
        "SILENCE" => "Silence",
        "SOFTMAX" => "Softmax",
        "SOFTMAX_LOSS" => "SoftmaxWithLoss",
        "SPLIT" => "Split",
        "SLICE" => "Slice",
        "TANH" => "TanH",
        "WINDOW_DATA" => "WindowData",
        "THRESHOLD" => "Threshold",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check(fields: &[Field], depth: usize) {
        assert!(depth < 6);
        let numbers: BTreeSet<_> = fields.iter().map(|field| field.number).collect();
        let names: BTreeSet<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!((numbers.len(), names.len()), (fields.len(), fields.len()));
        for field in fields {
            match field.kind {
                Message(fields) => check(fields, depth + 1),
                Words(words) | OpenWords(words) => {
                    let numbers: BTreeSet<_> = words.iter().map(|(_, number)| number).collect();
                    assert_eq!(numbers.len(), words.len());
                }
                Int | Float | Bool | Text => {}
            }
        }
    }

    #[test]
    fn every_number_and_name_once() {
        check(NET, 0);
        // Caffe counts 40 types from 0 on, without a gap.
        let numbers: BTreeSet<_> = V1_TYPE.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, (0..40).collect());
        assert!(V1_TYPE.iter().all(|(word, _)| new_type(word).is_some()));
    }
}
