//! A band as a drawing: rectangles at percentages, so that it is as wide as there is room.

use maud::{Markup, html};

use super::band::{Band, CELLS, Segment, State};
use super::figures::{percent, whole};

/// The patterns that tell states apart where colours do not. Every page with a band needs them once.
pub(crate) fn patterns() -> Markup {
    html! {
        svg class="patterns" width="0" height="0" aria-hidden="true" {
            (pattern(State::Earlier, "M0 2H8M0 6H8", 8))
            (pattern(State::Running, "M-2 2L2 -2M0 8L8 0M6 10L10 6", 8))
            (pattern(State::Failed, "M0 3H6", 6))
            (pattern(State::Exhausted, "M0 0L6 6M6 0L0 6", 6))
            (pattern(State::Requeued, "M3 0V6", 6))
            (pattern(State::Held, "M2 2h2v2h-2zM6 6h2v2h-2z", 8))
        }
    }
}

fn pattern(state: State, path: &str, size: u8) -> Markup {
    html! {
        pattern id=(state.name()) patternUnits="userSpaceOnUse" width=(size) height=(size) {
            rect class=(state.name()) width=(size) height=(size) {}
            path class=(format!("{} lines", state.name())) d=(path) {}
        }
    }
}

/// How a state is filled in: by its pattern, where it has one.
fn fill(state: State) -> Option<String> {
    match state {
        State::Succeeded | State::ToDo | State::PassedOver => None,
        _ => Some(format!("url(#{})", state.name())),
    }
}

/// A band. `label` says to those who do not see it what it shows.
pub(crate) fn band(band: &Band, label: &str) -> Markup {
    html! {
        svg class="band" role="img" aria-label=(label) width="100%" {
            @for segment in &band.segments {
                (rectangle(segment))
            }
            @for segment in &band.segments {
                @if matches!(segment.piece.state, State::Failed | State::Exhausted) {
                    (flag(segment))
                }
            }
        }
    }
}

fn rectangle(segment: &Segment) -> Markup {
    let state = segment.piece.state;
    // Ids that no item has are a thin line: nothing to be done there.
    let (y, height) = if state == State::PassedOver {
        ("24", "3")
    } else {
        ("11", "29")
    };
    html! {
        rect class=(state.name()) fill=[fill(state)]
            x=(cells(segment.cell)) width=(cells(segment.width)) y=(y) height=(height) {
            title { (described(segment)) }
        }
    }
}

/// A mark above a segment, which shows trouble however narrow it is.
fn flag(segment: &Segment) -> Markup {
    let middle = u64::from(segment.cell) * 2 + u64::from(segment.width);
    html! {
        svg class="flag" x=(percent(middle, u64::from(CELLS) * 2)) {
            path class=(format!("{} flag", segment.piece.state.name())) d="M-5 1H5L0 9Z" {}
        }
    }
}

fn cells(cells: u16) -> String {
    percent(u64::from(cells), u64::from(CELLS))
}

/// A segment in words.
pub(crate) fn described(segment: &Segment) -> String {
    format!("{}: {}", segment.piece.state.label(), ids(segment))
}

/// The ids of a segment in words.
pub(crate) fn ids(segment: &Segment) -> String {
    let piece = segment.piece;
    if piece.id_start == piece.id_end {
        format!("id {}", whole(piece.id_start))
    } else {
        format!("ids {} to {}", whole(piece.id_start), whole(piece.id_end))
    }
}

/// The first and the last id of a band, to stand below it.
pub(crate) fn ends(band: &Band) -> Markup {
    html! {
        p class="ends" {
            span { span class="unseen" { "from id " } (whole(band.first)) }
            span { span class="unseen" { " to id " } (whole(band.last)) }
        }
    }
}

/// A scale with round ids below a band.
pub(crate) fn scale(band: &Band) -> Markup {
    let longest = whole(band.first).len().max(whole(band.last).len());
    // As many as have room on a narrow screen.
    let at_most = (40 / longest.max(1)).clamp(1, 5);
    html! {
        svg class="scale" width="100%" aria-hidden="true" {
            @for (id, cell) in band.ticks(u8::try_from(at_most).unwrap_or(1)) {
                @let place = cells(cell);
                @let anchor = match cell * 8 / CELLS { 0 => "start", 7.. => "end", _ => "middle" };
                line x1=(place) x2=(place) y1="0" y2="6" {}
                text x=(place) y="20" text-anchor=(anchor) { (whole(id)) }
            }
        }
    }
}

/// What the colours and patterns mean.
pub(crate) fn legend() -> Markup {
    html! {
        ul class="legend" aria-label="Legend" {
            @for state in State::ALL {
                li title=(state.meaning()) {
                    svg class="swatch" width="22" height="14" aria-hidden="true" {
                        @let (y, height) = if state == State::PassedOver { ("5", "3") } else { ("0", "14") };
                        rect class=(state.name()) fill=[fill(state)] width="22" y=(y) height=(height) {}
                    }
                    (state.label())
                }
            }
        }
    }
}
