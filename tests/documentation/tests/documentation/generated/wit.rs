//! `docs/reference/wit.md`, from the interfaces in wit/.

use std::fmt::Write as _;
use std::fs;

use super::{head, paragraphs};
use crate::page::{self, Page};

/// Comments that stand before an item, and the item.
#[derive(Default)]
struct Described {
    comment: String,
    text: String,
}

fn documented(line: &str) -> Option<&str> {
    let words = line.trim_start().strip_prefix("///")?;
    Some(words.strip_prefix(' ').unwrap_or(words))
}

/// The items of an interface: what stands four columns in, until an empty line.
fn items(body: &str) -> Vec<Described> {
    let mut items = Vec::new();
    let mut item = Described::default();
    for line in body.lines().chain([""]) {
        match documented(line) {
            _ if line.trim().is_empty() => {
                if !item.text.is_empty() {
                    items.push(std::mem::take(&mut item));
                } else if !item.comment.is_empty() {
                    item.comment.push('\n');
                }
            }
            Some(words) if item.text.is_empty() => {
                item.comment.push_str(words);
                item.comment.push('\n');
            }
            _ => {
                item.text
                    .push_str(line.strip_prefix("    ").unwrap_or(line));
                item.text.push('\n');
            }
        }
    }
    items
}

/// What an item is called, as in "record batch" and "acquire".
fn name(item: &str) -> Option<String> {
    let first = item.lines().next()?;
    if let Some((name, _)) = first.split_once(": func(") {
        return Some(name.to_owned());
    }
    let mut words = first.split([' ', '{']);
    let kind = words.next()?;
    ["record", "variant", "enum"]
        .contains(&kind)
        .then(|| Some(format!("{kind} {}", words.next()?)))?
}

fn interface(file: &str) -> String {
    let text = fs::read_to_string(page::root().join("wit").join(file)).unwrap();
    let (before, body) = text.split_once("\ninterface ").unwrap();
    let (title, body) = body.split_once(" {\n").unwrap();
    let body = body.trim_end().strip_suffix('}').unwrap();
    let comment: String = before
        .lines()
        .filter_map(documented)
        .fold(String::new(), |text, line| text + line + "\n");
    let mut page = format!("## Interface {title}\n\n{}\n\n", paragraphs(&comment));
    for item in items(body) {
        if let Some(name) = name(&item.text) {
            let _ = write!(
                page,
                "### {title}: {name}\n\n{}\n\n",
                paragraphs(&item.comment)
            );
        }
        let _ = write!(page, "```wit\n{}```\n\n", item.text);
    }
    page
}

#[test]
fn interfaces_are_those_of_wit() {
    let mut text = head("WIT", "`wit/`");
    text.push_str("The planner imports `database` and exports `inventory`, both of the package\n`batchintory:inventory@0.1.0`.\n\n");
    text.push_str(&interface("inventory.wit"));
    text.push_str(&interface("database.wit"));
    Page::must_be("docs/reference/wit.md", &format!("{}\n", text.trim_end()));
}
