//! The JSON Schema, by a validator that is not ours: what it accepts and refuses is what
//! `schema validate` accepts and refuses.

use crate::support::program::{project, run};
use confluence_ecs::pipeline::dataset::Dataset;
use confluence_ecs::schema::ecs;
use confluence_ecs::schema::fields;
use confluence_ecs::schema::fields::Exception;
use confluence_ecs::schema::json_schema;
use confluence_ecs::schema::validate::Validator;
use serde_json::{Value, json};

fn compile(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft202012::meta::validate(schema).expect("a valid schema");
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema that compiles")
}

fn sample() -> Value {
    let text = std::fs::read(project("testdata/sample/event.json")).expect("the sample event");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn it_says_which_draft_it_is_and_is_closed() {
    let schema = json_schema::json_schema(Dataset::Confluence);
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    closed(&schema, "");
}

/// Objects with properties are closed, but for the one that keeps other keys.
fn closed(schema: &Value, path: &str) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let open = path == ".confluence.audit.type";
    assert_eq!(schema["additionalProperties"], open, "{path}");
    for (name, schema) in properties {
        closed(schema, &format!("{path}.{name}"));
    }
}

#[test]
fn it_agrees_on_the_events_of_the_binary() {
    let schema = compile(&json_schema::json_schema(Dataset::Confluence));
    let validator = Validator::new();
    let files = [
        "cloud-actions.ndjson",
        "dc-file-actions.log",
        "cloud-users.ndjson",
        "dc-api-users.ndjson",
        "addresses.log",
        "broken.log",
        "types.log",
    ];
    let files = files.map(|file| format!("testdata/records/{file}"));
    let arguments = [
        "normalize",
        "--quiet",
        "--geoip-city=testdata/geoip/confluence-ecs-city.mmdb",
        "--geoip-asn=testdata/geoip/confluence-ecs-asn.mmdb",
        "--add-fields=testdata/sample/add-fields.json",
    ];
    let output = run(
        arguments
            .into_iter()
            .chain(files.iter().map(String::as_str)),
        b"",
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut refused = 0;
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let violations = validator.validate(&event);
        assert_eq!(
            schema.is_valid(&event),
            violations.is_empty(),
            "{line}: {violations:?}"
        );
        refused += usize::from(!violations.is_empty());
    }
    assert_eq!(
        refused, 7,
        "the lines of types.log that no index would take"
    );
}

/// Values to put in place of a field's.
fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-90.5),
        json!(2.0),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("logs"),
        json!("Logs"),
        json!("lo-gs"),
        json!("lo gs"),
        json!("event"),
        json!("81.2.69.143"),
        json!("81.2.69.143:80"),
        json!("2001:db8::1"),
        json!("2001:db8::1::"),
        json!("2021-11-22T23:44:13.873Z"),
        json!("2021-11-22T23:44:13+01:00"),
        json!("2021-11-22 23:44:13Z"),
        json!("2021-02-30T23:44:13Z"),
        json!("2021-11-22T23:44:60Z"),
        json!([]),
        json!(["info"]),
        json!(["iam"]),
        json!(["authentication", "iam"]),
        json!(["user", "start"]),
        json!(["81.2.69.143"]),
        json!([null]),
        json!([1, [2]]),
        json!([{"a": {"b": [1]}}]),
        json!({}),
        json!({"lat": 1, "lon": 2}),
        json!({"lat": 1}),
        json!({"lat": 91, "lon": 2}),
        json!({"lat": 1, "lon": 2, "alt": 3}),
        json!({"unknown": 1}),
    ]
}

/// Every field of the table, every other of ECS and every object above one, with every value; and one
/// field too many in every object.
#[test]
fn it_agrees_on_every_field_with_any_value() {
    let schema = compile(&json_schema::json_schema(Dataset::Confluence));
    let validator = Validator::new();
    let (mut accepted, mut refused) = (0, 0);
    let mut agree = |event: &Value| {
        let violations = validator.validate(event);
        assert_eq!(
            schema.is_valid(event),
            violations.is_empty(),
            "{event}: {violations:?}"
        );
        *(if violations.is_empty() {
            &mut accepted
        } else {
            &mut refused
        }) += 1;
    };
    for field in fields(Dataset::Confluence)
        .fields
        .iter()
        .chain(ecs::others())
    {
        let names: Vec<_> = field.name.split('.').collect();
        for depth in 1..=names.len() {
            for value in values() {
                let mut event = sample();
                put(&mut event, &names[..depth], value);
                agree(&event);
            }
        }
        let mut event = sample();
        let mut unknown = names.clone();
        *unknown.last_mut().expect("a name") = "unknown";
        put(&mut event, &unknown, json!(1));
        agree(&event);
    }
    assert!(accepted > 500 && refused > 3000, "{accepted} {refused}");
}

#[test]
fn it_agrees_on_labels() {
    let schema = compile(&json_schema::json_schema(Dataset::Confluence));
    let validator = Validator::new();
    for labels in values()
        .into_iter()
        .chain(values().into_iter().map(|value| json!({"a": value})))
    {
        let event = json!({"labels": labels});
        let is_valid = validator.validate(&event).is_empty();
        assert_eq!(schema.is_valid(&event), is_valid, "{event}");
    }
}

fn put(event: &mut Value, path: &[&str], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *event = value;
        return;
    };
    if !event.is_object() {
        *event = json!({});
    }
    put(&mut event[*name], rest, value);
}

/// Every category with every type, with a type more, and with a second category.
#[test]
fn it_agrees_on_every_pair_of_category_and_type() {
    let mut table = fields(Dataset::Confluence).clone();
    table.known_exceptions = vec![Exception {
        category: "session".to_owned(),
        kind: "user".to_owned(),
        action: "switched".to_owned(),
    }];
    let schema = compile(&json_schema::of(&table));
    let validator = Validator::of(Box::leak(Box::new(table)));
    let (mut accepted, mut refused) = (0, 0);
    let mut agree = |classes: Value| {
        let event = json!({"event": classes});
        let violations = validator.validate(&event);
        assert_eq!(
            schema.is_valid(&event),
            violations.is_empty(),
            "{event}: {violations:?}"
        );
        *(if violations.is_empty() {
            &mut accepted
        } else {
            &mut refused
        }) += 1;
    };
    let allowed = |name: &str| {
        let field = fields(Dataset::Confluence)
            .fields
            .iter()
            .find(|field| field.name == name);
        field.expect("a field").allowed_values.clone()
    };
    for category in allowed("event.category") {
        agree(json!({"category": [category]}));
        for kind in allowed("event.type") {
            agree(json!({"category": [category], "type": [kind]}));
            agree(json!({"category": [category], "type": [kind], "action": "switched"}));
            agree(json!({"category": [category], "type": [kind, "info"]}));
            agree(json!({"category": [category, "iam"], "type": [kind]}));
            agree(json!({"category": [category, "iam"], "type": [kind, "user"]}));
            agree(json!({"category": [category, "other"], "type": [kind]}));
            agree(json!({"category": [], "type": [kind]}));
        }
    }
    assert!(accepted > 500 && refused > 500, "{accepted} {refused}");
}
