//! Turns: workers in any language say that they have a batch, and wait until they may go on with it.
//!
//! So a test knows what its workers are at, however fast each of them is: which ones have a batch, who of
//! them is killed while it has one, and how far the job is.
//!
//! A worker is told by its environment of a folder with named pipes, which shell scripts can use as well as
//! any language. It writes a line with its name into `turns`, and reads a line from the pipe by its
//! name: [`take`] does that in Rust, `tests/worker.py` and `tests/worker.js` of the packages do it in theirs,
//! and [`SCRIPT`] in the shell.

use std::collections::HashMap;
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// The variable with the folder of the pipes.
pub const FOLDER: &str = "BATCHINTORY_TEST_TURNS";

/// The variable with the worker's name.
pub const WORKER: &str = "BATCHINTORY_TEST_WORKER";

/// Takes a turn; it fails where nobody waits for the worker any more.
pub const SCRIPT: &str = r#"echo "$BATCHINTORY_TEST_WORKER" > "$BATCHINTORY_TEST_TURNS/turns" && read -r go < "$BATCHINTORY_TEST_TURNS/$BATCHINTORY_TEST_WORKER""#;

/// The pipe by which all workers say that they have a batch.
const ANNOUNCEMENTS: &str = "turns";

/// The turns of some workers.
pub struct Turns {
    // Gone before the pipes are closed: whoever opens one finds it open at its other end, or does not find it.
    folder: TempDir,
    announced: mpsc::UnboundedReceiver<String>,
    announcements: File,
    workers: HashMap<String, File>,
    dismissed: Vec<File>,
}

impl Turns {
    /// Of workers that are still to come.
    pub fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let announcements = pipe(folder.path(), ANNOUNCEMENTS)?;
        let lines = BufReader::new(announcements.try_clone()?).lines();
        let (sender, announced) = mpsc::unbounded_channel();
        // It ends by a line that nobody waits for any more: see below.
        thread::spawn(move || {
            for name in lines.map_while(Result::ok) {
                if sender.send(name).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            folder,
            announced,
            announcements,
            workers: HashMap::new(),
            dismissed: Vec::new(),
        })
    }

    /// The environment of a new worker with this name.
    pub fn admit(&mut self, worker: &str) -> Result<[(&'static str, String); 2]> {
        let pipe = pipe(self.folder.path(), worker)?;
        self.workers.insert(worker.to_owned(), pipe);
        let folder = self.folder.path().to_string_lossy().into_owned();
        Ok([(FOLDER, folder), (WORKER, worker.to_owned())])
    }

    /// The next worker that has a batch. Those that were dismissed are not heard.
    pub async fn next(&mut self) -> Result<String> {
        loop {
            let worker = self.announced.recv().await.context("the pipe is broken")?;
            if self.workers.contains_key(&worker) {
                return Ok(worker);
            }
        }
    }

    /// Lets a worker go on with its batch.
    pub fn go_on(&mut self, worker: &str) -> Result<()> {
        let pipe = self.workers.get_mut(worker).context("no such worker")?;
        Ok(pipe.write_all(b"go\n")?)
    }

    /// A worker is no more. What of it may still wait, such as the command of its batch, comes to its end.
    pub fn dismiss(&mut self, worker: &str) -> Result<()> {
        self.go_on(worker)?;
        self.dismissed.extend(self.workers.remove(worker));
        Ok(())
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.announced.close();
        let _ = self.announcements.write_all(b"\n");
    }
}

/// A new named pipe, open at both ends, so that nobody who opens it has to wait.
fn pipe(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(name);
    let status = Command::new("mkfifo").arg(&path).status()?;
    ensure!(status.success(), "mkfifo failed: {status}");
    Ok(OpenOptions::new().read(true).write(true).open(path)?)
}

/// A worker's turn: says that it has a batch, and waits until it may go on. A worker that nobody admitted
/// goes on at once.
pub fn take() -> Result<()> {
    let (Some(folder), Some(worker)) = (env::var_os(FOLDER), env::var_os(WORKER)) else {
        return Ok(());
    };
    let folder = Path::new(&folder);
    let mut line = worker.clone().into_encoded_bytes();
    line.push(b'\n');
    let mut announcements = OpenOptions::new()
        .append(true)
        .open(folder.join(ANNOUNCEMENTS))?;
    announcements.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(File::open(folder.join(worker))?).read_line(&mut answer)?;
    ensure!(!answer.is_empty(), "nobody waits for this worker any more");
    Ok(())
}
