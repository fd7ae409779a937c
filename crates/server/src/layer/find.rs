//! Which tensor of a file is meant by a layer's name.

use upconv_explain::Lang;
use upconv_weights::{Source, Tensor, shape_text, shown};

use super::{Asked, LayerError};

/// Most names that an error lists.
const MAX_LISTED: usize = 8;
/// Longer names are compared by their beginnings.
const MAX_COMPARED: usize = 80;

/// The tensor of this very name, or the only one with 3 to 5 axes below it: `NAME.weight`, `NAME/kernel:0`.
pub(super) fn find<'a>(
    source: &'a Source,
    name: &str,
    asked: Asked,
) -> Result<&'a Tensor, LayerError> {
    if let Some(tensor) = source.weights.get(name) {
        return Ok(tensor);
    }
    let possible: Vec<&Tensor> = possible(source).collect();
    let below = |tensor: &&&Tensor| {
        let rest = tensor.name().strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['.', '/', ':']))
    };
    let found: Vec<&Tensor> = possible.iter().filter(below).copied().collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(none(source, name, &possible, asked)),
        several => Err(ambiguous(source, name, several, asked)),
    }
}

/// Tensors with 3 to 5 axes, but for those of the self-test.
pub(super) fn possible(source: &Source) -> impl Iterator<Item = &Tensor> {
    let test = source.weights.metadata().and_then(|metadata| metadata.selftest.as_ref());
    source.weights.tensors().iter().filter(move |tensor| {
        let name = tensor.name();
        let tested = test.is_some_and(|test| test.input == name || test.output == name);
        (3..=5).contains(&tensor.shape().len()) && !tested
    })
}

/// The numbers of the layer's bias, `weight` being its weight as `[in, out / groups, kernel...]`.
pub(super) fn bias(source: &Source, tensor: &Tensor, weight: &Tensor) -> Option<Vec<f32>> {
    let name = tensor.name();
    let layer = layer_of(name);
    let separator = name.get(layer.len()..)?.chars().next()?;
    let version = name.rfind(':').map_or("", |colon| &name[colon..]);
    // Caffe counts the blobs of a layer.
    let bias = if source.net.is_some() { "1" } else { "bias" };
    let bias = source.weights.get(&format!("{layer}{separator}{bias}{version}"))?;
    let fits = bias.shape().len() == 1 && weight.shape().len() > 2;
    fits.then(|| bias.to_f32().ok()).flatten()
}

/// `head` of `head.weight`, `up/conv` of `up/conv/kernel:0`; a name without a layer is one itself.
pub(super) fn layer_of(name: &str) -> &str {
    name.rfind(['.', '/']).map_or(name, |end| &name[..end])
}

fn ambiguous(source: &Source, name: &str, several: &[&Tensor], asked: Asked) -> LayerError {
    let (lang, layer) = (asked.lang, asked.name("layer"));
    let (file, shown_name) = (shown(&source.file), shown(name));
    let (count, list) = (several.len(), listed(several.iter().copied(), several.len(), lang));
    let message = match lang {
        Lang::En => format!("{file}: {layer} {shown_name} stands for {count} tensors: {list}"),
        Lang::Zh => format!("{file}：{layer} {shown_name} 对应 {count} 个张量：{list}"),
    };
    LayerError::File(message)
}

fn none(source: &Source, name: &str, possible: &[&Tensor], asked: Asked) -> LayerError {
    let (lang, layer) = (asked.lang, asked.name("layer"));
    let (file, shown_name) = (shown(&source.file), shown(name));
    if possible.is_empty() {
        let message = match lang {
            Lang::En => format!(
                "{file}: no tensor has 3 to 5 axes, as the weight of a transposed convolution has"
            ),
            Lang::Zh => format!("{file}：没有 3 到 5 个轴的张量，而转置卷积的权重应当如此"),
        };
        return LayerError::File(message);
    }
    let mut nearest: Vec<(usize, &Tensor)> =
        possible.iter().map(|&tensor| (far(tensor.name(), name), tensor)).collect();
    nearest.sort_by_key(|&(far, _)| far);
    let list = listed(nearest.iter().map(|&(_, tensor)| tensor), nearest.len(), lang);
    let message = match lang {
        Lang::En => format!("{file}: no tensor for {layer} {shown_name}; nearest: {list}"),
        Lang::Zh => format!("{file}：没有 {layer} {shown_name} 对应的张量；最接近的有：{list}"),
    };
    LayerError::File(message)
}

/// `head.weight 16x1x2x2, stem.weight 16x3x3x3 and 50 more`
fn listed<'a>(tensors: impl Iterator<Item = &'a Tensor>, count: usize, lang: Lang) -> String {
    let named =
        |tensor: &Tensor| format!("{} {}", shown(tensor.name()), shape_text(tensor.shape()));
    let list: Vec<String> = tensors.take(MAX_LISTED).map(named).collect();
    let more = count.saturating_sub(MAX_LISTED);
    match (lang, more) {
        (Lang::En, 0) => list.join(", "),
        (Lang::En, more) => format!("{} and {more} more", list.join(", ")),
        (Lang::Zh, 0) => list.join("、"),
        (Lang::Zh, more) => format!("{}等，另有 {more} 个", list.join("、")),
    }
}

/// How far a tensor's name is from what was asked for: from the whole name, or from that of its layer.
fn far(tensor: &str, asked: &str) -> usize {
    edits(tensor, asked).min(edits(layer_of(tensor), asked))
}

/// Fewest letters to insert, remove or change, small and large ones being the same.
fn edits(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().chars().take(MAX_COMPARED).collect::<String>();
    strsim::levenshtein(&letters(a), &letters(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_by_hand() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("Head", "head"), 0);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(far("head.weight", "haed"), 2);
    }

    #[test]
    fn layers_of_names() {
        assert_eq!(layer_of("head.weight"), "head");
        assert_eq!(layer_of("up/conv/kernel:0"), "up/conv");
        assert_eq!(layer_of("weight"), "weight");
    }
}
