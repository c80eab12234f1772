//! Spin's variables: where the databases are, and who may do what.

use batchintory::{Dialect, Settings, StatusLabels};
use batchintory_database_url::DatabaseUrl;
use batchintory_provider::Access;

/// The names of the variables that are asked for; `spin.toml` declares them all.
pub const NAMES: [&str; 10] = [
    "inventory_url",
    "meta_url",
    "inventory_table",
    "meta_schema",
    "meta_name",
    "api_token",
    "api_tokens",
    "public_reads",
    "allowed_tables",
    "public_url",
];

/// A database that Spin offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Address {
    /// Spin's own SQLite database `default`.
    #[default]
    Sqlite,
    /// A PostgreSQL server, by its URL.
    Postgres(String),
}

impl Address {
    fn parse(name: &str, url: &str) -> Result<Self, String> {
        match url {
            "" => Ok(Self::Sqlite),
            url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                match DatabaseUrl::parse(url) {
                    Ok(read) => Ok(Self::Postgres(with_application_name(url, &read))),
                    Err(fault) => Err(format!("the variable {name} is no URL: {fault}")),
                }
            }
            // Whatever it is, it may hold a password.
            _ => Err(format!(
                "the variable {name} must be empty, for Spin's own SQLite database, or the URL of a \
                 PostgreSQL server: postgres://user:password@host:port/database"
            )),
        }
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgresql,
        }
    }
}

/// The URL with a name under which the server lists its connections, unless it has one.
fn with_application_name(url: &str, read: &DatabaseUrl) -> String {
    const OPTION: &str = "application_name";
    let is_named = match read {
        DatabaseUrl::Server(server) => server.options.iter().any(|(name, _)| name == OPTION),
        DatabaseUrl::Sqlite(_) => false,
    };
    if is_named {
        return url.to_owned();
    }
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{OPTION}=batchintory")
}

/// What the variables say.
#[derive(Default)]
pub struct Variables {
    pub(crate) inventory: Address,
    pub(crate) meta: Address,
    inventory_table: String,
    meta_schema: Option<String>,
    meta_name: Option<String>,
    /// Who may do what, which the service reads.
    pub access: Access,
}

impl Variables {
    /// Reads them all by `get`, which gives a variable's value by its name.
    ///
    /// # Errors
    ///
    /// A sentence about the one that cannot be read or makes no sense; never with its value.
    pub fn read(get: impl Fn(&str) -> Result<String, String>) -> Result<Self, String> {
        let given =
            |name: &str| Ok::<_, String>(Some(get(name)?).filter(|value| !value.is_empty()));
        let inventory = Address::parse("inventory_url", &get("inventory_url")?)?;
        let meta = match get("meta_url")?.as_str() {
            "" => inventory.clone(),
            url => Address::parse("meta_url", url)?,
        };
        Ok(Self {
            inventory,
            meta,
            inventory_table: given("inventory_table")?.unwrap_or_else(|| "inventory".into()),
            meta_schema: given("meta_schema")?,
            meta_name: given("meta_name")?,
            access: Access {
                api_token: given("api_token")?,
                api_tokens: given("api_tokens")?,
                public_reads: given("public_reads")?,
                allowed_tables: given("allowed_tables")?,
                public_url: given("public_url")?,
            },
        })
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            inventory_dialect: self.inventory.dialect(),
            meta_dialect: self.meta.dialect(),
            inventory_table: self.inventory_table.clone(),
            meta_schema: self.meta_schema.clone(),
            meta_name: self.meta_name.clone(),
            one_database: self.inventory == self.meta,
            may_repeat: true,
            status_labels: StatusLabels::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Variables, String> {
        Variables::read(|name| {
            let value = values.iter().find(|(known, _)| *known == name);
            Ok(value.map_or_else(String::new, |(_, value)| (*value).to_owned()))
        })
    }

    #[test]
    fn without_any_everything_is_in_spins_own_database_and_there_is_no_token() {
        let variables = read(&[]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(variables.inventory, Address::Sqlite);
        assert_eq!(variables.meta, Address::Sqlite);
        assert_eq!(variables.settings().inventory_table, "inventory");
        assert!(variables.access.api_token.is_none() && variables.access.api_tokens.is_none());
    }

    #[test]
    fn meta_tables_are_beside_the_inventory_unless_said_otherwise() {
        let url = "postgres://me:secret@host/lake";
        let variables = read(&[("inventory_url", url)]).unwrap_or_else(|error| panic!("{error}"));
        let named = format!("{url}?application_name=batchintory");
        assert_eq!(variables.meta, Address::Postgres(named));
        let apart = read(&[("meta_url", url)]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(apart.inventory, Address::Sqlite);
        assert_eq!(apart.settings().meta_dialect, Dialect::Postgresql);
        assert_eq!(apart.settings().meta_name, None);
        let named = read(&[("meta_name", "lake")]).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(named.settings().meta_name.as_deref(), Some("lake"));
    }

    #[test]
    fn connections_have_a_name_at_the_server() {
        for (url, named) in [
            (
                "postgres://host",
                "postgres://host?application_name=batchintory",
            ),
            (
                "postgres://host/lake?sslmode=require",
                "postgres://host/lake?sslmode=require&application_name=batchintory",
            ),
            (
                "postgres://host/lake?application_name=mine",
                "postgres://host/lake?application_name=mine",
            ),
        ] {
            let address = Address::parse("inventory_url", url);
            assert_eq!(address, Ok(Address::Postgres(named.into())), "{url}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_without_its_value() {
        for variable in ["inventory_url", "meta_url"] {
            for value in ["mysql://me:secret@host", "postgres://me:secret/@host"] {
                let Err(error) = read(&[(variable, value)]) else {
                    panic!("{variable} must be refused");
                };
                assert!(
                    error.contains(variable) && !error.contains("secret"),
                    "{error}"
                );
            }
        }
    }
}
