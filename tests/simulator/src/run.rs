//! A run of one seed: trouble first, then healing.

use std::cell::RefCell;

use anyhow::{Context, Result};
use batchintory::{
    AcquireRequest, Acquisition, JobsQuery, OnChange, Operations as _, Outcome as BatchOutcome,
};

use crate::faults::Counts;
use crate::invariants::check;
use crate::mutation::Mutation;
use crate::random::Random;
use crate::schedule::{Link, Schedule, Version, Worker};
use crate::work::{Caller, Shared, age, filter, work};
use crate::world::{NOW, World};

/// Of a hundred statements, how many meet a fault.
const TROUBLE: u64 = 12;
/// How many things each worker does. Little, so that many seeds can be tried: what goes wrong at
/// all mostly does so among few.
const ACTIONS: u64 = 2;

/// More batches than there are rows, several times over.
const MOST_BATCHES: usize = 100;

/// What came of a seed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What happened how often.
    pub counts: Counts,
    /// What must not be, but was.
    pub wrong: Vec<String>,
    /// Every statement, if asked for.
    pub trace: Vec<String>,
    /// How often the mutation found its statement.
    pub mutated: u64,
}

thread_local! {
    /// Making tables takes longer than a run; a world serves many.
    static WORLD: RefCell<Option<(Option<Mutation>, World)>> = const { RefCell::new(None) };
}

/// Runs a seed with so many workers.
pub fn run_seed(
    seed: u64,
    workers: usize,
    mutation: Option<Mutation>,
    traced: bool,
) -> Result<Outcome> {
    WORLD.with_borrow_mut(|kept| {
        let world = match kept.take() {
            Some((same, world)) if same == mutation => world,
            _ => new_world(mutation)?,
        };
        let (_, world) = kept.insert((mutation, world));
        run(world, seed, workers, traced).with_context(|| format!("seed {seed}"))
    })
}

fn new_world(mutation: Option<Mutation>) -> Result<World> {
    let mut world = World::new(mutation)?;
    let mut random = Random::new(0);
    let mut schedule = Schedule::new(&mut world, random.fork(), 0, false);
    let link = Link::default();
    let migrating = Caller::new(link.clone(), &Shared::new(Vec::new()), &mut random);
    schedule.run_alone(link, async move {
        let _ = migrating.migrate().await;
    });
    world.keep_history()?;
    Ok(world)
}

fn run(world: &mut World, seed: u64, workers: usize, traced: bool) -> Result<Outcome> {
    let mut random = Random::new(seed);
    let mutated_before = world.mutated;
    let jobs = jobs(&mut random);
    // The ids of its rows are those of the items where a job processes results.
    let has_results = jobs.iter().any(|job| job.source_job.is_some());
    world.reset(!has_results && random.percent(50))?;
    fill(world, &mut random)?;
    let shared = Shared::new(jobs);
    let mut schedule = Schedule::new(world, random.fork(), TROUBLE, traced);
    let mut crowd: Vec<Option<Worker>> = (0..workers)
        .map(|_| {
            let version = match random.below(4) {
                0 => Version::Older,
                1 => Version::Newer,
                _ => Version::Current,
            };
            let link = Link::of(version, random.percent(60));
            let caller = Caller::new(link.clone(), &shared, &mut random);
            let task = work(caller, random.fork(), ACTIONS);
            Some(Worker {
                link,
                task: Box::pin(task),
            })
        })
        .collect();
    schedule.run(&mut crowd);
    schedule.trouble = 0;
    read_jobs(&mut schedule, &shared, &mut random);
    let mut wrong = check(
        &schedule.world.connection,
        &shared.jobs,
        &shared.told(),
        false,
    )?;

    (schedule.world).change("UPDATE files SET item = 'late' WHERE item = 'held'")?;
    heal(&mut schedule, &shared, &mut random);
    read_jobs(&mut schedule, &shared, &mut random);
    read_items(&mut schedule, &shared, &mut random);
    wrong.extend(check(
        &schedule.world.connection,
        &shared.jobs,
        &shared.told(),
        true,
    )?);
    wrong.append(&mut schedule.world.violations);
    let (mut counts, trace) = (schedule.counts, schedule.trace.take().unwrap_or_default());
    counts.add(&shared.told().calls);
    Ok(Outcome {
        counts,
        wrong,
        trace,
        mutated: world.mutated - mutated_before,
    })
}

/// Rows with gaps between their ids.
fn fill(world: &World, random: &mut Random) -> Result<()> {
    let mut uid = i64::try_from(random.below(5)).unwrap_or_default() - 2;
    let mut values = Vec::new();
    for _ in 0..3 + random.below(4) {
        let item = if random.percent(7) { "held" } else { "steady" };
        // Young rows are not ready yet, or passed over, for some time; old ones never are.
        let age = if random.percent(30) {
            random.below(30)
        } else {
            10_000
        };
        values.push(format!(
            "({uid}, '{item}', {}, datetime({NOW}, '-{age} seconds'))",
            random.below(10)
        ));
        uid += 1 + i64::try_from(random.below(3)).unwrap_or_default();
    }
    world.change(&format!("INSERT INTO files VALUES {}", values.join(", ")))
}

/// What the workers are after: a job on everything, and a backfill or a job on the results of the first,
/// each with options by chance.
fn jobs(random: &mut Random) -> Vec<AcquireRequest> {
    let other = if random.percent(50) {
        "backfill"
    } else {
        "results"
    };
    // Workers that ask with a filter and workers that ask without one go on after each other.
    let on_change = match random.percent(30) {
        true => OnChange::Accept,
        false => OnChange::Refuse,
    };
    ["new items", other]
        .into_iter()
        .map(|job| {
            let is_backfill = job == "backfill";
            let source_job = (job == "results").then(|| "new items".to_owned());
            let has_conditions = source_job.is_none();
            let mut hold = r#"{"column": "item", "op": "=", "value": "held"}"#.to_owned();
            if random.percent(50) {
                hold = format!(r#"{{"any": [{hold}, {}]}}"#, age("younger"));
            }
            let filter = filter(random);
            let by_weight = random.percent(60);
            AcquireRequest {
                id_min: is_backfill.then(|| i64::try_from(random.below(8)).unwrap_or_default()),
                id_max: is_backfill
                    .then(|| 8 + i64::try_from(random.below(12)).unwrap_or_default()),
                max_weight: by_weight.then_some(8.0),
                max_count: (!by_weight || random.percent(30)).then(|| 1 + random.below(4)),
                filter: (random.percent(40) && has_conditions).then_some(filter),
                hold: (random.percent(50) && has_conditions).then_some(hold),
                source_job,
                max_attempts: 1 + u32::try_from(random.below(4)).unwrap_or_default(),
                retry_delay_seconds: random.percent(30).then_some(20),
                lease_seconds: random.percent(80).then_some(40),
                on_change,
                ..AcquireRequest::new("files", job)
            }
        })
        .collect()
}

/// While nobody else is there, the jobs are read.
fn read_jobs(schedule: &mut Schedule<'_>, shared: &Shared, random: &mut Random) {
    let link = Link::default();
    let caller = Caller::new(link.clone(), shared, random);
    let told = shared.clone();
    let read = async move {
        match caller.jobs(JobsQuery::default()).await {
            Ok(jobs) => told.told().jobs = jobs,
            Err(error) => {
                let surprise = format!("{}: {error}", error.name());
                told.told().surprises.push(surprise);
            }
        }
    };
    schedule.run_alone(link, read);
}

/// Long after the claims, the items of all batches are read.
fn read_items(schedule: &mut Schedule<'_>, shared: &Shared, random: &mut Random) {
    let link = Link::default();
    let caller = Caller::new(link.clone(), shared, random);
    let told = shared.clone();
    let read = async move {
        let batches = told.told().batches.clone();
        for batch in batches.iter().filter(|batch| batch.meta_table == "files") {
            match caller.items(batch.claim_token.clone(), None, 1_000).await {
                Ok(items) => {
                    let uids = items.iter().map(|item| item.uid).collect();
                    told.told().items.push((batch.claim_token.clone(), uids));
                }
                Err(error) => {
                    let surprise = format!("{}: {error}", error.name());
                    told.told().surprises.push(surprise);
                }
            }
        }
    };
    schedule.run_alone(link, read);
}

/// With no faults any more, one worker drains all jobs. What fails its lease on the way may have to
/// rest, so it comes again.
fn heal(schedule: &mut Schedule<'_>, shared: &Shared, random: &mut Random) {
    for request in shared.jobs.iter().cycle().take(shared.jobs.len() * 2) {
        // Everything that waits for a time has waited long enough.
        schedule.world.advance(1_000_000);
        let link = Link::of(Version::Current, random.percent(50));
        let caller = Caller::new(link.clone(), shared, random);
        let (request, told) = (request.clone(), shared.clone());
        let drain = async move {
            for _ in 0..MOST_BATCHES {
                let acquired = caller.acquire(request.clone(), None).await;
                let Ok(Acquisition::Batch(batch)) = acquired else {
                    return;
                };
                let outcome = BatchOutcome::succeeded(None);
                if caller.complete(batch.claim_token, outcome).await.is_err() {
                    told.told()
                        .surprises
                        .push("a healthy completion failed".into());
                    return;
                }
            }
            told.told()
                .surprises
                .push("there is no end of batches".into());
        };
        schedule.run_alone(link, drain);
    }
}
