//! The floating-point number that is nearest to a decimal one, to the last bit.
//!
//! What the standard library and serde_json have for it is faster where many digits are read, by tables of powers
//! of five: they would be a thirtieth of the component.

use std::cmp::Ordering;

/// More digits than any two neighbours need to be told apart; of those behind, it only counts whether all are 0.
const MOST_DIGITS: usize = 800;
/// Beyond these powers of ten, all is infinite, or 0.
const HIGHEST_POWER: i64 = 310;
const LOWEST_POWER: i64 = -400;
/// Powers of ten up to this are exact.
const EXACT_POWER: i64 = 22;

/// The number that is nearest to a text such as `-12.5e-3`, whose form is that of JSON; none where it is too high.
pub(crate) fn nearest_double(text: &str) -> Option<f64> {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (digits, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let power = power_of(power);
    let digits = [integer, fraction].concat();
    let digits = digits.trim_start_matches('0');
    let power = power.saturating_sub(i64::try_from(fraction.len()).ok()?);
    let double = nearest(digits, power)?;
    Some(if is_negative { -double } else { double })
}

/// An exponent; one that is too long for any number is as good as the highest, or the lowest.
fn power_of(text: &str) -> i64 {
    let power = text.trim_start_matches('+').parse();
    power.unwrap_or(match text.starts_with('-') {
        true => i64::MIN,
        false => i64::MAX,
    })
}

/// The number nearest to digits without leading zeros, taken so many powers of ten higher.
fn nearest(digits: &str, power: i64) -> Option<f64> {
    // By the place of its first digit.
    let reach = power.saturating_add(i64::try_from(digits.len()).ok()?);
    if digits.is_empty() || reach < LOWEST_POWER {
        return Some(0.0);
    }
    if reach > HIGHEST_POWER {
        return None;
    }
    if let Some(exact) = exactly(digits, power) {
        return Some(exact);
    }
    let (digits, dropped) = digits.split_at_checked(MOST_DIGITS).unwrap_or((digits, ""));
    let mut power = power + i64::try_from(dropped.len()).ok()?;
    let mut dividend = Integer(Vec::new());
    for digit in digits.bytes() {
        dividend.multiply(10, u32::from(digit - b'0'));
    }
    if dropped.bytes().any(|digit| digit != b'0') {
        dividend.multiply(10, 1);
        power -= 1;
    }
    let mut divisor = Integer(vec![1]);
    let scaled = if power > 0 {
        &mut dividend
    } else {
        &mut divisor
    };
    for _ in 0..power.unsigned_abs() {
        scaled.multiply(10, 0);
    }
    quotient(dividend, divisor)
}

/// Where both the digits and the power of ten are exact, so is what the processor makes of them.
fn exactly(digits: &str, power: i64) -> Option<f64> {
    let digits: u64 = digits.parse().ok()?;
    if digits >= 1 << f64::MANTISSA_DIGITS || !(-EXACT_POWER..=EXACT_POWER).contains(&power) {
        return None;
    }
    let scale = (0..power.unsigned_abs()).fold(1.0, |scale, _| scale * 10.0);
    #[allow(clippy::cast_precision_loss)]
    let digits = digits as f64;
    Some(if power < 0 {
        digits / scale
    } else {
        digits * scale
    })
}

/// The number nearest to a fraction of two integers above 0.
fn quotient(mut dividend: Integer, mut divisor: Integer) -> Option<f64> {
    let (above, below) = (dividend.bits(), divisor.bits());
    dividend.double(below.saturating_sub(above));
    divisor.double(above.saturating_sub(below));
    // 64 binary digits, of which the first or the second is 1.
    let mut digits = 0_u64;
    for _ in 0..u64::BITS {
        digits <<= 1;
        if dividend.compare(&divisor) != Ordering::Less {
            dividend.subtract(&divisor);
            digits |= 1;
        }
        dividend.double(1);
    }
    let is_rest = dividend.bits() > 0;
    let zeros = digits.leading_zeros();
    let exponent = i64::try_from(above).ok()? - i64::try_from(below).ok()? - i64::from(zeros);
    rounded(digits << zeros, is_rest, exponent)
}

/// The number of these binary digits, the first of which is 1 and counts 2 to the power of `exponent`; half of the
/// last place goes to the even one. `is_rest` tells of more digits behind.
fn rounded(digits: u64, is_rest: bool, exponent: i64) -> Option<f64> {
    if exponent >= i64::from(f64::MAX_EXP) {
        return None;
    }
    let lowest = i64::from(f64::MIN_EXP - 1);
    let missing = u32::try_from((lowest - exponent).max(0)).ok()?;
    let cut = u64::BITS - f64::MANTISSA_DIGITS + missing;
    if cut > u64::BITS {
        return Some(0.0);
    }
    let kept = digits.checked_shr(cut).unwrap_or(0);
    let behind = digits << (u64::BITS - cut);
    let is_up = match behind.cmp(&(1 << (u64::BITS - 1))) {
        Ordering::Less => false,
        Ordering::Equal => is_rest || kept % 2 == 1,
        Ordering::Greater => true,
    };
    // The first digit, which is always 1, counts as one in the exponent.
    let exponent = u64::try_from(exponent.max(lowest) - lowest).ok()?;
    let bits = (exponent << (f64::MANTISSA_DIGITS - 1)) + kept + u64::from(is_up);
    Some(f64::from_bits(bits)).filter(|double| double.is_finite())
}

/// An integer of any size: its digits to the base 2^32, the lowest first, the highest not 0.
struct Integer(Vec<u32>);

impl Integer {
    fn multiply(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = low(carry);
            carry >>= u32::BITS;
        }
        if carry > 0 {
            self.0.push(low(carry));
        }
    }

    /// Doubles it so many times.
    fn double(&mut self, times: usize) {
        for _ in 0..times {
            self.multiply(2, 0);
        }
    }

    fn bits(&self) -> usize {
        let zeros = self.0.last().map_or(0, |highest| highest.leading_zeros());
        self.0.len() * 32 - zeros as usize
    }

    fn compare(&self, other: &Self) -> Ordering {
        (self.0.len().cmp(&other.0.len()))
            .then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Subtracts what is no higher.
    fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        for (digit, other) in self.0.iter_mut().zip(others) {
            let difference = i64::from(*digit) - i64::from(other) - borrow;
            *digit = low(difference.cast_unsigned());
            borrow = i64::from(difference < 0);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

/// The lower half.
#[allow(clippy::cast_possible_truncation)]
fn low(double: u64) -> u32 {
    double as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::nearest_double;

    fn assert_nearest(text: &str) {
        let expected = text.parse::<f64>().ok().filter(|double| double.is_finite());
        let nearest = nearest_double(text);
        assert_eq!(
            nearest.map(f64::to_bits),
            expected.map(f64::to_bits),
            "{text}"
        );
    }

    #[test]
    fn what_lies_at_an_edge_is_rounded_as_the_standard_library_does() {
        for text in [
            "0",
            "-0",
            "0.0",
            "0e999999999999999999999",
            "1",
            "0.1",
            "-12.5e-3",
            "1e22",
            "1e23",
            "8.5e22",
            "9007199254740993",
            "9007199254740992.5",
            "9007199254740993.00000000000000000000001",
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "1e309",
            "1e400",
            "2.2250738585072014e-308",
            "2.2250738585072011e-308",
            "2.225073858507201e-308",
            "5e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2e-324",
            "1e-400",
            "1e-99999999999999999999",
            "1e99999999999999999999",
            "1e+5",
            "1E-5",
            "0.000001",
            "123456789012345678901234567890",
            "6631236846766476e-316",
            "3237883913302901290e-346",
        ] {
            assert_nearest(text);
        }
        let half = format!("9007199254740992.5{}", "0".repeat(1_000));
        assert_nearest(&half);
        assert_nearest(&(half + "1"));
        assert_nearest(&format!("0.{}1e1000", "0".repeat(1_000)));
        assert_nearest(&"9".repeat(400));
    }

    proptest! {
        #[test]
        fn it_is_the_one_of_the_standard_library(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?") {
            assert_nearest(&text);
        }

        #[test]
        fn every_number_is_found_again(bits: u64) {
            let double = f64::from_bits(bits);
            if double.is_finite() {
                assert_nearest(&format!("{double:e}"));
            }
        }
    }
}
