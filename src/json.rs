//! JSON as it is given to the planner, read as [`Value`]s.
//!
//! It takes what serde_json takes, and gives what that gives; a test holds the one against the other. Of serde_json,
//! only what writes is part of the component: its reader weighs ten times as much.

use serde_json::{Map, Value};

use crate::json_scanner::{Token, Unreadable, scan};
use crate::nearest_double::nearest_double;

/// The most lists and objects within each other, as serde_json has it.
const MAX_LEVELS: usize = 127;

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Value, Unreadable> {
    let mut reader = Reader {
        open: Vec::new(),
        value: Value::Null,
    };
    scan(text, &mut |token| reader.take(token))?;
    Ok(reader.value)
}

/// Writes a document, as short as can be.
pub(crate) fn write(value: &Value) -> String {
    // Only maps of names that are no text could not be written.
    serde_json::to_string(value).unwrap_or_default()
}

/// Checks that a text is a document, with numbers of any size and halves of characters as well.
pub(crate) fn check(text: &str) -> Result<(), Unreadable> {
    scan(text, &mut |_| Ok(()))
}

/// Makes a value of tokens.
struct Reader {
    /// Lists and objects whose ends are to come, the innermost last, with the name of the value that comes next.
    open: Vec<(Value, String)>,
    value: Value,
}

impl Reader {
    fn take(&mut self, token: Token<'_>) -> Result<(), &'static str> {
        let value = match token {
            Token::List => return self.enter(Value::Array(Vec::new())),
            Token::Object => return self.enter(Value::Object(Map::new())),
            Token::Name(name) => {
                if let Some((_, next)) = self.open.last_mut() {
                    *next = unescaped(name)?;
                }
                return Ok(());
            }
            Token::End => self.open.pop().map_or(Value::Null, |(value, _)| value),
            Token::Text(text) => Value::String(unescaped(text)?),
            Token::Number(number) => number_of(number)?,
            Token::Word(Some(truth)) => Value::Bool(truth),
            Token::Word(None) => Value::Null,
        };
        match self.open.last_mut() {
            Some((Value::Array(list), _)) => list.push(value),
            Some((Value::Object(object), name)) => {
                object.insert(std::mem::take(name), value);
            }
            _ => self.value = value,
        }
        Ok(())
    }

    fn enter(&mut self, value: Value) -> Result<(), &'static str> {
        if self.open.len() == MAX_LEVELS {
            return Err("too many levels");
        }
        self.open.push((value, String::new()));
        Ok(())
    }
}

/// An integer where it is one of 64 bits, else the nearest number.
fn number_of(text: &str) -> Result<Value, &'static str> {
    if let Ok(integer) = text.parse::<u64>() {
        return Ok(integer.into());
    }
    match text.parse::<i64>() {
        Ok(integer) if integer != 0 => Ok(integer.into()),
        _ => nearest_double(text)
            .map(Value::from)
            .ok_or("a number out of range"),
    }
}

/// A text without its escapes, which have been checked for their form.
fn unescaped(text: &str) -> Result<String, &'static str> {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        unescaped.push_str(before);
        let mut characters = behind.chars();
        let character = match characters.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let first = hexadecimal(&mut characters);
                let mut further = characters.clone();
                let is_pair = (0xD800..0xDC00).contains(&first)
                    && (further.next(), further.next()) == (Some('\\'), Some('u'));
                let second = is_pair.then(|| hexadecimal(&mut further));
                if is_pair {
                    characters = further;
                }
                let units = std::iter::once(first).chain(second);
                let mut decoded = char::decode_utf16(units);
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(character)), None) => character,
                    _ => return Err("half of a character"),
                }
            }
            Some(itself) => itself,
            None => break,
        };
        unescaped.push(character);
        rest = characters.as_str();
    }
    unescaped.push_str(rest);
    Ok(unescaped)
}

/// Takes four hexadecimal digits.
fn hexadecimal(characters: &mut std::str::Chars<'_>) -> u16 {
    let digits = characters.by_ref().take(4);
    let number = digits.fold(0, |number, digit| {
        number * 16 + digit.to_digit(16).unwrap_or(0)
    });
    u16::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn assert_as_serde_json(text: &str) {
        let expected = serde_json::from_str::<Value>(text).ok();
        assert_eq!(read(text).ok(), expected, "{text}");
        let expected = serde_json::from_str::<IgnoredAny>(text).is_ok();
        assert_eq!(check(text).is_ok(), expected, "{text}");
    }

    #[test]
    fn documents_are_read_as_serde_json_reads_them() {
        for text in [
            "",
            " ",
            "null",
            " true\n",
            "false",
            "nul",
            "nulll",
            "tru",
            "[]",
            "[ ]",
            "{}",
            "{ }",
            "[1, 2]",
            "[1,]",
            "[,]",
            "[1 2]",
            "[1",
            "]",
            "{\"a\": 1}",
            "{\"a\": 1,}",
            "{\"a\"}",
            "{\"a\" 1}",
            "{a: 1}",
            "{1: 1}",
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": [{\"b\": {}}, []]}",
            "[}",
            "{]",
            "1 2",
            "[[], {}]x",
            "0",
            "-0",
            "-",
            "00",
            "01",
            "1.",
            ".1",
            "1.5",
            "-1.5e3",
            "1e",
            "1e+",
            "1E-2",
            "+1",
            "1e400",
            "-1e400",
            "1e-400",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "18446744073709551615",
            "18446744073709551616",
            "0.1",
            "1e2",
            "Infinity",
            r#""""#,
            r#""a"#,
            r#""\""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""\x""#,
            r#""\u00e4\u20AC""#,
            r#""\u12""#,
            r#""\u12g4""#,
            r#""\ud83d\ude00""#,
            r#""\ud83d""#,
            r#""\ud83dx""#,
            r#""\ud83d\n""#,
            r#""\ud83d\u0041""#,
            r#""\ude00""#,
            r#""\ude00\ud83d""#,
            r#""\ud83d\ud83d""#,
            "\"\u{1f}\"",
            "\"\u{7f}ä€😀\"",
            "\"\n\"",
            r#"{"\u0061": "\u0000"}"#,
            "\u{feff}1",
            "\u{a0}1",
        ] {
            assert_as_serde_json(text);
        }
        for levels in [126, 127, 128, 129, 10_000] {
            assert_as_serde_json(&("[".repeat(levels) + &"]".repeat(levels)));
            assert_as_serde_json(&("{\"a\":".repeat(levels) + "1" + &"}".repeat(levels)));
        }
    }

    #[test]
    fn an_error_tells_its_place() {
        let error = |text| read(text).unwrap_err().to_string();
        assert_eq!(error(""), "expected a value at line 1 column 0");
        assert_eq!(
            error("[1,\n 2 3]"),
            "expected `,` or `]` at line 2 column 4"
        );
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?",
            any::<String>().prop_map(|text| Value::from(text).to_string()),
            "\"([a-z]|\\\\u[dD8cC0][0-9a-f]{3}|\\\\[\"\\\\/bfnrt]){0,6}\"",
            "true|false|null",
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let list = prop::collection::vec(inner, 0..4);
            prop_oneof![
                list.clone()
                    .prop_map(|values| format!("[{}]", values.join(" , "))),
                list.prop_map(|values| {
                    let members = values.iter().enumerate();
                    let members =
                        members.map(|(index, value)| format!("\"{}\":{value}", index % 2));
                    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_read_as_serde_json_reads_it(text in json()) {
            assert_as_serde_json(&text);
        }

        #[test]
        fn what_is_damaged_is_judged_as_serde_json_judges_it(text in json(), at: prop::sample::Index, with in "[\\[\\]{},:\"\\\\ 0-9eE+.u-]?") {
            let mut characters: Vec<String> = text.chars().map(String::from).collect();
            *at.get_mut(&mut characters) = with;
            assert_as_serde_json(&characters.concat());
        }
    }
}
