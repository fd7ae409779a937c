//! Files of Caffe: weights with their net (`.caffemodel`), nets as people write them (`.prototxt`), and mean pictures
//! (`.binaryproto`).
//!
//! Blob `n` of layer `conv1` is the tensor `conv1/n`: most often 0 is the weight and 1 the bias. Axes stay in Caffe's
//! order: `[outputs, inputs / groups, kh, kw]` for `Convolution`, `[inputs, outputs / groups, kh, kw]` for
//! `Deconvolution`, `[outputs, inputs]` for `InnerProduct`, whose inputs are flattened in the order channels, height,
//! width. The first weights of most nets take BGR.
//!
//! Both forms of nets are read: `layer` with types as text, and `layers` of before 2015 with types as numbers and words
//! such as `CONVOLUTION`, whose blobs have four axes always ([`legacy_shape`]). A [`Net`] is in the words of the newer one.
//! The form of 2013, with a layer in each layer, is refused.
//!
//! [`batch_norm()`] is a step of its own: it makes running means and variances of what `BatchNorm` layers hold.
//!
//! # Source
//! BVLC/caffe, `src/caffe/proto/caffe.proto` and `src/caffe/util/upgrade_proto.cpp`.

mod batch_norm;
mod binary;
mod blob;
mod layers;
mod mean;
mod net;
mod schema;
mod settings;
mod sniff;
mod text;

use std::path::Path;
use std::sync::Arc;

use crate::bytes::{Bytes, Whole};
use crate::error::{Result, WeightsError};
use crate::format::SourceFile;
use crate::input;
use crate::limits;
use crate::safetensors::Weights;

pub use batch_norm::{Norm, Normalized, batch_norm};
pub use blob::legacy_shape;
pub use layers::{BatchNorm, Convolution, Eltwise, InnerProduct, Lrn, PoolMethod, Pooling, Scale};
pub use mean::Mean;
pub use net::{Layer, Net, NetInput, Phase};
pub use settings::{Setting, Settings};
pub(crate) use sniff::{begins_blob, begins_model, is_blob, is_model, is_prototxt};

/// What a `.caffemodel` holds.
#[derive(Clone, Debug)]
pub struct Model {
    /// The blobs of all layers.
    pub weights: Weights,
    /// The net that they are for.
    pub net: Net,
}

/// Reads a `.caffemodel`; at most [`limits::MAX_BYTES`].
///
/// From [`limits::MAPPED_BYTES`] on the file is mapped, and its blobs take no memory of their own. If it is cut short
/// while they are in use, the system ends the program.
///
/// # Errors
/// If it cannot be read, is broken, describes no net, or two layers with blobs have one name.
pub fn read(path: &Path) -> Result<Model> {
    read_described(path).map(|(model, _)| model)
}

/// Reads the bytes of a `.caffemodel`; messages call them `file`.
///
/// # Errors
/// As [`read`].
///
/// ```
/// use upconv_weights::caffe;
/// // A net of one layer, in bytes: name "fc", type "InnerProduct", and a blob of shape [1, 2].
/// let blob = b"\x2a\x08\0\0\x80\x3f\0\0\0\xc0\x3a\x04\x0a\x02\x01\x02";
/// let mut layer = b"\x0a\x02fc\x12\x0cInnerProduct\x3a\x10".to_vec();
/// layer.extend(blob);
/// let mut file = b"\xa2\x06".to_vec();
/// file.push(layer.len() as u8);
/// file.extend(layer);
///
/// let model = caffe::from_bytes("a.caffemodel", file)?;
/// let weight = model.weights.get("fc/0").unwrap();
/// assert_eq!((weight.shape(), weight.to_f32()?), (&[1, 2][..], vec![1.0, -2.0]));
/// assert_eq!(model.net.layers[0].kind, "InnerProduct");
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn from_bytes(file: &str, bytes: Vec<u8>) -> Result<Model> {
    parse(file, &Bytes::shared(Whole::Read(Arc::new(bytes))))
}

/// Reads a `.prototxt`; at most [`limits::MAX_PROTOTXT_BYTES`].
///
/// # Errors
/// If it cannot be read, or is no description of a net; the message says in which line and column.
pub fn read_net(path: &Path) -> Result<Net> {
    let bytes = input::all(path, limits::MAX_PROTOTXT_BYTES)?;
    let file = path.display().to_string();
    // Comments come in every encoding; in names and values what is not UTF-8 is an error.
    net_from_text(&file, &String::from_utf8_lossy(&bytes))
}

/// Reads the text of a `.prototxt`; messages call it `file`.
///
/// # Errors
/// As [`read_net`].
///
/// ```
/// use upconv_weights::caffe;
/// let text = r#"
///     input: "data" input_dim: [1, 3, 224, 224]
///     layers { name: "pool5" type: POOLING bottom: "data" top: "pool5"  # the form of before 2015
///              pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
/// "#;
/// let net = caffe::net_from_text("deploy.prototxt", text)?;
/// assert_eq!(net.inputs[0].shape, [1, 3, 224, 224]);
/// assert_eq!(net.layers[0].kind, "Pooling");
/// assert_eq!(net.layers[0].pooling()?.kernel, Some([2, 2]));
///
/// let error = caffe::net_from_text("a.prototxt", "layer {\n  nmae: 3 }").unwrap_err();
/// assert_eq!(error.to_string(), "a.prototxt: layer \"\": it has no type");
/// let error = caffe::net_from_text("a.prototxt", "layer {\n  name: 3 }").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a.prototxt:2:9: \"name\" is the number 3; legal: text in quotes"
/// );
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn net_from_text(file: &str, text: &str) -> Result<Net> {
    net::of(file, text::parse(file, text, schema::NET)?)
}

/// Reads a mean picture, a `.binaryproto`.
///
/// # Errors
/// If it cannot be read, is broken, or holds no picture.
pub fn read_mean(path: &Path) -> Result<Mean> {
    let (whole, _) = input::whole(path)?;
    let file = path.display().to_string();
    mean_of(&file, &Bytes::shared(whole))
}

/// Reads the bytes of a mean picture; messages call them `file`.
///
/// # Errors
/// As [`read_mean`].
///
/// ```
/// use upconv_weights::caffe;
/// // num 1, channels 2, height 1, width 1, and the numbers 104 and 117.
/// let file = b"\x08\x01\x10\x02\x18\x01\x20\x01\x2a\x08\0\0\xd0\x42\0\0\xea\x42".to_vec();
/// let mean = caffe::mean_from_bytes("mean.binaryproto", file)?;
/// assert_eq!(mean.shape(), [2, 1, 1]);
/// assert_eq!(mean.per_channel(), [104.0, 117.0]);
/// # Ok::<(), upconv_weights::WeightsError>(())
/// ```
pub fn mean_from_bytes(file: &str, bytes: Vec<u8>) -> Result<Mean> {
    mean_of(file, &Bytes::shared(Whole::Read(Arc::new(bytes))))
}

fn mean_of(file: &str, bytes: &Bytes) -> Result<Mean> {
    Mean::new(mean::read(file, bytes)?).map_err(|error| error.in_file(file))
}

/// Reads a `.caffemodel`, and gives its size and SHA-256 too.
pub(crate) fn read_described(path: &Path) -> Result<(Model, SourceFile)> {
    let (whole, read) = input::whole(path)?;
    let model = parse(&path.display().to_string(), &Bytes::shared(whole))?;
    Ok((model, read))
}

/// Reads a `.binaryproto` as weights of one tensor, `mean`, and gives its size and SHA-256 too.
pub(crate) fn read_blob_described(path: &Path) -> Result<(Weights, SourceFile)> {
    let (whole, read) = input::whole(path)?;
    let tensor = mean::read(&path.display().to_string(), &Bytes::shared(whole))?;
    Ok((Weights::new(None, vec![tensor])?, read))
}

fn parse(file: &str, bytes: &Bytes) -> Result<Model> {
    let (net, tensors) = binary::read(file, bytes)?;
    if net.layers.is_empty() {
        let (file, layer) = (file.into(), "layer".into());
        let reason = "the net has no layers: this is no .caffemodel".into();
        return Err(WeightsError::Layer { file, layer, reason });
    }
    let weights = Weights::new(None, tensors).map_err(|error| error.in_file(file))?;
    Ok(Model { weights, net })
}
