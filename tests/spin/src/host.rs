//! What the component imports of Spin.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use batchintory_server::Instance;
use wasmtime::component::{HasSelf, Linker, ResourceTable};

#[allow(missing_docs, clippy::all)]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit", "../../host-adapters/http/wit", "../../host-adapters/spin/wit"],
        inline: "
            package batchintory:spin-host;
            world imports {
                import spin:postgres/postgres@4.2.0;
                import spin:sqlite/sqlite@3.0.0;
                import fermyon:spin/variables@2.0.0;
            }
        ",
        imports: { default: async | trappable },
        with: {
            "spin:postgres/postgres.connection": crate::postgres::Connection,
            "spin:sqlite/sqlite.connection": crate::sqlite::Connection,
        },
    });
}

use bindings::fermyon::spin::variables;
use bindings::spin::{postgres, sqlite};

/// What a manifest and a user give to a component.
pub(crate) struct Application {
    pub(crate) variables: HashMap<String, String>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) sqlite_databases: Vec<String>,
    /// The file of the database `default`.
    pub(crate) sqlite: PathBuf,
}

/// What an instance's imports work on.
pub(crate) struct Imports {
    pub(crate) application: Arc<Application>,
    pub(crate) table: ResourceTable,
}

impl Imports {
    pub(crate) fn new(application: Arc<Application>) -> Self {
        Self {
            application,
            table: ResourceTable::new(),
        }
    }
}

/// Offers Spin's interfaces.
pub(crate) fn add_imports(linker: &mut Linker<Instance<Imports>>) -> wasmtime::Result<()> {
    postgres::postgres::add_to_linker::<_, HasSelf<Imports>>(linker, |it| &mut it.imports)?;
    sqlite::sqlite::add_to_linker::<_, HasSelf<Imports>>(linker, |it| &mut it.imports)?;
    variables::add_to_linker::<_, HasSelf<Imports>>(linker, |it| &mut it.imports)
}

impl variables::Host for Imports {
    async fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables::Error>> {
        let value = self.application.variables.get(&name).cloned();
        Ok(value.ok_or(variables::Error::Undefined(name)))
    }
}
