//! Claiming in one statement, where inventory and meta table are in one database.
//!
//! What the statement cannot decide, the steps of [`acquire`](crate::acquire) do, from where it left off.

use serde_json::Value;

use crate::claim_token::ClaimToken;
use crate::configuration;
use crate::database::{Database, Dialect, Rows, Source};
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::{Batch, Item, Nothing, NothingReason, OnChange, PlannedBatch, Settle};
use crate::item::Given;
use crate::items::first_items;
use crate::job::{FIRST_ATTEMPT, Job};
use crate::judge::Judge;
use crate::judgement::Judgement;
use crate::next_batch::most_weight;
use crate::refusal_code::Failure;
use crate::row_reader::RowReader;
use crate::sql::fused_claim::FusedClaim;
use crate::sql::inventory::Ending;
use crate::standing::{self, Standing};
use crate::watermark::Watermark;

/// What the statement did.
pub(crate) struct Fused {
    /// Whether it has ended the batch that was to be ended: else nothing was claimed.
    pub(crate) has_ended: bool,
    pub(crate) result: FusedResult,
}

/// What became of the claim.
pub(crate) enum FusedResult {
    /// It stands, with its first items.
    Claimed(Batch, Vec<Item>),
    /// There is nothing to claim where the job stands. When the next range is due is not told yet.
    Nothing(Nothing, Box<Standing>),
    /// Somebody else was faster, or the claim token is used already.
    Lost(Watermark),
    /// The statement cannot tell. Where it has read where the job stands, this need not be read again.
    Undecided(Option<Box<Standing>>),
}

/// Whether a claim can be made in one statement: the databases are one, and a batch has an end that
/// one page may show. A job that settles is asked for its writers before a page is read, and one that
/// accepts changes for its database.
pub(crate) fn is_possible<D: Database>(databases: &Databases<'_, D>, job: &Job) -> bool {
    let is_settled = job.settle == Settle::None || job.dialect == Dialect::Sqlite;
    let has_limit = job.limits.count.is_some() || job.limits.weight.is_some();
    databases.one_database
        && databases.inventory.dialect == job.dialect
        && job.dialect != Dialect::Mysql
        && job.source == Source::Meta
        && job.request.on_change == OnChange::Refuse
        && is_settled
        && has_limit
}

/// Whether the statement may end a batch, too.
pub(crate) fn may_end<D: Database>(databases: &Databases<'_, D>) -> bool {
    databases.inventory.dialect == Dialect::Postgresql
}

/// A claim that can be sent.
pub(crate) struct Prepared<'a> {
    job: &'a Job,
    judgement: Judgement,
    config: String,
}

/// Judges the job's conditions, as at this time.
#[synchronous]
pub(crate) async fn prepare<'a, D: Database>(
    judge: &mut Judge<'_, '_, D>,
    job: &'a Job,
) -> Result<Prepared<'a>, Error> {
    let judgement = judge.judge(job, None).await?;
    Ok(Prepared {
        job,
        config: configuration::write(&job.request, &judgement.grounds)?,
        judgement,
    })
}

#[synchronous]
impl Prepared<'_> {
    /// Sends the statement.
    pub(crate) async fn claim<D: Database>(
        &self,
        databases: &Databases<'_, D>,
        token: &ClaimToken,
        items: u32,
        ending: Option<(&ClaimToken, Ending<'_>)>,
    ) -> Result<Fused, Failure> {
        let Self {
            job,
            judgement,
            config,
        } = self;
        let statement = databases.inventory.claim_next(&FusedClaim {
            job,
            judgement,
            most_weight: most_weight(job),
            token,
            config,
            config_fingerprint: configuration::fingerprint(&job.request),
            items,
            ending,
        });
        let rows = databases.try_inventory(statement).await?;
        // Where its row cannot be read, the claim may stand: as good as a lost answer.
        let mut fused =
            read(rows, job, token).map_err(|error| Failure::outcome_unknown(error.message()))?;
        if job.dialect == Dialect::Sqlite
            && let (FusedResult::Claimed(batch, given), 1..) = (&mut fused.result, items)
        {
            *given = first_items(databases, job, judgement, batch, items).await;
        }
        Ok(fused)
    }
}

fn read(rows: Rows, job: &Job, token: &ClaimToken) -> Result<Fused, Error> {
    let Some(mut row) = RowReader::first(rows)? else {
        return Ok(Fused {
            has_ended: false,
            result: FusedResult::Undecided(None),
        });
    };
    let batch = match row.optional_int()? {
        Some(id) => Some(read_batch(id, &mut row, job, token)?),
        None => {
            row.skip(6)?;
            None
        }
    };
    if job.dialect == Dialect::Sqlite {
        return Ok(Fused {
            has_ended: false,
            result: match batch {
                Some(batch) => FusedResult::Claimed(batch, Vec::new()),
                None => FusedResult::Undecided(None),
            },
        });
    }
    let is_ready = row.int()? != 0;
    let is_end = row.int()? != 0;
    let scanned_to = row.optional_int()?;
    let lists = [
        row.optional_text()?,
        row.optional_text()?,
        row.optional_text()?,
    ];
    let has_ended = row.int()? != 0;
    let result = match batch {
        Some(batch) => FusedResult::Claimed(batch, read_items(lists, job)),
        None => not_claimed(row, job, is_ready, is_end, scanned_to)?,
    };
    Ok(Fused { has_ended, result })
}

fn not_claimed(
    mut row: RowReader,
    job: &Job,
    is_ready: bool,
    is_end: bool,
    scanned_to: Option<i64>,
) -> Result<FusedResult, Error> {
    let Some(standing) = standing::of_row(&mut row)? else {
        let standing = Standing::before_first_claim();
        return Ok(FusedResult::Undecided(Some(Box::new(standing))));
    };
    let watermark = standing.watermark;
    if is_ready {
        return Ok(FusedResult::Lost(watermark));
    }
    if standing.waiting.is_some() || standing.check_configuration(job).is_err() {
        return Ok(FusedResult::Undecided(Some(Box::new(standing))));
    }
    let reason = if watermark.has_reached(job.bounds.id_max) {
        NothingReason::BoundsDone
    } else if is_end {
        NothingReason::CaughtUp
    } else {
        return Ok(FusedResult::Undecided(Some(Box::new(standing))));
    };
    let nothing = Nothing {
        reason,
        watermark: watermark.uid(),
        scanned_to,
        held: None,
        due_in_seconds: None,
    };
    Ok(FusedResult::Nothing(nothing, Box::new(standing)))
}

fn read_batch(id: i64, row: &mut RowReader, job: &Job, token: &ClaimToken) -> Result<Batch, Error> {
    let processing_start = row.text()?;
    let follows = Watermark::followed(row.int()?);
    let range = PlannedBatch {
        id_start: row.int()?,
        id_end: row.int()?,
        count: row.count()?,
        weight: row.double()?,
        oversized: false,
    };
    Ok(job.batch(id, token, FIRST_ATTEMPT, follows, &range, processing_start))
}

/// The first items; none where one of them is none, since whoever asks for them by themselves is told.
fn read_items([uids, items, weights]: [Option<String>; 3], job: &Job) -> Vec<Item> {
    let read = || {
        let (uids, items, weights) = (list(uids?)?, list(items?)?, list(weights?)?);
        let mut given = Vec::with_capacity(uids.len());
        for ((uid, item), weight) in uids.into_iter().zip(items).zip(weights) {
            given.push(Item {
                uid: uid.as_i64()?,
                item: match item {
                    Value::Null => None,
                    item => Some(
                        (Given::parse(item.as_str()?).ok()?)
                            .encoded(job.request.item_encoding)
                            .ok()?,
                    ),
                },
                weight: weight.as_f64()?,
            });
        }
        // The database promises no order, but keeps to it.
        given.is_sorted_by_key(|item| item.uid).then_some(given)
    };
    read().unwrap_or_default()
}

fn list(json: String) -> Option<Vec<Value>> {
    match serde_json::from_str(&json) {
        Ok(Value::Array(list)) => Some(list),
        _ => None,
    }
}
