//! Programs as Python writes them, as it never does, and broken ones.

use super::*;
use crate::pickle;

const KNOWN: &[Global] = &[("collections", "OrderedDict"), ("m", "f")];

fn read(bytes: &[u8]) -> std::result::Result<pickle::Pickle, String> {
    let bytes = crate::bytes::Bytes::Own(bytes.to_vec());
    pickle::read("f", &bytes, 0, Names::Only(KNOWN)).map_err(|error| error.to_string())
}

/// A value as Python's `repr` shows it, for what the tests need.
fn shown(pickle: &pickle::Pickle, value: Ref) -> String {
    let list = |items: &[Ref]| {
        items.iter().map(|&item| shown(pickle, item)).collect::<Vec<_>>().join(", ")
    };
    let pairs = |pairs: &[(Ref, Ref)]| {
        let pair = |(key, value): &(Ref, Ref)| {
            format!("{}: {}", shown(pickle, *key), shown(pickle, *value))
        };
        pairs.iter().map(pair).collect::<Vec<_>>().join(", ")
    };
    match pickle.get(value) {
        Value::None => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(_) => format!("'{}'", pickle.text(value, 99).unwrap()),
        Value::Bytes(data) => format!("b'{}'", pickle.data(data).escape_ascii()),
        Value::Tuple(items) if items.len() == 1 => format!("({},)", list(items)),
        Value::Tuple(items) => format!("({})", list(items)),
        Value::List(items) => format!("[{}]", list(items)),
        Value::Dict(entries) => format!("{{{}}}", pairs(entries)),
        Value::Global(_) | Value::Named(..) => pickle.describe(value),
        Value::Object(object) => {
            let state = object.state.map_or(String::new(), |state| shown(pickle, state));
            let [function, arguments] = [object.function, object.arguments];
            let (function, arguments) = (shown(pickle, function), shown(pickle, arguments));
            format!("{function}{arguments}<{state}>{{{}}}", pairs(&object.entries))
        }
        Value::Persistent(name) => format!("<{}>", shown(pickle, *name)),
    }
}

#[test]
fn values_of_every_protocol() {
    // pickle.dumps of Python 3.11 for the value on the right, by protocol.
    for (bytes, expected) in [
        (&b"(lp0\nI1\naI-2\naL30000000000L\naF0.5\naI01\naI00\naNa."[..], "[1, -2, 30000000000, 0.5, True, False, None]"),
        (b"(dp0\nVa\np1\nVb\\u000a\xe9\np2\ns.", "{'a': 'b\n\u{e9}'}"),
        (b"\x80\x02]q\x00(K\x01J\xfe\xff\xff\xffM\x01\x01\x8a\x05\x00\xac#\xfc\x06G?\xe0\x00\x00\x00\x00\x00\x00\x88\x89Ne.", "[1, -2, 257, 30000000000, 0.5, True, False, None]"),
        (b"\x80\x03}q\x00(X\x01\x00\x00\x00aq\x01C\x01\xffq\x02K\x05\x85q\x03h\x03u.", "{'a': b'\\xff', (5,): (5,)}"),
        (b"\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94)K\x01K\x02\x86\x94\x86\x94s.", "{'a': ((), (1, 2))}"),
        (b"\x80\x05\x95\x0e\x00\x00\x00\x00\x00\x00\x00\x96\x03\x00\x00\x00\x00\x00\x00\x00abc\x94.", "b'abc'"),
        // Python 2.7.
        (b"(dp0\nS'a'\np1\n(I1\nI2\ntp2\ns.", "{b'a': (1, 2)}"),
        (b"\x80\x02U\x03a\xffbq\x00.", "b'a\\xffb'"),
        // By hand: what Python never writes, but reads.
        (b"(K\x01K\x02\x31K\x03.", "3"),
        (b"(0K\x03K\x04\x30.", "3"),
        (b"K\x032\x86.", "(3, 3)"),
        (b"\x8a\x00.", "0"),
        (b"\x8a\x01\xff.", "-1"),
        (b"\x8b\x02\x00\x00\x00\x00\x80.", "-32768"),
        (b"Pname\n.", "<'name'>"),
        (b"K\x07Q.", "<7>"),
        (b"cm\nf\nK\x07\x85RK\x08b.", "m.f(7,)<8>{}"),
        (b"ccollections\nOrderedDict\n)RK\x01K\x02s.", "collections.OrderedDict()<>{1: 2}"),
        (b"\x8c\x01m\x8c\x01f\x93)\x81.", "m.f()<>{}"),
        (b"cm\nf\n)}\x92.", "m.f()<>{}"),
    ] {
        let pickle = read(bytes).unwrap();
        assert_eq!(shown(&pickle, pickle.root), expected);
        assert_eq!(pickle.end, bytes.len());
        for end in 0..bytes.len() {
            let error = read(&bytes[..end]).unwrap_err();
            assert!(error.starts_with("f: cut short: "), "{end}: {error}");
        }
    }
}

#[test]
fn what_is_kept_is_shared_as_it_becomes() {
    // x = []; (x, x); x.append(1): both see it.
    let pickle = read(b"]q\x00h\x00K\x01a\x86.").unwrap();
    assert_eq!(shown(&pickle, pickle.root), "([1], [1])");
    // A list in itself is read, and nobody walks along it.
    let ring = read(b"]q\x00h\x00a.").unwrap();
    assert_eq!(ring.items(ring.root), Some(&[ring.root][..]));
}

#[test]
fn functions_that_are_not_known_are_named() {
    for bytes in [
        &b"cos\nsystem\n(S'echo'\ntR."[..],
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.",
        // Even where nothing comes of it.
        b"cos\nsystem\n0K\x01.",
    ] {
        let error = read(bytes).unwrap_err();
        assert!(error.starts_with("f: the pickle asks for \"os.system\" at byte "), "{error}");
        assert!(error.ends_with("which is not run; known: collections.OrderedDict, m.f"));
    }
    let long = [b"c".repeat(1 << 20), b"\n\n".to_vec()].concat();
    assert!(read(&long).unwrap_err().len() < 400);
}

#[test]
fn programs_that_are_none_say_where() {
    for (bytes, expected) in [
        (&b"."[..], "instruction '.' of the pickle at byte 0: nothing lies on the stack"),
        (b"K\x01(.", "instruction '.' of the pickle at byte 3: nothing lies on the stack"),
        (b"K\x01(\x85.", "it needs 1 values on the stack, but 0 are there"),
        (b"t.", "no mark lies on the stack"),
        (b"\x80\x06.", "protocol 6 is not read; legal: 0 to 5"),
        (b"h\x05.", "nothing was kept as number 5"),
        (b"g-1\n.", "its number is not a number from 0 on"),
        (b"Ix\n.", "its text is not a number of at most 128 bits"),
        (b"\x8a\x11aaaaaaaaaaaaaaaaa.", "a number of 17 bytes, but at most 16 are read"),
        (b"Sx\n.", "its text is not escaped as in protocol 0"),
        (b"K\x01K\x02a.", "only lists are appended to"),
        (b"K\x01K\x02K\x03s.", "only dictionaries have keys that are set"),
        (b"(K\x01d.", "1 values are no pairs of key and value"),
        (b"K\x01K\x02R.", "it needs a function by its name, and a tuple"),
        (b"cm\nf\ncm\nf\nR.", "it needs a function by its name, and a tuple"),
        (b"K\x01K\x02b.", "only objects have a state"),
        (b"cm\nf\n)RK\x01bK\x01b.", "an object has its state already"),
        (b"cm\nf\n)}K\x01K\x02s\x92.", "arguments by name are not read"),
        (b"K\x01K\x02\x93.", "the name of a function must be text"),
        (b"\x82\x01.", "instruction '\\u{82}' of the pickle at byte 0: it is not read"),
        (b"\x8f.", "it is not read"),
        (b"ios\nsystem\n.", "instruction 'i' of the pickle at byte 0: it is not read"),
    ] {
        let error = read(bytes).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    // A size of -1, and one beyond the end.
    assert!(read(b"T\xff\xff\xff\xffab.").unwrap_err().contains("needs 4294967295 bytes"));
    assert!(read(b"\x95\xff\0\0\0\0\0\0\0N.").unwrap_err().contains("a frame needs 255 bytes"));
}

#[test]
fn bombs_end_at_a_limit() {
    let values = read(&b"]".repeat(limits::MAX_PICKLE_VALUES + 1)).unwrap_err();
    assert_eq!(values, "f: 1048577 values of a pickle, but at most 1048576 are read");
    let steps = read(&[b"]".to_vec(), b"2".repeat(limits::MAX_PICKLE_STEPS)].concat());
    assert!(steps.unwrap_err().contains("4194305 instructions of a pickle, but at most"));
    let marks = read(&b"(".repeat(limits::MAX_PICKLE_STEPS)).unwrap_err();
    assert!(marks.contains("instructions"), "{marks}");
    // As deep as it can be: made and dropped without recursion.
    let mut deep = b"]".repeat(1 << 19);
    deep.extend(b"a".repeat((1 << 19) - 1));
    deep.push(b'.');
    assert!(read(&deep).is_ok());
}
