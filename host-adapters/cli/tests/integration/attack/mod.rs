//! The service and its workers under attack and in trouble, for as long as is asked for: two minutes, or what
//! `cargo xtask attack --minutes N` says.
//!
//! A job goes on all the while, by workers of `batchintory run` behind a pooler, by one in a network of its own,
//! and by a client of the HTTP service that behaves. What is done to them happens one after the other, each
//! deed as it can be done on this machine. In the end every item is in exactly one batch that succeeded, nothing
//! is left, and no log holds a secret.

mod client;
mod database;
mod deeds;
mod figures;
mod hole;
mod processes;
mod scene;
mod small_disk;

use std::env;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use deeds::Deed;
use scene::Scene;

/// The variable that says for how long, in seconds.
const VARIABLE: &str = "BATCHINTORY_TEST_ATTACK_SECONDS";
const SECONDS: u64 = 120;

/// How long a rest is between two deeds: workers do what they are there for.
const REST: Duration = Duration::from_secs(1);

/// How long the rest of the job may take when all is well again, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(600);

#[test]
fn every_item_succeeds_once_whatever_is_done_to_the_service_and_to_workers() -> Result<()> {
    let asked = env::var(VARIABLE).ok();
    let seconds = match &asked {
        Some(seconds) => seconds.parse()?,
        None => SECONDS,
    };
    let start = Instant::now();
    let mut scene = Scene::set()?;
    let mut round = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        for deed in Deed::ALL {
            println!("{:>5} s  {deed}", start.elapsed().as_secs());
            scene.is_in_order()?;
            deed.do_to(&mut scene, round)?;
            scene.database.append_items();
            std::thread::sleep(REST);
            if start.elapsed() >= Duration::from_secs(seconds) {
                break;
            }
        }
        round += 1;
    }
    scene.resume_all();
    println!("{:>5} s  what is left is done", start.elapsed().as_secs());
    let end = Instant::now();
    while !scene.is_done() {
        let (astray, left) = (scene.database.astray(), scene.database.left());
        ensure!(
            end.elapsed() < PATIENCE,
            "{astray:?} items and {left:?} batches are left"
        );
        scene.is_in_order()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    let figures = scene.end()?;
    println!("\n{figures}");
    figures.check()?;
    // A test goes by no clock: other tests may use the same processors.
    if asked.is_some() {
        figures.check_times()?;
    }
    Ok(())
}
