//! Numbers to their last digit, as conditions name them.

use serde_json::Value;

/// The most digits of a number, and of its fraction: all that every database can compare exactly.
const MAX_DIGITS: usize = 65;
const MAX_FRACTION: usize = 30;

/// A number with all its digits, without an exponent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    text: String,
    fraction: usize,
}

impl Decimal {
    /// Reads a number as JSON writes it; `None` where it is none, or has too many digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        // The digits, and how many of them stand before the point.
        let mut digits = format!("{whole}{fraction}");
        let point = isize::try_from(whole.len()).ok()? + isize::from(exponent);
        if let Ok(missing) = usize::try_from(-point) {
            digits.insert_str(0, &"0".repeat(missing.min(MAX_FRACTION + 1)));
        }
        let point = usize::try_from(point.max(0)).ok()?;
        if point > MAX_DIGITS && digits.bytes().any(|digit| digit != b'0') {
            return None;
        }
        let digits = format!("{digits:0<point$}");
        let (whole, fraction) = digits.split_at_checked(point)?;
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        if fraction.len() > MAX_FRACTION || whole.len() + fraction.len() > MAX_DIGITS {
            return None;
        }
        let mut text = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        Some(Self {
            text,
            fraction: fraction.len(),
        })
    }

    /// Its digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// How many digits its fraction has.
    pub(crate) fn fraction_digits(&self) -> usize {
        self.fraction
    }

    /// The integer that it is, if it is one of 64 bits.
    pub(crate) fn integer(&self) -> Option<i64> {
        self.text.parse().ok()
    }

    /// The nearest floating-point number.
    pub(crate) fn double(&self) -> f64 {
        // Every decimal is JSON, and none of 65 digits overflows.
        (serde_json::from_str::<Value>(&self.text).ok())
            .and_then(|number| number.as_f64())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept() {
        let nines = "9".repeat(65);
        let small = format!("0.{}1", "0".repeat(29));
        for (text, expected) in [
            ("0", "0"),
            ("-0", "-0"),
            ("007", "7"),
            ("1.50", "1.5"),
            ("-12.250", "-12.25"),
            ("18446744073709551615", "18446744073709551615"),
            ("1e3", "1000"),
            ("1.25E+1", "12.5"),
            ("12.5e-3", "0.0125"),
            ("1e-30", &small),
            ("0e400", "0"),
            (&nines, &nines),
        ] {
            let decimal = Decimal::parse(text).expect(text);
            assert_eq!(decimal.as_str(), expected, "{text}");
        }
        assert_eq!(Decimal::parse("1.50").unwrap().fraction_digits(), 1);
    }

    #[test]
    fn what_is_no_number_or_has_too_many_digits_is_refused() {
        let too_long = "9".repeat(66);
        for text in [
            "", "-", "+1", ".5", "1.", "1,5", "0x10", " 1", "1 ", "NaN", "1e", "1e99999", "1e65",
            "1e-31", "1.5.2", "--1", "１", &too_long,
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_nearest_floating_point_number_is_meant() {
        for text in [
            "0.30000000000000004",
            "9007199254740993",
            "179769313486231570.1",
            "0.1",
            "123456789012345.678",
            "2.2250738585072014",
            "5.0000000000000001",
            "-8.41e21",
            "0.000000000000000000000000000123",
            "1.7976931348623157",
            "4.35",
            "72057594037927945",
            "0.9999999999999999",
            "3.141592653589793238462643383279",
            "6.02214076e23",
        ] {
            let nearest: f64 = text.parse().unwrap();
            let double = Decimal::parse(text).unwrap().double();
            assert!(double.to_bits() == nearest.to_bits(), "{text}: {double}");
        }
    }

    #[test]
    fn integers_are_told_apart() {
        let integer = |text| Decimal::parse(text).unwrap().integer();
        assert_eq!(integer("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer("9223372036854775808"), None);
        assert_eq!(integer("1.50"), None);
        assert_eq!(integer("1.00"), Some(1));
    }
}
