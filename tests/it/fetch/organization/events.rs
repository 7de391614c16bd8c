//! What is made of an organization's events.

use serde_json::{Value, json};

use super::organization;
use crate::support::atlassian::{Event, organization_event};
use crate::support::fetching::START;

#[test]
fn an_event_is_mapped_as_elastics_integration_maps_it() {
    let fetching = organization(1);
    fetching.fetch(&["--preserve-original-event", "--namespace", "prod"]);
    let events = fetching.events();
    let event = &events[0];
    assert_eq!(event["@timestamp"], "2026-01-04T23:59:59.000Z");
    assert_eq!(event["input"], json!({"type": "cel"}));
    assert_eq!(
        event["tags"],
        json!([
            "preserve_original_event",
            "forwarded",
            "atlassian_cloud-audit"
        ])
    );
    assert_eq!(event["event"]["created"], "2026-01-05T00:00:00.000Z");
    assert_eq!(event["event"]["dataset"], "atlassian_cloud.audit");
    assert_eq!(event["event"]["original"], organization_event(START, 0).raw);
    assert_eq!(event["data_stream"]["namespace"], "prod");
    assert_eq!(event["ecs"]["version"], "9.3.0");
}

#[test]
fn what_is_no_event_becomes_an_error_of_the_same_data_set() {
    let fetching = organization(1);
    let raw = "7".to_owned();
    fetching.server.insert_events([Event {
        ms: START,
        processed_ms: START,
        raw,
    }]);
    fetching.fetch_ends(&["--strict"], 3);
    let events = fetching.events();
    assert_eq!(events[1]["event"]["kind"], "pipeline_error");
    assert_eq!(events[1]["event"]["dataset"], "atlassian_cloud.audit");
    fetching.fetch(&["--strict"]);
    assert_eq!(fetching.events().len(), 2, "it is known");
}

/// The same event, without one of its members.
fn without(number: u64, member: &str) -> Event {
    let event = organization_event(START + 1000, number);
    let mut raw: Value = serde_json::from_str(&event.raw).expect("JSON");
    match member {
        "id" => raw.as_object_mut(),
        _ => raw["attributes"].as_object_mut(),
    }
    .expect("an object")
    .remove(member);
    Event {
        raw: raw.to_string(),
        ..event
    }
}

#[test]
fn events_without_an_id_or_a_time_of_processing_come_once_too() {
    let fetching = organization(0);
    let next = crate::support::atlassian::NextCursor::Null;
    fetching
        .server
        .set(|settings| settings.organization.next = next);
    let events = [
        without(1, "id"),
        without(2, "processedAt"),
        without(3, "id"),
    ];
    fetching.server.insert_events(events);
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

#[test]
fn ids_are_of_the_organization_and_the_event() {
    let fetching = organization(2);
    fetching.fetch(&["--format", "bulk"]);
    let events = fetching.events();
    let ids = |events: &[Value]| {
        let actions = events.iter().step_by(2);
        actions
            .map(|action| action["create"]["_id"].clone())
            .collect::<Vec<_>>()
    };
    let first = ids(&events);
    assert_ne!(first[0], first[1]);
    // Whatever else the event says.
    let again = organization(0);
    let mut event = organization_event(START, 0);
    event.raw = event.raw.replace("event 0", "another text");
    again.server.insert_events([event]);
    again.fetch(&["--format", "bulk"]);
    assert_eq!(ids(&again.events()), first[..1]);
}

#[test]
fn only_events_of_the_products_that_are_wanted_are_kept() {
    let fetching = organization(9);
    fetching.fetch(&["--product", "Confluence"]);
    let actions: Vec<Value> = fetching
        .events()
        .iter()
        .map(|event| event["event"]["action"].clone())
        .collect();
    assert_eq!(actions, vec![json!("confluence_page_viewed"); 3]);
    let fetching = organization(9);
    fetching.fetch(&["--raw", "--product", "confluence", "--product", "jira"]);
    assert_eq!(fetching.lines().len(), 6);
}

#[test]
fn a_product_is_found_wherever_an_event_names_it_and_a_name_that_is_not_known_is_told() {
    let fetching = organization(0);
    let event = |(number, attributes): (u64, &str)| {
        let raw = format!(
            r#"{{"id":"e{number}","attributes":{{"time":"2026-01-05T00:00:00Z",{attributes}}}}}"#
        );
        Event {
            ms: START,
            processed_ms: START,
            raw,
        }
    };
    let wanted = [
        (1, r#""action":"Confluence_Page_Viewed""#),
        (
            2,
            r#""context":{"id":"ari:cloud:confluence::site/1","type":"sites"}"#,
        ),
        (
            3,
            r#""actor":{"id":"x","app":{"id":"ari:cloud:confluence::app/1"}}"#,
        ),
        (4, r#""actor":{"id":"x","app":"confluence"}"#),
    ];
    let other = (
        5,
        r#""action":"jira_issue_created","context":{"id":"1","type":"sites"}"#,
    );
    fetching.server.insert_events(wanted.map(event));
    fetching.server.insert_events([event(other)]);
    let said = fetching.fetch(&["--raw", "--product", "CONFLUENCE"]);
    assert!(!said.contains("--product"), "{said}");
    assert_eq!(fetching.lines(), wanted.map(|one| event(one).raw));
    let said = fetching.fetch(&["--raw", "--product", "Conflunce"]);
    assert!(
        said.contains("--product: unknown product conflunce (known: bitbucket"),
        "{said}"
    );
}
