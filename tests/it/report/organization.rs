//! Records and events of an organization in a report, beside those of Confluence.

use serde_json::{Value, json};

use super::{DATABASES, record, report, summary};
use crate::support::program::run;

/// An event of an organization, with a line end.
fn organization(action: &str, actor: &Value, location: &Value) -> String {
    let record = json!({
        "id": "e1",
        "attributes": {
            "time": "1970-01-01T00:00:02Z",
            "action": action,
            "actor": actor,
            "location": location,
        },
    });
    format!("{record}\n")
}

/// Of both data sets: a login that failed, the deed of an app, users with and without a name.
fn mixed() -> String {
    let britain = json!({"ip": "81.2.69.143", "countryName": "United Kingdom"});
    let norway =
        json!({"ip": "192.0.2.7", "countryName": "Norway", "regionName": "", "city": "Oslo"});
    let nadia = json!({"id": "557058:1", "name": "Nadia Berg", "email": "nadia@example.com"});
    let nameless = json!({"id": "557058:2", "email": "ola@example.com"});
    let app = json!({"id": "com.example.reports", "name": "Reports"});
    [
        record(1, "page.viewed", "Zoë Müller", "81.2.69.143"),
        organization("user_login_failed", &nadia, &britain),
        organization("confluence_page_viewed", &nadia, &norway),
        organization("confluence_page_viewed", &app, &Value::Null),
        // Of Confluence it would be notable.
        organization("Space deleted", &nameless, &norway),
    ]
    .concat()
}

#[test]
fn records_of_an_organization_are_counted_beside_those_of_confluence() {
    let told = summary(&DATABASES, &mixed());
    let parts = [
        "/totals",
        "/actions",
        "/users",
        "/addresses",
        "/countries",
        "/categories",
        "/notable",
        "/unknown_actions",
        "/failed_logins/users",
    ];
    let shown = parts.map(|part| format!("{part}: {:#}", told.pointer(part).expect(part)));
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_notable_in_an_organization_has_a_table_of_its_own() {
    let nadia = json!({"id": "557058:1", "name": "Nadia Berg", "email": "nadia@example.com"});
    let place = json!({"ip": "192.0.2.7"});
    let mut log: String = [
        "user_granted_role",
        "confluence_export_space_finished",
        "confluence_export_page_finished",
        "confluence_upm_app_install_success",
        "api_token_create_failed",
        "mobile_app_policy_update",
    ]
    .map(|action| organization(action, &nadia, &place))
    .concat();
    let space = json!({
        "id": "e2",
        "attributes": {
            "time": "1970-01-01T00:00:03Z",
            "action": "confluence_export_space_download",
            "actor": nadia,
            "context": [{"id": "98307", "type": "space", "attributes": {"key": "OPS"}}],
            "container": [{"id": "1", "type": "sites", "attributes": {"name": "example"}}],
            "location": place,
        },
        "message": {"content": "Downloaded a space", "format": "simple"},
    });
    log += &space.to_string();
    let output = report(&["--width", "100", "--top", "9"], &log);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let begin = text.find("Notable events").expect("a heading");
    let end = text.find("Top actions").expect("a heading");
    insta::assert_snapshot!(&text[begin..end]);
    let events = run(["normalize", "-q", "--dialect", "org"], log.as_bytes()).stdout;
    let events = String::from_utf8(events).expect("UTF-8");
    assert_eq!(
        summary(&[], &events)["notable_reasons"],
        summary(&[], &log)["notable_reasons"]
    );
}

#[test]
fn a_report_on_an_organization_can_be_read() {
    let output = report(&["--width", "80"], &mixed());
    insta::assert_snapshot!(String::from_utf8(output.stdout).expect("UTF-8"));
}

#[test]
fn events_of_an_organization_give_the_report_of_their_records() {
    let events = run(["normalize", "-q"], mixed().as_bytes()).stdout;
    let events = String::from_utf8(events).expect("UTF-8");
    assert_eq!(summary(&[], &events), summary(&[], &mixed()));
}

#[test]
fn events_are_judged_by_all_known_actions_whichever_set_they_were_mapped_by() {
    let nadia = json!({"id": "557058:1", "name": "Nadia Berg"});
    let place = json!({"ip": "192.0.2.7"});
    let log: String = [
        "user_login_mfa_failed",
        "confluence_export_page_download",
        "user_added_to_group",
        "an_action_of_tomorrow",
    ]
    .map(|action| organization(action, &nadia, &place))
    .concat();
    let told = summary(&[], &log);
    assert_eq!(told["failed_logins"]["count"], 1);
    // A failed login is nobody's act.
    assert_eq!(told["users"][0]["count"], 3);
    for set in ["elastic", "extended"] {
        assert_eq!(summary(&["--categories", set], &log), told);
        let events = run(["normalize", "-q", "--categories", set], log.as_bytes()).stdout;
        let events = String::from_utf8(events).expect("UTF-8");
        let of_events = summary(&[], &events);
        for part in ["totals", "failed_logins", "categories", "users", "timeline"] {
            assert_eq!(of_events[part], told[part], "{set} {part}");
        }
    }
}

#[test]
fn a_page_of_an_organization_is_read_record_by_record() {
    let records = mixed();
    let records: Vec<_> = records.lines().skip(1).collect();
    let page = format!(
        "{{\"data\":[{}],\"meta\":{{\"next\":null}}}}",
        records.join(",")
    );
    assert_eq!(summary(&[], &page)["totals"]["events"], 4);
}
