//! The host's side of the planner's imports.

use batchintory::{Database as _, Random as _};
use wasmtime::component::{HasData, Linker};

use crate::database::{Databases, SystemRandom};

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "planner",
        imports: { default: async },
        exports: { default: async },
    });
}

use bindings::batchintory::inventory::database as wit;
pub(crate) use bindings::exports::batchintory::inventory::inventory::Guest;
use bindings::wasi::random::random as wit_random;
pub(crate) use bindings::{Planner, PlannerPre};

batchintory::boundary!(
    database = crate::host::bindings::batchintory::inventory::database,
    inventory = crate::host::bindings::exports::batchintory::inventory::inventory,
);

/// What the planner's imports work on.
pub(crate) struct Host {
    pub(crate) databases: Databases,
}

/// Gives the imports' functions their host.
pub(crate) struct HostOf<T>(std::marker::PhantomData<T>);

impl<T: AsMut<Host> + 'static> HasData for HostOf<T> {
    type Data<'a> = &'a mut Host;
}

/// Offers all that the planner imports.
pub(crate) fn add_to_linker<T: AsMut<Host> + Send + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, HostOf<T>>(linker, T::as_mut)?;
    wit_random::add_to_linker::<T, HostOf<T>>(linker, T::as_mut)
}

impl wit::Host for Host {
    async fn settings(&mut self) -> wit::DatabaseSettings {
        self.databases.settings().into()
    }

    async fn query(
        &mut self,
        on: wit::Source,
        statement: String,
        params: Vec<wit::Value>,
    ) -> Result<wit::Rows, wit::Error> {
        let parameters = params.into_iter().map(Into::into).collect();
        match self.databases.query(on.into(), statement, parameters).await {
            Ok(rows) => Ok(rows.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl wit_random::Host for Host {
    async fn get_random_bytes(&mut self, len: u64) -> Vec<u8> {
        let words = usize::try_from(len.div_ceil(8)).unwrap_or(usize::MAX);
        let mut bytes: Vec<u8> = std::iter::repeat_with(|| SystemRandom.random()[0].to_le_bytes())
            .take(words)
            .flatten()
            .collect();
        bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        bytes
    }

    async fn get_random_u64(&mut self) -> u64 {
        let [word, _] = SystemRandom.random();
        word
    }
}
