//! A program in any language as a subject.
//!
//! It reads a line at a time. First, and again for every scenario, comes `{"open": [inventory, meta]}` with the
//! URLs of two databases; then a [`Call`] on each line, as scenarios write it. For each it writes a line:
//! `{"ok": …}` with the answer, or `{"error": {"name": …, "message": …}}` with the name that the error has in
//! the WIT interface. What an answer lacks is none.

use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use batchintory::{Answer, Call, Operations};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::subject::Failure;

/// A program that answers calls; killed when dropped.
#[derive(Clone)]
pub struct ProcessSubject {
    process: Arc<Process>,
}

struct Process {
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    _child: Child,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Line {
    Ok(Box<RawValue>),
    Error(Failure),
}

impl ProcessSubject {
    /// Starts the program.
    pub fn start(mut program: Command) -> Result<Self> {
        let mut child = program
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{program:?} cannot be started"))?;
        let input = child.stdin.take().context("its standard input")?;
        let output = child.stdout.take().context("its standard output")?;
        Ok(Self {
            process: Arc::new(Process {
                pipes: Mutex::new((input, BufReader::new(output).lines())),
                _child: child,
            }),
        })
    }

    /// Works on these databases from now on, by their URLs.
    pub async fn open(&self, inventory: &str, meta: &str) -> Result<()> {
        match self.ask(&json!({ "open": [inventory, meta] })).await? {
            Line::Ok(_) => Ok(()),
            Line::Error(failure) => bail!("the databases cannot be opened: {failure:?}"),
        }
    }

    /// Where it serves what it has opened, by HTTP.
    pub async fn address(&self) -> Result<String> {
        match self.ask(&json!({ "address": [] })).await? {
            Line::Ok(address) => Ok(serde_json::from_str(address.get())?),
            Line::Error(failure) => bail!("it serves nothing: {failure:?}"),
        }
    }

    /// Lets it end what it has started itself, which would outlive it.
    pub async fn close(&self) -> Result<()> {
        self.ask(&json!({ "close": [] })).await.map(drop)
    }

    pub(crate) async fn ask(&self, call: &impl Serialize) -> Result<Line> {
        let mut line = serde_json::to_string(call)?;
        line.push('\n');
        let (input, output) = &mut *self.process.pipes.lock().await;
        input.write_all(line.as_bytes()).await?;
        let answer = output.next_line().await?.context("it has ended")?;
        serde_json::from_str(&answer).with_context(|| format!("{answer} is no answer"))
    }
}

impl Operations for ProcessSubject {
    type Error = Failure;

    async fn call(&self, call: Call) -> Result<Answer, Failure> {
        match self.ask(&call).await {
            Ok(Line::Ok(answer)) => call.answer_from(answer.get()).map_err(|error| {
                Failure::of_test(format!("{answer} answers no {}: {error}", call.name()))
            }),
            Ok(Line::Error(failure)) => Err(failure),
            Err(error) => Err(Failure::of_test(format!("{error:?}"))),
        }
    }
}
