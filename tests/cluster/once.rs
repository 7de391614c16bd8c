//! Each event once: through kills of the follower and of the node, lost answers and rollovers.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::node::{Elasticsearch9, Kind, Node, OpenSearch3};
use super::proxy::{Fault, Proxy};
use super::support::binary::wait_until;
use super::support::random::{Random, given_seed, new_seed, number};
use super::world::{World, install_template};

/// How long the random tests go on, and how many kills are enough.
const TIME: Duration = Duration::from_secs(60);
const KILLS: u32 = 50;

fn roll_over(node: &Node, world: &World) {
    node.must("POST", &format!("{}/_rollover", world.stream()), "{}");
}

/// A rollover between a lost answer and its repetition.
fn a_lost_answer_and_a_rollover(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let proxy = Proxy::new(node.port());
    let mut world = World::new("lost", proxy.url());
    world.append(10);
    world.once();
    for fault in [Fault::LoseAnswer, Fault::CutAnswer, Fault::DropItem] {
        world.append(50);
        proxy.next(fault);
        world.start();
        wait_until("the fault", || proxy.is_done());
        roll_over(&node, &world);
        world.all_arrive(&node);
        world.end(Signal::TERM);
    }
    // Killed between the answer that was lost and the look, and a rollover before the next start.
    world.append(50);
    proxy.next(Fault::LoseAnswer);
    world.start();
    wait_until("the fault", || proxy.is_done());
    world.end(Signal::KILL);
    roll_over(&node, &world);
    roll_over(&node, &world);
    world.once();
    assert_eq!(world.all_arrive(&node).len(), 0);
}

/// What was settled before a kill is not looked for, so an index that is closed since keeps nothing.
fn a_settled_follower_is_killed(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let mut world = World::new("settled", node.url());
    world.append(10);
    world.once();
    let of_stream = format!("_resolve/index/{}", world.stream());
    let indices = node.get(&of_stream).1["data_streams"][0]["backing_indices"].clone();
    let first = indices.as_array().map_or(&indices, |all| &all[0]);
    let first = first.as_str().expect("an index").to_owned();
    let starts = |world: &World| world.said().matches(" is ").count();
    world.start();
    wait_until("the start", || starts(&world) == 1);
    world.end(Signal::KILL);
    world.start();
    wait_until("the start", || starts(&world) == 2);
    roll_over(&node, &world);
    node.must("POST", &format!("{first}/_close"), "");
    world.append(5);
    wait_until("the events", || {
        node.must("POST", "_refresh", "");
        let counted = node.get(&format!(
            "{}/_count?ignore_unavailable=true",
            world.stream()
        ));
        counted.1["count"] == 5
    });
    world.end(Signal::TERM);
    node.must("POST", &format!("{first}/_open"), "");
    assert_eq!(world.all_arrive(&node).len(), 0);
}

/// The time until the node is up again is the followers': one after the other is killed while it waits, or as the
/// node begins to answer. How many were.
fn kill_during_outage(node: &mut Node, world: &mut World, random: &mut Random) -> u32 {
    let mut kills = 0;
    while !node.is_up() {
        world.append(random.below(20));
        if !world.is_following() {
            world.start();
        }
        std::thread::sleep(random.pause(1000));
        if random.percent(60) {
            world.end(Signal::KILL);
            kills += 1;
        }
    }
    node.wait();
    kills
}

fn any_faults(kind: Kind) {
    let Some(mut node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("CONFLUENCE_ECS_SEED={seed}");
    let mut random = Random::new(seed);
    let proxy = Proxy::new(node.port());
    let mut world = World::new("any", proxy.url());
    world.append(1);
    world.once();
    let began = Instant::now();
    let time = number("CONFLUENCE_ECS_SECONDS").map_or(TIME, Duration::from_secs);
    let (mut kills, mut outage_kills, mut node_kills) = (0, 0, 0);
    while began.elapsed() < time && kills < KILLS {
        world.append(random.below(400));
        match random.below(20) {
            0..4 => proxy.next(Fault::LoseAnswer),
            4 => proxy.next(Fault::CutAnswer),
            5 => proxy.next(Fault::LoseRequest),
            6..9 => roll_over(&node, &world),
            9..11 => world.rotate(),
            // A start takes many seconds.
            11 if node_kills < 2 => {
                node.kill();
                node_kills += 1;
                node.launch();
                outage_kills += kill_during_outage(&mut node, &mut world, &mut random);
            }
            _ => {}
        }
        if world.is_following() {
            std::thread::sleep(random.pause(200));
            if random.percent(80) {
                world.end(Signal::KILL);
                kills += 1;
                if random.percent(50) {
                    roll_over(&node, &world);
                }
            }
        } else {
            world.start();
        }
    }
    eprintln!(
        "{kills} kills of the follower, {outage_kills} more while the node was away, {node_kills} of the node"
    );
    world.end(Signal::KILL);
    world.once();
    assert_eq!(world.all_arrive(&node).len(), 0);
}

#[test]
fn elasticsearch_a_lost_answer_and_a_rollover_double_nothing() {
    a_lost_answer_and_a_rollover(Elasticsearch9);
}

#[test]
fn opensearch_a_lost_answer_and_a_rollover_double_nothing() {
    a_lost_answer_and_a_rollover(OpenSearch3);
}

#[test]
fn elasticsearch_is_not_asked_for_what_was_settled_before_a_kill() {
    a_settled_follower_is_killed(Elasticsearch9);
}

#[test]
fn opensearch_is_not_asked_for_what_was_settled_before_a_kill() {
    a_settled_follower_is_killed(OpenSearch3);
}

#[test]
fn elasticsearch_has_each_event_once_whatever_happens() {
    any_faults(Elasticsearch9);
}

#[test]
fn opensearch_has_each_event_once_whatever_happens() {
    any_faults(OpenSearch3);
}
