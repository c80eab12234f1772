//! Timing turn by turn.

use std::time::{Duration, Instant};

/// How often things are repeated.
pub struct Rounds {
    /// For single claims.
    pub claims: usize,
    /// For looks at all jobs.
    pub looks: usize,
    /// For turns with a server that is far away.
    pub far: usize,
    /// For work without a database.
    pub calls: usize,
    /// For reading 100,000 items.
    pub readings: usize,
    /// For statements over a million rows.
    pub scans: usize,
    /// For pybatchintory on a small and on a large table.
    pub python: (usize, usize),
    /// For claims while an old transaction keeps their dead rows.
    pub claims_held_back: usize,
    /// For workers who share a job.
    pub contention_turns: usize,
    /// How long they work.
    pub contention_time: Duration,
    /// For clients of the HTTP service.
    pub service_turns: usize,
    /// How long they call it in a turn.
    pub service_time: Duration,
}

impl Rounds {
    /// Few or many.
    pub fn new(quick: bool) -> Self {
        if quick {
            Self {
                claims: 300,
                looks: 50,
                far: 60,
                calls: 2_000,
                readings: 15,
                scans: 5,
                python: (30, 3),
                claims_held_back: 5_000,
                contention_turns: 3,
                contention_time: Duration::from_secs(2),
                service_turns: 3,
                service_time: Duration::from_secs(4),
            }
        } else {
            Self {
                claims: 2_000,
                looks: 200,
                far: 300,
                calls: 20_000,
                readings: 51,
                scans: 15,
                python: (100, 5),
                claims_held_back: 20_000,
                contention_turns: 5,
                contention_time: Duration::from_secs(5),
                service_turns: 2,
                service_time: Duration::from_secs(60),
            }
        }
    }
}

/// Durations of one thing.
#[derive(Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Adds the time since `start`.
    pub fn add_since(&mut self, start: Instant) {
        self.0.push(start.elapsed());
    }

    /// Adds a duration.
    pub fn add(&mut self, duration: Duration) {
        self.0.push(duration);
    }

    /// The median, in seconds.
    pub fn median(&self) -> f64 {
        median(self.0.iter().map(Duration::as_secs_f64).collect())
    }
}

/// The median of any figures.
pub fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
