//! Claiming in one statement, where inventory and meta table are in one database.
//!
//! What the statement cannot decide, the steps of [`acquire`](crate::acquire) do, from where it left off.

use serde_json::Value;

use crate::claim_token::ClaimToken;
use crate::configuration;
use crate::database::{Database, Dialect, Source};
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
use crate::sql::fused_claim::{FusedBatch, FusedClaim, FusedRow, FusedTold};
use crate::sql::inventory::Ending;
use crate::standing::Standing;
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
        let claim = databases.inventory.claim_next(&FusedClaim {
            job,
            judgement,
            most_weight: most_weight(job),
            token,
            config,
            config_fingerprint: configuration::fingerprint(&job.request),
            items,
            ending,
        });
        let rows = databases.try_inventory(claim.statement).await?;
        // Where its row cannot be read, the claim may stand: as good as a lost answer.
        let row =
            (claim.rows.first(rows)).map_err(|error| Failure::outcome_unknown(error.message()))?;
        let mut fused = fused(row, job, token);
        if job.dialect == Dialect::Sqlite
            && let (FusedResult::Claimed(batch, given), 1..) = (&mut fused.result, items)
        {
            *given = first_items(databases, job, judgement, batch, items).await;
        }
        Ok(fused)
    }
}

fn fused(row: Option<FusedRow>, job: &Job, token: &ClaimToken) -> Fused {
    let Some(FusedRow { claimed, told }) = row else {
        return Fused {
            has_ended: false,
            result: FusedResult::Undecided(None),
        };
    };
    Fused {
        has_ended: told.as_ref().is_some_and(|told| told.has_ended),
        result: match (claimed, told) {
            (Some(claimed), told) => FusedResult::Claimed(
                batch(claimed, job, token),
                told.map_or_else(Vec::new, |told| read_items(told.items, job)),
            ),
            (None, Some(told)) => not_claimed(told, job),
            (None, None) => FusedResult::Undecided(None),
        },
    }
}

fn not_claimed(told: FusedTold, job: &Job) -> FusedResult {
    let Some(row) = told.standing else {
        let standing = Standing::before_first_claim();
        return FusedResult::Undecided(Some(Box::new(standing)));
    };
    let standing = Standing::of(row);
    let watermark = standing.watermark;
    if told.is_ready {
        return FusedResult::Lost(watermark);
    }
    if standing.waiting.is_some() || standing.check_configuration(job).is_err() {
        return FusedResult::Undecided(Some(Box::new(standing)));
    }
    let reason = if watermark.has_reached(job.bounds.id_max) {
        NothingReason::BoundsDone
    } else if told.is_end {
        NothingReason::CaughtUp
    } else {
        return FusedResult::Undecided(Some(Box::new(standing)));
    };
    let nothing = Nothing {
        reason,
        watermark: watermark.uid(),
        scanned_to: told.scanned_to,
        held: None,
        due_in_seconds: None,
    };
    FusedResult::Nothing(nothing, Box::new(standing))
}

fn batch(claimed: FusedBatch, job: &Job, token: &ClaimToken) -> Batch {
    let range = PlannedBatch {
        id_start: claimed.id_start,
        id_end: claimed.id_end,
        count: claimed.count,
        weight: claimed.weight,
        oversized: false,
    };
    let follows = Watermark::followed(claimed.after);
    let FusedBatch {
        id,
        processing_start,
        ..
    } = claimed;
    job.batch(id, token, FIRST_ATTEMPT, follows, &range, processing_start)
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
