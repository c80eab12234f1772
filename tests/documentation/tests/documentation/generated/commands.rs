//! `docs/reference/commands.md`, from the help of all commands.

use std::fmt::Write as _;
use std::process::Command;

use super::head;
use crate::page::Page;
use crate::shell;

/// The heading of the options that all commands have, which the page shows once.
const OF_ALL: &str = "Connections and output:";

fn help(words: &[&str]) -> String {
    let output = Command::new(shell::program())
        .args(words)
        .arg("--help")
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the commands that a help lists.
fn names(help: &str) -> Vec<&str> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

/// A help without the options that all commands have.
fn without_common(help: &str) -> String {
    let Some((before, from)) = help.split_once(OF_ALL) else {
        return help.to_owned();
    };
    let after = from
        .lines()
        .skip(1)
        .skip_while(|line| line.is_empty() || line.starts_with(' '));
    let after: String = after.fold(String::new(), |text, line| text + line + "\n");
    format!("{}\n\n{after}", before.trim_end())
}

fn block(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    format!("```text\n{}\n```\n\n", lines.join("\n"))
}

#[test]
fn commands_are_those_of_the_command_line() {
    let top = help(&[]);
    let mut text = head("Commands", "`batchintory --help`");
    text.push_str(
        "What the command line says of itself. [Use the command line](../how-to/command-line.md) is an\n\
         overview. The options of *Connections and output*, which all commands have, are shown once.\n\n\
         ## batchintory\n\n",
    );
    text.push_str(&block(&top));
    for name in names(&top) {
        let _ = write!(text, "## batchintory {name}\n\n");
        text.push_str(&block(&without_common(&help(&[name]))));
    }
    Page::must_be(
        "docs/reference/commands.md",
        &format!("{}\n", text.trim_end()),
    );
}
