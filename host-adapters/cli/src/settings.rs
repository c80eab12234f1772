//! Where the databases are: flag, environment, dot-env file, default, in that order.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batchintory_database_url::DatabaseUrl;
use batchintory_wasmtime::{
    Access, Database, Inventory, InventoryBuilder, PlannerComponent, connect,
};
use clap::Args;

use crate::dot_env;
use crate::error::Failure;
use crate::secret::Secret;
use crate::unreachable::Unreachable;

const DEFAULT_INVENTORY: &str = "sqlite:batchintory.sqlite";

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connections and output")]
pub struct Global {
    /// The inventory's database: sqlite:PATH, postgres://… or mysql://… [default:
    /// sqlite:batchintory.sqlite]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "BATCHINTORY_INVENTORY_CONN",
        hide_env_values = true
    )]
    pub inventory: Option<Secret>,
    /// The meta tables' database [default: the inventory's]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "BATCHINTORY_META_CONN",
        hide_env_values = true
    )]
    pub meta: Option<Secret>,
    /// The inventory table [default: inventory]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_INVENTORY_TABLE_NAME",
        hide_env_values = true
    )]
    pub inventory_table: Option<String>,
    /// The inventory table's schema [default: public, in SQLite main, in MySQL the database]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_INVENTORY_CONN_SCHEMA",
        hide_env_values = true
    )]
    pub inventory_schema: Option<String>,
    /// The schema of meta tables that are named without one [default: public, in SQLite main, in
    /// MySQL the database]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_META_CONN_SCHEMA",
        hide_env_values = true
    )]
    pub meta_schema: Option<String>,
    /// The name of the source that the meta tables' database is, where several share the inventory:
    /// tables of one name are then two [default: none]
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "BATCHINTORY_META_NAME",
        hide_env_values = true
    )]
    pub meta_name: Option<String>,
    /// A file with lines such as BATCHINTORY_INVENTORY_CONN=…
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BATCHINTORY_ENV_FILE",
        hide_env_values = true
    )]
    pub env_file: Option<PathBuf>,
    /// Another planner component than the built-in one
    #[arg(long, global = true, value_name = "FILE")]
    pub component: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to connect to.
pub struct Settings {
    inventory: String,
    meta: Option<String>,
    inventory_table: String,
    /// The schema of meta tables that are named without one.
    pub meta_schema: Option<String>,
    meta_name: Option<String>,
    component: Option<PlannerComponent>,
}

impl Settings {
    /// Puts flags, environment and dot-env file together.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let file = match &global.env_file {
            Some(path) => from_file(path)?,
            None => HashMap::new(),
        };
        // Flags and environment are clap's.
        let choose = |given: &Option<String>, name: &str| {
            // A file of pybatchintory's has names of its own.
            let original = format!("PY{name}");
            let found = [name, &original]
                .into_iter()
                .find_map(|name| file.get(name).cloned());
            (given.clone().or(found)).filter(|value| !value.is_empty())
        };
        let url = |given: &Option<Secret>| given.clone().map(|Secret(url)| url);
        let table = choose(&global.inventory_table, "BATCHINTORY_INVENTORY_TABLE_NAME");
        let schema = choose(
            &global.inventory_schema,
            "BATCHINTORY_INVENTORY_CONN_SCHEMA",
        );
        let table = table.unwrap_or_else(|| "inventory".into());
        Ok(Self {
            inventory: choose(&url(&global.inventory), "BATCHINTORY_INVENTORY_CONN")
                .unwrap_or_else(|| DEFAULT_INVENTORY.into()),
            meta: choose(&url(&global.meta), "BATCHINTORY_META_CONN"),
            inventory_table: match schema {
                Some(schema) => format!("{}.{table}", quoted(&schema)),
                None => table,
            },
            meta_schema: choose(&global.meta_schema, "BATCHINTORY_META_CONN_SCHEMA"),
            meta_name: choose(&global.meta_name, "BATCHINTORY_META_NAME"),
            component: match &global.component {
                Some(path) => Some(PlannerComponent::from_file(path)?),
                None => None,
            },
        })
    }

    /// The inventory with its meta tables.
    pub async fn inventory(&self) -> Result<Inventory, Failure> {
        let inventory = self.open(&self.inventory, Access::ReadWrite).await?;
        let builder = self.builder().inventory(inventory);
        let builder = match &self.meta {
            Some(url) => builder.meta(self.open(url, Access::ReadOnly).await?),
            None => builder,
        };
        Ok(builder.build()?)
    }

    /// The inventory, even if the meta tables' database cannot be reached: calls that need it then fail,
    /// and others do not.
    pub async fn inventory_at_least(&self) -> Result<Inventory, Failure> {
        let inventory = self.open(&self.inventory, Access::ReadWrite).await?;
        let builder = self.builder().inventory(inventory);
        let Some(url) = &self.meta else {
            return Ok(builder.build()?);
        };
        let meta = match connect(url, Access::ReadOnly).await {
            Ok(meta) => meta,
            Err(error) => Arc::new(Unreachable::new(url, &error)),
        };
        Ok(builder.meta(meta).build()?)
    }

    /// The inventory alone, whose file is made when it is missing.
    pub async fn new_inventory(&self) -> Result<Inventory, Failure> {
        let inventory = self.open(&self.inventory, Access::Create).await?;
        Ok(self.builder().inventory(inventory).build()?)
    }

    /// The meta tables' database, to write to.
    pub async fn meta(&self) -> Result<Arc<dyn Database>, Failure> {
        self.open(self.meta_url(), Access::Create).await
    }

    /// The meta tables' database to look at, without making its file.
    pub async fn meta_as_it_is(&self) -> Result<Arc<dyn Database>, Failure> {
        match sqlite_file(self.meta_url()) {
            Some(path) if !path.exists() => self.open("sqlite::memory:", Access::Create).await,
            _ => self.open(self.meta_url(), Access::ReadOnly).await,
        }
    }

    /// The paths of the databases' own files, where they are SQLite's.
    pub fn own_files(&self) -> Vec<String> {
        let urls = [self.inventory.as_str(), self.meta_url()];
        (urls.into_iter().filter_map(sqlite_file))
            .filter_map(|path| {
                path.canonicalize()
                    .ok()?
                    .into_os_string()
                    .into_string()
                    .ok()
            })
            .flat_map(|path| {
                ["", "-journal", "-shm", "-wal"].map(|suffix| format!("{path}{suffix}"))
            })
            .collect()
    }

    /// Where the inventory is. May hold a password.
    pub fn inventory_url(&self) -> &str {
        &self.inventory
    }

    fn meta_url(&self) -> &str {
        self.meta.as_ref().unwrap_or(&self.inventory)
    }

    /// A builder with all but the databases.
    pub fn builder(&self) -> InventoryBuilder {
        let mut builder = Inventory::builder().inventory_table(&self.inventory_table);
        if let Some(schema) = &self.meta_schema {
            builder = builder.meta_schema(schema);
        }
        if let Some(name) = &self.meta_name {
            builder = builder.meta_name(name);
        }
        match &self.component {
            Some(component) => builder.component(component.clone()),
            None => builder,
        }
    }

    async fn open(&self, url: &str, access: Access) -> Result<Arc<dyn Database>, Failure> {
        connect(url, access).await.map_err(|error| {
            let failure = Failure::from(error);
            match url == DEFAULT_INVENTORY {
                true => failure.hint(
                    "create the inventory by `batchintory migrate`, or name another by --inventory",
                ),
                false => failure,
            }
        })
    }
}

/// The variables of a dot-env file, in capital letters, without those that are empty.
fn from_file(path: &Path) -> Result<HashMap<String, String>, Failure> {
    let fail =
        |reason: String| Failure::usage(format!("the dot-env file {}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
    let variables = dot_env::read(&text).map_err(fail)?;
    Ok((variables.into_iter())
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_uppercase(), value))
        .collect())
}

/// The file of an SQLite database.
fn sqlite_file(url: &str) -> Option<PathBuf> {
    match DatabaseUrl::parse(url) {
        Ok(DatabaseUrl::Sqlite(file)) => Some(PathBuf::from(file.path)),
        _ => None,
    }
}

/// A part of a table's name, as the planner takes it to the letter.
fn quoted(part: &str) -> String {
    format!("\"{}\"", part.replace('"', "\"\""))
}
