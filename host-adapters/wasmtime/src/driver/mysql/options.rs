//! A MySQL URL's options.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use mysql_async::{Opts, OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;
use rustls::crypto::{CryptoProvider, ring};
use url::Url;

use crate::driver::tls::{Mode, trusted_certificates};

/// The most connections at once, unless said otherwise.
const POOL_SIZE: usize = 16;
/// How long connecting may take, unless said otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps, which spares a round trip each time.
const STATEMENTS: usize = 16;
/// After how long a silent connection is asked whether there still is a server.
const KEEPALIVE: Duration = Duration::from_secs(60);

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
    /// Whether a server without TLS is fine too.
    pub(super) tls_may_lack: bool,
}

impl Options {
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("it is no URL: {error}"))?;
        let mut mode = Mode::Prefer;
        let mut root_certificates = None;
        let mut pool_size = POOL_SIZE;
        let mut connect_timeout = CONNECT_TIMEOUT;
        let mut socket = None;
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslmode" => mode = value.parse()?,
                "sslrootcert" => root_certificates = Some(PathBuf::from(value.into_owned())),
                "pool_size" => pool_size = positive(&name, &value)?,
                "connect_timeout" => {
                    let seconds = u32::try_from(positive(&name, &value)?).unwrap_or(u32::MAX);
                    connect_timeout = Duration::from_secs(seconds.into());
                }
                "socket" => socket = Some(value.into_owned()),
                other => {
                    return Err(format!(
                        "the option {other:?} is not known; known are sslmode, sslrootcert, \
                         connect_timeout, pool_size and socket"
                    ));
                }
            }
        }
        let database = decoded("database", url.path().trim_start_matches('/'))?;
        if database.is_empty() {
            return Err(
                "it names no database; write one behind the host, as in mysql://user@host/lake"
                    .into(),
            );
        }
        let user = Some(decoded("user", url.username())?).filter(|user| !user.is_empty());
        let password = (url.password())
            .map(|password| decoded("password", password))
            .transpose()?;
        let host = (url.host_str())
            .filter(|host| !host.is_empty())
            .unwrap_or("127.0.0.1")
            .trim_start_matches('[')
            .trim_end_matches(']');
        let tls = match mode {
            // A socket's other end is on this machine.
            _ if socket.is_some() => None,
            Mode::Disable => None,
            mode => Some(tls(mode, root_certificates)?),
        };
        let target = OptsBuilder::default()
            .ip_or_hostname(decoded("host", host)?)
            .tcp_port(url.port().unwrap_or(3306))
            .tcp_keepalive(Some(KEEPALIVE))
            .socket(socket)
            .prefer_socket(false)
            .user(user)
            .pass(password)
            .db_name(Some(&database))
            .ssl_opts(tls)
            .client_found_rows(true)
            .stmt_cache_size(STATEMENTS)
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

fn positive(name: &str, value: &str) -> Result<usize, String> {
    (value.parse().ok())
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{name} must be a number above 0, not {value:?}"))
}

fn decoded(part: &str, text: &str) -> Result<String, String> {
    (percent_decode_str(text).decode_utf8())
        .map(Cow::into_owned)
        .map_err(|_| format!("the {part} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_decoded() -> Result<(), String> {
        let options = Options::parse(
            "mysql://b%C3%A4r:p%40ss%2Fw@[::1]:3307/la%20ke?sslmode=disable&pool_size=3&connect_timeout=2",
        )?;
        assert_eq!(options.target.user(), Some("bär"));
        assert_eq!(options.target.pass(), Some("p@ss/w"));
        assert_eq!(options.target.ip_or_hostname(), "::1");
        assert_eq!(options.target.tcp_port(), 3307);
        assert_eq!(options.database, "la ke");
        assert_eq!(options.pool_size, 3);
        assert_eq!(options.connect_timeout, Duration::from_secs(2));
        Ok(())
    }

    #[test]
    fn what_cannot_be_is_named_without_the_password() {
        for (url, reason) in [
            ("mysql://me:hunter2@host", "names no database"),
            ("mysql://me:hunter2@host/", "names no database"),
            ("mysql://me:hunter2@host/lake?charset=latin1", "\"charset\""),
            ("mysql://me:hunter2@host/lake?pool_size=0", "pool_size"),
            ("mysql://me:hunter2@host/lake?sslmode=on", "sslmode \"on\""),
            (
                "mysql://me:hunter2@host/lake?sslmode=verify-ca",
                "verify-full",
            ),
            (
                "mysql://me:hunter2@host/lake?sslmode=verify-full&sslrootcert=/none",
                "/none",
            ),
        ] {
            let error = Options::parse(url).err().unwrap_or_default();
            assert!(error.contains(reason), "{url}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
