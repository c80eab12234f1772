//! Passwords stay out of messages, also where a URL stands in place of another word.

use std::{env, fmt};

use batchintory_database_url::Told;

/// A text that may hold a password, or is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// The message without those words of the command line that may hold a password.
pub fn without_secrets(message: &str) -> String {
    let arguments = env::args_os().skip(1);
    let words = arguments.filter_map(|word| word.into_string().ok());
    without(message, words)
}

fn without(message: &str, words: impl Iterator<Item = String>) -> String {
    let mut hidden: Vec<String> = words
        .flat_map(|word| {
            let value = word.split_once('=').map(|(_, value)| value.to_owned());
            [Some(word), value]
        })
        .flatten()
        .filter(|word| may_hold_password(word))
        .collect();
    // A word may be a part of another.
    hidden.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut message = message.to_owned();
    for word in hidden {
        let told = Told::of(&word);
        let quoted = format!("{word:?}");
        let escaped = quoted.trim_matches('"');
        message = message.replace(&word, told.shown());
        message = message.replace(escaped, told.shown());
    }
    message
}

/// Whether a word looks as if somebody had meant a URL or another form of it.
fn may_hold_password(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    ["@", "%", "://", "passw", "pwd"]
        .iter()
        .any(|mark| lower.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_command_line_are_not_repeated_where_they_may_hold_a_password() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        for (line, message, shown) in [
            (
                "status postgres://me:secret@host/lake",
                "unexpected argument 'postgres://me:secret@host/lake' found",
                "unexpected argument 'postgres://host/lake' found",
            ),
            (
                "plan --meta-table=me:sec\"ret@host",
                r#"there is no table "me:sec\"ret@host""#,
                r#"there is no table "…""#,
            ),
            (
                "plan --max-count ten",
                "invalid value 'ten'",
                "invalid value 'ten'",
            ),
        ] {
            assert_eq!(without(message, words(line).into_iter()), shown);
        }
    }
}
