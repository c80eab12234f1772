//! Running a command on the items of a batch.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::process::{ExitStatus, Stdio};

use batchintory_wasmtime::{Batch, Error, Item};
use indicatif::ProgressBar;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::block_in_place;

use crate::error::Failure;

/// How many items are asked for at once.
const PAGE: u32 = 5_000;
/// The longest result, in bytes; what is longer is passed on.
const MAX_RESULT: usize = 1024 * 1024;
/// How much of the end of standard error is kept, in bytes.
const MAX_LOG: usize = 64 * 1024;

/// What came of a command.
pub enum Ended {
    /// It ended by itself.
    Exited {
        /// With this status.
        status: ExitStatus,
        /// Its standard output, if that is a JSON document; any other was passed on.
        result: Option<String>,
        /// The end of its standard error.
        log: String,
    },
    /// It was killed, or not even started, since items could not be handed over.
    Unfed {
        /// Why.
        reason: String,
    },
    /// It was killed from outside.
    Killed(Kill),
}

/// Why a command is killed.
pub enum Kill {
    /// The run is broken off.
    BrokenOff,
    /// The batch was taken from its owner, as the error tells.
    TakenAway(Error),
}

/// What to run, and how to hand the items over.
pub struct Work {
    /// The command with its arguments.
    pub command: Vec<OsString>,
    /// What stands behind each item.
    pub separator: u8,
    /// How long the batches' leases go on from each sign of life.
    pub lease_seconds: Option<u32>,
    /// The bar that output must not disturb.
    pub progress: ProgressBar,
    /// Whether standard output is to hold nothing but our own answer; the command's is then passed on
    /// to standard error.
    pub own_output_only: bool,
}

impl Work {
    /// Makes sure that there is such a command, before a batch is claimed for it.
    pub fn check(&self) -> Result<(), Failure> {
        match self.command.first() {
            Some(program) => match which::which(program) {
                Ok(_) => Ok(()),
                Err(error) => Err(cannot_start(program, &error)),
            },
            None => Err(Failure::usage("there is no command to run")),
        }
    }

    /// Runs the command on the batch's items. It is killed as soon as `kill` is ready.
    ///
    /// # Errors
    ///
    /// When the command cannot be started.
    pub async fn run(
        &self,
        batch: &Batch,
        kill: impl Future<Output = Kill>,
    ) -> Result<Ended, Failure> {
        // An item that cannot be handed over is mostly found here, before the command has done anything.
        let first = match self.page(batch, None).await {
            Ok(page) => page,
            Err(reason) => return Ok(Ended::Unfed { reason }),
        };
        let mut child = self.start(batch)?;
        let group = child.id();
        let (mut input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            self.feed(batch, first, input.as_mut()).await?;
            // Only now: before its end, a command that reads on would take what it has for all.
            input = None;
            Ok(())
        };
        let talk = async {
            tokio::try_join!(
                feed,
                async { Ok(self.read_output(output).await) },
                async { Ok(self.read_errors(errors).await) },
                async { Ok(child.wait().await) },
            )
        };
        let ended = tokio::select! {
            ended = talk => ended.map_err(|reason| Ended::Unfed { reason }),
            kill = kill => Err(Ended::Killed(kill)),
        };
        match ended {
            Ok(((), result, log, status)) => Ok(Ended::Exited {
                status: status?,
                result,
                log,
            }),
            Err(ended) => {
                kill_group(&mut child, group).await;
                drop(input);
                Ok(ended)
            }
        }
    }

    fn start(&self, batch: &Batch) -> Result<Child, Failure> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("there is no command to run"));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .env("BATCHINTORY_BATCH_ID", batch.id.to_string())
            .env("BATCHINTORY_CLAIM_TOKEN", &batch.claim_token)
            .env("BATCHINTORY_ATTEMPT", batch.attempt.to_string())
            .env("BATCHINTORY_JOB", &batch.job)
            .env("BATCHINTORY_META_TABLE", &batch.meta_table)
            .env("BATCHINTORY_ID_START", batch.id_start.to_string())
            .env("BATCHINTORY_ID_END", batch.id_end.to_string())
            .env("BATCHINTORY_COUNT", batch.count.to_string())
            .env("BATCHINTORY_WEIGHT", batch.weight.to_string());
        if let Some(seconds) = self.lease_seconds {
            command.env("BATCHINTORY_LEASE_SECONDS", seconds.to_string());
        }
        // A group of its own, so that the terminal's Ctrl-C reaches us and not the command.
        #[cfg(unix)]
        command.process_group(0);
        command
            .spawn()
            .map_err(|error| cannot_start(program, &error))
    }

    /// Hands the items over; the error says why that went wrong.
    async fn feed(
        &self,
        batch: &Batch,
        first: Page,
        input: Option<&mut ChildStdin>,
    ) -> Result<(), String> {
        let Some(input) = input else {
            return Ok(());
        };
        let mut page = first;
        loop {
            match input.write_all(&page.lines).await {
                Ok(()) => {}
                // A command need not read all of its items.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(format!("the items cannot be handed over: {error}")),
            }
            match page.next_after {
                Some(after) => page = self.page(batch, Some(after)).await?,
                None => return Ok(()),
            }
        }
    }

    /// Items as the command reads them.
    async fn page(&self, batch: &Batch, after: Option<i64>) -> Result<Page, String> {
        let items = (batch.items_after(after, PAGE).await)
            .map_err(|error| format!("the items cannot be read: {error}"))?;
        let mut lines = Vec::new();
        for item in &items {
            lines.extend_from_slice(self.line(item)?.as_bytes());
            lines.push(self.separator);
        }
        let is_last = items.len() < PAGE as usize;
        Ok(Page {
            lines,
            next_after: items.last().filter(|_| !is_last).map(|item| item.uid),
        })
    }

    fn line<'a>(&self, item: &'a Item) -> Result<&'a str, String> {
        let text = (item.item.as_deref())
            .ok_or_else(|| format!("the item with id {} is NULL", item.uid))?;
        if text.as_bytes().contains(&self.separator) {
            return Err(format!(
                "the item with id {} holds a line break; separate the items by NUL characters with --null",
                item.uid
            ));
        }
        Ok(text)
    }

    /// Standard output as a result, when it is a JSON document. Anything else is passed on.
    async fn read_output(&self, output: Option<impl AsyncRead + Unpin>) -> Option<String> {
        let mut output = output?;
        let mut kept = Vec::new();
        let mut is_too_long = false;
        let mut buffer = [0; 8 * 1024];
        while let Ok(length @ 1..) = output.read(&mut buffer).await {
            kept.extend_from_slice(buffer.get(..length).unwrap_or_default());
            is_too_long |= kept.len() > MAX_RESULT;
            if is_too_long {
                self.pass_on(&kept);
                kept.clear();
            }
        }
        let text = String::from_utf8_lossy(&kept);
        let document = text.trim();
        if !is_too_long && serde_json::from_str::<serde::de::IgnoredAny>(document).is_ok() {
            return Some(document.to_owned());
        }
        self.pass_on(&kept);
        None
    }

    fn pass_on(&self, output: &[u8]) {
        // Nobody may be there to read it, which is no reason to stop.
        let _ = self.show(|| {
            if self.own_output_only {
                std::io::stderr().write_all(output)
            } else {
                std::io::stdout().write_all(output)
            }
        });
    }

    /// Writes beside the progress bar.
    pub fn show<T>(&self, write: impl FnOnce() -> T) -> T {
        // A reader that takes its time must not hold up the signs of life, which are other tasks.
        block_in_place(|| self.progress.suspend(write))
    }

    /// Passes standard error on, and keeps its end.
    async fn read_errors(&self, errors: Option<impl AsyncRead + Unpin>) -> String {
        let Some(mut errors) = errors else {
            return String::new();
        };
        let mut tail = Vec::new();
        let mut is_cut = false;
        let mut buffer = [0; 8 * 1024];
        while let Ok(length @ 1..) = errors.read(&mut buffer).await {
            let read = buffer.get(..length).unwrap_or_default();
            // Nobody may be there to read it, which is no reason to stop.
            let _ = self.show(|| std::io::stderr().write_all(read));
            tail.extend_from_slice(read);
            let surplus = tail.len().saturating_sub(MAX_LOG);
            is_cut |= surplus > 0;
            tail.drain(..surplus);
        }
        if is_cut {
            // The cut may go through a character, whose other bytes all begin with the bits 10.
            let rest = tail.iter().take(3).take_while(|byte| **byte >> 6 == 0b10);
            let rest = rest.count();
            tail.drain(..rest);
        }
        String::from_utf8_lossy(&tail)
            .replace('\0', "")
            .trim_end()
            .to_owned()
    }
}

/// Some of a batch's items.
struct Page {
    /// As the command reads them.
    lines: Vec<u8>,
    /// The id of the last one, unless it is the batch's last.
    next_after: Option<i64>,
}

fn cannot_start(program: &OsStr, error: &dyn std::error::Error) -> Failure {
    Failure::other(format!(
        "the command {} cannot be started: {error}",
        program.display()
    ))
    .hint("the command stands behind --, as in: batchintory run … -- wc -l")
}

/// Kills the command with all that it has started.
async fn kill_group(child: &mut Child, group: Option<u32>) {
    #[cfg(unix)]
    if let Some(group) = group.and_then(|group| i32::try_from(group).ok()) {
        use nix::sys::signal::{Signal, killpg};
        // It may have ended by itself meanwhile.
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
    }
    #[cfg(not(unix))]
    let _ = group;
    let _ = child.kill().await;
}
