//! What the fuzzer runs on the readers of TensorFlow's graphs: nothing may panic, and no answer may take much more memory
//! than was given. Also run by `tests/graph_def.rs`, on the corpus and on damaged samples.

use upconv_weights::{graph_def, limits};

/// Reads bytes as a frozen graph, and as a model.
pub(crate) fn run(data: &[u8]) {
    for read in [graph_def::graph_from_bytes, graph_def::saved_model_from_bytes] {
        let Ok(model) = read("f", data.to_vec()) else { continue };
        let bytes =
            model.weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum::<usize>();
        // Numbers of one byte may take eight, and a few may stand for many.
        let most = data.len() * 8 + limits::MAX_FILLED_BYTES as usize;
        assert!(bytes <= most, "{bytes} bytes of tensors in {} bytes", data.len());
        for node in &model.graph.nodes {
            assert!(node.inputs().count() <= node.input.len());
        }
        let nodes: usize = model.graph.operations().values().sum();
        assert_eq!(nodes, model.graph.nodes.len());
    }
}
