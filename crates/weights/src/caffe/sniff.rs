//! What of Caffe a file is, by its first bytes: protocol buffers have no magic, so their fields must be those of Caffe.

use super::blob;
use super::schema::{self, Kind};
use crate::protobuf::Prefix;

/// Whether these may be the first bytes of a `.caffemodel`: known fields of a net alone, up to a layer whose own first
/// field is one that layers begin with.
pub(crate) fn is_model(begin: &[u8]) -> bool {
    for field in Prefix::new(begin) {
        let Some(known) = schema::NET.iter().find(|known| known.number == field.number) else {
            return false;
        };
        match known.kind {
            Kind::Text if field.is_printable() => {}
            Kind::Int | Kind::Bool if field.bytes.is_none() => {}
            Kind::Message(fields) => {
                if field.number == schema::LAYER_NUMBER || field.number == schema::V1_LAYER_NUMBER {
                    return field.bytes.and_then(|bytes| Prefix::new(bytes).next()).is_some_and(
                        |first| match fields.iter().find(|known| known.number == first.number) {
                            Some(known) => {
                                !matches!(known.kind, Kind::Text) || first.is_printable()
                            }
                            None => false,
                        },
                    );
                }
                if field.bytes.is_none() {
                    return false;
                }
            }
            // Lists of numbers may be packed.
            Kind::Int if known.repeated => {}
            _ => return false,
        }
    }
    false
}

/// Whether these may be the first bytes of a `.binaryproto`: sizes, and then whole numbers of 4 or 8 bytes.
pub(crate) fn is_blob(begin: &[u8]) -> bool {
    for field in Prefix::new(begin) {
        match (field.number, field.bytes) {
            (1..=4, None) => {}
            (blob::SHAPE, Some(_)) => {}
            (blob::DATA, Some(_)) => return field.size > 0 && field.size % 4 == 0,
            (blob::DOUBLE_DATA, Some(_)) => return field.size > 0 && field.size % 8 == 0,
            _ => return false,
        }
    }
    false
}

/// Whether a file that is named as a `.caffemodel` may be one, however early it is cut.
pub(crate) fn begins_model(begin: &[u8]) -> bool {
    // The keys of `name`, `layers`, `input` and `layer`.
    matches!(begin, [] | [0x0a | 0x12 | 0x1a | 0xa2, ..])
}

/// Whether a file that is named as a `.binaryproto` may be one, however early it is cut.
pub(crate) fn begins_blob(begin: &[u8]) -> bool {
    // The keys of `num`, `data` and `shape`.
    matches!(begin, [] | [0x08 | 0x2a | 0x3a, ..])
}

/// Whether these may be the first bytes of a `.prototxt`.
pub(crate) fn is_prototxt(begin: &[u8]) -> bool {
    let text = String::from_utf8_lossy(begin);
    let lines = text.lines().map(str::trim_start);
    let first = lines.into_iter().find(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = first else { return false };
    let word = first
        .trim_start_matches('\u{feff}')
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let known = word.into_iter().next().unwrap_or_default();
    let rest = first.trim_start_matches('\u{feff}').get(known.len()..).unwrap_or_default();
    let follows = rest.trim_start().chars().next();
    schema::NET.iter().any(|field| field.name == known)
        && follows.is_none_or(|sign| matches!(sign, ':' | '{' | '<'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nets_and_blobs_are_told_from_other_messages() {
        // NetParameter: name "a", then layers of both forms; or without a name.
        assert!(is_model(b"\x0a\x01a\xa2\x06\x20\x0a\x05conv1\x12"));
        assert!(is_model(b"\x0a\x01a\x12\x20\x12\x04data\x1a"));
        assert!(is_model(b"\xa2\x06\x20\x0a\x05conv1"));
        assert!(is_model(b"\x0a\x01a\x1a\x04data\x20\x01\x20\x03\x12\x20\x22\x05conv1"));
        // GraphDef of TensorFlow: nodes, each beginning with a name.
        assert!(!is_model(b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder\x0a\x10\x0a\x01y"));
        // ModelProto of ONNX: ir_version, producer_name, graph.
        let onnx = b"\x08\x07\x12\x07pytorch\x3a\x30\x0a\x10";
        assert!(!is_model(onnx) && !is_blob(onnx));
        // TensorProto of ONNX: dims, data_type, name, raw_data.
        let tensor = b"\x08\x01\x08\x03\x10\x01\x42\x01x\x4a\x0c............";
        assert!(!is_model(tensor) && !is_blob(tensor));
        // SolverState of Caffe: iter, learned_net.
        let solver = b"\x08\x64\x12\x05a.cmd\x1a\x20";
        assert!(!is_model(solver) && !is_blob(solver));
        // Both ways in which a BlobProto begins.
        assert!(is_blob(b"\x08\x01\x10\x03\x18\x02\x20\x02\x2a\x30\0\0\xd0\x42"));
        assert!(is_blob(b"\x2a\x30\0\0\xd0\x42"));
        assert!(is_blob(b"\x3a\x03\x0a\x01\x0c\x2a\x30\0\0\xd0\x42"));
        assert!(!is_blob(b"\x2a\x31\0\0\xd0\x42") && !is_blob(b"\x08\x01\x10\x03"));
        for other in [&b""[..], b"\x80", b"PK\x03\x04", b"\x80\x02}", b"name: \"a\"", b"{\"a\":1}"]
        {
            assert!(!is_model(other) && !is_blob(other), "{other:02x?}");
        }
    }

    #[test]
    fn text_that_begins_as_a_net() {
        for text in [
            "name: \"a\"",
            "# a net\n\n  layer {",
            "layers\n{",
            "input : \"data\"",
            "\u{feff}name: 'a'",
        ] {
            assert!(is_prototxt(text.as_bytes()), "{text}");
        }
        for text in ["", "# nothing", "net: \"a.prototxt\"", "{\"name\": 1}", "name of", "names: 3"]
        {
            assert!(!is_prototxt(text.as_bytes()), "{text}");
        }
    }
}
