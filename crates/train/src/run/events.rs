//! The event file, which TensorBoard shows: the numbers of every step, and the sample pictures.
//!
//! A file is records of: length of the data (8 bytes, little-endian), masked CRC-32C of these 8 bytes, the data, masked
//! CRC-32C of the data; the data are messages of TensorFlow's `event.proto` and `summary.proto`, of which the fields
//! that are needed stand below. (TensorFlow 2, `tensorflow/core/lib/io/record_writer.h`.)

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;
use upconv_data::Size;

use super::metrics::Kind;
use crate::error::{Result, TrainError};
use crate::scalars::Scalars;

/// What the first record says.
const VERSION: &str = "brain.Event:2";

/// The largest record that is read again; ours are pictures at most.
const MAX_RECORD: u64 = 1 << 28;

/// `tensorflow.Event`.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "4")]
    image: Option<Image>,
}

/// `tensorflow.Summary.Image`.
#[derive(Clone, PartialEq, Message)]
struct Image {
    #[prost(int32, tag = "1")]
    height: i32,
    #[prost(int32, tag = "2")]
    width: i32,
    /// 3 for RGB.
    #[prost(int32, tag = "3")]
    colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    encoded_image_string: Vec<u8>,
}

/// The file, open at its end.
#[derive(Debug)]
pub struct Events {
    file: File,
    path: PathBuf,
}

impl Events {
    /// Opens the file, or makes it, and cuts off what is of steps after `step`, or damaged.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub fn open(path: &Path, step: u64) -> Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(|error| TrainError::write(path, error))?;
        let kept = kept(&file, step).map_err(|error| TrainError::read(path, error))?;
        file.set_len(kept)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|error| TrainError::write(path, error))?;
        let mut events = Self { file, path: path.into() };
        if kept == 0 {
            events.write(Event { file_version: Some(VERSION.into()), ..Event::now(0) })?;
        }
        Ok(events)
    }

    /// Adds numbers, under `train/NAME` or `evaluate/NAME`.
    ///
    /// # Errors
    /// What the system says; the next [`Events::open`] cuts off what was written in part.
    pub fn scalars(&mut self, step: u64, kind: Kind, scalars: &Scalars) -> Result<()> {
        let value = |(name, value): (&str, f64)| Value {
            tag: format!("{}/{name}", kind.name()),
            simple_value: Some(value as f32),
            image: None,
        };
        self.summary(step, scalars.iter().map(value).collect())
    }

    /// Adds a picture, encoded as PNG, under `sample`.
    ///
    /// # Errors
    /// As [`Events::scalars`].
    pub fn picture(&mut self, step: u64, size: Size, png: Vec<u8>) -> Result<()> {
        let image = Image {
            height: i32::try_from(size.height).unwrap_or(i32::MAX),
            width: i32::try_from(size.width).unwrap_or(i32::MAX),
            colorspace: 3,
            encoded_image_string: png,
        };
        self.summary(
            step,
            vec![Value { tag: "sample".into(), simple_value: None, image: Some(image) }],
        )
    }

    /// Makes what is written last.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| TrainError::write(&self.path, error))
    }

    fn summary(&mut self, step: u64, value: Vec<Value>) -> Result<()> {
        self.write(Event { summary: Some(Summary { value }), ..Event::now(step) })
    }

    fn write(&mut self, event: Event) -> Result<()> {
        let record = record(&event.encode_to_vec());
        self.file.write_all(&record).map_err(|error| TrainError::write(&self.path, error))
    }
}

impl Event {
    fn now(step: u64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        Self { wall_time: since.as_secs_f64(), step, file_version: None, summary: None }
    }
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(data.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// Rotated and shifted, since a CRC over data that hold CRCs is weak.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// How many bytes are sound records of steps up to `step`.
fn kept(file: &File, step: u64) -> std::io::Result<u64> {
    let mut reader = BufReader::new(file);
    let mut kept = 0;
    loop {
        let Some(data) = next(&mut reader)? else { return Ok(kept) };
        match Event::decode(&data[..]) {
            Ok(event) if u64::try_from(event.step).is_ok_and(|of| of <= step) => {
                kept += data.len() as u64 + 16;
            }
            _ => return Ok(kept),
        }
    }
}

/// The data of the next record; none at the end, or where the file is damaged.
fn next(reader: &mut impl Read) -> std::io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    reader.take(12).read_to_end(&mut head)?;
    let Some((length, crc)) = head.split_first_chunk::<8>() else { return Ok(None) };
    let size = u64::from_le_bytes(*length);
    if crc != masked_crc(length).to_le_bytes() || size > MAX_RECORD {
        return Ok(None);
    }
    let mut data = Vec::new();
    reader.take(size + 4).read_to_end(&mut data)?;
    let Some(at) = (data.len() as u64 == size + 4).then(|| data.len() - 4) else { return Ok(None) };
    let crc = data.split_off(at);
    Ok((crc == masked_crc(&data).to_le_bytes()).then_some(data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_and_the_polynomial() {
        // RFC 3720, appendix B.4: CRC-32C of 32 zeros and of 0..=31.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c::crc32c(&rising), 0x46dd_794e);
        // LevelDB, util/crc32c.h: ((crc >> 15) | (crc << 17)) + 0xa282ead8.
        assert_eq!(masked_crc(&[0; 32]), 0x0fd7_fffa);
    }

    #[test]
    fn a_message_byte_by_byte() {
        // Protocol buffers, "Encoding": field 1 fixed64, field 2 varint, field 5 of field 1 of a string and a fixed32.
        let value = Value { tag: "a".into(), simple_value: Some(1.0), image: None };
        let summary = Some(Summary { value: vec![value] });
        let event = Event { wall_time: 2.0, step: 300, file_version: None, summary };
        let expected = [
            0x09, 0, 0, 0, 0, 0, 0, 0, 0x40, 0x10, 0xac, 0x02, 0x2a, 10, 0x0a, 8, 0x0a, 1, b'a',
            0x15, 0, 0, 0x80, 0x3f,
        ];
        assert_eq!(event.encode_to_vec(), expected);
    }

    #[test]
    fn later_steps_and_damage_are_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut lengths = Vec::new();
        let mut events = Events::open(&path, 0).unwrap();
        for step in 0..5 {
            lengths.push(std::fs::metadata(&path).unwrap().len());
            events.scalars(step, Kind::Train, &Scalars::new().with("loss", 0.5)).unwrap();
        }
        let whole = std::fs::read(&path).unwrap();
        let length_after = |bytes: &[u8], step| {
            std::fs::write(&path, bytes).unwrap();
            Events::open(&path, step).unwrap();
            std::fs::metadata(&path).unwrap().len()
        };
        assert_eq!(length_after(&whole, 9), whole.len() as u64);
        assert_eq!(length_after(&whole, 2), lengths[3]);
        for cut in 1..(whole.len() - lengths[4] as usize) {
            assert_eq!(length_after(&whole[..whole.len() - cut], 9), lengths[4], "{cut}");
        }
        for place in lengths[3]..lengths[4] {
            let mut damaged = whole.clone();
            damaged[place as usize] ^= 4;
            assert_eq!(length_after(&damaged, 9), lengths[3], "{place}");
        }
        // Nothing of it is sound: it begins anew.
        assert_eq!(length_after(&[7; 40], 9), lengths[0]);
    }
}
