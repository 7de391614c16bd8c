//! The product against the oracle: the same records, the same events (docs/mapping.md).

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::support::events::assert_same_event;
use crate::support::{oracle, records};
use confluence_ecs::pipeline::actions::Categories;
use confluence_ecs::pipeline::dialect::Dialect;
use confluence_ecs::pipeline::enrich::network::Networks;
use confluence_ecs::pipeline::enrich::source::Enricher;
use confluence_ecs::pipeline::event::{AddFields, DefaultTags, Envelope, Origin};
use confluence_ecs::pipeline::frame::Frame;
use confluence_ecs::pipeline::normalize::{Normalizer, Options};
use confluence_ecs::pipeline::timestamp::{TimeMode, Timestamp};
use confluence_ecs::schema::validate::Validator;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(Validator::new);

/// One way to run the product, and the oracle in the same way.
#[derive(Clone, Copy, Debug)]
struct Way {
    dialect: Option<oracle::Dialect>,
    elastic: bool,
    categories: Categories,
    preserve_original: bool,
    /// Which of [`add_fields`].
    overlay: usize,
    file: bool,
}

const OVERLAYS: usize = 4;

/// `--add-fields`: nothing, the sample's, constants in every place, constants where objects are.
fn add_fields(overlay: usize) -> Value {
    match overlay {
        0 => json!({}),
        1 => serde_json::from_str(include_str!("../../testdata/sample/add-fields.json"))
            .expect("JSON"),
        2 => json!({
            " first": {"a": [1, {"b": "c"}]},
            "@timestamp": "never",
            "atlassian_cloud": {"audit": {
                "actor": {"app": {"attributes": {"a": 1}, "name": {"deep": 1}}, "zulu": 1},
                "context": {"a": {"b": 1}},
                "location": {"geo": "constant"},
            }},
            "message": "constant",
            "observer": {"name": "o", "type": "constant"},
            "confluence": {"audit": {
                "affected_objects": ["replaced"],
                "external_collaborator": {"is": "an object"},
                "method": "constant",
                "type": {"\"": "quote", "action": {"deep": 1}, "category": "constant", "zone": "z"},
                "zulu": true,
            }, "b": 1},
            "data_stream": {"namespace": "constant"},
            "event": {"action": "constant", "ingested": "x", "original": "constant", "type": ["x"]},
            "group": {"domain": "example"},
            "log": {"file": {"inode": 5}, "level": "info"},
            "related": {"hash": ["h"], "user": ["constant"]},
            "source": {"as": {"number": 7}, "geo": {"city_name": "Constant", "timezone": "UTC"}, "ip": "constant"},
            "tags": "constant",
            "user": {"changes": {"name": "constant"}, "domain": "d", "target": {"group": {"id": 5}}},
            "zulu": "\u{1}é\"",
        }),
        _ => json!({
            "atlassian_cloud": {"audit": {"container": ["constant"], "message": {"format": {"an": "object"}}}},
            "confluence": {"audit": {"changed_values": {"an": "object"}, "method": ["constant"]}},
            "data_stream": {"type": 7},
            "event": {"dataset": {"a": "b"}, "kind": "constant"},
            "input": {"type": ["constant"]},
            "service": {"address": ["constant"]},
            "source": {"geo": {"location": "constant"}},
            "user": {"target": {"name": {"an": "object"}}},
        }),
    }
}

const NETWORKS: [(&str, &str); 3] = [
    ("10.0.0.0/8", "inside"),
    ("10.255.0.0/16", "office"),
    ("2001:db8::/32", "docs \"v6\""),
];
const PATH: &str = "/var/log/\"audit\".log";

fn oracle_options(way: Way) -> oracle::Options {
    let cidr = |text: &str| {
        let (ip, prefix) = text.split_once('/').expect("a network");
        (
            ip.parse().expect("an address"),
            prefix.parse().expect("a prefix"),
        )
    };
    oracle::Options {
        dialect: way.dialect,
        elastic_timestamps: way.elastic,
        categories: match way.categories {
            Categories::Elastic => oracle::categories::Categories::Elastic,
            Categories::Extended => oracle::categories::Categories::Extended,
        },
        preserve_original: way.preserve_original,
        input: if way.file {
            oracle::Input::File {
                path: PATH.to_owned(),
                offset: OFFSET,
            }
        } else {
            oracle::Input::Stdin
        },
        networks: NETWORKS
            .map(|(network, name)| (cidr(network), name.to_owned()))
            .to_vec(),
        add_fields: add_fields(way.overlay),
        ..oracle::Options::default()
    }
}

fn product_options(way: Way) -> Options {
    let networks =
        NETWORKS.map(|(cidr, name)| format!("{cidr}={name}").parse().expect("a network"));
    let overlay = AddFields::from_json(add_fields(way.overlay).to_string().as_bytes());
    Options {
        dialect: way.dialect.map(|dialect| match dialect {
            oracle::Dialect::Cloud => Dialect::CLOUD,
            oracle::Dialect::DcApi => Dialect::DC_API,
            oracle::Dialect::DcFile => Dialect::DC_FILE,
            oracle::Dialect::Organization => Dialect::Organization,
        }),
        time_mode: if way.elastic {
            TimeMode::Elastic
        } else {
            TimeMode::Exact
        },
        categories: way.categories,
        max_line_bytes: 1 << 20,
        enricher: Enricher {
            networks: Networks::new(networks.to_vec()),
            ..Enricher::default()
        },
        envelope: Envelope::new(
            "default",
            DefaultTags::Read,
            &[],
            way.preserve_original,
            overlay.expect("an object"),
        ),
    }
}

/// The integers of the strategies that `serde_json` reads as doubles.
const BEYOND_64_BITS: [&str; 2] = ["18446744073709551616", "12345678901234567890123"];
const OFFSET: u64 = 123;

/// What the product makes of one line: a line of JSON.
fn product(text: &str, way: Way) -> String {
    let mut normalizer = Normalizer::new(Arc::new(product_options(way)));
    let origin = if way.file {
        Origin::file(PATH.as_ref())
    } else {
        Origin::stdin()
    };
    let range = 0..text.len();
    // A line that is an array holds records; as a record it is none.
    let frame = if text.starts_with('{') {
        Frame::Lines {
            range,
            line_offset: OFFSET,
        }
    } else {
        Frame::Record {
            range,
            line_offset: OFFSET,
        }
    };
    let mut out = b"before\n".to_vec();
    normalizer.frames(&mut out, text.as_bytes(), OFFSET, vec![frame], &origin);
    let out = String::from_utf8(out).expect("UTF-8");
    let line = out
        .strip_prefix("before\n")
        .and_then(|out| out.strip_suffix('\n'));
    line.expect("what stood there, and a line").to_owned()
}

fn check(text: &str, way: Way) {
    let line = product(text, way);
    assert!(!line.contains('\n'), "{line:?}");
    let mut actual: Value = serde_json::from_str(&line).expect("the product writes JSON");
    match oracle::map(text, &oracle_options(way)) {
        Ok(mut expected) => {
            if expected["@timestamp"] == oracle::NOW {
                assert_is_now(&actual["@timestamp"]);
                expected["@timestamp"] = actual["@timestamp"].clone();
            }
            plain_related_users(&mut actual);
            plain_related_users(&mut expected);
            assert_same_event(&actual, &expected, &format!("{way:?} {text}"));
        }
        // Without 64 bits for it, the oracle has lost the digits of such a `nano`.
        Err(_) if way.elastic && BEYOND_64_BITS.iter().any(|number| text.contains(number)) => {}
        Err(why) => {
            // Constants do not hide an error.
            assert_eq!(actual["event"]["kind"], "pipeline_error", "{why}: {text}");
            assert!(actual.pointer("/error/message").is_some(), "{why}: {text}");
            assert_eq!(actual["tags"][0], "preserve_original_event", "{text}");
        }
    }
}

fn assert_is_now(time: &Value) {
    let time = time
        .as_str()
        .and_then(Timestamp::from_text)
        .expect("a time");
    let since = Timestamp::now().millis() - time.millis();
    assert!((0..60_000).contains(&since), "{since} ms ago");
}

/// A user name that is a fraction is spelled in the oracle as `serde_json` spells it.
fn plain_related_users(event: &mut Value) {
    let Some(Value::Array(users)) = event.pointer_mut("/related/user") else {
        return;
    };
    for user in users {
        let number = user
            .as_str()
            .and_then(|text| serde_json::from_str::<serde_json::Number>(text).ok());
        if let Some(number) = number {
            *user = json!(number.to_string());
        }
    }
}

fn way() -> impl Strategy<Value = Way> {
    let dialect = prop_oneof![
        6 => Just(None),
        1 => Just(Some(oracle::Dialect::Cloud)),
        1 => Just(Some(oracle::Dialect::DcFile)),
        1 => Just(Some(oracle::Dialect::DcApi)),
        1 => Just(Some(oracle::Dialect::Organization)),
    ];
    (
        dialect,
        any::<bool>(),
        select(vec![Categories::Elastic, Categories::Extended]),
        any::<bool>(),
        0..OVERLAYS,
        any::<bool>(),
    )
        .prop_map(
            |(dialect, elastic, categories, preserve_original, overlay, file)| Way {
                dialect,
                elastic,
                categories,
                preserve_original,
                overlay,
                file,
            },
        )
}

/// Many cases, and as many more as `PROPTEST_CASES` asks for.
fn at_least(cases: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig {
        cases: given.cases.max(cases),
        failure_persistence: None,
        ..given
    }
}

/// Fields into which the mapping copies what a record has, of whatever type (docs/mapping.md 3).
const COPIED: [&str; 5] = [
    "atlassian_cloud.audit.actor.app.attributes",
    "atlassian_cloud.audit.container",
    "atlassian_cloud.audit.context",
    "confluence.audit.type.",
    "confluence.audit.external_collaborator",
];

proptest! {
    #![proptest_config(at_least(2000))]

    #[test]
    fn every_event_validates(text in records::record(), way in way()) {
        // Constants may be anything: those of the sample are valid.
        let event = product(&text, Way { overlay: way.overlay % 2, ..way });
        let event = serde_json::from_str(&event).expect("the product writes JSON");
        let violations = VALIDATOR.validate(&event);
        let ours = violations.iter().find(|violation| {
            !COPIED.iter().any(|copied| violation.path.starts_with(copied))
        });
        prop_assert!(ours.is_none(), "{ours:?}: {event}");
    }

    #[test]
    fn dc_file(text in records::dc_file(), way in way()) {
        check(&text, way);
    }

    #[test]
    fn dc_api(text in records::dc_api(), way in way()) {
        check(&text, way);
    }

    #[test]
    fn cloud(text in records::cloud(), way in way()) {
        check(&text, way);
    }

    #[test]
    fn organization(text in records::organization(), way in way()) {
        check(&text, way);
    }

    #[test]
    fn any_record(text in records::record(), way in way()) {
        check(&text, way);
    }
}
