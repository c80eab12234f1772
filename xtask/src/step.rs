//! Running other programs: announced, with their output streamed, their failure an error.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Says in one line what happens next.
pub fn announce(what: impl fmt::Display) {
    eprintln!("==> {what}");
}

/// Runs a program to its end; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| not_started(command))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failed {
            command: shown(command),
            status,
        }
        .into())
    }
}

/// Announces a program by its command line, then runs it.
pub fn announce_and_run(command: &mut Command) -> Result<()> {
    announce(shown(command));
    run(command)
}

/// Runs a program and gives back its standard output, without the white space at its end.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| not_started(command))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}): {}",
            shown(command),
            output.status,
            words.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// Whether a program is there to run.
pub fn can_run(program: &str) -> bool {
    output(Command::new(program).arg("--version")).is_ok()
}

/// Where a program of cargo's packages is that was installed for this checkout.
pub fn tool(program: &str) -> PathBuf {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    workspace::target("tools").join("bin").join(name)
}

/// A program of a package of cargo's, as in `cargo-fuzz@0.13.2`: that on the PATH, or else one that is installed
/// under target/tools where it is missing, with further options of `cargo install`.
pub fn installed(program: &str, package: &str, options: &[&str]) -> Result<PathBuf> {
    if can_run(program) {
        return Ok(program.into());
    }
    let tool = tool(program);
    if !tool.is_file() {
        announce_and_run(
            workspace::cargo()
                .args(["install", "--quiet", "--locked", "--root"])
                .arg(workspace::target("tools"))
                .args(options)
                .arg(package),
        )?;
    }
    Ok(tool)
}

/// Lets everybody run a program that was installed without that right.
#[cfg(unix)]
pub fn make_executable(program: &Path) -> std::io::Result<()> {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    set_permissions(program, Permissions::from_mode(0o755))
}

/// Elsewhere no right is needed.
#[cfg(not(unix))]
pub fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Where a program is on the PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// The exit code for an error: that of the program that failed, else 1.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    error
        .downcast_ref::<Failed>()
        .and_then(|failed| failed.status.code())
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A program that ran and did not succeed. It has already said why.
#[derive(Debug)]
struct Failed {
    command: String,
    status: ExitStatus,
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` failed ({})", self.command, self.status)
    }
}

impl std::error::Error for Failed {}

fn not_started(command: &Command) -> String {
    format!("cannot start {}", command.get_program().display())
}

/// The command line as one would type it, with the program by its name alone.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word_shown(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word in quotes where a shell needs them, and not at all where it may hold a password: what looks like
/// a URL is shown by its scheme alone.
fn word_shown(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    if ["@", "%", ":/", "passw", "pwd"]
        .iter()
        .any(|mark| lower.contains(mark))
    {
        return match word.split_once("://") {
            Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                format!("{scheme}://…")
            }
            _ => "…".to_owned(),
        };
    }
    if word.contains([' ', '|', '\'', '"', '$', '*']) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_one_would_type_it() {
        let mut command = Command::new("/usr/bin/sh");
        command.args(["-c", "xargs cat | wc -l"]);
        assert_eq!(shown(&command), "sh -c 'xargs cat | wc -l'");
    }

    #[test]
    fn passwords_are_not_shown() {
        let mut command = Command::new("bench");
        command.args(["--postgres", "postgres://user:secret@localhost/postgres"]);
        assert_eq!(shown(&command), "bench --postgres postgres://…");
        let table = include_str!("../../tests/urls/passwords.json");
        for url in table.lines().filter_map(|line| line.split('"').nth(3)) {
            let shown = word_shown(url);
            for piece in ["s3c", "r3t"] {
                assert!(!shown.contains(piece), "{url}: {shown}");
            }
        }
    }
}
