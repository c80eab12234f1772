//! The component's log: standard error, which hosts show and keep.

use wasi::cli::stderr::get_stderr;

/// How much a stream takes at once.
const MAX_WRITE_BYTES: usize = 4096;

/// Writes a line, which begins with its kind. Nobody is left to tell when that fails.
pub fn write_line(kind: &str, line: &str) {
    let text = format!("{kind}: {line}\n");
    let stream = get_stderr();
    for chunk in text.as_bytes().chunks(MAX_WRITE_BYTES) {
        if stream.blocking_write_and_flush(chunk).is_err() {
            return;
        }
    }
}
