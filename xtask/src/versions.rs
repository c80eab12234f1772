//! The one version of everything, wherever it is written.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// The version that this checkout has.
pub const CURRENT: &str = env!("CARGO_PKG_VERSION");

/// Files, by how their names begin and end, and what stands before and behind the version there.
const PLACES: [(&str, &str, &str, &str); 9] = [
    ("Cargo.toml", "", "\nversion = \"", "\"\n"),
    ("Cargo.toml", "", "version = \"=", "\" }"),
    (
        "host-adapters/http/src/openapi.json",
        "",
        "\"version\": \"",
        "\"",
    ),
    (
        "host-adapters/javascript/package",
        ".json",
        "\"name\": \"batchintory\",\n  \"version\": \"",
        "\"",
    ),
    (
        "host-adapters/javascript/package-lock.json",
        "",
        "\"name\": \"batchintory\",\n      \"version\": \"",
        "\"",
    ),
    (
        "host-adapters/javascript/templates/",
        "/package.json",
        "\"batchintory\": \"^",
        "\"",
    ),
    (
        "host-adapters/python/src/batchintory/__init__.py",
        "",
        "__version__ = \"",
        "\"",
    ),
    ("spin.toml", "", "\nversion = \"", "\"\n"),
    ("docs/", ".md", "example.org/batchintory:", ""),
];

/// The interfaces' versions belong to their names, in every file.
const INTERFACE: &str = "batchintory:";

/// What tells of versions that are gone.
const HISTORY: &str = "CHANGELOG.md";

/// The files with versions, by their names in the checkout, and their texts.
pub fn files() -> Result<BTreeMap<String, String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let names = step::output(git.current_dir(workspace::root()))
        .context("the version is looked for in the files that git knows")?;
    let with_versions = names.lines().filter(|name| *name != HISTORY);
    Ok(with_versions
        .filter_map(|name| {
            // What is no text has no version, and a link's target is a file of its own.
            let path = workspace::root().join(name);
            let is_file = fs::symlink_metadata(&path).is_ok_and(|it| it.is_file());
            let text = is_file.then(|| fs::read_to_string(&path).ok())??;
            (!found(name, &text).is_empty()).then(|| (name.to_owned(), text))
        })
        .collect())
}

/// Where versions stand in the text of this file.
pub fn found(file: &str, text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = (PLACES.iter())
        .filter(|(start, end, ..)| file.starts_with(start) && file.ends_with(end))
        .flat_map(|(_, _, before, behind)| between(text, before, behind))
        .chain(of_interfaces(text))
        .collect();
    ranges.sort_by_key(|range| range.start);
    ranges.dedup();
    ranges
}

/// The text with another version in its places.
pub fn raised(file: &str, text: &str, version: &str) -> String {
    let mut raised = text.to_owned();
    for range in found(file, text).into_iter().rev() {
        raised.replace_range(range, version);
    }
    raised
}

/// Whether a text is a version: three numbers.
pub fn is_version(text: &str) -> bool {
    text.split('.').count() == 3 && text.split('.').all(|part| part.parse::<u32>().is_ok())
}

fn between(text: &str, before: &str, behind: &str) -> Vec<Range<usize>> {
    text.match_indices(before)
        .filter_map(|(at, _)| {
            let range = version_at(text, at + before.len())?;
            text.get(range.end..)?.starts_with(behind).then_some(range)
        })
        .collect()
}

fn of_interfaces(text: &str) -> Vec<Range<usize>> {
    text.match_indices(INTERFACE)
        .filter_map(|(at, _)| {
            let rest = text.get(at + INTERFACE.len()..)?;
            let is_of_name = |letter: char| letter.is_ascii_lowercase() || "-/".contains(letter);
            let name = rest.find(|letter| !is_of_name(letter))?;
            let behind = rest.get(name..)?.strip_prefix('@')?;
            version_at(text, text.len() - behind.len())
        })
        .collect()
}

/// The version that begins here.
fn version_at(text: &str, start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..)?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let version = rest.get(..end.unwrap_or(rest.len()))?;
    let version = version.trim_end_matches('.');
    is_version(version).then(|| start..start + version.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_the_workspaces_version() -> Result<()> {
        let files = files()?;
        for (file, text) in &files {
            for range in found(file, text) {
                assert_eq!(text.get(range), Some(CURRENT), "in {file}");
            }
        }
        for (start, end, before, _) in PLACES {
            let is_there = (files.iter())
                .filter(|(file, _)| file.starts_with(start) && file.ends_with(end))
                .any(|(_, text)| text.contains(before));
            assert!(
                is_there,
                "no file {start}…{end} has a version behind {before:?}"
            );
        }
        Ok(())
    }

    #[test]
    fn once_it_is_raised_no_file_has_the_old_one_where_it_counts() -> Result<()> {
        for (file, text) in files()? {
            let raised = raised(&file, &text, "98.76.54");
            let versions = found(&file, &raised);
            assert_eq!(versions.len(), found(&file, &text).len(), "{file}");
            for range in versions {
                assert_eq!(raised.get(range), Some("98.76.54"), "{file}");
            }
        }
        Ok(())
    }

    #[test]
    fn versions_are_found_behind_their_names_only() {
        // Put together, so that it is none of the versions that are raised.
        let text =
            INTERFACE.to_owned() + "inventory/database@0.1.0.{rows}; wasi:random/random@0.2.12";
        let found: Vec<&str> = (found("x.wit", &text).into_iter())
            .filter_map(|range| text.get(range))
            .collect();
        assert_eq!(found, ["0.1.0"]);
        assert_eq!(
            raised(
                "Cargo.toml",
                "\nversion = \"0.1.0\"\nfoo = { version = \"0.1.0\" }",
                "2.0.0"
            ),
            "\nversion = \"2.0.0\"\nfoo = { version = \"0.1.0\" }"
        );
        for (text, expected) in [
            ("0.1.0", true),
            ("1.0", false),
            ("1.0.0-rc.1", false),
            ("", false),
        ] {
            assert_eq!(is_version(text), expected, "{text}");
        }
    }
}
