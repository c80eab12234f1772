//! What the component imports of Spin: in the versions that Spin 4 has, see `wit/`, which are linked to the
//! lower ones that it asks for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use batchintory_server::Instance;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use crate::answer;

#[allow(missing_docs, clippy::all)]
pub(crate) mod bindings {
    wasmtime::component::bindgen!({
        world: "batchintory:spin-host/imports",
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
    /// How many connections the instance has.
    connections: usize,
}

impl Imports {
    pub(crate) fn new(application: Arc<Application>) -> Self {
        Self {
            application,
            table: ResourceTable::new(),
            connections: 0,
        }
    }

    /// Keeps a connection for the instance. Gives nothing where it has one already: Spin gives out a
    /// bounded number, so instances that wait for a second one may wait for each other, for ever.
    pub(crate) fn keep<T: Send + 'static>(
        &mut self,
        connection: T,
    ) -> wasmtime::Result<Option<Resource<T>>> {
        if self.connections > 0 {
            return Ok(None);
        }
        self.connections += 1;
        Ok(Some(self.table.push(connection)?))
    }

    /// Ends a connection.
    pub(crate) fn end<T: 'static>(&mut self, connection: Resource<T>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.connections -= 1;
        Ok(())
    }
}

/// Ends a request by an error, which its test shows too.
pub(crate) fn refuse(why: String) -> wasmtime::Error {
    eprintln!("{why}");
    wasmtime::Error::msg(why)
}

/// Offers Spin's interfaces.
pub(crate) fn add_imports(linker: &mut Linker<Instance<Imports>>) -> wasmtime::Result<()> {
    answer::look_at_all(linker)?;
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
