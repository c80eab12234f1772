//! What differs from run to run in what commands print: times, tokens, paces.

/// Columns of tables whose values depend on the clock.
const VOLATILE_COLUMNS: [&str; 4] = ["ITEMS/H", "WEIGHT/H", "DONE IN", "LATEST"];

/// The text without it, to be compared. Widths of columns follow their values, so blanks count once.
pub fn without(text: &str) -> String {
    let mut volatile = Vec::new();
    let mut lines = Vec::new();
    for line in text.trim_end().lines() {
        let cells: Vec<&str> = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        if cells.iter().any(|cell| VOLATILE_COLUMNS.contains(cell)) {
            volatile = (cells.iter())
                .map(|cell| VOLATILE_COLUMNS.contains(cell))
                .collect();
        }
        let words = if cells.len() == volatile.len() {
            let kept = cells
                .iter()
                .zip(&volatile)
                .filter(|(_, is_volatile)| !**is_volatile);
            kept.map(|(cell, _)| *cell).collect::<Vec<_>>().join(" ")
        } else {
            line.to_owned()
        };
        lines.push(
            words
                .split_whitespace()
                .map(word_without)
                .collect::<Vec<_>>()
                .join(" "),
        );
    }
    lines.join("\n")
}

/// A word with times and tokens replaced by what stands for any.
fn word_without(word: &str) -> String {
    let mut rest = word;
    let mut kept = String::new();
    while let Some(first) = rest.chars().next() {
        let (length, replaced) = match (time(rest), token(rest)) {
            (Some(length), _) => (length, "<time>"),
            (_, Some(length)) => (length, "<token>"),
            _ => {
                kept.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        kept.push_str(replaced);
        rest = &rest[length..];
    }
    kept
}

/// How long the time is that a text begins with, as in 2026-11-26T23:15:55.906Z.
fn time(text: &str) -> Option<usize> {
    const FORM: &str = "0000-00-00T00:00:00";
    let begins = text.len() >= FORM.len()
        && (text.bytes().zip(FORM.bytes())).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        });
    let fraction = |length: usize| {
        text[length..]
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count()
    };
    let length = begins.then(|| FORM.len() + fraction(FORM.len()))?;
    Some(length + usize::from(text[length..].starts_with('Z')))
}

/// How long the claim token is that a text begins with: 32 hexadecimal digits.
fn token(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    (digits == 32).then_some(digits)
}

#[test]
fn only_what_depends_on_the_clock_or_on_chance_is_left_out() {
    let shown = "JOB    ITEMS  ITEMS/H  LATEST\nlines      8  319,995  2026-11-26T23:15:55.906Z\n";
    let other =
        "JOB    ITEMS    ITEMS/H  LATEST\nlines      8  1,319,995  2027-01-02T03:04:05.000Z\n";
    let wrong = shown.replace("  8", "  9");
    assert_eq!(without(shown), without(other));
    assert_ne!(without(shown), without(&wrong));
    let shown = r#"{"claim_token":"b2c15a8f6945ad927b7e790f9dd8e531","start":"2026-11-23T18:59:39.753Z","id":1}"#;
    assert_eq!(
        without(shown),
        r#"{"claim_token":"<token>","start":"<time>","id":1}"#
    );
}
