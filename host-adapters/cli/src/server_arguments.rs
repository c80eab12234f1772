//! The options of `serve` that bound what its clients may take.

use std::time::Duration;

use batchintory_server::{HttpService, ServerLimits};
use clap::{Args, value_parser};

use crate::request::{Seconds, parse_seconds};

/// What clients may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct ServerOptions {
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
}

impl ServerOptions {
    /// The service with these options.
    pub fn apply(&self, service: HttpService) -> HttpService {
        let max_connections = usize::try_from(self.max_connections).unwrap_or(usize::MAX);
        allow_open_files(self.max_connections);
        service
            .with_limits(ServerLimits { max_connections })
            .with_statement_timeout(Duration::from_secs(self.statement_timeout.0.into()))
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
        crate::output::tell(format_args!(
            "the system allows {most} open files, which is too few for {connections} connections \
             (see `ulimit -Hn`)"
        ));
    }
}

#[cfg(not(unix))]
fn allow_open_files(_connections: u32) {}
