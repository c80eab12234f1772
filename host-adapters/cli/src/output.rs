//! Tables for people, JSON for programs.

use std::io::{ErrorKind, Write};

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{BinaryBytes, HumanCount, HumanFloatCount};
use serde::Serialize;

use crate::error::Failure;

/// How a weight is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightUnit {
    /// As a number.
    Plain,
    /// As bytes.
    Bytes,
}

impl WeightUnit {
    /// Bytes if they were asked for.
    pub fn bytes_if(bytes: bool) -> Self {
        if bytes { Self::Bytes } else { Self::Plain }
    }

    /// A weight with its unit.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn show(self, weight: f64) -> String {
        match self {
            Self::Bytes => BinaryBytes(weight as u64).to_string(),
            Self::Plain if weight.fract() == 0.0 => count(weight as u64),
            Self::Plain => HumanFloatCount(weight).to_string(),
        }
    }
}

/// A number with its thousands apart.
pub fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number with commas, and what it counts: one, or many of it.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A table with these headings; those of `right` hold numbers.
pub fn table(headings: &[&str], right: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(headings.to_vec());
    for column in right {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Prints a line on standard output. A reader that has seen enough is no error.
pub fn print(line: impl std::fmt::Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints bytes on standard output as they are. A reader that has seen enough is no error.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a table without the spaces that pad its lines.
pub fn print_table(table: &Table) -> Result<(), Failure> {
    for line in table.lines() {
        print(line.trim_end().strip_prefix(' ').unwrap_or(&line))?;
    }
    Ok(())
}

/// Prints a document that must not get lost: without a reader, that is an error.
pub fn deliver_json(document: &impl Serialize) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut output, document)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

/// A JSON list, printed one document after the other: it may be longer than memory is large.
#[derive(Debug, Default)]
pub struct JsonList {
    has_begun: bool,
}

impl JsonList {
    /// Prints the next document.
    pub fn print(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        let before = if self.has_begun { ",\n" } else { "[\n" };
        self.has_begun = true;
        // What is kept to the letter within it stays so in a list of one.
        let list = serde_json::to_string_pretty(&[document])?;
        let document = (list.strip_prefix("[\n")).and_then(|rest| rest.strip_suffix("\n]"));
        print_bytes([before, document.unwrap_or(&list)].concat().as_bytes())
    }

    /// Prints the end.
    pub fn end(self) -> Result<(), Failure> {
        print_bytes(if self.has_begun { b"\n]\n" } else { b"[]\n" })
    }
}

/// Prints a document.
pub fn print_json(document: &impl Serialize) -> Result<(), Failure> {
    print(serde_json::to_string_pretty(document)?)
}
