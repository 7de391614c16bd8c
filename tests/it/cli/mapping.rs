//! The flags of the mapping.

use serde_json::{Value, json};

use super::{CLOUD, DC_API, DC_FILE, one};
use crate::support::program::{command, lines, run_command};

#[test]
fn dialects_are_told_or_forced() {
    let both = r#"{"creationDate":1000,"timestamp":{"epochSecond":2},"summary":"s"}"#;
    assert_eq!(one(&[], both)["@timestamp"], "1970-01-01T00:00:01.000Z");
    assert_eq!(
        one(&["--dialect", "dc-file"], both)["@timestamp"],
        "1970-01-01T00:00:02.000Z"
    );
    // No time of Cloud's, and nothing else that is read as Cloud's.
    let event = one(&["--dialect", "cloud"], DC_FILE);
    assert_eq!(event["event"]["kind"], "event");
    assert_eq!(event["user"], Value::Null);
}

#[test]
fn timestamps_are_exact_or_as_elastic_has_them() {
    assert_eq!(one(&[], DC_FILE)["@timestamp"], "2021-11-22T23:43:22.054Z");
    let event = one(&["--timestamps", "exact"], DC_FILE);
    assert_eq!(event["@timestamp"], "2021-11-22T23:43:22.054Z");
    let event = one(&["--timestamps", "elastic"], DC_FILE);
    assert_eq!(event["@timestamp"], "2021-11-22T23:43:22.540Z");
}

#[test]
fn the_original_is_kept_on_request() {
    let event = one(&[], CLOUD);
    assert_eq!(event["event"].get("original"), None);
    assert_eq!(event["tags"], json!(["confluence-audit"]));
    let event = one(&["--preserve-original-event"], CLOUD);
    assert_eq!(event["event"]["original"], CLOUD);
    assert_eq!(
        event["tags"],
        json!(["preserve_original_event", "confluence-audit"])
    );
}

#[test]
fn tags_and_namespace() {
    let event = one(
        &[
            "--tag",
            "b",
            "--tag",
            "a",
            "--namespace",
            "prod",
            "--categories",
            "elastic",
        ],
        CLOUD,
    );
    assert_eq!(event["tags"], json!(["confluence-audit", "b", "a"]));
    assert_eq!(event["data_stream"]["namespace"], "prod");
    assert_eq!(one(&[], CLOUD)["data_stream"]["namespace"], "default");
}

#[test]
fn databases_by_flag_or_environment() {
    let city = "testdata/geoip/confluence-ecs-city.mmdb";
    let asn = "testdata/geoip/confluence-ecs-asn.mmdb";
    let event = one(&["--geoip-city", city, "--geoip-asn", asn], DC_FILE);
    assert_eq!(event["source"]["geo"]["city_name"], "London");
    assert!(event["source"]["as"]["number"].is_u64(), "{event}");
    assert_eq!(one(&[], DC_FILE)["source"].get("geo"), None);

    let mut with_environment = command(["normalize"]);
    with_environment
        .env("CONFLUENCE_ECS_GEOIP_CITY", city)
        .env("CONFLUENCE_ECS_GEOIP_ASN", "");
    let output = run_command(with_environment, DC_FILE.as_bytes());
    assert_eq!(
        lines(&output.stdout)[0]["source"]["geo"]["city_name"],
        "London"
    );

    let mut flag_wins = command(["normalize", "--geoip-city", city]);
    flag_wins.env("CONFLUENCE_ECS_GEOIP_CITY", "no-such.mmdb");
    assert_eq!(run_command(flag_wins, b"").status.code(), Some(0));
}

#[test]
fn proxies_and_networks() {
    assert_eq!(one(&[], DC_API)["source"]["ip"], "81.2.69.143");
    let trusted = [
        "--trusted-proxy",
        "81.2.69.0/24",
        "--trusted-proxy",
        "10.9.0.0/16",
    ];
    let event = one(&trusted, DC_API);
    assert_eq!(event["source"]["ip"], "10.0.0.1");
    assert_eq!(event["related"]["ip"], json!(["10.0.0.1", "81.2.69.143"]));
    let networks = [
        "--network",
        "81.2.0.0/16=wide",
        "--network",
        "81.2.69.143=narrow",
    ];
    let event = one(&networks, DC_API);
    assert_eq!(event["source"]["geo"], json!({"name": "narrow"}));
}
