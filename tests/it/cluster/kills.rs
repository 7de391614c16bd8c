//! Ends: signals, kills, and what the next run makes of them.

use std::time::Instant;

use rustix::process::Signal;

use super::world::{STREAM, Sending, said};
use crate::support::binary::wait_until;
use crate::support::search::{Fault, For, Kind, Search};

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
