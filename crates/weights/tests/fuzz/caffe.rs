//! What the fuzzer runs on the readers of Caffe: nothing may panic, and no answer may take much more memory than was
//! given. Also run by `tests/caffe.rs`, on the corpus and on damaged samples.

use upconv_weights::caffe;

/// Reads bytes as each of the three kinds of files.
pub(crate) fn run(data: &[u8]) {
    if let Ok(model) = caffe::from_bytes("f", data.to_vec()) {
        let bytes =
            model.weights.tensors().iter().map(|tensor| tensor.bytes().len()).sum::<usize>();
        assert!(bytes <= data.len(), "{bytes} bytes of tensors in {} bytes", data.len());
        for layer in &model.net.layers {
            look_at(layer);
        }
        let _ = caffe::batch_norm(&model.net, model.weights);
    }
    if let Ok(mean) = caffe::mean_from_bytes("f", data.to_vec()) {
        assert_eq!(mean.per_channel().len(), mean.shape()[0]);
    }
    if let Ok(net) = caffe::net_from_text("f", &String::from_utf8_lossy(data)) {
        net.layers.iter().for_each(look_at);
        let count = net.layers.len();
        assert!(net.in_phase(caffe::Phase::Test).layers.len() <= count);
    }
}

fn look_at(layer: &caffe::Layer) {
    let _ = layer.convolution();
    let _ = layer.pooling();
    let _ = layer.inner_product();
    let _ = layer.batch_norm();
    let _ = layer.scale();
    let _ = layer.lrn();
    let _ = layer.eltwise();
    let _ = layer.input_shapes();
    let _ = layer.axis();
}
