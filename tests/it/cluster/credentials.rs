//! Who sends, and what of that is shown: nothing.

use std::process::Command;
use std::time::Duration;

use insta::assert_snapshot;

use super::world::{Sending, said};
use crate::support::binary::{stderr, wait_until};
use crate::support::place::finish;
use crate::support::search::{Answer, Fault, For, Kind, Search};

const KEY: &str = "VuaCfGcBCdbkQm:ui2lp2axTNmsyakw9tvNnw";
const ENCODED: &str = "VnVhQ2ZHY0JDZGJrUW06dWkybHAyYXhUTm1zeWFrdzl0dk5udw==";

/// All that may not be shown of them.
const SECRETS: [&str; 5] = [
    "ui2lp2axTNmsyakw9tvNnw",
    ENCODED,
    "VnVhQ2ZHY0JDZGJrUW06dWkybHAyYXhUTm1zeWFrdzl0dk5udw",
    "s3cretPassw0rd",
    "d3JpdGVyOnMzY3JldFBhc3N3MHJk",
];

type Set = fn(&mut Command, &Sending);

/// The ways to say who sends, with the header's value.
fn ways() -> [(Set, String); 6] {
    fn file(command: &mut Command, sending: &Sending, flag: &str, text: &str) {
        let path = sending.place.folder().join("secret");
        std::fs::write(&path, text).expect("written");
        command.arg(flag).arg(path);
    }
    let key = || format!("ApiKey {ENCODED}");
    let basic = || "Basic d3JpdGVyOnMzY3JldFBhc3N3MHJk".to_owned();
    [
        (
            |command, _| {
                command.env("CONFLUENCE_ECS_ES_API_KEY", KEY);
            },
            key(),
        ),
        (
            |command, _| {
                command.env("CONFLUENCE_ECS_ES_API_KEY", ENCODED);
            },
            key(),
        ),
        (
            |command, sending| file(command, sending, "--es-api-key-file", KEY),
            key(),
        ),
        (
            |command, sending| {
                file(
                    command,
                    sending,
                    "--es-api-key-file",
                    &format!("{ENCODED}\n"),
                );
            },
            key(),
        ),
        (
            |command, _| {
                command.args(["--es-user", "writer"]);
                command.env("CONFLUENCE_ECS_ES_PASSWORD", "s3cretPassw0rd");
            },
            basic(),
        ),
        (
            |command, sending| {
                command.args(["--es-user", "writer"]);
                file(command, sending, "--es-password-file", "s3cretPassw0rd\n");
            },
            basic(),
        ),
    ]
}

fn no_secrets(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn keys_and_passwords_are_sent_and_never_shown() {
    for (set, header) in ways() {
        let search = Search::new(Kind::Elasticsearch);
        search.world().credentials = Some(vec![header.clone()]);
        let mut sending = Sending::to(&[&search.url()]);
        sending.append(3);
        // What a server says again of them is not shown either.
        let is_key = header.starts_with("ApiKey");
        let secret = if is_key { KEY } else { "s3cretPassw0rd" };
        let echo = format!("who is {header}, {secret}?");
        for answer in [
            Answer::error(503, "security_exception", &echo),
            Answer::new(502, "text/plain", echo.clone()),
            Answer::json(500, &serde_json::json!({"message": echo})),
        ] {
            search.fault(For::Bulk, 1, Fault::Answer(answer));
        }
        let mut command = sending.tail(&["--once", "-vv"]);
        set(&mut command, &sending);
        let output = finish(command);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(Sending::arrived(&search), [1, 2, 3]);
        no_secrets(&stderr(&output));
        no_secrets(&String::from_utf8_lossy(&output.stdout));
        no_secrets(&sending.place.state());
    }
}

#[test]
fn refused_credentials_are_tried_three_times_a_minute_at_most() {
    let search = Search::new(Kind::Elasticsearch);
    search.world().credentials = Some(vec!["Basic other".to_owned()]);
    let second = Search::new(Kind::Elasticsearch);
    second.world().credentials = Some(vec!["Basic other".to_owned()]);
    let mut sending = Sending::to(&[&search.url(), &second.url()]);
    sending.append(3);
    let mut command = sending.tail(&["--bulk-concurrency", "8"]);
    command.env("CONFLUENCE_ECS_ES_API_KEY", KEY);
    let follower = sending.place.start_command(command);
    search.wait("an attempt", |world| !world.seen.is_empty());
    std::thread::sleep(Duration::from_secs(24));
    let tried = search.world().seen.len() + second.world().seen.len();
    assert_eq!(tried, 2, "in 24 s");
    // Mended, at both.
    search.world().credentials = Some(vec![format!("ApiKey {ENCODED}")]);
    second.world().credentials = Some(vec![format!("ApiKey {ENCODED}")]);
    wait_until("all events", || {
        let count = Sending::arrived(&search).len() + Sending::arrived(&second).len();
        count == 3
    });
    follower.terminate();
    let words = said(&sending.place.said());
    no_secrets(&words);
    assert_snapshot!(words);
}

/// Who has no right is left to wait; what it says.
fn may_not_write(kind: Kind) -> String {
    let search = Search::new(kind);
    let refusal = Answer::error(403, "security_exception", "no permissions for [bulk]");
    search.always(For::Bulk, Fault::Answer(refusal));
    let mut sending = Sending::to(&[&search.url()]).with(&["--bulk-bytes", "4KiB"]);
    sending.append(100);
    let follower = sending.start();
    search.wait("an attempt", |world| world.count(For::Bulk) > 0);
    std::thread::sleep(Duration::from_secs(5));
    // Those that were on their way, and on a busy machine one that was begun before the first refusal was read.
    let asked = search.world().count(For::Bulk);
    assert!(asked <= 3, "{asked} requests in 5 s");
    search.mend();
    sending.wait_for(&search);
    follower.terminate();
    sending.each_is_once_in(&search);
    said(&sending.place.said())
}

#[test]
fn who_may_not_write_waits_and_asks_seldom() {
    let words = std::thread::scope(|scope| {
        let kinds = [Kind::Elasticsearch, Kind::OpenSearch2];
        let threads = kinds.map(|kind| scope.spawn(move || may_not_write(kind)));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    assert_snapshot!(words.join("\n"));
}

#[test]
fn without_the_right_to_look_events_are_sent_and_that_is_said() {
    let search = Search::new(Kind::Elasticsearch);
    let refusal = || Fault::Answer(Answer::error(403, "security_exception", "unauthorized"));
    search.always(For::Resolve, refusal());
    search.always(For::Mget, refusal());
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(20);
    search.fault(For::Bulk, 1, Fault::Reset);
    let output = sending.once();
    sending.each_is_once_in(&search);
    assert_snapshot!(said(&stderr(&output)));
}
