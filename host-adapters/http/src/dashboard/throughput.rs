//! How much was done when.

use batchintory::Attempt;
use maud::{Markup, html};

use super::figures::{count, percent};
use super::survey;
use super::time;

/// How long a bar may last, in seconds.
const STEPS: [i64; 21] = [
    1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 604_800, 2_592_000, 31_536_000,
];

/// How many bars there are at most.
const MAX_BARS: i64 = 60;

/// The items of attempts that ended within a step of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bar {
    /// Of those that succeeded.
    pub(crate) succeeded: u64,
    /// Of those that failed.
    pub(crate) failed: u64,
}

/// How much was done when: bars of the same length in time, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Throughput {
    /// When the first bar begins, in seconds.
    pub(crate) start: i64,
    /// How long each lasts.
    pub(crate) step: i64,
    pub(crate) bars: Vec<Bar>,
}

impl Throughput {
    /// Adds attempts up; `until` is now where some of them run. `None`: none has ended.
    pub(crate) fn of(attempts: &[Attempt], until: Option<i64>) -> Option<Self> {
        let word = succeeded_word(attempts);
        let ends: Vec<(i64, Bar)> = attempts
            .iter()
            .filter_map(|attempt| {
                let end = time::seconds(attempt.processing_end.as_deref()?)?;
                let succeeded = word == Some(attempt.status.as_str());
                let (done, not_done) = if succeeded {
                    (attempt.count, 0)
                } else {
                    (0, attempt.count)
                };
                Some((
                    end,
                    Bar {
                        succeeded: done,
                        failed: not_done,
                    },
                ))
            })
            .collect();
        let starts =
            (attempts.iter()).filter_map(|attempt| time::seconds(&attempt.processing_start));
        let last_end = ends.iter().map(|(end, _)| *end).max()?;
        let first = starts.min()?.min(last_end);
        let last = last_end.max(until.unwrap_or(last_end));
        let fits = |step: &i64| last.div_euclid(*step) - first.div_euclid(*step) < MAX_BARS;
        // Sixty years at least: what lasts longer has a wrong clock, and ends at the last bar.
        let step = STEPS.into_iter().find(fits).unwrap_or(31_536_000);
        let start = first.div_euclid(step) * step;
        let number = ((last - start) / step + 1).clamp(1, MAX_BARS);
        let mut bars = vec![Bar::default(); usize::try_from(number).unwrap_or(1)];
        for (end, items) in ends {
            let index = ((end - start) / step).clamp(0, number - 1);
            if let Some(bar) = usize::try_from(index)
                .ok()
                .and_then(|index| bars.get_mut(index))
            {
                bar.succeeded = bar.succeeded.saturating_add(items.succeeded);
                bar.failed = bar.failed.saturating_add(items.failed);
            }
        }
        Some(Self { start, step, bars })
    }

    fn total(&self, part: fn(&Bar) -> u64) -> u64 {
        self.bars.iter().map(part).fold(0, u64::saturating_add)
    }

    fn most(&self, part: fn(&Bar) -> u64) -> u64 {
        self.bars.iter().map(part).max().unwrap_or(0)
    }

    fn end(&self) -> i64 {
        let bars = i64::try_from(self.bars.len()).unwrap_or(MAX_BARS);
        self.start + self.step * bars
    }
}

/// The word for success, which can be configured: that of any range with nothing left to do.
fn succeeded_word(attempts: &[Attempt]) -> Option<&str> {
    survey::latest(attempts.iter())
        .find(|attempt| attempt.queue.is_none())
        .map(|attempt| attempt.status.as_str())
}

/// The bars as a drawing: what succeeded above the line, what failed below it.
pub(crate) fn chart(throughput: &Throughput) -> Markup {
    let succeeded = throughput.most(|bar| bar.succeeded);
    let failed = throughput.most(|bar| bar.failed);
    let height = succeeded.saturating_add(failed).max(1);
    let bars = throughput.bars.len() as u64;
    let step = time::duration(throughput.step);
    let label = format!(
        "{} succeeded and {} failed from {} to {}, at most {} succeeded in {step}",
        count(throughput.total(|bar| bar.succeeded), "item"),
        count(throughput.total(|bar| bar.failed), "item"),
        time::written(throughput.start),
        time::written(throughput.end()),
        count(succeeded, "item"),
    );
    html! {
        figure class="throughput" {
            figcaption {
                "Items per " (step) "; the highest bar: " (count(succeeded, "item"))
                @if failed > 0 { ". Below the line those of attempts that failed: up to " (count(failed, "item")) }
            }
            svg role="img" aria-label=(label) width="100%" height="140" {
                @for (index, bar) in (0..bars).zip(&throughput.bars) {
                    @let start = time::written(throughput.start + throughput.step * i64::try_from(index).unwrap_or(0));
                    @if bar.succeeded > 0 {
                        rect class="succeeded" x=(percent(index * 10 + 1, bars * 10)) width=(percent(8, bars * 10))
                            y=(percent(succeeded - bar.succeeded, height)) height=(percent(bar.succeeded, height)) {
                            title { (count(bar.succeeded, "item")) " succeeded in the " (step) " from " (start) }
                        }
                    }
                    @if bar.failed > 0 {
                        rect class="failed" fill="url(#failed)" x=(percent(index * 10 + 1, bars * 10)) width=(percent(8, bars * 10))
                            y=(percent(succeeded, height)) height=(percent(bar.failed, height)) {
                            title { (count(bar.failed, "item")) " failed in the " (step) " from " (start) }
                        }
                    }
                }
                @let line = percent(succeeded, height);
                line class="axis" x1="0" x2="100%" y1=(line) y2=(line) {}
            }
            p class="ends" aria-hidden="true" {
                span { (time::written(throughput.start)) }
                span { (time::written(throughput.end())) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use batchintory::Queue;

    use super::*;

    fn attempt(id: i64, status: &str, start: &str, end: Option<&str>) -> Attempt {
        Attempt {
            id,
            meta_table: "files".into(),
            job: "lines".into(),
            job_identifier: None,
            attempt: 1,
            status: status.into(),
            id_start: id,
            id_end: id,
            count: 10,
            weight: 0.0,
            processing_start: format!("2026-01-01T{start}Z"),
            processing_end: end.map(|end| format!("2026-01-01T{end}Z")),
            lease_expires: None,
            claim_token: None,
            result_item: None,
            log: None,
            queue: match status {
                "done" => None,
                "running" => Some(Queue::Running),
                _ => Some(Queue::Exhausted),
            },
            passed_over: false,
        }
    }

    #[test]
    fn items_are_added_up_in_steps() {
        let attempts = [
            attempt(4, "running", "00:01:00", None),
            attempt(3, "lost", "00:00:30", Some("00:00:50")),
            attempt(2, "done", "00:00:05", Some("00:00:09")),
            attempt(1, "done", "00:00:01", Some("00:00:08")),
        ];
        let until = time::seconds("2026-01-01T00:01:30Z");
        let throughput = Throughput::of(&attempts, until).unwrap();
        assert_eq!(throughput.step, 2);
        assert_eq!(throughput.bars.len(), 46);
        assert_eq!(throughput.total(|bar| bar.succeeded), 20);
        assert_eq!(
            throughput.bars[4],
            Bar {
                succeeded: 20,
                failed: 0
            }
        );
        assert_eq!(throughput.bars[25].failed, 10);
        // Over since long: the time since then tells nothing.
        assert_eq!(Throughput::of(&attempts, None).unwrap().step, 1);
    }

    #[test]
    fn nothing_ended_is_no_throughput() {
        assert_eq!(Throughput::of(&[], Some(0)), None);
        let running = [attempt(1, "running", "00:00:00", None)];
        assert_eq!(Throughput::of(&running, Some(0)), None);
    }

    #[test]
    fn wrong_clocks_and_huge_counts_are_survived() {
        let mut first = attempt(1, "done", "00:00:00", Some("00:00:01"));
        first.processing_start = "0001-01-01T00:00:00Z".into();
        first.count = u64::MAX;
        let mut second = attempt(2, "done", "00:00:00", Some("00:00:01"));
        second.count = u64::MAX;
        let mut third = attempt(3, "failed", "00:00:00", Some("00:00:01"));
        third.count = u64::MAX;
        let throughput = Throughput::of(&[third, second, first], Some(i64::MAX / 2)).unwrap();
        assert_eq!(throughput.bars.len(), 60);
        assert_eq!(throughput.total(|bar| bar.succeeded), u64::MAX);
        assert!(
            chart(&throughput)
                .into_string()
                .contains("18,446,744,073,709,551,615 items")
        );
    }
}
