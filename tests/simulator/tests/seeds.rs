//! Some thousand seeds, and every mutation.
#![allow(clippy::panic, clippy::unwrap_used)]

use std::env;

use batchintory_simulator::faults::Counts;
use batchintory_simulator::mutation::Mutation;
use batchintory_simulator::run_seed;

/// How many seeds, unless BATCHINTORY_TEST_SEEDS says otherwise.
const SEEDS: u64 = 2_000;
/// The rarest mutation is noticed by one seed in some thousand.
const MUTATED_SEEDS: u64 = 20_000;

#[test]
fn every_invariant_holds_whatever_happens() {
    let seeds = env::var("BATCHINTORY_TEST_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let mut counts = Counts::default();
    for seed in 0..seeds {
        let outcome = run_seed(seed, 4, None, false).unwrap();
        assert!(
            outcome.wrong.is_empty(),
            "seed {seed}: see it by `cargo xtask simulate --seeds 1 --seed {seed}`: {:#?}",
            outcome.wrong
        );
        counts.add(&outcome.counts);
    }
    println!("{seeds} seeds: {counts}");
    assert!(counts.faults.iter().all(|count| *count > 0), "{counts}");
}

#[test]
fn a_seed_is_the_same_every_time() {
    let trace = |seed| run_seed(seed, 4, None, true).unwrap().trace;
    let first: Vec<_> = (0..20).map(trace).collect();
    assert_eq!((0..20).map(trace).collect::<Vec<_>>(), first);
}

#[test]
fn every_mutation_is_noticed() {
    for mutation in Mutation::ALL {
        let mut mutated = 0;
        let noticed = (0..MUTATED_SEEDS).find(|seed| {
            let outcome = run_seed(*seed, 4, Some(mutation), false).unwrap();
            mutated += outcome.mutated;
            !outcome.wrong.is_empty()
        });
        assert!(
            mutated > 0
                || matches!(
                    mutation,
                    Mutation::ChainIsNotUnique | Mutation::TokenIsNotUnique
                ),
            "{mutation:?} finds no statement to break"
        );
        assert!(noticed.is_some(), "{mutation:?} is not noticed");
    }
}
