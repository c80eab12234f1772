//! Pauses: after lost races, where whoever loses makes room for those who are about to win, and after passing
//! conflicts.

use crate::database::Random;

/// The longest pause after the first loss, in milliseconds; it doubles with each further one. Some times
/// as long as a claim takes on a server nearby.
const FIRST_PAUSE: u32 = 20;
/// After so many losses in a row a worker has waited longer than most of the others.
const LOSSES_OF_MOST: u32 = 5;
/// From then on its pauses are half as long as the one before, so that it comes back sooner than those
/// who have just begun to lose. Shorter ones would let a hundred workers keep each other from winning.
const LATE_PAUSE: u32 = 160;

/// How often a statement is sent at most while it meets passing conflicts.
pub(crate) const MAX_TRIES: u32 = 10;
/// The longest pause after the first such conflict, and of all: the other transaction is as short as this one, or
/// may be a user's.
const FIRST_REPEAT: u32 = 2;
const LONGEST_REPEAT: u32 = 500;

/// How many milliseconds to wait, by chance, after so many races (1 or more) were lost in a row: at first the
/// longer the more.
pub(crate) fn after_losses(losses: u32, random: &dyn Random) -> u32 {
    let longest = match losses {
        0..=LOSSES_OF_MOST => doubled(FIRST_PAUSE, losses),
        _ => LATE_PAUSE,
    };
    up_to(longest, random)
}

/// How many, the longer the more often (1 or more) a statement has met a passing conflict.
pub(crate) fn before_repeating(tries: u32, random: &dyn Random) -> u32 {
    1 + up_to(doubled(FIRST_REPEAT, tries).min(LONGEST_REPEAT) - 1, random)
}

fn doubled(first: u32, times: u32) -> u32 {
    first << times.saturating_sub(1).min(16)
}

/// So much or less, by chance.
fn up_to(longest: u32, random: &dyn Random) -> u32 {
    let [chance, _] = random.random();
    // The remainder is less than a number of 32 bits.
    u32::try_from(chance % (u64::from(longest) + 1)).unwrap_or(longest)
}
