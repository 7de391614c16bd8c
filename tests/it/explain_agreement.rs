//! `explain`: what it says is in an event is the event, and where each field is from.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::explain::{ASN, CITY, explanations};
use crate::support::events::assert_same_event;
use crate::support::program::{lines, run};
use crate::support::records;

/// Puts a value into an event by its path.
fn put(event: &mut Value, path: &str, value: &Value) {
    let mut place = event;
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(bracketed) = rest.strip_prefix('[') {
            let mut texts = serde_json::Deserializer::from_str(bracketed).into_iter::<Value>();
            let step = texts.next().expect("a step").expect("JSON");
            rest = &bracketed[texts.byte_offset() + 1..];
            place = match step {
                Value::String(name) => member(place, name),
                step => element(place, step.as_u64().expect("an index")),
            };
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            place = member(place, rest[..end].to_owned());
            rest = &rest[end..];
        }
    }
    assert!(place.is_null(), "{path} twice");
    *place = value.clone();
}

fn member(place: &mut Value, name: String) -> &mut Value {
    if place.is_null() {
        *place = json!({});
    }
    let members = place.as_object_mut().expect("an object");
    members.entry(name).or_insert(Value::Null)
}

fn element(place: &mut Value, index: u64) -> &mut Value {
    if place.is_null() {
        *place = json!([]);
    }
    let list = place.as_array_mut().expect("an array");
    let index = usize::try_from(index).expect("small");
    if list.len() <= index {
        list.resize(index + 1, Value::Null);
    }
    &mut list[index]
}

/// Explains records, and holds the fields against the events that `normalize` makes of them.
fn agree(flags: &[&str], records: &str) -> Vec<Value> {
    let arguments = ["normalize", "-q"].iter().chain(flags);
    let mapped = lines(&run(arguments, records.as_bytes()).stdout);
    let arguments = ["explain", "-q", "--json"].iter().chain(flags);
    let explained = lines(&run(arguments, records.as_bytes()).stdout);
    assert_eq!(mapped.len(), explained.len());
    for (mut event, explanation) in mapped.into_iter().zip(&explained) {
        let mut told = Value::Null;
        for field in explanation["fields"].as_array().expect("fields") {
            let path = field["field"].as_str().expect("a path");
            put(&mut told, path, &field["value"]);
            let via = field["via"].as_str().unwrap_or_default();
            assert!(!via.starts_with("not known"), "{path}: {explanation}");
            let is_made_of_something = field["from"] != json!([]) || !via.is_empty();
            assert!(is_made_of_something, "{path}: {explanation}");
        }
        let fields = explanation["fields"].as_array().expect("fields");
        if fields
            .iter()
            .any(|field| field["via"] == "the time of processing")
        {
            event["@timestamp"] = told["@timestamp"].clone();
        }
        assert_same_event(&told, &event, &explanation.to_string());
        for absent in explanation["absent"].as_array().expect("absent fields") {
            let pointer = absent["field"].as_str().expect("a path").replace('.', "/");
            let found = event.pointer(&format!("/{pointer}"));
            assert_eq!(found, None, "{absent}");
        }
    }
    explained
}

/// So many records of a strategy, a line each.
fn generated(strategy: impl Strategy<Value = String>, count: usize) -> String {
    let mut runner = TestRunner::deterministic();
    let tree = || strategy.new_tree(&mut runner).expect("a record").current() + "\n";
    std::iter::repeat_with(tree).take(count).collect()
}

#[test]
fn what_is_said_to_be_in_an_event_is_the_event() {
    let all = generated(records::record(), 150);
    agree(&["--network", "10.0.0.0/8=inside"], &all);
    let constants = r#"{"user":{"target":{"name":"constant"}},"event":{"action":"a","original":"o"},"source":{"geo":{"name":"n"}},"tags":["t"],"zulu":[1,{"b":2}]}"#;
    let flags = ["--add-fields", constants, "--timestamps", "elastic"];
    agree(&[&flags[..], &CITY, &ASN].concat(), &all);
    agree(&["--preserve-original-event", "--no-default-tags"], &all);
    for dialect in ["cloud", "dc-api"] {
        agree(&["--dialect", dialect], &all);
    }
    let organization = generated(records::organization(), 150);
    let flags = ["--dialect", "org", "--categories", "extended"];
    agree(&[&flags[..], &CITY, &ASN].concat(), &organization);
}

#[test]
fn the_fields_of_the_sample_data_are_explained() {
    for name in [
        "addresses.log",
        "clean-up.log",
        "cloud-users.ndjson",
        "dc-api-users.ndjson",
        "dc-file-users.log",
        "numbers.log",
        "strings.log",
        "systems.log",
        "times-odd.log",
        "types.log",
    ] {
        let path = format!("testdata/records/{name}");
        agree(&[&[&*path][..], &CITY, &ASN].concat(), "");
    }
}

/// The names of a path before its first index.
fn names(path: &Value) -> String {
    let path = path.as_str().expect("a path");
    let index = path
        .match_indices('[')
        .find(|(at, _)| !path[at + 1..].starts_with('"'));
    path[..index.map_or(path.len(), |(at, _)| at)].to_owned()
}

/// Which values are never mapped is a table of its own: no value that is used may be in it, and the values that
/// docs/mapping.md 3 and 4 name are where it says.
#[test]
fn the_values_that_are_used_are_those_of_the_mapping() {
    let dialects = [
        ("cloud", generated(records::cloud(), 200)),
        ("dc-api", generated(records::dc_api(), 200)),
        ("dc-file", generated(records::dc_file(), 200)),
        ("org", generated(records::organization(), 200)),
    ];
    let direct = [
        (
            "source.address",
            &["source", "remoteAddress", "attributes.location.ip"][..],
        ),
        ("service.address", &["system"]),
        ("confluence.audit.method", &["method"]),
        (
            "confluence.audit.external_collaborator",
            &["author.externalCollaborator"],
        ),
        (
            "event.action",
            &[
                "summary",
                "auditType.actionI18nKey",
                "type.actionI18nKey",
                "attributes.action",
            ],
        ),
        (
            "source.ip",
            &["source", "remoteAddress", "attributes.location.ip"],
        ),
        ("source.geo.city_name", &["attributes.location.city"]),
        (
            "event.category",
            &["summary", "auditType", "type", "attributes.action"],
        ),
        ("related.hosts", &["system"]),
        ("user.changes.name", &["changedValues"]),
        (
            "user.target.group.id",
            &["affectedObjects", "affectedObject", "associatedObjects"],
        ),
        (
            "user.target.full_name",
            &[
                "affectedObjects",
                "affectedObject",
                "associatedObjects",
                "changedValues",
            ],
        ),
    ];
    for (dialect, records) in dialects {
        let (mut used, mut unmapped) = (BTreeSet::new(), BTreeSet::new());
        for explanation in explanations(&["--dialect", dialect], records.as_bytes()) {
            for field in explanation["fields"].as_array().expect("fields") {
                let from = field["from"].as_array().expect("values");
                let from: Vec<_> = from.iter().map(|value| names(&value["raw"])).collect();
                if let Some((_, sources)) = direct.iter().find(|(name, _)| field["field"] == *name)
                {
                    let is_one =
                        |path: &String| sources.iter().any(|source| path.starts_with(source));
                    assert!(!from.is_empty() && from.iter().all(is_one), "{field}");
                }
                let by = field["by"].as_array().into_iter().flatten();
                used.extend(from.into_iter().chain(by.map(names)));
            }
            for unused in explanation["unused"].as_array().expect("values") {
                if unused["reason"] == "not mapped by the reference" {
                    unmapped.insert(names(&unused["raw"]));
                }
            }
        }
        let is_unmapped = |path: &&String| {
            let path = format!("{path}.");
            unmapped
                .iter()
                .any(|start| path.starts_with(&format!("{start}.")))
        };
        let both: Vec<_> = used.iter().filter(is_unmapped).collect();
        assert!(both.is_empty(), "{dialect}: {both:?}");
    }
}
