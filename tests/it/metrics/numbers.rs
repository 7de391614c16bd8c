//! The numbers are those of what was read and shipped.

use std::fs;

use crate::support::atlassian::cloud_record;
use crate::support::fetching::{Fetching, START};
use crate::support::metrics::Metrics;
use crate::support::place::Place;
use crate::support::program::lines;

use super::world::{follow, wait_for};

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn length(path: &std::path::Path) -> f64 {
    fs::metadata(path).expect("a file").len() as f64
}

/// A time of RFC 3339 in seconds since 1970.
fn seconds(time: &str) -> f64 {
    let time = humantime::parse_rfc3339(time).expect("a time");
    let since = time.duration_since(std::time::UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}

#[test]
fn of_followed_logs() {
    let place = Place::new(&["*.log"]).loud();
    place.append("audit.log", 1..=40);
    place.append_bytes("audit.log", "not a record\n{}\n");
    let (follower, address) = follow(&place);
    let tail = [("source", "tail")];
    let metrics = wait_for(&address, "all records", |metrics| {
        metrics.get("records_total", &tail) == Some(42.0)
    });
    let events = lines(&fs::read(place.out()).expect("the output"));
    assert_eq!(events.len(), 42);
    let of = |outcome| metrics.get("events_total", &[("source", "tail"), ("outcome", outcome)]);
    assert_eq!(
        (of("mapped"), of("pipeline_error")),
        (Some(40.0), Some(2.0))
    );
    let input = metrics.get("input_bytes_total", &tail);
    assert_eq!(input, Some(length(&place.path("audit.log"))));
    let output = metrics.get("output_bytes_total", &tail);
    assert_eq!(output, Some(length(&place.out())));
    let newest = events
        .iter()
        .filter(|event| event["event"]["kind"] != "pipeline_error");
    let newest = newest.map(|event| seconds(event["@timestamp"].as_str().expect("a time")));
    let newest = newest.fold(0.0, f64::max);
    let told = metrics.get("newest_event_timestamp_seconds", &tail);
    assert!(told.is_some_and(|told| (told - newest).abs() < 0.001));
    for (name, value) in [("lost_bytes_total", 0.0), ("up", 1.0)] {
        assert_eq!(metrics.get(name, &tail), Some(value), "{name}");
    }
    let followed = [("source", "tail"), ("state", "followed")];
    assert_eq!(metrics.get("files", &followed), Some(1.0));
    wait_for(&address, "no lag", |metrics| {
        let saved = metrics.get("save_duration_seconds_count", &tail);
        metrics.get("lag_bytes", &tail) == Some(0.0)
            && metrics.get("lag_seconds", &tail) == Some(0.0)
            && saved.is_some_and(|saves| saves >= 1.0)
    });
    follower.terminate();
}

#[test]
fn of_a_single_fetch_in_its_file() {
    let fetching = Fetching::cloud();
    let records = (0..25).map(|n| cloud_record(START + n * 1000, n.unsigned_abs()));
    fetching.server.insert_all(records);
    let file = fetching.file("metrics.prom", "");
    fetching.fetch(&["--metrics-file", file.to_str().expect("text")]);
    let metrics = Metrics::read(&file);
    let host = fetching.server.url();
    let host = host.strip_prefix("http://").expect("http");
    let (host, _) = host.split_once(':').expect("a port");
    let of = |name| metrics.get(name, &[("source", host)]);
    assert_eq!(of("records_total"), Some(25.0));
    assert_eq!(of("output_bytes_total"), Some(length(&fetching.out())));
    #[expect(clippy::cast_precision_loss, reason = "a time")]
    let newest = (START + 24 * 1000) as f64 / 1000.0;
    assert_eq!(of("newest_event_timestamp_seconds"), Some(newest));
    assert!(of("fetch_last_success_timestamp_seconds").is_some());
    assert!(of("fetch_cursor_timestamp_seconds") > Some(newest));
    assert_eq!(of("up"), Some(1.0), "it did well");
    let answered = [("source", host), ("api", "atlassian"), ("status", "200")];
    #[expect(clippy::cast_precision_loss, reason = "few")]
    let requests = fetching.server.requests().len() as f64;
    assert_eq!(metrics.get("requests_total", &answered), Some(requests));
    let retries = [("source", host), ("api", "atlassian")];
    assert_eq!(metrics.get("retries_total", &retries), Some(0.0));
}

#[test]
fn of_a_fetch_that_was_refused() {
    let fetching = Fetching::cloud();
    let file = fetching.file("metrics.prom", "");
    let mut command = fetching.to_file(&["--metrics-file", file.to_str().expect("text")]);
    command.env("CONFLUENCE_API_TOKEN", "wrong");
    let output = crate::support::program::run_command(command, b"");
    assert_eq!(output.status.code(), Some(1));
    let metrics = Metrics::read(&file);
    let source = [("source", "127.0.0.1")];
    assert_eq!(metrics.get("up", &source), Some(0.0));
    let refused = [
        ("source", "127.0.0.1"),
        ("api", "atlassian"),
        ("status", "401"),
    ];
    assert_eq!(metrics.get("requests_total", &refused), Some(1.0));
}

/// The helper must see what is wrong: else it proves nothing.
#[test]
fn the_parser_refuses_what_is_no_metrics() {
    let good = "# HELP confluence_ecs_up Works.\n# TYPE confluence_ecs_up gauge\nconfluence_ecs_up{source=\"a\"} 1\n";
    Metrics::parse(good);
    for bad in [
        good.trim_end().to_owned(),
        good.replace("# HELP", "# HALP"),
        good.replace(" gauge", " gouge"),
        format!("{good}confluence_ecs_up{{source=\"a\"}} 1\n"),
        good.replace("} 1", "} one"),
    ] {
        assert!(
            std::panic::catch_unwind(|| Metrics::parse(&bad)).is_err(),
            "{bad}"
        );
    }
}
