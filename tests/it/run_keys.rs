//! `run`: its messages name what is to be changed as it was set, by a key of the file or by a flag.

use crate::support::configured::Configured;
use crate::support::outcome::outcome;
use crate::support::place::finish;

/// A source that lacks credentials.
const UNUSABLE: &str = "\
state_dir = \"FOLDER/state\"
[output]
file = \"FOLDER/{source}.ndjson\"
[[source]]
name = \"org\"
type = \"fetch\"
org_id = \"abc\"
";

/// What `run` says with more flags.
fn run(text: &str, flags: &[&str]) -> String {
    let configured = Configured::new(text);
    let mut command = configured.command(&["run"]);
    command.args(flags).env_remove("CONFLUENCE_ORG_API_KEY");
    outcome(&finish(command))
}

#[test]
fn a_source_without_credentials_names_keys() {
    insta::assert_snapshot!(run(UNUSABLE, &[]));
}

#[test]
fn what_was_given_by_a_flag_is_named_as_a_flag() {
    let tail = "state_dir = \"FOLDER/state\"\n[[source]]\nname = \"wiki\"\ntype = \"tail\"\n";
    let cluster = ["--elasticsearch-url", "http://127.0.0.1:9"];
    insta::assert_snapshot!(run(tail, &[&cluster[..], &["--es-user", "u"]].concat()));
}

#[test]
fn the_log_in_json_and_the_status_name_keys_too() {
    let configured = Configured::new(&format!("log_format = \"json\"\n{UNUSABLE}"));
    let output = configured.outcome(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let of_source = said.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        (line["source"] == "org").then(|| line["message"].as_str().map(str::to_owned))?
    });
    let told: Vec<String> = of_source.collect();
    assert!(
        told.iter()
            .any(|line| line.contains("or set `org_api_key_file`")),
        "{said}"
    );
    let state = configured.path("state").display().to_string();
    let status = finish(crate::support::binary::command([
        "status",
        "--state-dir",
        &state,
    ]));
    let shown = String::from_utf8_lossy(&status.stdout);
    assert!(shown.contains("or set `org_api_key_file`"), "{shown}");
}
