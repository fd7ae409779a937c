//! Broken and hostile files: each is an error that says where, or other numbers, and never a panic.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

/// Whether an error says that a file ends too early, or that what is there is not all of it.
fn is_cut(error: &WeightsError) -> bool {
    matches!(error, WeightsError::Truncated { .. })
}

#[test]
fn cut_at_every_byte_it_is_refused_or_has_fewer_layers() {
    for (name, bytes) in &samples()[..3] {
        let whole = read(bytes);
        let mut shorter = 0;
        for end in 0..bytes.len() {
            match caffe::from_bytes(name, bytes[..end].to_vec()) {
                // Messages have no end of their own: between two layers a file is whole.
                Ok(model) => {
                    assert_eq!(model.net.layers[..], whole.net.layers[..model.net.layers.len()]);
                    shorter += 1;
                }
                Err(WeightsError::Layer { reason, .. }) => assert!(reason.contains("no layers")),
                Err(error) => assert!(is_cut(&error), "{end}: {error}"),
            }
        }
        assert_eq!(shorter, whole.net.layers.len() - 1, "{name}");
    }
    let (name, mean) = &samples()[3];
    for end in 0..mean.len() {
        let error = caffe::mean_from_bytes(name, mean[..end].to_vec()).unwrap_err();
        assert!(is_cut(&error) || matches!(error, WeightsError::Tensor { .. }), "{end}: {error}");
    }
}

#[test]
fn a_cut_file_is_known_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in samples() {
        let path = folder.path().join(name);
        for end in [0, 1, 2, 7, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..end]).unwrap();
            match format::open(&path) {
                Err(WeightsError::UnknownFormat { .. }) => panic!("{name} {end}"),
                Err(_) => {}
                Ok(source) => assert_eq!(source.format, Format::Caffemodel, "{name} {end}"),
            }
        }
    }
}

/// A net of one layer of which the fields are these.
fn one_layer(layer: &Message) -> Vec<u8> {
    Message::default().message(100, layer).0
}

/// A net of one layer with one blob of these fields.
fn one_blob(blob: &Message) -> Vec<u8> {
    one_layer(&Message::default().text(1, "a").text(2, "InnerProduct").message(7, blob))
}

#[test]
fn blobs_that_lie_are_told_so() {
    let m = Message::default;
    let dims = |sizes: &[i64]| sizes.iter().fold(m(), |dims, &size| dims.varint(1, size));
    let cells = |count: usize| vec![0; count * 4];
    for (blob, expected) in [
        (
            m().message(7, &dims(&[2, 3])).bytes(5, &cells(5)),
            "tensor \"a/0\": F32 of shape [2, 3] takes 24 bytes, but 20 are given",
        ),
        (
            m().message(7, &dims(&[2, 3])),
            "tensor \"a/0\": F32 of shape [2, 3] takes 24 bytes, but 0 are given",
        ),
        (m().bytes(5, &cells(2)), "tensor \"a/0\": F32 of shape [] takes 4 bytes, but 8 are given"),
        (
            m().varint(1, 2).varint(2, 3).bytes(5, &cells(6)),
            "tensor \"a/0\": F32 of shape [2, 3, 0, 0] takes 0 bytes",
        ),
        (
            m().message(7, &dims(&[-1])).bytes(5, &cells(1)),
            "a/0 at byte 22: an axis of -1 cells; legal: 0 to 2147483647",
        ),
        (
            m().message(7, &dims(&[1 << 31])).bytes(5, &cells(1)),
            "a/0 at byte 22: an axis of 2147483648 cells",
        ),
        (m().varint(3, -5).bytes(5, &cells(1)), "a/0 at byte 22: an axis of -5 cells; legal"),
        (m().message(7, &dims(&[1; 9])).bytes(5, &cells(1)), "a/0 at byte 40: more than 8 numbers"),
        (
            m().message(7, &dims(&[1 << 20, 1 << 20, 2])),
            "tensor \"a/0\": shape [1048576, 1048576, 2] has more than",
        ),
        (m().bytes(5, &[0; 7]), "a/0 at byte 22: 7 bytes are no numbers of 4 bytes each"),
        (m().bytes(8, &[0; 4]), "a/0 at byte 22: 4 bytes are no numbers of 8 bytes each"),
        (m().double(5, 1.0), "a/0 at byte 22: it is a number of 8 bytes, but must be numbers of 4"),
        (m().varint(5, 1), "a/0 at byte 22: it is a whole number, but must be numbers of 4"),
        (
            m().bytes(5, &cells(1)).double(8, 1.0),
            "tensor \"a/0\": a blob of both float and double numbers; legal",
        ),
        (m().text(1, "x"), "a/0 at byte 22: it is bytes, but must be a whole number"),
        (m().varint(7, 1), "a/0 at byte 22: it is a whole number, but must be a message"),
    ] {
        let error = error(&one_blob(&blob));
        assert!(error.starts_with(&format!("f: {expected}")), "{error}");
    }
    // Differences are passed by, and legacy sizes where there is a shape.
    let blob = m().varint(1, 9).message(7, &dims(&[1, 2])).bytes(5, &cells(2)).bytes(6, &cells(1));
    assert_eq!(read(&one_blob(&blob)).weights.get("a/0").unwrap().shape(), [1, 2]);
}

#[test]
fn nets_that_lie_are_told_so() {
    let m = Message::default;
    let relu = |name: &str| m().text(1, name).text(2, "ReLU");
    let blob = m().bytes(5, &[0; 4]);
    let huge = |size: &[u8]| [b"\xa2\x06", size].concat();
    let nested =
        |count: usize| (0..count).fold(m(), |inner, _| m().message(7, &m().message(7, &inner)));
    for (bytes, expected) in [
        (vec![], "layer \"layer\": the net has no layers: this is no .caffemodel"),
        (one_layer(&m().text(1, "a")), "layer \"a\": it has no type"),
        (one_layer(&relu("").message(7, &blob)), "layer at byte 11: it has blobs, but no name"),
        (
            m().message(100, &relu("a").message(7, &blob))
                .message(100, &relu("a").message(7, &blob))
                .0,
            "layer \"a\": this name comes twice, and both layers have blobs",
        ),
        (
            m().message(100, &relu("a")).message(2, &m().text(4, "b").varint(5, 18)).0,
            "layer \"layers\": the net has both `layer` and `layers`",
        ),
        (m().message(2, &m().text(4, "b").varint(5, 0)).0, "layer \"b\": it has no type"),
        (m().message(2, &m().message(1, &m())).0, "layer \"\": it is of the form of 2013"),
        (
            huge(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            "cut short: field 100 needs 18446744073709551615 bytes",
        ),
        (
            huge(b"\xff\xff\xff\xff\x0f"),
            "cut short: field 100 needs 4294967295 bytes from byte 7 on",
        ),
        (
            huge(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"),
            "field 100 at byte 2: a number of more",
        ),
        (b"\x0b".to_vec(), "the number of a field at byte 0: field 1 is a group"),
        (m().bytes(1, b"\xff").0, "name at byte 0: text that is not UTF-8"),
        (
            m().text(3, "data").varint(4, -2).message(100, &relu("a")).0,
            "layer \"input\": an axis of -2 cells",
        ),
        (
            m().text(3, "a").text(3, "b").varint(4, 1).message(100, &relu("a")).0,
            "layer \"input\": 2 inputs, but 1 shapes; legal: one for each",
        ),
        (
            one_layer(&relu("a").varint(123, 1)),
            "layer.relu_param at byte 12: it is a whole number, but must be a message",
        ),
        (
            one_layer(&relu("a").message(123, &m().varint(1, 1))),
            "layer.relu_param.negative_slope at byte 15: it is a",
        ),
        (
            one_layer(&relu("a").message(7, &nested(60))),
            "tensor \"a/0\": F32 of shape [] takes 4 bytes",
        ),
    ] {
        let error = error(&bytes);
        assert!(error.starts_with(&format!("f: {expected}")), "{error}");
    }
    // Without blobs one name may come twice, as no tensor has it.
    let twice = m().message(100, &relu("a").message(7, &blob)).message(100, &relu("a")).0;
    assert_eq!(read(&twice).net.layers.len(), 2);
    // Types that forks added keep their numbers and words.
    let fork = |number| m().message(2, &m().text(4, "b").varint(5, number)).0;
    assert_eq!(read(&fork(40)).net.layers[0].kind, "40");
    assert_eq!(net("layers { name: 'b' type: INTERP }").layers[0].kind, "INTERP");
    // What is not known is passed by.
    let unknown = relu("a").text(9999, "x").varint(4444, 7).double(5555, 0.5).float(6666, 0.5);
    assert_eq!(read(&one_layer(&unknown)).net.layers[0].kind, "ReLU");
}

#[test]
fn the_last_one_counts_and_groups_are_put_together() {
    let m = Message::default;
    let own = m().text(1, "a").text(1, "b").text(2, "Convolution");
    let own = own.message(106, &m().varint(1, 4).varint(4, 3)).message(106, &m().varint(1, 8));
    let net = read(&one_layer(&own)).net;
    let convolution = net.layers[0].convolution().unwrap();
    assert_eq!(
        (&net.layers[0].name[..], convolution.outputs, convolution.kernel),
        ("b", 8, [3, 3])
    );
    // Numbers of one list may be packed or not: 3 and 5.
    let own = m().text(1, "a").text(2, "Convolution");
    let own = own.message(106, &m().varint(1, 4).bytes(4, &[3, 5]));
    assert_eq!(read(&one_layer(&own)).net.layers[0].convolution().unwrap().kernel, [3, 5]);
}

#[test]
fn settings_end_at_a_limit() {
    let m = Message::default;
    let many = m().bytes(4, &vec![1; (1 << 20) + 1]);
    assert_eq!(error(&many.0), "f: input_dim at byte 0: more than 1048576 numbers");
    // Names that come again and again behind a long list.
    let mut long = m().bytes(4, &vec![1; 1 << 19]);
    for _ in 0..1000 {
        long = long.text(1, "a");
    }
    assert!(error(&long.0).ends_with("more than 1048576 settings"));
    // Inputs behind a long list: each is put at its end, and nothing is looked for.
    let mut inputs = m().bytes(4, &vec![1; 1 << 19]);
    for _ in 0..1 << 18 {
        inputs = inputs.text(3, "");
    }
    assert!(error(&inputs.0).contains("262144 inputs, but 131072 shapes"));
    let mut layers = m();
    for _ in 0..=65536 {
        layers = layers.message(100, &m());
    }
    assert_eq!(error(&layers.0), "f: 65537 layers, but at most 65536 are read");
}

#[test]
fn layers_that_make_no_sense_say_what_is_legal() {
    let layer = |kind: &str, settings: &str| {
        net(&format!("layer {{ name: 'a' type: '{kind}' bottom: 'x' bottom: 'y' {settings} }}"))
            .layers
            .remove(0)
    };
    let of = |settings: &str| {
        let text = format!("convolution_param {{ {settings} }}");
        layer("Convolution", &text).convolution().map_err(|error| error.to_string())
    };
    for (settings, expected) in [
        ("", "num_output is missing"),
        ("num_output: 0", "num_output is 0; legal: 1 to 2147483647"),
        ("num_output: -3", "num_output is -3; legal: 1 to 2147483647"),
        ("num_output: 4", "kernel_size is missing"),
        ("num_output: 4 kernel_size: 0", "kernel_size is 0; legal: 1 to"),
        ("num_output: 4 kernel_size: [3, 3, 3]", "3 numbers for kernel_size; legal: 1 or 2"),
        ("num_output: 4 kernel_size: 3 kernel_h: 3", "both kernel_size and kernel_h or kernel_w"),
        ("num_output: 4 kernel_h: 3", "kernel_h and kernel_w need each other"),
        ("num_output: 4 kernel_size: 3 stride: 0", "stride is 0; legal: 1 to"),
        ("num_output: 4 kernel_size: 3 pad: -1", "pad is -1; legal: 0 to"),
        ("num_output: 4 kernel_size: 3 group: 3", "num_output 4 is no multiple of group 3"),
        ("num_output: 4 kernel_size: 3 group: 0", "group is 0; legal: 1 to"),
        ("num_output: 4 kernel_size: 3 axis: 2", "axis 2 is not read; legal: 1"),
    ] {
        let error = of(settings).unwrap_err();
        assert!(
            error.starts_with(&format!("layer \"a\": convolution_param: {expected}")),
            "{error}"
        );
    }
    let c = of("num_output: 4 kernel_h: 3 kernel_w: 5 stride: [2, 1] dilation: 2 bias_term: false")
        .unwrap();
    assert_eq!((c.kernel, c.stride, c.dilation, c.bias), ([3, 5], [2, 1], [2, 2], false));

    let pool =
        |settings: &str| layer("Pooling", &format!("pooling_param {{ {settings} }}")).pooling();
    let pooling = pool("global_pooling: true pool: AVE").unwrap();
    assert_eq!((pooling.kernel, pooling.method), (None, PoolMethod::Average));
    assert!(!pool("kernel_size: 2 round_mode: FLOOR").unwrap().round_up);
    let error = pool("global_pooling: true kernel_size: 2").unwrap_err().to_string();
    assert_eq!(error, "layer \"a\": pooling_param: global_pooling takes no kernel size");

    let eltwise =
        |settings: &str| layer("Eltwise", &format!("eltwise_param {{ {settings} }}")).eltwise();
    assert_eq!(eltwise("").unwrap(), caffe::Eltwise::Sum(vec![1.0, 1.0]));
    assert_eq!(eltwise("coeff: [1, -1]").unwrap(), caffe::Eltwise::Sum(vec![1.0, -1.0]));
    assert_eq!(eltwise("operation: MAX").unwrap(), caffe::Eltwise::Max);
    assert!(eltwise("coeff: 1").unwrap_err().to_string().contains("1 coeff; legal: none, or"));

    let lrn = layer("LRN", "lrn_param { local_size: 4 }").lrn().unwrap_err().to_string();
    assert_eq!(lrn, "layer \"a\": lrn_param: local_size 4 is even; legal: odd numbers");
    let eps = layer("BatchNorm", "batch_norm_param { eps: nan }").batch_norm().unwrap_err();
    assert!(eps.to_string().ends_with("eps is NaN; legal: finite numbers"));
    assert_eq!(layer("BatchNorm", "").batch_norm().unwrap().eps, f64::from(1e-5f32));
    assert!(!layer("Scale", "").scale().unwrap().bias);
    assert_eq!(layer("Concat", "concat_param { concat_dim: 2 }").axis(), 2);
    assert_eq!(layer("Dropout", "").dropout_ratio().unwrap(), 0.5);
}

#[test]
fn the_corpus_of_the_fuzzer() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/caffe");
    let mut count = 0;
    for entry in fs::read_dir(&corpus).expect("the corpus stands in fuzz/corpus/caffe") {
        fuzz::run(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 7, "{count} files in {}", corpus.display());
}

/// The samples, prototxts too.
fn everything() -> Vec<Vec<u8>> {
    let texts = ["plain.prototxt", "plain_v1.prototxt", "norm.prototxt"];
    samples().into_iter().map(|(_, bytes)| bytes).chain(texts.map(sample)).collect()
}

proptest! {
    /// Whatever stands in a file: an answer, no panic, and no more memory than its bytes can ask for.
    #[test]
    fn damage_is_an_error_or_other_numbers(
        number in 0usize..1000,
        edits in prop::collection::vec((0usize..1 << 16, any::<u8>()), 1..4),
    ) {
        let mut samples = everything();
        let length = samples.len();
        let bytes = &mut samples[number % length];
        let length = bytes.len();
        for (place, byte) in edits {
            bytes[place % length] = byte;
        }
        fuzz::run(bytes);
    }

    /// The same for short messages of random fields.
    #[test]
    fn any_message_ends(data in prop::collection::vec(
        prop::sample::select(&b"\x0a\x12\x1a\x22\x2a\x3a\x08\x10\x18\x20\xa2\x06\x01\x02\x03\x04\x05\x80\xffa"[..]),
        0..200,
    )) {
        fuzz::run(&data);
    }

    /// And for texts.
    #[test]
    fn any_text_ends(data in "(layer|layers|name|type|input|dim|[:{}<>\\[\\],;'\"# \n0-9a.x\\\\-]){0,60}") {
        fuzz::run(data.as_bytes());
    }
}
