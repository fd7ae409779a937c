//! Bytes from the "Encoding" page of the documentation of protocol buffers, and such as no writer makes.

use std::sync::Arc;

use super::*;
use crate::bytes::Whole;

fn only(bytes: &[u8]) -> Result<Field<'_>> {
    let mut message = Message::new("f", bytes);
    let field = message.next().unwrap()?;
    assert!(message.next().is_none());
    Ok(field)
}

fn refused(bytes: &[u8]) -> String {
    let mut message = Message::new("f", bytes);
    let error = message.by_ref().find_map(|field| field.err()).unwrap().to_string();
    assert!(message.next().is_none());
    error
}

#[test]
fn examples_of_the_documentation() {
    // message Test1 { int32 a = 1; } with a = 150.
    let field = only(&[0x08, 0x96, 0x01]).unwrap();
    assert_eq!((field.number, field.offset, field.int("a").unwrap()), (1, 0, 150));
    // message Test2 { string b = 2; } with b = "testing".
    let bytes = b"\x12\x07testing";
    let field = only(bytes).unwrap();
    assert_eq!((field.number, field.text("b").unwrap()), (2, "testing"));
    assert_eq!(field.range("b").unwrap(), 2..9);
    // message Test3 { Test1 c = 3; }
    let field = only(&[0x1a, 0x03, 0x08, 0x96, 0x01]).unwrap();
    let inner = field.message("c").unwrap().next().unwrap().unwrap();
    assert_eq!((inner.number, inner.offset, inner.uint("a").unwrap()), (1, 2, 150));
    // message Test5 { repeated int32 f = 6 [packed = true]; } with 3, 270, 86942; and the same one by one.
    for bytes in [
        &b"\x32\x06\x03\x8e\x02\x9e\xa7\x05"[..],
        b"\x30\x03\x30\x8e\x02\x30\x9e\xa7\x05",
        b"\x30\x03\x32\x05\x8e\x02\x9e\xa7\x05",
    ] {
        let mut numbers = Vec::new();
        for field in Message::new("f", bytes) {
            field.unwrap().int64s("f", &mut numbers, 3).unwrap();
        }
        assert_eq!(numbers, [3, 270, 86942]);
    }
    // -2 takes ten bytes.
    let field = only(b"\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01").unwrap();
    assert_eq!((field.int("a").unwrap(), field.uint("a").unwrap()), (-2, u64::MAX - 1));
    assert!(field.bool("a").unwrap());
}

#[test]
fn numbers_of_fixed_width() {
    let field = only(b"\x0d\0\0\x20\xc0").unwrap();
    assert_eq!((field.float("a").unwrap(), field.fixed32("a").unwrap()), (-2.5, 0xc020_0000));
    let mut values = Vec::new();
    for field in Message::new("f", b"\x0a\x08\0\0\x80\x3f\0\0\0\x40\x0d\0\0\x40\x40") {
        field.unwrap().floats("a", &mut values, 3).unwrap();
    }
    assert_eq!(values, [1.0, 2.0, 3.0]);
}

#[test]
fn cells_lie_where_they_are_or_are_put_together() {
    let whole = |bytes: &[u8]| Bytes::shared(Whole::Read(Arc::new(bytes.to_vec())));
    // Field 2 is another one.
    let packed = b"\x10\x05\x0a\x08\0\0\x80\x3f\0\0\0\x40\x10\x06";
    let data = Message::new("f", packed).cells::<4>(1, "a").unwrap();
    assert_eq!((&data, data.len()), (&Data::At(4..12), 8));
    assert_eq!(*data.kept(&whole(packed)), packed[4..12]);
    // An empty piece beside the only one changes nothing.
    let data = Message::new("f", b"\x0a\x04abcd\x0a\x00").cells::<4>(1, "a").unwrap();
    assert_eq!(data, Data::At(2..6));
    let mixed = b"\x0dabcd\x10\x05\x0a\x08efghijkl\x0dmnop";
    let data = Message::new("f", mixed).cells::<4>(1, "a").unwrap();
    assert_eq!((&data, data.len()), (&Data::Own(b"abcdefghijklmnop".to_vec()), 16));
    assert_eq!(*data.kept(&whole(mixed)), *b"abcdefghijklmnop");
    assert_eq!(Message::new("f", mixed).cells::<8>(3, "a").unwrap().len(), 0);
    let error = |bytes: &[u8]| Message::new("f", bytes).cells::<4>(1, "a").unwrap_err().to_string();
    assert_eq!(error(b"\x0a\x03abc"), "f: a at byte 0: 3 bytes are no numbers of 4 bytes each");
    assert!(error(b"\x09abcdefgh").contains("it is a number of 8 bytes, but must be numbers of 4"));
    assert!(error(b"\x0dabcd\x0d").contains("cut short: field 1 needs 4 bytes from byte 6 on"));
    assert!(error(b"\x0a\x04abcd\x12\x7f").contains("cut short: field 2 needs 127 bytes"));
}

#[test]
fn what_is_no_message_says_where() {
    for (bytes, expected) in [
        (&b"\x08"[..], "cut short: field 1 needs 1 bytes from byte 1 on, but 0 are there"),
        (b"\x80", "cut short: the number of a field needs 1 bytes from byte 1 on"),
        (b"\x08\x01\x12\x05abcd", "cut short: field 2 needs 5 bytes from byte 4 on, but 4 are"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut short: field 1 needs 184467440737"),
        (b"\x09abcdefg", "cut short: field 1 needs 8 bytes from byte 1 on, but 7 are there"),
        (b"\x0dabc", "cut short: field 1 needs 4 bytes from byte 1 on, but 3 are there"),
        (b"\x00\x01", "the number of a field at byte 0: 0; legal: 1 to 536870911"),
        (b"\x80\x80\x80\x80\x10\x01", "the number of a field at byte 0: 536870912; legal"),
        (b"\x08\x01\x0b", "the number of a field at byte 2: field 1 is a group, and groups are"),
        (b"\x0e", "the number of a field at byte 0: wire type 6 of field 1; legal: 0, 1, 2, 5"),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "field 1 at byte 1: a number of more"),
        (b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", "field 1 at byte 1: a number of"),
    ] {
        let error = refused(bytes);
        assert!(error.starts_with(&format!("f: {expected}")), "{error}");
    }
}

#[test]
fn the_wrong_type_is_named() {
    let number = only(b"\x08\x05").unwrap();
    for error in [
        number.text("a").unwrap_err(),
        number.bytes("a").unwrap_err(),
        number.range("a").unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "f: a at byte 0: it is a whole number, but must be bytes");
    }
    assert!(number.message("a").err().unwrap().to_string().ends_with("but must be a message"));
    assert!(number.floats("a", &mut Vec::new(), 1).unwrap_err().to_string().contains("numbers of"));
    assert!(number.float("a").is_err() && number.fixed32("a").is_err());
    let text = only(b"\x0a\x01\xff").unwrap();
    assert!(
        text.text("a").unwrap_err().to_string().starts_with("f: a at byte 0: text that is not")
    );
    assert!(
        text.uint("a")
            .unwrap_err()
            .to_string()
            .ends_with("it is bytes, but must be a whole number")
    );
    assert!(
        text.int64s("a", &mut Vec::new(), 9)
            .unwrap_err()
            .to_string()
            .starts_with("f: cut short: a")
    );
}

#[test]
fn no_more_numbers_and_messages_than_agreed() {
    let error = only(b"\x0a\x03\x01\x02\x03").unwrap().int64s("a", &mut Vec::new(), 2).unwrap_err();
    assert_eq!(error.to_string(), "f: a at byte 0: more than 2 numbers");
    let error = only(b"\x0a\x08abcdefgh").unwrap().floats("a", &mut vec![0.0], 2).unwrap_err();
    assert_eq!(error.to_string(), "f: a at byte 0: more than 2 numbers");

    let mut nested = Vec::new();
    for _ in 0..=limits::MAX_MESSAGE_DEPTH {
        let mut outer = vec![0x0a];
        let mut size = nested.len();
        while size >= 0x80 {
            outer.push(size as u8 | 0x80);
            size >>= 7;
        }
        outer.push(size as u8);
        outer.extend(nested);
        nested = outer;
    }
    let mut message = Message::new("f", &nested);
    for _ in 0..limits::MAX_MESSAGE_DEPTH {
        message = message.next().unwrap().unwrap().message("a").unwrap();
    }
    let error = message.next().unwrap().unwrap().message("a").err().unwrap();
    assert!(error.to_string().contains("more than 100 messages in one another"), "{error}");
}
