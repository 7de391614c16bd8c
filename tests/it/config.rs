//! The configuration file: what is wrong in it, where, and what was expected; and which of flag, environment and
//! file wins.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::support::binary::stderr;
use crate::support::configured::Configured;
use crate::support::outcome::{filtered, outcome};
use crate::support::search::{Kind as Product, Search};

const TAIL: &str =
    "[[source]]\nname = \"wiki\"\ntype = \"tail\"\npaths = [\"FOLDER/logs/*.log\"]\n";
const FETCH: &str =
    "[[source]]\nname = \"cloud\"\ntype = \"fetch\"\nurl = \"https://acme.atlassian.net\"\n";
const OUTPUT: &str = "[output]\nfile = \"FOLDER/{source}.ndjson\"\n";

/// The exit code and the lines on stderr of `config check` for each text.
fn checked(texts: &[&str]) -> String {
    let mut all = String::new();
    for text in texts {
        let configured = Configured::new(text);
        let output = configured.outcome(&["config", "check"]);
        let code = output.status.code().unwrap();
        let said = filtered(&stderr(&output));
        write!(all, "{text}\n=> {code}: {said}\n").unwrap();
    }
    all
}

/// As [`checked`], each text below an output and a source that are good.
fn checked_below(texts: &[&str]) -> String {
    let texts: Vec<_> = texts
        .iter()
        .map(|text| format!("{OUTPUT}{TAIL}{text}"))
        .collect();
    let texts: Vec<_> = texts.iter().map(|text| &**text).collect();
    let below = format!("{OUTPUT}{TAIL}");
    checked(&texts).replace(&below, "…\n")
}

#[test]
fn an_unknown_key_or_table_is_named_with_its_line_and_the_nearest() {
    insta::assert_snapshot!(checked(&[
        "state_dri = \"x\"",
        "zzzzzz = 1",
        "namespace = \"x\"",
        "paths = \"x\"",
        "[output]\nstate_dir = \"x\"",
        "[maping]\nnamespace = \"x\"",
        "[[sources]]\nname = \"x\"",
        "[zzzzzz]\nx = 1",
        "[mapping]\nnamspace = \"x\"",
        "[output]\nfiel = \"x\"",
        "[http]\nretrys = 3",
        "[state]\ndir = \"x\"",
        "[mapping]\n\"a\\nb\" = 1",
        "[mapping.inner]\nx = 1",
        "[output]\nonce = true",
    ]));
    insta::assert_snapshot!(checked_below(&[
        "path = \"x\"",
        "interval = \"1m\"",
        "once = true",
        "[source.outptu]\nfile = \"x\"",
        "[source.output]\nfiel = \"x\"",
        "[source.mapping]\nnamspace = \"x\"",
        "[source.http]\nretries = 3",
        "[source.source]\nx = 1",
    ]));
}

#[test]
fn a_value_of_another_type_or_range_is_told_with_what_was_expected() {
    insta::assert_snapshot!(checked_below(&[
        "poll_interval = 5",
        "poll_interval = \"5\"",
        "poll_interval = \"0s\"",
        "exclude = 3",
        "exclude = [3]",
        "exclude = [[\"x\"]]",
        "preserve_original_event = \"yes\"",
        "preserve_original_event = 1",
        "namespace = \"A-B\"",
        "namespace = true",
        "threads = 0",
        "threads = -1",
        "threads = 1.5",
        "threads = 99999999999999999999999999999999999999999999",
        "max_line_bytes = 0",
        "from = \"middle\"",
        "from = 2026-01-05",
        "network = [\"10.0.0.0/8\"]",
        "state_dir = {}",
        "output = \"x\"",
        "[source.output]\nfile = 3",
        "[source.output]\nfile = \"\"",
        "[source.output]\nelasticsearch_url = \"nowhere\"",
        "[source.output]\nelasticsearch_url = [\"http://127.0.0.1:9\"]\nbulk_bytes = \"1\"",
        "[source.output]\nelasticsearch_url = [\"http://127.0.0.1:9\"]\nfile = \"x\"",
    ]));
    insta::assert_snapshot!(checked(&[
        "verbose = \"much\"",
        "verbose = 300",
        "quiet = \"yes\"",
        "log_format = \"xml\"\n[[source]]\nname = \"a\"\ntype = \"tail\"\noutput.file = \"x\"",
        "mapping = 3",
        "output = \"x\"",
        "source = 3",
        "source = [3]",
        "[source]\nname = \"x\"",
    ]));
    insta::assert_snapshot!(checked(
        &[
            "interval = 60",
            "since = 30",
            "since = \"soon\"",
            "page_size = \"many\"",
            "url = \"acme\""
        ]
        .map(|line| format!(
            "{OUTPUT}{}{line}\n",
            FETCH.replace("url = \"https://acme.atlassian.net\"\n", "")
        ))
        .each_ref()
        .map(|text| &**text)
    ));
}

#[test]
fn a_source_has_a_name_a_type_and_an_output_of_its_own() {
    insta::assert_snapshot!(checked(&[
        "",
        OUTPUT,
        TAIL,
        &format!("{OUTPUT}[[source]]\ntype = \"tail\""),
        &format!("{OUTPUT}[[source]]\nname = \"x\""),
        &format!("{OUTPUT}[[source]]\nname = \"../x\"\ntype = \"tail\""),
        &format!("{OUTPUT}[[source]]\nname = 3\ntype = \"tail\""),
        &format!("{OUTPUT}[[source]]\nname = \"x\"\ntype = \"push\""),
        &format!("{OUTPUT}{TAIL}{TAIL}"),
        &format!(
            "[output]\nfile = \"FOLDER/out\"\n{TAIL}{}",
            TAIL.replace("wiki", "other")
        ),
        &format!(
            "[output]\nfile = \"-\"\n{TAIL}{}",
            TAIL.replace("wiki", "other")
        ),
        &format!("{OUTPUT}{FETCH}{}", FETCH.replace("cloud", "other")),
        &format!(
            "{OUTPUT}{FETCH}{}search = \"x\"",
            FETCH.replace("cloud", "other")
        ),
    ]));
}

#[test]
fn toml_of_every_kind_is_read() {
    let texts = [
        // Dotted keys, inline tables, arrays of them, a time, a hexadecimal number, other kinds of strings.
        "output.file = 'FOLDER/{source}.ndjson'\nmapping.namespace = \"a\"\n\
         source = [{ name = \"a\", type = \"tail\", paths = '''FOLDER/logs/*.log''', threads = 0x1 }]",
        "output = { file = \"FOLDER/{source}.ndjson\" }\n[[source]]\nname = \"a\"\ntype = \"fetch\"\n\
         url = \"https://wiki.example.com\"\npat = \"${TOKEN}\"\nsince = 2026-01-05T00:00:00Z\npage_size = 1_00\n\
         http.retries = 3\n",
        &format!("\u{feff}{OUTPUT}{TAIL}"),
        &format!("{OUTPUT}{TAIL}").replace('\n', "\r\n"),
    ];
    for text in texts {
        let configured = Configured::new(text);
        let output = configured.outcome_with(&["config", "check"], &[("TOKEN", "t")]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{text}: {}",
            outcome(&output)
        );
    }
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    insta::assert_snapshot!(checked(&[
        "a = ",
        "\n\na = 1\na = 2",
        "[mapping]\n[mapping]",
        "name wiki",
        "x = \"\\q\"",
        "[[source]\n",
    ]));
}

#[test]
fn what_is_no_file_to_read_is_told() {
    let configured = Configured::new("");
    let check = |what: &str| {
        format!(
            "{what}: {}",
            outcome(&configured.outcome(&["config", "check"]))
        )
    };
    let mut all = String::new();
    configured.write_bytes(b"a = \"\xff\"");
    all += &check("no UTF-8");
    configured.write_bytes(&vec![b'#'; (1 << 20) + 1]);
    all += &check("too long");
    fs::remove_file(configured.config()).unwrap();
    all += &check("missing");
    fs::create_dir(configured.config()).unwrap();
    all += &check("a directory");
    fs::remove_dir(configured.config()).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, configured.config(), rustix::fs::Mode::RUSR).unwrap();
    all += &check("a FIFO");
    fs::remove_file(configured.config()).unwrap();
    symlink("config.toml", configured.config()).unwrap();
    all += &check("a link to itself");
    insta::assert_snapshot!(all);
}

#[test]
fn a_file_without_the_right_to_read_it_is_told() {
    let configured = Configured::new("");
    configured.set_mode(0);
    if fs::File::open(configured.config()).is_ok() {
        eprintln!("left out: this user may read everything");
        return;
    }
    let output = configured.outcome(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("Permission denied"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_secret_is_a_reference_or_stands_in_a_private_file() {
    let text = |pat: &str| {
        let url = "url = \"https://wiki.example.com\"";
        format!(
            "state_dir = \"FOLDER/state\"\n{OUTPUT}[[source]]\nname = \"dc\"\ntype = \"fetch\"\n{url}\n{pat}\n"
        )
    };
    let check = |pat: &str, mode: u32| {
        let configured = Configured::new(&text(pat));
        configured.file("token", "hunter2\n");
        configured.set_mode(mode);
        let output = configured.outcome_with(&["config", "check"], &[("TOKEN", "hunter2")]);
        let outcome = outcome(&output);
        assert!(!outcome.contains("hunter2"), "{outcome}");
        format!("{pat} {mode:o}: {outcome}\n")
    };
    let all = [
        check("pat = \"hunter2\"", 0o644),
        check("pat = \"hunter2\"", 0o640),
        check("pat = \"hunter2\"", 0o600),
        check("pat = \"${TOKEN}\"", 0o644),
        check("pat = \"x${TOKEN}\"", 0o644),
        check("pat = \"${NOWHERE}\"", 0o644),
        check("pat = \"file:FOLDER/token\"", 0o644),
        check("pat = \"file:FOLDER/missing\"", 0o644),
        check("pat_file = \"FOLDER/token\"", 0o644),
        check("pat = 3", 0o644),
    ];
    insta::assert_snapshot!(all.concat());
}

#[test]
fn variables_stand_in_any_string() {
    let configured = Configured::new(&format!(
        "{OUTPUT}{TAIL}namespace = \"a${{X}}b\"\ntag = [\"${{X}}\", \"$${{X}}\"]\n"
    ));
    let shown = shown(&configured, &[("X", "1")]);
    assert_eq!(value_of(&shown, "namespace").0, "a1b");
    assert_eq!(value_of(&shown, "tag").0, serde_json::json!(["1", "${X}"]));
    let texts = [
        "namespace = \"${NOWHERE}\"",
        "namespace = \"${X\"",
        "namespace = \"${}\"",
    ];
    insta::assert_snapshot!(checked_below(&texts));
}

/// The first source of `config show --json`.
fn shown(configured: &Configured, variables: &[(&str, &str)]) -> Value {
    let output = configured.outcome_with(&["config", "show", "--json"], variables);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    all["sources"][0]["settings"].clone()
}

/// What a key is set to, and where.
fn value_of(settings: &Value, key: &str) -> (Value, String) {
    let mut settings = settings.as_array().unwrap().iter();
    let one = settings.find(|one| one["key"] == key);
    let one = one.unwrap_or_else(|| panic!("no {key}"));
    (
        one["value"].clone(),
        one["origin"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn the_environment_comes_before_the_file() {
    let configured = Configured::new(&format!(
        "[mapping]\nnamespace = \"file\"\ngeoip_city = \"/of/the/file\"\ntag = [\"a\"]\n{OUTPUT}{TAIL}"
    ));
    let of = |key: &str, variables: &[(&str, &str)]| {
        let (value, origin) = value_of(&shown(&configured, variables), key);
        format!("{value} {}", filtered(&origin))
    };
    assert_eq!(of("namespace", &[]), "\"file\" [FOLDER]/config.toml:2");
    let variable = "CONFLUENCE_ECS_MAPPING_NAMESPACE";
    assert_eq!(
        of("namespace", &[(variable, "env")]),
        format!("\"env\" {variable}")
    );
    assert_eq!(
        of("namespace", &[(variable, "")]),
        "\"file\" [FOLDER]/config.toml:2"
    );
    let variable = "CONFLUENCE_ECS_GEOIP_CITY";
    assert_eq!(
        of("geoip_city", &[(variable, "/x")]),
        format!("\"/x\" {variable}")
    );
    let variable = "CONFLUENCE_ECS_MAPPING_TAG";
    assert_eq!(of("tag", &[(variable, "b")]), format!("[\"b\"] {variable}"));
    assert_eq!(
        of("tag", &[(variable, "[\"b\", 'c']")]),
        format!("[\"b\",\"c\"] {variable}")
    );
    let variable = "CONFLUENCE_ECS_MAPPING_PRESERVE_ORIGINAL_EVENT";
    assert_eq!(
        of("preserve_original_event", &[(variable, "true")]),
        format!("true {variable}")
    );
}

#[test]
fn a_variable_that_cannot_be_used_is_named() {
    let configured = Configured::new(&format!("{OUTPUT}{TAIL}"));
    let mut all = String::new();
    for (name, value) in [
        ("CONFLUENCE_ECS_MAPPING_PRESERVE_ORIGINAL_EVENT", "perhaps"),
        ("CONFLUENCE_ECS_MAPPING_THREADS", "none"),
        ("CONFLUENCE_ECS_MAPPING_TAG", "[1"),
        ("CONFLUENCE_ECS_MAPPING_NAMESPACE", "A-B"),
        ("CONFLUENCE_ECS_LOG_FORMAT", "xml"),
        // Not used, so that it is only warned of.
        ("CONFLUENCE_ECS_NAMESPACE", "x"),
        ("CONFLUENCE_ECS_MAPPING_NAMSPACE", "x"),
        ("CONFLUENCE_ECS_SERVICE_PORT", "80"),
    ] {
        let output = configured.outcome_with(&["config", "show", "--json"], &[(name, value)]);
        let code = output.status.code().unwrap();
        writeln!(
            all,
            "{name}={value} => {code}: {}",
            filtered(&stderr(&output))
        )
        .unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_flag_comes_before_the_environment_and_that_before_the_file() {
    let configured = Configured::new("[mapping]\nnamespace = \"file\"\n");
    let record = r#"{"author":{"displayName":"x"},"creationDate":1767571200000,"summary":"a"}"#;
    let namespace = |flags: &[&str], variables: &[(&str, &str)]| {
        let input = configured.file("in.log", record);
        let words: Vec<&str> = ["normalize"].iter().chain(flags).copied().collect();
        let mut command = configured.command(&words);
        command.arg(input).envs(variables.iter().copied());
        let output = crate::support::place::finish(command);
        let event: Value = serde_json::from_slice(&output.stdout).expect("an event");
        event["data_stream"]["namespace"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let variable = [("CONFLUENCE_ECS_MAPPING_NAMESPACE", "env")];
    assert_eq!(namespace(&[], &[]), "file");
    assert_eq!(namespace(&[], &variable), "env");
    assert_eq!(namespace(&["--namespace", "flag"], &variable), "flag");
}

#[test]
fn the_commands_that_take_a_configuration_file_use_what_concerns_them() {
    let configured = Configured::new(&format!(
        "state_dir = \"FOLDER/state\"\n[mapping]\nnamespace = \"x\"\ngeoip_city = \"/nowhere\"\n\
         [output]\nelasticsearch_url = [\"http://127.0.0.1:9\"]\nes_api_key = \"a:b\"\nbulk_bytes = \"1MiB\"\n{FETCH}"
    ));
    configured.set_mode(0o600);
    configured.file("cases/a.log", "");
    configured.file("empty", "");
    let folder = configured.path("cases").display().to_string();
    let empty = configured.path("empty").display().to_string();
    let mut all = String::new();
    for words in [
        &["fixtures", "check", &folder][..],
        &["fixtures", "regenerate", &folder],
        &["check"],
        &["schema", "index-template", "--install"],
        &["tail", "--once", &empty],
        &["explain", &empty],
    ] {
        let output = configured.outcome(words);
        write!(all, "{}\n{}\n", filtered(words[0]), outcome(&output)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn send_takes_the_cluster_and_its_secret_from_the_file() {
    let search = Search::new(Product::Elasticsearch);
    search.world().credentials = Some(vec!["ApiKey YTpi".to_owned()]);
    let configured = Configured::new(&format!(
        "[mapping]\nnamespace = \"x\"\n[output]\nelasticsearch_url = [\"{}\"]\nes_api_key = \"${{KEY}}\"\n\
         dead_letter = \"FOLDER/letters\"\n",
        search.url()
    ));
    let event = r#"{"@timestamp":"2026-01-01T00:00:00.000Z","ecs":{},"event":{}}"#;
    let file = configured.file("events", &format!("{event}\n"));
    let words = ["send", file.to_str().unwrap()];
    let output = configured.outcome_with(&words, &[("KEY", "a:b")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let documents = search
        .world()
        .documents("logs-atlassian_confluence.audit-x");
    assert_eq!(documents.len(), 1);
}
