//! The WebAssembly component: the only file that knows wit-bindgen.
//!
//! The component's imports are synchronous, so no future of the core would ever wait here: what is async
//! elsewhere is plain code, see the attribute `synchronous`.

use crate::advance::Turn;
use crate::database::{Database, DatabaseError, Random, Rows, Settings, Source, Value};
use crate::databases::Databases;
use crate::{
    acquire, advance, audit, completion, find_attempt, history, items, jobs, lease, migration,
    notify, plan, progress, requeue, warnings,
};

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

/// A call's view of the databases.
#[inline(never)]
fn open() -> Result<Databases<'static, Host>, export::Error> {
    Ok(Databases::open(&Host, &Host)?)
}

/// Runs one operation and converts its answer.
fn call<T, U: From<T>>(
    operation: impl FnOnce(&Databases<'_, Host>) -> Result<T, crate::Error>,
) -> Result<U, export::Error> {
    let databases = open()?;
    match operation(&databases) {
        Ok(answer) => Ok(answer.into()),
        Err(error) => Err(error.into()),
    }
}

/// Like [`call`], for answers that are lists.
fn call_list<T, U: From<T>>(
    operation: impl FnOnce(&Databases<'_, Host>) -> Result<Vec<T>, crate::Error>,
) -> Result<Vec<U>, export::Error> {
    let databases = open()?;
    match operation(&databases) {
        Ok(answers) => Ok(answers.into_iter().map(Into::into).collect()),
        Err(error) => Err(error.into()),
    }
}

struct Component;

impl export::Guest for Component {
    fn acquire(
        request: export::AcquireRequest,
        claim_token: Option<String>,
    ) -> Result<export::Acquisition, export::Error> {
        let request = request.into();
        call(|databases| acquire::acquire(databases, &request, claim_token.as_deref()))
    }

    fn advance(
        done: Option<export::Completion>,
        request: export::AcquireRequest,
        claim_token: Option<String>,
        items: u32,
    ) -> Result<export::Advanced, export::Error> {
        let request = request.into();
        let done = done.map(Into::into);
        let turn = Turn {
            done: done.as_ref(),
            request: &request,
            claim_token: claim_token.as_deref(),
            items,
        };
        call(|databases| advance::advance(databases, turn))
    }

    fn acquire_many(
        request: export::AcquireRequest,
        batches: u32,
        claim_token: Option<String>,
    ) -> Result<Vec<export::BatchRecord>, export::Error> {
        let request = request.into();
        call_list(|databases| {
            acquire::acquire_many(databases, &request, batches, claim_token.as_deref())
        })
    }

    fn batch(claim_token: String) -> Result<export::RunningBatch, export::Error> {
        call(|databases| find_attempt::running_batch(databases, &claim_token))
    }

    fn items(
        claim_token: String,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<export::Item>, export::Error> {
        call_list(|databases| items::items(databases, &claim_token, after, limit))
    }

    fn items_statement(
        claim_token: String,
    ) -> Result<Option<export::PageStatement>, export::Error> {
        let statement: Option<crate::PageStatement> =
            call(|databases| items::items_statement(databases, &claim_token))?;
        Ok(statement.map(Into::into))
    }

    fn heartbeat(claim_token: String, lease_seconds: u32) -> Result<(), export::Error> {
        call(|databases| lease::heartbeat(databases, &claim_token, lease_seconds))
    }

    fn complete(claim_token: String, outcome: export::Outcome) -> Result<(), export::Error> {
        let outcome = outcome.into();
        call(|databases| completion::complete(databases, &claim_token, &outcome))
    }

    fn release(claim_token: String, log: Option<String>) -> Result<(), export::Error> {
        call(|databases| completion::release(databases, &claim_token, log.as_deref()))
    }

    fn plan(
        request: export::AcquireRequest,
        after: Option<i64>,
        batches: u32,
    ) -> Result<export::BatchPlan, export::Error> {
        let request = request.into();
        call(|databases| plan::plan(databases, &request, after, batches))
    }

    fn progress(
        request: export::AcquireRequest,
        cap: u64,
    ) -> Result<export::JobProgress, export::Error> {
        let request = request.into();
        call(|databases| progress::progress(databases, &request, cap))
    }

    fn warnings(request: export::AcquireRequest) -> Result<Vec<String>, export::Error> {
        let request = request.into();
        call(|databases| warnings::warnings(databases, &request))
    }

    fn requeue(
        meta_table: String,
        job: String,
        target: export::RequeueTarget,
    ) -> Result<u64, export::Error> {
        let target = target.into();
        call(|databases| requeue::requeue(databases, &meta_table, &job, &target))
    }

    fn audit(
        meta_table: String,
        job: String,
        after: Option<i64>,
        limit: u32,
    ) -> Result<export::AuditPage, export::Error> {
        call(|databases| audit::audit(databases, &meta_table, &job, after, limit))
    }

    fn jobs(query: export::JobsQuery) -> Result<Vec<export::JobSummary>, export::Error> {
        let query = query.into();
        call_list(|databases| jobs::jobs(databases, &query))
    }

    fn history(query: export::HistoryQuery) -> Result<Vec<export::Attempt>, export::Error> {
        let query = query.into();
        call_list(|databases| history::history(databases, &query))
    }

    fn schema_statements(dialect: export::Dialect) -> Result<Vec<String>, export::Error> {
        migration::schema_statements(&Host, dialect.into()).map_err(Into::into)
    }

    fn notifications(meta_table: String) -> Result<Option<export::NotifyChannel>, export::Error> {
        let channel: Option<crate::NotifyChannel> =
            call(|databases| notify::notifications(databases, &meta_table))?;
        Ok(channel.map(Into::into))
    }

    fn migrate() -> Result<export::Migration, export::Error> {
        call(migration::migrate)
    }
}

bindings::export!(Component with_types_in bindings);
