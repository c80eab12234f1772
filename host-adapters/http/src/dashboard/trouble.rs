//! What failed, with the ends of the logs.

use batchintory::{Attempt, Error, HistoryQuery, JobSummary, Queue};
use maud::{Markup, html};

use super::figures::{count, range, whole};
use super::setting::Setting;
use super::survey::{self, WITH_LOGS};
use super::{address, requeue, time};
use crate::inventory::{Inventory, latest_attempts};

/// How much of a log is shown, in bytes: its end, where the reason usually stands.
const LOG_BYTES: usize = 4 * 1024;

/// How much of a log's last line is shown before the log is opened, in characters.
const LINE_CHARACTERS: usize = 120;

/// The exhausted ranges of a job, and those that will be retried.
pub(crate) fn section(
    job: &JobSummary,
    setting: Setting,
    inventory: &impl Inventory,
) -> Result<Markup, Error> {
    let list = |queue, number| {
        if number == 0 {
            return Ok(Vec::new());
        }
        let query = HistoryQuery {
            limit: WITH_LOGS,
            details: setting.can_read_logs,
            ..survey::attempts_of(job, Some(queue))
        };
        latest_attempts(inventory, query)
    };
    let exhausted = list(Queue::Exhausted, job.exhausted)?;
    let failed = list(Queue::Retry, job.waiting)?;
    Ok(html! {
        section aria-labelledby="exhausted-ranges" {
            h2 id="exhausted-ranges" { "Exhausted" }
            @if exhausted.is_empty() {
                p { "Nothing is exhausted." }
            } @else {
                p { "Failed as often as is allowed; not handed out again until requeued." }
                @if setting.can_write {
                    (requeue::all_exhausted(job))
                } @else {
                    p { "To requeue from here, sign in with a token of the role " code { "admin" } "." }
                }
                (entries(&exhausted, setting))
                @if job.exhausted > exhausted.len() as u64 {
                    p { "The latest " (exhausted.len()) " of " (whole(job.exhausted)) " are shown; "
                        a id="all-exhausted" href=(address::batches(job, "exhausted")) { "all as JSON" } "." }
                }
            }
        }
        @if !failed.is_empty() {
            section aria-labelledby="failed-ranges" {
                h2 id="failed-ranges" { "Failed, will be retried" }
                (entries(&failed, setting))
                @if failed.len() >= WITH_LOGS as usize {
                    p { "The latest " (WITH_LOGS) " are shown; "
                        a id="all-failed" href=(address::batches(job, "retry")) { "all as JSON" } "." }
                }
            }
        }
    })
}

fn entries(attempts: &[Attempt], setting: Setting) -> Markup {
    html! {
        ul class="trouble" {
            @for attempt in attempts {
                li {
                    div class="what" {
                        p {
                            b { "Ids " (range(attempt)) } ", " (count(attempt.count, "item"))
                            ": batch " (attempt.id) ", attempt " (attempt.attempt)
                            @if let Some(end) = &attempt.processing_end { ", ended " (time::ago(end, setting.now)) }
                        }
                        @if setting.can_write { (requeue::one(attempt)) }
                    }
                    @if setting.can_read_logs { (log(attempt)) }
                }
            }
        }
    }
}

fn log(attempt: &Attempt) -> Markup {
    let Some(log) = attempt
        .log
        .as_deref()
        .map(str::trim_end)
        .filter(|log| !log.is_empty())
    else {
        return html! { p class="no-log" { "No log." } };
    };
    let end = end(log);
    html! {
        details id=(format!("log-{}", attempt.id)) {
            summary id=(format!("log-summary-{}", attempt.id)) { "Log: " code { (last_line(log)) } }
            @if end.len() < log.len() { p { "The end of " (whole(log.len() as u64)) " bytes:" } }
            pre id=(format!("log-end-{}", attempt.id)) tabindex="0" role="region" aria-label=(format!("Log of batch {}", attempt.id)) { (end) }
        }
    }
}

/// The end of a log: whole lines where it has short ones.
fn end(log: &str) -> &str {
    let Some(surplus) = log
        .len()
        .checked_sub(LOG_BYTES)
        .filter(|&surplus| surplus > 0)
    else {
        return log;
    };
    let end = (surplus..log.len())
        .find_map(|start| log.get(start..))
        .unwrap_or_default();
    match end.split_once('\n') {
        Some((first, rest)) if first.len() < LOG_BYTES / 4 => rest,
        _ => end,
    }
}

fn last_line(log: &str) -> String {
    let line = log.lines().next_back().unwrap_or_default().trim();
    match line.char_indices().nth(LINE_CHARACTERS) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_end_is_shown() {
        assert_eq!(end("short"), "short");
        let lines = "a line of a log\n".repeat(1_000);
        let shown = end(&lines);
        assert!(shown.len() <= LOG_BYTES && shown.len() > LOG_BYTES - 20);
        assert!(shown.starts_with("a line"));
        // Cut between letters that have several bytes.
        let letters = "ä".repeat(LOG_BYTES);
        assert_eq!(end(&format!("{letters}.")).len(), LOG_BYTES - 1);
    }

    #[test]
    fn a_long_last_line_is_cut() {
        assert_eq!(last_line("first\n  last  "), "last");
        assert_eq!(last_line(""), "");
        assert_eq!(
            last_line(&"ä".repeat(1_000)).chars().count(),
            LINE_CHARACTERS + 1
        );
    }
}
