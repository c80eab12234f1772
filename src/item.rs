//! An item as its batch asks for it: as text, or by its bytes in letters.

use crate::databases::unexpected;
use crate::error::Error;
use crate::interface::ItemEncoding;
use crate::sql::item::{BYTES, BYTES_OF_TEXT, TEXT};

/// What a database gave for an item.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Text(String),
    /// The bytes of a text, which may be none in UTF-8.
    BytesOfText(Vec<u8>),
    /// Bytes that are no text, whatever they hold.
    Bytes(Vec<u8>),
}

/// Why an item cannot be given as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoText(pub(crate) &'static str);

impl Given {
    /// Reads the letter that says what it is, and what follows.
    pub(crate) fn parse(mut given: String) -> Result<Self, Error> {
        let kind = given.chars().next().unwrap_or_default();
        if kind == TEXT {
            given.remove(0);
            return Ok(Self::Text(given));
        }
        let bytes = (given
            .get(1..)
            .filter(|_| matches!(kind, BYTES | BYTES_OF_TEXT)))
        .and_then(bytes_of)
        .ok_or_else(|| unexpected("something else than an item"))?;
        Ok(match kind == BYTES {
            true => Self::Bytes(bytes),
            false => Self::BytesOfText(bytes),
        })
    }

    /// The item as it was asked for.
    pub(crate) fn encoded(self, encoding: ItemEncoding) -> Result<String, NoText> {
        if encoding == ItemEncoding::Text {
            return self.into_text();
        }
        let bytes = match self {
            Self::Text(text) => text.into_bytes(),
            Self::BytesOfText(bytes) | Self::Bytes(bytes) => bytes,
        };
        Ok(match encoding {
            ItemEncoding::Base64 => base64_of(&bytes),
            ItemEncoding::Text | ItemEncoding::Hex => digits_of(&bytes),
        })
    }

    fn into_text(self) -> Result<String, NoText> {
        let text = match self {
            Self::Text(text) => text,
            Self::BytesOfText(bytes) => {
                String::from_utf8(bytes).map_err(|_| NoText("holds bytes that are no UTF-8"))?
            }
            Self::Bytes(_) => return Err(NoText("is kept as bytes")),
        };
        match text.contains('\0') {
            true => Err(NoText("holds a NUL character")),
            false => Ok(text),
        }
    }
}

/// The bytes of hexadecimal digits.
fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .map(|value| value.to_le_bytes()[0])
    };
    // MySQL leaves the leading zero of a number out.
    let padding = (digits.len() % 2 == 1).then_some(b'0');
    let mut digits = padding.into_iter().chain(digits.bytes());
    let mut bytes = Vec::new();
    while let Some(high) = digits.next() {
        bytes.push(value(high)? << 4 | value(digits.next()?)?);
    }
    Some(bytes)
}

/// The bytes in base64 (RFC 4648, with padding). A crate's encoder would cost the component several
/// times as much.
fn base64_of(bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let byte = |index: usize| part.get(index).copied().unwrap_or_default();
        let bits = u32::from_be_bytes([0, byte(0), byte(1), byte(2)]);
        for place in 0..4 {
            text.push(match place <= part.len() {
                true => letter_of(bits >> (18 - 6 * place) & 63),
                false => '=',
            });
        }
    }
    text
}

/// The letter of base64 for a value below 64.
fn letter_of(value: u32) -> char {
    char::from(match value.to_le_bytes()[0] {
        value @ 0..26 => b'A' + value,
        value @ 26..52 => b'a' + (value - 26),
        value @ 52..62 => b'0' + (value - 52),
        62 => b'+',
        _ => b'/',
    })
}

fn digits_of(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or_default();
    (bytes.iter())
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
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
            let encoded = |encoding| Given::parse(given.into()).unwrap().encoded(encoding);
            assert_eq!(encoded(Text), text.map(str::to_owned), "{given}");
            assert_eq!(encoded(Base64).unwrap(), base64, "{given}");
            assert_eq!(encoded(Hex).unwrap(), hex, "{given}");
        }
        for given in ["", "x41", "b4g", "ué1", "ü"] {
            assert!(Given::parse(given.into()).is_err(), "{given}");
        }
    }
}
