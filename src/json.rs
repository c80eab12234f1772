//! How JSON values are written: in one way, since serde_json has a formatter for each, and all would be part of the
//! component.

use serde_json::Value;

/// Writes a document, as short as can be.
pub(crate) fn write(value: &Value) -> String {
    // Only maps of names that are no text could not be written.
    serde_json::to_string(value).unwrap_or_default()
}
