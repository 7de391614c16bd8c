//! The strategies are fit for use: JSON always, mostly mapped, every branch reached.

use proptest::prelude::*;
use serde_json::Value;

use crate::support::oracle::{Options, map};
use crate::support::records;

proptest! {
    /// Whatever is generated, in whatever mode, is read, and the event holds nothing that §8 removes.
    #[test]
    fn every_generated_record_is_json_and_is_mapped_or_refused(text in records::record(), elastic: bool) {
        let parsed = serde_json::from_str::<Value>(&text);
        prop_assert!(parsed.is_ok(), "{text}");
        prop_assert!(!text.contains('\n'));
        let options = Options { elastic_timestamps: elastic, preserve_original: true, ..Options::default() };
        if let Ok(event) = map(&text, &options) {
            let keeps_empties = event["event"]["dataset"] == "atlassian_cloud.audit";
            prop_assert!(keeps_empties || holds_nothing_empty(&event), "{event}");
            prop_assert_eq!(event["event"]["original"].as_str(), Some(text.as_str()));
        }
    }
}

fn holds_nothing_empty(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty() && elements.iter().all(holds_nothing_empty),
        Value::Object(members) => !members.is_empty() && members.values().all(holds_nothing_empty),
    }
}

/// The strategies are of use only if most records map, and the rare branches are reached.
#[test]
fn the_strategies_reach_every_branch() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let dialects: [(&str, BoxedStrategy<String>, &[&str]); 4] = [
        ("dc-file", records::dc_file().boxed(), DC_PATHS),
        ("dc-api", records::dc_api().boxed(), DC_PATHS),
        ("cloud", records::cloud().boxed(), CLOUD_PATHS),
        ("org", records::organization().boxed(), ORGANIZATION_PATHS),
    ];
    for (name, strategy, paths) in dialects {
        let texts: Vec<String> = (0..1000)
            .map(|_| strategy.new_tree(&mut runner).expect("a record").current())
            .collect();
        let events: Vec<Value> = texts
            .iter()
            .filter_map(|text| map(text, &Options::default()).ok())
            .collect();
        assert!(events.len() > 750, "{name}: {} map", events.len());
        assert!(events.len() < 1000, "{name}: none is refused");
        for path in paths {
            let seen = events.iter().filter(|e| e.pointer(path).is_some()).count();
            println!("{name} {path}: {seen} of {}", events.len());
            assert!(seen >= 10, "{name}: {path} was seen {seen} times");
        }
    }
}

const DC_PATHS: &[&str] = &[
    "/source/ip",
    "/related/ip/1",
    "/related/hosts",
    "/related/user/1",
    "/user/name",
    "/user/target/name",
    "/user/target/email",
    "/user/target/id",
    "/user/target/full_name",
    "/user/target/group/id",
    "/user/changes/name",
    "/user/changes/email",
    "/user/changes/full_name",
    "/group/name",
    "/group/id",
    "/event/outcome",
    "/confluence/audit/extra_attributes",
];

const CLOUD_PATHS: &[&str] = &[
    "/source/ip",
    "/related/ip/1",
    "/related/user/1",
    "/user/target/name",
    "/user/target/email",
    "/user/target/id",
    "/user/target/group/id",
    "/user/changes/name",
    "/user/changes/full_name",
    "/group/name",
    "/group/id",
    "/event/category",
    "/confluence/audit/external_collaborator",
    "/confluence/audit/affected_objects/2",
];

const ORGANIZATION_PATHS: &[&str] = &[
    "/source/ip",
    "/source/address",
    "/source/geo/city_name",
    "/related/ip/1",
    "/related/user/1",
    "/user/email",
    "/user/id",
    "/event/created",
    "/event/outcome",
    "/message",
    "/atlassian_cloud/audit/actor/app/name",
    "/atlassian_cloud/audit/actor/app/type",
    "/atlassian_cloud/audit/actor/auth/token_id",
    "/atlassian_cloud/audit/actor/on_behalf_of/email",
    "/atlassian_cloud/audit/container",
    "/atlassian_cloud/audit/context/0",
    "/atlassian_cloud/audit/location/geo",
    "/atlassian_cloud/audit/message/format",
];
