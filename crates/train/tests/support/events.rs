//! A reader of event files that shares nothing with the writer: CRC-32C bit by bit, fields by their numbers.

use std::path::Path;

/// Tag, number and picture.
type Value = (String, Option<f32>, Option<Picture>);

/// Height, width, colours, PNG.
type Picture = (u64, u64, u64, Vec<u8>);

#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub step: u64,
    pub wall_time: f64,
    pub version: Option<String>,
    pub values: Vec<Value>,
    /// Of the whole message.
    pub bytes: usize,
}

/// Every event of a file. Panics at the first byte that is wrong.
pub(crate) fn read(path: &Path) -> Vec<Event> {
    let file = std::fs::read(path).unwrap();
    let (mut rest, mut events) = (&file[..], Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        assert_eq!(u32::from_le_bytes(rest[8..12].try_into().unwrap()), masked(&rest[..8]));
        let data = &rest[12..12 + length];
        let crc = u32::from_le_bytes(rest[12 + length..16 + length].try_into().unwrap());
        assert_eq!(crc, masked(data));
        rest = &rest[16 + length..];
        events.push(event(data));
    }
    events
}

/// Castagnoli's polynomial, reflected: 0x82f63b78.
fn masked(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    let crc = u64::from(!crc);
    // Divided by 2^15 with the remainder on top, and a constant added, all modulo 2^32.
    ((crc / 32768 + (crc % 32768) * 131_072 + 0xa282_ead8) % (1 << 32)) as u32
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Numbers and contents of the fields of a message.
fn fields(mut data: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut found = Vec::new();
    while !data.is_empty() {
        let key = varint(&mut data);
        let field = match key % 8 {
            0 => Field::Number(varint(&mut data)),
            1 => Field::Number(u64::from_le_bytes(take(&mut data, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut data) as usize;
                Field::Bytes(take(&mut data, length))
            }
            5 => Field::Number(u32::from_le_bytes(take(&mut data, 4).try_into().unwrap()).into()),
            other => panic!("wire type {other}"),
        };
        found.push((key / 8, field));
    }
    found
}

fn take<'a>(data: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = data.split_at(count);
    *data = rest;
    taken
}

fn varint(data: &mut &[u8]) -> u64 {
    let mut value = 0;
    for place in 0.. {
        let byte = take(data, 1)[0];
        value |= u64::from(byte % 128) << (7 * place);
        if byte < 128 {
            break;
        }
    }
    value
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn event(data: &[u8]) -> Event {
    let (step, wall_time, version, values) = (0, 0.0, None, Vec::new());
    let mut event = Event { step, wall_time, version, values, bytes: data.len() };
    for field in fields(data) {
        match field {
            (1, Field::Number(bits)) => event.wall_time = f64::from_bits(bits),
            (2, Field::Number(step)) => event.step = step,
            (3, Field::Bytes(version)) => event.version = Some(text(version)),
            (5, Field::Bytes(summary)) => {
                for (number, value) in fields(summary) {
                    let (1, Field::Bytes(value)) = (number, value) else {
                        panic!("summary {number}")
                    };
                    event.values.push(one(value));
                }
            }
            (number, _) => panic!("event {number}"),
        }
    }
    event
}

fn one(data: &[u8]) -> Value {
    let (mut tag, mut number, mut picture) = (String::new(), None, None);
    for field in fields(data) {
        match field {
            (1, Field::Bytes(bytes)) => tag = text(bytes),
            (2, Field::Number(bits)) => number = Some(f32::from_bits(bits as u32)),
            (4, Field::Bytes(image)) => {
                let mut found = (0, 0, 0, Vec::new());
                for field in fields(image) {
                    match field {
                        (1, Field::Number(height)) => found.0 = height,
                        (2, Field::Number(width)) => found.1 = width,
                        (3, Field::Number(colours)) => found.2 = colours,
                        (4, Field::Bytes(png)) => found.3 = png.to_vec(),
                        (number, _) => panic!("image {number}"),
                    }
                }
                picture = Some(found);
            }
            (number, _) => panic!("value {number}"),
        }
    }
    (tag, number, picture)
}
