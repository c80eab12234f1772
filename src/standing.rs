//! Where a job stands: what its next claim goes by, read in one statement.

use crate::claim::FIRST_ATTEMPT;
use crate::configuration;
use crate::database::Database;
use crate::databases::{Databases, RowReader};
use crate::error::Error;
use crate::interface::OnChange;
use crate::job::Job;
use crate::next_batch::Density;
use crate::watermark::Watermark;

/// Where a job stands.
pub(crate) struct Standing {
    /// How far its ranges reach.
    pub(crate) watermark: Watermark,
    /// How dense its highest range is.
    pub(crate) density: Density,
    /// The request of its highest range, as it is kept.
    config: Option<String>,
    /// The inventory id of the oldest attempt whose range is to be handed out again.
    pub(crate) waiting: Option<i64>,
    /// No attempt with a lower inventory id runs, or waits because it failed, now or ever again.
    pub(crate) queue_from: i64,
}

/// Reads where a job stands.
pub(crate) async fn read<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Standing, Error> {
    let meta_table = job.meta_table.to_string();
    let statement =
        (databases.inventory).read_standing(&meta_table, &job.name, job.bounds, job.retries);
    let Some(mut row) = RowReader::first(databases.inventory(statement).await?)? else {
        return Ok(Standing {
            watermark: Watermark::at(None),
            density: Density::default(),
            config: None,
            waiting: None,
            queue_from: 0,
        });
    };
    let (id_start, id_end) = (row.int()?, row.int()?);
    let density = Density {
        count: row.count()?,
        weight: row.double()?,
        span: id_end.abs_diff(id_start).saturating_add(1),
    };
    let config = Some(row.text()?);
    let (id, attempt) = (row.int()?, row.int()?);
    let queue_from = row.optional_int()?.unwrap_or(0);
    let queued = [row.optional_int()?, row.optional_int()?];
    let waiting = queued.into_iter().flatten().filter(|id| *id > 0).min();
    Ok(Standing {
        watermark: Watermark::at(Some(id_end)),
        density,
        config,
        waiting,
        queue_from: match waiting {
            Some(_) => queue_from,
            None => next_queue_from(queue_from, id, attempt, queued),
        },
    })
}

/// From which inventory id on attempts run, or wait because they failed, when none is to be handed out
/// again; those that merely wait their time are given by their ids, made negative.
///
/// A claim that others see later gets a higher id than the one read here. Either it follows the
/// highest range, so it was planned once that was there, or it is the next attempt at a range whose
/// last attempt still waits and counts here. That holds for the first attempt at the highest range
/// only: a claim behind it may be older than a later attempt.
fn next_queue_from(queue_from: i64, id: i64, attempt: i64, queued: [Option<i64>; 2]) -> i64 {
    let highest = if attempt == FIRST_ATTEMPT {
        id
    } else {
        queue_from
    };
    (queued.into_iter().flatten())
        .map(i64::wrapping_neg)
        .fold(highest, i64::min)
}

impl Standing {
    /// Refuses a job whose configuration differs from that of its highest range: what was passed
    /// over under the one would be missed under the other.
    ///
    /// `config` is the job's request as it is to be kept. One that is not understood, such as an
    /// other program's, tells of no difference.
    pub(crate) fn check_configuration(&self, job: &Job, config: &str) -> Result<(), Error> {
        let Some(before) = self.config.as_deref() else {
            return Ok(());
        };
        if before == config || job.request.on_change == OnChange::Accept {
            return Ok(());
        }
        let Some(before) = configuration::read(before) else {
            return Ok(());
        };
        let differences = configuration::differences(&before, &job.request);
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::ConfigurationChanged(format!(
            "the job {:?} has another configuration than its latest range: {}; nothing was handed \
             out: ask as before, name another job, or accept the change (`on-change`)",
            job.name,
            differences.join("; ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_looked_for_from_the_oldest_on_that_may_yet_be_handed_out_again() {
        for (id, attempt, queued, expected) in [
            (9, 1, [None, None], 9),
            (9, 1, [Some(-9), None], 9),
            (9, 1, [Some(-7), None], 7),
            // One that was put back may be older than all that was looked at. Its next attempt may be
            // on its way, with any id above its own.
            (9, 1, [Some(-7), Some(-3)], 3),
            (9, 1, [None, Some(-3)], 3),
            // A claim behind this range may be on its way with a lower id than its second attempt.
            (9, 2, [None, None], 5),
            (9, 2, [Some(-7), None], 5),
        ] {
            assert_eq!(next_queue_from(5, id, attempt, queued), expected);
        }
    }
}
