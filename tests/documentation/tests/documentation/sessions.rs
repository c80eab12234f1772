//! Commands print what the pages show.
//!
//! A block of the language `console` that begins with `$ ` is a session: commands behind `$ `, with `> ` before their
//! further lines, and what they print. A block whose language is followed by a file's name is that file. A page's
//! sessions run from its top to its end in one shell, and in a folder that is empty at first. trycmd, which holds the
//! help, has no shell, so no pipes and variables; and it shows placeholders for what readers are to see.

use std::path::PathBuf;

use crate::page::{self, Block, Page};
use crate::shell::{self, Step};
use crate::volatile;

/// A command of a session, and what the page shows of it.
struct Shown {
    command: String,
    /// The command as it stands there.
    prompt: String,
    printed: String,
}

fn is_session(block: &Block) -> bool {
    block.information == "console" && block.text.starts_with("$ ")
}

/// The name of the file that a block is.
fn file_name(information: &str) -> Option<&str> {
    let (_, name) = information.split_once(' ')?;
    name.contains('.').then_some(name)
}

fn commands(text: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut goes_on = false;
    for line in text.split_inclusive('\n') {
        if let Some(command) = line.strip_prefix("$ ") {
            shown.push(Shown {
                command: command.into(),
                prompt: line.into(),
                printed: String::new(),
            });
            goes_on = command.trim_end().ends_with('\\');
        } else if let Some(last) = shown.last_mut() {
            if goes_on || line.starts_with("> ") && last.printed.is_empty() {
                last.command
                    .push_str(line.strip_prefix("> ").unwrap_or(line));
                last.prompt.push_str(line);
                goes_on = line.trim_end().ends_with('\\');
            } else {
                last.printed.push_str(line);
            }
        }
    }
    shown
}

/// The page with what its commands print now, where that differs from what it shows.
fn as_it_runs(page: &Page) -> String {
    let blocks = page.blocks();
    let mut steps = Vec::new();
    for block in &blocks {
        if is_session(block) {
            steps.extend(
                commands(block.text)
                    .into_iter()
                    .map(|shown| Step::Command(shown.command)),
            );
        } else if let Some(name) = file_name(&block.information) {
            steps.push(Step::File {
                name: name.into(),
                text: block.text.into(),
            });
        }
    }
    let mut printed = shell::run(&steps).into_iter();
    let mut text = String::new();
    let mut end = 0;
    for block in blocks.iter().filter(|block| is_session(block)) {
        text.push_str(&page.text[end..block.range.start]);
        for shown in commands(block.text) {
            let now = printed.next().unwrap();
            let is_same = volatile::without(&now) == volatile::without(&shown.printed);
            text.push_str(&shown.prompt);
            text.push_str(if is_same { &shown.printed } else { &now });
        }
        end = block.range.end;
    }
    text.push_str(&page.text[end..]);
    text
}

fn check(path: &str) {
    let page = Page::read(PathBuf::from(path));
    Page::must_be(path, &as_it_runs(&page));
}

#[test]
fn of_the_readme() {
    check("README.md");
}

#[test]
fn of_the_tutorial() {
    check("docs/tutorial.md");
}

#[test]
fn of_the_guide_to_backfills() {
    check("docs/how-to/backfill.md");
}

#[test]
fn of_the_guide_to_jobs_on_results() {
    check("docs/how-to/jobs-on-results.md");
}

#[test]
fn of_the_guide_to_queries() {
    check("docs/how-to/query-items.md");
}

#[test]
fn of_the_guide_to_retries_and_leases() {
    check("docs/how-to/retries-and-leases.md");
}

/// Pages whose sessions are not run, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    (
        "docs/following.md",
        "needs a PostgreSQL; tested by host-adapters/cli/tests/integration/following.rs",
    ),
    (
        "docs/how-to/serve-over-http.md",
        "listens to a fixed port; tested by host-adapters/cli/tests/integration/serve.rs",
    ),
];

#[test]
fn every_session_is_run_or_left_out_for_a_reason() {
    let this_file = include_str!("sessions.rs");
    for page in page::chapters().into_iter().map(Page::read) {
        let path = page.path.display().to_string();
        let is_run = this_file.contains(&format!("check(\"{path}\")"));
        let is_left_out = LEFT_OUT.iter().any(|(page, _)| *page == path);
        let has_some = page.blocks().iter().any(is_session);
        assert_eq!(has_some, is_run || is_left_out, "sessions of {path}");
    }
}

#[test]
fn output_that_is_not_as_shown_is_noticed() {
    let page = Page {
        path: "made-up.md".into(),
        text: "```sh greet.sh\n#!/bin/sh\necho hello $1\n```\n\n```console\n$ ./greet.sh \\\n>   you\nhello me\n$ false\n$ echo $?\n1\n```\n"
            .into(),
    };
    assert_eq!(
        as_it_runs(&page),
        page.text.replace("hello me", "hello you")
    );
}
