//! Writing CIFAR-10's files.

use super::PIXELS;

/// `data_batch_N.bin`: pictures as they are, each behind its class.
///
/// # Shapes
/// `pictures: [n, 3072]` in planes, `labels: [n]`
pub(crate) fn binary(labels: &[u8], pictures: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(pictures.len() + labels.len());
    for (&label, pixels) in labels.iter().zip(pictures.as_chunks::<PIXELS>().0) {
        file.push(label);
        file.extend_from_slice(pixels);
    }
    file
}

/// `data_batch_N`: a dictionary with the keys and types of the original, as Python 2 pickles it with protocol 2, so that
/// `pickle.load(file, encoding="bytes")` gives `{b"batch_label", b"labels", b"data", b"filenames"}`.
pub(crate) fn pickle(label: &str, labels: &[u8], pictures: &[u8], names: &[String]) -> Vec<u8> {
    let mut out = Pickle::new();
    out.bytes.extend(b"}(");
    out.text("batch_label");
    out.text(label);
    out.text("labels");
    out.bytes.extend(b"](");
    labels.iter().for_each(|&label| out.byte(label));
    out.bytes.push(b'e');
    out.text("data");
    out.array(labels.len(), pictures);
    out.text("filenames");
    out.texts(names);
    out.bytes.extend(b"u.");
    out.bytes
}

/// `batches.meta`: the names of the classes.
pub(crate) fn names_pickle(per_batch: usize, names: &[String]) -> Vec<u8> {
    let mut out = Pickle::new();
    out.bytes.extend(b"}(");
    out.text("num_cases_per_batch");
    out.integer(per_batch);
    out.text("label_names");
    out.texts(names);
    out.text("num_vis");
    out.integer(PIXELS);
    out.bytes.extend(b"u.");
    out.bytes
}

struct Pickle {
    bytes: Vec<u8>,
}

/// The instructions that are used, with their names in `pickletools`.
impl Pickle {
    /// PROTO.
    fn new() -> Self {
        Self { bytes: vec![0x80, 2] }
    }

    /// SHORT_BINSTRING or BINSTRING: bytes of Python 2.
    fn text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(length) => self.bytes.extend([b'U', length]),
            Err(_) => self.long(text.len()),
        }
        self.bytes.extend(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.bytes.extend(b"](");
        texts.iter().for_each(|text| self.text(text));
        self.bytes.push(b'e');
    }

    /// BINSTRING, of less than 2^31 bytes.
    fn long(&mut self, length: usize) {
        self.bytes.push(b'T');
        self.bytes.extend((length as u32).to_le_bytes());
    }

    /// BININT1.
    fn byte(&mut self, number: u8) {
        self.bytes.extend([b'K', number]);
    }

    /// BININT, of a number below 2^31.
    fn integer(&mut self, number: usize) {
        self.bytes.push(b'J');
        self.bytes.extend((number as u32).to_le_bytes());
    }

    /// What `numpy.ndarray.__reduce__` gives for bytes `[rows, 3072]`.
    fn array(&mut self, rows: usize, cells: &[u8]) {
        self.bytes.extend(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n");
        // ((0,), "b")
        self.bytes.extend(b"K\0\x85U\x01b\x87R(K\x01");
        self.integer(rows);
        self.integer(PIXELS);
        // numpy.dtype("u1", 0, 1) with its state (3, "|", None, None, None, -1, -1, 0).
        self.bytes.extend(b"\x86cnumpy\ndtype\nU\x02u1K\0K\x01\x87R(K\x03U\x01|NNN");
        self.bytes.extend(b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb\x89");
        self.long(cells.len());
        self.bytes.extend(cells);
        self.bytes.extend(b"tb");
    }
}
