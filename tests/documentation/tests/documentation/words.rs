//! The README is short, and lines can be read in a terminal.

use crate::page::{self, Page};

/// What the README may have: it is read by those who have a minute.
const README_LINES: usize = 150;

/// The longest line of prose.
const COLUMNS: usize = 100;

#[test]
fn the_readme_is_short() {
    let lines = Page::read("README.md".into()).text.lines().count();
    assert!(
        lines <= README_LINES,
        "README.md has {lines} lines: move some to a page of docs/"
    );
}

/// Lines of prose that are too long: neither code, tables and comments, nor a link that cannot be broken.
fn long_lines(page: &Page) -> Vec<String> {
    let code: Vec<_> = page.blocks().into_iter().map(|block| block.range).collect();
    let mut start = 0;
    let mut long = Vec::new();
    for (number, line) in page.text.split_inclusive('\n').enumerate() {
        let is_code = code.iter().any(|range| range.contains(&start)) || line.starts_with("    ");
        start += line.len();
        let is_table = line.trim_start().starts_with('|');
        let is_comment = line.starts_with("<!--");
        let is_one_word = line
            .split_whitespace()
            .any(|word| word.chars().count() > COLUMNS / 2);
        if !is_code
            && !is_table
            && !is_comment
            && !is_one_word
            && line.trim_end().chars().count() > COLUMNS
        {
            long.push(format!("{}:{}", page.path.display(), number + 1));
        }
    }
    long
}

#[test]
fn lines_of_prose_are_short() {
    let pages = page::chapters().into_iter().map(Page::read);
    let readme = Page::read("README.md".into());
    let long: Vec<String> = pages
        .chain([readme])
        .flat_map(|page| long_lines(&page))
        .collect();
    assert!(
        long.is_empty(),
        "longer than {COLUMNS} characters:\n{}",
        long.join("\n")
    );
}
