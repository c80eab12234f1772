//! The parameters of a connection that are supported, by libpq's names.

/// A parameter, and the variable of the environment that gives it.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) support: Support,
}

/// Which values a parameter may have.
#[derive(Clone, Copy)]
pub(super) enum Support {
    /// What is looked at where it is used.
    Used,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Only what changes nothing.
    Only(&'static [&'static str]),
}

use Support::{OneOf, Only, Used};

const fn keyword(name: &'static str, variable: &'static str, support: Support) -> Keyword {
    let variable = if variable.is_empty() {
        None
    } else {
        Some(variable)
    };
    Keyword {
        name,
        variable,
        support,
    }
}

/// All that libpq has: what is not supported must not be passed over where it is asked for.
#[rustfmt::skip]
pub(super) const KEYWORDS: &[Keyword] = &[
    keyword("application_name", "PGAPPNAME", Used),
    keyword("channel_binding", "PGCHANNELBINDING", OneOf(&["disable", "prefer", "require"])),
    keyword("client_encoding", "PGCLIENTENCODING", Only(&["auto", "utf8", "UTF8", "utf-8", "UTF-8", "unicode"])),
    keyword("connect_timeout", "PGCONNECT_TIMEOUT", Used),
    keyword("dbname", "PGDATABASE", Used),
    keyword("fallback_application_name", "", Used),
    keyword("gssdelegation", "PGGSSDELEGATION", Only(&["0"])),
    keyword("gssencmode", "PGGSSENCMODE", Only(&["disable", "prefer"])),
    keyword("gsslib", "PGGSSLIB", Only(&[])),
    keyword("host", "PGHOST", Used),
    keyword("hostaddr", "PGHOSTADDR", Used),
    keyword("keepalives", "", Used),
    keyword("keepalives_count", "", Used),
    keyword("keepalives_idle", "", Used),
    keyword("keepalives_interval", "", Used),
    keyword("krbsrvname", "PGKRBSRVNAME", Only(&["postgres"])),
    keyword("load_balance_hosts", "PGLOADBALANCEHOSTS", OneOf(&["disable", "random"])),
    keyword("max_protocol_version", "PGMAXPROTOCOLVERSION", Only(&["3.0", "latest"])),
    keyword("min_protocol_version", "PGMINPROTOCOLVERSION", Only(&["3.0"])),
    keyword("options", "PGOPTIONS", Used),
    keyword("passfile", "PGPASSFILE", Used),
    keyword("password", "PGPASSWORD", Used),
    keyword("port", "PGPORT", Used),
    keyword("replication", "", Only(&["0", "false", "no", "off"])),
    keyword("require_auth", "PGREQUIREAUTH", Only(&[])),
    keyword("requirepeer", "PGREQUIREPEER", Only(&[])),
    keyword("service", "PGSERVICE", Used),
    keyword("servicefile", "PGSERVICEFILE", Used),
    keyword("sslcert", "PGSSLCERT", Used),
    keyword("sslcertmode", "PGSSLCERTMODE", Only(&["allow"])),
    keyword("sslcompression", "PGSSLCOMPRESSION", Only(&["0"])),
    keyword("sslcrl", "PGSSLCRL", Only(&[])),
    keyword("sslcrldir", "PGSSLCRLDIR", Only(&[])),
    keyword("sslkey", "PGSSLKEY", Used),
    keyword("sslmode", "PGSSLMODE", OneOf(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"])),
    keyword("sslnegotiation", "PGSSLNEGOTIATION", OneOf(&["postgres", "direct"])),
    keyword("sslpassword", "", Only(&[])),
    keyword("sslrootcert", "PGSSLROOTCERT", Used),
    keyword("sslsni", "PGSSLSNI", Only(&["1"])),
    keyword("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Only(&["TLSv1.3"])),
    keyword("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Only(&["TLSv1", "TLSv1.1", "TLSv1.2"])),
    keyword("target_session_attrs", "PGTARGETSESSIONATTRS",
        OneOf(&["any", "read-write", "read-only", "primary", "standby", "prefer-standby"])),
    keyword("tcp_user_timeout", "", Used),
    keyword("user", "PGUSER", Used),
];

impl Keyword {
    /// Refuses a value that cannot be, without telling it.
    pub(super) fn check(&self, value: &str) -> Result<(), String> {
        let Self { name, support, .. } = self;
        match support {
            Used => Ok(()),
            OneOf(values) | Only(values) if values.contains(&value) => Ok(()),
            OneOf(values) => Err(format!("{name} must be one of {}", values.join(", "))),
            Only([]) => Err(format!("{name} is not supported here")),
            Only(values) => Err(format!(
                "{name} is supported only as {}",
                values.join(" or ")
            )),
        }
    }
}

/// The parameter of this name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}
