//! Where each parameter stands in the TF.js graph: numbers there, parts of the network here.

use upconv_weights::{Axes, RenameTable, Rule};

/// A layer of ours, and the number of its node in the graph.
struct Numbered {
    layer: &'static str,
    node: usize,
}

const fn at(layer: &'static str, node: usize) -> Numbered {
    Numbered { layer, node }
}

/// Ordinary convolutions: filter `Conv2D_<node>/filter`, bias `conv2d_<node - 1>_1/y`. There is no node 1;
/// node 0 is written `Conv2D/filter` and `conv2d_1/y`.
const CONVS: [Numbered; 43] = [
    at("stem", 0),
    at("mb1.expand", 2),
    at("mb1.gate.squeeze", 3),
    at("mb1.gate.excite", 4),
    at("mb1.project", 5),
    at("mb2.expand", 6),
    at("mb2.project", 7),
    at("mb3.expand", 8),
    at("mb3.project", 9),
    at("mb4.expand", 10),
    at("mb4.gate.squeeze", 11),
    at("mb4.gate.excite", 12),
    at("mb4.project", 13),
    at("mb5.expand", 14),
    at("mb5.gate.squeeze", 15),
    at("mb5.gate.excite", 16),
    at("mb5.project", 17),
    at("mb6.expand", 18),
    at("mb6.gate.squeeze", 19),
    at("mb6.gate.excite", 20),
    at("mb6.project", 21),
    at("mb7.expand", 22),
    at("mb7.gate.squeeze", 23),
    at("mb7.gate.excite", 24),
    at("mb7.project", 25),
    at("mb8.expand", 26),
    at("mb8.gate.squeeze", 27),
    at("mb8.gate.excite", 28),
    at("mb8.project", 29),
    at("context", 30),
    at("context_gate", 31),
    at("dec8.narrow", 32),
    at("dec8.gate.squeeze", 33),
    at("dec8.gate.excite", 34),
    at("dec8.mix", 35),
    at("dec4.narrow", 36),
    at("dec4.gate.squeeze", 37),
    at("dec4.gate.excite", 38),
    at("dec4.mix", 39),
    at("dec2.narrow", 40),
    at("dec2.gate.squeeze", 41),
    at("dec2.gate.excite", 42),
    at("dec2.mix", 43),
];

/// Convolutions of every channel by itself: filter `depthwise_<node>/filter_in`, bias
/// `depthwise_conv2d_<node>/y`; node 0 is written without its number.
const DEPTHWISE: [Numbered; 11] = [
    at("mb1.depthwise", 0),
    at("mb2.depthwise", 1),
    at("mb3.depthwise", 2),
    at("mb4.depthwise", 3),
    at("mb5.depthwise", 4),
    at("mb6.depthwise", 5),
    at("mb7.depthwise", 6),
    at("mb8.depthwise", 7),
    at("dec8.depthwise", 8),
    at("dec4.depthwise", 9),
    at("dec2.depthwise", 10),
];

/// The node that holds the factor of the hard swish; ten more hold the same.
pub(super) const HARD_SWISH_SCALE: &str = "mul_1/y";

/// From the names of the TF.js graph to ours.
pub fn tfjs_names() -> RenameTable {
    let mut rules = Vec::new();
    for Numbered { layer, node } in CONVS {
        let (filter, bias) = match node {
            0 => ("Conv2D/filter".into(), "conv2d_1/y".into()),
            _ => (format!("Conv2D_{node}/filter"), format!("conv2d_{}_1/y", node - 1)),
        };
        rules.push(Rule::take(filter, format!("{layer}.weight"), Axes::HWIO_TO_OIHW));
        rules.push(Rule::take(bias, format!("{layer}.bias"), Axes::Keep));
    }
    for Numbered { layer, node } in DEPTHWISE {
        let suffix = if node == 0 { String::new() } else { format!("_{node}") };
        let filter = format!("depthwise{suffix}/filter_in");
        rules.push(Rule::take(filter, format!("{layer}.weight"), Axes::DEPTHWISE_TO_OIHW));
        let bias = format!("depthwise_conv2d{suffix}/y");
        rules.push(Rule::take(bias, format!("{layer}.bias"), Axes::Keep));
    }
    // The transposed convolution's filter is [kh, kw, out, in].
    rules.push(Rule::take("segment/filter", "head.weight", Axes::HWOI_TO_IOHW));
    rules.push(Rule::take("segment_add/y", "head.bias", Axes::Keep));

    let swish = "the factor of the hard swish, which the config states";
    rules.push(Rule::ignore("mul_{n}/y", swish));
    let three = "the 3 of the hard swish";
    rules.push(Rule::ignore("add/y", three));
    rules.push(Rule::ignore("add_{n}/y", three));
    let sizes = "a size of the graph's fixed input; ours follow from the input";
    rules.push(Rule::ignore("segment/input_sizes", sizes));
    rules.push(Rule::ignore("up_sampling2d_lambda/resize/size", sizes));
    rules.push(Rule::ignore("up_sampling2d_{n}_lambda/resize/size", sizes));
    RenameTable::new(rules)
}
