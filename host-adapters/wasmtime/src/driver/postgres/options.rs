//! A PostgreSQL URL's options.

use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use super::tls;
use crate::driver::tls::Mode;

/// The most connections at once, unless said otherwise.
const POOL_SIZE: usize = 16;
/// How long connecting may take, unless said otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect.
pub(super) struct Options {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) pool_size: usize,
}

impl Options {
    /// Takes the options that tokio-postgres does not know out of the URL.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let mut url = Url::parse(url).map_err(|error| format!("it is no URL: {error}"))?;
        let mut mode = Mode::Prefer;
        let mut root_certificates = None;
        let mut pool_size = POOL_SIZE;
        let mut others = Vec::new();
        for (name, value) in url.query_pairs() {
            match name.as_ref() {
                "sslmode" => mode = value.parse()?,
                "sslrootcert" => root_certificates = Some(PathBuf::from(value.into_owned())),
                "pool_size" => {
                    pool_size = value.parse().ok().filter(|size| *size > 0).ok_or_else(|| {
                        format!("pool_size must be a number above 0, not {value:?}")
                    })?;
                }
                _ => others.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(&others);
        }
        let mut config: Config = url
            .as_str()
            .parse()
            .map_err(|error: tokio_postgres::Error| {
                std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string)
            })?;
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            _ => SslMode::Require,
        });
        if config.get_application_name().is_none() {
            config.application_name("batchintory");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(Self {
            config,
            tls: tls::connector(mode, root_certificates.as_deref())?,
            pool_size,
        })
    }
}
