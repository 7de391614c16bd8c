//! The command line contract: exit codes, and every flag of `normalize`, through the binary.

use crate::support::outcome::{filtered, outcome, transcript};
use crate::support::program::{command, events, lines, project, run, run_command, stderr};
use serde_json::{Value, json};

const DC_FILE: &str =
    r#"{"timestamp":{"epochSecond":1637624602,"nano":54000000},"source":"81.2.69.143"}"#;
const DC_API: &str = r#"{"timestamp":"2021-11-22T23:43:22.054Z","source":"10.0.0.1, 81.2.69.143"}"#;
const CLOUD: &str = r#"{"creationDate":1637624602054,"summary":"User created"}"#;

fn normalize(arguments: &[&str], input: &str) -> Vec<Value> {
    let arguments = ["normalize"].iter().chain(arguments);
    events(arguments, input.as_bytes())
}

fn one(arguments: &[&str], input: &str) -> Value {
    let mut events = normalize(arguments, input);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

/// A usage error: exit code 2, nothing on stdout, one line that says what is wrong.
fn usage(arguments: &[&str]) -> String {
    let command = command(arguments);
    let output = run(arguments, b"");
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
    assert!(output.stdout.is_empty());
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.starts_with("error: "), "{told}");
    transcript(&command, &output)
}

#[test]
fn wrong_usage_exits_with_2_and_one_line() {
    let record = project("testdata/sample/record.log").display().to_string();
    let asn = "testdata/geoip/confluence-ecs-asn.mmdb";
    let mut told = String::new();
    for arguments in [
        &["--dialect", "server"][..],
        &["--timestamps", "true"],
        &["--categories", "extended"],
        &["--threads", "0"],
        &["--threads", "many"],
        &["--threads", "-1"],
        &["--max-line-bytes", "0"],
        &["--max-line-bytes", "2G"],
        &["--max-line-bytes", "16MBytes"],
        &["--namespace", ""],
        &["--trusted-proxy", "ten"],
        &["--network", "10.0.0.0/8"],
        &["--network", "10.0.0.0/33=x"],
        &["--geoip-city", "no-such.mmdb"],
        &["--geoip-city", asn],
        &["--geoip-asn", &record],
        &["--add-fields", "no-such.json"],
        &["--add-fields", "README.md"],
        &["--log-format", "xml"],
        &["-q", "-v"],
        &["--config", "x.toml"],
        &["--host-metadata"],
        &["--force"],
        &["--elasticsearch-url", "localhost"],
        &["--index", "events"],
        &["--es-client-cert", "a", "--es-client-key", "b"],
        &["--output", &record, &record],
    ] {
        let arguments: Vec<_> = ["normalize"].iter().chain(arguments).copied().collect();
        told += &usage(&arguments);
    }
    told += &usage(&["completions", "bash"]);
    insta::assert_snapshot!(told);
    let before = std::fs::read(&record).expect("the record is still there");
    assert!(!before.is_empty());
}

#[test]
fn wrong_usage_says_what_was_meant() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("audit");
    std::fs::write(&file, "x").expect("written");
    let mut told = String::new();
    for arguments in [
        &["normalise"][..],
        &["schema", "field"],
        &["normalize", "--dialct", "cloud"],
        &["normalize", "--dialect", "clod"],
        &["normalize", "--tag"],
        &["normalize", "-x"],
        &["fetch", "--urll", "https://acme.atlassian.net"],
        &["fixtures", "check"],
        &["state", "set", "x"],
        &["auth", "login"],
        &["audit.log"],
        &["audit log.gz"],
        &[file.to_str().expect("UTF-8")],
        &["-"],
        &["https://acme.atlassian.net"],
        &["audits"],
        &["schema", "audit.log"],
        &["a.log", "b c.log", "--strict"],
        &[folder.path().to_str().expect("UTF-8")],
        &["--preserve-original-event", file.to_str().expect("UTF-8")],
        &["help", "normalise"],
        &["fetch", "--ulr", "https://acme.atlassian.net"],
    ] {
        told += &usage(arguments);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn wrong_usage_is_json_where_that_is_asked_for() {
    for arguments in [
        &["--log-format", "json", "normalize", "--dialct", "x"][..],
        &["normalize", "--threads", "0", "--log-format=json"],
        &[
            "normalize",
            "--geoip-city",
            "no-such.mmdb",
            "--log-format",
            "json",
        ],
        &["fetch", "--log-format", "json"],
    ] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(2));
        let told = lines(&output.stderr);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0]["level"], "ERROR");
        assert!(told[0]["message"].is_string());
    }
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["--version"], &["normalize", "--help"]] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(0));
        assert!(!output.stdout.is_empty());
        assert!(output.stderr.is_empty());
    }
    assert_eq!(run(&[] as &[&str], b"").status.code(), Some(2));
}

#[test]
fn records_that_cannot_be_mapped_are_events_and_counted() {
    let input = format!("{CLOUD}\nnonsense\n{CLOUD}\n");
    let output = run(["normalize"], input.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let events = lines(&output.stdout);
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["event"]["kind"], "pipeline_error");
    assert_eq!(events[1]["event"]["original"], "nonsense");
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn strict_exits_with_3_when_all_is_written() {
    let input = format!("nonsense\n{CLOUD}\n");
    let output = run(["normalize", "--strict"], input.as_bytes());
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(lines(&output.stdout).len(), 2);
    assert_eq!(
        run(["normalize", "--strict"], CLOUD.as_bytes())
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_done() {
    let output = run(
        [
            "normalize",
            "--strict",
            "no-such.log",
            "testdata",
            "testdata/sample/record.log",
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output.stdout).len(), 1);
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn quiet_says_nothing_and_verbose_names_each_record() {
    let input = format!("nonsense\n{CLOUD}\n");
    assert!(run(["normalize", "-q"], input.as_bytes()).stderr.is_empty());
    insta::assert_snapshot!(outcome(&run(["normalize", "-v"], input.as_bytes())));
    let told = run(["normalize", "--log-format", "json"], input.as_bytes());
    let told = lines(&told.stderr);
    assert_eq!(told[0]["failed"], 1);
    assert_eq!(told[0]["level"], "WARN");
}

#[test]
fn a_summary_is_for_people_and_for_trouble() {
    let told = |arguments: &[&str], input: &str| {
        let arguments = ["normalize"].iter().chain(arguments);
        let output = run(arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(0));
        filtered(&stderr(&output))
    };
    assert_eq!(told(&[], CLOUD), "");
    let done = "INFO done records=1 failed=0 bytes=405 seconds=[SECONDS]\n";
    assert_eq!(told(&["-v"], CLOUD), done);
    let input = format!("{CLOUD}\nnonsense");
    assert!(told(&[], &input).contains("records=2 failed=1 bytes="));
    let json = run(
        ["normalize", "-v", "--log-format", "json"],
        CLOUD.as_bytes(),
    );
    let json = &lines(&json.stderr)[0];
    assert_eq!(json["bytes"], 405);
    assert!(json["seconds"].is_f64());
}

#[test]
fn files_and_stdin_in_the_order_given() {
    let input = DC_API.as_bytes();
    let events = events(["normalize", "testdata/sample/record.log", "-"], input);
    assert_eq!(events[0]["input"]["type"], "log");
    assert_eq!(
        events[0]["log"],
        json!({"file": {"path": "testdata/sample/record.log"}, "offset": 0})
    );
    assert_eq!(events[1]["input"]["type"], "stdin");
    assert_eq!(events[1].get("log"), None);
}

#[test]
fn offsets_are_those_of_the_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.log");
    std::fs::write(
        &path,
        format!("\u{FEFF}{CLOUD}\r\n\n  \n{DC_FILE}\n[{CLOUD}, {CLOUD}]\n{CLOUD}"),
    )
    .expect("written");
    let path = path.display().to_string();
    let offsets: Vec<_> = normalize(&[&path], "")
        .iter()
        .map(|event| {
            usize::try_from(event["log"]["offset"].as_u64().expect("an offset")).expect("small")
        })
        .collect();
    let second = 3 + CLOUD.len() + 2 + 1 + 3;
    let array = second + DC_FILE.len() + 1;
    let last = array + 2 * CLOUD.len() + 5;
    assert_eq!(offsets, [3, second, array, array, last]);
}

#[test]
fn dialects_are_told_or_forced() {
    let both = r#"{"creationDate":1000,"timestamp":{"epochSecond":2},"summary":"s"}"#;
    assert_eq!(one(&[], both)["@timestamp"], "1970-01-01T00:00:01.000Z");
    assert_eq!(
        one(&["--dialect", "dc-file"], both)["@timestamp"],
        "1970-01-01T00:00:02.000Z"
    );
    // No time of Cloud's, and nothing else that is read as Cloud's.
    let event = one(&["--dialect", "cloud"], DC_FILE);
    assert_eq!(event["event"]["kind"], "event");
    assert_eq!(event["user"], Value::Null);
}

#[test]
fn timestamps_are_exact_or_as_elastic_has_them() {
    assert_eq!(one(&[], DC_FILE)["@timestamp"], "2021-11-22T23:43:22.054Z");
    let event = one(&["--timestamps", "exact"], DC_FILE);
    assert_eq!(event["@timestamp"], "2021-11-22T23:43:22.054Z");
    let event = one(&["--timestamps", "elastic"], DC_FILE);
    assert_eq!(event["@timestamp"], "2021-11-22T23:43:22.540Z");
}

#[test]
fn the_original_is_kept_on_request() {
    let event = one(&[], CLOUD);
    assert_eq!(event["event"].get("original"), None);
    assert_eq!(event["tags"], json!(["confluence-audit"]));
    let event = one(&["--preserve-original-event"], CLOUD);
    assert_eq!(event["event"]["original"], CLOUD);
    assert_eq!(
        event["tags"],
        json!(["preserve_original_event", "confluence-audit"])
    );
}

#[test]
fn tags_and_namespace() {
    let event = one(
        &[
            "--tag",
            "b",
            "--tag",
            "a",
            "--namespace",
            "prod",
            "--categories",
            "elastic",
        ],
        CLOUD,
    );
    assert_eq!(event["tags"], json!(["confluence-audit", "b", "a"]));
    assert_eq!(event["data_stream"]["namespace"], "prod");
    assert_eq!(one(&[], CLOUD)["data_stream"]["namespace"], "default");
}

#[test]
fn databases_by_flag_or_environment() {
    let city = "testdata/geoip/confluence-ecs-city.mmdb";
    let asn = "testdata/geoip/confluence-ecs-asn.mmdb";
    let event = one(&["--geoip-city", city, "--geoip-asn", asn], DC_FILE);
    assert_eq!(event["source"]["geo"]["city_name"], "London");
    assert!(event["source"]["as"]["number"].is_u64(), "{event}");
    assert_eq!(one(&[], DC_FILE)["source"].get("geo"), None);

    let mut with_environment = command(["normalize"]);
    with_environment
        .env("CONFLUENCE_ECS_GEOIP_CITY", city)
        .env("CONFLUENCE_ECS_GEOIP_ASN", "");
    let output = run_command(with_environment, DC_FILE.as_bytes());
    assert_eq!(
        lines(&output.stdout)[0]["source"]["geo"]["city_name"],
        "London"
    );

    let mut flag_wins = command(["normalize", "--geoip-city", city]);
    flag_wins.env("CONFLUENCE_ECS_GEOIP_CITY", "no-such.mmdb");
    assert_eq!(run_command(flag_wins, b"").status.code(), Some(0));
}

#[test]
fn proxies_and_networks() {
    assert_eq!(one(&[], DC_API)["source"]["ip"], "81.2.69.143");
    let trusted = [
        "--trusted-proxy",
        "81.2.69.0/24",
        "--trusted-proxy",
        "10.9.0.0/16",
    ];
    let event = one(&trusted, DC_API);
    assert_eq!(event["source"]["ip"], "10.0.0.1");
    assert_eq!(event["related"]["ip"], json!(["10.0.0.1", "81.2.69.143"]));
    let networks = [
        "--network",
        "81.2.0.0/16=wide",
        "--network",
        "81.2.69.143=narrow",
    ];
    let event = one(&networks, DC_API);
    assert_eq!(event["source"]["geo"], json!({"name": "narrow"}));
}

#[test]
fn constant_fields_win() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    let fields = json!({
        "observer": {"name": "wiki", "empty": ""},
        "event": {"module": "confluence", "kind": "alert"},
        "source": {"geo": {"name": "here"}},
        "confluence": {"audit": {"type": {"action": "x"}}},
        "zone": [1, null],
    });
    std::fs::write(&path, fields.to_string()).expect("written");
    let path = path.display().to_string();
    let city = "testdata/geoip/confluence-ecs-city.mmdb";
    let record =
        r#"{"timestamp":"1","auditType":{"area":"A","action":"y"},"source":"81.2.69.143"}"#;
    let event = one(&["--add-fields", &path, "--geoip-city", city], record);
    assert_eq!(event["observer"], json!({"name": "wiki"}));
    assert_eq!(event["event"]["module"], "confluence");
    assert_eq!(event["event"]["kind"], "alert");
    assert_eq!(event["event"]["type"], json!(["info"]));
    assert_eq!(event["source"]["geo"]["name"], "here");
    assert_eq!(event["source"]["geo"]["city_name"], "London");
    assert_eq!(
        event["confluence"]["audit"]["type"],
        json!({"action": "x", "area": "A"})
    );
    assert_eq!(event["zone"], json!([1]));

    // But a record that could not be mapped is not lost under them.
    let fields =
        json!({"event": {"kind": "x", "original": "y", "module": "m"}, "error": {"message": "z"}});
    std::fs::write(&path, fields.to_string()).expect("written");
    let failed = one(&["--add-fields", &path], "nonsense");
    assert_eq!(failed["event"]["original"], "nonsense");
    assert_eq!(failed["event"]["kind"], "pipeline_error");
    assert_eq!(failed["event"]["module"], "m");
    let message = failed["error"]["message"].as_str().expect("text");
    assert!(message.starts_with("not JSON"), "{message}");
}

#[test]
fn constant_fields_may_be_given_inline_with_dotted_keys() {
    let fields = r#" {"host.name":"a","host":{"os.type":"linux"},"event.module":"m","zone":"z"}"#;
    let event = one(&["--add-fields", fields], CLOUD);
    assert_eq!(event["host"], json!({"name": "a", "os": {"type": "linux"}}));
    assert_eq!(event["event"]["module"], "m");
    assert_eq!(event["event"]["kind"], "event");
    assert_eq!(event["zone"], "z");
}

#[test]
fn constant_fields_that_cannot_be_merged_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    std::fs::write(&path, r#"{"log":{"file":1}}"#).expect("written");
    let path = path.display().to_string();
    let mut told = String::new();
    for fields in [
        r#"{"event":"x"}"#,
        r#"{"confluence":null}"#,
        r#"{"confluence.audit":[{}]}"#,
        r#"{"user":{"target":""}}"#,
        r#"{"host.name":"a","host":"b"}"#,
        r#"{"host.name":"a","host.name":"b"}"#,
        r#"{"host":{"name":"a"},"host":{"id":"b"}}"#,
        r#"{"host":{"name":1,"name":1}}"#,
        r#"{"host.name":"a","host":{"name":"a"}}"#,
        r#"{"host.name":"a","host.name.text":"a"}"#,
        r#"{"a..b":1}"#,
        r#"{"":1}"#,
        r#"{"a":{".b":1}}"#,
        r#"{"a":1"#,
        "[1]",
        &path,
    ] {
        told += &usage(&["normalize", "--add-fields", fields]);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn constant_fields_are_read_from_a_file_with_a_byte_order_mark() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    std::fs::write(&path, "\u{FEFF}{\"host\":{\"id\":1}}").expect("written");
    let event = one(&["--add-fields", &path.display().to_string()], CLOUD);
    assert_eq!(event["host"], json!({"id": 1}));
}

/// Every object that the table of fields has is kept.
#[test]
fn no_object_of_the_event_can_be_removed() {
    let table = run(["schema", "fields", "--format", "json"], b"");
    let table: Value = serde_json::from_slice(&table.stdout).expect("JSON");
    let fields = table["fields"].as_array().expect("a list").iter();
    let own = fields.filter(|field| !field.to_string().contains("--add-fields"));
    let names: Vec<_> = own
        .map(|field| field["name"].as_str().expect("a name"))
        .collect();
    assert!(names.len() > 40);
    for name in names {
        for (dot, _) in name.match_indices('.') {
            let fields = json!({&name[..dot]: 1}).to_string();
            let told = usage(&["normalize", "--add-fields", &fields]);
            assert!(
                told.contains(&format!("the object {} of", &name[..dot])),
                "{told}"
            );
        }
    }
}

#[test]
fn records_over_the_limit() {
    let long = format!(
        r#"{{"creationDate":1,"summary":"{}"}}"#,
        "x".repeat(100_000)
    );
    let input = format!("{CLOUD}\n{long}\r\n{CLOUD}\n[{CLOUD},{long},{CLOUD}]\n");
    let events = normalize(&["--max-line-bytes", "1000"], &input);
    let kinds: Vec<_> = events.iter().map(|event| &event["event"]["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "event",
            "pipeline_error",
            "event",
            "event",
            "pipeline_error",
            "event"
        ]
    );
    for (event, what) in [(&events[1], "line"), (&events[4], "record")] {
        let original = event["event"]["original"].as_str().expect("text");
        assert_eq!(original, &long[..64 << 10]);
        let message = event["error"]["message"].as_str().expect("text");
        let begins = format!("{what} of {} bytes at byte", long.len());
        assert!(message.starts_with(&begins), "{message}");
        assert!(message.contains("65536"), "{message}");
    }
    assert_eq!(
        normalize(&["--max-line-bytes", "100031"], &long)[0]["event"]["kind"],
        "event"
    );
    for (size, kind) in [
        ("98KiB", "event"),
        ("97K", "pipeline_error"),
        ("100KB", "pipeline_error"),
    ] {
        let events = normalize(&["--max-line-bytes", size], &long);
        assert_eq!(events[0]["event"]["kind"], kind, "{size}");
    }
    let long = &normalize(&["--max-line-bytes", "100030"], &long)[0];
    assert_eq!(long["event"]["kind"], "pipeline_error");
}

#[test]
fn errors_carry_what_mapping_md_asks_for() {
    let bytes = b"{\"creationDate\":1,\"summary\":\"\xFF\"}\n";
    let event = &events(["normalize"], bytes)[0];
    let expected = json!({
        "@timestamp": event["@timestamp"],
        "data_stream": {"dataset": "atlassian_confluence.audit", "namespace": "default", "type": "logs"},
        "ecs": {"version": "8.11.0"},
        "error": {"message": "invalid UTF-8 at byte 29 (of the record at byte 0 of the input)"},
        "event": {
            "dataset": "atlassian_confluence.audit",
            "kind": "pipeline_error",
            "original": "{\"creationDate\":1,\"summary\":\"\u{FFFD}\"}",
        },
        "input": {"type": "stdin"},
        "tags": ["preserve_original_event", "confluence-audit"],
    });
    assert_eq!(*event, expected);
}

#[test]
fn a_password_in_a_url_is_not_repeated_in_an_error() {
    let output = run(
        ["fetch", "--url", "https://user:p@ss/word@acme.example"],
        b"",
    );
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("://<secret>@acme.example'"), "{told}");
    assert!(!told.contains("ss/word"), "{told}");
}
