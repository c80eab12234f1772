//! Repeating statements that met a passing conflict: for hosts that can do nothing else meanwhile.

use crate::database::DatabaseError;

/// How often a statement is sent at most.
const MAX_TRIES: u32 = 10;

/// The longest pause between two tries, in milliseconds.
const MAX_PAUSE: u64 = 500;

/// Repeats a statement while the database reports a passing conflict, which leaves nothing behind. Waits
/// a little longer each time, by chance: `random` gives a number, `pause` waits so many milliseconds.
///
/// # Errors
///
/// That of the last try.
pub fn repeat<T>(
    mut statement: impl FnMut() -> Result<T, DatabaseError>,
    random: impl Fn() -> u64,
    pause: impl Fn(u64),
) -> Result<T, DatabaseError> {
    let mut longest = 2;
    for _ in 1..MAX_TRIES {
        match statement() {
            Err(DatabaseError::Retryable(_)) => {}
            answer => return answer,
        }
        pause(1 + random() % longest);
        longest = (longest * 2).min(MAX_PAUSE);
    }
    statement()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn tries(answer: impl Fn(u32) -> Result<(), DatabaseError>) -> u32 {
        let tries = Cell::new(0);
        let _ = repeat(
            || {
                tries.set(tries.get() + 1);
                answer(tries.get())
            },
            || u64::MAX,
            |milliseconds| assert!((1..=MAX_PAUSE).contains(&milliseconds)),
        );
        tries.get()
    }

    #[test]
    fn only_passing_conflicts_are_repeated_and_not_for_ever() {
        let busy = || Err(DatabaseError::Retryable("busy".into()));
        assert_eq!(tries(|_| busy()), MAX_TRIES);
        assert_eq!(tries(|tries| if tries < 3 { busy() } else { Ok(()) }), 3);
        assert_eq!(tries(|_| Err(DatabaseError::Conflict("taken".into()))), 1);
        assert_eq!(
            tries(|_| Err(DatabaseError::OutcomeUnknown("gone".into()))),
            1
        );
    }
}
