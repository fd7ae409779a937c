//! Bytes and text of protocol 0, which are lines of ASCII with escapes. Texts of protocol buffers have the same.

/// The bytes that a string in quotes stands for, as Python 2 and C write it; nothing if it is none.
pub(crate) fn string(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii_end();
    let (&quote, rest) = line.split_first().filter(|(quote, _)| matches!(quote, b'\'' | b'"'))?;
    let inner = rest.strip_suffix(&[quote])?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut left = inner.iter().copied();
    while let Some(byte) = left.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match left.next()? {
            byte @ (b'\\' | b'\'' | b'"') => byte,
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            // Up to three digits of eight.
            digit @ b'0'..=b'7' => {
                let mut number = u32::from(digit - b'0');
                for _ in 0..2 {
                    match left.clone().next() {
                        Some(next @ b'0'..=b'7') => number = number * 8 + u32::from(next - b'0'),
                        _ => break,
                    }
                    left.next();
                }
                u8::try_from(number).ok()?
            }
            b'x' => {
                hexadecimal(&[left.next()?, left.next()?]).and_then(|n| u8::try_from(n).ok())?
            }
            _ => return None,
        });
    }
    Some(bytes)
}

/// The text that a line of `\uXXXX`, `\UXXXXXXXX` and Latin-1 stands for; nothing if it is none.
pub(super) fn text(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let mut left = line;
    while let Some((&byte, rest)) = left.split_first() {
        left = rest;
        let digits = match (byte, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        let (code, after) = rest.get(1..)?.split_at_checked(digits)?;
        text.push(char::from_u32(hexadecimal(code)?)?);
        left = after;
    }
    Some(text)
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_as_python_2_writes_them() {
        // repr() of Python 2.7 for the bytes on the right.
        for (line, bytes) in [
            (&br"''"[..], &b""[..]),
            (br"'\x00\x80\x3f\n'", b"\0\x80?\n"),
            (br#"'it\'s "so"'"#, br#"it's "so""#),
            (br#""it's""#, b"it's"),
            (br"'\\x00\t\r'", b"\\x00\t\r"),
            // As protocol buffers write it: digits of eight, three at most.
            (br"'caf\303\2517\0'", b"caf\xc3\xa97\0"),
        ] {
            assert_eq!(string(line).as_deref(), Some(bytes));
        }
        let bad = [
            &b""[..],
            b"'",
            b"'a",
            b"a'",
            b"'a\"",
            br"'\'",
            br"'\x0'",
            br"'\xgg'",
            br"'\8'",
            br"'\400'",
        ];
        for bad in bad {
            assert_eq!(string(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn text_as_protocol_0_has_it() {
        for (line, expected) in [
            (&b"plain"[..], "plain"),
            (b"\xe9\\u005cu0041\\u000a", "é\\u0041\n"),
            (b"\\U0001f600", "\u{1f600}"),
            (b"back\\slash\\", "back\\slash\\"),
        ] {
            assert_eq!(text(line).as_deref(), Some(expected));
        }
        for bad in [&b"\\u12"[..], b"\\ud800", b"\\U00110000", b"\\uzzzz"] {
            assert_eq!(text(bad), None);
        }
    }
}
