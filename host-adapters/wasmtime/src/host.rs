//! The host's side of the planner's imports.

use std::time::Instant;

use batchintory::{Database as _, Random as _, Value};
use wasmtime::component::{HasSelf, Linker};

use crate::claim_queue::ClaimTurn;
use crate::database::{Databases, SystemRandom};
use crate::limits::Usage;

#[allow(missing_docs, clippy::all)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "wit",
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

/// What belongs to an instance: what its imports work on, and what it has used.
pub(crate) struct Host {
    pub(crate) databases: Databases,
    pub(crate) usage: Usage,
    /// The call's turn among those that claim, and when it came.
    pub(crate) turn: Option<(ClaimTurn, tokio::time::Instant)>,
}

/// Offers all that the planner imports.
pub(crate) fn add_to_linker(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    wit::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)?;
    wit_random::add_to_linker::<Host, HasSelf<Host>>(linker, |host| host)
}

impl wit::Host for Host {
    async fn settings(&mut self) -> wit::DatabaseSettings {
        self.databases.settings().into()
    }

    async fn pause(&mut self, milliseconds: u32) {
        let start = Instant::now();
        self.databases.pause(milliseconds).await;
        self.usage.add_wait(start);
    }

    async fn claim_turn(&mut self, scope: String) {
        let start = Instant::now();
        // Whoever has one turn must not wait for another.
        self.turn = None;
        let turn = self.databases.claim_turn(&scope).await;
        self.turn = Some((turn, tokio::time::Instant::now()));
        self.usage.add_wait(start);
    }

    async fn query(
        &mut self,
        on: wit::Source,
        statement: String,
        params: Vec<wit::Value>,
    ) -> Result<wit::Rows, wit::Error> {
        let parameters: Vec<Value> = params.into_iter().map(Into::into).collect();
        let start = Instant::now();
        let answer = (self.databases)
            .query(on.into(), &statement, &parameters)
            .await;
        self.usage.add_wait(start);
        match answer {
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
