//! Running a command on the items of a batch.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::pin::pin;
use std::process::ExitStatus;
use std::time::Duration;

use batchintory_wasmtime::{Batch, Error, ItemPages};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::command_output::{Errors, Output, ResultTooLong, Screen};
use crate::error::Failure;
use crate::item_format::ItemFormat;
use crate::starter::Starter;

/// How long the output of a command is waited for that has ended. What it has started may hold its pipes
/// for ever.
const LINGER: Duration = Duration::from_secs(5);

/// What came of a command.
pub enum Ended {
    /// It ended by itself.
    Exited {
        /// With this status.
        status: ExitStatus,
        /// Its standard output, if that is a JSON document; any other was passed on.
        result: Result<Option<String>, ResultTooLong>,
        /// The end of its standard error.
        log: String,
        /// Whether processes that it has left behind hold its pipes.
        has_left_some: bool,
    },
    /// It was not started, since there is no item.
    Empty,
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
    /// The batch is not its owner's any more, or may not be, as the error tells.
    TakenAway(Error),
}

/// What to run, and how to hand the items over.
pub struct Work {
    /// The command with its arguments.
    pub command: Vec<OsString>,
    /// The variables of the environment that it does not get.
    pub withheld: Vec<OsString>,
    /// How items are written.
    pub format: ItemFormat,
    /// How long the batches' leases go on from each sign of life.
    pub lease_seconds: Option<u32>,
    /// Where output is passed on to.
    pub screen: Screen,
    /// What starts the command.
    pub starter: Starter,
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
        let mut kill = pin!(kill);
        let mut pages = batch.pages();
        // An item that cannot be handed over is mostly found here, before the command has done anything.
        let first = tokio::select! {
            biased;
            kill = &mut kill => return Ok(Ended::Killed(kill)),
            lines = self.lines(&mut pages) => match lines {
                Ok(None) => return Ok(Ended::Empty),
                Ok(Some(lines)) => lines,
                Err(reason) => return Ok(Ended::Unfed { reason }),
            },
        };
        let mut child = self.start(batch).await?;
        let group = child.id();
        let mut input = child.stdin.take();
        let ended = tokio::select! {
            biased;
            kill = kill => Ok(Ended::Killed(kill)),
            ended = self.attend((first, pages), &mut child, &mut input) => ended,
        };
        if matches!(ended, Ok(Ended::Exited { .. })) {
            self.starter.forget(group);
        } else {
            self.starter.kill(&mut child, group).await;
        }
        // Only now: before its end, a command that reads on would take what it has for all.
        drop(input);
        ended
    }

    async fn start(&self, batch: &Batch) -> Result<Child, Failure> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err(Failure::usage("there is no command to run"));
        };
        let mut command = Command::new(program);
        for name in &self.withheld {
            command.env_remove(name);
        }
        command
            .args(arguments)
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
        (self.starter.start(command).await).map_err(|error| cannot_start(program, &error))
    }

    /// Hands the items over, and takes what the command writes, until it has ended. The input stays open
    /// unless it got all items.
    async fn attend(
        &self,
        items: (Vec<u8>, ItemPages),
        child: &mut Child,
        input: &mut Option<ChildStdin>,
    ) -> Result<Ended, Failure> {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (mut output, mut errors) = (Output::default(), Errors::default());
        let mut has_left_some = false;
        let status = {
            let feed = async {
                self.feed(items, input.as_mut()).await?;
                *input = None;
                Ok(())
            };
            let read_output = async {
                output.read(stdout, &self.screen).await;
                Ok(())
            };
            let read_errors = async {
                errors.read(stderr, &self.screen).await;
                Ok(())
            };
            let mut exchange = pin!(async { tokio::try_join!(feed, read_output, read_errors) });
            let (exchanged, status) = tokio::select! {
                exchanged = &mut exchange => (Ok(exchanged), None),
                status = child.wait() => (timeout(LINGER, &mut exchange).await, Some(status)),
            };
            match exchanged {
                Ok(Err(reason)) => return Ok(Ended::Unfed { reason }),
                Ok(Ok(_)) => {}
                Err(_) => has_left_some = true,
            }
            match status {
                Some(status) => status?,
                None => child.wait().await?,
            }
        };
        Ok(Ended::Exited {
            status,
            result: output.into_result(&self.screen),
            log: errors.into_log(),
            has_left_some,
        })
    }

    /// Hands the items over, of which the first are lines already; the error says why that went wrong.
    async fn feed(
        &self,
        (first, mut pages): (Vec<u8>, ItemPages),
        input: Option<&mut ChildStdin>,
    ) -> Result<(), String> {
        let Some(input) = input else {
            return Ok(());
        };
        let mut next = Some(first);
        while let Some(lines) = next {
            match input.write_all(&lines).await {
                Ok(()) => {}
                // A command need not read all of its items.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(error) => return Err(format!("the items cannot be handed over: {error}")),
            }
            next = self.lines(&mut pages).await?;
        }
        Ok(())
    }

    /// The next page of items as the command reads them.
    async fn lines(&self, pages: &mut ItemPages) -> Result<Option<Vec<u8>>, String> {
        let page =
            (pages.next().await).map_err(|error| format!("the items cannot be read: {error}"))?;
        let Some(page) = page else { return Ok(None) };
        let mut lines = Vec::new();
        for item in &page {
            (self.format.write(item, &mut lines))
                .map_err(|failure| failure.message().to_owned())?;
        }
        Ok(Some(lines))
    }
}

fn cannot_start(program: &OsStr, error: &dyn std::error::Error) -> Failure {
    Failure::other(format!(
        "the command {} cannot be started: {error}",
        program.display()
    ))
    .hint("the command stands behind --, as in: batchintory run … -- wc -l")
}
