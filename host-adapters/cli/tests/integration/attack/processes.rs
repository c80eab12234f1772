//! The programs that take part, and what they write.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aho_corasick::AhoCorasick;
use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::workplace::service::TOKEN;

use super::scene::{JOB, LEASE_SECONDS, MAX_ATTEMPTS, MAX_COUNT};

/// What a worker does with its items: keeps them, which takes a disk that is not full, and a little time.
const WORK: &str =
    "cat > \"$PLACE/$$\" && sleep 0.1 && rm \"$PLACE/$$\" && echo '{\"done\": true}'";

/// The logs' names.
const SERVICE_LOG: &str = "service.log";
const WORKERS_LOG: &str = "workers.log";

/// A program that runs; killed when dropped.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(i32::try_from(self.0.id())?), signal)?)
    }

    /// Its memory, in bytes.
    pub(super) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// The service at this `address:port`, once it answers.
pub(super) fn serve(address: &str, url: &str, folder: &Path) -> Result<Process> {
    let child = program()
        .args(["serve", "--listen", address])
        .env("BATCHINTORY_INVENTORY_CONN", url)
        .env("BATCHINTORY_API_TOKEN", TOKEN)
        .env("RUST_LOG", "info")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log(folder, SERVICE_LOG)?)
        .spawn()?;
    let mut service = Process(child);
    while std::net::TcpStream::connect(address).is_err() {
        ensure!(service.is_running(), "the service does not start");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok(service)
}

/// A worker, by this command that leads to the program; it uses files in `place`.
pub(super) fn work(
    mut program: Command,
    url: &str,
    folder: &Path,
    place: &Path,
) -> Result<Process> {
    let child = program
        .args(["run", "--meta-table", "files", "--job", JOB, "--until-done"])
        .args(["--max-count", &MAX_COUNT.to_string()])
        .args(["--max-attempts", &MAX_ATTEMPTS.to_string()])
        .args(["--lease", &LEASE_SECONDS.to_string()])
        .args(["--", "sh", "-c", WORK])
        .env("BATCHINTORY_INVENTORY_CONN", url)
        .env("BATCHINTORY_API_TOKEN", TOKEN)
        .env("PLACE", place)
        .env("RUST_LOG", "info")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log(folder, WORKERS_LOG)?)
        .stderr(log(folder, WORKERS_LOG)?)
        .spawn()?;
    Ok(Process(child))
}

/// The program itself.
pub(super) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_batchintory"))
}

fn log(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(name);
    Ok(OpenOptions::new().append(true).create(true).open(path)?)
}

/// What of these secrets, each with its name, stands in a log of this folder, whoever wrote it.
pub(super) fn secrets_in_logs(folder: &Path, secrets: &[(&str, String)]) -> Result<Vec<String>> {
    let search = AhoCorasick::new(secrets.iter().map(|(_, secret)| secret))?;
    let mut found = Vec::new();
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let log = fs::read(&path)?;
        ensure!(!log.is_empty(), "{name} is empty");
        for one in search.find_overlapping_iter(&log) {
            let (kind, _) = secrets
                .get(one.pattern().as_usize())
                .context("a secret that was looked for")?;
            found.push(format!("{kind} in {name}"));
        }
        names.push(name.into_owned());
    }
    for name in [SERVICE_LOG, WORKERS_LOG] {
        ensure!(names.iter().any(|known| known == name), "{name} is missing");
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[test]
fn a_secret_is_found_in_any_log_and_a_log_that_tells_nothing_too() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    let secrets = [
        ("the token", "s3cret".to_owned()),
        ("a claim", "c1aim".into()),
    ];
    let search = || secrets_in_logs(folder.path(), &secrets);
    write(SERVICE_LOG, "GET /v1/jobs\n")?;
    assert!(search().is_err());
    write(WORKERS_LOG, "")?;
    assert!(search().is_err());
    write(WORKERS_LOG, "3 items\n")?;
    assert_eq!(search()?, Vec::<String>::new());
    write("another.log", "…\nGET /?token=s3cret c1aim\n")?;
    write(WORKERS_LOG, "c1aim, c1aim\n")?;
    assert_eq!(
        search()?,
        [
            "a claim in another.log",
            "a claim in workers.log",
            "the token in another.log"
        ]
    );
    Ok(())
}

/// An `address:port` where nobody listens at this moment.
pub(super) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
