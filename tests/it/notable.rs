//! Which events are notable (docs/events.md, "Notable"): events as the binary makes them of records.

use confluence_ecs::pipeline::json::Reader;
use confluence_ecs::schema::notable::{AdminGroups, Detector, Notable, examine};
use serde_json::{Value, json};

use crate::support::program::events;

/// The reasons of records, in their order; empty: not notable.
fn reasons_with(admin_groups: &AdminGroups, records: &[Value]) -> Vec<&'static str> {
    let input: Vec<_> = records.iter().map(ToString::to_string).collect();
    let mut detector = Detector::default();
    let made = events(["normalize"], input.join("\n").as_bytes());
    let found = made.iter().map(|event| {
        let text = event.to_string();
        let mut reader = Reader::default();
        let event = reader.read(&text).expect("an event");
        examine(event.root(), admin_groups)
    });
    let taken: Vec<Option<Notable>> = found
        .map(|finding| finding.and_then(|finding| detector.take(finding)))
        .collect();
    let confirmed = taken
        .into_iter()
        .map(|notable| notable.filter(|notable| detector.confirms(notable)));
    confirmed
        .map(|notable| notable.map_or("", |notable| notable.reason))
        .collect()
}

fn reasons(records: &[Value]) -> Vec<&'static str> {
    reasons_with(&AdminGroups::default(), records)
}

/// A Data Center record with that action (after `audit.logging.summary.`), at so many milliseconds.
fn dc(action: &str, millis: u64, objects: &Value, changed: &Value) -> Value {
    let kind = json!({"actionI18nKey": format!("audit.logging.summary.{action}")});
    let time =
        json!({"epochSecond": 1_637_624_600 + millis / 1000, "nano": millis % 1000 * 1_000_000});
    json!({"timestamp": time, "auditType": kind, "affectedObjects": objects, "changedValues": changed})
}

const PERMISSION: &str = "audit.logging.changed.value.permission.type";

fn added(millis: u64, space: &str, subject: &Value, permission: &str) -> Value {
    let changed = json!([{"i18nKey": PERMISSION, "from": "", "to": permission}]);
    let objects = json!([{"type": "Space", "id": space, "name": space}, subject]);
    dc("space.permission.added", millis, &objects, &changed)
}

/// Its affected objects stand the other way round.
fn removed(millis: u64, space: &str, subject: &Value, permission: &str) -> Value {
    let changed = json!([{"i18nKey": PERMISSION, "from": permission, "to": ""}]);
    let objects = json!([subject, {"type": "Space", "id": space, "name": space}]);
    dc("space.permission.removed", millis, &objects, &changed)
}

fn anonymous() -> Value {
    json!({"type": "User", "name": "Anonyme"})
}

fn alex() -> Value {
    json!({"type": "User", "name": "Alex", "id": "2c95"})
}

fn group() -> Value {
    json!({"type": "Group", "name": "confluence-users"})
}

const TO_ANONYMOUS: &str = "space permission granted to Anonymous";
const TO_ADMINISTER: &str = "right to administer a space granted";
const TO_ADMINS: &str = "added to an administrators' group";

#[test]
fn actions_are_notable_by_their_rows() {
    let none = json!([]);
    let records = [
        dc("space.removed", 0, &none, &none),
        dc("login.failed", 0, &none, &none),
        dc("page.viewed", 0, &none, &none),
        json!({"creationDate": 5, "summary": "Space export"}),
        json!({"creationDate": 5, "summary": "User deactivated"}),
        json!({"timestamp": "5", "type": {"actionI18nKey": "Audit events discarded"}}),
        json!({"creationDate": 5}),
        json!("no record"),
    ];
    let destroyed = "all its content destroyed";
    assert_eq!(
        reasons(&records),
        [
            destroyed,
            "",
            "",
            "a whole space leaves",
            "",
            "records lost under load",
            "",
            ""
        ]
    );
}

#[test]
fn a_space_permission_is_notable_for_anonymous_and_to_administer() {
    let records = [
        added(0, "ENG", &anonymous(), "VIEWSPACE"),
        added(0, "ENG", &alex(), "VIEWSPACE"),
        added(0, "ENG", &group(), "VIEWSPACE"),
        added(0, "ENG", &group(), "SETSPACEPERMISSIONS"),
        added(0, "ENG", &anonymous(), "SETSPACEPERMISSIONS"),
        removed(0, "OPS", &anonymous(), "SETSPACEPERMISSIONS"),
    ];
    assert_eq!(
        reasons(&records),
        [TO_ANONYMOUS, "", "", TO_ADMINISTER, TO_ADMINISTER, ""]
    );
}

/// No object of Cloud has an id.
#[test]
fn anonymous_is_known_in_cloud_by_its_name() {
    let record = |summary: &str, user: &str, values: [&str; 2]| {
        json!({
            "creationDate": 5,
            "summary": summary,
            "affectedObject": {"name": user, "objectType": "User"},
            "associatedObjects": [{"name": "Engineering", "objectType": "Space"}],
            "changedValues": [{"name": "Type", "oldValue": values[0], "newValue": values[1]}],
        })
    };
    let added = |user, permission| record("Space permission added", user, ["", permission]);
    let records = [
        added("Zoë", "VIEWSPACE"),
        added("Zoë", "SETSPACEPERMISSIONS"),
        added("Anonymous", "VIEWSPACE"),
        // Saved again.
        record("Space permission removed", "Anonymous", ["EDITSPACE", ""]),
        added("Anonymous", "EDITSPACE"),
    ];
    assert_eq!(reasons(&records), ["", TO_ADMINISTER, TO_ANONYMOUS, "", ""]);
}

#[test]
fn a_permission_that_was_only_saved_again_is_not_notable() {
    let save = [
        removed(0, "ENG", &anonymous(), "VIEWSPACE"),
        removed(1, "ENG", &group(), "SETSPACEPERMISSIONS"),
        added(1000, "ENG", &anonymous(), "VIEWSPACE"),
        added(1001, "ENG", &group(), "SETSPACEPERMISSIONS"),
    ];
    assert_eq!(reasons(&save), [""; 4]);
    // As the API lists them: the newest first.
    let mut newest_first = save;
    newest_first.reverse();
    assert_eq!(reasons(&newest_first), [""; 4]);
}

#[test]
fn only_the_same_permission_of_the_same_subject_in_the_same_space_just_before_counts() {
    let addition = added(2000, "ENG", &anonymous(), "VIEWSPACE");
    for other in [
        removed(999, "ENG", &anonymous(), "VIEWSPACE"),
        removed(2001, "ENG", &anonymous(), "VIEWSPACE"),
        removed(2000, "OPS", &anonymous(), "VIEWSPACE"),
        removed(2000, "ENG", &anonymous(), "EDITSPACE"),
        removed(2000, "ENG", &alex(), "VIEWSPACE"),
        added(2000, "ENG", &alex(), "VIEWSPACE"),
    ] {
        assert_eq!(reasons(&[other, addition.clone()]), ["", TO_ANONYMOUS]);
    }
}

/// A membership of Data Center or of Cloud, about users and groups or of another category.
fn memberships(group: &str) -> [Value; 3] {
    let none = json!([]);
    let group_object = json!([{"type": "Group", "name": group}, alex()]);
    let mut with_target = dc("group.membership.added", 0, &group_object, &none);
    with_target["auditType"]["categoryI18nKey"] = json!("audit.logging.category.user.management");
    let group_name = format!("{group}:5f2c3d4e-1111-4222-8333-444455556666");
    [
        with_target,
        dc("group.membership.added", 0, &group_object, &none),
        json!({
            "creationDate": 5,
            "summary": "User added to group",
            "category": "Users and groups",
            "affectedObject": {"name": group_name, "objectType": "Group"},
        }),
    ]
}

#[test]
fn a_membership_is_notable_in_groups_of_administrators() {
    assert_eq!(
        reasons(&memberships("confluence-administrators")),
        [TO_ADMINS; 3]
    );
    assert_eq!(reasons(&memberships("Site-ADMINS")), [TO_ADMINS; 3]);
    assert_eq!(reasons(&memberships("confluence-users")), [""; 3]);
    let mut leaving = memberships("confluence-administrators")[0].clone();
    leaving["auditType"]["actionI18nKey"] = json!("audit.logging.summary.group.membership.removed");
    assert_eq!(reasons(&[leaving]), [""]);
}

#[test]
fn groups_of_administrators_are_named_by_a_pattern() {
    let pattern: AdminGroups = "^(wiki-ops|it)$".parse().expect("a pattern");
    assert_eq!(reasons_with(&pattern, &memberships("it")), [TO_ADMINS; 3]);
    assert_eq!(reasons_with(&pattern, &memberships("site-admins")), [""; 3]);
    let error = "(".parse::<AdminGroups>().expect_err("no pattern");
    assert_eq!(
        error,
        "expected a regular expression such as (?i)admin: unclosed group"
    );
}
