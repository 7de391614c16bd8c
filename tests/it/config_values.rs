//! Values that look right and cannot work: found when the configuration is read, at the line that is wrong.

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use crate::support::binary::{command, stderr};
use crate::support::configured::Configured;
use crate::support::outcome::{filtered, outcome};
use crate::support::place::finish;

const OUTPUT: &str = "[output]\nfile = \"FOLDER/{source}.ndjson\"\n";
const TAIL: &str = "[[source]]\nname = \"wiki\"\ntype = \"tail\"\n";
const FETCH: &str = "[[source]]\nname = \"cloud\"\ntype = \"fetch\"\n";

/// The exit code and the lines on stderr of `config check` and of `run` for each text, which are the same.
fn refused(texts: &[String]) -> String {
    let mut all = String::new();
    for text in texts {
        let configured = Configured::new(text);
        let [checked, run] = [&["config", "check"][..], &["run"]].map(|words| {
            let output = configured.outcome(words);
            (output.status.code().unwrap(), filtered(&stderr(&output)))
        });
        assert_eq!(checked, run, "{text}");
        writeln!(all, "{text}\n=> {}: {}", checked.0, checked.1).unwrap();
    }
    all
}

fn below(head: &str, lines: &[&str]) -> Vec<String> {
    let texts = lines.iter().map(|line| format!("{head}{line}\n"));
    texts.collect()
}

#[test]
fn what_is_followed_and_where_it_goes_is_not_empty() {
    let mut texts = below(
        &format!("{OUTPUT}{TAIL}"),
        &[
            "paths = []",
            "paths = \"\"",
            "exclude = [\"a\", \"\"]",
            "tag = \"\"",
        ],
    );
    texts.push(format!("[output]\nelasticsearch_url = []\n{TAIL}"));
    insta::assert_snapshot!(refused(&texts));
}

#[test]
fn a_value_of_blanks_alone_is_none() {
    let mut texts = below(
        &format!("{OUTPUT}{TAIL}"),
        &[
            "paths = \" \"",
            "exclude = [\"a\", \"\\t\"]",
            "tag = \"  \"",
        ],
    );
    texts.extend(below(
        &format!("{OUTPUT}{FETCH}"),
        &[
            "email = \" \"",
            "search = \" \"",
            "user_agent = \" \"",
            "api_token_file = \" \"",
            "api_token = \"file: \"",
            "api_token = \" \"",
        ],
    ));
    texts.push(format!("state_dir = \" \"\n{OUTPUT}{TAIL}"));
    texts.push(format!("[output]\nfile = \" \"\n{TAIL}"));
    let cluster = "[output]\nelasticsearch_url = \"http://127.0.0.1:9\"\n";
    for line in ["pipeline = \" \"", "es_user = \" \"", "dead_letter = \" \""] {
        texts.push(format!("{cluster}{line}\n{TAIL}"));
    }
    insta::assert_snapshot!(refused(&texts));
}

#[test]
fn a_variable_of_blanks_alone_is_none() {
    let configured = Configured::new(&format!("{OUTPUT}{FETCH}api_token = \"${{BLANKS}}\"\n"));
    let mut told = String::new();
    for variable in [
        "BLANKS",
        "CONFLUENCE_ECS_STATE_DIR",
        "CONFLUENCE_ECS_OUTPUT_FILE",
    ] {
        let variables = [("BLANKS", "x"), (variable, " ")];
        let output = configured.outcome_with(&["config", "check"], &variables);
        assert_eq!(output.status.code(), Some(2));
        told += &filtered(&stderr(&output));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_source_undoes_a_list_of_all_sources_with_an_empty_one() {
    let configured = Configured::new(&format!(
        "[mapping]\ntag = [\"all\"]\n{OUTPUT}{TAIL}tag = []\n"
    ));
    let shown = configured.outcome(&["config", "show"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("tag = []  # "), "{shown}");
}

#[test]
fn a_placeholder_that_stands_for_nothing_is_named() {
    let texts = ["sourc", "", "SOURCE", "source}/{host"].map(|name| {
        format!("[output]\nformat = \"bulk\"\nfile = \"FOLDER/{{{name}}}.ndjson\"\n{TAIL}")
    });
    let cluster = "elasticsearch_url = \"http://127.0.0.1:9\"\n";
    let letters = format!("[output]\n{cluster}dead_letter = \"FOLDER/{{name}}\"\n{TAIL}");
    insta::assert_snapshot!(refused(&[texts.to_vec(), vec![letters]].concat()));
}

#[test]
fn a_key_that_another_one_requires_is_missed_at_the_line_of_that() {
    let cluster = "[output]\nelasticsearch_url = [\"https://127.0.0.1:9\"]\n";
    let mut texts = below(
        cluster,
        &[
            "es_client_cert = \"FOLDER/cert\"",
            "es_client_key = \"FOLDER/key\"",
        ],
    );
    for text in &mut texts {
        text.push_str(TAIL);
    }
    texts.extend(below(TAIL, &["[source.output]\nindex = \"y\""]));
    let of_sites = [
        "email = \"a@example.com\"\nclient_secret_file = \"x\"",
        "raw = true\nadd_fields = \"{}\"",
        "raw = true\nformat = \"bulk\"",
        "url = \"https://wiki.example.com\"\norg_api_key_file = \"x\"",
        "pat_file = \"x\"\napi_token_file = \"y\"",
    ];
    texts.extend(below(&format!("{OUTPUT}{FETCH}"), &of_sites));
    insta::assert_snapshot!(refused(&texts));
}

#[test]
fn what_is_of_a_cluster_is_not_beside_a_file() {
    let of_source = format!("{OUTPUT}{TAIL}[source.output]\nfile = \"x\"\n");
    let lines = [
        "bulk_bytes = \"1MiB\"",
        "index = \"y\"",
        "es_api_key = \"file:x\"",
    ];
    insta::assert_snapshot!(refused(&below(&of_source, &lines)));
}

#[test]
fn a_glob_that_cannot_be_used_is_wrong_configuration() {
    let lines = [
        "exclude = [\"*.gz\", \"a[\"]",
        "paths = [\"FOLDER/a[\"]",
        "paths = [\"-\"]",
        "exclude = \"***\"",
    ];
    insta::assert_snapshot!(refused(&below(&format!("{OUTPUT}{TAIL}"), &lines)));
}

#[test]
fn what_only_the_configuration_can_mend_is_found_before_a_source_starts() {
    let fields = ["add_fields = \"{\"", "add_fields = '{\"a..b\": 1}'"];
    let mut texts = below(&format!("{OUTPUT}{TAIL}"), &fields);
    texts.extend(below(
        &format!("{OUTPUT}{FETCH}"),
        &["cloud_id = \"auto\"\nemail = \"a@example.com\""],
    ));
    insta::assert_snapshot!(refused(&texts));
}

#[test]
fn a_glob_that_cannot_be_used_is_wrong_usage() {
    let all = ["--exclude=a[", "--exclude=", "a["].map(|argument| {
        let output = finish(command(["tail", "--list", argument]));
        outcome(&output)
    });
    insta::assert_snapshot!(all.join("\n"));
}
