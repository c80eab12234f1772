//! Passwords in a file, by host, port, database and user.

use std::path::{Path, PathBuf};

use tracing::warn;

use super::surroundings::{Surroundings, text_of};

/// Whom a password is for.
pub(super) struct Login<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password in the given file, or in that of the user's home. A file that cannot be used is passed over, as by
/// libpq: perhaps no password is needed.
pub(super) fn password(
    login: &Login<'_>,
    file: Option<&str>,
    surroundings: &Surroundings,
) -> Option<String> {
    let own = surroundings.in_home(".pgpass");
    let path = file.map(PathBuf::from).or(own)?;
    if is_open_to_others(&path) {
        warn!(
            "the password file {} is not used, since others may read it; let only its owner do so (chmod 600)",
            path.display()
        );
        return None;
    }
    let text = match text_of(&path) {
        Ok(text) => text?,
        Err(reason) => {
            warn!(
                "the password file {} cannot be read: {reason}",
                path.display()
            );
            return None;
        }
    };
    text.lines().find_map(|line| password_of(line, login))
}

/// What a line gives, if it is for this login.
fn password_of(line: &str, login: &Login<'_>) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let port = login.port.to_string();
    let mut rest = line;
    for wanted in [login.host, &port, login.database, login.user] {
        let is_any = rest.starts_with("*:");
        let (field, behind) = field(rest);
        if !is_any && field != wanted {
            return None;
        }
        rest = behind?;
    }
    let (password, _) = field(rest);
    (!password.is_empty()).then_some(password)
}

/// A field, in which a backslash keeps `:` and `\` what they are, and what stands behind its colon.
fn field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut letters = text.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '\\' => field.push(letters.next().map_or('\\', |(_, letter)| letter)),
            ':' => return (field, text.get(index + 1..)),
            _ => field.push(letter),
        }
    }
    (field, None)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    let file = path.metadata();
    file.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}
