//! The statement that does a worker's whole turn: it ends a batch, claims the next range and reads its
//! items. It is text with places for the parts that other statements have too.
//!
//! The chain of a job's ranges needs no common snapshot of what is read and what is inserted: whoever
//! saw an older watermark is refused by the unique index. So all of it may stand in one statement.

use sea_query::{Expr, Query, SubQueryStatement};

use super::inventory::{CLAIM_COLUMNS, Ending, InventoryTable, StandingRow};
use super::item::item;
use super::meta::{IN_ORDER, Room, of_kept, page_with_stops, sums_of_page, totals};
use super::source::source;
use super::{PAGE_BYTES, Statement, TypedStatement, bind_double, bind_int, bind_text};
use crate::claim_token::ClaimToken;
use crate::database::Dialect;
use crate::job::Job;
use crate::judgement::Judgement;
use crate::row_reader::RowReader;

/// Where more rows than these are expected to fill a batch, they are looked at page by page.
const MOST_ROWS: u32 = 10_000;
/// What ids may be, as databases call it: see `Dialect::is_integer_type`.
const ARE_INTEGERS: &str = "fit.uid_type IN ('smallint', 'integer', 'bigint')";
/// The least that are looked at where a filter may pass rows over.
const LEAST_ROWS_FILTERED: u32 = 1_000;

/// What to claim.
pub(crate) struct FusedClaim<'a> {
    pub(crate) job: &'a Job,
    pub(crate) judgement: &'a Judgement,
    /// What the batch weighs at most: less than an invalid weight.
    pub(crate) most_weight: f64,
    pub(crate) token: &'a ClaimToken,
    /// The effective request as JSON.
    pub(crate) config: &'a str,
    /// Of what must not change of it.
    pub(crate) config_fingerprint: i64,
    /// How many of its items to give at most.
    pub(crate) items: u32,
    /// The batch to end before, and how. PostgreSQL alone can.
    pub(crate) ending: Option<(&'a ClaimToken, Ending<'a>)>,
}

/// What came of it.
pub(crate) struct FusedRow {
    /// The batch that was claimed.
    pub(crate) claimed: Option<FusedBatch>,
    /// What else is told; SQLite tells nothing.
    pub(crate) told: Option<FusedTold>,
}

/// A batch that was claimed.
pub(crate) struct FusedBatch {
    pub(crate) id: i64,
    pub(crate) processing_start: String,
    pub(crate) after: i64,
    pub(crate) id_start: i64,
    pub(crate) id_end: i64,
    pub(crate) count: u64,
    pub(crate) weight: f64,
}

/// What is told beside the claim.
pub(crate) struct FusedTold {
    /// Whether a range was ready to be claimed.
    pub(crate) is_ready: bool,
    /// Whether the page ended before anything was left for a batch.
    pub(crate) is_end: bool,
    pub(crate) scanned_to: Option<i64>,
    /// The uids, items and weights of the first items, a JSON list each.
    pub(crate) items: [Option<String>; 3],
    /// Whether the batch before has ended.
    pub(crate) has_ended: bool,
    pub(crate) standing: Option<StandingRow>,
}

impl FusedRow {
    fn of_sqlite(row: &mut RowReader) -> Self {
        Self {
            claimed: FusedBatch::read(row),
            told: None,
        }
    }

    fn read(row: &mut RowReader) -> Self {
        Self {
            claimed: FusedBatch::read(row),
            told: Some(FusedTold {
                is_ready: row.flag(),
                is_end: row.flag(),
                scanned_to: row.optional_int(),
                items: [
                    row.optional_text(),
                    row.optional_text(),
                    row.optional_text(),
                ],
                has_ended: row.flag(),
                standing: StandingRow::read(row),
            }),
        }
    }
}

impl FusedBatch {
    /// Reads the columns of [`returned`](InventoryTable::returned).
    fn read(row: &mut RowReader) -> Option<Self> {
        let Some(id) = row.optional_int() else {
            row.skip(6);
            return None;
        };
        Some(Self {
            id,
            processing_start: row.text(),
            after: row.int(),
            id_start: row.int(),
            id_end: row.int(),
            count: row.count(),
            weight: row.double(),
        })
    }
}

/// A statement's text with places for expressions.
struct Template {
    dialect: Dialect,
    text: String,
    expressions: Vec<Expr>,
}

impl Template {
    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn expression(&mut self, expression: impl Into<Expr>) {
        self.expressions.push(expression.into());
        self.text.push('?');
    }

    /// What a table within the statement selects, in parentheses.
    fn select(&mut self, select: impl Into<SubQueryStatement>) {
        self.expression(Expr::from(select.into()));
    }

    fn build(self) -> Statement {
        let mut select = Query::select();
        select.expr(Expr::cust_with_exprs(self.text, self.expressions));
        let mut statement = Statement::build(&select, self.dialect);
        // The builder knows no statement of this form, but one that selects it.
        statement.text.drain(.."SELECT ".len());
        statement
    }
}

impl InventoryTable {
    /// Claims the range behind a job's highest one, if that can be done by what one look at the job and
    /// at the meta table shows: nothing is to be handed out again, the job's configuration is as before,
    /// and the page shows the batch's end. When another worker was faster, or the token is used already,
    /// nothing is inserted, too.
    ///
    /// Rows of the claim as `id, processing_start, batch_id_after, batch_id_start, batch_id_end,
    /// batch_count, batch_weight`; in SQLite none where nothing was claimed. In PostgreSQL it is one
    /// row, of NULLs where nothing was claimed, and has more: `is_ready`, 1 where only a rival, or the
    /// token, can have kept it from being claimed, else 0; `is_end`, 1 where no row is left, else 0;
    /// `scanned_to`; the first items, as a JSON list of each of `uid, item, weight`, in one order, NULL where
    /// there is none; `ended`, how many batches it has ended: none is claimed where it was to end one and has not; and
    /// the columns of
    /// [`standing`](Self::standing), NULL before a job's first claim. MySQL's claims are made otherwise.
    ///
    /// Relies on: what [`standing`](Self::standing), [`page_with_stops`] and
    /// [`insert_claims`](Self::insert_claims) rely on.
    pub(crate) fn claim_next(&self, claim: &FusedClaim<'_>) -> TypedStatement<FusedRow> {
        let mut template = Template {
            dialect: self.dialect,
            text: String::new(),
            expressions: Vec::new(),
        };
        self.look(&mut template, claim);
        let is_postgresql = self.dialect == Dialect::Postgresql;
        if is_postgresql && let Some((token, ending)) = claim.ending {
            let mut ending = self.ending(token, ending);
            ending.returning(Query::returning().expr(Expr::cust("1")));
            template.text(", ended AS ");
            template.select(ending);
        }
        self.decide(&mut template, claim);
        if is_postgresql {
            template.text(", claimed AS (");
        }
        self.insert_ready(&mut template, claim);
        template.text(&self.returned());
        if is_postgresql {
            template.text(") SELECT claimed.*, (SELECT count(*) FROM ready), ");
            template.text(
                "CAST(CASE WHEN fit.scanned < length.rows AND fit.kept = 0 AND fit.held IS NULL AND ",
            );
            template.text(ARE_INTEGERS);
            template.text(" THEN 1 ELSE 0 END AS bigint), fit.scanned_to, ");
            template.text(match claim.items {
                0 => "CAST(NULL AS text), CAST(NULL AS text), CAST(NULL AS text)",
                1.. => ITEMS,
            });
            template.text(match claim.ending {
                Some(_) => ", (SELECT count(*) FROM ended)",
                None => ", CAST(0 AS bigint)",
            });
            template.text(
                ", standing.* FROM fit LEFT JOIN length ON TRUE LEFT JOIN standing ON TRUE \
                 LEFT JOIN claimed ON TRUE",
            );
            if claim.items > 0 {
                first_items(&mut template, claim);
            }
        }
        template.build().read_as(match self.dialect {
            Dialect::Sqlite => FusedRow::of_sqlite,
            Dialect::Postgresql | Dialect::Mysql => FusedRow::read,
        })
    }

    /// Where the job stands, and the rows behind it.
    fn look(&self, template: &mut Template, claim: &FusedClaim<'_>) {
        let FusedClaim { job, judgement, .. } = claim;
        template.text(
            "WITH standing (batch_id_start, batch_id_end, batch_count, batch_weight, config, queue_from, \
             config_fingerprint, meta_database, ranges_through, items_through, weight_through, unfinished, \
             unfinished_from, requeued, requeued_from) AS ",
        );
        template.select(self.standing(&job.key(), job.bounds, job.retries));
        template.text(", length AS (SELECT CAST(CASE WHEN expected.rows <= ");
        template.text(&MOST_ROWS.to_string());
        template.text(" THEN expected.rows ELSE 0 END AS bigint) AS rows FROM (SELECT ");
        self.expected_rows(template, job);
        // Of a length that the statement finds out itself, PostgreSQL expects a tenth of all rows behind the
        // watermark, and plans for that; of one that stands in the text it does not.
        template.text(" AS rows FROM standing) AS expected), page AS (SELECT page.*");
        let room = Room {
            weight: (0.0, claim.most_weight),
            // Without a filter the page's length alone bounds the count.
            count: (job.filter.as_ref())
                .and(job.limits.count)
                .map(|count| i64::try_from(count).unwrap_or(i64::MAX)),
        };
        let has_room = job.limits.weight.is_some() || room.count.is_some();
        let gives_items = claim.items > 0 && self.dialect == Dialect::Postgresql;
        if has_room || gives_items {
            running_totals(template, judgement, (has_room, gives_items));
        }
        template.text(" FROM (SELECT ahead.* FROM (SELECT bounded.* FROM ");
        let (mut page, stops) = page_with_stops(job, judgement, job.bounds, None);
        if gives_items {
            page.expr_as(item(job, &|| source(&job.columns.item)), "item");
        }
        template.select(page);
        template.text(" AS bounded LIMIT ");
        template.text(&MOST_ROWS.to_string());
        template.text(") AS ahead LIMIT COALESCE((SELECT length.rows FROM length), 0)) AS page");
        if has_room || gives_items {
            template.text(" WINDOW in_order AS (");
            template.text(IN_ORDER);
            template.text(")");
        }
        template.text(
            "), fit (uid_type, uid_type_high, beyond, held, scanned, ids, scanned_to, last_rows, kept, \
             first, first_weight, taken, taken_last, taken_weight) AS ",
        );
        let room = has_room.then_some(room);
        template.select(sums_of_page(job, judgement, None, stops, room));
    }

    /// How many rows probably fill a batch, by how heavy those of the highest range are and how wide
    /// they are spread: a guess that decides on nothing but the length of the page.
    fn expected_rows(&self, template: &mut Template, job: &Job) {
        let (least, greatest) = (self.dialect.least(), self.dialect.greatest());
        let is_filtered = job.filter.is_some();
        if is_filtered {
            template.text(greatest);
        }
        template.text(least);
        match job.limits.count {
            #[allow(clippy::cast_precision_loss)]
            Some(count) => template.expression(bind_double(count as f64)),
            None => template.text("1e9"),
        }
        template.text(", ");
        match job.limits.weight {
            Some(weight) => {
                template.text("COALESCE(");
                template.expression(bind_double(weight));
                template.text(
                    " * standing.batch_count / NULLIF(standing.batch_weight, 0) * 1.25 + 32, 1e9)",
                );
            }
            None => template.text("1e9"),
        }
        template.text(")");
        if is_filtered {
            template.text(" * ");
            template.text(greatest);
            template.text(
                "1, COALESCE((CAST(standing.batch_id_end AS double precision) - standing.batch_id_start) \
                 / NULLIF(standing.batch_count, 0), 1)), ",
            );
            template.text(&LEAST_ROWS_FILTERED.to_string());
            template.text(")");
        }
    }

    /// What may be claimed of it: a row, or none.
    fn decide(&self, template: &mut Template, claim: &FusedClaim<'_>) {
        template.text(
            ", ready AS (SELECT standing.batch_id_end AS batch_id_after, standing.meta_database, fit.first, \
             fit.taken_last, fit.taken, fit.taken_weight, standing.ranges_through + 1 AS ranges_through, \
             standing.items_through + fit.taken AS items_through, \
             standing.weight_through + fit.taken_weight AS weight_through, ",
        );
        template.text(self.dialect.least());
        template.text(
            "standing.batch_id_end, COALESCE(standing.unfinished_from, standing.batch_id_end), \
             COALESCE(standing.requeued_from, standing.batch_id_end)) AS queue_from \
             FROM standing CROSS JOIN length CROSS JOIN fit \
             WHERE standing.unfinished IS NULL AND standing.requeued IS NULL \
             AND standing.meta_database IS NOT NULL \
             AND CAST(standing.config_fingerprint AS bigint) = ",
        );
        template.expression(bind_int(claim.config_fingerprint));
        template.text(" AND ");
        template.text(ARE_INTEGERS);
        template.text(
            " AND COALESCE(fit.uid_type_high, 'integer') = 'integer' AND fit.beyond IS NULL \
             AND fit.held IS NULL AND fit.ids = fit.scanned AND fit.last_rows = 1 \
             AND fit.taken > 0 AND fit.taken_weight <= ",
        );
        template.expression(bind_double(claim.most_weight));
        template.text(" AND (fit.taken < fit.kept OR fit.scanned < length.rows");
        if let Some(count) = claim.job.limits.count {
            template.text(" OR fit.taken = ");
            template.expression(bind_int(i64::try_from(count).unwrap_or(i64::MAX)));
        }
        template.text(")");
        if claim.ending.is_some() {
            template.text(" AND EXISTS (SELECT FROM ended)");
        }
        template.text(")");
    }

    /// Inserts what is ready.
    fn insert_ready(&self, template: &mut Template, claim: &FusedClaim<'_>) {
        let job = claim.job;
        let is_sqlite = self.dialect == Dialect::Sqlite;
        template.text(if is_sqlite {
            " INSERT INTO "
        } else {
            "INSERT INTO "
        });
        template.text(&self.qualified(self.dialect));
        template.text(" (");
        template.text(&CLAIM_COLUMNS.join(", "));
        template.text(") SELECT ");
        let ready = |column: &'static str| Expr::cust(column);
        let values: [Expr; CLAIM_COLUMNS.len()] = [
            bind_text(job.meta_table.scope().as_str()),
            bind_text(job.name.as_str()),
            bind_text(job.identifier.as_deref()),
            self.dialect.now(),
            ready("ready.first"),
            ready("ready.taken_last"),
            ready(match job.columns.weight {
                Some(_) => "ready.taken_weight",
                None => "NULL",
            }),
            ready("ready.taken"),
            ready("1"),
            bind_text(self.labels.running.as_str()),
            self.dialect.bind_json(Some(claim.config)),
            ready("ready.batch_id_after"),
            bind_text(claim.token.as_str()),
            match job.lease_seconds {
                Some(seconds) => self.dialect.now_plus(bind_int(i64::from(seconds))),
                None => ready("NULL"),
            },
            ready("'running'"),
            bind_int(i64::from(job.retries.max_attempts)),
            ready("ready.batch_id_after"),
            ready("ready.queue_from"),
            bind_int(claim.config_fingerprint),
            ready("ready.meta_database"),
            ready("ready.ranges_through"),
            ready("ready.items_through"),
            ready("ready.weight_through"),
            ready("NULL"),
            ready("NULL"),
        ];
        let mut is_first = true;
        for value in values {
            if !std::mem::take(&mut is_first) {
                template.text(", ");
            }
            template.expression(value);
        }
        // SQLite needs a condition before what follows.
        template.text(" FROM ready WHERE TRUE ON CONFLICT DO NOTHING RETURNING ");
    }

    /// The columns of a claim, as they come from the insert.
    fn returned(&self) -> String {
        [
            "CAST(id AS bigint), ",
            &self.dialect.rfc3339_of("processing_start"),
            ", CAST(batch_id_after AS bigint), CAST(batch_id_start AS bigint), \
             CAST(batch_id_end AS bigint), CAST(batch_count AS bigint), \
             CAST(batch_weight AS double precision)",
        ]
        .concat()
    }
}

/// Totals up to each row of the page: computed where the rows come in their order, they need not be sorted again.
fn running_totals(
    template: &mut Template,
    judgement: &Judgement,
    (has_room, gives_items): (bool, bool),
) {
    let [weight, count] = totals(judgement);
    template.text(&format!(", {count} OVER in_order AS kept_so_far"));
    if has_room {
        template.text(&format!(", {weight} OVER in_order AS weight_so_far"));
    }
    if gives_items {
        let item = of_kept(judgement, "item");
        template.text(&format!(
            ", COALESCE(sum(octet_length({item})) OVER in_order, 0) AS bytes_so_far"
        ));
    }
}

/// The columns of [`first_items`].
const ITEMS: &str = "items.uids, items.items, items.weights";

/// The first items of what was claimed, a list for each of their columns: of one list of lists, PostgreSQL
/// would look up the type of each value. They end before the one that fills a page, however long that is.
fn first_items(template: &mut Template, claim: &FusedClaim<'_>) {
    template.text(
        " CROSS JOIN (SELECT CAST(json_agg(page.uid) AS text) AS uids, \
         CAST(json_agg(page.item) AS text) AS items, CAST(json_agg(page.weight) AS text) AS weights \
         FROM page WHERE page.uid <= (SELECT ready.taken_last FROM ready CROSS JOIN claimed)",
    );
    if claim.job.filter.is_some() {
        template.text(" AND page.kept");
    }
    template.text(" AND page.kept_so_far <= ");
    template.expression(bind_int(i64::from(claim.items)));
    template.text(" AND page.bytes_so_far < ");
    template.text(&PAGE_BYTES.to_string());
    template.text(") AS items");
}
