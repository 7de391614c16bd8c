//! Whole records, as the real servers give them.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use super::store::Record;

const NAMES: [&str; 5] = [
    "Alex Resnick",
    "Zoë Müller",
    "Sam O'Neil",
    "Bruno & Söhne",
    "李 雷",
];

/// A Cloud record; its number stands in the description and in the affected object's name.
pub fn cloud_record(ms: i64, number: u64) -> Record {
    let name = pick(&NAMES, number);
    let (summary, category, kind) = pick(
        &[
            ("Space created", "Spaces", "Space"),
            ("User added to group", "Users and groups", "Group"),
            ("Space permission added", "Permissions", "Space"),
        ],
        number,
    );
    let by_system = number % 12 == 11;
    let author = if by_system {
        r#"{"type":"user","displayName":"System","operations":null,"username":null,"userKey":null,"accountId":null,"accountType":"","externalCollaborator":false,"isExternalCollaborator":false,"isGuest":false,"publicName":"Unknown user"}"#.to_owned()
    } else {
        format!(
            r#"{{"type":"user","displayName":"{name}","operations":null,"username":null,"userKey":null,"accountId":"5c3b7a1f0e2d4c6b8a9f{:04x}","accountType":"atlassian","externalCollaborator":false,"isExternalCollaborator":false,"isGuest":false,"publicName":"{name}"}}"#,
            number % 5
        )
    };
    let address = if by_system { "" } else { "81.2.69.143" };
    let raw = format!(
        r#"{{"author":{author},"remoteAddress":"{address}","creationDate":{ms},"summary":"{summary}","description":"record {number}","category":"{category}","sysAdmin":false,"superAdmin":false,"affectedObject":{{"name":"{kind} {number}","objectType":"{kind}"}},"changedValues":[{{"name":"Type","oldValue":"","newValue":"VIEWSPACE","hiddenOldValue":"","hiddenNewValue":""}}],"associatedObjects":[{{"name":"confluence-users:5f2c3d4e-1111-4222-8333-444455556666","objectType":"Group"}}]}}"#
    );
    Record { ms, raw }
}

/// A Data Center record of the API; its number is the affected page's id.
pub fn data_center_record(ms: i64, number: u64) -> Record {
    let name = pick(&NAMES, number);
    let (key, action) = pick(
        &[
            ("page.created", "Page created"),
            ("page.updated", "Page updated"),
            ("page.deleted", "Page deleted"),
        ],
        number,
    );
    let timestamp = server_time(ms);
    let author = number % 5;
    let raw = format!(
        r#"{{"timestamp":"{timestamp}","author":{{"name":"{name}","type":"user","id":"2c9580827d4a06e8017d4a07c3e1{author:04x}","uri":"http://confluence.internal:8090/admin/users/viewuser.action?username=user{author}","avatarUri":""}},"type":{{"categoryI18nKey":"audit.logging.category.pages","category":"Pages","actionI18nKey":"audit.logging.summary.{key}","action":"{action}"}},"affectedObjects":[{{"id":"{number}","name":"Page {number}","type":"Page","uri":"http://confluence.internal:8090/pages/viewpage.action?pageId={number}"}},{{"id":"98310","name":"Engineering","type":"Space","uri":"http://confluence.internal:8090/display/ENG"}}],"changedValues":[{{"from":"Draft","i18nKey":"audit.logging.changed.value.title","key":"Title","to":"Page {number}"}}],"source":"81.2.69.143","system":"http://confluence.internal:8090","node":"confluence-node-{}","method":"Browser","extraAttributes":[]}}"#,
        1 + number % 2
    );
    Record { ms, raw }
}

/// An event of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// when it happened, in milliseconds since the epoch
    pub ms: i64,
    /// when it was processed
    pub processed_ms: i64,
    pub raw: String,
}

/// An event of an organization that was processed then, a second after it happened; its number is in its id.
pub fn organization_event(processed_ms: i64, number: u64) -> Event {
    late_event(processed_ms - 1000, processed_ms, number)
}

/// The same, which happened at another time.
pub fn late_event(ms: i64, processed_ms: i64, number: u64) -> Event {
    let name = pick(&NAMES, number);
    let action = pick(
        &[
            "confluence_page_viewed",
            "jira_issue_created",
            "user_granted_role",
        ],
        number,
    );
    let at = |ms: i64| {
        let time = UNIX_EPOCH + Duration::from_millis(ms.cast_unsigned());
        humantime::format_rfc3339_millis(time)
    };
    let raw = format!(
        r#"{{"id":"0a1b2c3d-0000-4000-8000-{number:012}","type":"events","attributes":{{"time":"{}","processedAt":"{}","action":"{action}","actor":{{"id":"557058:0b7f6c1e-2222-4333-8444-555566667777","name":"{name}","email":"a@example.com","auth":{{"authType":"session"}}}},"context":[],"container":[],"location":{{"ip":"81.2.69.143"}}}},"message":{{"content":"event {number}","format":"simple"}}}}"#,
        at(ms),
        at(processed_ms)
    );
    Event {
        ms,
        processed_ms,
        raw,
    }
}

/// The record that a Data Center server keeps of a search in the log.
pub fn search_record(ms: i64, author: &Author, found: usize) -> Record {
    let raw = json!({
        "timestamp": server_time(ms),
        "author": {
            "name": author.name,
            "type": "user",
            "id": author.key,
            "uri": format!("http://confluence.internal:8090/admin/users/viewuser.action?username={}", author.username),
            "avatarUri": "",
        },
        "type": {
            "categoryI18nKey": "atlassian.audit.event.category.audit",
            "category": "Auditing",
            "actionI18nKey": "atlassian.audit.event.action.audit.search",
            "action": "Audit Log search performed",
        },
        "affectedObjects": [],
        "changedValues": [],
        "source": "127.0.0.1",
        "system": "http://confluence.internal:8090",
        "method": "API",
        "extraAttributes": [
            {"name": "Query", "nameI18nKey": "atlassian.audit.event.attribute.query", "value": ""},
            {"name": "Results returned", "nameI18nKey": "atlassian.audit.event.attribute.results", "value": found.to_string()},
        ],
    });
    Record {
        ms,
        raw: raw.to_string(),
    }
}

/// Whoever searches.
pub struct Author {
    pub name: String,
    pub username: String,
    /// the user key, which is the `author.id` of a record
    pub key: String,
}

fn pick<T: Copy>(rows: &[T], number: u64) -> T {
    let index = number % rows.len() as u64;
    rows[usize::try_from(index).expect("an index")]
}

/// A time in the server's own zone, which is not UTC.
fn server_time(ms: i64) -> String {
    const ZONE_MS: u64 = 2 * 3_600_000;
    let local = ms.cast_unsigned() + ZONE_MS;
    let local = UNIX_EPOCH + Duration::from_millis(local);
    let text = humantime::format_rfc3339_millis(local).to_string();
    text.replace('Z', "+02:00")
}
