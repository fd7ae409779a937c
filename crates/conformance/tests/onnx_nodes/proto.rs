//! The part of onnx.proto (IR version 10) that the node tests use. Fields that are left out here are
//! skipped when reading.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Model {
    #[prost(message, optional, tag = "7")]
    pub(crate) graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Graph {
    #[prost(message, repeated, tag = "1")]
    pub(crate) node: Vec<Node>,
    #[prost(message, repeated, tag = "11")]
    pub(crate) input: Vec<ValueInfo>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ValueInfo {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Node {
    #[prost(string, repeated, tag = "1")]
    pub(crate) input: Vec<String>,
    #[prost(string, tag = "4")]
    pub(crate) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attribute: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Attribute {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(float, tag = "2")]
    pub(crate) f: f32,
    #[prost(int64, tag = "3")]
    pub(crate) i: i64,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) s: Vec<u8>,
    #[prost(int64, repeated, tag = "8")]
    pub(crate) ints: Vec<i64>,
}

/// `TensorProto`; the node tests keep their values in `raw_data`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Tensor {
    #[prost(int64, repeated, tag = "1")]
    pub(crate) dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    pub(crate) data_type: i32,
    #[prost(bytes = "vec", tag = "9")]
    pub(crate) raw_data: Vec<u8>,
}

const FLOAT: i32 = 1;
const INT64: i32 = 7;

impl Tensor {
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|&d| usize::try_from(d).expect("a dimension")).collect()
    }

    pub(crate) fn floats(&self) -> Vec<f32> {
        assert_eq!(self.data_type, FLOAT);
        let (values, rest) = self.raw_data.as_chunks::<4>();
        assert!(rest.is_empty());
        values.iter().map(|&b| f32::from_le_bytes(b)).collect()
    }

    pub(crate) fn ints(&self) -> Vec<i64> {
        assert_eq!(self.data_type, INT64);
        let (values, rest) = self.raw_data.as_chunks::<8>();
        assert!(rest.is_empty());
        values.iter().map(|&b| i64::from_le_bytes(b)).collect()
    }
}
