//! Numbers for people.

use batchintory::Attempt;

/// A whole number with its thousands apart.
pub(crate) fn whole(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A weight: whole where it is, else with two decimals; huge ones by their power of ten.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn weight(weight: f64) -> String {
    // Up to here each whole number has a floating point number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if weight.abs() > EXACT || !weight.is_finite() {
        format!("{weight:e}")
    } else if weight.fract() == 0.0 {
        whole(weight as i64)
    } else {
        format!("{weight:.2}")
    }
}

/// A number and what it counts, which takes an `s` but for one.
pub(crate) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", whole(number))
}

/// Tenths of a percent as an attribute's value: a part of `of` parts.
pub(crate) fn percent(part: u64, of: u64) -> String {
    let tenths = u128::from(part) * 1_000 / u128::from(of.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}

/// The ids of an attempt.
pub(crate) fn range(attempt: &Attempt) -> String {
    if attempt.id_start == attempt.id_end {
        whole(attempt.id_start)
    } else {
        format!("{} – {}", whole(attempt.id_start), whole(attempt.id_end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(whole(0), "0");
        assert_eq!(whole(-999), "-999");
        assert_eq!(whole(1_000), "1,000");
        assert_eq!(whole(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(whole(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn weights_are_as_exact_as_they_matter() {
        assert_eq!(weight(216_470.0), "216,470");
        assert_eq!(weight(0.125), "0.12");
        assert_eq!(weight(1e300), "1e300");
        assert_eq!(weight(f64::NAN), "NaN");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(count(1, "item"), "1 item");
        assert_eq!(count(1_200, "item"), "1,200 items");
    }

    #[test]
    fn parts_are_percent() {
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0%");
        assert_eq!(percent(1, 0), "100.0%");
    }
}
