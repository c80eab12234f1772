//! A database without a connection, for commands which can do without.

use async_trait::async_trait;
use batchintory_wasmtime::{Database, DatabaseError, Dialect, Error, Rows, Value};

/// Answers every statement with the reason why there is no connection.
pub struct Unreachable {
    dialect: Dialect,
    schema: Option<String>,
    reason: String,
}

impl Unreachable {
    /// For the database at this URL, which could not be opened.
    pub fn new(url: &str, error: &Error) -> Self {
        let scheme = url.split([':', '+']).next().unwrap_or_default();
        Self {
            dialect: match scheme {
                "sqlite" => Dialect::Sqlite,
                "mysql" | "mariadb" => Dialect::Mysql,
                _ => Dialect::Postgresql,
            },
            schema: mysql_database(url),
            reason: error.to_string(),
        }
    }

    /// For a database of this dialect, at this URL if it is of the dialect, that need not be asked.
    pub fn unasked(dialect: Dialect, url: &str) -> Self {
        Self {
            dialect,
            schema: mysql_database(url).filter(|_| dialect == Dialect::Mysql),
            reason: "no database is asked".into(),
        }
    }
}

#[async_trait]
impl Database for Unreachable {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    async fn query(&self, _: &str, _: &[Value]) -> Result<Rows, DatabaseError> {
        Err(DatabaseError::Unavailable(self.reason.clone()))
    }
}

/// The database that a URL of MySQL names.
fn mysql_database(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.starts_with("mysql") && !scheme.starts_with("mariadb") {
        return None;
    }
    // A password may hold what looks like a path.
    let rest = rest.rsplit_once('@').map_or(rest, |(_, behind)| behind);
    let (_, path) = rest.split_once('/')?;
    let name = path.split('?').next().filter(|name| !name.is_empty())?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::mysql_database;

    #[test]
    fn the_database_stands_behind_the_host() {
        for (url, database) in [
            (
                "mysql://me:se/cret@host:3306/lake?sslmode=disable",
                Some("lake"),
            ),
            ("mariadb+pymysql://host/lake", Some("lake")),
            ("mysql://host", None),
            ("mysql://host/", None),
            ("postgres://host/lake", None),
            ("sqlite:lake", None),
        ] {
            assert_eq!(mysql_database(url).as_deref(), database, "{url}");
        }
    }
}
