//! Where a job stands: what its next claim goes by, read in one statement.

use crate::configuration::{self, Kept};
use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::OnChange;
use crate::job::Job;
use crate::meta_database::Identity;
use crate::next_batch::Density;
use crate::sql::inventory::{Queued, StandingRow};
use crate::sums::Sums;
use crate::watermark::{BEFORE_ALL, Watermark};

/// Where a job stands.
pub(crate) struct Standing {
    /// How far its ranges reach.
    pub(crate) watermark: Watermark,
    /// How dense its highest range is.
    pub(crate) density: Density,
    /// What is kept with its highest range. `None` where there is none, and where it is not
    /// understood, such as another program's.
    kept: Option<Kept>,
    /// Which database the meta table was in at its highest range, as far as it told.
    pub(crate) meta_database: Identity,
    /// What it has handed out up to and with its highest range.
    pub(crate) through: Sums,
    /// The end of the range that the first one follows which is to be handed out again.
    pub(crate) waiting: Option<i64>,
    /// No attempt that was planned at a lower watermark runs, or waits because it failed, now or
    /// ever again.
    pub(crate) queue_from: i64,
    /// Whether any attempt runs, or waits because it failed.
    pub(crate) has_unfinished: bool,
}

/// Reads where a job stands.
#[synchronous]
pub(crate) async fn read<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
) -> Result<Standing, Error> {
    let row = (databases.inventory).read_standing(&job.key(), job.bounds, job.retries);
    let row = databases.first_on_primary(row).await?.flatten();
    Ok(row.map_or_else(Standing::before_first_claim, Standing::of))
}

/// At which watermark the first attempt was planned that runs, or waits because it failed, when
/// none is to be handed out again.
///
/// No other with a lower one can follow. A claim that is not visible here yet was planned either
/// with this very watermark in sight, or is the next attempt at a range. Then the one before it
/// still waits and counts here, and was planned at no higher watermark. Nothing rests on the order
/// of the inventory's own ids, which sequences with a cache, or of a restored database, give out of
/// order.
fn next_queue_from(watermark: i64, queued: [Queued; 2]) -> i64 {
    (queued.into_iter().filter_map(|queued| queued.planned_from)).fold(watermark, i64::min)
}

impl Standing {
    /// Of a job that has this row.
    pub(crate) fn of(row: StandingRow) -> Self {
        let StandingRow {
            id_start, id_end, ..
        } = row;
        let queued = [row.unfinished, row.requeued];
        let waiting = queued.iter().filter_map(|queued| queued.due).min();
        Self {
            watermark: Watermark::at(Some(id_end)),
            density: Density {
                count: row.count,
                weight: row.weight,
                span: id_end.abs_diff(id_start).saturating_add(1),
            },
            kept: configuration::read(&row.config),
            meta_database: Identity::of_kept(row.meta_database),
            through: row.through,
            waiting,
            queue_from: match waiting {
                Some(_) => row.queue_from.unwrap_or(BEFORE_ALL),
                None => next_queue_from(id_end, queued),
            },
            has_unfinished: row.unfinished.planned_from.is_some(),
        }
    }

    /// Of a job that has claimed nothing yet.
    pub(crate) fn before_first_claim() -> Self {
        Self {
            watermark: Watermark::at(None),
            density: Density::default(),
            kept: None,
            meta_database: Identity::NotAsked,
            through: Sums::default(),
            waiting: None,
            queue_from: BEFORE_ALL,
            has_unfinished: false,
        }
    }

    /// The lower bound under which the highest range was planned, where that is known.
    pub(crate) fn id_min_before(&self) -> Option<i64> {
        self.kept.as_ref()?.request.id_min
    }

    /// Refuses a job whose configuration differs from that of its highest range: what was passed
    /// over under the one would be missed under the other.
    pub(crate) fn check_configuration(&self, job: &Job) -> Result<(), Error> {
        let Some(before) = &self.kept else {
            return Ok(());
        };
        if job.request.on_change == OnChange::Accept {
            return Ok(());
        }
        let differences = configuration::differences(&before.request, &job.request);
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::configuration_changed(format!(
            "the job {:?} has another configuration than its latest range: {}; nothing was handed \
             out: ask as before, name another job, or accept the change (`on-change`)",
            job.name,
            differences.join("; ")
        ))
        .of_field("on-change")
        .of_table(&job.meta_table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_looked_for_from_the_first_on_that_may_yet_be_handed_out_again() {
        let queued = |planned_from| Queued {
            due: None,
            planned_from,
        };
        for (unfinished, requeued, expected) in [
            (None, None, 90),
            (Some(90), None, 90),
            (Some(70), None, 70),
            (Some(BEFORE_ALL), None, BEFORE_ALL),
            // One that was requeued may be older than all that was looked at, and its next attempt
            // on its way.
            (Some(70), Some(30), 30),
            (None, Some(30), 30),
        ] {
            let queued = [queued(unfinished), queued(requeued)];
            assert_eq!(next_queue_from(90, queued), expected);
        }
    }
}
