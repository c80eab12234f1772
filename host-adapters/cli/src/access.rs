//! Who may do what, for `serve`: access tokens, and what callers may name.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use batchintory_server::{HttpService, ServiceSettings};
use batchintory_wasmtime::SystemRandom;
use batchintory_wasmtime::batchintory::Random as _;
use clap::Args;

use crate::error::Failure;
use crate::secret::Secret;
use crate::stderr::tell;

/// Who may do what.
#[derive(Debug, Clone, Args)]
pub struct AccessOptions {
    /// An access token of the role `admin`, of 16 or more characters. Better given by the environment, where
    /// other users of the machine do not see it. Without any token, a service that listens to this machine
    /// alone makes one and shows the address with it
    #[arg(
        long,
        value_name = "TOKEN",
        env = "BATCHINTORY_API_TOKEN",
        hide_env_values = true
    )]
    api_token: Option<Secret>,
    /// The same as in a file of tokens, by the environment alone.
    #[arg(
        long,
        value_name = "TOKENS",
        env = "BATCHINTORY_API_TOKENS",
        hide = true
    )]
    api_tokens: Option<Secret>,
    /// A file of access tokens, a line each: roles (read, work, admin, or several with commas between), a
    /// name for the audit log, and the token. SIGHUP has it read again. BATCHINTORY_API_TOKENS may hold such
    /// lines, too
    #[arg(long, value_name = "FILE", env = "BATCHINTORY_TOKENS_FILE")]
    tokens_file: Option<PathBuf>,
    /// Show jobs and batches, without results and logs, to whoever asks
    #[arg(long, env = "BATCHINTORY_PUBLIC_READS")]
    public_reads: bool,
    /// Meta tables that callers may name, such as 'lake.*'; any, unless given. May be repeated
    #[arg(
        long,
        value_name = "PATTERN",
        env = "BATCHINTORY_ALLOW_TABLES",
        value_delimiter = ','
    )]
    allow_table: Vec<String>,
    /// The address under which callers reach the service, where a proxy is before it: requests that name
    /// another host are refused
    #[arg(long, value_name = "URL", env = "BATCHINTORY_PUBLIC_URL")]
    public_url: Option<String>,
    /// The number of wrong tokens in a minute after which an address has to wait; 0: never, as behind a proxy, where all
    /// callers have one address
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    wrong_tokens: u32,
}

/// What to serve by.
pub struct ServedAccess {
    /// For the service.
    pub settings: ServiceSettings,
    /// The token that was made, since there was none.
    pub made: Option<String>,
}

impl AccessOptions {
    /// What to serve by at an address.
    ///
    /// # Errors
    ///
    /// When it makes no sense, or would let nobody in.
    pub fn served_at(&self, address: IpAddr) -> Result<ServedAccess, Failure> {
        let mut settings = self.settings()?;
        if settings.has_tokens() || self.public_reads && !address.is_loopback() {
            return Ok(ServedAccess {
                settings,
                made: None,
            });
        }
        if !address.is_loopback() {
            return Err(Failure::usage(format!(
                "there is no access token, and {address} can be reached from other machines: give one by \
                 BATCHINTORY_API_TOKEN (`openssl rand -hex 16` makes one), several by --tokens-file, or \
                 let anybody look by --public-reads"
            )));
        }
        let [first, second] = SystemRandom.random();
        let token = format!("{first:016x}{second:016x}");
        settings.api_token = Some(token.clone());
        Ok(ServedAccess {
            settings,
            made: Some(token),
        })
    }

    /// How many wrong tokens an address may send in a minute.
    pub fn wrong_tokens(&self) -> u32 {
        self.wrong_tokens
    }

    /// Whether there is a file that may be read again.
    #[cfg(unix)]
    pub fn has_file(&self) -> bool {
        self.tokens_file.is_some()
    }

    /// Reads the file of tokens again, for a service. One that cannot be used changes nothing.
    #[cfg(unix)]
    pub fn read_again(&self, service: &HttpService) {
        match self.settings() {
            Ok(settings) => {
                service.set(settings);
                tell("the access tokens were read again");
            }
            Err(failure) => tell(format_args!(
                "the access tokens stay as they were: {}",
                failure.message()
            )),
        }
    }

    fn settings(&self) -> Result<ServiceSettings, Failure> {
        let secret = |secret: &Option<Secret>| {
            (secret.clone().map(|Secret(text)| text)).filter(|text| !text.is_empty())
        };
        let settings = ServiceSettings {
            api_token: secret(&self.api_token),
            api_tokens: secret(&self.api_tokens),
            public_reads: Some(self.public_reads.to_string()),
            allowed_tables: Some(self.allow_table.join(",")),
            public_url: self.public_url.clone(),
            loopback: false,
        };
        settings.check().map_err(Failure::usage)?;
        let Some(path) = &self.tokens_file else {
            return Ok(settings);
        };
        let file = read(path)?;
        let alone = ServiceSettings {
            api_tokens: Some(file.clone()),
            ..ServiceSettings::default()
        };
        let fail = |reason| Failure::usage(format!("the file {}: {reason}", path.display()));
        alone.check().map_err(fail)?;
        if !alone.has_tokens() {
            return Err(fail("there is no token in it".into()));
        }
        let all = ServiceSettings {
            api_tokens: Some(match &settings.api_tokens {
                Some(given) => format!("{file}\n{given}"),
                None => file,
            }),
            ..settings
        };
        all.check().map_err(fail)?;
        Ok(all)
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!(
            "the file of access tokens {}: {error}",
            path.display()
        ))
    })
}
