//! Items as commands read them.

use batchintory_wasmtime::Item;
use clap::{Args, ValueEnum};

use crate::error::Failure;

/// How items are written, one behind the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ItemFormat {
    /// An item per line
    Lines,
    /// A NUL character behind each item
    Null,
    /// A JSON object per line, with uid, item and weight: also for items that are NULL or hold line breaks
    Json,
}

/// How items are to be written.
#[derive(Debug, Args)]
pub struct FormatArguments {
    /// How items are written
    #[arg(long, value_name = "FORMAT", default_value = "lines")]
    format: ItemFormat,
    /// End each item with a NUL character instead of a line break, as --format null does
    #[arg(short = '0', long, conflicts_with = "format")]
    null: bool,
}

impl FormatArguments {
    /// What was asked for.
    pub fn format(&self) -> ItemFormat {
        if self.null {
            ItemFormat::Null
        } else {
            self.format
        }
    }
}

impl ItemFormat {
    /// Adds an item.
    ///
    /// # Errors
    ///
    /// When it could not be told apart from none, or from two.
    pub fn write(self, item: &Item, written: &mut Vec<u8>) -> Result<(), Failure> {
        let (separator, what, instead) = match self {
            Self::Lines => (b'\n', "a line break", "--format null"),
            Self::Null => (b'\0', "a NUL character", "--format json"),
            Self::Json => {
                serde_json::to_writer(&mut *written, item).map_err(Failure::other)?;
                written.push(b'\n');
                return Ok(());
            }
        };
        let Some(text) = &item.item else {
            return Err(Failure::other(format!(
                "the item with id {} is NULL; write the items with --format json",
                item.uid
            )));
        };
        if text.as_bytes().contains(&separator) {
            return Err(Failure::other(format!(
                "the item with id {} holds {what}; write the items with {instead}",
                item.uid
            )));
        }
        written.extend_from_slice(text.as_bytes());
        written.push(separator);
        Ok(())
    }
}
