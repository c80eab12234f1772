//! What people are told beside the output: on standard error.

use std::io::Write;

/// Says something on standard error. Nobody may be there to read it, which is no reason to break off.
pub fn tell(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
