//! Exports and downloads: how much left, who took it, and where it went.

use serde_json::{Value, json};

use super::{record, report, summary};
use crate::support::program::run;

/// A record of Cloud, with a line end.
fn of_cloud(action: &str, user: &str, address: &str) -> String {
    let record = json!({
        "author": {"type": "user", "displayName": user, "accountId": user},
        "remoteAddress": address,
        "creationDate": 1000,
        "summary": action,
        "category": "Import/Export",
    });
    format!("{record}\n")
}

/// An event of an organization, with a line end.
fn of_organization(action: &str, user: &str, address: &str) -> String {
    let attributes = json!({
        "time": "1970-01-01T00:00:01Z",
        "action": action,
        "actor": {"id": "557058:1", "name": user, "email": "n@example.com"},
        "location": {"ip": address},
    });
    format!("{}\n", json!({"id": "e1", "attributes": attributes}))
}

/// What leaves, and what looks nearly like it.
fn mixed() -> String {
    let mut log: String = (0..50)
        .map(|second| record(second, "page.exported.word", "Eve", "10.0.0.6"))
        .collect();
    for key in [
        "page.viewed",
        "space.import",
        "attachment.uploaded",
        "page.pdf.export",
    ] {
        log += &record(50, key, "Ada", "10.0.0.7");
    }
    log += &record(51, "attachment.downloaded", "Ada", "10.0.0.6");
    log += &of_cloud("Space export", "Ola", "10.0.0.8");
    for action in [
        "confluence_export_page_started",
        "confluence_export_page_download",
        "confluence_page_viewed",
    ] {
        log += &of_organization(action, "Nadia", "10.0.0.8");
    }
    log
}

/// The counts of a list, by the first of these members that each row has.
fn counts(list: &Value, names: &[&str]) -> Vec<Value> {
    let rows = list.as_array().expect("a list").iter();
    let name = |row: &Value| {
        names
            .iter()
            .find_map(|name| row[*name].as_str().map(str::to_owned))
    };
    rows.map(|row| json!([name(row), row["count"]])).collect()
}

#[test]
fn exports_and_downloads_are_counted_by_action_user_and_address_in_every_kind_of_log() {
    let told = summary(&[], &mixed());
    let exports = &told["exports"];
    assert_eq!(exports["count"], 54);
    assert_eq!(
        counts(&exports["actions"], &["key"]),
        [
            json!(["audit.logging.summary.page.exported.word", 50]),
            json!(["Space export", 1]),
            json!(["audit.logging.summary.attachment.downloaded", 1]),
            json!(["audit.logging.summary.page.pdf.export", 1]),
            json!(["confluence_export_page_download", 1]),
        ]
    );
    assert_eq!(
        counts(&exports["users"], &["full_name", "name"]),
        [
            json!(["Eve", 50]),
            json!(["Ada", 2]),
            json!(["Nadia", 1]),
            json!(["Ola", 1])
        ]
    );
    assert_eq!(
        counts(&exports["addresses"], &["address"]),
        [
            json!(["10.0.0.6", 51]),
            json!(["10.0.0.8", 2]),
            json!(["10.0.0.7", 1])
        ]
    );
    let events = run(["normalize", "-q"], mixed().as_bytes()).stdout;
    let events = String::from_utf8(events).expect("UTF-8");
    assert_eq!(&summary(&[], &events)["exports"], exports);
}

#[test]
fn a_refused_export_takes_nothing_out() {
    let key = "data-pipeline.audit.action.full.export.unauthorized";
    let refused = record(1, "x", "Eve", "10.0.0.6").replace("audit.logging.summary.x", key);
    let told = summary(&[], &refused);
    assert_eq!(
        (&told["exports"]["count"], &told["totals"]["notable"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn exports_and_downloads_are_shown_in_a_bounded_part_of_the_report() {
    let report = report(&["--width", "80", "--top", "3"], &mixed());
    let text = String::from_utf8(report.stdout).expect("UTF-8");
    let begin = text.find("Exports and downloads").expect("a heading");
    let end = text.find("Top actions").expect("a heading");
    insta::assert_snapshot!(&text[begin..end]);
}
