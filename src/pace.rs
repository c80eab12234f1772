//! How fast a job gets on, by its latest attempts, and when it will be done.

use crate::database::Database;
use crate::databases::Databases;
use crate::error::Error;
use crate::interface::JobProgress;
use crate::job::Job;
use crate::sql::jobs::Pace;

const SECONDS_PER_HOUR: f64 = 3_600.0;

/// Adds to what is left how fast it gets less.
#[synchronous]
pub(crate) async fn tell<D: Database>(
    databases: &Databases<'_, D>,
    job: &Job,
    progress: &mut JobProgress,
) -> Result<(), Error> {
    let pace = databases.inventory.read_pace(&job.key());
    let pace = databases.inventory_row(pace).await?;
    pace.tell(progress);
    Ok(())
}

impl Pace {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss
    )]
    fn tell(&self, progress: &mut JobProgress) {
        let left = match (progress.at_least, progress.estimated_items) {
            (false, _) => Some(progress.items),
            (true, estimate) => estimate,
        };
        let left = left.map(|left| left.saturating_add(self.open_items));
        if left == Some(0) {
            progress.seconds_left = Some(0);
        }
        // What runs may have ended nothing for a while.
        let seconds = if self.is_running {
            self.seconds_to_now.max(self.seconds)
        } else {
            self.seconds
        };
        if self.items == 0 || seconds <= 0.0 {
            return;
        }
        let per_second = self.items as f64 / seconds;
        progress.items_per_hour = Some(per_second * SECONDS_PER_HOUR);
        progress.weight_per_hour = Some(self.weight / seconds * SECONDS_PER_HOUR);
        let rests = !self.is_running && self.seconds_to_now > 2.0 * self.seconds;
        if !rests && let Some(left) = left {
            progress.seconds_left = Some((left as f64 / per_second) as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pace: &Pace, items: u64, estimated_items: Option<u64>) -> JobProgress {
        let mut progress = JobProgress {
            items,
            at_least: estimated_items.is_some(),
            estimated_items,
            ..JobProgress::default()
        };
        pace.tell(&mut progress);
        progress
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_was_done() {
        let pace = Pace {
            items: 100,
            weight: 50.0,
            seconds: 90.0,
            seconds_to_now: 100.0,
            is_running: true,
            open_items: 20,
        };
        let progress = told(&pace, 180, None);
        assert_eq!(progress.items_per_hour, Some(3_600.0));
        assert_eq!(progress.weight_per_hour, Some(1_800.0));
        assert_eq!(progress.seconds_left, Some(200));
        assert_eq!(told(&pace, 10, Some(980)).seconds_left, Some(1_000));

        let between = Pace {
            is_running: false,
            ..pace
        };
        assert_eq!(told(&between, 180, None).seconds_left, Some(180));
        let resting = Pace {
            seconds_to_now: 181.0,
            ..between
        };
        let progress = told(&resting, 180, None);
        assert_eq!(
            (progress.items_per_hour, progress.seconds_left),
            (Some(4_000.0), None)
        );
    }

    #[test]
    fn without_an_end_nothing_is_known_but_that_nothing_is_left() {
        let pace = Pace {
            items: 0,
            weight: 0.0,
            seconds: 0.0,
            seconds_to_now: 5.0,
            is_running: true,
            open_items: 3,
        };
        let progress = told(&pace, 0, None);
        assert_eq!(
            (progress.items_per_hour, progress.seconds_left),
            (None, None)
        );
        let done = Pace {
            is_running: false,
            open_items: 0,
            ..pace
        };
        assert_eq!(told(&done, 0, None).seconds_left, Some(0));
        assert_eq!(told(&done, 1, None).seconds_left, None);
    }
}
