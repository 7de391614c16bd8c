//! §1, dialects; §3, time; §10.

use serde_json::{Value, json};

use super::{fails, fails_text, maps, maps_with, with};
use crate::support::oracle::{Dialect, NOW, Options, map};

fn time(record: &Value) -> String {
    let event = map(&record.to_string(), &Options::default()).expect("the record maps");
    event["@timestamp"].as_str().expect("text").to_owned()
}

fn elastic_time(timestamp: &Value) -> String {
    let options = Options {
        elastic_timestamps: true,
        ..Options::default()
    };
    let event = map(&json!({"timestamp": timestamp}).to_string(), &options).expect("it maps");
    event["@timestamp"].as_str().expect("text").to_owned()
}

#[test]
fn creation_dates() {
    let cases = [
        (json!(1_637_624_653_873_i64), "2021-11-22T23:44:13.873Z"),
        (json!("1637624653873"), "2021-11-22T23:44:13.873Z"),
        (json!("-1"), "1969-12-31T23:59:59.999Z"),
        (json!(1_637_624_653_873.9), "2021-11-22T23:44:13.873Z"),
        (json!(0), "1970-01-01T00:00:00.000Z"),
        (json!(951_782_400_000_i64), "2000-02-29T00:00:00.000Z"),
        (json!(253_402_300_799_999_i64), "9999-12-31T23:59:59.999Z"),
        (json!(-62_135_596_800_000_i64), "0001-01-01T00:00:00.000Z"),
    ];
    for (date, expected) in cases {
        assert_eq!(time(&json!({"creationDate": date})), expected, "{date}");
    }
    for date in [
        json!("soon"),
        json!("1.5"),
        json!(true),
        json!([1]),
        json!(253_402_300_800_000_i64),
        json!(-62_135_596_800_001_i64),
    ] {
        fails(&json!({"creationDate": date}));
    }
}

#[test]
fn self_hosted_times() {
    let cases = [
        (
            json!({"epochSecond": 1_637_624_602, "nano": 54_000_000}),
            "2021-11-22T23:43:22.054Z",
        ),
        (
            json!({"epochSecond": 1_637_624_602, "nano": 999_999_999}),
            "2021-11-22T23:43:22.999Z",
        ),
        (
            json!({"epochSecond": "1637624602", "nano": "1"}),
            "2021-11-22T23:43:22.000Z",
        ),
        (
            json!({"epochSecond": 1_637_624_602, "nano": null}),
            "2021-11-22T23:43:22.000Z",
        ),
        (
            json!({"epochSecond": -1, "nano": 999_999_999}),
            "1969-12-31T23:59:59.999Z",
        ),
        (json!("1637624653.5"), "2021-11-22T23:44:13.500Z"),
        (json!("1637624653.8739"), "2021-11-22T23:44:13.873Z"),
        (
            json!("2021-11-22T23:44:13.873999999Z"),
            "2021-11-22T23:44:13.873Z",
        ),
        (
            json!("2021-11-23T10:44:13,8+1100"),
            "2021-11-22T23:44:13.800Z",
        ),
        (
            json!("2021-11-22T20:14:13-03:30"),
            "2021-11-22T23:44:13.000Z",
        ),
        (json!("2021-11-23T00:44+01"), "2021-11-22T23:44:00.000Z"),
        (json!("2021-11-22T23:44:13"), "2021-11-22T23:44:13.000Z"),
        (json!("2021-11-22"), "2021-11-22T00:00:00.000Z"),
        (json!("2021-11-22T23"), "2021-11-22T23:00:00.000Z"),
        (json!("2021-11-22T23UTC"), "2021-11-22T23:00:00.000Z"),
        (
            json!("2021-11-22T23:44:13+01:00:30"),
            "2021-11-22T22:43:43.000Z",
        ),
        (json!("+5"), "1970-01-01T00:00:05.000Z"),
        (json!(".5"), "1970-01-01T00:00:00.500Z"),
        (json!(" 1637624653.\n"), "2021-11-22T23:44:13.000Z"),
        (json!("1.6E9"), "2020-09-13T12:26:40.000Z"),
        (json!("-1.9999"), "1969-12-31T23:59:58.001Z"),
    ];
    for (timestamp, expected) in cases {
        let record = json!({"timestamp": timestamp});
        assert_eq!(time(&record), expected, "{timestamp}");
    }
    for timestamp in [
        json!({"epochSecond": 1, "nano": 1_000_000_000}),
        json!({"epochSecond": 1, "nano": -1}),
        json!({"epochSecond": 1.0}),
        json!({"nano": 1}),
        json!("2021-02-29T00:00:00Z"),
        json!("2021-11"),
        json!("2021-11-22T"),
        json!("0000-01-01"),
        json!("1637624653873"),
        json!("NaN"),
        json!("9999-12-31T23:59:59-01:00"),
        json!("2021-11-22T23:44:13.Z"),
    ] {
        fails(&json!({"timestamp": timestamp}));
    }
}

#[test]
fn the_fault_of_the_reference() {
    let cases = [
        (
            json!({"epochSecond": 1_637_624_602, "nano": 54_000_000}),
            "2021-11-22T23:43:22.540Z",
        ),
        (
            json!({"epochSecond": 1_637_624_602, "nano": 999_999_999}),
            "2021-11-22T23:43:23.000Z",
        ),
        (
            json!({"epochSecond": 1_637_624_602}),
            "2021-11-22T23:43:22.000Z",
        ),
        (json!("1637624653.5"), "2021-11-22T23:44:13.500Z"),
        (
            json!("2021-11-22T23:44:13.8739Z"),
            "2021-11-22T23:44:13.873Z",
        ),
    ];
    for (timestamp, expected) in cases {
        assert_eq!(elastic_time(&timestamp), expected, "{timestamp}");
    }
}

#[test]
fn dialects_in_order() {
    // creationDate wins over the others; a null one does not count.
    let all = json!({"creationDate": 0, "auditType": {}, "timestamp": "5", "source": "dc", "remoteAddress": "cloud"});
    maps(&all, &[("source.address", json!("cloud"))]);
    let rest = with(&all, &json!({"creationDate": null}));
    maps(&rest, &[("source.address", json!("dc"))]);
    // Both self-hosted dialects read the time by its shape and take the type object they find.
    let kind = json!({"actionI18nKey": "a"});
    for record in [
        json!({"auditType": "x", "type": kind, "timestamp": "5"}),
        json!({"auditType": kind, "type": {"actionI18nKey": "b"}, "timestamp": {"epochSecond": 5}}),
    ] {
        let expected = [
            ("event.action", json!("a")),
            ("@timestamp", json!("1970-01-01T00:00:05.000Z")),
        ];
        maps(&record, &expected);
    }
    // A flag forces one.
    let options = Options {
        dialect: Some(Dialect::DcApi),
        ..Options::default()
    };
    maps_with(&options, &all, &[("source.address", json!("dc"))]);
}

#[test]
fn what_cannot_be_mapped() {
    fails_text("");
    fails_text("{");
    fails_text("7");
    fails_text("[]");
    fails(&json!({}));
    fails(&json!({"timestamp": 5}));
    fails(&json!({"timestamp": null, "creationDate": null}));
    fails(&json!({"timestamp": {}, "creationDate": "", "auditType": {"a": [""]}}));
    let cloud = Options {
        dialect: Some(Dialect::Cloud),
        ..Options::default()
    };
    let told = json!({"summary": "s"});
    maps_with(&cloud, &told, &[("@timestamp", json!(NOW))]);
    fails(&json!({"auditType": {}}));
}
