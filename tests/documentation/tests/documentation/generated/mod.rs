//! Pages of docs/reference: written from what they describe, or held against it.

mod commands;
mod http_api;
mod tables;
mod wit;

/// The first line of a page that is written by a test, and the sentence that says so.
fn head(title: &str, source: &str) -> String {
    format!(
        "# {title}\n\n<!-- Written from {source} by tests/documentation; see CONTRIBUTING.md. -->\n\n"
    )
}

/// Prose in lines of a hundred characters, whose first begins with one text and all others with another.
fn wrapped(text: &str, first: &str, others: &str) -> String {
    const COLUMNS: usize = 100;
    let mut lines = Vec::new();
    let mut line = String::from(first);
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let begins_list = ["-", "*", "+", "#", ">"].contains(&word);
        if !is_empty && !begins_list && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(std::mem::replace(&mut line, others.to_owned()));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line);
    lines.join("\n")
}

/// Paragraphs and lists, each wrapped.
fn paragraphs(text: &str) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut is_list = false;
    let mut prose: Vec<&str> = Vec::new();
    let flush = |prose: &mut Vec<&str>, is_list: &mut bool, blocks: &mut Vec<String>| {
        if !prose.is_empty() {
            let (first, others) = if *is_list { ("- ", "  ") } else { ("", "") };
            blocks.push(wrapped(&prose.join(" "), first, others));
            prose.clear();
        }
        *is_list = false;
    };
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() {
            flush(&mut prose, &mut is_list, &mut blocks);
        } else if let Some(item) = line.strip_prefix("- ") {
            flush(&mut prose, &mut is_list, &mut blocks);
            is_list = true;
            prose.push(item);
        } else {
            prose.push(line);
        }
    }
    flush(&mut prose, &mut is_list, &mut blocks);
    blocks
        .join("\n\n")
        .replace("\n\n- ", "\n- ")
        .replacen("\n- ", "\n\n- ", 1)
}
