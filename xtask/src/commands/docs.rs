//! `cargo xtask docs`: the documentation as a site.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::{step, workspace};

/// What makes the site, where there is none.
const MDBOOK: &str = "mdbook@0.5.4";

/// Without its server, and built quickly: it works for two seconds.
const OPTIONS: [&str; 4] = ["--debug", "--no-default-features", "--features", "search"];

/// Builds the documentation as a site, into target/docs
///
/// The pages are those that docs/SUMMARY.md lists, the packages' own among them. mdBook is installed under
/// target/tools where it is missing. Pages that are generated, and what commands print, are checked by
/// `cargo xtask test --only tests/documentation`, and written anew with SNAPSHOTS=overwrite in its environment.
#[derive(Args)]
#[command(after_help = "Examples:\n  cargo xtask docs\n  cargo xtask docs --open")]
pub struct Docs {
    /// Open it in a browser
    #[arg(long)]
    open: bool,
}

impl Docs {
    pub fn run(self) -> Result<()> {
        let mdbook = step::installed("mdbook", MDBOOK, &OPTIONS)?;
        let pages = workspace::target("docs-pages");
        gather(&workspace::root(), &pages)?;
        let mut build = std::process::Command::new(mdbook);
        build.arg("build").arg(&pages);
        if self.open {
            build.arg("--open");
        }
        step::announce_and_run(&mut build)
    }
}

/// Copies the pages that the summary lists, and the files that they lead to, where mdBook finds them: it takes
/// pages below one folder only, and the packages' are elsewhere in the checkout.
fn gather(root: &Path, pages: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(pages);
    let docs = Path::new("docs");
    let summary = fs::read_to_string(root.join(docs).join("SUMMARY.md"))?;
    let chapters: BTreeSet<PathBuf> = (links(&summary).iter())
        .filter_map(|link| resolved(&docs.join(link)))
        .collect();
    let mut files = chapters.clone();
    for chapter in &chapters {
        let text = fs::read_to_string(root.join(chapter))
            .with_context(|| format!("docs/SUMMARY.md lists {}", chapter.display()))?;
        let folder = chapter.parent().unwrap_or(Path::new(""));
        files.extend(
            links(&text)
                .iter()
                .filter_map(|link| resolved(&folder.join(link))),
        );
    }
    for file in files.iter().filter(|file| root.join(file).is_file()) {
        let copy = pages.join(file);
        fs::create_dir_all(copy.parent().unwrap_or(pages))?;
        fs::copy(root.join(file), &copy)
            .with_context(|| format!("cannot copy {}", file.display()))?;
    }
    fs::write(pages.join("SUMMARY.md"), from_top(&summary))?;
    for name in ["book.toml", "site.css"] {
        fs::copy(root.join(docs).join(name), pages.join(name))?;
    }
    Ok(())
}

/// Where a text's links lead, without what is elsewhere. Tests see to it that they lead somewhere.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://"))
        .map(str::to_owned)
        .collect()
}

/// A summary whose links begin in the top folder instead of docs/.
fn from_top(summary: &str) -> String {
    let mut parts = summary.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_once(')') {
        Some((link, rest)) => {
            let path = resolved(&Path::new("docs").join(link)).unwrap_or_default();
            format!("{text}]({}){rest}", path.display())
        }
        None => format!("{text}]({part}"),
    })
}

/// A path without `..`, unless it leads out of the checkout.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            _ => {
                parts.pop().then_some(())?;
            }
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_leads_to_the_same_pages_from_the_top_folder() {
        let summary = "[a](../README.md)\n- [b](how-to/one.md)\n- [c](../wit/two.md)\n";
        let expected = "[a](README.md)\n- [b](docs/how-to/one.md)\n- [c](wit/two.md)\n";
        assert_eq!(from_top(summary), expected);
    }

    #[test]
    fn links_to_other_sites_and_headings_are_no_files() {
        let text = "[a](one.md#two) [b](#three) [c](https://example.org) ![d](four.png)";
        assert_eq!(links(text), ["one.md", "four.png"]);
    }
}
