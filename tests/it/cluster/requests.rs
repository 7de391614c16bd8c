//! Requests that fail as a whole: the answer is lost, or is none.

use insta::assert_snapshot;

use super::world::{KINDS, STREAM, Sending, said};
use crate::support::outcome::outcome;
use crate::support::search::{Answer, Fault, For, Kind, Search};

#[test]
fn each_product_takes_every_event_with_one_request_for_all() {
    for kind in KINDS {
        let search = Search::new(kind);
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(100);
        sending.once();
        sending.each_is_once_in(&search);
        assert_eq!(
            search.world().paths(),
            [
                "GET /",
                "GET /_resolve/index/logs-atlassian_confluence.audit-default",
                "GET /_index_template/logs-atlassian_confluence.audit",
                "POST /logs-atlassian_confluence.audit-default/_bulk"
            ]
        );
    }
}

/// After a fault, and a rollover before the events are sent again, each event is there once.
fn once_after(fault: Fault) {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(1);
    sending.once();
    sending.append(50);
    search.world().rolls_over = Some(STREAM);
    search.fault(For::Bulk, 1, fault);
    sending.once();
    sending.each_is_once_in(&search);
}

#[test]
fn a_lost_answer_and_a_rollover_double_nothing() {
    let page = || Answer::new(200, "text/html", "<html><body>Welcome</body></html>");
    let busy = || Answer::error(429, "es_rejected_execution_exception", "busy");
    for fault in [
        Fault::Close,
        Fault::Reset,
        Fault::CutAnswer,
        Fault::CutJson,
        Fault::DropItem,
        Fault::Taken(page()),
        Fault::Taken(Answer::json(200, &serde_json::json!({}))),
        Fault::Taken(Answer::new(502, "text/html", "<html>Bad Gateway</html>")),
        Fault::Taken(Answer::error(500, "node_closed_exception", "node closed")),
        Fault::HalfTaken(busy()),
        Fault::HalfTaken(busy().with("Retry-After", "1")),
        Fault::Answer(Answer::new(503, "text/plain", "")),
        Fault::Answer(Answer::new(504, "text/plain", "")),
    ] {
        eprintln!("{fault:?}");
        once_after(fault);
    }
}

/// An answer that says of each of 50 documents that it could not be looked for.
fn documents_with(kind: &str) -> Answer {
    let document = serde_json::json!({"_id": "x", "error": {"type": kind}});
    Answer::json(200, &serde_json::json!({"docs": vec![document; 50]}))
}

/// A look that is refused for another reason than missing rights is waited for, however long that takes.
#[test]
fn a_look_that_is_not_answered_is_waited_for_and_named() {
    let mut words = Vec::new();
    for answer in [
        Answer::new(405, "text/plain", "method not allowed"),
        documents_with("index_closed_exception"),
    ] {
        let search = Search::new(Kind::Elasticsearch);
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(1);
        sending.once();
        sending.append(50);
        search.world().rolls_over = Some(STREAM);
        search.fault(For::Bulk, 1, Fault::Reset);
        search.always(For::Mget, Fault::Answer(answer));
        let follower = sending.start();
        // More often than any number of attempts after which it might have gone on.
        search.wait("looks", |world| world.count(For::Mget) >= 4);
        assert_eq!(search.world().count(For::Bulk), 2);
        search.mend();
        sending.wait_for(&search);
        follower.terminate();
        sending.each_is_once_in(&search);
        words.push(said(&sending.place.said()));
    }
    assert_snapshot!(words.join("\n"));
}

/// The events of a lost request come in after the look for them, and the data stream has rolled over.
#[test]
fn a_second_copy_that_was_taken_back_counts_as_there_already() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(50);
    let send = || sending.run_to(&search, "send", &sending.bulk_file());
    send();
    let nothing = serde_json::json!({"_id": "x", "found": false});
    let nothing = Answer::json(200, &serde_json::json!({"docs": vec![nothing; 50]}));
    search.fault(For::Mget, 1, Fault::RolledOver(STREAM, nothing));
    let output = send();
    sending.each_is_once_in(&search);
    assert_snapshot!(said(&outcome(&output)));
}

/// The bodies are compressed as a whole: the stand-in refuses chunks, and other encodings.
#[test]
fn bodies_are_compressed_unless_no_network_is_saved_by_it() {
    for (host, is_gzip) in [("0.0.0.0", true), ("127.0.0.1", false)] {
        let search = Search::new(Kind::Elasticsearch);
        // Another name of this machine, which is not taken for it.
        let mut sending = Sending::to(&[&search.url().replace("127.0.0.1", host)]);
        sending.append(100);
        sending.once();
        sending.append(100);
        // The second is one that is sent again.
        search.fault(For::Bulk, 1, Fault::Close);
        sending.once();
        sending.each_is_once_in(&search);
        let world = search.world();
        let bulks = world.seen.iter().filter(|seen| For::Bulk.holds(&seen.path));
        let bulks: Vec<_> = bulks.collect();
        assert_eq!(bulks.len(), 3);
        for bulk in bulks {
            assert_eq!(bulk.is_gzip, is_gzip, "{host}");
            assert_eq!(
                bulk.length < 20_000,
                is_gzip,
                "{host}: {} bytes",
                bulk.length
            );
        }
    }
}

#[test]
fn what_answers_a_look_otherwise_than_a_cluster_is_asked_again() {
    for (requests, fault) in [
        (For::Resolve, Answer::new(200, "text/html", "<html></html>")),
        (For::Resolve, Answer::new(404, "text/html", "<html></html>")),
        (
            For::Resolve,
            Answer::new(200, "application/json", "{\"indices\":["),
        ),
        (For::Resolve, Answer::new(500, "text/plain", "")),
        (For::Mget, Answer::new(200, "text/html", "<html></html>")),
        (For::Mget, Answer::new(200, "application/json", "{}")),
        (For::Mget, Answer::new(404, "text/html", "<html></html>")),
        (For::Mget, Answer::new(500, "text/plain", "")),
        (For::Mget, Answer::new(413, "text/plain", "")),
        (
            For::Resolve,
            Answer::error(400, "illegal_argument_exception", "no"),
        ),
        (
            For::Mget,
            Answer::error(400, "illegal_argument_exception", "no"),
        ),
        (For::Resolve, Answer::new(405, "text/plain", "")),
        (For::Mget, Answer::new(405, "text/plain", "")),
        (For::Resolve, Answer::new(402, "text/plain", "")),
        (For::Mget, Answer::new(402, "text/plain", "")),
        (
            For::Resolve,
            Answer::error(403, "cluster_block_exception", "blocked"),
        ),
        (
            For::Mget,
            Answer::error(403, "cluster_block_exception", "blocked"),
        ),
        (For::Mget, documents_with("cluster_block_exception")),
        (For::Mget, documents_with("index_closed_exception")),
        (For::Mget, documents_with("unavailable_shards_exception")),
    ] {
        eprintln!("{requests:?} {fault:?}");
        let search = Search::new(Kind::OpenSearch2);
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(1);
        sending.once();
        sending.append(50);
        search.fault(For::Bulk, 1, Fault::Reset);
        search.fault(requests, 2, Fault::Answer(fault));
        search.world().rolls_over = Some(STREAM);
        sending.once();
        sending.each_is_once_in(&search);
    }
}

#[test]
fn a_cluster_that_is_down_is_waited_for_and_not_asked_all_the_time() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(20);
    search.always(For::Bulk, Fault::Answer(Answer::new(503, "text/plain", "")));
    let follower = sending.start();
    search.wait("some attempts", |world| world.count(For::Bulk) >= 3);
    std::thread::sleep(std::time::Duration::from_secs(5));
    let asked = search.world().seen.len();
    assert!(asked < 40, "{asked} requests: {:?}", search.world().paths());
    search.mend();
    sending.wait_for(&search);
    follower.terminate();
    sending.each_is_once_in(&search);
    assert_snapshot!(said(&sending.place.said()));
}

#[test]
fn a_server_that_says_when_to_come_back_is_asked_no_sooner() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(20);
    for status in [429, 503] {
        let busy = Answer::new(status, "text/plain", "").with("Retry-After", "3");
        search.fault(For::Bulk, 1, Fault::Answer(busy));
    }
    sending.once();
    sending.each_is_once_in(&search);
    let world = search.world();
    let bulks = world.seen.iter().filter(|seen| For::Bulk.holds(&seen.path));
    let times: Vec<_> = bulks.map(|bulk| bulk.at).collect();
    assert_eq!(times.len(), 3);
    for pair in times.windows(2) {
        let gap = (pair[1] - pair[0]).as_secs_f64();
        assert!((2.9..6.0).contains(&gap), "{gap} s");
    }
}

/// Reading stops while nothing is taken.
#[test]
fn a_cluster_that_is_down_costs_no_memory() {
    let search = Search::new(Kind::Elasticsearch);
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(1000);
    let log = sending.place.path("audit.log");
    let text = std::fs::read(&log).expect("read");
    let mut file = std::fs::File::create(&log).expect("created");
    for _ in 0..600 {
        std::io::Write::write_all(&mut file, &text).expect("written");
    }
    let page = Answer::new(503, "text/plain", "");
    search.always(For::Bulk, Fault::Answer(page));
    let follower = sending.start();
    search.wait("some attempts", |world| world.count(For::Bulk) >= 8);
    let peak = follower.peak_memory() >> 20;
    assert!(peak < 128, "{peak} MiB");
    follower.kill();
}
