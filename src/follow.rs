//! For hosts: how long a worker waits that follows a job.

use std::time::Duration;

/// The shortest wait, whatever is asked for: whoever comes back at once does nothing but ask.
const SHORTEST: Duration = Duration::from_millis(100);

/// How long a worker that was told [`Nothing`](crate::Nothing) waits before it asks again.
///
/// By chance, a number from 0 to 1, something between half of `poll` and all of it, so that workers which
/// were started together do not ask together for ever; no longer than until the next range is due.
///
/// Hosts in other languages do the same: the cases in `tests/follow.json` hold for all.
pub fn wait_for_work(poll: Duration, due_in_seconds: Option<u32>, chance: f64) -> Duration {
    let by_chance = poll.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0));
    let due = due_in_seconds.map_or(Duration::MAX, |seconds| Duration::from_secs(seconds.into()));
    by_chance.min(due).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn waits_are_those_of_all_languages() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../tests/follow.json")).unwrap();
        for case in &cases {
            let number = |name: &str| case[name].as_f64();
            let due = number("due_in_seconds").map(|seconds| seconds as u32);
            let poll = Duration::from_secs_f64(number("poll_seconds").unwrap());
            let wait = wait_for_work(poll, due, number("chance").unwrap());
            let expected = number("wait_seconds").unwrap();
            assert!(
                (wait.as_secs_f64() - expected).abs() < 1e-6,
                "{case}: {wait:?}"
            );
        }
        assert!(cases.len() > 5);
    }
}
