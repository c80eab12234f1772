//! Backing off after lost races: whoever loses makes room for those who are about to win.

use crate::database::{Database, Random};
use crate::databases::Databases;
use crate::sql::pause::pause;

/// The longest pause after the first loss, in seconds; it doubles with each further one. Some times as
/// long as a claim takes on a server nearby.
const FIRST_PAUSE: f64 = 0.02;
/// The longest pause of all. Half of it lets sixteen workers waste as many claims again.
const LONGEST_PAUSE: f64 = 0.4;

/// Waits by chance, the longer the more races (1 or more) were lost in a row.
///
/// The planner has no clock, so the inventory's database does the waiting. One that has its writers
/// wait for each other anyway is not asked to.
pub(crate) async fn back_off<D: Database, R: Random>(
    databases: &Databases<'_, D>,
    random: &R,
    losses: i32,
) {
    let [bits, _] = random.random();
    // The uppermost 32 bits as a fraction of 1.
    let chance = f64::from((bits >> 32) as u32) / 4_294_967_296.0;
    let longest = (FIRST_PAUSE * 2_f64.powi(losses - 1)).min(LONGEST_PAUSE);
    if let Some(statement) = pause(databases.inventory.dialect, chance * longest) {
        // Only a pause: what it met, the next statement meets and tells.
        let _ = databases.try_inventory(statement).await;
    }
}
