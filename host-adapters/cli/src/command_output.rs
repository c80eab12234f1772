//! What a command writes: its result, and its log.

use std::fmt;
use std::io::Write;

use indicatif::ProgressBar;
use serde::de::IgnoredAny;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::block_in_place;

/// The longest result, in bytes; what is longer is passed on.
const MAX_RESULT: usize = 1024 * 1024;
/// How much of the end of standard error is kept, in bytes.
const MAX_LOG: usize = 64 * 1024;

/// Where output is passed on to.
pub struct Screen {
    /// The bar that output must not disturb.
    pub progress: ProgressBar,
    /// Whether standard output is to hold nothing but our own answer; a command's is then passed on to
    /// standard error.
    pub own_output_only: bool,
}

impl Screen {
    /// Writes beside the progress bar.
    pub fn show<T>(&self, write: impl FnOnce() -> T) -> T {
        // A reader that takes its time must not hold up the signs of life, which are other tasks.
        block_in_place(|| self.progress.suspend(write))
    }

    fn pass_output_on(&self, output: &[u8]) {
        // Nobody may be there to read it, which is no reason to stop.
        let _ = self.show(|| {
            if self.own_output_only {
                std::io::stderr().write_all(output)
            } else {
                std::io::stdout().write_all(output)
            }
        });
    }

    fn pass_errors_on(&self, errors: &[u8]) {
        // Nobody may be there to read it, which is no reason to stop.
        let _ = self.show(|| std::io::stderr().write_all(errors));
    }
}

/// A command's standard output.
#[derive(Default)]
pub struct Output {
    kept: Vec<u8>,
    is_too_long: bool,
    /// Whether what is too long is a JSON document as far as it was read.
    is_json: bool,
}

impl Output {
    /// Reads to its end. What was read before this is dropped is kept.
    pub async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>, screen: &Screen) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = [0; 8 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
            self.kept
                .extend_from_slice(buffer.get(..length).unwrap_or_default());
            if !self.is_too_long && self.kept.len() > MAX_RESULT {
                self.is_too_long = true;
                self.is_json = begins_json(&self.kept);
            }
            if self.is_too_long {
                screen.pass_output_on(&self.kept);
                self.kept.clear();
            }
        }
    }

    /// The result, when it is a JSON document. Anything else is passed on; a document that is too long,
    /// too, which is an error.
    pub fn into_result(self, screen: &Screen) -> Result<Option<String>, ResultTooLong> {
        if self.is_json {
            return Err(ResultTooLong);
        }
        let text = String::from_utf8_lossy(&self.kept);
        let document = text.trim();
        if !self.is_too_long && serde_json::from_str::<IgnoredAny>(document).is_ok() {
            return Ok(Some(document.to_owned()));
        }
        screen.pass_output_on(&self.kept);
        Ok(None)
    }
}

/// A command has written a result that cannot be kept.
pub struct ResultTooLong;

impl fmt::Display for ResultTooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "the command's result has more than 1 MiB, and was passed on instead: write it elsewhere, and \
             give its place as the result",
        )
    }
}

/// Whether bytes are a JSON document, or its beginning.
fn begins_json(bytes: &[u8]) -> bool {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => true,
        Err(error) => error.is_eof(),
    }
}

/// A command's standard error.
#[derive(Default)]
pub struct Errors {
    tail: Vec<u8>,
    is_cut: bool,
}

impl Errors {
    /// Passes it on to its end, and keeps that. What was read before this is dropped is kept.
    pub async fn read(&mut self, pipe: Option<impl AsyncRead + Unpin>, screen: &Screen) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = [0; 8 * 1024];
        while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
            let read = buffer.get(..length).unwrap_or_default();
            screen.pass_errors_on(read);
            self.tail.extend_from_slice(read);
            let surplus = self.tail.len().saturating_sub(MAX_LOG);
            self.is_cut |= surplus > 0;
            self.tail.drain(..surplus);
        }
    }

    /// Its end, as a log.
    pub fn into_log(mut self) -> String {
        if self.is_cut {
            // The cut may go through a character, whose other bytes all begin with the bits 10.
            let rest = self.tail.iter().take(3);
            let rest = rest.take_while(|byte| **byte >> 6 == 0b10).count();
            self.tail.drain(..rest);
        }
        String::from_utf8_lossy(&self.tail)
            .replace('\0', "")
            .trim_end()
            .to_owned()
    }
}
