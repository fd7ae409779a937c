use burn::tensor::Device;
use upconv_weights::{Rule, Tensor as Weight};

use super::*;
use crate::description::{LayerKind, describe};
use crate::stored;

fn net(config: &AlexNetConfig) -> AlexNet {
    AlexNet::new(config, &Device::flex()).unwrap()
}

/// The prototxts of Caffe and CVGJ.
#[test]
fn counts_and_sizes_are_those_of_caffe() {
    for (config, expected) in
        [(AlexNetConfig::default(), 60_965_224), (AlexNetConfig::cvgj(), 60_965_230)]
    {
        let layers = describe(&net(&config), [1, 3, 227, 227]).unwrap();
        assert_eq!(layers.iter().map(|layer| layer.parameters).sum::<usize>(), expected);
        let pools = layers.iter().filter(|layer| layer.kind == LayerKind::MaxPool);
        let pools: Vec<_> = pools.map(|layer| layer.shape_out).collect();
        assert_eq!(pools, [[96, 27, 27], [256, 13, 13], [256, 6, 6]]);
        assert_eq!(layers[if config.norm == Norm::Batch { 1 } else { 0 }].shape_out, [96, 55, 55]);
    }
    // 19,150 in the file, with a number that divides for each of the 8 norms.
    let all = stored::expected(&net(&AlexNetConfig::cvgj()));
    let statistics = all.iter().filter(|e| e.name.contains("running"));
    let cells: usize = statistics.map(|e| e.shape.iter().product::<usize>()).sum();
    assert_eq!(cells, 19_150 - 8);
}

#[test]
fn tables_are_complete() {
    let narrow = AlexNetConfig { channels: [2; 5], head: 3, classes: 4, ..Default::default() };
    for norm in [Norm::BeforePool, Norm::Batch] {
        let config = AlexNetConfig { norm, ..narrow.clone() };
        let expected = stored::expected(&net(&config));
        let table = caffe_names(&config);
        let make = |rule: &Rule| {
            let Rule::Take { from, to, .. } = rule else { return None };
            let needed = expected.iter().find(|e| e.name == **to)?;
            let values = vec![0.0; needed.shape.iter().product()];
            Some(Weight::from_f32(from.to_string(), &needed.shape, &values).unwrap())
        };
        let tensors: Vec<Weight> = table.rules.iter().filter_map(make).collect();
        let balance = table.balance(&tensors, &expected).unwrap();
        assert!(balance.is_even(), "{norm:?}: {:?} {:?}", balance.missing(), balance.unused());
        let names: Vec<_> = tensors.iter().map(Weight::name).collect();
        assert_eq!(names.contains(&"conv3/bn/running_var"), norm == Norm::Batch);
    }
}

#[test]
fn what_makes_no_network_is_named() {
    let refused = |config: AlexNetConfig| {
        AlexNet::new(&config, &Device::flex()).map(|_| ()).unwrap_err().to_string()
    };
    let usual = AlexNetConfig::default();
    let error = refused(AlexNetConfig { classes: 0, ..usual.clone() });
    assert_eq!(error, "alexnet: classes: 0 must be at least 1");
    // Two groups.
    let error = refused(AlexNetConfig { channels: [96, 255, 384, 384, 256], ..usual });
    assert!(error.contains("255"), "{error}");
}
