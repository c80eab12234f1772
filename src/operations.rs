//! All operations: the one list of which calls, their answers and the trait are made.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde::{Deserialize, Serialize};

use crate::database::Dialect;
use crate::interface::{
    AcquireRequest, Acquisition, Advanced, Attempt, AuditPage, Batch, BatchPlan, Completion,
    HistoryQuery, Item, JobProgress, JobSummary, JobsQuery, Migration, NotifyChannel, Outcome,
    PageStatement, RequeueTarget, RunningBatch,
};

/// Makes, of a list of operations, the calls, their answers, and the trait that ties them together.
macro_rules! operations {
    ($(
        $(#[$about:meta])*
        $name:literal = $case:ident: $method:ident($($argument:ident: $type:ty),*) -> $answer:ty;
    )*) => {
        /// A call of an operation, with its arguments. `wit/inventory.wit` says what each means.
        ///
        /// Its JSON form has the operation's name and its arguments by theirs, as in
        /// `{"items": {"claim_token": "…", "after": null, "limit": 100}}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        #[allow(missing_docs, reason = "the arguments are those of the interface")]
        pub enum Call {
            $($(#[$about])* $case { $($argument: $type),* },)*
        }

        /// What a call gives; in JSON just that.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Answer {
            $(#[doc = concat!("To `", $name, "`.")] $case($answer),)*
        }

        impl Call {
            /// The names of all operations, as in the interface.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The operation's name, as in the interface.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$case { .. } => $name,)* }
            }

            /// Reads the answer to this call from its JSON form.
            ///
            /// # Errors
            ///
            /// When it is the answer to no such call.
            pub fn answer_from(&self, json: &str) -> serde_json::Result<Answer> {
                match self { $(Self::$case { .. } => serde_json::from_str(json).map(Answer::$case),)* }
            }
        }

        /// Whatever has the operations of the interface `inventory`: the planner, its component, a service, a fake.
        ///
        /// It has them by [`call`](Self::call) alone; the other methods are calls in other words.
        #[allow(clippy::missing_errors_doc, reason = "an operation's errors are those of the interface")]
        pub trait Operations {
            /// Why a call did nothing.
            type Error;

            /// Makes a call. Its answer is the one to this operation.
            fn call(&self, call: Call) -> impl Future<Output = Result<Answer, Self::Error>> + Send;

            $(
                $(#[$about])*
                fn $method(&self, $($argument: $type),*)
                -> impl Future<Output = Result<$answer, Self::Error>> + Send {
                    let answer = self.call(Call::$case { $($argument),* });
                    async move {
                        match answer.await? {
                            Answer::$case(answer) => Ok(answer),
                            _ => unreachable!("{} has the answer to another call", $name),
                        }
                    }
                }
            )*
        }
    };
}

operations! {
    /// Hands out the next batch of a job. With a claim token of the caller's own the call may be repeated after
    /// any failure.
    "acquire" = Acquire: acquire(request: AcquireRequest, claim_token: Option<String>) -> Acquisition;

    /// Ends a batch, where one is given, and hands out the next with up to `items` (at most 10,000) of its
    /// items: for workers that loop.
    "advance" = Advance: advance(
        done: Option<Completion>, request: AcquireRequest, claim_token: Option<String>, items: u32
    ) -> Advanced;

    /// Hands out up to `batches` (1 to 1,000) batches that follow each other, all or none.
    "acquire-many" = AcquireMany: acquire_many(
        request: AcquireRequest, batches: u32, claim_token: Option<String>
    ) -> Vec<Batch>;

    /// The running batch with this claim token. Changes nothing.
    "batch" = Batch: batch(claim_token: String) -> RunningBatch;

    /// A page of the items of a batch: up to `limit` (1 to 10,000) items with ids above `after`, or about a MiB
    /// of them. An empty page is the end.
    "items" = Items: items(claim_token: String, after: Option<i64>, limit: u32) -> Vec<Item>;

    /// The statement by which a host reads a batch's items itself, page by page; none where only `items` gives them.
    "items-statement" = ItemsStatement: items_statement(claim_token: String) -> Option<PageStatement>;

    /// A sign of life: the batch's lease now ends `lease_seconds` from now.
    "heartbeat" = Heartbeat: heartbeat(claim_token: String, lease_seconds: u32) -> ();

    /// Ends a batch. Ending it again in the same way is fine and changes nothing.
    "complete" = Complete: complete(claim_token: String, outcome: Outcome) -> ();

    /// Gives a batch back, to be handed out again at once: the attempt does not count towards
    /// `max_attempts`. Changes nothing where the batch was released or has failed.
    "release" = Release: release(claim_token: String, log: Option<String>) -> ();

    /// The next `batches` (1 to 1,000) batches without claiming them, behind `after` if that lies further than
    /// what is claimed.
    "plan" = Plan: plan(request: AcquireRequest, after: Option<i64>, batches: u32) -> BatchPlan;

    /// What a job has left to do, counted up to `cap` (1 to 100,000,000) items.
    "progress" = Progress: progress(request: AcquireRequest, cap: u64) -> JobProgress;

    /// What about a job's source may surprise its user, a sentence each.
    "warnings" = Warnings: warnings(request: AcquireRequest) -> Vec<String>;

    /// Has ranges of a job handed out again. Returns the number of ranges.
    "requeue" = Requeue: requeue(meta_table: String, job: String, target: RequeueTarget) -> u64;

    /// Counts up to `limit` (1 to 1,000) processed ranges of a job behind the id `after` again.
    "audit" = Audit: audit(
        meta_table: String, job: String, after: Option<i64>, limit: u32
    ) -> AuditPage;

    /// Jobs, by meta table and name: a page of them. An empty page is the end.
    "jobs" = Jobs: jobs(query: JobsQuery) -> Vec<JobSummary>;

    /// Attempts, latest first: up to the query's limit, or about a MiB of what became of them. An empty page is
    /// the end.
    "history" = History: history(query: HistoryQuery) -> Vec<Attempt>;

    /// The statements that make the inventory table in a dialect.
    "schema-statements" = SchemaStatements: schema_statements(dialect: Dialect) -> Vec<String>;

    /// The channel on which the database of a meta table tells that rows have come, if it is one that can.
    "notifications" = Notifications: notifications(meta_table: String) -> Option<NotifyChannel>;

    /// Makes the inventory table and its indexes where they are missing.
    "migrate" = Migrate: migrate() -> Migration;
}

/// Runs a future that never waits, as those of the operations where all that they ask for is there at once.
///
/// # Panics
///
/// When it waits.
#[inline]
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing that it asks for has to be waited for"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_names_of_their_json_form() {
        let request = AcquireRequest::new("files", "job");
        let call = Call::AcquireMany {
            request,
            batches: 2,
            claim_token: None,
        };
        let json = serde_json::to_value(&call).unwrap();
        assert_eq!(
            json.as_object().unwrap().keys().next().unwrap(),
            call.name()
        );
        assert_eq!(serde_json::from_value::<Call>(json).unwrap(), call);
        let migrate: Call = serde_json::from_str(r#"{"migrate": {}}"#).unwrap();
        assert_eq!(migrate, Call::Migrate {});
        let unknown =
            r#"{"heartbeat": {"claim_token": "t", "lease_seconds": 1, "colour": "blue"}}"#;
        assert!(serde_json::from_str::<Call>(unknown).is_err());
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        let advance = Call::Advance {
            done: None,
            request: AcquireRequest::new("files", "job"),
            claim_token: None,
            items: 0,
        };
        let lost = crate::Error::exhausted_retries("lost");
        let answers = [
            (Call::Migrate {}, Answer::Heartbeat(())),
            (advance, Answer::Advance(Advanced { next: Err(lost) })),
        ];
        let [(migrate, nothing), (advance, advanced)] = answers;
        let read = |call: &Call, answer: &Answer| {
            call.answer_from(&serde_json::to_string(answer).unwrap())
        };
        assert!(read(&migrate, &nothing).is_err());
        assert_eq!(read(&advance, &advanced).unwrap(), advanced);
    }
}
