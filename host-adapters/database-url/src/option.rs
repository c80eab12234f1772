//! The names of options.

/// Names that options may have, of whichever driver. Only these are told: what is none of them may be a
/// piece of a password with an `&` in it.
#[rustfmt::skip]
pub(crate) const KNOWN: &[&str] = &[
    // Of libpq.
    "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
    "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts",
    "max_protocol_version", "min_protocol_version", "options", "passfile", "password", "port", "replication",
    "require_auth", "requirepeer", "service", "servicefile", "sslcert", "sslcertmode", "sslcompression",
    "sslcrl", "sslcrldir", "sslkey", "sslmode", "sslnegotiation", "sslpassword", "sslrootcert", "sslsni",
    "ssl_max_protocol_version", "ssl_min_protocol_version", "target_session_attrs", "tcp_user_timeout", "user",
    // Of batchintory.
    "pool_size", "socket", "statement_cache", "statement_timeout",
    // Of SQLite, and of Python's module for it.
    "cache", "check_same_thread", "immutable", "mode", "nolock", "psow", "timeout", "uri", "vfs",
    // Of other drivers and tools, whose URLs are copied.
    "auth_plugin", "autocommit", "charset", "collation", "connection_limit", "currentSchema", "database", "db",
    "encoding", "init_command", "keepalives_retries", "local_infile", "passwd", "pgbouncer", "pool_timeout",
    "program_name", "query_timeout", "read_timeout", "schema", "search_path", "serverTimezone", "sql_mode",
    "ssl", "ssl_ca", "ssl_cert", "ssl_disabled", "ssl_key", "ssl_verify_cert", "ssl_verify_identity",
    "unix_socket", "uselibpqcompat", "use_unicode", "write_timeout",
];

/// Names of options whose values are secrets.
const SECRET: [&str; 3] = ["passwd", "password", "sslpassword"];

/// Whether a name may be told.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Whether an option's value is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET.contains(&name)
}

/// Says which is the first option that is none of these: by its name, where that may be told.
#[must_use]
pub fn unsupported(options: &[(String, String)], supported: &[&str]) -> Option<String> {
    let is_other = |(name, _): &(String, String)| !supported.contains(&name.as_str());
    let position = options.iter().position(is_other)?;
    let (name, _) = options.get(position)?;
    let shown = match is_known(name) {
        true => format!("the option {name} is not supported here"),
        false => format!("option {} is not known", position + 1),
    };
    Some(format!("{shown}; supported are {}", supported.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_named_only_where_its_name_is_known() {
        let refusal = |name: &str| {
            let options = [("mode", "ro"), (name, "x")];
            let owned = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
            unsupported(&owned, &["mode", "vfs"])
        };
        assert_eq!(refusal("vfs"), None);
        assert_eq!(
            refusal("sslmode").as_deref(),
            Some("the option sslmode is not supported here; supported are mode, vfs")
        );
        assert_eq!(
            refusal("s3cr3t").as_deref(),
            Some("option 2 is not known; supported are mode, vfs")
        );
    }
}
