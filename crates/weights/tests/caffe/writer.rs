//! Writes files of Caffe in every way in which they come.
#![allow(dead_code)] // Every test file uses its share of it.

/// A message of protocol buffers.
#[derive(Clone, Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    pub(crate) fn varint(mut self, number: u32, value: i64) -> Self {
        self.key(number, 0);
        self.number(value as u64);
        self
    }

    pub(crate) fn bytes(self, number: u32, bytes: &[u8]) -> Self {
        let mut message = self.length(number, bytes.len());
        message.0.extend(bytes);
        message
    }

    /// What stands before bytes.
    pub(crate) fn length(mut self, number: u32, bytes: usize) -> Self {
        self.key(number, 2);
        self.number(bytes as u64);
        self
    }

    pub(crate) fn text(self, number: u32, text: &str) -> Self {
        self.bytes(number, text.as_bytes())
    }

    pub(crate) fn message(self, number: u32, message: &Self) -> Self {
        self.bytes(number, &message.0)
    }

    pub(crate) fn float(mut self, number: u32, value: f32) -> Self {
        self.key(number, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn double(mut self, number: u32, value: f64) -> Self {
        self.key(number, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn key(&mut self, number: u32, wire: u64) {
        self.number(u64::from(number) << 3 | wire);
    }

    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// The form of a net, and how its blobs are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Style {
    /// `layers` with types as numbers, not `layer`.
    pub(crate) v1: bool,
    /// Four sizes, not a shape.
    pub(crate) legacy: bool,
    pub(crate) packed: bool,
    /// Numbers of 64 bits.
    pub(crate) double: bool,
}

impl Style {
    /// As Caffe has written since 2015.
    pub(crate) const NEW: Self = Self { v1: false, legacy: false, packed: true, double: false };
    /// As it wrote before.
    pub(crate) const V1: Self = Self { v1: true, legacy: true, packed: true, double: false };
}

/// Numbers with the shape that newer files give them.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) shape: Vec<i64>,
    pub(crate) values: Vec<f32>,
}

impl Blob {
    pub(crate) fn write(&self, style: Style) -> Message {
        let mut message = Message::default();
        if style.legacy {
            let missing = 4 - self.shape.len();
            for axis in 0..4 {
                let size = if axis < missing { 1 } else { self.shape[axis - missing] };
                message = message.varint(axis as u32 + 1, size);
            }
        } else {
            let dims = self.shape.iter().fold(Message::default(), |mut dims, &size| {
                dims.number(size as u64);
                dims
            });
            message = message.message(7, &Message::default().bytes(1, &dims.0));
        }
        match (style.packed, style.double) {
            (true, false) => {
                let cells: Vec<u8> = self.values.iter().flat_map(|v| v.to_le_bytes()).collect();
                message.bytes(5, &cells)
            }
            (true, true) => {
                let cells = self.values.iter().flat_map(|&v| f64::from(v).to_le_bytes());
                message.bytes(8, &cells.collect::<Vec<_>>())
            }
            (false, false) => self.values.iter().fold(message, |m, &v| m.float(5, v)),
            (false, true) => self.values.iter().fold(message, |m, &v| m.double(8, v.into())),
        }
    }
}

/// A layer: its type in the words of the newer form.
#[derive(Clone)]
pub(crate) struct Layer {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) bottoms: &'static [&'static str],
    pub(crate) tops: &'static [&'static str],
    /// What stands under `convolution_param` and its like.
    pub(crate) settings: Message,
    pub(crate) blobs: Vec<Blob>,
}

impl Layer {
    pub(crate) fn write(&self, style: Style) -> Message {
        // The numbers of type, settings in a V1 layer, and settings in a newer one.
        let (kind, v1, new) = match self.kind {
            "Convolution" => (4, 10, 106),
            "Deconvolution" => (39, 10, 106),
            "InnerProduct" => (14, 17, 117),
            "Pooling" => (17, 19, 121),
            "ReLU" => (18, 30, 123),
            "LRN" => (15, 18, 118),
            "Softmax" => (20, 39, 125),
            "BatchNorm" => (0, 0, 139),
            "Scale" => (0, 0, 142),
            "Input" => (0, 0, 143),
            "Eltwise" => (25, 24, 110),
            other => unreachable!("{other}"),
        };
        let message = Message::default();
        if style.v1 {
            let message = self.bottoms.iter().fold(message, |m, bottom| m.text(2, bottom));
            let message = self.tops.iter().fold(message, |m, top| m.text(3, top));
            let message = message.text(4, self.name).varint(5, kind);
            let message = self.blobs.iter().fold(message, |m, b| m.message(6, &b.write(style)));
            // Rates of learning, which nobody here needs.
            message.float(7, 1.0).float(7, 2.0).message(v1, &self.settings)
        } else {
            let message = message.text(1, self.name).text(2, self.kind);
            let message = self.bottoms.iter().fold(message, |m, bottom| m.text(3, bottom));
            let message = self.tops.iter().fold(message, |m, top| m.text(4, top));
            let message = self.blobs.iter().fold(message, |m, b| m.message(7, &b.write(style)));
            message.varint(10, 1).message(new, &self.settings)
        }
    }
}

/// A `.caffemodel`.
pub(crate) fn net(name: &str, layers: &[Layer], style: Style) -> Vec<u8> {
    let number = if style.v1 { 2 } else { 100 };
    let start = Message::default().text(1, name);
    layers.iter().fold(start, |net, layer| net.message(number, &layer.write(style))).0
}

/// Numbers that F32 holds exactly, between -0.8 and 0.8.
pub(crate) fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|n| ((n * 37 + seed * 11) % 101) as f32 / 64.0 - 50.0 / 64.0).collect()
}

fn blob(shape: &[i64], seed: usize) -> Blob {
    let count = shape.iter().product::<i64>() as usize;
    Blob { shape: shape.into(), values: values(count, seed) }
}

/// Convolution in two groups with uneven strides, ReLU, max-pooling that rounds up, LRN, inner product, softmax.
pub(crate) fn plain() -> Vec<Layer> {
    let m = Message::default;
    vec![
        Layer {
            name: "conv",
            kind: "Convolution",
            bottoms: &["data"],
            tops: &["conv"],
            // num_output, group, kernel_size, pad, stride_h, stride_w.
            settings: m()
                .varint(1, 6)
                .varint(5, 2)
                .varint(4, 3)
                .varint(3, 1)
                .varint(13, 1)
                .varint(14, 2),
            blobs: vec![blob(&[6, 1, 3, 3], 1), blob(&[6], 2)],
        },
        Layer {
            name: "relu",
            kind: "ReLU",
            bottoms: &["conv"],
            tops: &["conv"],
            settings: m().float(1, 0.25),
            blobs: vec![],
        },
        Layer {
            name: "pool",
            kind: "Pooling",
            bottoms: &["conv"],
            tops: &["pool"],
            // pool, kernel_size, stride.
            settings: m().varint(1, 0).varint(2, 3).varint(3, 2),
            blobs: vec![],
        },
        Layer {
            name: "norm",
            kind: "LRN",
            bottoms: &["pool"],
            tops: &["norm"],
            // local_size, alpha, beta.
            settings: m().varint(1, 3).float(2, 0.5).float(3, 0.75),
            blobs: vec![],
        },
        Layer {
            name: "fc",
            kind: "InnerProduct",
            bottoms: &["norm"],
            tops: &["fc"],
            settings: m().varint(1, 4),
            blobs: vec![blob(&[4, 6 * 3 * 2], 3), blob(&[4], 4)],
        },
        Layer {
            name: "prob",
            kind: "Softmax",
            bottoms: &["fc"],
            tops: &["prob"],
            settings: m(),
            blobs: vec![],
        },
    ]
}

/// Convolution with a bias, batch norm whose sums must be divided by 4, and a scale.
pub(crate) fn norm() -> Vec<Layer> {
    let m = Message::default;
    let shape = [1i64, 2, 7, 5].iter().fold(m(), |m, &size| m.varint(1, size));
    let positive = |mut blob: Blob| {
        blob.values.iter_mut().for_each(|value| *value += 1.0);
        blob
    };
    vec![
        Layer {
            name: "input",
            kind: "Input",
            bottoms: &[],
            tops: &["data"],
            settings: m().message(1, &shape),
            blobs: vec![],
        },
        Layer {
            name: "conv",
            kind: "Convolution",
            bottoms: &["data"],
            tops: &["conv"],
            // num_output, kernel_size.
            settings: m().varint(1, 3).varint(4, 3),
            blobs: vec![blob(&[3, 2, 3, 3], 5), blob(&[3], 6)],
        },
        Layer {
            name: "bn",
            kind: "BatchNorm",
            bottoms: &["conv"],
            tops: &["conv"],
            // use_global_stats, eps.
            settings: m().varint(1, 1).float(3, 0.001),
            blobs: vec![
                blob(&[3], 7),
                positive(blob(&[3], 8)),
                Blob { shape: vec![1], values: vec![4.0] },
            ],
        },
        Layer {
            name: "scale",
            kind: "Scale",
            bottoms: &["conv"],
            tops: &["conv"],
            // bias_term.
            settings: m().varint(4, 1),
            blobs: vec![blob(&[3], 9), blob(&[3], 10)],
        },
    ]
}

/// A mean picture of two channels.
pub(crate) fn mean(style: Style) -> Vec<u8> {
    let shape = if style.legacy { vec![2, 3, 4] } else { vec![1, 2, 3, 4] };
    Blob { shape, values: values(24, 12) }.write(style).0
}
