//! The options of `serve` that say how clients connect, and bound what they may take.

use std::path::PathBuf;
use std::time::Duration;

use batchintory_server::{HttpService, ServerOptions, Tls};
use clap::{Args, value_parser};

use crate::error::Failure;
use crate::request::{Seconds, parse_seconds};

/// How clients connect, and what they may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encryption and limits")]
pub struct ServerArguments {
    /// Encrypt connections by the certificate in this file, in PEM, with those of the authorities between;
    /// a SIGHUP has it read again
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// How many connections there may be at once; one more takes the place of that which has asked for
    /// nothing longest, and is refused where all are being served
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 1_024,
        value_parser = value_parser!(u32).range(1..)
    )]
    max_connections: u32,
    /// How long a statement may take, as in 30s or 5m: then it is ended, as it is when its client goes away
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse_positive)]
    statement_timeout: Seconds,
    /// The longest pause before the inventory is asked again for a request that waits for a batch (`Prefer: wait`).
    /// Where the meta table tells of new rows (`batchintory schema --notify`), the request is woken at once
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_positive)]
    poll: Seconds,
}

impl ServerArguments {
    /// The certificate and its key, if there are any.
    pub fn tls(&self) -> Result<Option<Tls>, Failure> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Tls::from_files(certificate, key)
                .map(Some)
                .map_err(|error| Failure::usage(error.to_string())),
            _ => Ok(None),
        }
    }

    /// The service with these options.
    pub fn apply(&self, service: HttpService, tls: Option<Tls>) -> HttpService {
        let max_connections = usize::try_from(self.max_connections).unwrap_or(usize::MAX);
        allow_open_files(self.max_connections);
        service
            .with_server_options(ServerOptions {
                max_connections,
                tls,
            })
            .with_statement_timeout(Duration::from_secs(self.statement_timeout.0.into()))
            .with_poll(Duration::from_secs(self.poll.0.into()))
    }
}

/// Reads the certificate and its key again; what cannot be used is told.
#[cfg(unix)]
pub fn read_again(tls: &Tls) {
    if let Err(error) = tls.reload() {
        crate::stderr::tell(format_args!("{error}; all stays as it was"));
    }
}

fn parse_positive(given: &str) -> Result<Seconds, String> {
    match parse_seconds(given)? {
        Seconds(0) => Err("it must be at least a second".into()),
        seconds => Ok(seconds),
    }
}

/// Files beside those of clients: databases, listeners, logs.
#[cfg(unix)]
const OTHER_FILES: u64 = 256;

/// Lets the process have as many open files as it needs, where the system allows it to: a connection is one.
#[cfg(unix)]
fn allow_open_files(connections: u32) {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};

    let needed = u64::from(connections) + OTHER_FILES;
    let Ok((now, most)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let allowed = needed.min(most);
    if now < allowed {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, allowed, most);
    }
    if allowed < needed {
        crate::stderr::tell(format_args!(
            "the system allows {most} open files, which is too few for {connections} connections \
             (see `ulimit -Hn`)"
        ));
    }
}

#[cfg(not(unix))]
fn allow_open_files(_connections: u32) {}
