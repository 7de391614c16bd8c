//! `--host-metadata`: what the machine says of itself, compared with what its own commands and files say.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::outcome::outcome;
use crate::support::program::{events, lines, run, stderr};

const RECORD: &[u8] = b"{\"timestamp\":\"2026-01-01\"}\n";

fn event(flags: &[&str]) -> Value {
    let arguments = ["normalize", "-q"].iter().chain(flags);
    events(arguments, RECORD).remove(0)
}

fn printed(program: &str, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output().expect(program);
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A file of the machine's; empty if it has none.
fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_host_is_as_the_machine_says() {
    let event = event(&["--host-metadata"]);
    let host = &event["host"];
    assert_eq!(host["architecture"], printed("uname", "-m"));
    assert_eq!(host["hostname"], printed("uname", "-n"));
    assert_eq!(host["name"], printed("uname", "-n").to_lowercase());
    assert_eq!(host["os"]["kernel"], printed("uname", "-r"));
    assert_eq!(host["os"]["type"], "linux");
    assert!(host["containerized"].is_boolean());
    let id = file("/etc/machine-id");
    if id.trim().len() == 32 {
        assert_eq!(host["id"], id.trim());
    }
    let release = file("/etc/os-release");
    for (key, field) in [
        ("NAME", "name"),
        ("ID", "platform"),
        ("VERSION", "version"),
        ("VERSION_CODENAME", "codename"),
        ("BUILD_ID", "build"),
    ] {
        let value = release.lines().find_map(|line| {
            let value = line.strip_prefix(key)?.strip_prefix('=')?;
            Some(value.trim_matches('"'))
        });
        let found = host["os"][field].as_str();
        if field != "version" || value.is_some() {
            assert_eq!(found, value, "{key}");
        }
    }
}

#[test]
fn addresses_are_those_of_the_interfaces() {
    let event = event(&["--host-metadata"]);
    let mut macs = Vec::new();
    for interface in fs::read_dir("/sys/class/net").into_iter().flatten() {
        let interface = interface.expect("an entry").path();
        let mac = fs::read_to_string(interface.join("address")).unwrap_or_default();
        let mac = mac.trim().to_uppercase().replace(':', "-");
        // The loopback and tunnels have zeros.
        if mac.len() == 17 && mac != "00-00-00-00-00-00" {
            macs.push(mac);
        }
    }
    let list = |field: &str| {
        let list = event["host"][field].as_array().into_iter().flatten();
        let list = list.map(|value| value.as_str().expect("text").to_owned());
        list.collect::<Vec<_>>()
    };
    let mut found = list("mac");
    found.sort();
    macs.sort();
    macs.dedup();
    assert_eq!(found, macs);
    for ip in list("ip") {
        let ip: std::net::IpAddr = ip.parse().expect("an address");
        assert!(!ip.is_loopback(), "{ip}");
    }
}

#[test]
fn the_agent_is_this_program_and_its_id_stays() {
    let (one, other) = (event(&["--host-metadata"]), event(&["--host-metadata"]));
    let agent = &one["agent"];
    assert_eq!(agent["type"], "confluence-ecs");
    assert_eq!(agent["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(agent["name"], one["host"]["hostname"]);
    assert_eq!(agent["id"], other["agent"]["id"]);
    assert_ne!(agent["ephemeral_id"], other["agent"]["ephemeral_id"]);
    for id in ["id", "ephemeral_id"] {
        let id = agent[id].as_str().expect("text");
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    }
}

#[test]
fn without_the_flag_nothing_is_said_of_the_machine() {
    let event = event(&[]);
    for field in ["host", "agent", "cloud", "elastic_agent"] {
        assert_eq!(event.get(field), None, "{field}");
    }
}

#[test]
fn added_fields_win_over_those_of_the_machine_and_leave_the_others() {
    let plain = event(&["--host-metadata"]);
    for fields in [
        r#"{"agent":{"type":"filebeat"},"host":{"os":{"name":"Wolfi"},"ip":["192.0.2.7"]},"labels":{"a":"b"}}"#,
        r#"{"agent.type":"filebeat","host.os.name":"Wolfi","host.ip":["192.0.2.7"],"labels.a":"b"}"#,
    ] {
        let mut event = event(&["--host-metadata", "--add-fields", fields]);
        let mut expected = plain.clone();
        expected["agent"]["type"] = json!("filebeat");
        expected["host"]["os"]["name"] = json!("Wolfi");
        expected["host"]["ip"] = json!(["192.0.2.7"]);
        expected["labels"] = json!({"a": "b"});
        for event in [&mut event, &mut expected] {
            event["agent"]["ephemeral_id"] = Value::Null;
        }
        assert_eq!(event, expected);
    }
    let replaced = event(&["--host-metadata", "--add-fields", r#"{"host":"x"}"#]);
    assert_eq!(replaced["host"], "x");
}

#[test]
fn an_event_of_a_record_that_cannot_be_mapped_has_them_too() {
    let output = run(["normalize", "-q", "--host-metadata"], b"no record\n");
    let event = &lines(&output.stdout)[0];
    assert_eq!(event["event"]["kind"], "pipeline_error");
    assert_eq!(event["host"]["hostname"], printed("uname", "-n"));
}

#[test]
fn the_schema_and_the_template_know_them() {
    fn leaves(path: &str, value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    leaves(&format!("{path}/properties/{name}"), value, found);
                }
            }
            _ => found.push(path.to_owned()),
        }
    }
    let made = run(["normalize", "-q", "--host-metadata"], RECORD);
    let output = run(["schema", "validate"], &made.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let event = &lines(&made.stdout)[0];
    let mut paths = Vec::new();
    leaves("/host", &event["host"], &mut paths);
    leaves("/agent", &event["agent"], &mut paths);
    assert!(paths.len() > 12, "{paths:?}");
    for product in ["elasticsearch", "opensearch"] {
        let output = run(["schema", "index-template", "--for", product], b"");
        let template: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let mappings = &template["template"]["mappings"]["properties"];
        for path in &paths {
            let kind = mappings.pointer(&format!("{path}/type"));
            assert!(kind.is_some(), "{product}: {path}");
        }
    }
}

#[test]
fn a_followed_log_has_them_and_a_configuration_file_can_ask_for_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("audit.log"), RECORD).expect("written");
    fs::write(path("c.toml"), "[mapping]\nhost_metadata = true\n").expect("written");
    let (log, state, config) = (path("audit.log"), path("state"), path("c.toml"));
    let tail = [
        "tail",
        "-q",
        "--once",
        "--host-metadata",
        "--state-dir",
        &state,
        &log,
    ];
    assert!(events(tail, b"")[0]["host"]["hostname"].is_string());
    let pipe = ["normalize", "-q", "--config", &config];
    assert!(events(pipe, RECORD)[0]["agent"]["id"].is_string());
}

#[test]
fn where_they_have_no_place_they_are_refused() {
    let golden = ["fixtures", "check", "--host-metadata", "testdata/fixtures"];
    let raw = [
        "fetch",
        "--url",
        "https://a.test",
        "--raw",
        "--host-metadata",
    ];
    let told = format!(
        "{}\n{}",
        outcome(&run(golden, b"")),
        outcome(&run(raw, b""))
    );
    insta::assert_snapshot!(told);
}
