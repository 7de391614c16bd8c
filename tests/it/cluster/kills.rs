//! Ends: signals, kills, and what the next run makes of them.

use std::time::Instant;

use rustix::process::Signal;

use super::world::{KINDS, STREAM, Sending, said};
use crate::support::binary::wait_until;
use crate::support::outcome::outcome;
use crate::support::place::finish;
use crate::support::search::{Answer, Fault, For, Kind, Search};

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_at_the_end() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]).with(&["--shutdown-timeout", "2s"]);
    sending.append(1);
    sending.once();
    sending.append(10);
    search.always(For::Bulk, Fault::Hang);
    let mut follower = sending.start();
    search.wait("the request", |world| world.count(For::Bulk) == 2);
    let began = Instant::now();
    follower.signal(Signal::TERM);
    follower.ends_with(Some(0));
    let took = began.elapsed().as_secs_f64();
    assert!((1.5..4.5).contains(&took), "{took} s");
    search.mend();
    sending.once();
    sending.each_is_once_in(&search);
    insta::assert_snapshot!(said(&sending.place.said()));
}

#[test]
fn a_stop_during_a_pause_ends_in_time() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]).with(&["--shutdown-timeout", "1s"]);
    sending.append(1);
    sending.once();
    sending.append(10);
    search.world().judge = Some(Box::new(|_, _| {
        Some((403, "cluster_block_exception", "read-only".to_owned()))
    }));
    let mut follower = sending.start();
    search.wait("the request", |world| world.count(For::Bulk) == 2);
    let began = Instant::now();
    follower.signal(Signal::TERM);
    follower.ends_with(Some(0));
    assert!(began.elapsed().as_secs_f64() < 3.5, "{:?}", began.elapsed());
    search.world().judge = None;
    sending.once();
    sending.each_is_once_in(&search);
}

#[test]
fn what_a_killed_run_sent_is_looked_for_even_after_a_run_that_reached_no_cluster() {
    let search = Search::new(Kind::OpenSearch3);
    let mut sending = Sending::to(&[&search.url()]).with(&["--shutdown-timeout", "200ms"]);
    sending.append(1);
    sending.once();
    sending.append(50);
    search.world().rolls_over = Some(STREAM);
    search.fault(For::Bulk, 1, Fault::Reset);
    search.always(For::Mget, Fault::Hang);
    let follower = sending.start();
    search.wait("the look", |world| world.count(For::Mget) == 1);
    follower.kill();
    search.mend();
    search.always(For::Any, Fault::Close);
    for _ in 0..2 {
        let before = search.world().seen.len();
        let mut follower = sending.start();
        wait_until("an attempt", || search.world().seen.len() > before);
        follower.signal(Signal::TERM);
        follower.ends_with(Some(0));
    }
    search.mend();
    sending.once();
    sending.each_is_once_in(&search);
}

#[test]
fn normalize_sends_too_and_the_same_input_again_adds_nothing() {
    use crate::support::binary::{command, stderr};
    use crate::support::place::finish;
    let search = Search::new(Kind::OpenSearch2);
    let mut sending = Sending::to(&[]);
    sending.append(40);
    for _ in 0..2 {
        let mut normalize = command(["normalize", "--elasticsearch-url", &search.url()]);
        normalize.arg(sending.place.path("audit.log"));
        normalize.env("XDG_STATE_HOME", sending.place.folder());
        search.fault(For::Bulk, 1, Fault::Reset);
        let output = finish(normalize);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        sending.each_is_once_in(&search);
    }
}

/// How many bytes the state says may have been sent.
fn in_doubt(sending: &Sending) -> u64 {
    let text = std::fs::read(sending.place.state_dir().join("tail.json")).expect("a state");
    let saved: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    saved["state"]["cluster"]["in_doubt"].as_u64().expect("it")
}

#[test]
fn after_the_kill_of_an_idle_follower_nothing_is_looked_for() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(3);
    let follower = sending.start();
    sending.wait_for(&search);
    wait_until("a save", || sending.is_all_saved());
    follower.kill();
    let follower = sending.start();
    wait_until("the start", || search.world().count(For::Resolve) == 2);
    sending.append(2);
    sending.wait_for(&search);
    follower.terminate();
    assert_eq!(in_doubt(&sending), 0);
    assert_eq!(search.world().count(For::Mget), 0);
    sending.each_is_once_in(&search);
}

#[test]
fn what_was_there_to_be_sent_before_a_kill_is_looked_for_once() {
    let search = Search::new(Kind::OpenSearch3);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(1);
    sending.once();
    sending.append(50);
    // All is taken, and the follower does not hear of it.
    search.world().rolls_over = Some(STREAM);
    search.fault(For::Bulk, 1, Fault::Reset);
    search.always(For::Mget, Fault::Hang);
    let follower = sending.start();
    search.wait("the look", |world| world.count(For::Mget) == 1);
    follower.kill();
    search.mend();
    let looks = |search: &Search| search.world().count(For::Mget);
    let before = looks(&search);
    let follower = sending.start();
    search.wait("the looks", |world| world.count(For::Mget) > before);
    wait_until("a save", || {
        sending.is_all_saved() && in_doubt(&sending) == 0
    });
    // Two backing indices.
    assert_eq!(looks(&search), before + 2);
    // What is closed now need not be looked at any more.
    search.always(For::Mget, Fault::Close);
    sending.append(5);
    sending.wait_for(&search);
    follower.terminate();
    sending.append(5);
    sending.once();
    assert_eq!(looks(&search), before + 2);
    sending.each_is_once_in(&search);
}

#[test]
fn another_target_after_a_kill_is_warned_of() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(1);
    sending.once();
    sending.append(20);
    search.always(For::Bulk, Fault::Hang);
    let follower = sending.start();
    search.wait("the request", |world| world.count(For::Bulk) == 2);
    follower.kill();
    search.mend();
    let output = finish(sending.tail(&["--once", "--namespace", "other"]));
    // What the thread that asks the cluster says may come before it or after.
    let told = said(&outcome(&output));
    let warnings: Vec<_> = told
        .lines()
        .filter(|line| line.starts_with("WARN"))
        .collect();
    insta::assert_snapshot!(warnings.join("\n"));
    // Everything of the last run was saved.
    let output = finish(sending.tail(&["--once"]));
    assert!(!said(&outcome(&output)).contains("before"), "{output:?}");
}

#[test]
fn normalize_adds_nothing_after_a_rollover_either_and_asks_only_then() {
    for kind in KINDS {
        let search = Search::new(kind);
        let mut sending = Sending::to(&[]);
        sending.append(40);
        let send = || {
            let output = sending.run_to(&search, "normalize", &sending.place.path("audit.log"));
            assert_eq!(output.status.code(), Some(0), "{}", said(&outcome(&output)));
        };
        send();
        send();
        assert_eq!(search.world().count(For::Resolve), 2);
        assert_eq!(search.world().count(For::Mget), 0);
        search.world().store.roll_over(STREAM);
        send();
        sending.each_is_once_in(&search);
        assert_eq!(search.world().count(For::Mget), 2);
    }
}

#[test]
fn what_normalize_stored_before_a_rollover_in_the_middle_of_a_run_is_not_stored_twice() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[]);
    sending.append(40);
    let file = sending.place.path("audit.log");
    sending.run_to(&search, "normalize", &file);
    let busy = Answer::error(503, "unavailable", "not now");
    search.fault(For::Bulk, 1, Fault::RolledOver(STREAM, busy));
    let output = sending.run_to(&search, "normalize", &file);
    assert_eq!(output.status.code(), Some(0), "{}", said(&outcome(&output)));
    sending.each_is_once_in(&search);
}
