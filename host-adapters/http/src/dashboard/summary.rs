//! A job in a few figures.

use batchintory::{JobProgress, JobSummary};
use maud::{Markup, html};

use super::band::{Band, CELLS, State};
use super::figures::{count, percent, weight, whole};
use super::survey::Survey;
use super::time;

/// A job's figures, as a list.
pub(crate) fn figures(job: &JobSummary, survey: &Survey, now: Option<i64>) -> Markup {
    html! {
        ul class="figures" {
            li { b { (whole(job.items)) } " " (if job.items == 1 { "item" } else { "items" }) " done"
                @if job.weight != 0.0 { ", weight " (weight(job.weight)) } }
            @match &survey.left {
                Ok(left) if left.items == 0 => li { b { "nothing" } " left to hand out" },
                Ok(left) if left.at_least => li {
                    "more than " b { (whole(left.items)) } " left"
                    @if let Some(estimate) = left.estimated_items { ", about " (whole(estimate)) }
                },
                Ok(left) => li { b { (whole(left.items)) } " left to hand out" },
                Err(_) => {}
            }
            @if let Ok(left) = &survey.left { (pace(left, job.weight != 0.0)) }
            @if let Ok(Some(held)) = survey.held {
                li { (chip(State::Held)) "held from id " b { (whole(held)) } }
            }
            (number(job.running, "running", &[State::Running], &survey.band))
            (number(job.waiting, "to be handed out again", &[State::Failed, State::Requeued], &survey.band))
            (number(job.exhausted, "exhausted", &[State::Exhausted], &survey.band))
            li { "latest batch " (time::ago(&job.latest_start, now)) }
        }
        @for unknown in [survey.left.as_ref().err(), survey.held.as_ref().err()].into_iter().flatten() {
            p class="problem" { "What is left is not known: " (unknown) }
        }
    }
}

/// How fast the job gets on, and when it will be done.
#[allow(clippy::cast_possible_truncation)]
fn pace(left: &JobProgress, has_weight: bool) -> Markup {
    html! {
        @if let Some(items) = left.items_per_hour {
            li { b { (whole(items.round() as i64)) } " items an hour"
                @if let (true, Some(heavy)) = (has_weight, left.weight_per_hour) { ", weight " (weight(heavy.round())) } }
        }
        @match left.seconds_left {
            Some(0) => li { b { "done" } },
            Some(seconds) => li { "done in about " b { (time::duration(i64::try_from(seconds).unwrap_or(i64::MAX))) } },
            None => li { "done in unknown time" },
        }
    }
}

/// How many batches there are of a kind, beside the colours that they have in the band.
fn number(number: u64, what: &str, states: &[State], band: &Band) -> Markup {
    let is_in_band = |state| (band.segments.iter()).any(|segment| segment.piece.state == state);
    html! {
        @if number > 0 {
            li {
                @for state in states.iter().copied().filter(|state| is_in_band(*state)) { (chip(state)) }
                b { (whole(number)) } " " (what)
            }
        }
    }
}

/// A state's colour. Its name stands beside it.
fn chip(state: State) -> Markup {
    html! {
        svg class="chip" width="10" height="10" aria-hidden="true" {
            rect class=(state.name()) width="10" height="10" rx="2" {}
        }
    }
}

/// What a band shows, for those who do not see it.
pub(crate) fn in_words(band: &Band) -> String {
    let shares = State::ALL.into_iter().filter_map(|state| {
        let cells = (band.segments.iter())
            .filter(|segment| segment.piece.state == state)
            .map(|segment| u64::from(segment.width))
            .sum();
        let share = percent(cells, u64::from(CELLS));
        (cells > 0).then(|| format!("{} {share}", state.label()))
    });
    let shares: Vec<String> = shares.collect();
    format!(
        "Ids {} to {}: {}",
        whole(band.first),
        whole(band.last),
        shares.join(", ")
    )
}

/// All jobs in one sentence.
pub(crate) fn of_all(jobs: &[JobSummary]) -> String {
    let total =
        |number: fn(&JobSummary) -> u64| jobs.iter().map(number).fold(0, u64::saturating_add);
    format!(
        "{}. Batches: {} running, {} to be handed out again, {} exhausted.",
        count(jobs.len() as u64, "job"),
        whole(total(|job| job.running)),
        whole(total(|job| job.waiting)),
        whole(total(|job| job.exhausted)),
    )
}
