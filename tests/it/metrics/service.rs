//! The metrics of a service with several sources.

use std::fs::File;
use std::process::Command;

use confluence_ecs::pipeline::timestamp::Timestamp;
use rustix::process::Signal;

use crate::support::atlassian::cloud_record;
use crate::support::binary::wait_until;
use crate::support::metrics::{Metrics, ask};

use super::world::{Service, wait_for};

const WIKI: [(&str, &str); 1] = [("source", "wiki")];
const CLOUD: [(&str, &str); 1] = [("source", "cloud")];

fn records(metrics: &Metrics) -> [Option<f64>; 2] {
    [WIKI, CLOUD].map(|source| metrics.get("records_total", &source))
}

#[test]
fn counters_go_on_when_sources_are_begun_anew() {
    let service = Service::new();
    service.configure("", "");
    service.place.append("audit.log", 1..=5);
    let (follower, address) = service.start();
    let created = |metrics: &Metrics| {
        let labels = [("source", "cloud"), ("outcome", "created")];
        metrics.get("elasticsearch_items_total", &labels)
    };
    let before = wait_for(&address, "all records", |metrics| {
        records(metrics) == [Some(5.0), Some(10.0)] && created(metrics) == Some(10.0)
    });
    service.configure("tag = \"changed\"", "tag = \"changed\"");
    follower.signal(Signal::HUP);
    wait_until("the reload", || {
        service.place.said().contains("configuration read again")
    });
    service.place.append("audit.log", 6..=8);
    // Within the overlap, and settled.
    let lately = Timestamp::now().millis() - 60_000;
    service.fetching.server.insert(cloud_record(lately, 99));
    wait_for(&address, "the new records", |metrics| {
        metrics.assert_goes_on_from(&before);
        records(metrics) == [Some(8.0), Some(11.0)] && created(metrics) == Some(11.0)
    });
    assert!(service.place.said().contains("stopping source `wiki`"));
    follower.terminate();
    let file = Metrics::read(&service.place.folder().join("metrics.prom"));
    assert_eq!(records(&file), [Some(8.0), Some(11.0)]);
    assert_eq!(file.get("up", &WIKI), Some(0.0), "it is over");
}

#[test]
fn a_source_that_fails_is_told_and_the_others_go_on() {
    let service = Service::new();
    service.configure("", "");
    service.place.append("audit.log", 1..=5);
    service.fetching.server.revoke_grant();
    service.fetching.server.expire_access_tokens();
    let (follower, address) = service.start();
    wait_for(
        &address,
        "a source that works and one that does not",
        |metrics| {
            metrics.get("up", &WIKI) == Some(1.0)
                && metrics.get("up", &CLOUD) == Some(0.0)
                && metrics.get("records_total", &WIKI) == Some(5.0)
                && ask(&address, "/readyz")
                    .text()
                    .contains("source `cloud`: failing: ")
        },
    );
    assert_eq!(ask(&address, "/readyz").status, 503);
    assert_eq!(ask(&address, "/healthz").status, 200);
    follower.terminate();
}

#[test]
fn a_source_that_was_taken_out_is_not_told_any_more() {
    let service = Service::new();
    service.configure("", "");
    let (follower, address) = service.start();
    wait_for(&address, "both", |metrics| {
        metrics.get("up", &WIKI) == Some(1.0) && metrics.get("up", &CLOUD) == Some(1.0)
    });
    let config = service.place.folder().join("config.toml");
    let text = std::fs::read_to_string(&config).expect("read");
    let (rest, _) = text.rsplit_once("[[source]]").expect("two sources");
    std::fs::write(&config, rest).expect("written");
    follower.signal(Signal::HUP);
    wait_for(&address, "one", |metrics| {
        metrics.get("up", &WIKI) == Some(1.0)
            && metrics.get("up", &CLOUD).is_none()
            && metrics.get("records_total", &CLOUD).is_none()
    });
    wait_until("readiness", || ask(&address, "/readyz").status == 200);
    follower.terminate();
}

#[test]
fn a_configuration_that_a_reload_refused_is_told_until_one_is_good() {
    let service = Service::new();
    service.configure("", "");
    let (follower, address) = service.start();
    let is_good = |metrics: &Metrics| metrics.get("config_last_reload_successful", &[]);
    wait_for(&address, "the first reading", |metrics| {
        is_good(metrics) == Some(1.0)
    });
    service.configure("exclude = [\"[\"]", "");
    follower.signal(Signal::HUP);
    wait_for(&address, "the refusal", |metrics| {
        is_good(metrics) == Some(0.0)
    });
    assert!(service.place.said().contains("a restart would end with"));
    service.configure("", "");
    follower.signal(Signal::HUP);
    wait_for(&address, "a good one", |metrics| {
        is_good(metrics) == Some(1.0)
    });
    follower.terminate();
}

#[test]
fn a_process_that_begins_behind_says_how_far() {
    let service = Service::new();
    service.configure("", "");
    service.place.append("audit.log", 1..=5);
    let (follower, address) = service.start();
    wait_for(&address, "all records", |metrics| {
        records(metrics)[0] == Some(5.0) && metrics.get("lag_bytes", &WIKI) == Some(0.0)
    });
    follower.terminate();
    service.place.append("audit.log", 6..=8);
    // Nobody reads what is written: all that is behind stays so.
    let pipe = service.place.folder().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("it runs");
    assert!(made.success());
    let _reader = File::options()
        .read(true)
        .write(true)
        .open(&pipe)
        .expect("a pipe");
    service.place.append("audit.log", 9..=2000);
    let config = service.place.folder().join("config.toml");
    let text = std::fs::read_to_string(&config).expect("read");
    let out = format!("{}/out.ndjson", service.place.folder().display());
    std::fs::write(&config, text.replace(&out, pipe.to_str().expect("text"))).expect("written");
    std::fs::write(service.place.folder().join("stderr"), "").expect("emptied");
    let (follower, address) = service.start();
    // The records are of long ago.
    wait_for(&address, "the lag", |metrics| {
        metrics.get("lag_seconds", &WIKI) > Some(86_400.0)
    });
    follower.kill();
}
