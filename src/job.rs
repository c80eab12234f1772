//! A request that was found sound: what a job hands out, parsed once at the edge.

use crate::claim_token::ClaimToken;
use crate::condition::Condition;
use crate::database::{Dialect, Source};
use crate::error::Error;
use crate::interface::{AcquireRequest, Batch, MetaColumns, PlannedBatch, Settle};
use crate::table_name::TableName;
use crate::watermark::Watermark;

/// The longest name of a job, or of a meta table in its normalised spelling, in bytes: both stand
/// in an index.
const MAX_NAME_BYTES: usize = 255;
/// The longest job identifier, in bytes.
const MAX_IDENTIFIER_BYTES: usize = 1_024;

/// The most attempts at a range.
const MAX_ATTEMPTS: u32 = 1_000;
/// The longest lease and the longest rest: a year.
const MAX_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The attempt of a range that was never handed out before.
pub(crate) const FIRST_ATTEMPT: i64 = 1;

/// The lowest 64 bit integer stands for "before all ids", so it cannot be an id itself.
const LOWEST_UID: i64 = i64::MIN + 1;

/// A sound request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    /// In which database the items stand.
    pub(crate) source: Source,
    /// That database's dialect.
    pub(crate) dialect: Dialect,
    /// Where the items stand there.
    pub(crate) meta_table: TableName,
    /// Which of its columns matter.
    pub(crate) columns: MetaColumns,
    /// The job's name.
    pub(crate) name: String,
    /// Tells runs of the job apart.
    pub(crate) identifier: Option<String>,
    /// Which ids may be handed out.
    pub(crate) bounds: Bounds,
    /// How much a batch may hold.
    pub(crate) limits: Limits,
    /// Which rows belong to the job.
    pub(crate) filter: Option<Condition>,
    /// Which rows are not ready.
    pub(crate) hold: Option<Condition>,
    /// How to tell that no row will appear below one that is there already.
    pub(crate) settle: Settle,
    /// When a range is handed out again.
    pub(crate) retries: Retries,
    /// How long a batch may run without a sign of life, in seconds.
    pub(crate) lease_seconds: Option<u32>,
    /// The whole effective request, as kept in the inventory's `config`: with the table's scope.
    pub(crate) request: AcquireRequest,
}

/// When a range is handed out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retries {
    /// At least 1.
    pub(crate) max_attempts: u32,
    /// The rest after the first failure.
    pub(crate) delay_seconds: Option<u32>,
}

/// The ids that may be handed out, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) id_min: Option<i64>,
    pub(crate) id_max: Option<i64>,
}

/// How much a batch may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// Above 0 and finite.
    pub(crate) weight: Option<f64>,
    /// At least 1.
    pub(crate) count: Option<u64>,
}

/// How a batch keeps to its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// It holds no more than it may.
    Within,
    /// It is a single item that alone is heavier.
    Oversized,
    /// It holds several items and more than it may, as only a range can that is handed out again.
    OverLimit,
}

/// Whose attempts are meant: a job's, on a meta table by the name that the inventory keeps.
#[derive(Debug, Clone)]
pub(crate) struct JobKey {
    pub(crate) meta_table: String,
    pub(crate) job: String,
}

impl Job {
    /// Checks a request against everything that can be known without a database.
    pub(crate) fn parse(
        request: &AcquireRequest,
        dialect: Dialect,
        meta_table: TableName,
    ) -> Result<Self, Error> {
        check_name("job", &request.job)?;
        if let Some(identifier) = &request.job_identifier {
            check_length("job-identifier", identifier, MAX_IDENTIFIER_BYTES)?;
        }
        let columns = &request.columns;
        check_name("columns.uid", &columns.uid)?;
        check_name("columns.item", &columns.item)?;
        if let Some(weight) = &columns.weight {
            check_name("columns.weight", weight)?;
        }
        let condition = |place, text: &Option<String>| {
            (text.as_deref())
                .map(|text| {
                    Condition::parse(place, text)
                        .map_err(|why| Error::invalid_request(why).of_field(place))
                })
                .transpose()
        };
        check_seconds("lease-seconds", request.lease_seconds, 1)?;
        Ok(Self {
            source: Source::Meta,
            dialect,
            columns: columns.clone(),
            name: request.job.clone(),
            identifier: request.job_identifier.clone(),
            bounds: Bounds::parse(request)?,
            limits: Limits::parse(request)?,
            filter: condition("filter", &request.filter)?,
            hold: condition("hold", &request.hold)?,
            settle: request.settle,
            retries: Retries::parse(request)?,
            lease_seconds: request.lease_seconds,
            request: AcquireRequest {
                meta_table: meta_table.scope(),
                ..request.clone()
            },
            meta_table,
        })
    }
}

impl Job {
    /// Under which its attempts stand in the inventory.
    pub(crate) fn key(&self) -> JobKey {
        JobKey {
            meta_table: self.meta_table.scope(),
            job: self.name.clone(),
        }
    }

    /// The batch that a claim of this range has become, behind the range that it follows.
    pub(crate) fn batch(
        &self,
        id: i64,
        token: &ClaimToken,
        attempt: i64,
        follows: Watermark,
        range: &PlannedBatch,
        processing_start: String,
    ) -> Batch {
        Batch {
            id,
            claim_token: token.as_str().to_owned(),
            meta_table: self.meta_table.to_string(),
            job: self.name.clone(),
            job_identifier: self.identifier.clone(),
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
            id_start: range.id_start,
            id_end: range.id_end,
            count: range.count,
            weight: range.weight,
            oversized: range.oversized,
            over_limit: self.limits.fit(range.count, range.weight) == Fit::OverLimit,
            passed_over_from: follows.passed_over_from(self.bounds.id_min),
            processing_start,
        }
    }
}

impl Bounds {
    fn parse(request: &AcquireRequest) -> Result<Self, Error> {
        for (field, id) in [("id-min", request.id_min), ("id-max", request.id_max)] {
            if id.is_some_and(|id| id < LOWEST_UID) {
                return Err(Error::invalid_request(format!(
                    "{field}: ids start at {LOWEST_UID}; leave {field} out for no bound"
                ))
                .of_field(field));
            }
        }
        if let (Some(id_min), Some(id_max)) = (request.id_min, request.id_max)
            && id_min > id_max
        {
            return Err(Error::invalid_request(format!(
                "id-min ({id_min}) is above id-max ({id_max}): no id lies between them; swap them?"
            ))
            .of_field("id-min"));
        }
        Ok(Self {
            id_min: request.id_min,
            id_max: request.id_max,
        })
    }
}

impl Limits {
    /// How a batch of so many items that weigh so much keeps to them.
    pub(crate) fn fit(self, count: u64, weight: f64) -> Fit {
        let is_heavy =
            (self.weight).is_some_and(|most| weight > most && !is_same_weight(weight, most));
        if is_heavy && count <= 1 {
            Fit::Oversized
        } else if is_heavy || self.count.is_some_and(|most| count > most) {
            Fit::OverLimit
        } else {
            Fit::Within
        }
    }

    fn parse(request: &AcquireRequest) -> Result<Self, Error> {
        if let Some(weight) = request.max_weight {
            if !(weight > 0.0 && weight.is_finite()) {
                return Err(Error::invalid_request(
                    "max-weight must be a finite number above 0; leave it out for no limit",
                )
                .of_field("max-weight"));
            }
            if request.columns.weight.is_none() {
                return Err(Error::invalid_request(
                    "max-weight needs a weight column; name one, or limit by max-count",
                )
                .of_field("columns.weight"));
            }
        }
        if let Some(count) = request.max_count
            && (count == 0 || i64::try_from(count).is_err())
        {
            return Err(Error::invalid_request(format!(
                "max-count must be from 1 to {}, not {count}; leave it out for no limit",
                i64::MAX
            ))
            .of_field("max-count")
            .with_limit(i64::MAX));
        }
        Ok(Self {
            weight: request.max_weight,
            count: request.max_count,
        })
    }
}

impl Retries {
    fn parse(request: &AcquireRequest) -> Result<Self, Error> {
        if !(1..=MAX_ATTEMPTS).contains(&request.max_attempts) {
            return Err(Error::invalid_request(format!(
                "max-attempts must be from 1 to {MAX_ATTEMPTS}, not {}; with 1 nothing is handed out again",
                request.max_attempts
            ))
            .of_field("max-attempts")
            .with_limit(MAX_ATTEMPTS));
        }
        check_seconds("retry-delay-seconds", request.retry_delay_seconds, 0)?;
        Ok(Self {
            max_attempts: request.max_attempts,
            delay_seconds: request.retry_delay_seconds,
        })
    }
}

/// Whether two weights are the same: they are sums of floating-point numbers, which differ by so
/// little when they are added in another order.
pub(crate) fn is_same_weight(one: f64, other: f64) -> bool {
    const TOLERANCE: f64 = 1e-9;
    (one - other).abs() <= TOLERANCE * one.abs().max(1.0)
}

/// A duration must be one that a clock can add.
pub(crate) fn check_seconds(field: &str, seconds: Option<u32>, least: u32) -> Result<(), Error> {
    match seconds {
        Some(seconds) if !(least..=MAX_SECONDS).contains(&seconds) => {
            Err(Error::invalid_request(format!(
                "{field} must be from {least} to {MAX_SECONDS} seconds, not {seconds}; leave it out for none"
            ))
            .of_field(field)
            .with_limit(MAX_SECONDS))
        }
        _ => Ok(()),
    }
}

/// A meta table, if its name was read and its scope fits.
pub(crate) fn checked(name: Result<TableName, String>) -> Result<TableName, Error> {
    let table = name.map_err(|message| {
        Error::invalid_request(format!("meta-table: {message}")).of_field("meta-table")
    })?;
    check_name("meta-table", &table.scope())?;
    Ok(table)
}

/// A name that stands in an index.
pub(crate) fn check_name(field: &str, text: &str) -> Result<(), Error> {
    check_length(field, text, MAX_NAME_BYTES)
}

/// A page must not be without limit.
pub(crate) fn check_limit(limit: u32, most: u32, what: &str) -> Result<(), Error> {
    if (1..=most).contains(&limit) {
        return Ok(());
    }
    Err(Error::invalid_request(format!(
        "limit must be from 1 to {most} {what}, not {limit}; ask for more pages"
    ))
    .of_field("limit")
    .with_limit(most))
}

/// A name must be there, must fit and must be text that every database can hold.
fn check_length(field: &str, text: &str, most: usize) -> Result<(), Error> {
    let problem = if text.is_empty() {
        "must not be empty".to_owned()
    } else if text.len() > most {
        format!("has {} bytes; at most {most} are allowed", text.len())
    } else if text.contains('\0') {
        "must not hold a NUL character".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::invalid_request(format!("{field} {problem}"))
        .of_field(field)
        .with_limit(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(request: AcquireRequest) -> Result<Job, Error> {
        let table = checked(TableName::of(
            &request.meta_table,
            Dialect::Postgresql,
            None,
        ))?;
        Job::parse(&request, Dialect::Postgresql, table)
    }

    fn request() -> AcquireRequest {
        AcquireRequest::new("public.files", "thumbnails")
    }

    #[test]
    fn the_kept_request_has_the_normalised_name() {
        assert_eq!(parse(request()).unwrap().request.meta_table, "files");
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        let columns = |uid: &str| MetaColumns {
            uid: uid.into(),
            ..MetaColumns::default()
        };
        let unweighted = MetaColumns {
            weight: None,
            ..MetaColumns::default()
        };
        let bad = [
            (
                AcquireRequest {
                    job: String::new(),
                    ..request()
                },
                "job must not be empty",
            ),
            (
                AcquireRequest {
                    job: long,
                    ..request()
                },
                "job has 256 bytes",
            ),
            (
                AcquireRequest {
                    job: "a\0".into(),
                    ..request()
                },
                "NUL",
            ),
            (
                AcquireRequest {
                    meta_table: "a.b.c".into(),
                    ..request()
                },
                "two parts",
            ),
            (
                AcquireRequest {
                    columns: columns(""),
                    ..request()
                },
                "columns.uid must not be empty",
            ),
            (
                AcquireRequest {
                    id_min: Some(3),
                    id_max: Some(2),
                    ..request()
                },
                "is above id-max",
            ),
            (
                AcquireRequest {
                    id_min: Some(i64::MIN),
                    ..request()
                },
                "ids start at",
            ),
            (
                AcquireRequest {
                    max_weight: Some(0.0),
                    ..request()
                },
                "above 0",
            ),
            (
                AcquireRequest {
                    max_weight: Some(-1.0),
                    ..request()
                },
                "above 0",
            ),
            (
                AcquireRequest {
                    max_weight: Some(f64::NAN),
                    ..request()
                },
                "above 0",
            ),
            (
                AcquireRequest {
                    max_weight: Some(f64::INFINITY),
                    ..request()
                },
                "above 0",
            ),
            (
                AcquireRequest {
                    max_count: Some(0),
                    ..request()
                },
                "from 1 to",
            ),
            (
                AcquireRequest {
                    max_count: Some(u64::MAX),
                    ..request()
                },
                "from 1 to",
            ),
            (
                AcquireRequest {
                    max_weight: Some(1.0),
                    columns: unweighted,
                    ..request()
                },
                "needs a weight column",
            ),
            (
                AcquireRequest {
                    filter: Some("x".into()),
                    ..request()
                },
                "not valid JSON",
            ),
        ];
        for (request, expected) in bad {
            match parse(request.clone()) {
                Err(error @ Error::InvalidRequest(_)) => {
                    assert!(error.message().contains(expected), "{error}");
                }
                other => panic!("{request:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_batch_says_how_it_keeps_to_its_limits() {
        let limits = |weight, count| Limits { weight, count };
        for (limits, count, weight, expected) in [
            (limits(None, None), 18, 1e9, Fit::Within),
            (limits(Some(10.0), Some(2)), 2, 10.0, Fit::Within),
            (limits(Some(0.3), None), 2, 0.1 + 0.2, Fit::Within),
            (limits(Some(10.0), None), 1, 11.0, Fit::Oversized),
            (limits(Some(10.0), None), 18, 11.0, Fit::OverLimit),
            (limits(Some(10.0), Some(2)), 3, 1.0, Fit::OverLimit),
            (limits(Some(10.0), Some(2)), 0, 0.0, Fit::Within),
        ] {
            assert_eq!(limits.fit(count, weight), expected, "{count}, {weight}");
        }
    }

    #[test]
    fn limits_and_bounds_hold_at_their_edges() {
        let edge = AcquireRequest {
            job: "x".repeat(MAX_NAME_BYTES),
            id_min: Some(LOWEST_UID),
            id_max: Some(LOWEST_UID),
            max_weight: Some(f64::MIN_POSITIVE),
            max_count: Some(1),
            ..request()
        };
        assert!(parse(edge).is_ok());
    }
}
