//! A throw-away PostgreSQL server.

mod programs;
pub mod versions;

use anyhow::Result;

use crate::server::{Recipe, Server};
use crate::step;
pub use programs::Programs;

/// The variable with the URL of a PostgreSQL server to test on.
pub const VARIABLE: &str = "BATCHINTORY_TEST_POSTGRES";

/// The variable with the folder of PostgreSQL's server programs.
pub const PROGRAMS_VARIABLE: &str = "BATCHINTORY_TEST_POSTGRES_PROGRAMS";

/// The database's superuser.
const USER: &str = "batchintory";

/// What a server is started with.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Whether commits wait until they are on the disk, as they do by default in PostgreSQL.
    pub durable: bool,
    /// More lines for postgresql.conf, such as `shared_buffers = '512MB'`.
    pub settings: &'a [&'a str],
}

/// A running server.
pub struct Cluster {
    url: String,
    _server: Server,
}

impl Cluster {
    /// Finds PostgreSQL (or installs it where it may), makes a cluster and starts it.
    pub fn start(options: Options) -> Result<Self> {
        Self::start_by(&Programs::find_or_install()?, options)
    }

    /// Makes a cluster by these programs and starts it.
    pub fn start_by(programs: &Programs, options: Options) -> Result<Self> {
        step::announce(format_args!(
            "a throw-away PostgreSQL from {}",
            programs.folder.display()
        ));
        let mut arguments = vec![programs.folder.clone().into(), USER.into()];
        arguments.extend(settings(options).into_iter().map(Into::into));
        let server = Server::start(Recipe {
            name: "PostgreSQL",
            user: "postgres",
            steps: include_str!("postgres/steps.sh"),
            arguments,
            variable: VARIABLE,
            is_on_disk: options.durable,
        })?;
        Ok(Self {
            url: format!(
                "postgres://{USER}:{password}@127.0.0.1:{port}/postgres",
                password = server.password(),
                port = server.port()
            ),
            _server: server,
        })
    }

    /// Where it listens, with its password: for environment variables and arguments, not for messages.
    pub fn url(&self) -> &str {
        &self.url
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
}
