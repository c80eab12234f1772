//! A program that serves the HTTP API.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, ensure};
use batchintory::{Answer, Call, JobsQuery, Operations};
use tokio::process::{Child, Command};

use crate::http_subject::HttpSubject;
use crate::subject::Failure;

/// A program that serves the HTTP API; killed when dropped.
pub struct HttpProcess {
    /// The API.
    pub subject: HttpSubject,
    _process: Child,
}

impl HttpProcess {
    /// Starts the program, which is told at which `address:port` to listen, and waits until it answers.
    pub async fn start(command: impl FnOnce(&str) -> Command, token: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut process = command(&address)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let subject = HttpSubject::new(format!("http://{address}"), token);
        loop {
            let answer = subject.jobs(JobsQuery::default()).await;
            // Until it listens, what fails is the test's own connection.
            if answer.err().is_none_or(|error| error.name != "test") {
                break;
            }
            ensure!(process.try_wait()?.is_none(), "the server has ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            subject,
            _process: process,
        })
    }
}

impl Operations for HttpProcess {
    type Error = Failure;

    async fn call(&self, call: Call) -> Result<Answer, Failure> {
        self.subject.call(call).await
    }
}
