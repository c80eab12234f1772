//! A throw-away MariaDB server, which stands for MySQL in tests.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::server::{Recipe, Server, install_debian};
use crate::step;

/// The variable with the URL of a MySQL or MariaDB server to test on.
pub const VARIABLE: &str = "BATCHINTORY_TEST_MYSQL";

/// The user of the tests.
const USER: &str = "batchintory";

/// Folders beside those of the PATH in which the programs are looked for: of users that have no
/// programs of the system on their PATH, of Red Hat, of Homebrew on Apple's and Intel's processors.
const FOLDERS: [&str; 5] = [
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/libexec",
    "/opt/homebrew/opt/mariadb/bin",
    "/usr/local/opt/mariadb/bin",
];

/// Nothing of it has to outlive the tests.
const OPTIONS: [&str; 9] = [
    "--skip-name-resolve",
    "--skip-log-bin",
    "--max-connections=200",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=0",
    // What the fence looks at.
    "--performance-schema=ON",
    "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
];

/// A running server.
pub struct MariaDb {
    url: String,
    _server: Server,
}

impl MariaDb {
    /// Finds MariaDB (or installs it where it may), makes a server's files and starts it.
    pub fn start() -> Result<Self> {
        let (installer, program) = match find() {
            Some(found) => found,
            None => install()?,
        };
        step::announce(format_args!(
            "a throw-away MariaDB by {}",
            program.display()
        ));
        let mut arguments = vec![installer.into(), program.into(), USER.into()];
        arguments.extend(OPTIONS.map(Into::into));
        let server = Server::start(Recipe {
            name: "MariaDB",
            user: "mysql",
            steps: include_str!("mariadb/steps.sh"),
            arguments,
            variable: VARIABLE,
            is_on_disk: false,
        })?;
        Ok(Self {
            url: format!(
                "mysql://{USER}:{password}@127.0.0.1:{port}/mysql",
                password = server.password(),
                port = server.port()
            ),
            _server: server,
        })
    }

    /// Where it listens, with its password: for environment variables, not for messages.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The program that makes a server's files, and the server.
fn find() -> Option<(PathBuf, PathBuf)> {
    let installer = program(&["mariadb-install-db", "mysql_install_db"])?;
    Some((installer, program(&["mariadbd", "mysqld"])?))
}

fn install() -> Result<(PathBuf, PathBuf)> {
    if install_debian("mariadb-server")?
        && let Some(found) = find()
    {
        return Ok(found);
    }
    bail!(
        "MariaDB's programs (mariadb-install-db, mariadbd) are missing: install MariaDB 10.5 or later \
         (Debian and Ubuntu: `apt-get install mariadb-server`, macOS: `brew install mariadb`), or set \
         {VARIABLE} to the URL of a MySQL or MariaDB server"
    )
}

/// The first of these names that is a program.
fn program(names: &[&str]) -> Option<PathBuf> {
    let on_path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&on_path)
        .chain(FOLDERS.map(PathBuf::from))
        .collect();
    (names.iter())
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}
