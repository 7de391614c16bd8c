//! Requests that are refused as a whole: too large, or at fault somewhere.

use insta::assert_snapshot;
use regex::Regex;

use super::world::{STREAM, Sending, number, said};
use crate::support::outcome::outcome;
use crate::support::search::{Answer, Fault, For, Kind, Search};

#[test]
fn a_request_that_is_too_large_is_halved_and_the_next_are_smaller() {
    let search = Search::new(Kind::Elasticsearch);
    search.world().most_bytes = 40_000;
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(200);
    sending.once();
    sending.each_is_once_in(&search);
    let world = search.world();
    let refused = world.seen.iter().filter(|seen| seen.length > 40_000);
    assert!(refused.count() < 8, "{:?}", world.seen);
}

#[test]
fn a_server_that_closes_while_the_client_still_writes_is_understood() {
    let search = Search::new(Kind::OpenSearch2);
    // Larger than what the sockets hold.
    search.world().most_bytes = 3 << 20;
    let mut sending = Sending::to(&[&search.url()]).with(&["--bulk-bytes", "50MiB"]);
    for _ in 0..10 {
        sending.append_long(1 << 20);
    }
    sending.once();
    sending.each_is_once_in(&search);
    assert_eq!(sending.dead_letters(), Vec::<serde_json::Value>::new());
}

#[test]
fn an_event_that_is_too_large_alone_is_stored_without_its_text_and_is_a_dead_letter() {
    let sizes = Regex::new(r"\b\d+ bytes|at most \d+").expect("a pattern");
    for is_closing in [true, false] {
        let search = Search::new(Kind::Elasticsearch);
        if is_closing {
            search.world().most_bytes = 20_000;
        } else {
            let judge = |body: &[u8]| {
                let answer = || Answer::error(413, "content_too_long_exception", "too long");
                (body.len() > 20_000).then(answer)
            };
            search.world().judge_whole = Some(Box::new(judge));
        }
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(3);
        sending.append_long(30_000);
        sending.append(3);
        let output = sending.once();
        let documents = search.world().documents(STREAM);
        assert_eq!(documents.len(), 7);
        let cut = documents.iter().find(|(_, event)| event["user"].is_null());
        let (id, cut) = cut.expect("the event in its plain form");
        assert_eq!(cut["event"]["original"], serde_json::Value::Null);
        let letters = sending.dead_letters();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0]["_id"], id.as_str());
        assert_eq!(number(&letters[0]["event"]), 4);
        if is_closing {
            let words = said(&outcome(&output));
            assert_snapshot!(sizes.replace_all(&words, "[SIZE]"));
        }
    }
}

#[test]
fn an_event_too_large_in_every_form_is_one_dead_letter() {
    let search = Search::new(Kind::Elasticsearch);
    search.world().most_bytes = 100;
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(2);
    let output = sending.once();
    assert_eq!(search.world().documents(STREAM).len(), 0);
    assert_eq!(sending.dead_letters().len(), 2);
    let words = said(&outcome(&output));
    assert!(words.contains("even without their text"), "{words}");
    assert!(!words.contains("stored without their text"), "{words}");
}

#[test]
fn the_event_at_fault_for_a_whole_request_is_found() {
    let search = Search::new(Kind::Elasticsearch);
    let judge = |body: &[u8]| {
        let text = String::from_utf8_lossy(body);
        let is_at_fault = text.contains("\"id\":\"7\"") && !text.contains("_refused");
        is_at_fault.then(|| Answer::error(400, "illegal_argument_exception", "number 7"))
    };
    search.world().judge_whole = Some(Box::new(judge));
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(20);
    sending.once();
    sending.each_is_once_in(&search);
    let documents = search.world().documents(STREAM);
    let plain = documents
        .iter()
        .filter(|(_, event)| event["user"].is_null());
    let plain: Vec<_> = plain.map(|(_, event)| number(event)).collect();
    assert_eq!(plain, [7]);
    assert_eq!(sending.dead_letters(), Vec::<serde_json::Value>::new());
}

/// What is lost again and again may be too large for something on the way that says nothing.
#[test]
fn a_request_that_is_always_lost_is_halved() {
    let search = Search::new(Kind::Elasticsearch);
    let judge = |body: &[u8]| {
        let page = || Answer::new(500, "text/html", "<html>Too much</html>");
        (body.len() > 12_000).then(page)
    };
    search.world().judge_whole = Some(Box::new(judge));
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(12);
    let follower = sending.start();
    sending.wait_for(&search);
    follower.terminate();
    sending.each_is_once_in(&search);
}

#[test]
fn bodies_are_plain_on_this_machine_and_end_with_a_newline() {
    let search = Search::new(Kind::OpenSearch3);
    let mut sending = Sending::to(&[&search.url()]).with(&["--bulk-bytes", "16KiB"]);
    sending.append(100);
    search.fault(For::Bulk, 1, Fault::TooLarge);
    sending.once();
    sending.each_is_once_in(&search);
    let world = search.world();
    assert!(world.seen.iter().all(|seen| seen.length <= 16 << 10));
    assert!(world.seen.iter().all(|seen| !seen.is_gzip));
}

/// A node counts an event again when it stores it.
#[test]
fn an_event_that_does_not_fit_beside_itself_does_not_keep_the_others() {
    let kind = "es_rejected_execution_exception";
    let search = Search::new(Kind::Elasticsearch);
    search.world().judge = Some(Box::new(move |_, event| {
        let is_long = event.to_string().len() > 15_000;
        is_long.then(|| (429, kind, over_the_limit(4_000)))
    }));
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(3);
    sending.append_long(15_000);
    sending.append(30);
    let follower = sending.start();
    search.wait("all events", |world| world.documents(STREAM).len() == 34);
    follower.terminate();
    let letters = sending.dead_letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(number(&letters[0]["event"]), 4);
}

/// As a node says it whose `indexing_pressure.memory.limit` is less than one event.
fn over_the_limit(bytes: usize) -> String {
    format!(
        "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, \
         all_bytes=0, coordinating_operation_bytes={bytes}, max_coordinating_and_primary_bytes=20000]"
    )
}

#[test]
fn an_event_over_the_memory_limit_does_not_keep_the_others() {
    let kind = "es_rejected_execution_exception";
    for is_whole in [true, false] {
        let search = Search::new(Kind::Elasticsearch);
        if is_whole {
            search.world().judge_whole = Some(Box::new(move |body: &[u8]| {
                let answer = || Answer::error(429, kind, &over_the_limit(body.len()));
                (body.len() > 20_000).then(answer)
            }));
        } else {
            search.world().judge = Some(Box::new(move |_, event| {
                let length = event.to_string().len();
                (length > 20_000).then(|| (429, kind, over_the_limit(length)))
            }));
        }
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(3);
        sending.append_long(30_000);
        sending.append(30);
        let output = sending.once();
        assert_eq!(search.world().documents(STREAM).len(), 34);
        let letters = sending.dead_letters();
        assert_eq!(letters.len(), 1);
        assert_eq!(letters[0]["status"], 429);
        assert_eq!(number(&letters[0]["event"]), 4);
        let words = said(&outcome(&output));
        assert!(words.contains("stored without their text"), "{words}");
    }
}
