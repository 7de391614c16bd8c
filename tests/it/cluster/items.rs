//! Answers that take some events and not others.

use std::sync::atomic::{AtomicU64, Ordering};

use insta::assert_snapshot;

use super::world::{STREAM, Sending, number, said};
use crate::support::binary::wait_until;
use crate::support::outcome::outcome;
use crate::support::place::finish;
use crate::support::search::{For, Kind, Search};

/// Events whose number divides by 3 fail so often with that status before they are taken.
fn some_fail(search: &Search, times: u64, status: u16, kind: &'static str) {
    let failed = AtomicU64::new(0);
    let judge = move |_: &str, event: &serde_json::Value| {
        let is_some = number(event).is_multiple_of(3);
        let fails = is_some && failed.fetch_add(1, Ordering::SeqCst) < times;
        fails.then(|| (status, kind, "not now".to_owned()))
    };
    search.world().judge = Some(Box::new(judge));
}

#[test]
fn items_that_a_busy_cluster_did_not_take_are_sent_again_alone() {
    for (status, kind) in [
        (429, "es_rejected_execution_exception"),
        (503, "unavailable_shards_exception"),
        (500, "node_closed_exception"),
        (0, ""),
        (302, "found"),
    ] {
        let search = Search::new(Kind::Elasticsearch);
        some_fail(&search, 25, status, kind);
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(30);
        sending.once();
        sending.each_is_once_in(&search);
        let world = search.world();
        let bulks = world.seen.iter().filter(|seen| For::Bulk.holds(&seen.path));
        let sizes: Vec<_> = bulks.map(|bulk| bulk.documents).collect();
        assert_eq!(sizes, [30, 10, 10, 5], "{status}");
    }
}

/// Blocks last 20 s each.
#[test]
fn what_the_cluster_is_in_no_state_to_take_is_no_fault_of_the_event() {
    let cases = [
        (403, "security_exception"),
        (403, "cluster_block_exception"),
        (404, "index_not_found_exception"),
        (400, "validation_exception"),
    ];
    let words = std::thread::scope(|scope| {
        let cases = cases.map(|(status, kind)| {
            scope.spawn(move || {
                let search = Search::new(Kind::OpenSearch3);
                some_fail(&search, 10, status, kind);
                let mut sending = Sending::to(&[&search.url()]);
                sending.append(30);
                let follower = sending.start();
                sending.wait_for(&search);
                follower.terminate();
                sending.each_is_once_in(&search);
                assert_eq!(search.world().count(For::Bulk), 2);
                assert_eq!(sending.dead_letters(), Vec::<serde_json::Value>::new());
                said(&sending.place.said())
            })
        });
        cases.map(|case| case.join().expect("no panic")).join("\n")
    });
    assert_snapshot!(words);
}

#[test]
fn a_missing_index_that_is_not_made_by_itself_is_waited_for() {
    let search = Search::new(Kind::Elasticsearch);
    search.world().store.creates = false;
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(5);
    let follower = sending.start();
    wait_until("words about that", || {
        said(&sending.place.said()).contains("takes no events")
    });
    search.world().store.add_stream(STREAM);
    sending.wait_for(&search);
    follower.terminate();
    sending.each_is_once_in(&search);
    assert_snapshot!(said(&sending.place.said()));
}

#[test]
fn what_the_mapping_refuses_is_stored_in_its_plain_form() {
    let search = Search::new(Kind::Elasticsearch);
    let judge = |_: &str, event: &serde_json::Value| {
        let is_plain = event["event"]["kind"] == "pipeline_error";
        let is_refused = !is_plain && number(event).is_multiple_of(2);
        let kind = "document_parsing_exception";
        is_refused.then(|| (400, kind, "[1:9] failed to parse".to_owned()))
    };
    search.world().judge = Some(Box::new(judge));
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(10);
    let output = sending.once();
    sending.each_is_once_in(&search);
    let documents = search.world().documents(STREAM);
    let plain = documents.iter().map(|(_, event)| event);
    let mut plain: Vec<_> = plain.filter(|event| number(event) == 2).collect();
    let mut plain = plain.remove(0).clone();
    plain["event"]["original"] = "[THE RECORD]".into();
    let plain = serde_json::to_string_pretty(&plain).expect("JSON");
    assert_snapshot!(format!("{}\n{plain}", said(&outcome(&output))));
}

#[test]
fn the_failure_store_is_counted_and_said() {
    let search = Search::new(Kind::Elasticsearch);
    search.world().has_failure_store = true;
    some_fail(&search, 10, 400, "document_parsing_exception");
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(30);
    let output = sending.once();
    assert_eq!(Sending::arrived(&search).len(), 20);
    assert_snapshot!(said(&outcome(&output)));
}

#[test]
fn a_pipeline_that_is_missing_is_waited_for() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]).with(&["--pipeline", "mine"]);
    sending.append(5);
    let follower = sending.start();
    wait_until("words about that", || {
        said(&sending.place.said()).contains("takes no events")
    });
    search.world().pipelines.push("mine".to_owned());
    sending.wait_for(&search);
    follower.terminate();
    sending.each_is_once_in(&search);
}

#[test]
fn an_alias_and_an_index_take_events_once_too() {
    use crate::support::search::Fault;
    for kind in [Kind::Elasticsearch, Kind::OpenSearch2] {
        let search = Search::new(kind);
        {
            let store = &mut search.world().store;
            store.add_alias("audit", &["audit-000001", "audit-000002", "audit-old"], 0);
            store.add_alias("single", &["single-000001"], 0);
            store.add_index("plain");
        }
        for name in ["audit", "single", "plain"] {
            let mut sending = Sending::to(&[&search.url()]).with(&["--index", name]);
            sending.append(1);
            sending.once();
            sending.append(20);
            search.fault(For::Bulk, 1, Fault::Reset);
            let output = finish(sending.tail(&["--once"]));
            assert_eq!(output.status.code(), Some(0), "{}", said(&outcome(&output)));
            assert_eq!(search.world().documents(name).len(), 21, "{name}");
        }
    }
}

#[test]
fn events_that_are_not_taken_for_long_are_said() {
    let search = Search::new(Kind::Elasticsearch);
    some_fail(&search, u64::MAX, 429, "es_rejected_execution_exception");
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(30);
    let follower = sending.start();
    wait_until("words about that", || {
        said(&sending.place.said()).contains("for now")
    });
    search.world().judge = None;
    sending.wait_for(&search);
    follower.terminate();
    sending.each_is_once_in(&search);
    assert_snapshot!(said(&sending.place.said()));
}

/// What a pipeline refuses, in the plain form too or not.
fn refused_by_a_processor(is_plain_too: bool) -> (Search, Sending) {
    let search = Search::new(Kind::Elasticsearch);
    search.world().pipelines.push("mine".to_owned());
    let judge = move |_: &str, event: &serde_json::Value| {
        let is_plain = event["event"]["kind"] == "pipeline_error";
        let is_refused = number(event).is_multiple_of(3) && (is_plain_too || !is_plain);
        let kind = "fail_processor_exception";
        is_refused.then(|| (500, kind, "not this one".to_owned()))
    };
    search.world().judge = Some(Box::new(judge));
    let mut sending = Sending::to(&[&search.url()]).with(&["--pipeline", "mine"]);
    sending.append(9);
    (search, sending)
}

#[test]
fn what_a_processor_refuses_is_refused_for_its_content() {
    let (search, sending) = refused_by_a_processor(false);
    sending.once();
    sending.each_is_once_in(&search);
    let (search, sending) = refused_by_a_processor(true);
    let output = sending.once();
    assert_eq!(Sending::arrived(&search), [1, 2, 4, 5, 7, 8]);
    assert_eq!(sending.dead_letters().len(), 3);
    assert_snapshot!(said(&outcome(&output)));
}

#[test]
fn a_final_pipeline_that_is_missing_has_a_remedy() {
    let search = Search::new(Kind::Elasticsearch);
    let reason = "pipeline with id [last] does not exist";
    search.world().judge = Some(Box::new(|_, _| {
        Some((400, "illegal_argument_exception", reason.to_owned()))
    }));
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(1);
    let follower = sending.start();
    wait_until("words about that", || {
        said(&sending.place.said()).contains("takes no events")
    });
    follower.kill();
    let words = said(&sending.place.said());
    assert!(words.contains("unset index.final_pipeline"), "{words}");
}
