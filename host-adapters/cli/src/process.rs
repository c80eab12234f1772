//! Running a command on the items of a batch.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::process::{ExitStatus, Stdio};

use batchintory_wasmtime::{Batch, Item};
use indicatif::ProgressBar;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};

use crate::error::Failure;

/// How many items are asked for at once.
const PAGE: u32 = 5_000;
/// The longest result, in bytes; what is longer is no result.
const MAX_RESULT: usize = 1024 * 1024;
/// How much of the end of standard error is kept, in bytes.
const MAX_LOG: usize = 64 * 1024;

/// What came of a command.
pub enum Ended {
    /// It ended by itself.
    Exited {
        /// With this status.
        status: ExitStatus,
        /// All of its standard output, unless that is too long.
        output: Option<Vec<u8>>,
        /// The end of its standard error.
        log: String,
    },
    /// It was killed, since items could not be handed over or the run was broken off.
    Killed {
        /// Why.
        reason: String,
    },
}

/// What to run, and how to hand the items over.
pub struct Work {
    /// The command with its arguments.
    pub command: Vec<OsString>,
    /// What stands behind each item.
    pub separator: u8,
    /// The bar that standard error must not disturb.
    pub progress: ProgressBar,
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
        kill: impl Future<Output = ()>,
    ) -> Result<Ended, Failure> {
        let mut child = self.start(batch)?;
        let (input, output, errors) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = child.id();
        let talk = async {
            let (fed, output, log, status) = tokio::join!(
                self.feed(batch, input),
                read_output(output),
                self.read_errors(errors),
                child.wait(),
            );
            (fed, output, log, status)
        };
        let mut talk = Box::pin(talk);
        // Feeding may fail while the command waits for more, so that is looked at on the way.
        let ended = tokio::select! {
            ended = &mut talk => Some(ended),
            () = kill => None,
        };
        drop(talk);
        let Some((fed, output, log, status)) = ended else {
            kill_group(&mut child, group).await;
            return Ok(Ended::Killed {
                reason: "the run was broken off".into(),
            });
        };
        if let Err(reason) = fed {
            kill_group(&mut child, group).await;
            return Ok(Ended::Killed { reason });
        }
        let status = status.map_err(Failure::from)?;
        Ok(Ended::Exited {
            status,
            output,
            log,
        })
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
        // A group of its own, so that the terminal's Ctrl-C reaches us and not the command.
        #[cfg(unix)]
        command.process_group(0);
        command
            .spawn()
            .map_err(|error| cannot_start(program, &error))
    }

    /// Hands the items over; the error says why that went wrong.
    async fn feed(&self, batch: &Batch, input: Option<ChildStdin>) -> Result<(), String> {
        let Some(mut input) = input else {
            return Ok(());
        };
        let mut after = None;
        loop {
            let page = batch
                .items_after(after, PAGE)
                .await
                .map_err(|error| format!("the items cannot be read: {error}"))?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.uid);
            let mut lines = Vec::new();
            for item in &page {
                lines.extend_from_slice(self.line(item)?.as_bytes());
                lines.push(self.separator);
            }
            match input.write_all(&lines).await {
                Ok(()) => {}
                // A command need not read all of its items.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(format!("the items cannot be handed over: {error}")),
            }
        }
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

    /// Passes standard error on, and keeps its end.
    async fn read_errors(&self, errors: Option<impl AsyncRead + Unpin>) -> String {
        let Some(mut errors) = errors else {
            return String::new();
        };
        let mut tail = Vec::new();
        let mut buffer = [0; 8 * 1024];
        while let Ok(length @ 1..) = errors.read(&mut buffer).await {
            let read = buffer.get(..length).unwrap_or_default();
            self.progress.suspend(|| {
                // Nobody may be there to read it, which is no reason to stop.
                let _ = std::io::stderr().write_all(read);
            });
            tail.extend_from_slice(read);
            let surplus = tail.len().saturating_sub(MAX_LOG);
            tail.drain(..surplus);
        }
        String::from_utf8_lossy(&tail)
            .replace('\0', "")
            .trim_end()
            .to_owned()
    }
}

fn cannot_start(program: &OsStr, error: &dyn std::error::Error) -> Failure {
    Failure::other(format!(
        "the command {} cannot be started: {error}",
        program.display()
    ))
    .hint("the command stands behind --, as in: batchintory run … -- wc -l")
}

/// Standard output, unless it is too long.
async fn read_output(output: Option<impl AsyncRead + Unpin>) -> Option<Vec<u8>> {
    let mut output = output?;
    let mut all = Vec::new();
    let mut is_too_long = false;
    let mut buffer = [0; 8 * 1024];
    while let Ok(length @ 1..) = output.read(&mut buffer).await {
        let read = buffer.get(..length).unwrap_or_default();
        if all.len() + read.len() > MAX_RESULT {
            is_too_long = true;
        } else {
            all.extend_from_slice(read);
        }
    }
    (!is_too_long).then_some(all)
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
