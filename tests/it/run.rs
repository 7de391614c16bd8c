//! `run`: several sources in one process, with real signals, against stand-ins.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::fetch::running::now;
use crate::support::atlassian::{Atlassian, data_center_record};
use crate::support::binary::{stderr, wait_until};
use crate::support::configured::Configured;
use crate::support::fetching::lines;
use crate::support::follow::{Follower, append, delivered, line_count, original, records};
use crate::support::outcome::outcome;
use crate::support::random::{Random, given_seed, new_seed};
use crate::support::search::{Fault, For, Kind, Search};

pub(crate) const HEAD: &str = "\
state_dir = \"FOLDER/state\"
log_format = \"json\"
[mapping]
preserve_original_event = true
[output]
file = \"FOLDER/{source}.ndjson\"
";

/// A source that follows the logs in a folder with its name.
pub(crate) fn tail(name: &str) -> String {
    let paths = format!("paths = [\"FOLDER/logs/{name}/*.log\"]\npoll_interval = \"50ms\"");
    format!("[[source]]\nname = \"{name}\"\ntype = \"tail\"\n{paths}\n")
}

/// A source that asks that server.
fn fetch(name: &str, server: &Atlassian) -> String {
    let url = server.url();
    format!(
        "[[source]]\nname = \"{name}\"\ntype = \"fetch\"\nurl = \"{url}\"\ndeployment = \"data-center\"\n\
         pat = \"${{PAT}}\"\ninterval = \"30ms\"\nsettle = \"0s\"\nsince = \"1h\"\n"
    )
}

fn server() -> Atlassian {
    let server = Atlassian::data_center("/confluence");
    server.set(|settings| settings.records_searches = false);
    server
}

/// A configuration of those sources, and folders for the logs of all that might be.
pub(crate) fn configured(sources: &[String]) -> Configured {
    let configured = Configured::new(&(HEAD.to_owned() + &sources.concat()));
    for name in ["a", "b", "c", "d"] {
        fs::create_dir_all(configured.path("logs").join(name)).unwrap();
    }
    configured
}

fn start(configured: &Configured, server: &Atlassian) -> Follower {
    configured.start(&[("PAT", &server.settings().pat)])
}

pub(crate) fn write(configured: &Configured, name: &str, numbers: std::ops::RangeInclusive<u64>) {
    let path = configured.path("logs").join(name).join("audit.log");
    append(&path, &records(name, numbers));
}

pub(crate) fn out(configured: &Configured, name: &str) -> std::path::PathBuf {
    configured.path(&format!("{name}.ndjson"))
}

/// Waits until those records of a source, and nothing else, stand in its output.
pub(crate) fn arrive(configured: &Configured, name: &str, numbers: std::ops::RangeInclusive<u64>) {
    let expected: Vec<u64> = numbers.collect();
    let path = out(configured, name);
    let is_there = || line_count(&path) >= expected.len();
    wait_until(&format!("the records of {name}"), is_there);
    let expected = BTreeMap::from([(name.to_owned(), expected)]);
    assert_eq!(delivered(&path), expected, "{}", configured.place.said());
}

/// Every record of the server stands in the output of a source, once.
fn all_fetched(configured: &Configured, name: &str, server: &Atlassian) {
    let mut held: Vec<_> = server.held().into_iter().map(|one| one.raw).collect();
    wait_until("the records of the site", || {
        line_count(&out(configured, name)) >= held.len()
    });
    let lines = lines(&out(configured, name));
    let originals = lines.iter().map(|line| {
        let event = serde_json::from_str(line).expect("an event");
        original(&event).to_owned()
    });
    let mut originals: Vec<_> = originals.collect();
    originals.sort();
    held.sort();
    assert_eq!(originals, held);
}

#[test]
fn sources_of_both_kinds_run_side_by_side_and_go_on_where_they_were() {
    let server = server();
    let configured = configured(&[tail("a"), tail("b"), fetch("site", &server)]);
    for round in 0..2 {
        let running = start(&configured, &server);
        for name in ["a", "b"] {
            write(&configured, name, round * 10 + 1..=round * 10 + 10);
            arrive(&configured, name, 1..=round * 10 + 10);
        }
        server.insert(data_center_record(now() - 1000, round));
        all_fetched(&configured, "site", &server);
        running.terminate();
    }
}

#[test]
fn a_source_that_fails_stops_no_other_and_goes_on_when_it_can() {
    let mut down = server();
    let refusing = server();
    let broken = tail("b") + "geoip_city = \"FOLDER/city.mmdb\"\n";
    let unwritable = tail("c") + "output.file = \"FOLDER/in/the/way\"\n";
    let down_source = fetch("down", &down) + "retries = 0\n";
    let refused = fetch("refused", &refusing).replace("${PAT}", "${WRONG}");
    let configured = configured(&[tail("a"), broken, unwritable, down_source, refused]);
    fs::create_dir_all(configured.path("in/the/way")).unwrap();
    down.insert(data_center_record(now() - 1000, 1));
    down.go_down();
    let mut running = configured.start(&[("PAT", &down.settings().pat), ("WRONG", "wrong")]);
    for name in ["a", "b", "c"] {
        write(&configured, name, 1..=5);
    }
    arrive(&configured, "a", 1..=5);
    for (name, pauses) in [
        ("b", &["1s", "2s"][..]),
        ("c", &["1s", "2s"]),
        ("refused", &["15m"]),
    ] {
        let failures = || {
            let mut messages = configured.log_of(name);
            messages.retain(|message| message.contains("trying again in"));
            messages
        };
        wait_until("failures", || failures().len() >= pauses.len());
        for (failure, pause) in failures().iter().zip(pauses) {
            let end = format!("; trying again in {pause}");
            assert!(failure.ends_with(&end), "{failure}");
        }
    }
    let attempts = refusing.requests().len();
    assert_eq!(attempts, 1);
    // All of it is mended now but the credentials.
    fs::remove_dir_all(configured.path("in/the/way")).unwrap();
    fs::write(
        configured.path("city.mmdb"),
        crate::support::geoip_db::city(),
    )
    .unwrap();
    down.come_back();
    arrive(&configured, "b", 1..=5);
    wait_until("the output", || {
        line_count(&configured.path("in/the/way")) == 5
    });
    all_fetched(&configured, "down", &down);
    write(&configured, "a", 6..=9);
    arrive(&configured, "a", 1..=9);
    assert_eq!(refusing.requests().len(), attempts, "no second login");
    running.must_run();
    running.terminate();
}

#[test]
fn a_cluster_that_is_away_stops_no_source_that_writes_to_a_file() {
    let search = Search::new(Kind::Elasticsearch);
    let url = search.url();
    let output = format!(
        "[source.output]\nelasticsearch_url = \"{url}\"\ndead_letter = \"FOLDER/letters\"\n"
    );
    search.always(For::Any, Fault::Close);
    let configured = configured(&[tail("a"), tail("b") + &output]);
    for name in ["a", "b"] {
        write(&configured, name, 1..=5);
    }
    let running = configured.start(&[]);
    arrive(&configured, "a", 1..=5);
    search.mend();
    search.wait("the documents", |world| {
        world
            .documents("logs-atlassian_confluence.audit-default")
            .len()
            == 5
    });
    running.terminate();
}

/// systemd's side.
pub(crate) fn manager(configured: &Configured) -> UnixDatagram {
    let manager = UnixDatagram::bind(configured.path("notify")).unwrap();
    let patience = Some(Duration::from_secs(20));
    manager.set_read_timeout(patience).unwrap();
    manager
}

pub(crate) fn message(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    let length = manager.recv(&mut bytes).expect("a message");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

pub(crate) fn start_notifying(configured: &Configured, variables: &[(&str, &str)]) -> Follower {
    let mut command = configured.command(&["run"]);
    command
        .env("NOTIFY_SOCKET", configured.path("notify"))
        .env("WATCHDOG_USEC", "600000")
        .env_remove("WATCHDOG_PID")
        .envs(variables.iter().copied());
    configured.place.start_command(command)
}

#[test]
fn systemd_is_told_how_the_sources_are() {
    let broken = tail("b") + "geoip_city = \"FOLDER/missing\"\n";
    let configured = configured(&[tail("a"), broken]);
    let manager = manager(&configured);
    let mut running = start_notifying(&configured, &[]);
    let mut seen = Vec::new();
    let is_failing = |message: &String| {
        message.starts_with("STATUS=a: ") && message.contains("; b: failing: geoip_city: cannot")
    };
    let is_complete = |seen: &[String]| {
        seen.iter().any(is_failing)
            && ["READY=1\n", "WATCHDOG=1\n"]
                .iter()
                .all(|wanted| seen.iter().any(|message| message == wanted))
    };
    while !is_complete(&seen) {
        seen.push(message(&manager));
        assert!(seen.len() < 1000, "{seen:?}");
    }
    running.signal(Signal::TERM);
    while message(&manager) != "STOPPING=1\n" {}
    running.ends_with(Some(0));
}

#[test]
fn a_source_that_looks_for_its_site_delays_readiness_but_no_reload_and_no_end() {
    // Nobody accepts, so that the request for the cloud id stays without an answer.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let hung = format!(
        "[[source]]\nname = \"hung\"\ntype = \"fetch\"\nurl = \"http://{}\"\ncloud_id = \"auto\"\n\
         email = \"a@example.com\"\napi_token = \"${{PAT}}\"\n",
        silent.local_addr().unwrap()
    );
    let configured = configured(&[tail("a"), hung]);
    let manager = manager(&configured);
    write(&configured, "a", 1..=5);
    let mut running = start_notifying(&configured, &[("PAT", "token")]);
    arrive(&configured, "a", 1..=5);
    let mut seen = vec![message(&manager)];
    while !seen.iter().any(|one| one.ends_with("; hung: starting\n")) {
        seen.push(message(&manager));
    }
    assert!(!seen.contains(&"READY=1\n".to_owned()), "{seen:?}");
    configured.write(&(HEAD.to_owned() + &tail("a") + &tail("d")));
    write(&configured, "d", 1..=5);
    running.signal(Signal::HUP);
    arrive(&configured, "d", 1..=5);
    while message(&manager) != "READY=1\n" {}
    running.signal(Signal::TERM);
    running.ends_with(Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    let cluster =
        "[source.output]\nelasticsearch_url = \"http://127.0.0.1:1\"\nshutdown_timeout = \"10m\"\n";
    let configured = configured(&[tail("a") + cluster]);
    let manager = manager(&configured);
    write(&configured, "a", 1..=3);
    let mut running = start_notifying(&configured, &[]);
    while message(&manager) != "READY=1\n" {}
    wait_until("the cluster to be missed", || {
        configured
            .log_of("a")
            .iter()
            .any(|line| line.contains("127.0.0.1:1"))
    });
    running.signal(Signal::TERM);
    while message(&manager) != "STOPPING=1\n" {}
    running.must_run();
    running.signal(Signal::TERM);
    running.ends_with(Some(143));
}

#[test]
fn a_hangup_replaces_what_changed_and_leaves_the_rest_alone() {
    let configured = configured(&[tail("a"), tail("b"), tail("c")]);
    let mut running = configured.start(&[]);
    for name in ["a", "b", "c"] {
        write(&configured, name, 1..=5);
        arrive(&configured, name, 1..=5);
    }
    let head = HEAD.replace("\"json\"", "\"text\"");
    let changed = tail("b") + "tag = [\"changed\"]\n";
    configured.write(&(head + &tail("a") + &changed + &tail("d")));
    for name in ["a", "b", "c", "d"] {
        write(&configured, name, 6..=7);
    }
    for name in ["a", "b", "c"] {
        arrive(&configured, name, 1..=7);
    }
    running.signal(Signal::HUP);
    wait_until("the configuration", || {
        configured.logged("configuration read again") == 1
    });
    assert_eq!(configured.logged("log_format has changed"), 1);
    wait_until("the removed source to end", || {
        configured.logged("starting source `d`") == 1
    });
    for name in ["a", "b", "c", "d"] {
        write(&configured, name, 8..=9);
    }
    arrive(&configured, "a", 1..=9);
    arrive(&configured, "b", 1..=9);
    arrive(&configured, "d", 6..=9);
    arrive(&configured, "c", 1..=7);
    let starts =
        ["a", "b", "c", "d"].map(|name| configured.logged(&format!("starting source `{name}`")));
    assert_eq!(starts, [1, 2, 1, 1]);
    let tags = lines(&out(&configured, "b"));
    let tagged = tags.iter().filter(|line| line.contains("\"changed\""));
    assert_eq!(tagged.count(), 2, "the records after the change");

    // A file that cannot be used, and outputs that were moved away.
    configured.write("[[source]\n");
    fs::rename(out(&configured, "a"), configured.path("moved")).unwrap();
    running.signal(Signal::HUP);
    wait_until("the error", || {
        configured.logged("going on with the configuration as it was") == 1
    });
    wait_until("a new output", || out(&configured, "a").exists());
    write(&configured, "a", 10..=12);
    arrive(&configured, "a", 10..=12);
    write(&configured, "b", 10..=12);
    arrive(&configured, "b", 1..=12);
    running.must_run();
    running.terminate();
}

#[test]
fn each_record_is_there_once_whenever_it_is_killed() {
    let seed = given_seed().unwrap_or_else(new_seed);
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let server = server();
    let configured = configured(&[tail("a"), tail("b"), fetch("site", &server)]);
    let mut last = 0;
    for round in 0..15 {
        let running = start(&configured, &server);
        let next = last + 1 + random.below(40);
        for name in ["a", "b"] {
            write(&configured, name, last + 1..=next);
        }
        for number in last..next {
            let number_of_two = number / 2;
            server.insert(data_center_record(now() - 1000, number_of_two));
        }
        last = next;
        if random.percent(70) {
            let some = random.below(last + 1);
            wait_until("some records", || {
                line_count(&out(&configured, "a")) as u64 >= some
            });
        }
        std::thread::sleep(random.pause(60));
        if round % 5 == 4 {
            running.terminate();
        } else {
            running.kill();
        }
    }
    let running = start(&configured, &server);
    arrive(&configured, "a", 1..=last);
    arrive(&configured, "b", 1..=last);
    all_fetched(&configured, "site", &server);
    running.terminate();
}

#[test]
fn what_keeps_it_from_starting_has_its_exit_code() {
    let state = configured(&[tail("a")]);
    fs::write(state.path("state"), "a file").unwrap();
    insta::assert_snapshot!("state", outcome_of_run(&state));
    let wrong = configured(&[tail("a") + "paths = 3\n"]);
    insta::assert_snapshot!("wrong", outcome_of_run(&wrong));
    let wrong = configured(&[tail("a"), tail("b") + "namespace = \"A\"\n"]);
    insta::assert_snapshot!("wrong_value", outcome_of_run(&wrong));
    let strict = configured(&[tail("a")]);
    insta::assert_snapshot!("strict", outcome(&strict.outcome(&["run", "--strict"])));
    let unusable = configured(&[tail("a") + "geoip_city = \"FOLDER/missing\"\n"]);
    insta::assert_snapshot!("unusable", outcome_of_run(&unusable));
}

/// The outcome of a `run` that ends by itself, in text.
fn outcome_of_run(configured: &Configured) -> String {
    outcome(&configured.outcome(&["run", "--log-format", "text"]))
}

#[test]
fn a_flag_comes_before_what_the_environment_and_the_file_say_for_a_source() {
    let configured = configured(&[tail("a") + "namespace = \"file\"\n"]);
    write(&configured, "a", 1..=1);
    let variable = ("CONFLUENCE_ECS_MAPPING_NAMESPACE", "environment");
    let run = |flags: &[&str], records: usize| {
        let words: Vec<&str> = ["run"].iter().chain(flags).copied().collect();
        let mut command = configured.command(&words);
        command.envs([variable]);
        let running = configured.place.start_command(command);
        wait_until("the record", || {
            line_count(&out(&configured, "a")) == records
        });
        running.terminate();
        let last = lines(&out(&configured, "a")).pop().unwrap();
        let event: serde_json::Value = serde_json::from_str(&last).unwrap();
        event["data_stream"]["namespace"].clone()
    };
    assert_eq!(run(&[], 1), "environment");
    write(&configured, "a", 2..=2);
    assert_eq!(run(&["--namespace", "flag"], 2), "flag");
}

#[test]
fn it_ends_quietly_when_nobody_reads_its_stdout_any_more() {
    let configured = configured(&[tail("a") + "output.file = \"-\"\n"]);
    write(&configured, "a", 1..=3);
    let mut command = configured.command(&["run", "-q"]);
    command.stdout(Stdio::piped());
    let mut running = configured.place.start_command(command);
    let mut stdout = running.child().stdout.take().unwrap();
    let mut first = [0; 1];
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    write(&configured, "a", 4..=6);
    running.ends_with(Some(0));
    assert_eq!(configured.place.said(), "");
}

#[test]
fn every_line_of_the_log_about_a_source_names_it() {
    let text = tail("a") + "threads = 2\n";
    let configured = configured(&[text, tail("b")]);
    let path = configured.path("logs/a/audit.log");
    append(&path, "no record\n".repeat(20).as_bytes());
    let run = |flags: &[&str]| {
        let words: Vec<&str> = ["run", "-v"].iter().chain(flags).copied().collect();
        configured.place.start_command(configured.command(&words))
    };
    let running = run(&[]);
    let is_named = || !configured.log_of("a").is_empty();
    wait_until("a line about the record", || {
        is_named() && line_count(&out(&configured, "a")) >= 20
    });
    running.terminate();
    let said = configured.place.said();
    let about = said.lines().filter(|line| line.contains("audit.log"));
    let unnamed: Vec<_> = about
        .filter(|line| !line.contains("\"source\":\"a\""))
        .collect();
    assert_eq!(unnamed, [""; 0]);
    let running = run(&["--log-format", "text"]);
    append(&path, b"no record either\n");
    wait_until("the line", || {
        configured.logged("DEBUG a: ") + configured.logged("INFO a: ") > 0
    });
    running.terminate();
    let output = configured.outcome(&["config", "check"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
