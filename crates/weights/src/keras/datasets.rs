//! HDF5: groups, attributes that are text, and datasets that are tensors.

use hdf5_reader::group::Group;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::layout::DataLayout;
use hdf5_reader::{ByteOrder, Dataset, Datatype, Hdf5File, OpenOptions};

use crate::bytes::Bytes;
use crate::error::{Result, TensorFault, WeightsError, shown};
use crate::limits;
use crate::tensor::{self, Dtype, Tensor};

/// An opened file.
pub(super) struct File {
    /// What messages call it.
    pub(super) name: String,
    file: Hdf5File,
    bytes: Bytes,
    /// How many bytes its tensors may still take.
    left: u64,
}

impl File {
    /// Opens a file of these bytes.
    pub(super) fn of_bytes(name: &str, bytes: Bytes) -> Result<Self> {
        let bytes = bytes.into_shared();
        let file = Hdf5File::from_owner(bytes.clone(), options())
            .map_err(|error| broken(name, "the file", &error))?;
        // Packed bytes stand for so many at most; what was never written takes none.
        let left =
            limits::MAX_BYTES.min((bytes.len() as u64).saturating_mul(limits::MAX_INFLATION));
        Ok(Self { name: name.into(), file, bytes, left })
    }

    pub(super) fn root(&self) -> Result<Group> {
        self.file.root_group().map_err(|error| broken(&self.name, "/", &error))
    }

    /// An attribute of text; nothing if there is none. Long lists are cut into several attributes with numbers.
    pub(super) fn texts(&self, group: &Group, name: &str) -> Result<Option<Vec<String>>> {
        let attributes =
            group.attributes().map_err(|error| broken(&self.name, group.name(), &error))?;
        let one = |name: &str| -> Result<Option<Vec<String>>> {
            let Some(attribute) = attributes.iter().find(|attribute| attribute.name == name) else {
                return Ok(None);
            };
            // An empty list has no text of which the type could be told.
            if attribute.shape.contains(&0) {
                return Ok(Some(Vec::new()));
            }
            let texts = attribute.read_strings().or_else(|_| Ok(vec![attribute.read_string()?]));
            texts.map(Some).map_err(|error: hdf5_reader::error::Error| {
                broken(&self.name, &format!("{}@{name}", group.name()), &error)
            })
        };
        if let Some(texts) = one(name)? {
            return Ok(Some(texts));
        }
        let mut all: Option<Vec<String>> = None;
        for number in 0..limits::MAX_TENSORS {
            let Some(texts) = one(&format!("{name}{number}"))? else { break };
            all.get_or_insert_default().extend(texts);
        }
        Ok(all)
    }

    /// The tensor of a dataset; its shape and type are checked before anything of it is read.
    pub(super) fn tensor(&mut self, dataset: &Dataset, name: String) -> Result<Tensor> {
        let fault = |fault: TensorFault| WeightsError::tensor(&self.name, &name, fault);
        let broken = |error: hdf5_reader::error::Error| broken(&self.name, &name, &error);
        let shape: Option<Vec<usize>> =
            dataset.shape().iter().map(|&size| usize::try_from(size).ok()).collect();
        let shape = shape.ok_or_else(|| {
            fault(TensorFault::Value {
                got: "a size beyond all memory".into(),
                legal: "2^31".into(),
            })
        })?;
        let dtype = dtype(dataset).map_err(fault)?;
        let needed = tensor::byte_count(dtype, &shape).map_err(fault)?;
        self.left = self.left.checked_sub(needed as u64).ok_or_else(|| {
            let got =
                format!("with its {needed} bytes the tensors take more than the file can hold");
            fault(TensorFault::Value { got, legal: format!("at most {} more", self.left) })
        })?;
        let big = is_big(dataset.dtype()) && dtype.bytes() > 1;
        if let Some(bytes) = self.in_place(dataset, needed).filter(|_| !big) {
            return Tensor::of(name, dtype, shape, bytes);
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(needed)
            .map_err(|_| fault(TensorFault::NoMemory { bytes: needed as u64 }))?;
        bytes.resize(needed, 0);
        dataset.read_raw_bytes_into(&mut bytes).map_err(broken)?;
        if big {
            bytes.chunks_exact_mut(dtype.bytes()).for_each(<[u8]>::reverse);
        }
        Tensor::new(name, dtype, shape, bytes)
    }

    /// The bytes of a dataset that lies in the file as it is, in one piece.
    fn in_place(&self, dataset: &Dataset, needed: usize) -> Option<Bytes> {
        let header = self.file.get_or_parse_header(dataset.address()).ok()?;
        let elsewhere = |message: &HdfMessage| {
            matches!(message, HdfMessage::ExternalFiles(_) | HdfMessage::FilterPipeline(_))
        };
        if header.messages.iter().any(elsewhere) {
            return None;
        }
        let layout = header.messages.iter().find_map(|message| match message {
            HdfMessage::DataLayout(message) => Some(&message.layout),
            _ => None,
        });
        // What was never written has an address beyond the file.
        let &DataLayout::Contiguous { address, size } = layout? else { return None };
        let begin = self.file.superblock().base_address.checked_add(address)?;
        let begin = usize::try_from(begin).ok()?;
        let end = begin.checked_add(needed).filter(|&end| end <= self.bytes.len())?;
        (size == needed as u64).then(|| self.bytes.part(begin..end))
    }
}

fn options() -> OpenOptions {
    // Every chunk is looked at once.
    let most = usize::try_from(limits::MAX_BYTES).unwrap_or(usize::MAX);
    OpenOptions::default().with_chunk_cache_bytes(0).with_max_read_bytes(most)
}

/// The type of the cells of a dataset.
fn dtype(dataset: &Dataset) -> std::result::Result<Dtype, TensorFault> {
    let unknown = |got: String| TensorFault::Dtype { got, legal: Dtype::legal() };
    Ok(match dataset.dtype() {
        Datatype::FixedPoint { size, signed, .. } => match (size, signed) {
            (8, true) => Dtype::I64,
            (4, true) => Dtype::I32,
            (2, true) => Dtype::I16,
            (1, true) => Dtype::I8,
            (8, false) => Dtype::U64,
            (4, false) => Dtype::U32,
            (2, false) => Dtype::U16,
            (1, false) => Dtype::U8,
            _ => return Err(unknown(format!("integers of {size} bytes"))),
        },
        Datatype::FloatingPoint { size, .. } => {
            let raw = dataset.raw_datatype().unwrap_or_default();
            // After class and size: offset, precision; then the place and the bits of exponent and mantissa.
            let bits = |at: usize| raw.get(at).copied().unwrap_or_default();
            match (size, bits(13), bits(15)) {
                (8, 11, 52) => Dtype::F64,
                (4, 8, 23) => Dtype::F32,
                (2, 5, 10) => Dtype::F16,
                (2, 8, 7) => Dtype::Bf16,
                (size, exponent, mantissa) => {
                    return Err(unknown(format!(
                        "numbers of {size} bytes, {exponent} bits of exponent, {mantissa} of mantissa"
                    )));
                }
            }
        }
        // As h5py writes truth values.
        Datatype::Enum { base, members } => match (&**base, &members[..]) {
            (Datatype::FixedPoint { size: 1, .. }, [no, yes])
                if (&no.value[..], &yes.value[..]) == (&[0], &[1]) =>
            {
                Dtype::Bool
            }
            _ => return Err(unknown("an enumeration".into())),
        },
        Datatype::String { .. } | Datatype::VarLen { .. } => return Err(unknown("text".into())),
        Datatype::Compound { .. } => return Err(unknown("a record of several fields".into())),
        _ => return Err(unknown("something that is no number".into())),
    })
}

fn is_big(datatype: &Datatype) -> bool {
    matches!(
        datatype,
        Datatype::FixedPoint { byte_order: ByteOrder::BigEndian, .. }
            | Datatype::FloatingPoint { byte_order: ByteOrder::BigEndian, .. }
    )
}

/// What is said of a part of a file of HDF5 that cannot be read.
pub(super) fn broken(file: &str, field: &str, error: &hdf5_reader::error::Error) -> WeightsError {
    let (field, reason) = (shown(field), error.to_string());
    let (file, reason) = (file.into(), shown(&reason).into_owned());
    WeightsError::Hdf5 { file, field: field.into_owned(), reason }
}
