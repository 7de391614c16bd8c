//! `explain`: what it says of records of each kind.

use serde_json::{Value, json};

use crate::support::outcome::outcome;
use crate::support::program::{events, lines, run, stderr};

pub const CITY: [&str; 2] = ["--geoip-city", "testdata/geoip/confluence-ecs-city.mmdb"];
pub const ASN: [&str; 2] = ["--geoip-asn", "testdata/geoip/confluence-ecs-asn.mmdb"];

/// A login of a user who is not the author, from a private address.
const DC_FILE: &str = r#"{"affectedObjects":[{"id":"5","name":"Zoë Müller","type":"User","uri":"http://wiki/admin/viewuser.action?username=zoe"}],"auditType":{"action":"User login successful","actionI18nKey":"audit.logging.summary.login.success","area":"SECURITY","category":"Security","categoryI18nKey":"audit.logging.category.auth","level":"ADVANCED"},"author":{"id":"-2","name":"Anonymous","type":"user"},"changedValues":[],"method":"Browser","source":"10.5.2.3","system":"http://wiki.internal:8090","timestamp":{"epochSecond":1637625231,"nano":54000000},"version":"1.0"}"#;
/// A page, of an action that is in no table.
const DC_API: &str = r#"{"timestamp":"2021-11-22T23:53:51.054Z","author":{"name":"Alex Resnick","type":"user","id":"7","uri":"http://wiki/people/7","avatarUri":""},"type":{"categoryI18nKey":"audit.logging.category.page","category":"Pages","actionI18nKey":"audit.logging.summary.page.viewed","action":"Page viewed"},"affectedObjects":[{"name":"Minutes","type":"Page","id":"98"}],"changedValues":[],"source":"81.2.69.143, 10.0.0.1","system":"http://wiki.example.com/confluence","extraAttributes":[{"name":"Views","nameI18nKey":"views","value":"3"}]}"#;
/// A group membership, whose group is there twice.
const CLOUD: &str = r#"{"author":{"type":"user","displayName":"Alex Resnick","operations":null,"accountId":"5c3b","externalCollaborator":false,"publicName":"Alex Resnick"},"remoteAddress":"81.2.69.143","creationDate":1637624602054,"summary":"User added to group","description":"","category":"Users and groups","sysAdmin":false,"affectedObject":{"name":"admins:5f2c3d4e-1111-4222-8333-444455556666","objectType":"Group"},"changedValues":[],"associatedObjects":[{"name":"Zoë Müller","objectType":"User"},{"objectType":"Group","name":"admins:5f2c3d4e-1111-4222-8333-444455556666"}]}"#;

const ORGANIZATION_EXAMPLES: &str = include_str!("../../testdata/organization-examples.ndjson");

/// The whole outcome for a record.
fn explained(flags: &[&str], record: &str) -> String {
    let arguments = ["explain"].iter().chain(flags);
    outcome(&run(arguments, record.as_bytes()))
}

/// Explanations as JSON.
pub fn explanations(flags: &[&str], input: &[u8]) -> Vec<Value> {
    let arguments = ["explain", "-q", "--json"].iter().chain(flags);
    events(arguments, input)
}

#[test]
fn records_of_data_center_files() {
    insta::assert_snapshot!(explained(&[], DC_FILE));
    let flags = [&CITY[..], &ASN, &["--network", "10.0.0.0/8=office"]].concat();
    insta::assert_snapshot!(explained(&flags, DC_FILE));
}

#[test]
fn records_of_the_data_center_api() {
    insta::assert_snapshot!(explained(&[], DC_API));
    let flags = [&CITY[..], &ASN, &["--width", "80"]].concat();
    insta::assert_snapshot!(explained(&flags, DC_API));
}

#[test]
fn records_of_cloud() {
    insta::assert_snapshot!(explained(&[], CLOUD));
    let flags = [&CITY[..], &ASN, &["--preserve-original-event"]].concat();
    insta::assert_snapshot!(explained(&flags, CLOUD));
}

#[test]
fn records_of_an_organization() {
    let examples = ORGANIZATION_EXAMPLES.lines().map(|line| {
        let example: Value = serde_json::from_str(line).expect("JSON");
        example["record"].as_str().expect("text").to_owned() + "\n"
    });
    let records: String = examples.collect();
    insta::assert_snapshot!(explained(&[], &records));
}

/// Why fields of an event are absent, and values unused, in a line each.
fn reasons_of(flags: &[&str], record: &Value) -> String {
    let explanation = &explanations(flags, record.to_string().as_bytes())[0];
    let lines = |list: &str, name: &str| -> Vec<String> {
        let all = explanation[list].as_array().expect("a list").iter();
        let line = |one: &Value| format!("{list} {}: {}", one[name], one["reason"]);
        all.map(line).collect()
    };
    [lines("absent", "field"), lines("unused", "raw")]
        .concat()
        .join("\n")
}

/// The same of an organization's event.
fn reasons(flags: &[&str], attributes: &Value) -> String {
    reasons_of(flags, &json!({"id": "e1", "attributes": attributes}))
}

/// The same of events of Data Center with that action and category, each below its members; what every one lacks is left out.
fn reasons_of_data_center(action: &str, category: &str, members: &[Value]) -> String {
    let told = members.iter().map(|members| {
        let mut record = json!({
            "timestamp": {"epochSecond": 5},
            "auditType": {
                "actionI18nKey": format!("audit.logging.summary.{action}"),
                "categoryI18nKey": format!("audit.logging.category.{category}"),
            },
            "author": {"id": "1", "name": "a", "uri": "/?username=a"},
            "source": "10.0.0.1",
            "system": "http://wiki",
        });
        for (name, value) in members.as_object().expect("members") {
            record[name] = value.clone();
        }
        let reasons = reasons_of(&[], &record);
        let usual = ["event.original", "source.geo", "source.as", "event.outcome"];
        let usual = usual.map(|field| format!("absent \"{field}\""));
        let is_usual = |line: &&str| usual.iter().any(|usual| line.starts_with(&**usual));
        let lines: Vec<_> = reasons.lines().filter(|line| !is_usual(line)).collect();
        format!("{action} {category} {members}\n{}\n", lines.join("\n"))
    });
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_an_event_of_data_center_lacks_has_its_reasons() {
    let username = "audit.logging.changed.value.username";
    let user = json!({"type": "User", "id": 1, "name": "x", "uri": "/?username=x"});
    let told = [
        reasons_of_data_center(
            "user.renamed",
            "user.management",
            &[
                json!({"affectedObjects": [user]}),
                json!({"changedValues": [{"i18nKey": username, "from": "a"}]}),
                json!({"changedValues": [{"i18nKey": username, "from": {"a": 1}, "to": "b"}]}),
            ],
        ),
        reasons_of_data_center(
            "group.membership.added",
            "user.management",
            &[
                json!({"affectedObjects": [{"type": "User", "id": {"a": 1}}, {"type": "Group", "name": ""}]}),
            ],
        ),
        reasons_of_data_center(
            "group.deleted",
            "user.management",
            &[
                json!({"affectedObjects": [{"type": "Group", "id": "1", "name": "a"}, {"type": "Group"}]}),
            ],
        ),
        reasons_of_data_center(
            "login.failed",
            "page",
            &[json!({"affectedObjects": [user], "author": {"id": "", "uri": ""}})],
        ),
        reasons_of_data_center("group.created", "page", &[json!({})]),
        reasons_of_data_center("user.created", "page", &[json!({})]),
        reasons_of_data_center(
            "page.viewed",
            "page",
            &[
                json!({"source": "", "system": "http://my_host"}),
                json!({"source": [{"a": 1}], "system": {}, "author": "bob"}),
                json!({"auditType": [{"actionI18nKey": "x"}], "type": {"actionI18nKey": "y"}}),
            ],
        ),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_an_event_of_cloud_lacks_has_its_reasons() {
    let record = |summary: &str, object: &Value, changed: &Value| {
        json!({"creationDate": 5, "summary": summary, "category": "Users and groups", "author": {"accountId": ""},
            "affectedObject": object, "changedValues": changed})
    };
    let group = json!({"objectType": "Group", "type": "User", "name": "g"});
    let changed = json!([{"name": "n", "key": "k", "i18nKey": "i", "to": "t", "newValue": "v", "from": "f", "oldValue": "o"}]);
    let renamed = json!([{"name": "audit.logging.changed.value.username", "newValue": "b"}]);
    let told = [
        reasons_of(&[], &record("Group created", &group, &changed)),
        reasons_of(&[], &record("User renamed", &json!({}), &renamed)),
    ];
    insta::assert_snapshot!(told.join("\n\n"));
}

/// The type of such a row is that of any other action.
#[test]
fn the_type_of_a_listed_action_is_of_the_table() {
    for (action, via) in [
        ("login.failed", "the table of actions"),
        ("page.viewed", "the type of an action in no table"),
    ] {
        let kind = json!({"actionI18nKey": format!("audit.logging.summary.{action}")});
        let record = json!({"timestamp": "5", "auditType": kind}).to_string();
        let explanation = &explanations(&[], record.as_bytes())[0];
        let fields = explanation["fields"].as_array().expect("fields");
        let field = fields
            .iter()
            .find(|field| field["field"] == "event.type[0]");
        let field = field.or_else(|| fields.iter().find(|field| field["field"] == "event.type"));
        assert_eq!(field.expect("a type")["via"], via, "{action}");
    }
}

#[test]
fn an_input_without_a_record_is_said_to_have_none() {
    let output = run(["explain"], b" \n\n");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
    assert_eq!(stderr(&output), "INFO the input holds no record\n");
}

#[test]
fn what_an_organizations_event_lacks_has_its_reasons() {
    let empty = json!({});
    let app = json!({"time": "2026-03-02T08:15:30Z", "processedAt": "soon", "action": 5,
        "actor": {"id": "5b10a2844c20165700ede21f", "email": null, "picture": "p", "app": {"id": "a"}},
        "location": {"ip": "somewhere", "city": "Oslo", "regionName": ""}});
    let person = json!({"time": "2026-03-02T08:15:30Z", "action": "",
        "actor": {"id": "557058:1", "email": "hidden", "name": null},
        "location": {"ip": "10.1.2.3"}});
    let network = ["--network", "10.0.0.0/8=inside"];
    let told = [
        reasons(&[], &empty),
        reasons(&[], &app),
        reasons(&[&ASN[..], &CITY, &network].concat(), &person),
        reasons(&[], &json!({"actor": [], "action": null, "location": "x"})),
        reasons_of(
            &[],
            &json!({"id": [1], "attributes": {"action": ["a"]}, "message": {"content": [1]}}),
        ),
    ];
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_forced_dialect_is_said_to_be_forced() {
    let explanation = &explanations(&["--dialect", "cloud"], b"{\"summary\":\"Space created\"}")[0];
    assert_eq!(explanation["told_by"], "--dialect");
    let fields = explanation["fields"].as_array().expect("fields");
    let time = fields.iter().find(|field| field["field"] == "@timestamp");
    let time = time.expect("a time");
    assert_eq!(time["via"], "the time of processing");
    assert_eq!(time["from"], json!([]));
}

#[test]
fn what_cannot_be_mapped_is_explained_by_its_error() {
    let input = format!("not JSON\n{{\"a\":1}}\n{DC_FILE}\n");
    let arguments = ["explain", "--add-fields", r#"{"labels":{"site":"hq"}}"#];
    let output = run(arguments, input.as_bytes());
    let text = outcome(&output);
    let (errors, _) = text.split_once("\nstdin:3: ").expect("the third record");
    insta::assert_snapshot!(errors);
    assert_eq!(
        stderr(&output),
        "WARN some records cannot be mapped records=3 failed=2\n"
    );
    let output = run(["explain", "-q", "--strict"], input.as_bytes());
    assert_eq!(output.status.code(), Some(3));
}

/// Events of a record, as NDJSON, in bulk format, and as a dead letter, without the fields of the input.
fn written(record: &str, flags: &[&str]) -> [String; 3] {
    let made = |more: &[&str]| {
        let arguments = ["normalize", "-q"].iter().chain(flags).chain(more);
        String::from_utf8(run(arguments, record.as_bytes()).stdout).expect("UTF-8")
    };
    let event = made(&[]);
    let letter = format!(r#"{{"_id":"1","event":{},"status":400}}"#, event.trim_end());
    [event, made(&["--format", "bulk"]), letter]
}

#[test]
fn of_an_event_the_raw_record_in_it_is_explained() {
    for record in [DC_FILE, DC_API, CLOUD] {
        let expected = explained(&["--width", "100"], record);
        let expected = expected.replacen(
            "\nstdin:1: ",
            "\nstdin:1: the `event.original` of an event: ",
            1,
        );
        for (input, line) in written(record, &["--preserve-original-event"])
            .iter()
            .zip([1, 2, 1])
        {
            let found = explained(&["--width", "100"], input);
            let found = found.replacen(&format!("\nstdin:{line}: "), "\nstdin:1: ", 1);
            assert_eq!(found, expected);
            let json = explanations(&[], input.as_bytes());
            assert_eq!(json.len(), 1);
            assert_eq!(json[0]["of_event"], true);
        }
    }
    let [failed, ..] = written("nonsense", &[]);
    let text = explained(&[], &failed);
    assert!(
        text.contains("stdin:1: the `event.original` of an event: cannot be mapped: not JSON"),
        "{text}"
    );
}

#[test]
fn of_an_event_without_its_record_it_is_said_what_it_is() {
    let what = "an ECS event already, not a raw audit record: `report`, `explain`, `send` and `schema validate` take events; \
                the raw record is in `event.original`, if that was kept (--preserve-original-event)";
    for input in written(DC_FILE, &[]) {
        let text = explained(&[], &input);
        assert!(
            text.contains(&format!(": cannot be mapped: {what}")),
            "{text}"
        );
        assert_eq!(text.matches("cannot be mapped:").count(), 1, "{text}");
        let output = run(["normalize", "-q"], input.as_bytes());
        assert_eq!(
            stderr(&output),
            "ERROR stdin: holds ECS events already, not raw audit records: `report`, `explain`, `send` and `schema validate` \
             take events\n"
        );
        for event in lines(&output.stdout) {
            let message = event["error"]["message"].as_str().expect("text");
            assert!(message.starts_with(what), "{message}");
        }
    }
}

#[test]
fn each_record_of_a_page_has_a_heading() {
    let text = explained(&["--width", "100", "testdata/pages/cloud-page.json"], "");
    let headings = text.lines().filter(|line| line.starts_with("testdata/"));
    insta::assert_snapshot!(headings.collect::<Vec<_>>().join("\n"));
    let pretty = explanations(&["testdata/pages/cloud-page-pretty.json"], b"");
    let lines: Vec<_> = pretty.iter().map(|one| one["line"].as_u64()).collect();
    assert!(lines.is_sorted() && lines[0] < lines[1], "{lines:?}");
}

#[test]
fn compressed_files_are_read_and_missing_ones_named() {
    let log = "testdata/20260101.00000.audit.log";
    let plain = explanations(&[log], b"");
    let packed = explanations(&["testdata/20260101.00000.audit.log.gz"], b"");
    assert_eq!(plain.len(), 300);
    assert_eq!(plain.len(), packed.len());
    let output = run(["explain", "-q", "missing.log", log], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot open missing.log"));
    assert!(!output.stdout.is_empty());
}

#[test]
fn an_explanation_as_json_has_the_values_in_full() {
    let explanation = &explanations(&[], CLOUD.as_bytes())[0];
    insta::assert_snapshot!(format!("{explanation:#}"));
}

#[test]
fn what_could_move_the_cursor_is_escaped_and_wide_texts_are_aligned() {
    let record = json!({
        "creationDate": 1_637_624_602_054_u64,
        "summary": "\u{1b}[31mred\u{202e}\u{9b}\n",
        "\u{202e}key": "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語",
        "author": {"displayName": "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語"},
    });
    insta::assert_snapshot!(explained(&["--width", "72"], &record.to_string()));
}

#[test]
fn a_record_that_is_too_long_is_said_to_be_unexplained() {
    let record = json!({"creationDate": 1, "summary": "x".repeat(300 << 10)}).to_string();
    let explanation = &explanations(&[], record.as_bytes())[0];
    let reason = format!(
        "the record has {} bytes: only those of up to 262144 are explained",
        record.len()
    );
    assert_eq!(explanation["unexplained"], reason.as_str());
    let text = explained(&["--max-line-bytes", "700"], CLOUD);
    let heading = "\nstdin:1: needs a --max-line-bytes of at least ";
    assert!(text.contains(heading), "{text}");
}

/// However many values a record has, an explanation takes some seconds at most.
#[test]
fn a_record_of_many_values_is_explained_in_time() {
    let users: Vec<_> = (0..2000)
        .map(|n| json!({"name": format!("n{}", n % 7), "objectType": "User"}))
        .collect();
    let record = json!({
        "creationDate": 1_637_700_061_001_u64, "summary": "User deleted",
        "category": "Users and groups", "associatedObjects": users,
    });
    let explanation = &explanations(&[], record.to_string().as_bytes())[0];
    let fields = explanation["fields"].as_array().expect("fields");
    let target = fields
        .iter()
        .find(|field| field["field"] == "user.target.full_name");
    let from = &target.expect("a target")["from"][0]["raw"];
    assert_eq!(*from, "associatedObjects[1999].name");
}
