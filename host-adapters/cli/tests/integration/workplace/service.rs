//! `batchintory serve` in a workplace.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::Workplace;

/// The API token of services in tests.
pub const TOKEN: &str = "a-very-secret-token";

/// A service that runs; killed when dropped.
pub struct Service {
    child: Child,
    /// Where it is, such as `http://127.0.0.1:4711`.
    pub url: String,
    /// The access token that it made, since it was given none.
    pub made_token: Option<String>,
}

/// Where it writes its log, in its workplace.
const LOG: &str = "serve.log";

impl Service {
    pub fn start(workplace: &Workplace, token: &str, arguments: &[&str]) -> Self {
        Self::start_telling(workplace, token, arguments, "trace")
    }

    /// Starts it with a log that tells so much.
    pub fn start_telling(
        workplace: &Workplace,
        token: &str,
        arguments: &[&str],
        log: &str,
    ) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--json"];
        let mut child = workplace
            .command(&[&serve, arguments].concat())
            .env("BATCHINTORY_API_TOKEN", token)
            .env("RUST_LOG", log)
            .stdout(Stdio::piped())
            // A pipe that nobody reads would hold it up once it is full.
            .stderr(File::create(workplace.path(LOG)).unwrap())
            .spawn()
            .unwrap();
        let output = child.stdout.as_mut().unwrap();
        let mut answers = serde_json::Deserializer::from_reader(output).into_iter::<Value>();
        let answer = answers.next().unwrap().unwrap();
        Self {
            child,
            url: answer["url"].as_str().unwrap().to_owned(),
            made_token: answer["made_token"].as_str().map(str::to_owned),
        }
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to its log so far.
    pub fn log(&self, workplace: &Workplace) -> String {
        fs::read_to_string(workplace.path(LOG)).unwrap()
    }

    /// Its `host:port`.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// The memory that it has now, in bytes, without that of its program: a build for tests is several times
    /// as large as one for users.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let own = status.lines().filter_map(|line| {
            let (name, size) = line.split_once(':')?;
            ["RssAnon", "RssShmem"].contains(&name).then_some(size)
        });
        own.map(|size| size.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024)
            .sum()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Asks it to end, and gives back what it wrote to its log.
    pub fn end(mut self, workplace: &Workplace) -> String {
        let process = self.child.id().to_string();
        Command::new("kill").arg(&process).status().unwrap();
        assert!(self.child.wait().unwrap().success());
        fs::read_to_string(workplace.path(LOG)).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
