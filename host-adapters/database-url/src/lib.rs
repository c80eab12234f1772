//! A database's URL: read strictly, and what of it may be told.
//!
//! A password may hold what ends a part of a URL, and drivers disagree on what that means. So a URL is
//! judged here before any driver reads it, as libpq reads it: what could be meant in two ways is refused. [`Told`]
//! says what of a URL may stand in a message.

mod decode;
mod fault;
mod option;
mod parts;
mod told;

use std::fmt;
use std::time::Duration;

pub use fault::Fault;
pub use option::unsupported;
pub use told::Told;

use decode::decoded;
use option::KNOWN;
use parts::{Parts, RawHost};

/// The option that says how long a statement may take.
pub const STATEMENT_TIMEOUT: &str = "statement_timeout";

/// The option that says how many prepared statements a connection keeps.
pub const STATEMENT_CACHE: &str = "statement_cache";

/// A database's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// An SQLite file, or `:memory:`.
    Sqlite(SqliteUrl),
    /// A database on a server.
    Server(ServerUrl),
}

/// An SQLite database.
#[derive(Clone, PartialEq, Eq)]
pub struct SqliteUrl {
    /// The path, to the letter: nothing of it is decoded.
    pub path: String,
    /// What stands behind the `?`.
    pub options: Vec<(String, String)>,
}

/// A kind of server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// PostgreSQL.
    Postgresql,
    /// MySQL and MariaDB.
    Mysql,
}

/// A database on a server. All parts are decoded.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    /// The kind of server.
    pub system: System,
    /// The user's name.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<String>,
    /// The servers, in the order in which they are tried; none where the URL names none.
    pub hosts: Vec<Host>,
    /// The database's name.
    pub database: Option<String>,
    /// What stands behind the `?`; each name once. An empty value is none.
    pub options: Vec<(String, String)>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// A name, an address, or the folder of a socket; empty where only a port is given.
    pub name: String,
    /// The port.
    pub port: Option<u16>,
}

impl fmt::Debug for SqliteUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It may be another one's URL, with a password in it.
        formatter.debug_struct("SqliteUrl").finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There is a password in it.
        formatter
            .debug_struct("ServerUrl")
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

impl DatabaseUrl {
    /// Reads a URL: `sqlite:PATH`, `postgres://…` or `mysql://…`, also `postgresql://…`, `mariadb://…`, and
    /// with the name of a Python driver as in `postgresql+psycopg2://…`.
    ///
    /// # Errors
    ///
    /// What is wrong, in words that hold nothing of the URL.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let (scheme, rest) = scheme_and_rest(text).ok_or(Fault::NoScheme)?;
        let system = match scheme {
            Scheme::Sqlite => return SqliteUrl::parse(rest).map(Self::Sqlite),
            Scheme::Server(system) => system,
            Scheme::Unknown => return Err(Fault::UnknownScheme),
        };
        ServerUrl::from_parts(system, &Parts::split(rest)?).map(Self::Server)
    }
}

impl SqliteUrl {
    fn parse(rest: &str) -> Result<Self, Fault> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        Ok(Self {
            path: path.to_owned(),
            options: decoded_options(&parts::options(options)?)?,
        })
    }
}

impl ServerUrl {
    fn from_parts(system: System, parts: &Parts<'_>) -> Result<Self, Fault> {
        let given = |text: Option<&str>| {
            text.filter(|text| !text.is_empty())
                .map(decoded)
                .transpose()
        };
        Ok(Self {
            system,
            user: given(parts.user)?,
            password: given(parts.password)?,
            hosts: parts
                .hosts
                .iter()
                .map(Host::from_raw)
                .collect::<Result<_, _>>()?,
            database: given(parts.database)?,
            options: decoded_options(&parts.options)?,
        })
    }

    /// How long a statement may take, by the option `statement_timeout`: milliseconds, as PostgreSQL's setting
    /// of this name. 5 minutes unless said otherwise, since most take some milliseconds, and few a minute; `None`
    /// for ever, where it is 0.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn statement_timeout(&self) -> Result<Option<Duration>, &'static str> {
        const USUAL: Duration = Duration::from_secs(300);
        let Some(value) = self.option(STATEMENT_TIMEOUT) else {
            return Ok(Some(USUAL));
        };
        match value.parse::<u32>() {
            Ok(0) => Ok(None),
            Ok(limit) => Ok(Some(Duration::from_millis(limit.into()))),
            Err(_) => Err("statement_timeout must be a whole number of milliseconds, or 0"),
        }
    }

    /// How many prepared statements a connection keeps, by the option `statement_cache`, whatever may be between it
    /// and the server; `None` where the driver is to decide.
    ///
    /// # Errors
    ///
    /// What it must be.
    pub fn statement_cache(&self) -> Result<Option<usize>, &'static str> {
        const MOST: usize = 9_999;
        let read = |value: &str| match value.parse() {
            Ok(number) if number <= MOST => Ok(number),
            _ => Err("statement_cache must be a whole number from 0 to 9999"),
        };
        self.option(STATEMENT_CACHE).map(read).transpose()
    }

    /// What is said of a statement that was not answered within its time.
    #[must_use]
    pub fn no_answer_within(limit: Duration) -> String {
        format!(
            "no answer within {} ms; where statements may take longer, say so by {STATEMENT_TIMEOUT} in \
             the URL",
            limit.as_millis()
        )
    }

    /// An option's value.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        let mut given = self.options.iter().filter(|(_, value)| !value.is_empty());
        let found = given.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Host {
    fn from_raw(raw: &RawHost<'_>) -> Result<Self, Fault> {
        let name = decoded(raw.name)?;
        if !is_host(&name) {
            return Err(Fault::Host);
        }
        Ok(Self {
            name,
            port: raw.port,
        })
    }
}

/// Whether this can be a host: a name, an address, or the folder of a socket. Empty is the default one.
#[must_use]
pub fn is_host(text: &str) -> bool {
    if text.starts_with('/') {
        return !text.contains(char::is_control);
    }
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let is_address = |letter: char| letter.is_ascii_hexdigit() || ".:".contains(letter);
    text.chars().all(is_name) || text.chars().all(is_address)
}

/// What a URL begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Sqlite,
    Server(System),
    Unknown,
}

/// The scheme, and what stands behind its colon.
fn scheme_and_rest(text: &str) -> Option<(Scheme, &str)> {
    let (name, rest) = text.split_once(':')?;
    let (system, driver) = name.split_once('+').unwrap_or((name, "driver"));
    let is_word = |word: &str| {
        !word.is_empty() && (word.bytes()).all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let scheme = match system {
        _ if !is_word(driver) => Scheme::Unknown,
        "sqlite" => Scheme::Sqlite,
        "postgres" | "postgresql" => Scheme::Server(System::Postgresql),
        "mysql" | "mariadb" => Scheme::Server(System::Mysql),
        _ => Scheme::Unknown,
    };
    Some((scheme, rest))
}

fn decoded_options(raw: &[(&str, &str)]) -> Result<Vec<(String, String)>, Fault> {
    let mut options: Vec<(String, String)> = Vec::with_capacity(raw.len());
    for (name, value) in raw {
        let name = decoded(name)?;
        if let Some(known) = KNOWN.iter().find(|known| **known == name)
            && options.iter().any(|(given, _)| *given == name)
        {
            return Err(Fault::Repeated(known));
        }
        options.push((name, decoded(value)?));
    }
    Ok(options)
}
