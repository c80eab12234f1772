//! A page in Markdown: its links, its anchors, its blocks of code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use snapbox::{Assert, Data, IntoData};

/// Pages outside of docs/ that people read.
const OUTSIDE: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "host-adapters/javascript/README.md",
    "host-adapters/javascript/templates/worker/README.md",
    "host-adapters/python/README.md",
    "host-adapters/wasmtime/README.md",
    "tests/simulator/README.md",
    "docs/SUMMARY.md",
];

/// The checkout's top folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages that SUMMARY.md must list, as paths from the top folder.
pub fn chapters() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md")
                && !path.ends_with("SUMMARY.md")
            {
                found.insert(path);
            }
        }
    }
    found
}

/// All pages.
pub fn all() -> Vec<Page> {
    let outside = OUTSIDE.iter().map(PathBuf::from);
    outside.chain(chapters()).map(Page::read).collect()
}

/// A page, and where it is.
pub struct Page {
    /// From the top folder.
    pub path: PathBuf,
    pub text: String,
}

/// A block of code.
pub struct Block<'a> {
    /// What follows the fence.
    pub information: String,
    pub text: &'a str,
    /// Where its text is in the page.
    pub range: Range<usize>,
}

impl Page {
    pub fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(root().join(&path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    /// Compares it with what it has to be; `SNAPSHOTS=overwrite` writes it anew.
    #[track_caller]
    pub fn must_be(path: &str, text: &str) {
        let expected = Data::read_from(&root().join(path), None).raw();
        Assert::new()
            .action_env("SNAPSHOTS")
            .eq(text.into_data().raw(), expected);
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// Where its links and pictures lead.
    pub fn links(&self) -> Vec<String> {
        self.events()
            .filter_map(|(event, _)| match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    Some(dest_url.into_string())
                }
                _ => None,
            })
            .collect()
    }

    /// What its headings are called in links, as GitHub and mdBook do.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match (event, &mut heading) {
                (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
                (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
                (Event::End(TagEnd::Heading(_)), Some(text)) => {
                    let name = anchor(text);
                    let before = times.entry(name.clone()).or_default();
                    found.insert(if *before == 0 {
                        name
                    } else {
                        format!("{name}-{before}")
                    });
                    *before += 1;
                    heading = None;
                }
                _ => {}
            }
        }
        found
    }

    /// Its blocks of code, those that are fenced, in order.
    pub fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut information = None;
        let mut range: Option<Range<usize>> = None;
        for (event, place) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(words))) => {
                    information = Some(words.into_string())
                }
                Event::Text(_) if information.is_some() => {
                    let start = range.as_ref().map_or(place.start, |range| range.start);
                    range = Some(start..place.end);
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let (Some(information), Some(range)) = (information.take(), range.take()) {
                        let text = &self.text[range.clone()];
                        blocks.push(Block {
                            information,
                            text,
                            range,
                        });
                    }
                }
                _ => {}
            }
        }
        blocks
    }
}

/// What a heading is called in a link.
fn anchor(heading: &str) -> String {
    heading
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|character| match character {
            ' ' => Some('-'),
            '-' | '_' => Some(character),
            _ => character.is_alphanumeric().then_some(character),
        })
        .collect()
}
