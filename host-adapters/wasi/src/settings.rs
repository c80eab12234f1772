//! The environment: where the databases are, and who may do what. The variables are those of the command
//! `batchintory serve`.

use std::fmt;
use std::time::Duration;

use batchintory::{Dialect, Settings, StatusLabels};
use batchintory_database_url::{DatabaseUrl, STATEMENT_CACHE, STATEMENT_TIMEOUT, Told};
use batchintory_provider::Access;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

const INVENTORY: &str = "BATCHINTORY_INVENTORY_CONN";
const META: &str = "BATCHINTORY_META_CONN";
const INVENTORY_TABLE: &str = "BATCHINTORY_INVENTORY_TABLE_NAME";
const INVENTORY_SCHEMA: &str = "BATCHINTORY_INVENTORY_CONN_SCHEMA";
const META_NAME: &str = "BATCHINTORY_META_NAME";
const API_TOKEN: &str = "BATCHINTORY_API_TOKEN";
const API_TOKENS: &str = "BATCHINTORY_API_TOKENS";
const PUBLIC_READS: &str = "BATCHINTORY_PUBLIC_READS";
const ALLOW_TABLES: &str = "BATCHINTORY_ALLOW_TABLES";
const PUBLIC_URL: &str = "BATCHINTORY_PUBLIC_URL";

/// What the environment says.
pub(crate) struct ServiceSettings {
    pub(crate) inventory: Server,
    /// The meta tables' server; `None`: they are beside the inventory.
    pub(crate) meta: Option<Server>,
    inventory_table: String,
    meta_name: Option<String>,
    pub(crate) access: Access,
}

/// A PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) config: Config,
    /// How long a statement may take; `None` for ever.
    pub(crate) statement_timeout: Option<Duration>,
    /// What may be told of its URL.
    pub(crate) told: Told,
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There is a password in it.
        formatter.write_str("Server")
    }
}

impl ServiceSettings {
    /// Reads the variables; one that is empty is taken for one that is not there.
    ///
    /// # Errors
    ///
    /// A sentence about the one that is missing or makes no sense; never with its value.
    pub(crate) fn read(variables: &[(String, String)]) -> Result<Self, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(known, _)| known == name);
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let inventory = get(INVENTORY).ok_or_else(|| {
            format!("{INVENTORY} is not set; it names the inventory's database: {FORM}")
        })?;
        let table = get(INVENTORY_TABLE).unwrap_or("inventory");
        Ok(Self {
            inventory: Server::parse(INVENTORY, inventory)?,
            meta: (get(META).filter(|url| *url != inventory))
                .map(|url| Server::parse(META, url))
                .transpose()?,
            inventory_table: match get(INVENTORY_SCHEMA) {
                Some(schema) => format!("\"{}\".{table}", schema.replace('"', "\"\"")),
                None => table.to_owned(),
            },
            meta_name: get(META_NAME).map(str::to_owned),
            access: Access {
                api_token: get(API_TOKEN).map(str::to_owned),
                api_tokens: get(API_TOKENS).map(str::to_owned),
                public_reads: get(PUBLIC_READS).map(str::to_owned),
                allowed_tables: get(ALLOW_TABLES).map(str::to_owned),
                public_url: get(PUBLIC_URL).map(str::to_owned),
            },
        })
    }

    /// What the planner must know.
    pub(crate) fn planner(&self) -> Settings {
        Settings {
            one_database: self.meta.is_none(),
            ..planner(self.inventory_table.clone(), self.meta_name.clone())
        }
    }
}

/// What the planner must know of an inventory and of what its meta tables' source is called.
pub(crate) fn planner(inventory_table: String, meta_name: Option<String>) -> Settings {
    Settings {
        inventory_dialect: Dialect::Postgresql,
        meta_dialect: Dialect::Postgresql,
        inventory_table,
        meta_schema: None,
        meta_name,
        one_database: false,
        may_repeat: true,
        status_labels: StatusLabels::default(),
    }
}

/// How a database is named.
const FORM: &str = "postgres://user:password@host:port/database";

impl Server {
    fn parse(variable: &str, url: &str) -> Result<Self, String> {
        // Whatever it is, it may hold a password.
        let no_server = || {
            format!(
                "{variable} must be the URL of a PostgreSQL server, with libpq's options: {FORM}"
            )
        };
        if !url.starts_with("postgres") {
            return Err(no_server());
        }
        let parsed =
            DatabaseUrl::parse(url).map_err(|fault| format!("{variable} is no URL: {fault}"))?;
        let DatabaseUrl::Server(server) = parsed else {
            return Err(no_server());
        };
        let not_understood = |reason| format!("{variable} is not understood: {reason}");
        let statement_timeout = server.statement_timeout().map_err(not_understood)?;
        // A connection lives as long as its request, so it keeps none.
        server.statement_cache().map_err(not_understood)?;
        let mut config: Config = without_own_options(url).parse().map_err(|_| no_server())?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(format!(
                "{variable} asks for TLS, which a component cannot do over its host's sockets: connect \
                 to a pooler that does it, on the same machine or in the same private network, and \
                 leave sslmode out"
            ));
        }
        if config.get_application_name().is_none() {
            config.application_name("batchintory");
        }
        Ok(Self {
            config,
            statement_timeout,
            told: Told::of(url),
        })
    }
}

/// A URL without the options that its driver does not know.
fn without_own_options(url: &str) -> String {
    let Some((server, options)) = url.split_once('?') else {
        return url.to_owned();
    };
    let own = [STATEMENT_CACHE, STATEMENT_TIMEOUT];
    let is_own = |option: &&str| (option.split('=').next()).is_some_and(|name| own.contains(&name));
    let kept: Vec<&str> = options
        .split('&')
        .filter(|option| !is_own(option))
        .collect();
    format!("{server}?{}", kept.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://me:secret@host:5433/lake";

    fn read(values: &[(&str, &str)]) -> Result<ServiceSettings, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        ServiceSettings::read(&values.iter().map(owned).collect::<Vec<_>>())
    }

    fn refused(values: &[(&str, &str)]) -> String {
        let Err(error) = read(values) else {
            panic!("{values:?} must be refused");
        };
        assert!(!error.contains("secret"), "{error}");
        error
    }

    #[test]
    fn a_statement_may_take_as_long_as_the_url_says() {
        let limit = |options: &str| {
            let settings = read(&[(INVENTORY, &format!("{URL}{options}"))]);
            settings
                .unwrap_or_else(|e| panic!("{e}"))
                .inventory
                .statement_timeout
        };
        assert_eq!(limit(""), Some(Duration::from_secs(300)));
        assert_eq!(limit("?statement_timeout=0"), None);
        let second = Some(Duration::from_secs(1));
        assert_eq!(limit("?statement_timeout=1000&connect_timeout=3"), second);
        assert_eq!(limit("?connect_timeout=3&statement_timeout=1000"), second);
        assert_eq!(limit("?statement_timeout=1000&statement_cache=8"), second);
        let told = refused(&[(INVENTORY, &format!("{URL}?statement_cache=all"))]);
        assert!(told.contains("statement_cache"), "{told}");
        let told = refused(&[(INVENTORY, &format!("{URL}?statement_timeout=1s"))]);
        assert!(told.contains("milliseconds"), "{told}");
    }

    #[test]
    fn an_inventory_is_all_that_is_needed() {
        let settings = read(&[(INVENTORY, URL), (API_TOKEN, "")]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(settings.inventory.config.get_ports(), [5433]);
        assert_eq!(settings.meta, None);
        assert_eq!(settings.planner().inventory_table, "inventory");
        assert!(settings.access.api_token.is_none() && settings.access.api_tokens.is_none());
        assert!(refused(&[]).contains(INVENTORY));
    }

    #[test]
    fn meta_tables_may_be_on_another_server_and_the_inventory_in_a_schema() {
        let apart = read(&[
            (INVENTORY, URL),
            (META, "postgresql://other/lake"),
            (INVENTORY_SCHEMA, "a\"b"),
            (INVENTORY_TABLE, "runs"),
            (META_NAME, "lake"),
        ])
        .unwrap_or_else(|error| panic!("{error}"));
        assert!(apart.meta.is_some());
        assert_eq!(apart.planner().inventory_table, "\"a\"\"b\".runs");
        assert_eq!(apart.planner().meta_name.as_deref(), Some("lake"));
        let same = read(&[(INVENTORY, URL), (META, URL)]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(same.meta, None);
    }

    #[test]
    fn what_makes_no_sense_is_told_without_its_value() {
        for url in [
            "sqlite:secret",
            "secret",
            "postgres://me:secret@host/?port=x",
            "postgres://me:secret/@host/lake",
        ] {
            assert!(refused(&[(INVENTORY, url)]).starts_with(INVENTORY));
        }
        assert!(refused(&[(INVENTORY, URL), (META, "mysql://secret")]).starts_with(META));
        let tls = format!("{URL}?sslmode=require");
        assert!(refused(&[(INVENTORY, &tls)]).contains("TLS"));
    }
}
