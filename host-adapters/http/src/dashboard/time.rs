//! Times for people. Those of the inventory are RFC 3339 in UTC; `now` is the host's, which is good
//! enough to say how old something is.

use maud::{Markup, html};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Seconds since 1970 of a time in RFC 3339.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .map(OffsetDateTime::unix_timestamp)
}

/// A time as `2026-01-31 12:59:59 UTC`.
pub(crate) fn written(seconds: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else {
        return "at a time that no calendar has".into();
    };
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// A time as an element; one that is not understood as it stands.
pub(crate) fn moment(text: &str) -> Markup {
    html! {
        @match seconds(text) {
            Some(seconds) => time datetime=(text) { (written(seconds)) },
            None => (text),
        }
    }
}

/// How long ago a time is, as an element that tells the time itself too.
pub(crate) fn ago(text: &str, now: Option<i64>) -> Markup {
    since(text, now, " ago")
}

/// How old something is that began at a time, likewise.
pub(crate) fn age(text: &str, now: Option<i64>) -> Markup {
    since(text, now, "")
}

fn since(text: &str, now: Option<i64>, word: &str) -> Markup {
    html! {
        @match (seconds(text), now) {
            (Some(seconds), Some(now)) => {
                time datetime=(text) title=(written(seconds)) { (duration(now.saturating_sub(seconds))) (word) }
            }
            _ => (moment(text)),
        }
    }
}

/// A duration in its two largest units; none is below 0.
pub(crate) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut rest = seconds;
    let words: Vec<String> = (units.into_iter())
        .map(|(unit, size)| {
            let number = rest / size;
            rest %= size;
            (unit, number)
        })
        .skip_while(|(_, number)| *number == 0)
        .take(2)
        .filter(|(_, number)| *number > 0)
        .map(|(unit, number)| format!("{number} {unit}"))
        .collect();
    if words.is_empty() {
        return "0 s".into();
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_databases_are_understood() {
        for text in [
            "2026-01-31T12:59:59Z",
            "2026-01-31T12:59:59.123Z",
            "2026-01-31T12:59:59.123456Z",
            "2026-01-31T12:59:59.000000+00:00",
        ] {
            assert_eq!(seconds(text), Some(1_769_864_399), "{text}");
        }
        assert_eq!(seconds("yesterday"), None);
        assert_eq!(written(1_769_864_399), "2026-01-31 12:59:59 UTC");
        assert_eq!(written(i64::MAX), "at a time that no calendar has");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!(duration(-5), "0 s");
        assert_eq!(duration(59), "59 s");
        assert_eq!(duration(3_600), "1 h");
        assert_eq!(duration(3_661), "1 h 1 min");
        assert_eq!(duration(86_400 * 400 + 59), "400 d");
    }

    #[test]
    fn what_is_no_time_is_shown_as_it_is() {
        assert_eq!(ago("<b>", Some(0)).into_string(), "&lt;b&gt;");
        assert_eq!(
            ago("1970-01-01T00:01:00Z", Some(90)).into_string(),
            r#"<time datetime="1970-01-01T00:01:00Z" title="1970-01-01 00:01:00 UTC">30 s ago</time>"#
        );
    }
}
