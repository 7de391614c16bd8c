//! `config check`, `config show` and `config example`.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::fs;

use crate::support::atlassian::Atlassian;
use crate::support::binary::{self, stderr};
use crate::support::configured::Configured;
use crate::support::outcome::{filtered, outcome};
use crate::support::place::finish;

const BOTH: &str = "\
state_dir = \"FOLDER/state\"
log_format = \"json\"

[mapping]
preserve_original_event = true

[output]
file = \"FOLDER/{source}.ndjson\"

[[source]]
name = \"wiki\"
type = \"tail\"
paths = [\"FOLDER/logs/*.log\", \"FOLDER/more\"]

[[source]]
name = \"dc\"
type = \"fetch\"
url = \"URL\"
deployment = \"data-center\"
pat = \"${TOKEN}\"
";

fn both(url: &str) -> Configured {
    let configured = Configured::new(&BOTH.replace("URL", url));
    configured.file("logs/audit.1.log", "{}\n");
    configured
}

#[test]
fn each_source_is_checked_without_asking_anybody() {
    let configured = both("http://127.0.0.1:9/wiki");
    let token = [("TOKEN", "hunter2")];
    let good = configured.outcome_with(&["config", "check"], &token);
    insta::assert_snapshot!("good", outcome(&good));
    assert!(!configured.path("state").exists(), "nothing is made");
    fs::write(configured.path("state"), "a file").unwrap();
    fs::create_dir(configured.path("wiki.ndjson")).unwrap();
    let text = fs::read_to_string(configured.config()).unwrap();
    let text = text.replace("[mapping]\n", "[mapping]\ngeoip_city = \"/nowhere.mmdb\"\n");
    configured.write(&text.replace("pat = \"${TOKEN}\"", "pat_file = \"/nowhere\""));
    let bad = configured.outcome(&["config", "check"]);
    insta::assert_snapshot!("bad", outcome(&bad));
    let json = configured.outcome(&["config", "check", "--json"]);
    insta::assert_snapshot!("json", outcome(&json));
}

#[test]
fn the_example_of_the_documentation_is_a_configuration() {
    let document = fs::read_to_string("docs/service.md").unwrap();
    let example = document.split("```toml\n").nth(1).unwrap();
    let configured = Configured::new(example.split("```").next().unwrap());
    let shown = configured.outcome(&["config", "show"]);
    assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
}

#[test]
fn the_environment_may_name_the_file() {
    let configured = both("https://wiki.example.com");
    let mut command = binary::command(["config", "show", "--json"]);
    command.env("CONFLUENCE_ECS_CONFIG", configured.config());
    command.env("TOKEN", "x");
    let output = finish(command);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("\"wiki\""), "{shown}");
}

#[test]
fn what_says_who_we_are_replaces_another_way_of_a_lower_layer() {
    let configured = Configured::new(
        "[output]\nelasticsearch_url = \"http://127.0.0.1:9\"\nes_api_key_file = \"FOLDER/key\"\n\
         es_ca_file = \"FOLDER/ca\"\n[[source]]\nname = \"a\"\ntype = \"tail\"\npaths = [\"FOLDER/*.log\"]\n",
    );
    let fingerprint = "ab".repeat(32);
    let variables = [
        ("CONFLUENCE_ECS_OUTPUT_ES_USER", "elastic"),
        ("CONFLUENCE_ECS_OUTPUT_ES_PASSWORD", "changeme"),
        ("CONFLUENCE_ECS_OUTPUT_ES_CA_FINGERPRINT", &fingerprint),
    ];
    let shown = configured.outcome_with(&["config", "show"], &variables);
    let text = String::from_utf8(shown.stdout.clone()).unwrap();
    assert!(shown.status.success(), "{}", stderr(&shown));
    assert!(text.contains("es_user = \"elastic\""), "{text}");
    assert!(!text.contains("\nes_api_key"), "{text}");
    assert!(!text.contains("\nes_ca_file"), "{text}");
}

#[test]
fn the_sites_are_asked_with_connect() {
    let server = Atlassian::data_center("/confluence");
    let configured = both(&server.url());
    let pat = server.settings().pat;
    let output = configured.outcome_with(&["config", "check", "--connect"], &[("TOKEN", &pat)]);
    let said = outcome(&output);
    assert!(said.contains("credentials     accepted"), "{said}");
    let output = configured.outcome_with(&["config", "check", "--connect"], &[("TOKEN", "wrong")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        outcome(&output).contains("FAIL  credentials"),
        "{}",
        outcome(&output)
    );
}

#[test]
fn what_is_shown_can_be_loaded_again_and_is_the_same_then() {
    let configured = both("https://wiki.example.com");
    let token = [
        ("TOKEN", "hunter2"),
        ("CONFLUENCE_ECS_MAPPING_TAG", "it's ${X} \u{7f} \"q\""),
    ];
    let first = configured.outcome_with(&["config", "show"], &token);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let text = String::from_utf8(first.stdout).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    insta::assert_snapshot!(filtered(&text));
    // Without its secrets, which are comments.
    configured.write_bytes(text.as_bytes());
    let again = configured.outcome(&["config", "show"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    let values = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("<secret>"));
        let value = |line: &str| {
            line.rsplit_once("  # ")
                .map_or(line, |(value, _)| value)
                .to_owned()
        };
        lines.map(value).collect::<Vec<_>>()
    };
    let again = String::from_utf8(again.stdout).unwrap();
    let (first, again) = (values(&text), values(&again));
    let differ = again.iter().filter(|line| !first.contains(line));
    let differ: Vec<_> = differ.collect();
    assert_eq!(differ, ["# pat_file"; 0], "{differ:?}");
}

#[test]
fn the_example_is_a_configuration_with_every_comment_mark_taken_away() {
    let output = finish(binary::command(["config", "example"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, fs::read_to_string("packaging/config.toml").unwrap());
    // A key or a table, not a sentence.
    let is_setting = |line: &str| {
        let word = line.split([' ', '=']).next().unwrap_or_default();
        let is_key = word
            .chars()
            .all(|one| one.is_ascii_lowercase() || one == '_');
        line.starts_with('[') || (is_key && line[word.len()..].starts_with(" = "))
    };
    let uncommented = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if is_setting(setting) => setting,
        Some(_) | None => line,
    });
    let all: Vec<&str> = uncommented.collect();
    // A file or a cluster, not both.
    for output in ["file = ", "elasticsearch_url = "] {
        let other = |line: &&&str| match output {
            "file = " => !line.starts_with("elasticsearch_url") && !line.starts_with("es_"),
            _ => !line.starts_with("file ="),
        };
        let lines: Vec<&str> = all.iter().filter(other).copied().collect();
        assert!(lines.iter().any(|line| line.starts_with(output)), "{text}");
        let configured = Configured::new(&lines.join("\n"));
        let shown = configured.outcome(&["config", "show"]);
        assert_eq!(shown.status.code(), Some(0), "{}", stderr(&shown));
    }
}
