//! Arguments that cannot be meant: exit code 2, and one line that says what is wrong.

use super::usage;
use crate::support::program::{lines, project, run, stderr};

#[test]
fn wrong_usage_exits_with_2_and_one_line() {
    let record = project("testdata/sample/record.log").display().to_string();
    let asn = "testdata/geoip/confluence-ecs-asn.mmdb";
    let mut told = String::new();
    for arguments in [
        &["--dialect", "server"][..],
        &["--timestamps", "true"],
        &["--categories", "all"],
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
        &["--force"],
        &["--elasticsearch-url", "localhost"],
        &["--index", "events"],
        &["--es-client-cert", "a", "--es-client-key", "b"],
        &["--output", &record, &record],
    ] {
        let arguments: Vec<_> = ["normalize"].iter().chain(arguments).copied().collect();
        told += &usage(&arguments);
    }
    told += &usage(&["completions", "ksh"]);
    insta::assert_snapshot!(told);
    let before = std::fs::read(&record).expect("the record is still there");
    assert!(!before.is_empty());
}

/// Flags of clusters, each with a value.
const OF_CLUSTER: [[&str; 2]; 12] = [
    ["--es-api-key-file", "f"],
    ["--es-user", "u"],
    ["--es-password-file", "f"],
    ["--es-ca-file", "f"],
    ["--es-ca-fingerprint", "ab"],
    ["--es-client-cert", "f"],
    ["--index", "x"],
    ["--pipeline", "x"],
    ["--bulk-bytes", "1MiB"],
    ["--bulk-concurrency", "1"],
    ["--dead-letter", "f"],
    ["--shutdown-timeout", "1s"],
];

#[test]
fn flags_of_a_cluster_do_nothing_beside_another_output() {
    for command in ["normalize", "tail", "fetch", "run", "check"] {
        for output in [["--output", "x"], ["--format", "bulk"]] {
            for flag in OF_CLUSTER {
                usage(&[&[command][..], &output, &flag].concat());
            }
        }
    }
    let mut told = usage(&["tail", "-o", "x", "--index", "y"]);
    let cluster = ["send", "--elasticsearch-url", "http://127.0.0.1:9"];
    let key = ["--es-api-key-file", "f", "--es-password-file", "f"];
    told += &usage(&[&cluster[..], &key].concat());
    insta::assert_snapshot!(told);
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
fn of_a_repeated_flag_the_last_counts_as_with_gnus_tools() {
    let folder = tempfile::tempdir().expect("made");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (first, last) = (path("a"), path("b"));
    let arguments = [
        "--namespace",
        "a",
        "--namespace",
        "b",
        "-o",
        &first,
        "-o",
        &last,
    ];
    let output = run([&["normalize"], &arguments[..]].concat(), b"nonsense");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let event: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&last).expect("written")).expect("an event");
    assert_eq!(event["data_stream"]["namespace"], "b");
    assert!(!std::path::Path::new(&first).exists());
}

#[test]
fn of_the_flags_of_diagnostics_the_last_counts_wherever_it_stands() {
    let input = b"nonsense";
    for arguments in [
        &["-q", "normalize", "-q"][..],
        &["normalize", "-q", "--quiet"],
        &["-q", "-q", "normalize"],
    ] {
        let output = run(arguments, input);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let formats = ["--log-format", "text", "--log-format", "json"];
    for arguments in [
        [&["normalize"], &formats[..]].concat(),
        [&formats[..2], &["normalize"], &formats[2..]].concat(),
    ] {
        let output = run(&arguments, input);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).starts_with('{'), "{}", stderr(&output));
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
