//! How to connect, put together.

use std::path::PathBuf;
use std::time::Duration;

use batchintory_database_url::ServerUrl;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connections::Session;
use super::parameters::Parameters;
use super::surroundings::Surroundings;
use super::targets::Target;
use super::tls::{self, Certificates};
use crate::driver::server_options::{CONNECT_TIMEOUT, pool_size};
use crate::driver::time_limit::TCP_USER_TIMEOUT;
use crate::driver::tls::Mode;

/// How to connect. Holds passwords: never to be shown.
pub(super) struct Options {
    pub(super) targets: Vec<Target>,
    /// All but the server and the password.
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// The session that is looked for.
    pub(super) session: Session,
    pub(super) in_random_order: bool,
    pub(super) connect_timeout: Duration,
    pub(super) pool_size: usize,
    /// How many prepared statements a connection keeps, as the URL says.
    pub(super) statement_cache: Option<usize>,
}

impl Options {
    /// Reads a URL, and what stands outside of it.
    pub(super) fn read(url: &ServerUrl, surroundings: &Surroundings) -> Result<Self, String> {
        let parameters = Parameters::gather(url, surroundings)?;
        let certificates = certificates(&parameters, surroundings);
        let mode = mode(&parameters, &certificates)?;
        let connect_timeout = match parameters.number("connect_timeout")? {
            None => CONNECT_TIMEOUT,
            // As long as it takes, says libpq.
            Some(0) => Duration::from_secs(u32::MAX.into()),
            Some(seconds) => Duration::from_secs(seconds.into()),
        };
        let mut config = config(&parameters)?;
        config
            .connect_timeout(connect_timeout)
            .ssl_mode(match mode {
                Mode::Disable => SslMode::Disable,
                Mode::Prefer => SslMode::Prefer,
                _ => SslMode::Require,
            });
        Ok(Self {
            targets: Target::all(&parameters, surroundings)?,
            config,
            tls: tls::connector(mode, &certificates)?,
            session: Session::named(parameters.get("target_session_attrs").unwrap_or_default()),
            in_random_order: parameters.get("load_balance_hosts") == Some("random"),
            connect_timeout,
            pool_size: pool_size(url)?,
            statement_cache: url.statement_cache()?,
        })
    }
}

/// The certificates, which may lie in the user's home.
fn certificates(parameters: &Parameters, surroundings: &Surroundings) -> Certificates {
    let file = |name, in_home| {
        let given = parameters.get(name).map(PathBuf::from);
        given.or_else(|| surroundings.present_in_home(in_home))
    };
    let is_system = parameters.get("sslrootcert") == Some("system");
    Certificates {
        roots: file("sslrootcert", ".postgresql/root.crt").filter(|_| !is_system),
        own: file("sslcert", ".postgresql/postgresql.crt"),
        key: file("sslkey", ".postgresql/postgresql.key"),
    }
}

/// What is verified. As libpq has it, where there are authorities to trust, `require` verifies by them.
fn mode(parameters: &Parameters, certificates: &Certificates) -> Result<Mode, String> {
    let mode = parameters.get("sslmode").unwrap_or_default().parse()?;
    if parameters.get("sslrootcert") == Some("system") && mode != Mode::VerifyFull {
        return Err(
            "sslrootcert=system, with authorities that anybody may ask, needs sslmode=verify-full"
                .into(),
        );
    }
    Ok(match mode {
        Mode::Require if certificates.roots.is_some() => Mode::VerifyAuthority,
        mode => mode,
    })
}

fn config(parameters: &Parameters) -> Result<Config, String> {
    let mut config = Config::new();
    let application = parameters.get("application_name");
    let fallback = parameters.get("fallback_application_name");
    config
        .user(parameters.get("user").unwrap_or_default())
        .dbname(parameters.get("dbname").unwrap_or_default())
        .application_name(application.or(fallback).unwrap_or_default());
    if let Some(options) = parameters.get("options") {
        config.options(options);
    }
    match parameters.get("channel_binding") {
        Some("disable") => config.channel_binding(ChannelBinding::Disable),
        Some("require") => config.channel_binding(ChannelBinding::Require),
        _ => &mut config,
    };
    if parameters.get("sslnegotiation") == Some("direct") {
        config.ssl_negotiation(SslNegotiation::Direct);
    }
    if let Some(keepalives) = parameters.number("keepalives")? {
        config.keepalives(keepalives != 0);
    }
    let seconds = |name| -> Result<Option<Duration>, String> {
        let number = parameters.number(name)?.filter(|seconds| *seconds > 0);
        Ok(number.map(|seconds| Duration::from_secs(seconds.into())))
    };
    if let Some(idle) = seconds("keepalives_idle")? {
        config.keepalives_idle(idle);
    }
    if let Some(interval) = seconds("keepalives_interval")? {
        config.keepalives_interval(interval);
    }
    if let Some(count) = parameters
        .number("keepalives_count")?
        .filter(|count| *count > 0)
    {
        config.keepalives_retries(count);
    }
    match parameters.number("tcp_user_timeout")? {
        None => config.tcp_user_timeout(TCP_USER_TIMEOUT),
        // The system's own, says libpq.
        Some(0) => &mut config,
        Some(milliseconds) => config.tcp_user_timeout(Duration::from_millis(milliseconds.into())),
    };
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashMap;
    use std::fs;
    use std::path::Path;

    use batchintory_database_url::DatabaseUrl;
    use serde::Deserialize;

    use super::*;
    use crate::driver::time_limit::TimeLimit;

    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }

    /// See `tests/urls/postgres.json`.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        url: String,
        #[serde(default)]
        environment: HashMap<String, String>,
        #[serde(default)]
        files: HashMap<String, String>,
        gives: Option<HashMap<String, Option<String>>>,
        refused: Option<String>,
        #[serde(default)]
        accepted_by: Vec<String>,
    }

    thread_local! {
        static ENVIRONMENT: RefCell<HashMap<String, String>> = RefCell::default();
    }

    fn surroundings(case: &Case, folder: &Path) -> Surroundings {
        for (name, text) in &case.files {
            let file = folder.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        ENVIRONMENT.set(
            (case.environment.iter())
                .map(|(name, value)| (name.clone(), placed(value, folder)))
                .collect(),
        );
        Surroundings::of_test(
            |name| ENVIRONMENT.with_borrow(|variables| variables.get(name).cloned()),
            &folder.join("home"),
        )
    }

    fn placed(text: &str, folder: &Path) -> String {
        text.replace("{folder}", folder.to_str().unwrap())
    }

    fn server(url: &str) -> Result<ServerUrl, String> {
        match DatabaseUrl::parse(url) {
            Ok(DatabaseUrl::Server(server)) => Ok(server),
            Ok(DatabaseUrl::Sqlite(_)) => panic!("{url} is no server's"),
            Err(fault) => Err(fault.to_string()),
        }
    }

    /// Everything but the certificates, which are not there.
    fn read(url: &str, surroundings: &Surroundings) -> Result<(Parameters, Vec<Target>), String> {
        let url = server(url)?;
        let parameters = Parameters::gather(&url, surroundings)?;
        let targets = Target::all(&parameters, surroundings)?;
        mode(&parameters, &certificates(&parameters, surroundings))?;
        config(&parameters)?;
        parameters.number("connect_timeout")?;
        pool_size(&url)?;
        TimeLimit::read(&url)?;
        url.statement_cache()?;
        Ok((parameters, targets))
    }

    #[test]
    fn urls_mean_what_libpq_makes_of_them() {
        let table = include_str!("../../../../../tests/urls/postgres.json");
        let table: Table = serde_json::from_str(table).unwrap();
        for case in table.cases {
            let folder = tempfile::tempdir().unwrap();
            let surroundings = surroundings(&case, folder.path());
            let url = placed(&case.url, folder.path());
            let found = read(&url, &surroundings);
            match (&case.gives, &case.refused, found) {
                (Some(gives), None, Ok((parameters, targets))) => {
                    assert!(case.accepted_by.is_empty());
                    for (name, value) in gives {
                        let found = match name.as_str() {
                            "password" => {
                                targets.first().and_then(|first| first.password.as_deref())
                            }
                            name => parameters.get(name),
                        };
                        assert_eq!(found, value.as_deref(), "{name} of {}", case.url);
                    }
                }
                (None, Some(reason), Err(refusal)) => {
                    assert!(refusal.contains(reason), "{}: {refusal}", case.url);
                }
                (_, _, found) => panic!("{}: {:?}", case.url, found.err()),
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_password_file_that_others_may_read_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passwords");
        fs::write(&file, "*:*:*:*:secret\n").unwrap();
        let surroundings = Surroundings::of_test(|_| None, folder.path());
        let url = format!("postgres://me@host/db?passfile={}", file.display());
        for (mode, password) in [(0o600, Some("secret")), (0o640, None), (0o604, None)] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let (_, targets) = read(&url, &surroundings).unwrap();
            assert_eq!(targets[0].password.as_deref(), password);
        }
    }

    #[test]
    fn require_verifies_where_there_are_authorities_to_trust() {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = Surroundings::of_test(|_| None, folder.path());
        let mode_of = |url: &str| {
            let parameters = Parameters::gather(&server(url)?, &surroundings)?;
            mode(&parameters, &certificates(&parameters, &surroundings))
        };
        let url = "postgres://host/db?sslmode=";
        assert_eq!(mode_of(&format!("{url}require")), Ok(Mode::Require));
        let with_roots = format!("{url}require&sslrootcert=/ca.pem");
        assert_eq!(mode_of(&with_roots), Ok(Mode::VerifyAuthority));
        fs::create_dir(folder.path().join(".postgresql")).unwrap();
        fs::write(folder.path().join(".postgresql/root.crt"), "").unwrap();
        assert_eq!(mode_of(&format!("{url}require")), Ok(Mode::VerifyAuthority));
        assert_eq!(mode_of(&format!("{url}prefer")), Ok(Mode::Prefer));
    }
}
