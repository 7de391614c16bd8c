//! Whole events of the project's own records, as snapshots, and the sample event of the reference.

use std::path::Path;

use crate::support::events::assert_same_event;
use crate::support::program::{events, lines, project, run};
use serde_json::Value;

const CITY: &str = "testdata/geoip/confluence-ecs-city.mmdb";
const ASN: &str = "testdata/geoip/confluence-ecs-asn.mmdb";

/// Compares the events of a file with its snapshot; one line an event, as the program writes them.
fn golden(path: &str, flags: &[&str]) {
    let name = Path::new(path)
        .file_name()
        .expect("a name")
        .to_string_lossy();
    let suffix = flags
        .iter()
        .filter_map(|flag| flag.strip_prefix("--"))
        .collect::<Vec<_>>();
    let arguments = [
        "normalize",
        "-q",
        "--geoip-city",
        CITY,
        "--geoip-asn",
        ASN,
        path,
    ];
    let output = run(arguments.iter().chain(flags), b"");
    assert_eq!(output.status.code(), Some(0));
    let text: Vec<_> = lines(&output.stdout)
        .into_iter()
        .map(|mut event| {
            if event["event"]["kind"] == "pipeline_error" {
                event["@timestamp"] = "[time of processing]".into();
            }
            // What is the same everywhere is shown once, in the sample.
            let fields = event.as_object_mut().expect("an object");
            for field in ["data_stream", "ecs", "input", "tags"] {
                fields.remove(field).expect(field);
            }
            fields["log"]
                .as_object_mut()
                .expect("an object")
                .remove("file");
            event.to_string()
        })
        .collect();
    let snapshot = [&*name, &suffix.join("-")]
        .join(" ")
        .trim()
        .replace(' ', "-");
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(snapshot, text.join("\n"));
    });
}

#[test]
fn data_center_files() {
    golden("testdata/records/dc-file-actions.log", &[]);
    golden("testdata/records/dc-file-users.log", &[]);
}

#[test]
fn data_center_api() {
    golden("testdata/records/dc-api-actions.ndjson", &[]);
    golden("testdata/records/dc-api-users.ndjson", &[]);
}

#[test]
fn cloud() {
    golden("testdata/records/cloud-actions.ndjson", &[]);
    golden("testdata/records/cloud-users.ndjson", &[]);
}

#[test]
fn extended_categories() {
    golden(
        "testdata/records/extended-actions.log",
        &["--categories", "extended"],
    );
}

#[test]
fn organization() {
    golden("testdata/records/organization.ndjson", &[]);
}

#[test]
fn single_rules() {
    golden("testdata/records/addresses.log", &[]);
    golden("testdata/records/clean-up.log", &[]);
    golden("testdata/records/numbers.log", &[]);
    golden("testdata/records/strings.log", &[]);
    golden("testdata/records/systems.log", &[]);
    golden("testdata/records/times.log", &[]);
    golden("testdata/records/times.log", &["--timestamps", "elastic"]);
    golden("testdata/records/times-odd.log", &[]);
}

#[test]
fn faults() {
    golden("testdata/records/broken.log", &[]);
    golden(
        "testdata/records/crlf-bom.log",
        &["--preserve-original-event"],
    );
    golden("testdata/records/invalid-utf8.log", &[]);
}

#[test]
fn pages() {
    for name in [
        "array-pretty.json",
        "array.json",
        "cloud-page-bad-records.json",
        "cloud-page-empty.json",
        "cloud-page-pretty.json",
        "cloud-page-results-last.json",
        "cloud-page-truncated.json",
        "cloud-page.json",
        "dc-page-pretty.json",
        "dc-page.json",
        "org-page-pretty.json",
        "org-page.json",
        "org-single.json",
        "pages.ndjson",
    ] {
        golden(
            &format!("testdata/pages/{name}"),
            &["--preserve-original-event"],
        );
    }
}

#[test]
fn every_record_of_odd_types_is_mapped() {
    let events = events(
        ["normalize", "-q", "--strict", "testdata/records/types.log"],
        b"",
    );
    assert_eq!(events.len(), 314);
}

/// The sample event in Elastic's documentation comes out whole (docs/mapping.md 9): the expectation is
/// their event, made from its own `event.original`.
#[test]
fn the_sample_event_comes_out_whole() {
    let sample = std::fs::read_to_string(project("testdata/sample/event.json")).expect("there");
    let expected: Value = serde_json::from_str(&sample).expect("JSON");
    let original = expected["event"]["original"].as_str().expect("text");

    // The path that the sample names must be the path that is read.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test-audit.log");
    std::fs::write(&path, format!("{original}\n")).expect("written");
    let mut actual = events(
        [
            "normalize",
            "--preserve-original-event",
            "--geoip-city",
            CITY,
            "--add-fields",
            "testdata/sample/add-fields.json",
            "--namespace",
            "58111",
            &path.display().to_string(),
        ],
        b"",
    );
    let read_path = &mut actual[0]["log"]["file"]["path"];
    assert_eq!(*read_path, path.display().to_string());
    *read_path = "/tmp/service_logs/test-audit.log".into();
    assert_same_event(&actual[0], &expected, "the sample");
    assert_eq!(actual.len(), 1);
    insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_json_snapshot!("sample-event", actual[0]);
    });
}
