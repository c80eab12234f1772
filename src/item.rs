//! An item as its batch asks for it: as text, or by its bytes in letters.

use crate::error::Error;
use crate::interface::ItemEncoding;
use crate::row_reader::unexpected;
use crate::sql::item::{BYTES, BYTES_OF_TEXT, TEXT};

/// The letters of base64 (RFC 4648).
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What a database gave for an item.
pub(crate) struct Given {
    bytes: Vec<u8>,
    /// Whether they are declared, or kept, as text; that may be none in UTF-8.
    is_text: bool,
}

/// Why an item cannot be given as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoText(pub(crate) &'static str);

impl Given {
    /// Reads the letter that says what it is, and what follows.
    pub(crate) fn parse(given: &str) -> Result<Self, Error> {
        let kind = given.bytes().next().map(char::from);
        let bytes = given.get(1..).and_then(|rest| match kind {
            Some(TEXT) => Some(rest.as_bytes().to_vec()),
            Some(BYTES | BYTES_OF_TEXT) => bytes_of(rest),
            _ => None,
        });
        Ok(Self {
            bytes: bytes.ok_or_else(|| unexpected("no item"))?,
            is_text: kind != Some(BYTES),
        })
    }

    /// The item as it was asked for.
    pub(crate) fn encoded(self, encoding: ItemEncoding) -> Result<String, NoText> {
        if encoding == ItemEncoding::Text {
            return self.into_text();
        }
        if encoding == ItemEncoding::Hex {
            return Ok(letters_of(&self.bytes, b"0123456789abcdef", 4));
        }
        let mut letters = letters_of(&self.bytes, BASE64, 6);
        while !letters.len().is_multiple_of(4) {
            letters.push('=');
        }
        Ok(letters)
    }

    fn into_text(self) -> Result<String, NoText> {
        if !self.is_text {
            return Err(NoText("is kept as bytes"));
        }
        if self.bytes.contains(&0) {
            return Err(NoText("holds a NUL character"));
        }
        String::from_utf8(self.bytes).map_err(|_| NoText("holds bytes that are no UTF-8"))
    }
}

/// The bytes of hexadecimal digits.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // MySQL leaves the leading zero of a number out.
    let mut is_high = digits.len().is_multiple_of(2);
    let mut value = 0;
    for digit in digits.bytes() {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        value = value << 4 | digit;
        if !is_high {
            bytes.push(value);
        }
        is_high = !is_high;
    }
    Some(bytes)
}

/// The bytes in letters of so many bits each. A crate's encoder of base64 would cost the component
/// several times as much.
fn letters_of(bytes: &[u8], alphabet: &[u8], bits: u32) -> String {
    let mut letters = String::new();
    let (mut rest, mut left) = (0_usize, 0);
    let mut push = |index: usize| {
        let letter = alphabet.get(index % (1 << bits)).copied();
        letters.push(char::from(letter.unwrap_or_default()));
    };
    for byte in bytes {
        rest = rest << 8 & 0xffff | usize::from(*byte);
        left += 8;
        while left >= bits {
            left -= bits;
            push(rest >> left);
        }
    }
    if left > 0 {
        push(rest << (bits - left));
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_given_as_it_is_and_bytes_only_in_letters() {
        use ItemEncoding::{Base64, Hex, Text};
        let no_utf8 = Err(NoText("holds bytes that are no UTF-8"));
        let nul = Err(NoText("holds a NUL character"));
        let bytes = Err(NoText("is kept as bytes"));
        for (given, text, base64, hex) in [
            ("t", Ok(""), "", ""),
            ("tübt", Ok("übt"), "w7xidA==", "c3bc6274"),
            ("uC3bc", Ok("ü"), "w7w=", "c3bc"),
            ("uFF41", no_utf8, "/0E=", "ff41"),
            ("ufbff3a", no_utf8, "+/86", "fbff3a"),
            ("u4100", nul, "QQA=", "4100"),
            ("tA\0", nul, "QQA=", "4100"),
            ("b41", bytes, "QQ==", "41"),
            ("b101", bytes, "AQE=", "0101"),
            ("b", bytes, "", ""),
        ] {
            let encoded = |encoding| Given::parse(given).unwrap().encoded(encoding);
            assert_eq!(encoded(Text), text.map(str::to_owned), "{given}");
            assert_eq!(encoded(Base64).unwrap(), base64, "{given}");
            assert_eq!(encoded(Hex).unwrap(), hex, "{given}");
        }
        for given in ["", "x41", "b4g", "ué1", "ü"] {
            assert!(Given::parse(given).is_err(), "{given}");
        }
    }
}
