//! The WebAssembly component: the only file that knows wit-bindgen.
//!
//! The component's imports are synchronous, so no future of the core would ever wait here: what is async
//! elsewhere is plain code, see the attribute `synchronous`.

use crate::database::{Database, DatabaseError, Random, Rows, Settings, Source, Value};
use crate::planner::Planner;

mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "planner",
        with: { "wasi:random/random@0.2.12": wasi::random::random },
    });
}

use bindings::batchintory::inventory::database as import;
use bindings::exports::batchintory::inventory::inventory as export;

crate::boundary!(
    database = crate::component::bindings::batchintory::inventory::database,
    inventory = crate::component::bindings::exports::batchintory::inventory::inventory,
);

/// The host's databases and its randomness.
struct Host;

#[synchronous]
impl Database for Host {
    fn settings(&self) -> Settings {
        import::settings().into()
    }

    async fn pause(&self, milliseconds: u32) {
        import::pause(milliseconds);
    }

    async fn claim_turn(&self, scope: &str) {
        import::claim_turn(scope);
    }

    async fn query(
        &self,
        on: Source,
        statement: &str,
        parameters: &[Value],
    ) -> Result<Rows, DatabaseError> {
        let parameters: Vec<import::Value> = parameters.iter().cloned().map(Into::into).collect();
        match import::query(on.into(), statement, &parameters) {
            Ok(rows) => Ok(rows.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Random for Host {
    fn random(&self) -> [u64; 2] {
        use wasi::random::random::get_random_u64;
        [get_random_u64(), get_random_u64()]
    }
}

/// Converts the answer of a call of the planner.
fn call<T, U: From<T>>(answer: Result<T, crate::Error>) -> Result<U, export::Error> {
    match answer {
        Ok(answer) => Ok(answer.into()),
        Err(error) => Err(error.into()),
    }
}

/// Like [`call`], for answers that are lists.
fn call_list<T, U: From<T>>(
    answers: Result<Vec<T>, crate::Error>,
) -> Result<Vec<U>, export::Error> {
    match answers {
        Ok(answers) => Ok(answers.into_iter().map(Into::into).collect()),
        Err(error) => Err(error.into()),
    }
}

fn planner() -> Planner<Host, Host> {
    Planner::new(Host, Host)
}

struct Component;

impl export::Guest for Component {
    fn acquire(
        request: export::AcquireRequest,
        claim_token: Option<String>,
    ) -> Result<export::Acquisition, export::Error> {
        call(planner().acquire(&request.into(), claim_token.as_deref()))
    }

    fn advance(
        done: Option<export::Completion>,
        request: export::AcquireRequest,
        claim_token: Option<String>,
        items: u32,
    ) -> Result<export::Advanced, export::Error> {
        let done = done.map(Into::into);
        call(planner().advance(
            done.as_ref(),
            &request.into(),
            claim_token.as_deref(),
            items,
        ))
    }

    fn acquire_many(
        request: export::AcquireRequest,
        batches: u32,
        claim_token: Option<String>,
    ) -> Result<Vec<export::Batch>, export::Error> {
        call_list(planner().acquire_many(&request.into(), batches, claim_token.as_deref()))
    }

    fn items(
        claim_token: String,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<export::Item>, export::Error> {
        call_list(planner().items(&claim_token, after, limit))
    }

    fn heartbeat(claim_token: String, lease_seconds: u32) -> Result<(), export::Error> {
        call(planner().heartbeat(&claim_token, lease_seconds))
    }

    fn complete(claim_token: String, outcome: export::Outcome) -> Result<(), export::Error> {
        call(planner().complete(&claim_token, &outcome.into()))
    }

    fn plan(
        request: export::AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<export::BatchPlan, export::Error> {
        call(planner().plan(&request.into(), after, batches))
    }

    fn progress(
        request: export::AcquireRequest,
        cap: u64,
    ) -> Result<export::JobProgress, export::Error> {
        call(planner().progress(&request.into(), cap))
    }

    fn warnings(request: export::AcquireRequest) -> Result<Vec<String>, export::Error> {
        call(planner().warnings(&request.into()))
    }

    fn requeue(
        meta_table: String,
        job: String,
        target: export::RequeueTarget,
    ) -> Result<u64, export::Error> {
        call(planner().requeue(&meta_table, &job, &target.into()))
    }

    fn audit(
        meta_table: String,
        job: String,
        after: Option<i64>,
        limit: u32,
    ) -> Result<export::AuditPage, export::Error> {
        call(planner().audit(&meta_table, &job, after, limit))
    }

    fn jobs(query: export::JobsQuery) -> Result<Vec<export::JobSummary>, export::Error> {
        call_list(planner().jobs(&query.into()))
    }

    fn history(query: export::HistoryQuery) -> Result<Vec<export::Attempt>, export::Error> {
        call_list(planner().history(&query.into()))
    }

    fn schema_statements(dialect: export::Dialect) -> Result<Vec<String>, export::Error> {
        planner()
            .schema_statements(dialect.into())
            .map_err(Into::into)
    }

    fn notifications(meta_table: String) -> Result<Option<export::NotifyChannel>, export::Error> {
        match planner().notifications(&meta_table) {
            Ok(channel) => Ok(channel.map(Into::into)),
            Err(error) => Err(error.into()),
        }
    }

    fn migrate() -> Result<export::Migration, export::Error> {
        call(planner().migrate())
    }
}

bindings::export!(Component with_types_in bindings);
