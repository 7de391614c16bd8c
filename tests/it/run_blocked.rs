//! `run` while one of its sources cannot go on: what the others, the watchdog and `status` make of it.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::Value;

use crate::run::{HEAD, arrive, configured, manager, message, out, start_notifying, tail, write};
use crate::support::binary::wait_until;
use crate::support::configured::Configured;
use crate::support::follow::line_count;
use crate::support::program::command;

/// Sends to a cluster that is not there.
fn blocked(name: &str) -> String {
    tail(name)
        + "output.elasticsearch_url = \"http://127.0.0.1:9\"\noutput.shutdown_timeout = \"5m\"\n"
}

/// The row of a source in `status`, with the exit code of that.
fn status(configured: &Configured, name: &str) -> (Value, Option<i32>) {
    let mut status = command(["status", "--json", name, "--state-dir"]);
    let output = status.arg(configured.path("state")).output().unwrap();
    let rows: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (rows[0].clone(), output.status.code())
}

#[test]
fn an_output_that_takes_nothing_is_no_hang_and_status_says_why_it_does_not() {
    let configured = configured(&[tail("a"), blocked("b")]);
    let manager = manager(&configured);
    let running = start_notifying(&configured, &[]);
    write(&configured, "b", 1..=5);
    // Into the threads that wait for their turn, too.
    for number in 6..=9 {
        let is_told = || {
            let reason = status(&configured, "b").0["reason"].to_string();
            reason.contains("http://127.0.0.1:9/")
        };
        wait_until("a blocked output", is_told);
        write(&configured, "b", number..=number);
    }
    while message(&manager) != "READY=1\n" {}
    for _ in 0..8 {
        while message(&manager) != "WATCHDOG=1\n" {}
    }
    write(&configured, "a", 1..=5);
    arrive(&configured, "a", 1..=5);
    drop(manager);
    running.signal(Signal::TERM);
    running.signal(Signal::TERM);
}

#[test]
fn a_followed_log_whose_output_fails_is_gone_on_with_once_it_can_be_written_again() {
    let source = tail("a") + "output.file = \"FOLDER/made/a.ndjson\"\n";
    let configured = configured(&[source, tail("b")]);
    let folder = configured.path("made");
    fs::create_dir(&folder).unwrap();
    let running = configured.start(&[]);
    write(&configured, "a", 1..=5);
    let there = folder.join("a.ndjson");
    wait_until("the records", || line_count(&there) == 5);
    fs::remove_dir_all(&folder).unwrap();
    write(&configured, "a", 6..=10);
    wait_until("its failure", || {
        status(&configured, "a").0["state"] == "failing"
    });
    write(&configured, "b", 1..=5);
    arrive(&configured, "b", 1..=5);
    fs::create_dir(&folder).unwrap();
    wait_until("the rest", || line_count(&there) >= 5);
    wait_until("its end", || {
        status(&configured, "a").0["state"] == "running"
    });
    running.terminate();
    let text = fs::read_to_string(&there).unwrap();
    for number in 6..=10 {
        assert!(text.contains(&format!("\"a:{number}\"")), "{text}");
    }
}

#[test]
fn a_reload_waits_for_no_source_that_has_nothing_to_do_with_it() {
    let configured = configured(&[tail("a"), blocked("b")]);
    let running = configured.start(&[]);
    write(&configured, "a", 1..=5);
    write(&configured, "b", 1..=5);
    arrive(&configured, "a", 1..=5);
    wait_until("a blocked output", || {
        status(&configured, "b").0["state"] == "waiting"
    });
    let changed = HEAD.replace("[mapping]\n", "[mapping]\nnamespace = \"changed\"\n");
    configured.write(&(changed + &tail("a") + &blocked("b")));
    running.signal(Signal::HUP);
    wait_until("the reload", || {
        configured.logged("configuration read again") == 1
    });
    write(&configured, "a", 6..=10);
    arrive(&configured, "a", 1..=10);
    let text = fs::read_to_string(out(&configured, "a")).unwrap();
    assert!(text.contains("\"namespace\":\"changed\""), "{text}");
    running.signal(Signal::TERM);
    running.signal(Signal::TERM);
}

#[test]
fn a_source_that_is_replaced_while_it_looks_for_its_site_is_seen_under_its_name() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = format!(
        "[[source]]\nname = \"c\"\ntype = \"fetch\"\nurl = \"http://{}\"\ncloud_id = \"auto\"\n\
         email = \"a@example.com\"\napi_token = \"${{PAT}}\"\ntimeout = \"2s\"\nretries = 0\n",
        silent.local_addr().unwrap()
    );
    let head = format!("metrics_file = \"FOLDER/metrics\"\n{HEAD}");
    let configured = configured(&[tail("a")]);
    configured.write(&(head.clone() + &tail("a") + &hung));
    let manager = manager(&configured);
    let mut running = start_notifying(&configured, &[("PAT", "token")]);
    while !message(&manager).ends_with("; c: starting\n") {}
    // Nobody reads any more what it is told; it is not to wait for that.
    drop(manager);
    configured.write(&(head + &tail("a") + &tail("c")));
    write(&configured, "c", 1..=5);
    running.signal(Signal::HUP);
    arrive(&configured, "c", 1..=5);
    let metrics = || fs::read_to_string(configured.path("metrics")).unwrap_or_default();
    // The thread that it replaces ends after its time limit, and takes nothing along.
    let (mut asked, _) = silent.accept().unwrap();
    asked.read_to_end(&mut Vec::new()).unwrap();
    wait_until("its records in the metrics", || {
        metrics().contains("confluence_ecs_records_total{source=\"c\"} 5")
    });
    assert_eq!(status(&configured, "c").0["state"], "running");
    assert_eq!(configured.logged("will not show how source"), 0);
    running.signal(Signal::TERM);
    running.ends_with(Some(0));
    assert!(
        metrics().contains("confluence_ecs_up{source=\"c\"}"),
        "{}",
        metrics()
    );
}
