//! The statements on the inventory table.

use sea_query::{
    Expr, ExprTrait, Func, InsertStatement, OnConflict, Order, Query, SelectStatement,
    SubQueryStatement, UpdateStatement,
};

use super::pages::Page;
use super::{
    Conditions, Statement, bigint, bind_double, bind_int, bind_text, columns, either, flag, joined,
    on_primary, text, when,
};
use crate::claim_token::ClaimToken;
use crate::database::{Dialect, StatusLabels};
use crate::interface::{HistoryQuery, IdRange, Queue, RequeueTarget};
use crate::job::{Bounds, Retries};
use crate::sums::{self, Recounted, Sums};
use crate::table_name::TableName;
use crate::watermark::BEFORE_ALL;

/// The inventory's name within statements that name it twice.
const ATTEMPTS: &str = "attempts";
/// After so many doublings, the rest between attempts grows no more.
const MAX_DOUBLINGS: u32 = 16;
/// No rest is longer than a century, in seconds: a database's time has an end.
const LONGEST_REST: u32 = 100 * 365 * 24 * 60 * 60;

/// The inventory table: where it is, in which dialect, and its words for a status.
#[derive(Debug, Clone)]
pub(crate) struct InventoryTable {
    pub(crate) name: TableName,
    pub(crate) dialect: Dialect,
    pub(crate) labels: StatusLabels,
}

/// What a claim puts into the inventory.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'a> {
    pub(crate) meta_table: &'a str,
    pub(crate) job: &'a str,
    pub(crate) job_identifier: Option<&'a str>,
    /// The end of the range that this one follows.
    pub(crate) after: i64,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: i64,
    /// `None` where items have no weight.
    pub(crate) weight: Option<f64>,
    pub(crate) attempt: i64,
    pub(crate) max_attempts: u32,
    /// The job's watermark as the claim's planner saw it.
    pub(crate) watermark: i64,
    /// No attempt that was planned at a lower watermark runs, or waits because it failed.
    pub(crate) queue_from: i64,
    /// What the job has handed out up to and with this range.
    pub(crate) through: Sums,
    /// By how much a further attempt differs from the one before it.
    pub(crate) recounted: Option<Recounted>,
    pub(crate) lease_seconds: Option<u32>,
    pub(crate) token: &'a ClaimToken,
    /// The effective request as JSON.
    pub(crate) config: &'a str,
    /// Of what must not change of it.
    pub(crate) config_fingerprint: i64,
    /// Which database the meta table lies in.
    pub(crate) meta_database: Option<&'a str>,
}

/// What a claim fills, in the order in which it does.
pub(super) const CLAIM_COLUMNS: [&str; 25] = [
    "meta_table",
    "job",
    "job_identifier",
    "processing_start",
    "batch_id_start",
    "batch_id_end",
    "batch_weight",
    "batch_count",
    "attempt",
    "status",
    "config",
    "batch_id_after",
    "claim_token",
    "lease_expires",
    "queue",
    "max_attempts",
    "watermark",
    "queue_from",
    "config_fingerprint",
    "meta_database",
    "ranges_through",
    "items_through",
    "weight_through",
    "items_recounted",
    "weight_recounted",
];

/// How a running attempt ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'a> {
    pub(crate) succeeded: bool,
    pub(crate) result_item: Option<&'a str>,
    pub(crate) log: Option<&'a str>,
}

impl Queue {
    /// The word that stands in the inventory's column `queue`, NULL where nothing is to come.
    fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Retry => "retry",
            Self::Requeued => "requeued",
            Self::Exhausted => "exhausted",
        }
    }

    /// The word in a statement's text.
    fn literal(self) -> Expr {
        Expr::cust(match self {
            Self::Running => "'running'",
            Self::Retry => "'retry'",
            Self::Requeued => "'requeued'",
            Self::Exhausted => "'exhausted'",
        })
    }

    fn is(self) -> Expr {
        Expr::col("queue").eq(self.literal())
    }

    /// The queue of a word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Running, Self::Retry, Self::Requeued, Self::Exhausted]
            .into_iter()
            .find(|queue| queue.word() == word)
    }
}

impl InventoryTable {
    /// Where a job stands, by [`on_primary`]: the row of its highest range as `batch_id_start, batch_id_end,
    /// batch_count, batch_weight, config, queue_from, config_fingerprint, meta_database, ranges_through,
    /// items_through, weight_through, unfinished, unfinished_from, requeued, requeued_from`, or no row before its first claim.
    ///
    /// The last four tell of attempts that run or failed, and of those that were requeued. First
    /// the `batch_id_after` of the first range that is to be handed out again: it lies within the
    /// bounds, and its lease is over, it has rested, or it was requeued. Then the lowest watermark
    /// at which any of them was planned; without bounds, whatever was requeued is to be handed out,
    /// and this is NULL.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end, attempt), read from its end; the index
    /// (meta_table, job, queue, watermark). What has left a queue stays in that index for as long
    /// as an old transaction could see it there, so it is read from `queue_from` on.
    pub(crate) fn read_standing(
        &self,
        meta_table: &str,
        job: &str,
        bounds: Bounds,
        retries: Retries,
    ) -> Statement {
        on_primary(
            &self.standing(meta_table, job, bounds, retries),
            self.dialect,
        )
    }

    /// The statement of [`read_standing`](Self::read_standing), to stand in another one.
    pub(super) fn standing(
        &self,
        meta_table: &str,
        job: &str,
        bounds: Bounds,
        retries: Retries,
    ) -> SelectStatement {
        let column = |name: &'static str| Expr::col(("waiting", name));
        let within_bounds = || {
            let id_min = (bounds.id_min).map(|least| column("batch_id_start").gte(bind_int(least)));
            let id_max = (bounds.id_max).map(|most| column("batch_id_end").lte(bind_int(most)));
            [id_min, id_max]
        };
        let lease_is_over = column("lease_expires").lte(self.dialect.now());
        let is_over = Expr::cust("waiting.queue <> 'running'").or(lease_is_over);
        let has_rested = (retries.delay_seconds).map(|seconds| {
            Expr::cust("waiting.queue <> 'retry'").or(self.has_rested("waiting", seconds))
        });
        let lowest = |value: Expr, queues: Expr| {
            let rows = |mut select: SelectStatement| {
                select
                    .from_as(self.name.reference(), "waiting")
                    .only(column("meta_table").eq(bind_text(meta_table)))
                    .only(column("job").eq(bind_text(job)))
                    .only(queues);
                select
            };
            let mut lowest = Query::select();
            lowest.expr(value.min());
            bigint(Expr::from(SubQueryStatement::from(match self.dialect {
                // While a table is new, PostgreSQL finds all its indexes alike, and keeps a plan that reads all
                // attempts until the table is analysed. Only one index has this order.
                Dialect::Postgresql => {
                    let mut all = Query::select();
                    all.expr(Expr::cust("waiting.*"))
                        .order_by(("waiting", "queue"), Order::Asc)
                        .order_by(("waiting", "watermark"), Order::Asc);
                    lowest.from_subquery(rows(all), "waiting");
                    lowest
                }
                Dialect::Sqlite | Dialect::Mysql => rows(lowest),
            })))
        };
        let all = |conditions: Vec<Expr>| conditions.into_iter().reduce(ExprTrait::and);
        let range = || column("batch_id_after");
        let is_unfinished = || {
            let queue_from =
                Func::coalesce([Expr::col((ATTEMPTS, "queue_from")), bind_int(BEFORE_ALL)]);
            Expr::cust(match self.dialect {
                // The two that follow each other in that order.
                Dialect::Postgresql => "waiting.queue BETWEEN 'retry' AND 'running'",
                Dialect::Sqlite | Dialect::Mysql => "waiting.queue IN ('running', 'retry')",
            })
            .and(column("watermark").gte(queue_from))
        };
        let is_due = [Some(is_over), has_rested]
            .into_iter()
            .chain(within_bounds());
        let unfinished = match all(is_due.flatten().collect()) {
            Some(is_due) => when(is_due, range()),
            None => range(),
        };
        let is_requeued = || Expr::cust("waiting.queue = 'requeued'");
        let (requeued, requeued_from) = match all(within_bounds().into_iter().flatten().collect()) {
            Some(is_due) => (
                when(is_due, range()),
                lowest(column("watermark"), is_requeued()),
            ),
            None => (range(), bind_int(None)),
        };
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("config", "text"),
                    ("queue_from", "bigint"),
                    ("config_fingerprint", "bigint"),
                    ("meta_database", "text"),
                ],
            ))
            .expr(columns(self.dialect, ATTEMPTS, &sums::COLUMNS))
            .expr(lowest(unfinished, is_unfinished()))
            .expr(lowest(column("watermark"), is_unfinished()))
            .expr(lowest(requeued, is_requeued()))
            .expr(requeued_from)
            .from_as(self.name.reference(), ATTEMPTS)
            .only(Expr::col((ATTEMPTS, "meta_table")).eq(bind_text(meta_table)))
            .only(Expr::col((ATTEMPTS, "job")).eq(bind_text(job)))
            .order_by((ATTEMPTS, "batch_id_end"), Order::Desc)
            .order_by((ATTEMPTS, "attempt"), Order::Desc)
            .limit(1);
        select
    }

    /// The latest attempt at the range behind `after`, by [`on_primary`]: a row of `id, queue, batch_id_start,
    /// batch_id_end, attempt, max_attempts, config, batch_count, batch_weight, ranges_through,
    /// items_through, weight_through, has_earlier`, or none. The last is 1 when an
    /// earlier attempt still waits although this one has followed it. That it is the latest is a
    /// hint that decides nothing, see [`insert_claims`](Self::insert_claims).
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(crate) fn read_latest_attempt(&self, meta_table: &str, job: &str, after: i64) -> Statement {
        let mut earlier = Query::select();
        earlier
            .expr(Expr::cust("1"))
            .from_as(self.name.reference(), "earlier")
            .only(Expr::cust(
                "earlier.meta_table = attempts.meta_table AND earlier.job = attempts.job \
                 AND earlier.batch_id_after = attempts.batch_id_after \
                 AND earlier.attempt < attempts.attempt \
                 AND earlier.queue IN ('retry', 'requeued')",
            ));
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("queue", "text"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("attempt", "bigint"),
                    ("max_attempts", "bigint"),
                    ("config", "text"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                ],
            ))
            .expr(columns(self.dialect, ATTEMPTS, &sums::COLUMNS))
            .expr(flag(Expr::exists(earlier)))
            .from_as(self.name.reference(), ATTEMPTS)
            .only(Expr::col((ATTEMPTS, "meta_table")).eq(bind_text(meta_table)))
            .only(Expr::col((ATTEMPTS, "job")).eq(bind_text(job)))
            .only(Expr::col((ATTEMPTS, "batch_id_after")).eq(bind_int(after)))
            .order_by((ATTEMPTS, "attempt"), Order::Desc)
            .limit(1);
        on_primary(&select, self.dialect)
    }

    /// Whether an attempt that failed has rested for so many seconds, doubled with each attempt.
    fn has_rested(&self, alias: &'static str, seconds: u32) -> Expr {
        let integer = self.dialect.type_name("integer");
        let most = most_doublings(seconds);
        // What MySQL shifts is unsigned from then on.
        let doublings = Expr::cust(format!(
            "CAST(1 << CAST(CASE WHEN {alias}.attempt > {most} THEN {most} \
             ELSE {alias}.attempt - 1 END AS {integer}) AS {integer})"
        ));
        let rest = bind_int(-i64::from(seconds)).mul(doublings);
        Expr::col((alias, "processing_end")).lte(self.dialect.now_plus(rest))
    }

    /// Whether the range of a row of the table `attempts` has a later attempt.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    fn has_later_attempt(&self) -> Expr {
        let mut later = Query::select();
        later
            .expr(Expr::cust("1"))
            .from_as(self.name.reference(), "later")
            .only(Expr::cust(
                "later.meta_table = attempts.meta_table AND later.job = attempts.job \
                 AND later.batch_id_after = attempts.batch_id_after \
                 AND later.attempt > attempts.attempt",
            ));
        Expr::exists(later)
    }

    /// Claims ranges: rows of `claim_token, id, processing_start` where the dialect gives them back.
    /// When another worker that saw the same watermark was faster, or this very claim already
    /// stands, none is inserted: no row comes back, or an error for a conflict.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt), which lets only one
    /// of two planners that saw the same watermark in, and the unique index (claim_token).
    pub(crate) fn insert_claims<'a>(
        &self,
        claims: impl ExactSizeIterator<Item = &'a Claim<'a>>,
    ) -> Statement {
        let mut insert = InsertStatement::new();
        insert
            .into_table(self.name.reference())
            .columns(CLAIM_COLUMNS);
        let is_single = claims.len() == 1;
        for claim in claims {
            let lease_expires = match claim.lease_seconds {
                Some(seconds) => self.dialect.now_plus(bind_int(i64::from(seconds))),
                None => Expr::cust("NULL"),
            };
            insert.values_panic([
                bind_text(claim.meta_table),
                bind_text(claim.job),
                bind_text(claim.job_identifier),
                self.dialect.now(),
                bind_int(claim.id_start),
                bind_int(claim.id_end),
                bind_double(claim.weight),
                bind_int(claim.count),
                bind_int(claim.attempt),
                bind_text(self.labels.running.as_str()),
                self.dialect.bind_json(Some(claim.config)),
                bind_int(claim.after),
                bind_text(claim.token.as_str()),
                lease_expires,
                Queue::Running.literal(),
                bind_int(i64::from(claim.max_attempts)),
                bind_int(claim.watermark),
                bind_int(claim.queue_from),
                bind_int(claim.config_fingerprint),
                bind_text(claim.meta_database),
                bind_int(claim.through.ranges),
                bind_int(claim.through.items),
                bind_double(Some(claim.through.weight)),
                bind_int(claim.recounted.map(|recounted| recounted.items)),
                bind_double(claim.recounted.map(|recounted| recounted.weight)),
            ]);
        }
        if self.returns_claims() {
            if is_single {
                // No row is as good as an error then, and cheaper. Several are claimed all or none.
                let mut on_conflict = OnConflict::new();
                on_conflict.do_nothing();
                insert.on_conflict(on_conflict);
            }
            insert.returning(Query::returning().exprs(self.claim_columns()));
        }
        Statement::build(&insert, self.dialect)
    }

    /// Whether [`insert_claims`](Self::insert_claims) gives rows back. Where the dialect cannot,
    /// [`read_claims`](Self::read_claims) does.
    pub(crate) fn returns_claims(&self) -> bool {
        self.dialect != Dialect::Mysql
    }

    /// The attempt with this number at the range behind `after`, by [`on_primary`]: a row of `id`, or none.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(crate) fn find_place(
        &self,
        meta_table: &str,
        job: &str,
        after: i64,
        attempt: i64,
    ) -> Statement {
        let mut select = Query::select();
        select
            .expr(bigint(Expr::col("id")))
            .from(self.name.reference())
            .only(Expr::col("meta_table").eq(bind_text(meta_table)))
            .only(Expr::col("job").eq(bind_text(job)))
            .only(Expr::col("batch_id_after").eq(bind_int(after)))
            .only(Expr::col("attempt").eq(bind_int(attempt)));
        on_primary(&select, self.dialect)
    }

    /// Claims that stand: rows of `claim_token, id, processing_start`.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn read_claims<'a>(
        &self,
        tokens: impl Iterator<Item = &'a ClaimToken>,
    ) -> Statement {
        let mut select = Query::select();
        select
            .exprs(self.claim_columns())
            .from(self.name.reference())
            .only(Expr::col("claim_token").is_in(tokens.map(|token| bind_text(token.as_str()))));
        Statement::build(&select, self.dialect)
    }

    fn claim_columns(&self) -> [Expr; 3] {
        [
            text(Expr::col("claim_token")),
            bigint(Expr::col("id")),
            text(self.dialect.rfc3339(Expr::col("processing_start"))),
        ]
    }

    /// Ends a running attempt: affects one row, or none when the attempt does not run any more. An
    /// attempt that its owner has ended has no lease; one that was taken from it keeps its lease.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn end_attempt(&self, token: &ClaimToken, ending: Ending<'_>) -> Statement {
        Statement::build(&self.ending(token, ending), self.dialect)
    }

    /// The statement of [`end_attempt`](Self::end_attempt), to stand in another one.
    pub(super) fn ending(&self, token: &ClaimToken, ending: Ending<'_>) -> UpdateStatement {
        let queue = if ending.succeeded {
            Expr::cust("NULL")
        } else {
            after_failure()
        };
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                ("queue", queue),
                ("processing_end", self.dialect.now()),
                ("lease_expires", Expr::cust("NULL")),
                ("job_result_item", self.kept_result(ending.result_item)),
                ("logging", bind_text(ending.log)),
                ("status", bind_text(self.label(ending.succeeded))),
            ])
            .only(Expr::col("claim_token").eq(bind_text(token.as_str())))
            .only(self.runs());
        update
    }

    /// A result, to be kept to the letter. Where pybatchintory made the table in SQLite, the column has
    /// the type JSON, which there means numbers: a text that is one would be rounded, bytes are not.
    fn kept_result(&self, result: Option<&str>) -> Expr {
        let document = || self.dialect.bind_json(result);
        let Some(result) = result.filter(|_| self.dialect == Dialect::Sqlite) else {
            return document();
        };
        let is_number = result
            .trim_start()
            .starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let is_kept_as_integer =
            || (result.parse::<i64>()).is_ok_and(|number| number.to_string() == result);
        if !is_number || is_kept_as_integer() {
            return document();
        }
        let is_made_by_pybatchintory = Expr::cust_with_exprs(
            "(SELECT type FROM pragma_table_info(?, ?) WHERE name = 'job_result_item') = 'JSON'",
            [bind_text(self.name.table()), bind_text(self.name.schema())],
        );
        either(
            is_made_by_pybatchintory,
            document().cast_as("blob"),
            document(),
        )
    }

    /// Prolongs a running attempt's lease: affects one row, or none when it does not run any more.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn prolong_lease(&self, token: &ClaimToken, seconds: u32) -> Statement {
        let lease_expires = self.dialect.now_plus(bind_int(i64::from(seconds)));
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([("lease_expires", lease_expires)])
            .only(Expr::col("claim_token").eq(bind_text(token.as_str())))
            .only(self.runs());
        Statement::build(&update, self.dialect)
    }

    /// Takes an attempt whose lease is over from its owner: affects one row, or none when it does
    /// not run any more or has shown a sign of life. From then on its token ends nothing.
    ///
    /// Relies on: the primary key.
    pub(crate) fn take_over(&self, id: i64) -> Statement {
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                ("queue", after_failure()),
                ("processing_end", self.dialect.now()),
                ("logging", bind_text("the lease ran out")),
                ("status", bind_text(self.labels.failed.as_str())),
            ])
            .only(Expr::col("id").eq(bind_int(id)))
            .only(self.runs())
            .only(Expr::col("lease_expires").lte(self.dialect.now()));
        Statement::build(&update, self.dialect)
    }

    /// Takes what waits at the range behind `after` out of its queue, before this attempt that has
    /// followed it: affects one row, or none. One that failed is kept where failures are counted.
    ///
    /// Relies on: the unique index (meta_table, job, batch_id_after, attempt).
    pub(crate) fn leave_queue(
        &self,
        meta_table: &str,
        job: &str,
        after: i64,
        attempt: i64,
    ) -> Statement {
        let has_failed = Expr::col("status").eq(bind_text(self.labels.failed.as_str()));
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([("queue", when(has_failed, Expr::cust("'followed'")))])
            .only(Expr::col("meta_table").eq(bind_text(meta_table)))
            .only(Expr::col("job").eq(bind_text(job)))
            .only(Expr::col("batch_id_after").eq(bind_int(after)))
            .only(Expr::col("attempt").lt(bind_int(attempt)))
            .only(Queue::Retry.is().or(Queue::Requeued.is()));
        Statement::build(&update, self.dialect)
    }

    /// Requeues ranges: affects the latest attempt at each. Those that run are taken from their
    /// owners.
    ///
    /// Relies on: the primary key; the index (meta_table, job, queue, watermark); for ids, a scan
    /// of the job's rows.
    pub(crate) fn requeue(&self, meta_table: &str, job: &str, target: &RequeueTarget) -> Statement {
        let column = Expr::col::<&'static str>;
        let while_running = |value: Expr, column: &'static str| -> Expr {
            either(self.runs(), value, Expr::col(column))
        };
        let target = match target {
            RequeueTarget::Batch(id) => column("id").eq(bind_int(*id)),
            RequeueTarget::Exhausted => Queue::Exhausted.is(),
            RequeueTarget::Ids(ranges) => {
                let overlaps = |IdRange { id_start, id_end }: &IdRange| {
                    (column("batch_id_start").lte(bind_int(*id_end)))
                        .and(column("batch_id_end").gte(bind_int(*id_start)))
                };
                let any = joined(ranges.iter().map(overlaps).collect(), ExprTrait::or);
                any.unwrap_or_else(|| Expr::cust("1 = 0"))
            }
        };
        let mut latest = Query::select();
        latest
            .expr_as(Expr::cust("attempts.id"), "id")
            .from_as(self.name.reference(), ATTEMPTS)
            .only(column("meta_table").eq(bind_text(meta_table)))
            .only(column("job").eq(bind_text(job)))
            .only(target)
            .only(self.has_later_attempt().not());
        // One level more than needed: MySQL reads a table that it updates only from there.
        let mut targets = Query::select();
        targets
            .expr(Expr::cust("latest.id"))
            .from_subquery(latest, "latest");
        let now = || self.dialect.now();
        let mut update = Query::update();
        update
            .table(self.name.reference())
            .values([
                // The status last: MySQL sets one after the other, and the rest goes by it.
                ("queue", Queue::Requeued.literal()),
                ("processing_end", while_running(now(), "processing_end")),
                ("lease_expires", while_running(now(), "lease_expires")),
                ("logging", while_running(bind_text("requeued"), "logging")),
                (
                    "status",
                    while_running(bind_text(self.labels.failed.as_str()), "status"),
                ),
            ])
            .only(column("id").in_subquery(targets));
        Statement::build(&update, self.dialect)
    }

    fn runs(&self) -> Expr {
        Expr::col("status").eq(bind_text(self.labels.running.as_str()))
    }

    /// One attempt, by [`on_primary`]: a row with `id, batch_id_after, meta_table, job, job_identifier, attempt,
    /// status, batch_id_start, batch_id_end, batch_count, batch_weight, config, leased,
    /// processing_start`, or none. Leased is 1 or 0.
    ///
    /// Relies on: the unique index (claim_token).
    pub(crate) fn find_attempt(&self, token: &ClaimToken) -> Statement {
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("batch_id_after", "bigint"),
                    ("meta_table", "text"),
                    ("job", "text"),
                    ("job_identifier", "text"),
                    ("attempt", "bigint"),
                    ("status", "text"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("config", "text"),
                ],
            ))
            .expr(flag(Expr::cust("lease_expires IS NOT NULL")))
            .expr(text(self.dialect.rfc3339(Expr::col("processing_start"))))
            .from_as(self.name.reference(), ATTEMPTS)
            .only(Expr::col("claim_token").eq(bind_text(token.as_str())));
        on_primary(&select, self.dialect)
    }

    /// Attempts, by their ids from the highest down: rows of `id, meta_table, job, job_identifier,
    /// attempt, status, batch_id_start, batch_id_end, batch_count, batch_weight, queue, processing_start,
    /// processing_end, lease_expires, job_result_item, logging, config`; results and logs
    /// are NULL without details, the configuration without an id. They end with the one that fills a page,
    /// in MySQL where `to` says so, see [`attempts_end`](Self::attempts_end).
    ///
    /// Relies on: the primary key, read from its end; with a job and an id also on the index
    /// (meta_table, job, batch_id_end, attempt).
    pub(crate) fn list_attempts(
        &self,
        query: &HistoryQuery,
        meta_table: Option<&str>,
        to: Option<i64>,
    ) -> Statement {
        let limit = u64::from(query.limit);
        let page = self.attempts_page(query, meta_table);
        let end = (self.dialect != Dialect::Mysql && may_be_long(query))
            .then(|| Func::coalesce([page.end(limit), bind_int(i64::MIN)]).into())
            .or(to.map(bind_int));
        // A configuration may have 64 KiB, and only tells whether the filter lets the item pass.
        let long = [
            (query.details, "job_result_item"),
            (query.details, "logging"),
            (query.uid.is_some(), "config"),
        ];
        let times = ["processing_start", "processing_end", "lease_expires"];
        let mut select = (page.rows)();
        select
            .limit(limit)
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("meta_table", "text"),
                    ("job", "text"),
                    ("job_identifier", "text"),
                    ("attempt", "bigint"),
                    ("status", "text"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("queue", "text"),
                ],
            ))
            .exprs(times.map(|time| text(self.dialect.rfc3339(Expr::col(time)))))
            .exprs(long.map(|(is_given, column)| {
                text(if is_given {
                    Expr::col(column)
                } else {
                    Expr::cust("NULL")
                })
            }))
            .only_option(end.map(|end: Expr| Expr::col("id").gte(end)));
        Statement::build(&select, self.dialect)
    }

    /// Where a page of [`list_attempts`](Self::list_attempts) ends before its limit: one row of `id`, NULL
    /// where it does not. Only MySQL is asked by itself: it finds the rows of a range by its ends only where
    /// they are given.
    ///
    /// Relies on: as that statement does.
    pub(crate) fn attempts_end(&self, query: &HistoryQuery, meta_table: Option<&str>) -> Statement {
        let page = self.attempts_page(query, meta_table);
        let mut select = Query::select();
        select.expr(page.end(u64::from(query.limit)));
        Statement::build(&select, self.dialect)
    }

    fn attempts_page<'a>(
        &'a self,
        query: &'a HistoryQuery,
        meta_table: Option<&'a str>,
    ) -> Page<'a> {
        let rows = move || {
            let job = query.job.as_deref();
            let mut rows = Query::select();
            rows.from_as(self.name.reference(), ATTEMPTS)
                .only_option(query.queue.map(Queue::is))
                .only_option(meta_table.map(|name| Expr::col("meta_table").eq(bind_text(name))))
                .only_option(job.map(|job| Expr::col("job").eq(bind_text(job))))
                .only_option(query.uid.map(|uid| {
                    (Expr::col("batch_id_start").lte(bind_int(uid)))
                        .and(Expr::col("batch_id_end").gte(bind_int(uid)))
                }))
                .only_option((query.before).map(|before| Expr::col("id").lt(bind_int(before))))
                .order_by("id", Order::Desc);
            rows
        };
        let long: &[&'static str] = match (query.details, query.uid) {
            (true, None) => &["job_result_item", "logging"],
            (false, _) => &["config"],
            (true, Some(_)) => &["job_result_item", "logging", "config"],
        };
        let bytes = move || {
            let bytes = (long.iter()).map(|column| self.dialect.bytes(Expr::col(*column)));
            joined(bytes.collect(), ExprTrait::add).unwrap_or_else(|| Expr::cust("0"))
        };
        Page {
            dialect: self.dialect,
            rows: Box::new(rows),
            place: Box::new(|| Expr::col("id")),
            bytes: Box::new(bytes),
            is_descending: true,
        }
    }

    /// Processed ranges by their ids, behind `after`: rows of `id, batch_id_after, batch_id_start,
    /// batch_id_end, batch_count, batch_weight, config` of attempts that succeeded and that no later
    /// one has followed or will.
    ///
    /// Relies on: the index (meta_table, job, batch_id_end, attempt); the unique index (meta_table,
    /// job, batch_id_after, attempt).
    pub(crate) fn list_processed(
        &self,
        meta_table: &str,
        job: &str,
        after: Option<i64>,
        limit: u32,
    ) -> Statement {
        let column = |name: &'static str| Expr::col((ATTEMPTS, name));
        let mut select = Query::select();
        select
            .expr(columns(
                self.dialect,
                ATTEMPTS,
                &[
                    ("id", "bigint"),
                    ("batch_id_after", "bigint"),
                    ("batch_id_start", "bigint"),
                    ("batch_id_end", "bigint"),
                    ("batch_count", "bigint"),
                    ("batch_weight", "double precision"),
                    ("config", "text"),
                ],
            ))
            .from_as(self.name.reference(), ATTEMPTS)
            .only(column("meta_table").eq(bind_text(meta_table)))
            .only(column("job").eq(bind_text(job)))
            .only_option(after.map(|after| column("batch_id_end").gt(bind_int(after))))
            .only(column("status").eq(bind_text(self.labels.succeeded.as_str())))
            .only(Expr::cust("attempts.queue IS NULL"))
            .only(self.has_later_attempt().not())
            .order_by((ATTEMPTS, "batch_id_end"), Order::Asc)
            .order_by((ATTEMPTS, "attempt"), Order::Asc)
            .limit(u64::from(limit));
        Statement::build(&select, self.dialect)
    }

    /// The label of a finished attempt.
    pub(crate) fn label(&self, succeeded: bool) -> &str {
        if succeeded {
            &self.labels.succeeded
        } else {
            &self.labels.failed
        }
    }
}

/// Whether attempts come with texts that may be long: what became of them, or their configurations.
pub(crate) fn may_be_long(query: &HistoryQuery) -> bool {
    query.details || query.uid.is_some()
}

/// How often the rest after a first failure doubles at most.
pub(super) fn most_doublings(seconds: u32) -> u32 {
    let doublings = LONGEST_REST
        .checked_div(seconds)
        .map_or(MAX_DOUBLINGS, u32::ilog2);
    Ord::min(doublings, MAX_DOUBLINGS)
}

/// The queue of an attempt that has failed.
fn after_failure() -> Expr {
    either(
        Expr::col("attempt").lt(Expr::col("max_attempts")),
        Queue::Retry.literal(),
        Queue::Exhausted.literal(),
    )
}
