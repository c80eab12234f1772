//! Opening a database by its URL.

use std::sync::Arc;

use crate::database::Database;
use crate::driver::{mysql, postgres, sqlite};
use crate::error::Error;

/// What a database is opened for. For PostgreSQL and MySQL the server decides who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// An SQLite file must be there, and is only read.
    ReadOnly,
    /// An SQLite file must be there.
    ReadWrite,
    /// An SQLite file is made when it is missing.
    Create,
}

/// Opens the database at a URL:
///
/// - SQLite: `sqlite:PATH` (also `sqlite://PATH`, so that `sqlite:///srv/lake.sqlite` is absolute), or
///   `sqlite::memory:`;
/// - PostgreSQL: `postgres://user:password@host:port/database?option=…` (also `postgresql://`, and with
///   the name of a Python driver as in `postgresql+psycopg2://`), with libpq's options `sslmode`,
///   `sslrootcert`, `application_name`, `connect_timeout`, … and `pool_size`, the most connections at
///   once (16 by default);
/// - MySQL and MariaDB: `mysql://user:password@host:port/database?option=…` (also `mariadb://`, and with
///   the name of a Python driver), with the options `sslmode` and `sslrootcert` as above (but for
///   `verify-ca`), `connect_timeout` in seconds, `pool_size`, and `socket`, the path of a Unix socket. The
///   database must be named: the inventory lies there, and meta tables that are named without one.
pub async fn connect(url: &str, access: Access) -> Result<Arc<dyn Database>, Error> {
    let fail = |reason: String| Error::Connect {
        url: redact(url),
        reason,
    };
    let (scheme, rest) = url
        .split_once(':')
        .ok_or_else(|| fail("a URL such as sqlite:lake.sqlite or postgres://… is wanted".into()))?;
    let scheme = scheme.split('+').next().unwrap_or(scheme);
    match scheme {
        "sqlite" => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            Ok(Arc::new(sqlite::Sqlite::open(path, access).map_err(fail)?))
        }
        "postgres" | "postgresql" => {
            let url = format!("postgresql:{rest}");
            Ok(Arc::new(
                postgres::Postgres::connect(&url).await.map_err(fail)?,
            ))
        }
        "mysql" | "mariadb" => {
            let url = format!("mysql:{rest}");
            Ok(Arc::new(mysql::Mysql::connect(&url).await.map_err(fail)?))
        }
        other => Err(fail(format!(
            "the scheme {other:?} is not known; known are sqlite, postgres, mysql and mariadb"
        ))),
    }
}

/// The URL without its password, for messages.
pub fn redact(url: &str) -> String {
    // A password may hold anything, even what ends an authority: leave out all between the user's
    // name and the last `@`, and the values of options that are secrets.
    let (before, options) = match url.split_once('?') {
        Some((before, options)) if !options.contains('@') => (before, Some(options)),
        _ => (url, None),
    };
    let mut shown = match (before.split_once("://"), before.rfind('@')) {
        (Some((scheme, rest)), Some(_)) => {
            let (credentials, host) = rest.rsplit_once('@').unwrap_or_default();
            match credentials.split_once(':') {
                Some((user, _)) => format!("{scheme}://{user}:…@{host}"),
                None => before.to_owned(),
            }
        }
        _ => before.to_owned(),
    };
    for (index, option) in options
        .iter()
        .flat_map(|options| options.split('&'))
        .enumerate()
    {
        shown.push(if index == 0 { '?' } else { '&' });
        match option.split_once('=') {
            Some((name, _)) if name.to_ascii_lowercase().contains("password") => {
                shown.push_str(name);
                shown.push_str("=…");
            }
            _ => shown.push_str(option),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("sqlite:lake.sqlite", "sqlite:lake.sqlite"),
            ("postgres://host/db", "postgres://host/db"),
            ("postgres://me@host/db", "postgres://me@host/db"),
            (
                "postgres://me:secret@host:5432/db?sslmode=require",
                "postgres://me:…@host:5432/db?sslmode=require",
            ),
            ("postgres://me:sec@ret@host/db", "postgres://me:…@host/db"),
            ("postgres://me:secr/et@host/db", "postgres://me:…@host/db"),
            ("postgres://me:secr?et@host/db", "postgres://me:…@host/db"),
            ("mysql://me:se:cret@host/db", "mysql://me:…@host/db"),
            (
                "postgres://host/db?user=me&password=secret",
                "postgres://host/db?user=me&password=…",
            ),
        ] {
            assert_eq!(redact(url), shown);
        }
    }
}
