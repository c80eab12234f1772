//! Links lead somewhere, and every page is listed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::page::{self, Page};

/// A path without `..`, or none where it leads out of the checkout.
fn resolved(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop().then_some(())?;
            }
            _ => return None,
        }
    }
    Some(parts)
}

fn is_elsewhere(link: &str) -> bool {
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|start| link.starts_with(start))
}

/// What is wrong with a page's links.
fn dead_links(page: &Page, anchors: &BTreeMap<PathBuf, BTreeSet<String>>) -> Vec<String> {
    let mut dead = Vec::new();
    for link in page.links().into_iter().filter(|link| !is_elsewhere(link)) {
        let (path, anchor) = link
            .split_once('#')
            .map_or((link.as_str(), None), |(path, anchor)| (path, Some(anchor)));
        let target = match path {
            "" => Some(page.path.clone()),
            _ => resolved(&page.path.parent().unwrap().join(path)),
        };
        let problem = match &target {
            None => Some("leads out of the checkout"),
            Some(target) if !page::root().join(target).exists() => Some("leads nowhere"),
            Some(target)
                if anchor.is_some_and(|anchor| {
                    !anchors.get(target).is_some_and(|all| all.contains(anchor))
                }) =>
            {
                Some("names no heading there")
            }
            // On the site only files are there.
            Some(target) if page::root().join(target).is_dir() => {
                Some("leads to a folder: name a file in it")
            }
            Some(_) => None,
        };
        if let Some(problem) = problem {
            dead.push(format!(
                "{}: the link {link} {problem}",
                page.path.display()
            ));
        }
    }
    dead
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let pages = page::all();
    let anchors: BTreeMap<PathBuf, BTreeSet<String>> = pages
        .iter()
        .map(|page| (page.path.clone(), page.anchors()))
        .collect();
    let dead: Vec<String> = pages
        .iter()
        .flat_map(|page| dead_links(page, &anchors))
        .collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn dead_links_are_noticed() {
    let page = Page {
        path: "docs/conditions.md".into(),
        text: "# One heading\n[a](#one-heading) [b](#two) [c](nowhere.md) [d](../../out.md) [e](../wit) [f](claims.md#none)"
            .into(),
    };
    let claims = PathBuf::from("docs/claims.md");
    let anchors = BTreeMap::from([
        (page.path.clone(), page.anchors()),
        (claims, BTreeSet::new()),
    ]);
    let dead = dead_links(&page, &anchors);
    let links: Vec<&str> = dead
        .iter()
        .filter_map(|line| line.split(' ').nth(3))
        .collect();
    assert_eq!(
        links,
        [
            "#two",
            "nowhere.md",
            "../../out.md",
            "../wit",
            "claims.md#none"
        ]
    );
}

#[test]
fn the_summary_lists_every_page_of_docs_once() {
    let summary = Page::read("docs/SUMMARY.md".into());
    let listed: Vec<PathBuf> = (summary.links().iter())
        .map(|link| resolved(&Path::new("docs").join(link)).unwrap())
        .collect();
    let once: BTreeSet<PathBuf> = listed.iter().cloned().collect();
    assert_eq!(
        once.len(),
        listed.len(),
        "a page is listed twice in docs/SUMMARY.md"
    );
    let missing: Vec<PathBuf> = page::chapters().difference(&once).cloned().collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {missing:?}");
}
