//! Backing off after lost races: whoever loses makes room for those who are about to win.

use crate::database::{Database, Random};
use crate::databases::Databases;

/// The longest pause after the first loss, in milliseconds; it doubles with each further one. Some times
/// as long as a claim takes on a server nearby.
const FIRST_PAUSE: u32 = 20;
/// The longest pause of all. Half of it lets sixteen workers waste as many claims again.
const LONGEST_PAUSE: u32 = 400;

/// Waits by chance, the longer the more races (1 or more) were lost in a row.
pub(crate) async fn back_off<D: Database, R: Random>(
    databases: &Databases<'_, D>,
    random: &R,
    losses: u32,
) {
    let doublings = losses.saturating_sub(1).min(16);
    let longest = (FIRST_PAUSE << doublings).min(LONGEST_PAUSE);
    let [chance, _] = random.random();
    // The remainder is less than a number of 32 bits.
    let milliseconds = u32::try_from(chance % (u64::from(longest) + 1)).unwrap_or(longest);
    databases.pause(milliseconds).await;
}
