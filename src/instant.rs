//! Points in time, to the microsecond, as conditions name them.

use std::fmt;

const MICROSECONDS: i64 = 1_000_000;
const SECONDS_OF_DAY: i64 = 24 * 60 * 60;
/// The first and the last second of the years 1 to 9999, all that every database can hold.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A point in time: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(i64);

impl Instant {
    /// Reads RFC 3339, with a blank for the T if need be, without seconds, without an offset (then it is
    /// UTC), or a date alone (its first moment).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let year = take_number(&mut rest, 4)?;
        take(&mut rest, "-")?;
        let month = take_number(&mut rest, 2)?;
        take(&mut rest, "-")?;
        let day = take_number(&mut rest, 2)?;
        if !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
            return None;
        }
        let mut seconds = days_since_1970(year, month, day) * SECONDS_OF_DAY;
        let mut microseconds = 0;
        if take(&mut rest, "Tt ").is_some() {
            let (hour, minute) = take_hour_and_minute(&mut rest)?;
            seconds += hour * 3_600 + minute * 60;
            if take(&mut rest, ":").is_some() {
                seconds += take_number(&mut rest, 2).filter(|second| *second < 60)?;
                microseconds = take_fraction(&mut rest)?;
            }
            seconds -= take_offset(&mut rest)?;
        }
        (rest.is_empty() && SECONDS.contains(&seconds))
            .then_some(Self(seconds * MICROSECONDS + microseconds))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(crate) fn microseconds(self) -> i64 {
        self.0
    }

    /// The point in time that lies so many seconds before this one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub(crate) fn minus_seconds(self, seconds: f64) -> Self {
        let microseconds = (seconds * MICROSECONDS as f64) as i64;
        let earliest = SECONDS.start() * MICROSECONDS;
        Self(self.0.saturating_sub(microseconds).max(earliest))
    }
}

/// As databases read it: `2024-01-03 08:00:00.000000`, in UTC.
impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROSECONDS);
        let (year, month, day) = date_of(seconds.div_euclid(SECONDS_OF_DAY));
        let second = seconds.rem_euclid(SECONDS_OF_DAY);
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}.{:06}",
            second / 3_600,
            second / 60 % 60,
            second % 60,
            self.0.rem_euclid(MICROSECONDS)
        )
    }
}

/// Takes one of these characters off.
fn take(rest: &mut &str, characters: &str) -> Option<char> {
    let first = rest
        .chars()
        .next()
        .filter(|first| characters.contains(*first))?;
    *rest = rest.get(first.len_utf8()..)?;
    Some(first)
}

/// Takes a number of so many digits off.
fn take_number(rest: &mut &str, digits: usize) -> Option<i64> {
    let number = rest.get(..digits)?;
    *rest = rest.get(digits..)?;
    (number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.parse().ok())
        .flatten()
}

fn take_hour_and_minute(rest: &mut &str) -> Option<(i64, i64)> {
    let hour = take_number(rest, 2).filter(|hour| *hour < 24)?;
    take(rest, ":")?;
    let minute = take_number(rest, 2).filter(|minute| *minute < 60)?;
    Some((hour, minute))
}

/// Takes a fraction of a second off, in microseconds. No column that is compared exactly holds more.
fn take_fraction(rest: &mut &str) -> Option<i64> {
    if take(rest, ".").is_none() {
        return Some(0);
    }
    let end = (rest.find(|digit: char| !digit.is_ascii_digit())).unwrap_or(rest.len());
    let (digits, after) = rest.split_at_checked(end)?;
    *rest = after;
    let significant = digits.trim_end_matches('0');
    if digits.is_empty() || significant.len() > 6 {
        return None;
    }
    format!("{significant:0<6}").parse().ok()
}

/// Takes an offset from UTC off, in seconds; without one, it is none.
fn take_offset(rest: &mut &str) -> Option<i64> {
    let sign = match take(rest, "Zz+-") {
        Some('+') => 1,
        Some('-') => -1,
        _ => return Some(0),
    };
    let hours = take_number(rest, 2).filter(|hours| *hours < 24)?;
    let has_minutes = take(rest, ":").is_some() || !rest.is_empty();
    let minutes = if has_minutes {
        take_number(rest, 2).filter(|minutes| *minutes < 60)?
    } else {
        0
    };
    Some(sign * (hours * 3_600 + minutes * 60))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March here, so that a leap day is the last one: months
/// before it then have 153 days in five.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days_before = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days_before + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date that lies so many days after 1970-01-01: the other way round.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    // 400 years have 146,097 days.
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 {
        (year, month + 3, day)
    } else {
        (year + 1, month - 9, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_read_in_utc() {
        for (text, expected) in [
            ("2024-01-03", "2024-01-03 00:00:00.000000"),
            ("2024-01-03T10:00:00Z", "2024-01-03 10:00:00.000000"),
            ("2024-01-03 10:00:00", "2024-01-03 10:00:00.000000"),
            ("2024-01-03t10:00z", "2024-01-03 10:00:00.000000"),
            ("2024-01-03T00:30:00+09:00", "2024-01-02 15:30:00.000000"),
            ("2023-12-31T23:30:00.25-0130", "2024-01-01 01:00:00.250000"),
            (
                "2024-02-29 23:59:59.999999+00",
                "2024-02-29 23:59:59.999999",
            ),
            (
                "2024-01-03 10:00:00.1234560000",
                "2024-01-03 10:00:00.123456",
            ),
            ("1969-12-31T23:59:59.5Z", "1969-12-31 23:59:59.500000"),
            ("0001-01-01", "0001-01-01 00:00:00.000000"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59.999999"),
        ] {
            let instant = Instant::parse(text).expect(text);
            assert_eq!(instant.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_point_in_time_is_refused() {
        for text in [
            "",
            "now",
            "2024",
            "2024-1-3",
            "2024-13-01",
            "2023-02-29",
            "2024-04-31",
            "2024-01-03T",
            "2024-01-03T24:00:00Z",
            "2024-01-03T10:60:00Z",
            "2024-01-03T10:00:60Z",
            "2024-01-03T10:00:00.Z",
            "2024-01-03T10:00:00.1234567Z",
            "2024-01-03T10:00:00+24:00",
            "2024-01-03T10:00:00+09:0",
            "2024-01-03T10:00:00 UTC",
            "2024-01-03+09:00",
            "03.01.2024",
            "0000-12-31",
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:59-01:00",
            "２０２４-01-03",
        ] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_is_itself_again() {
        for days in -719_162..=2_932_896 {
            let (year, month, day) = date_of(days);
            assert_eq!(days_since_1970(year, month, day), days);
        }
        assert_eq!(date_of(0), (1970, 1, 1));
        assert_eq!(date_of(11_016), (2000, 2, 29));
    }

    #[test]
    fn seconds_are_taken_off() {
        let at = Instant::parse("2024-01-03T00:00:00Z").unwrap();
        let earlier = |seconds| at.minus_seconds(seconds).to_string();
        assert_eq!(earlier(0.5), "2024-01-02 23:59:59.500000");
        assert_eq!(earlier(1e9), "1992-04-25 22:13:20.000000");
        let first = Instant::parse("0001-01-01").unwrap();
        assert_eq!(first.minus_seconds(1.0), first);
    }
}
