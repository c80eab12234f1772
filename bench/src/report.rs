//! The figures, for people and for programs.

use std::path::Path;

use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value};

/// A figure with its bar.
struct Figure {
    key: &'static str,
    value: f64,
    bar: Bar,
}

/// What a figure must keep to.
#[derive(Clone, Copy)]
pub enum Bar {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
    /// Only told.
    None,
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure, and shows it at once, since a run takes minutes.
    pub fn add(&mut self, key: &'static str, value: f64, bar: Bar) {
        eprintln!("{key}: {value:.4}");
        self.figures.push(Figure { key, value, bar });
    }

    /// For people.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["figure", "measured", "bar", ""]);
        for figure in &self.figures {
            let (bar, holds) = match figure.bar {
                Bar::AtMost(most) => (format!("at most {}", number(most)), figure.value <= most),
                Bar::AtLeast(least) => {
                    (format!("at least {}", number(least)), figure.value >= least)
                }
                Bar::None => (String::new(), true),
            };
            let verdict = if holds { "" } else { "missed" };
            table.add_row([figure.key, &number(figure.value), &bar, verdict]);
        }
        for column in 1..3 {
            if let Some(column) = table.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }

    /// For programs: one flat object.
    pub fn write_json(&self, path: &Path) -> Result<()> {
        let figures: Map<String, Value> = (self.figures.iter())
            .map(|figure| (figure.key.to_owned(), figure.value.into()))
            .collect();
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
        Ok(())
    }
}

/// Three digits that matter, and thousands apart.
fn number(value: f64) -> String {
    if value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
