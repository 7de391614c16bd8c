//! The promise of `tail`, against the real binary: whatever is written, rotated, copied, truncated,
//! compressed, replaced, renamed and reached through links, whatever becomes of the output, and however often the follower is killed
//! meanwhile, every complete line arrives exactly once and in order.
//!
//! `CONFLUENCE_ECS_SEED` repeats a run, `CONFLUENCE_ECS_OPERATIONS` makes it shorter or longer,
//! `CONFLUENCE_ECS_RUNS` says how many short runs there are of each treatment.

mod arrivals;
mod outputs;
mod random;
mod reach;
mod scheme;
mod series;
mod world;

#[path = "../support"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod support {
    pub mod binary;
    pub mod place;
    pub mod random;
}

use std::time::{Duration, Instant};

use random::{given_seed, new_seed, number};
use world::{Treatment, World};

const OFTEN_KILLED: Treatment = Treatment {
    kill: 70,
    terminate: 5,
    start: 60,
};

const MOSTLY_LEFT_ALONE: Treatment = Treatment {
    kill: 10,
    terminate: 10,
    start: 60,
};

/// Does so many operations and checks what has arrived.
fn run(seed: u64, operations: u64, treatment: Treatment) {
    eprintln!("seed {seed}");
    let operations = number("CONFLUENCE_ECS_OPERATIONS").unwrap_or(operations);
    let mut world = World::new(seed, treatment);
    for _ in 0..operations {
        world.step();
    }
    world.end();
}

/// Runs of that many seeds, or of the given one.
fn seeds(count: u64, operations: u64, treatment: Treatment) {
    if let Some(seed) = given_seed() {
        return run(seed, operations, treatment);
    }
    let count = number("CONFLUENCE_ECS_RUNS").unwrap_or(count);
    let first = new_seed();
    for seed in first..first + count {
        run(seed, operations, treatment);
    }
}

#[test]
fn kills_while_writing_and_rotating() {
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("seed {seed}");
    let deadline = Instant::now() + Duration::from_secs(120);
    let operations = number("CONFLUENCE_ECS_OPERATIONS").unwrap_or(u64::MAX);
    let mut world = World::new(seed, OFTEN_KILLED);
    for _ in 0..operations {
        world.step();
        if world.kills >= 200 {
            break;
        }
        assert!(Instant::now() < deadline, "only {} kills", world.kills);
    }
    world.end();
}

#[test]
fn short_runs_of_a_live_follower() {
    seeds(30, 40, MOSTLY_LEFT_ALONE);
}

#[test]
fn short_runs_with_many_kills() {
    seeds(20, 40, OFTEN_KILLED);
}
