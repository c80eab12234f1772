//! A MySQL URL's options.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use batchintory_database_url::{ServerUrl, unsupported};
use mysql_async::{Opts, OptsBuilder, SslOpts};
use rustls::crypto::{CryptoProvider, ring};

use crate::driver::server_options::{CONNECT_TIMEOUT, pool_size, positive};
use crate::driver::time_limit::TimeLimit;
use crate::driver::tls::{Mode, trusted_certificates};

/// How many prepared statements a connection keeps unless said otherwise, which spares a round trip each time.
const STATEMENTS: usize = 16;
/// After how long a silent connection is asked whether there still is a server.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The options of a URL.
const OPTIONS: [&str; 7] = [
    "connect_timeout",
    "pool_size",
    "socket",
    "sslmode",
    "sslrootcert",
    "statement_cache",
    "statement_timeout",
];

/// What a session must have, whatever the server's defaults are. A lock is waited for as long as SQLite's.
const SESSION: &str = "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, \
    sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO', \
    innodb_lock_wait_timeout = 5";

/// How to connect. Holds the password: never to be shown.
pub(super) struct Options {
    pub(super) target: Opts,
    pub(super) database: String,
    pub(super) pool_size: usize,
    pub(super) connect_timeout: Duration,
    pub(super) limit: TimeLimit,
    /// Whether a server without TLS is fine too.
    pub(super) tls_may_lack: bool,
}

impl Options {
    pub(super) fn read(url: &ServerUrl) -> Result<Self, String> {
        if let Some(refusal) = unsupported(&url.options, &OPTIONS) {
            return Err(refusal);
        }
        let mode = url.option("sslmode").map_or(Ok(Mode::Prefer), str::parse)?;
        let root_certificates = url.option("sslrootcert").map(PathBuf::from);
        let pool_size = pool_size(url)?;
        let connect_timeout = positive(url, "connect_timeout")?
            .map_or(CONNECT_TIMEOUT, |seconds| {
                Duration::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX).into())
            });
        let socket = url.option("socket").map(str::to_owned);
        let database = url.database.clone().ok_or(
            "it names no database; write one behind the host, as in mysql://user@host/lake",
        )?;
        let (host, port) = match url.hosts.as_slice() {
            [] => (None, None),
            [host] => (Some(&host.name), host.port),
            _ => return Err("several hosts are not supported for MySQL; name one".into()),
        };
        let host = host
            .filter(|host| !host.is_empty())
            .map_or("127.0.0.1", String::as_str);
        let tls = match mode {
            // A socket's other end is on this machine.
            _ if socket.is_some() => None,
            Mode::Disable => None,
            mode => Some(tls(mode, root_certificates)?),
        };
        let target = OptsBuilder::default()
            .ip_or_hostname(host)
            .tcp_port(port.unwrap_or(3306))
            .tcp_keepalive(Some(KEEPALIVE))
            .socket(socket)
            .prefer_socket(false)
            .user(url.user.as_ref())
            .pass(url.password.as_ref())
            .db_name(Some(&database))
            .ssl_opts(tls)
            .client_found_rows(true)
            .stmt_cache_size(url.statement_cache()?.unwrap_or(STATEMENTS))
            .setup(vec![SESSION])
            .connect_attributes(HashMap::from([(
                "program_name".to_owned(),
                "batchintory".to_owned(),
            )]));
        Ok(Self {
            target: target.into(),
            database,
            pool_size,
            connect_timeout,
            limit: TimeLimit::read(url)?,
            tls_may_lack: mode == Mode::Prefer,
        })
    }

    /// The same without TLS.
    pub(super) fn leave_tls_out(&mut self) {
        self.target = OptsBuilder::from_opts(self.target.clone())
            .ssl_opts(None)
            .into();
    }
}

fn tls(mode: Mode, root_certificates: Option<PathBuf>) -> Result<SslOpts, String> {
    // mysql_async takes the process's cryptography. There must be one even in a program whose
    // crates bring several, of which rustls would not choose.
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been faster.
        let _ = ring::default_provider().install_default();
    }
    match mode {
        Mode::VerifyFull => {
            let roots = trusted_certificates(root_certificates.as_deref())?;
            Ok(SslOpts::default()
                .with_disable_built_in_roots(true)
                .with_root_certs(
                    (roots.into_iter())
                        .map(|root| root.to_vec().into())
                        .collect(),
                ))
        }
        Mode::VerifyAuthority => Err(
            "sslmode=verify-ca is not offered for MySQL; use verify-full, which also verifies the \
             server's name, or require, which verifies nothing"
                .into(),
        ),
        _ => Ok(SslOpts::default().with_danger_accept_invalid_certs(true)),
    }
}

#[cfg(test)]
mod tests {
    use batchintory_database_url::DatabaseUrl;

    use super::*;

    fn read(url: &str) -> Result<Options, String> {
        match DatabaseUrl::parse(url) {
            Ok(DatabaseUrl::Server(server)) => Options::read(&server),
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn parts_are_decoded() -> Result<(), String> {
        let options = read(
            "mysql://b%C3%A4r:p%40ss%2Fw@[::1]:3307/la%20ke?sslmode=disable&pool_size=3&connect_timeout=2&statement_cache=5",
        )?;
        assert_eq!(options.target.user(), Some("bär"));
        assert_eq!(options.target.pass(), Some("p@ss/w"));
        assert_eq!(options.target.ip_or_hostname(), "::1");
        assert_eq!(options.target.tcp_port(), 3307);
        assert_eq!(options.database, "la ke");
        assert_eq!(options.pool_size, 3);
        assert_eq!(options.connect_timeout, Duration::from_secs(2));
        assert_eq!(options.target.stmt_cache_size(), 5);
        Ok(())
    }

    #[test]
    fn what_cannot_be_is_named_without_the_password() {
        for (url, reason) in [
            ("mysql://me:hunter2@host", "names no database"),
            ("mysql://me:hunter2@host/", "names no database"),
            (
                "mysql://me:hunter2@host/lake?charset=latin1",
                "option charset",
            ),
            ("mysql://me:hunter2@host,other/lake", "several hosts"),
            ("mysql://me:hunter2@host/lake?pool_size=0", "pool_size"),
            (
                "mysql://me:hunter2@host/lake?statement_cache=all",
                "statement_cache",
            ),
            (
                "mysql://me:hunter2@host/lake?sslmode=on",
                "sslmode must be one of",
            ),
            (
                "mysql://me:hunter2@host/lake?sslmode=verify-ca",
                "verify-full",
            ),
            (
                "mysql://me:hunter2@host/lake?sslmode=verify-full&sslrootcert=/none",
                "/none",
            ),
        ] {
            let error = read(url).err().unwrap_or_default();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
