//! What a file tells about a layer besides its weight: whether it is a transposed convolution, and its stride.

use upconv_explain::Lang;
use upconv_models::{LayerKind, registry};
use upconv_weights::caffe::Net;
use upconv_weights::graph::{Attr, Graph, Node};
use upconv_weights::{Source, Tensor, shown};

use super::find::layer_of;
use super::{LayerError, in_tensor};

/// What is known of a layer; nothing, for a file that holds tensors only.
#[derive(Default)]
pub(super) struct Known {
    /// Per axis.
    pub(super) stride: Option<Vec<usize>>,
}

impl Known {
    /// By the graph or the net of the file, or by the model that its metadata names.
    pub(super) fn of(source: &Source, tensor: &Tensor, lang: Lang) -> Result<Self, LayerError> {
        if let Some(graph) = &source.graph {
            return by_graph(graph, source, tensor, lang);
        }
        if let Some(net) = &source.net {
            return by_net(net, source, tensor, lang);
        }
        let model = source.weights.metadata().and_then(|said| registry::find(&said.model).ok());
        let Some(layers) = model.and_then(|model| model.layers().ok()) else {
            return Ok(Self::default());
        };
        let name = layer_of(tensor.name());
        match layers.iter().find(|layer| layer.name == name) {
            Some(layer) if layer.kind == LayerKind::ConvTranspose => {
                Ok(Self { stride: Some(layer.stride.clone()) })
            }
            Some(layer) => {
                let of_kind = |l: &&upconv_models::Layer| l.kind == LayerKind::ConvTranspose;
                let names = layers.iter().filter(of_kind).map(|l| l.name.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                let kind = layer.kind.name();
                let what = match lang {
                    Lang::En => format!("a layer of kind {kind}; transposed are: {names}"),
                    Lang::Zh => format!("这是 {kind} 层；转置卷积层有：{names}"),
                };
                Err(not_transposed(source, tensor, &what, lang))
            }
            None => Ok(Self::default()),
        }
    }
}

fn by_graph(
    graph: &Graph,
    source: &Source,
    tensor: &Tensor,
    lang: Lang,
) -> Result<Known, LayerError> {
    let users = graph.readers(tensor.name());
    if let Some(node) = users.iter().find(|node| is_transposed(node)) {
        return Ok(Known { stride: node_stride(node) });
    }
    match users.iter().find(|node| node.op.contains("Conv")) {
        Some(node) => {
            let (op, node) = (shown(&node.op), shown(&node.name));
            let what = match lang {
                Lang::En => format!("node \"{node}\" takes it for {op}"),
                Lang::Zh => format!("节点 \"{node}\" 把它用于 {op}"),
            };
            Err(not_transposed(source, tensor, &what, lang))
        }
        None => Ok(Known::default()),
    }
}

fn by_net(net: &Net, source: &Source, tensor: &Tensor, lang: Lang) -> Result<Known, LayerError> {
    let Some(layer) = net.layer(layer_of(tensor.name())) else {
        return Ok(Known::default());
    };
    if layer.kind != "Deconvolution" {
        let kind = shown(&layer.kind);
        let what = match lang {
            Lang::En => format!("a layer of type {kind}"),
            Lang::Zh => format!("这是 {kind} 类型的层"),
        };
        return Err(not_transposed(source, tensor, &what, lang));
    }
    // Settings that make no sense are as good as none: a stride can be given.
    Ok(Known { stride: layer.convolution().ok().map(|own| own.stride.to_vec()) })
}

/// TensorFlow's transposed convolution is the gradient of a convolution for its input.
fn is_transposed(node: &Node) -> bool {
    node.op.contains("BackpropInput") && !node.op.contains("Depthwise")
}

/// The strides of the spatial axes: batch and channels are left out.
fn node_stride(node: &Node) -> Option<Vec<usize>> {
    let Some(Attr::Ints(strides)) = node.attr.get("strides") else { return None };
    let channels_first = matches!(
        node.attr.get("data_format"), Some(Attr::Text(order)) if order.starts_with("NC")
    );
    let spatial = match (channels_first, strides.as_slice()) {
        (true, [_, _, spatial @ ..]) | (false, [_, spatial @ .., _]) => spatial,
        _ => return None,
    };
    let positive = |&stride: &i64| usize::try_from(stride).ok().filter(|&stride| stride > 0);
    spatial.iter().map(positive).collect()
}

fn not_transposed(source: &Source, tensor: &Tensor, what: &str, lang: Lang) -> LayerError {
    let what = match lang {
        Lang::En => format!("no transposed convolution: {what}"),
        Lang::Zh => format!("不是转置卷积：{what}"),
    };
    LayerError::File(in_tensor(source, tensor, &what, lang))
}
