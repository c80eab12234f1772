//! Codes such as `%20`.

use crate::fault::Fault;

/// The text that is meant. A `+` is a `+`, as libpq has it.
pub(crate) fn decoded(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || (rest.next()).and_then(|digit| char::from(digit).to_digit(16));
        let (high, low) = digit().zip(digit()).ok_or(Fault::Percent)?;
        match u8::try_from(high * 16 + low) {
            // No text of a database holds it, and C ends there.
            Ok(0) | Err(_) => return Err(Fault::Percent),
            Ok(byte) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| Fault::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_strictly() {
        for (text, meant) in [
            ("", Ok("")),
            ("a%20b%2Bc+d", Ok("a b+c+d")),
            ("b%C3%A4r", Ok("bär")),
            ("bär", Ok("bär")),
            ("100%", Err(Fault::Percent)),
            ("%2", Err(Fault::Percent)),
            ("%g0", Err(Fault::Percent)),
            ("%+1", Err(Fault::Percent)),
            ("%00", Err(Fault::Percent)),
            ("%ä", Err(Fault::Percent)),
            ("%FF", Err(Fault::NotUtf8)),
        ] {
            assert_eq!(decoded(text).as_deref(), meant.as_deref(), "{text}");
        }
    }
}
