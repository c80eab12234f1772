//! Dot-env files: a line `NAME=value` for each variable.
//!
//! Read strictly, as the Python package reads them: the cases of `tests/dot-env` hold for both. Libraries
//! differ in what `$`, a backslash or a `#` mean, so that one file would name two databases.

/// Reads a file's text: names and values, line by line. The last line of a name counts.
pub fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        // It may hold a password.
        let fault = |reason: &str| format!("line {number} {reason}");
        if let Some((name, value)) = variable(line).map_err(fault)? {
            variables.push((name.to_owned(), value));
        }
    }
    Ok(variables)
}

fn variable(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (name, value) = line
        .split_once('=')
        .ok_or("is not of the form NAME=value")?;
    let name = name.trim_end();
    let name = match name.split_once(char::is_whitespace) {
        Some(("export", name)) => name.trim_start(),
        _ => name,
    };
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    if !begins || !name.bytes().all(is_name) {
        return Err("is not of the form NAME=value");
    }
    Ok(Some((name, self::value(value)?)))
}

fn value(text: &str) -> Result<String, &'static str> {
    let is_spaced = text.starts_with(char::is_whitespace);
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('\'') {
        let (value, behind) = quoted.split_once('\'').ok_or(NO_END)?;
        return ended(value.to_owned(), behind);
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, behind) = between_double_quotes(quoted)?;
        return ended(value, behind);
    }
    // A comment needs a blank before it.
    let comment = match is_spaced && text.starts_with('#') {
        true => Some(0),
        false => (text.char_indices().zip(text.chars().skip(1)))
            .find(|((_, blank), mark)| blank.is_whitespace() && *mark == '#')
            .map(|((index, _), _)| index),
    };
    let value = comment.and_then(|end| text.get(..end)).unwrap_or(text);
    if value.contains("${") {
        return Err(REPLACES);
    }
    Ok(value.trim_end().to_owned())
}

const NO_END: &str = "has a quotation without an end";
const REPLACES: &str =
    "has a ${…}, which is not replaced: write the value itself, or put it between single quotes";

fn between_double_quotes(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, text.get(index + 1..).unwrap_or_default())),
            '\\' => value.push(match letters.next() {
                Some((_, 'n')) => '\n',
                Some((_, letter @ ('"' | '\\' | '$'))) => letter,
                _ => return Err("has a \\ before something else than \", \\, $ or n"),
            }),
            '$' if text
                .get(index + 1..)
                .is_some_and(|rest| rest.starts_with('{')) =>
            {
                return Err(REPLACES);
            }
            letter => value.push(letter),
        }
    }
    Err(NO_END)
}

/// The value, if nothing but a comment follows.
fn ended(value: String, behind: &str) -> Result<String, &'static str> {
    let rest = behind.trim_start();
    let is_comment = rest.starts_with('#') && behind.starts_with(char::is_whitespace);
    if rest.is_empty() || is_comment {
        return Ok(value);
    }
    Err("has something behind its quotation")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        text: String,
        gives: Option<HashMap<String, String>>,
        refused: Option<String>,
    }

    #[test]
    fn files_are_read_as_the_python_package_reads_them() {
        let table = include_str!("../../../tests/dot-env/cases.json");
        let table: Table = serde_json::from_str(table).unwrap();
        for Case {
            text,
            gives,
            refused,
        } in table.cases
        {
            match (read(&text), gives, refused) {
                (Ok(found), Some(gives), None) => {
                    let found: HashMap<String, String> = found.into_iter().collect();
                    assert_eq!(found, gives, "{text:?}");
                }
                (Err(error), None, Some(line)) => {
                    assert!(error.starts_with(&format!("{line} ")), "{text:?}: {error}");
                    assert!(!error.contains("hunter2"), "{error}");
                }
                (found, ..) => panic!("{text:?}: {found:?}"),
            }
        }
    }
}
