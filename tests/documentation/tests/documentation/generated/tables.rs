//! Pages that are written by hand, whose tables must name all that is there.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::page::{self, Page};
use crate::shell;

fn read(path: &str) -> String {
    fs::read_to_string(page::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backquotes in the first cells of a page's tables.
fn first_cells(page: &Page) -> Vec<String> {
    let rows = page.text.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.filter_map(|row| row.split('|').next());
    cells
        .flat_map(|cell| {
            cell.split('`')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Words of capital letters that begin with a prefix.
fn variables(text: &str, prefix: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_ascii_uppercase() && character != '_')
        .filter(|word| word.starts_with(prefix) && word.len() > prefix.len())
        .map(str::to_owned)
        .collect()
}

#[test]
fn columns_of_the_inventory_are_those_of_the_schema() {
    let schema = read("src/sql/schema/postgresql.sql");
    let columns: Vec<&str> = (schema.lines())
        .skip(1)
        .take_while(|line| !line.trim_start().starts_with("CONSTRAINT"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        first_cells(&Page::read("docs/reference/inventory-columns.md".into())),
        columns
    );
}

#[test]
fn errors_are_those_of_the_interface_and_exit_codes_those_of_the_help() {
    let errors = Page::read("docs/reference/errors.md".into());
    let wit = read("wit/inventory.wit");
    let (_, kinds) = wit.split_once("enum error-kind {").unwrap();
    let kinds = kinds
        .split('}')
        .next()
        .unwrap()
        .lines()
        .map(|line| line.trim().trim_end_matches(','));
    let kinds: Vec<&str> = kinds
        .filter(|line| !line.is_empty() && !line.starts_with("///"))
        .collect();
    let shown = first_cells(&errors);
    for kind in kinds {
        assert!(
            shown.contains(&kind.to_owned()),
            "docs/reference/errors.md lacks {kind}"
        );
    }
    let help = Command::new(shell::program())
        .arg("--help")
        .env_clear()
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, codes) = help.split_once("Exit codes:\n").unwrap();
    let codes = codes
        .lines()
        .map_while(|line| line.strip_prefix("  ")?.split_whitespace().next());
    for code in codes {
        assert!(
            shown.contains(&code.to_owned()),
            "docs/reference/errors.md lacks the exit code {code}"
        );
    }
}

#[test]
fn settings_are_all_that_hosts_read() {
    let settings = read("docs/reference/settings.md");
    let mut read_by_hosts = BTreeSet::new();
    for command in ["run", "serve"] {
        let help = Command::new(shell::program())
            .args([command, "--help"])
            .env_clear()
            .output()
            .unwrap();
        read_by_hosts.extend(variables(
            &String::from_utf8(help.stdout).unwrap(),
            "BATCHINTORY_",
        ));
    }
    read_by_hosts.extend(variables(&read("docs/serverless.md"), "BATCHINTORY_"));
    let python = read("host-adapters/python/src/batchintory/settings.py");
    let names = python
        .split_once("NAMES = (")
        .unwrap()
        .1
        .split(')')
        .next()
        .unwrap();
    read_by_hosts.extend(
        names
            .split('"')
            .skip(1)
            .step_by(2)
            .map(|name| format!("BATCHINTORY_{name}")),
    );
    let spin = read("spin.toml");
    let variables = spin
        .split_once("[variables]")
        .unwrap()
        .1
        .split("\n[[")
        .next()
        .unwrap();
    read_by_hosts.extend(
        variables
            .lines()
            .filter_map(|line| Some(line.split_once(" = {")?.0.to_owned())),
    );
    let missing: Vec<String> = read_by_hosts
        .into_iter()
        .filter(|name| !settings.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/reference/settings.md lacks {missing:?}"
    );
}
