//! Items as commands read them.

use batchintory_wasmtime::Item;

use crate::error::Failure;

/// What stands behind each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// A line break.
    LineBreak,
    /// A NUL character.
    Null,
}

impl Separator {
    /// A NUL character if it was asked for.
    pub fn null_if(null: bool) -> Self {
        if null { Self::Null } else { Self::LineBreak }
    }

    /// Adds an item with its separator.
    ///
    /// # Errors
    ///
    /// When it could not be told apart from none, or from two.
    pub fn write(self, item: &Item, lines: &mut Vec<u8>) -> Result<(), Failure> {
        let Some(text) = &item.item else {
            return Err(Failure::other(format!(
                "the item with id {} is NULL",
                item.uid
            )));
        };
        let (separator, what, instead) = match self {
            Self::LineBreak => (
                b'\n',
                "a line break",
                "separate the items by NUL characters with --null",
            ),
            Self::Null => (
                b'\0',
                "a NUL character",
                "separate the items by line breaks",
            ),
        };
        if text.as_bytes().contains(&separator) {
            return Err(Failure::other(format!(
                "the item with id {} holds {what}; {instead}",
                item.uid
            )));
        }
        lines.extend_from_slice(text.as_bytes());
        lines.push(separator);
        Ok(())
    }
}
