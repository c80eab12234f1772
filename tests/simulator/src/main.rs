//! `cargo xtask simulate`: many seeds on all cores.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use batchintory_simulator::faults::Counts;
use batchintory_simulator::mutation::Mutation;
use batchintory_simulator::{Outcome, run_seed};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

/// Half of a step's time would go into allocating otherwise.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs workers over one database, step by step and with faults, and checks every invariant.
#[derive(Parser)]
#[command(name = "cargo xtask simulate")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed; with --seeds 1 its statements are shown
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many workers at once
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Break the planner in every known way instead, and fail where it is not noticed
    #[arg(long)]
    mutations: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if arguments.mutations {
        return mutations(&arguments);
    }
    let start = Instant::now();
    let progress = ProgressBar::new(arguments.seeds);
    progress.set_style(ProgressStyle::with_template(
        "{bar:32} {human_pos}/{human_len} seeds, {per_sec}, {eta} left",
    )?);
    let next = AtomicU64::new(arguments.seed);
    let end = arguments.seed.saturating_add(arguments.seeds);
    let counts = Mutex::new(Counts::default());
    let failed = Mutex::new(Vec::new());
    let traced = arguments.seeds == 1;
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let outcome = outcome(seed, arguments.workers, traced);
                    if let Ok(mut counts) = counts.lock() {
                        counts.add(&outcome.counts);
                    }
                    if traced {
                        outcome.trace.iter().for_each(|line| println!("{line}"));
                    }
                    if !outcome.wrong.is_empty()
                        && let Ok(mut failed) = failed.lock()
                    {
                        failed.push((seed, outcome.wrong));
                    }
                    progress.inc(1);
                }
            });
        }
    });
    progress.finish_and_clear();
    let mut failed = failed.into_inner().unwrap_or_default();
    failed.sort();
    for (seed, wrong) in failed.iter().take(5) {
        eprintln!("seed {seed} fails; see it by: cargo xtask simulate --seeds 1 --seed {seed}");
        wrong
            .iter()
            .take(5)
            .for_each(|wrong| eprintln!("  {wrong}"));
    }
    let seconds = start.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss)]
    let rate = arguments.seeds as f64 / seconds;
    println!(
        "{} seeds in {seconds:.1} s ({rate:.0} a second), {} failed; {}",
        arguments.seeds,
        failed.len(),
        counts.into_inner().unwrap_or_default()
    );
    Ok(ExitCode::from(u8::from(!failed.is_empty())))
}

fn outcome(seed: u64, workers: usize, traced: bool) -> Outcome {
    run_seed(seed, workers, None, traced).unwrap_or_else(|error| Outcome {
        wrong: vec![format!("{error:#}")],
        ..Outcome::default()
    })
}

fn mutations(arguments: &Arguments) -> Result<ExitCode> {
    let mut unnoticed = 0;
    for mutation in Mutation::ALL {
        let noticed = (0..arguments.seeds).find_map(|seed| {
            let outcome = run_seed(seed, arguments.workers, Some(mutation), false).ok()?;
            outcome.wrong.into_iter().next().map(|wrong| (seed, wrong))
        });
        match noticed {
            Some((seed, wrong)) => {
                let wrong: String = wrong.chars().take(60).collect();
                println!("{mutation:?}: noticed by seed {seed}: {wrong}…");
            }
            None => {
                unnoticed += 1;
                println!("{mutation:?}: NOT NOTICED in {} seeds", arguments.seeds);
            }
        }
    }
    Ok(ExitCode::from(u8::from(unnoticed > 0)))
}
