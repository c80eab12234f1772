//! A throw-away PostgreSQL server.
//!
//! A small shell script keeps it, in a process group of its own, and holds the other end of a
//! pipe. However this program ends (success, error, panic, Ctrl-C, a kill), the pipe closes, and
//! the keeper stops the server and deletes its folder.

mod programs;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail, ensure};

use crate::step;
use programs::Programs;

const KEEPER: &str = include_str!("postgres/keeper.sh");

/// The database's superuser.
const USER: &str = "batchintory";

/// How often another port is tried when somebody else was faster.
const PORTS_TRIED: usize = 5;

/// What a server is started with.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Whether commits wait until they are on the disk, as they do by default in PostgreSQL.
    pub durable: bool,
    /// More lines for postgresql.conf, such as `shared_buffers = '512MB'`.
    pub settings: &'a [&'a str],
}

/// A running server. Dropping it stops it and deletes its files.
pub struct Cluster {
    keeper: Child,
    ports: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    url: String,
}

impl Cluster {
    /// Finds PostgreSQL (or installs it where it may), makes a cluster and starts it: on
    /// 127.0.0.1 only, with a password that nobody else knows.
    pub fn start(options: Options) -> Result<Self> {
        let programs = Programs::find_or_install()?;
        step::announce(format_args!(
            "a throw-away PostgreSQL from {}",
            programs.folder.display()
        ));
        let password = random_password()?;
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(&programs.folder)
            .arg(USER)
            .args(settings(options))
            .env("PASSWORD", &password)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        detach(&mut keeper)?;
        let mut keeper = keeper.spawn().context("cannot start sh")?;
        let ports = keeper.stdin.take();
        let answers = keeper.stdout.take().context("the keeper has no output")?;
        let mut cluster = Self {
            keeper,
            ports,
            answers: BufReader::new(answers),
            url: String::new(),
        };
        ensure!(
            cluster.answer()? == "made",
            "PostgreSQL's initdb failed: see above"
        );
        let port = cluster.listen()?;
        cluster.url = format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres");
        Ok(cluster)
    }

    /// Where it listens, with its password: for environment variables and arguments, not for messages.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn listen(&mut self) -> Result<u16> {
        for _ in 0..PORTS_TRIED {
            let port = free_port()?;
            let ports = self.ports.as_mut().context("the keeper has no input")?;
            writeln!(ports, "{port}").context("PostgreSQL's keeper went away")?;
            match self.answer()?.as_str() {
                "listening" => return Ok(port),
                "refused" => {}
                _ => break,
            }
        }
        bail!("PostgreSQL did not start: see its log above")
    }

    /// The keeper's next line; empty when it has ended.
    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .context("PostgreSQL's keeper does not answer")?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.ports.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("warning: PostgreSQL's keeper cannot be waited for: {error}");
        }
    }
}

/// The lines for postgresql.conf.
fn settings(options: Options) -> Vec<String> {
    let mut lines = vec![
        "listen_addresses = '127.0.0.1'".to_owned(),
        "unix_socket_directories = ''".to_owned(),
        "max_connections = 200".to_owned(),
        "max_prepared_transactions = 50".to_owned(),
    ];
    if !options.durable {
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            lines.push(format!("{setting} = off"));
        }
    }
    lines.extend(options.settings.iter().map(|&line| line.to_owned()));
    lines
}

/// A port that nobody listens on at this moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// 128 random bits in hexadecimal digits.
fn random_password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| io::Read::read_exact(&mut file, &mut bytes))
        .context("cannot read /dev/urandom for a password")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Puts a command into a process group of its own, where Ctrl-C does not reach it, and as root
/// makes it run as PostgreSQL's own user, since the server refuses to run as root.
#[cfg(unix)]
fn detach(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
    if programs::is_root() {
        let id = |option| {
            step::output(Command::new("id").args([option, "postgres"]))?
                .parse::<u32>()
                .context("the program `id` did not answer with a number")
        };
        command
            .uid(id("-u").context(
                "PostgreSQL refuses to run as root, and there is no user `postgres` to run it as",
            )?)
            .gid(id("-g")?)
            // Root's own temporary folder may be closed to others.
            .env_remove("TMPDIR");
    }
    Ok(())
}

#[cfg(not(unix))]
fn detach(_: &mut Command) -> Result<()> {
    bail!(
        "a throw-away PostgreSQL needs Unix: set BATCHINTORY_TEST_POSTGRES to the URL of a server"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_caller_come_last_so_that_they_win() {
        let lines = settings(Options {
            durable: false,
            settings: &["fsync = on"],
        });
        let of_fsync: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with("fsync"))
            .collect();
        assert_eq!(of_fsync, ["fsync = off", "fsync = on"]);
    }

    #[test]
    fn durable_servers_keep_the_defaults_of_postgresql() {
        let lines = settings(Options {
            durable: true,
            settings: &[],
        });
        assert!(!lines.iter().any(|line| line.contains("off")), "{lines:?}");
    }

    #[test]
    fn passwords_differ() -> Result<()> {
        let password = random_password()?;
        assert_eq!(password.len(), 32);
        assert_ne!(password, random_password()?);
        Ok(())
    }
}
