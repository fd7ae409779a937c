//! Weights that are known by their digest: whose they are, and what one may do with them.

use serde_json::Value;
use upconv_data::fetch;
use upconv_weights::Source;

use crate::classify::IMAGENET;
use upconv_weights::metadata::{Metadata, Origin};

/// Says licence, attribution, package and ImageNet's classes of weights that `upconv data fetch` brings, unless they say something themselves.
pub(super) fn name(metadata: &mut Metadata, source: &Source) {
    if source.weights.metadata().is_some() {
        return;
    }
    let Some((set, of)) = fetch::of_weights(source.sha256()) else { return };
    metadata.licence = Some(of.licence.into());
    metadata.attribution = Some(of.attribution.into());
    metadata.source = Some(Origin {
        file: String::new(),
        sha256: String::new(),
        package: Some(format!("{} {} {}", set.registry(), set.package, set.version)),
        other: Default::default(),
    });
    // Of no known file is the order of 1000 classes another than that of the challenge.
    if metadata.config.get("classes").and_then(Value::as_u64) == Some(1000) {
        metadata.labels.get_or_insert_with(|| IMAGENET.lines().map(String::from).collect());
    }
}
