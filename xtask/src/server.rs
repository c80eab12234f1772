//! A throw-away database server.
//!
//! A small shell script keeps it, in a process group of its own, and holds the other end of a
//! pipe. However this program ends (success, error, panic, Ctrl-C, a kill), the pipe closes, and
//! the keeper stops the server and deletes its folder.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, bail, ensure};

use crate::{memory, step};

const KEEPER: &str = include_str!("server/keeper.sh");

/// How often another port is tried when somebody else was faster.
const PORTS_TRIED: usize = 5;

/// A kind of server, and how it is made.
pub struct Recipe {
    /// What people call it.
    pub name: &'static str,
    /// The user that it runs as if we are root, as who it would refuse to run.
    pub user: &'static str,
    /// Shell functions for the keeper.
    pub steps: &'static str,
    /// Arguments of the steps.
    pub arguments: Vec<OsString>,
    /// The variable by which another server takes its place.
    pub variable: &'static str,
    /// Whether its files lie on the disk, and not in memory where there is room.
    pub is_on_disk: bool,
}

/// A running server. Dropping it stops it and deletes its files.
pub struct Server {
    name: &'static str,
    variable: &'static str,
    keeper: Child,
    ports: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    password: String,
    port: u16,
}

impl Server {
    /// Makes a server and starts it: on 127.0.0.1 only, with a password that nobody else knows.
    pub fn start(recipe: Recipe) -> Result<Self> {
        let password = random_password()?;
        let mut keeper = Command::new("sh");
        keeper
            .args(["-c", &format!("{}{KEEPER}", recipe.steps), "keeper"])
            .arg(recipe.name.to_ascii_lowercase())
            .args(&recipe.arguments)
            .env("PASSWORD", &password)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        detach(&mut keeper, &recipe)?;
        let mut keeper = keeper.spawn().context("cannot start sh")?;
        let ports = keeper.stdin.take();
        let answers = keeper.stdout.take().context("the keeper has no output")?;
        let mut server = Self {
            name: recipe.name,
            variable: recipe.variable,
            keeper,
            ports,
            answers: BufReader::new(answers),
            password,
            port: 0,
        };
        ensure!(
            server.answer()? == "made",
            "the files of a {} server cannot be made: see above",
            server.name
        );
        server.port = server.listen()?;
        Ok(server)
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of its user.
    pub fn password(&self) -> &str {
        &self.password
    }

    fn listen(&mut self) -> Result<u16> {
        for _ in 0..PORTS_TRIED {
            let port = free_port()?;
            let ports = self.ports.as_mut().context("the keeper has no input")?;
            writeln!(ports, "{port}")
                .with_context(|| format!("{}'s keeper went away", self.name))?;
            match self.answer()?.as_str() {
                "listening" => return Ok(port),
                "refused" => {}
                _ => break,
            }
        }
        bail!(
            "{} did not start: see its log above, or set {} to the URL of a server",
            self.name,
            self.variable
        )
    }

    /// The keeper's next line; empty when it has ended.
    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .with_context(|| format!("{}'s keeper does not answer", self.name))?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.ports.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!(
                "warning: {}'s keeper cannot be waited for: {error}",
                self.name
            );
        }
    }
}

/// Whether this program runs as root.
pub fn is_root() -> bool {
    step::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Installs a package, if this is Debian and we are root. Gives back whether it did.
pub fn install_debian(package: &str) -> Result<bool> {
    if !is_root() || !Path::new("/etc/debian_version").exists() || !step::can_run("apt-get") {
        return Ok(false);
    }
    step::announce(format_args!("installing Debian's package {package}"));
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command
            .arg("--quiet")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    step::run(apt_get().arg("update"))?;
    step::run(apt_get().args(["install", "--yes", "--no-install-recommends", package]))?;
    Ok(true)
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
/// makes it run as the server's own user.
#[cfg(unix)]
fn detach(command: &mut Command, recipe: &Recipe) -> Result<()> {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
    if is_root() {
        let Recipe { name, user, .. } = recipe;
        let id = |option: &str| {
            step::output(Command::new("id").args([option, user]))?
                .parse::<u32>()
                .context("the program `id` did not answer with a number")
        };
        command
            .uid(id("-u").with_context(|| {
                format!("{name} refuses to run as root, and there is no user `{user}` to run it as")
            })?)
            .gid(id("-g")?)
            // Root's own temporary folder may be closed to others.
            .env_remove("TMPDIR");
    }
    if !recipe.is_on_disk
        && let Some(folder) = memory::folder()
    {
        command.env("TMPDIR", folder);
    }
    Ok(())
}

#[cfg(not(unix))]
fn detach(_: &mut Command, recipe: &Recipe) -> Result<()> {
    bail!(
        "a throw-away {} needs Unix: set {} to the URL of a server",
        recipe.name,
        recipe.variable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ() -> Result<()> {
        let password = random_password()?;
        assert_eq!(password.len(), 32);
        assert_ne!(password, random_password()?);
        Ok(())
    }
}
