//! A program in any language as a subject.
//!
//! It is started with the URLs of the inventory's and the meta tables' database, and then reads a
//! [`Call`] on each line of its standard input, as scenarios write it. For each it writes a line:
//! `{"ok": …}` with the answer, or `{"error": {"name": …, "message": …}}` with the name that the error has in
//! the WIT interface.

use std::process::Stdio;

use anyhow::{Context, Result};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::subject::{Call, Failure, Subject};

/// A program that answers calls; killed when dropped.
pub struct ProcessSubject {
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    _process: Child,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Answer {
    Ok(Value),
    Error(Failure),
}

impl ProcessSubject {
    /// Starts the program with the URLs as its last arguments.
    pub fn start(mut program: Command, inventory: &str, meta: &str) -> Result<Self> {
        let mut process = program
            .args([inventory, meta])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{program:?} cannot be started"))?;
        let input = process.stdin.take().context("its standard input")?;
        let output = process.stdout.take().context("its standard output")?;
        Ok(Self {
            pipes: Mutex::new((input, BufReader::new(output).lines())),
            _process: process,
        })
    }

    async fn ask(&self, call: &Call) -> Result<Answer> {
        let mut line = serde_json::to_string(call)?;
        line.push('\n');
        let (input, output) = &mut *self.pipes.lock().await;
        input.write_all(line.as_bytes()).await?;
        let answer = output.next_line().await?.context("it has ended")?;
        serde_json::from_str(&answer).with_context(|| format!("{answer} is no answer"))
    }
}

#[async_trait]
impl Subject for ProcessSubject {
    async fn call(&self, call: Call) -> Result<Value, Failure> {
        match self.ask(&call).await {
            Ok(Answer::Ok(value)) => Ok(value),
            Ok(Answer::Error(failure)) => Err(failure),
            Err(error) => Err(Failure {
                name: "test".into(),
                message: format!("{error:?}"),
            }),
        }
    }
}
