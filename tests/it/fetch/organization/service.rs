//! An organization in `state`, `status`, `check`, `run` and a cluster.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::{events, organization};
use crate::fetch::running::{Running, now};
use crate::support::atlassian::organization::error;
use crate::support::atlassian::organization_event;
use crate::support::configured::Configured;
use crate::support::fetching::{Fetching, SINCE, lines};
use crate::support::program::{command, run, stderr};
use crate::support::program::{run_command, wait_until};
use crate::support::search::{Answer, Fault, For, Kind, Search};

/// What a command says of the state.
fn told(fetching: &Fetching, words: &[&str]) -> String {
    let state = fetching.state().display().to_string();
    let output = run([words, &["--state-dir", &state]].concat(), b"");
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(&output)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_state_is_listed_shown_set_and_forgotten_by_the_id() {
    let fetching = organization(30);
    fetching.fetch(&["--raw"]);
    let id = fetching.server.settings().organization.id;
    let list = told(&fetching, &["state", "list"]);
    assert!(
        list.starts_with(&id) && list.contains("30 records"),
        "{list}"
    );
    let shown = told(&fetching, &["state", "show", &id.to_uppercase()]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["organization"], id.as_str());
    assert!(shown["cursor"].is_string(), "{shown}");
    let set = told(
        &fetching,
        &["state", "set", &id, "--since", "2026-01-05T00:00:10Z"],
    );
    assert!(set.contains("from 2026-01-05T00:00:10.000Z on"), "{set}");
    fetching.fetch(&["--raw"]);
    assert_eq!(fetching.lines().len(), 30 + 20, "again from there on");
    told(&fetching, &["state", "forget", &id]);
    assert_eq!(told(&fetching, &["state", "list"]), "");
}

#[test]
fn the_status_has_a_row_for_it() {
    let fetching = organization(30);
    fetching.fetch(&["--raw"]);
    let status = told(&fetching, &["status", "--json"]);
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let rows = status
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![status.clone()]);
    let text = serde_json::to_string(&rows).expect("JSON");
    let id = fetching.server.settings().organization.id;
    assert!(
        text.contains(&id) && text.contains(r#""records":30"#),
        "{text}"
    );
    let named = told(&fetching, &["status", &id.to_uppercase()]);
    assert!(named.contains(&id), "{named}");
}

#[test]
fn its_requests_are_counted_under_its_own_name() {
    let fetching = organization(3);
    let metrics = fetching.file("metrics", "");
    fetching.fetch(&["--metrics-file", &metrics.display().to_string()]);
    let text = fs::read_to_string(metrics).expect("metrics");
    let id = fetching.server.settings().organization.id;
    let requests = format!(
        r#"confluence_ecs_requests_total{{api="organization",source="{id}",status="200"}} 2"#
    );
    assert!(text.contains(&requests), "{text}");
}

#[test]
fn a_second_instance_is_refused() {
    let fetching = organization(3);
    let running = Running::to_file(&fetching, &["--raw", "--interval", "1h"]);
    wait_until("all events", || fetching.lines().len() == 3);
    let said = fetching.fetch_ends(&["--raw"], 1);
    assert!(said.contains(&running.id().to_string()), "{said}");
    running.terminate();
    fetching.server.insert_events(events(3, 1));
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

/// The steps of `check` that did not come out well, and its exit code.
fn checked(fetching: &Fetching) -> (Vec<String>, Option<i32>) {
    let output = run_command(fetching.command("check", &["--json", "--since", "7d"]), b"");
    let steps: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let bad = steps.iter().filter(|step| {
        let is_well = step["status"] == "ok" || step["status"] == "skip";
        !is_well
    });
    let told = bad.map(|step| format!("{} {}: {}", step["status"], step["step"], step["remedy"]));
    (told.collect(), output.status.code())
}

fn old_template() -> Answer {
    let old = json!({"index_templates": [{"index_template": {"version": 0}}]});
    Answer::json(200, &old)
}

/// The steps of `check`, and what it asked a cluster that has an old template and nothing else.
fn checked_with_cluster(check: impl FnOnce(&[&str]) -> Command) -> (Vec<Value>, Vec<String>) {
    let search = Search::new(Kind::Elasticsearch);
    search.always(For::ButRoot, Fault::Answer(old_template()));
    let url = search.url();
    let output = run_command(check(&["--json", "--elasticsearch-url", &url]), b"");
    let steps = serde_json::from_slice(&output.stdout).expect("JSON");
    (steps, search.world().paths())
}

#[test]
fn check_looks_at_the_data_stream_and_the_template_of_an_organization() {
    let fetching = organization(1);
    let remedy = |steps: &[Value]| {
        let step = steps.iter().find(|step| step["step"] == "index-template");
        step.expect("the step")["remedy"].to_string()
    };
    let of_organization = |flags: &[&str]| {
        let flags = [flags, &["--namespace", "hq"]].concat();
        fetching.command("check", &flags)
    };
    // The cluster alone.
    let folder = tempfile::tempdir().expect("a folder");
    let of_dialect = |flags: &[&str]| {
        let words = ["check", "--dialect", "org", "--namespace", "hq"];
        let mut command = command([&words, flags].concat());
        command.arg("--state-dir").arg(folder.path());
        command
    };
    for (steps, asked) in [
        checked_with_cluster(of_organization),
        checked_with_cluster(of_dialect),
    ] {
        for path in [
            "GET /_index_template/logs-atlassian_cloud.audit",
            "GET /_resolve/index/logs-atlassian_cloud.audit-hq",
        ] {
            assert!(asked.iter().any(|asked| asked == path), "{path}: {asked:?}");
        }
        let told = remedy(&steps);
        let words = "--index 'logs-atlassian_cloud.audit-*'";
        assert!(told.contains(words), "{told}");
    }
    // Of a name of the user's own it is said whose events go there.
    let (steps, asked) = checked_with_cluster(|flags| {
        fetching.command("check", &[flags, &["--index", "audit-org"]].concat())
    });
    let path = "GET /_resolve/index/audit-org";
    assert!(asked.iter().any(|asked| asked == path), "{asked:?}");
    let told = remedy(&steps);
    assert!(told.contains("--index audit-org --dataset org"), "{told}");
}

#[test]
fn an_old_template_of_a_name_of_the_users_own_is_replaced_by_that_of_organizations() {
    let search = Search::new(Kind::Elasticsearch);
    search.world().store.add_stream("audit-org");
    search.always(For::Template, Fault::Answer(old_template()));
    let fetching = organization(1);
    let url = search.url();
    let flags = [
        "--elasticsearch-url",
        &url,
        "--index",
        "audit-org",
        "--since",
        SINCE,
    ];
    let told = stderr(&run_command(fetching.command("fetch", &flags), b""));
    assert!(told.contains("--index audit-org --dataset org"), "{told}");
}

#[test]
fn check_looks_at_an_organization_step_by_step() {
    let fetching = organization(0);
    fetching
        .server
        .insert_events([organization_event(now() - 60_000, 1)]);
    assert_eq!(checked(&fetching), (vec![], Some(0)));
    for (status, code, detail, step, words) in [
        (401, "ADMIN-401-1", "no", "credentials", "make a new one"),
        (403, "ADMIN-403-3", "no", "permission", "read:events:admin"),
        (
            403,
            "",
            "Audit Log Entitlement validation failed",
            "permission",
            "Guard Standard",
        ),
        (404, "ADMIN-404-2", "no", "api", "admin.atlassian.com/o/ID/"),
    ] {
        let body = error(&status.to_string(), code, "", detail);
        fetching
            .server
            .set(|settings| settings.organization.refusal = Some((status, body)));
        let (told, code) = checked(&fetching);
        assert_eq!((told.len(), code), (1, Some(1)), "{told:?}");
        assert!(
            told[0].contains(step) && told[0].contains(words),
            "{told:?}"
        );
    }
}

#[test]
fn an_organization_is_a_source_of_run_with_a_credential_of_its_own() {
    let fetching = organization(0);
    let recent = |number: u64| organization_event(now() - 60_000, number);
    fetching.server.insert_events((0..3).map(recent));
    let settings = fetching.server.settings().organization;
    let configured = Configured::new(&format!(
        "state_dir = \"FOLDER/state\"\n[output]\nfile = \"FOLDER/{{source}}.ndjson\"\n\
         [[source]]\nname = \"acme\"\ntype = \"fetch\"\norg_id = \"{}\"\napi_base = \"{}\"\n\
         interval = \"30ms\"\nsince = \"1h\"\nproduct = [\"confluence\", \"jira\"]\n",
        settings.id,
        fetching.server.api_base()
    ));
    let key = configured.file("credentials/acme.org-api-key", &settings.key);
    let folder = key.parent().expect("a folder").display().to_string();
    let running = configured.start(&[("CREDENTIALS_DIRECTORY", &folder)]);
    let out = configured.path("acme.ndjson");
    wait_until("two events", || lines(&out).len() == 2);
    fetching.server.insert_events((3..6).map(recent));
    wait_until("four events", || lines(&out).len() == 4);
    running.terminate();
    let shown = configured.outcome(&["config", "show"]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.contains("org_id") && !shown.contains(&settings.key),
        "{shown}"
    );
}

#[test]
fn two_sources_of_one_organization_are_refused() {
    let source = |name: &str| {
        format!(
            "[[source]]\nname = \"{name}\"\ntype = \"fetch\"\norg_id = \"ab-1\"\norg_api_key = \"${{KEY}}\"\n"
        )
    };
    let head = "[output]\nfile = \"FOLDER/{source}.ndjson\"\n";
    let configured = Configured::new(&format!("{head}{}{}", source("a"), source("b")));
    let output = configured.outcome_with(&["config", "check"], &[("KEY", "k")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the organization ab-1"), "{said}");
}

#[test]
fn a_cluster_gets_each_event_once_in_a_data_stream_of_its_own() {
    const STREAM: &str = "logs-atlassian_cloud.audit-default";
    let search = Search::new(Kind::Elasticsearch);
    let fetching = organization(300);
    let url = search.url();
    let flags = [
        "--elasticsearch-url",
        &url,
        "--since",
        SINCE,
        "--page-size",
        "20",
    ];
    for kills in 1..4 {
        let mut running = Running::start(fetching.command("fetch", &flags));
        wait_until("documents", || {
            search.world().documents(STREAM).len() >= kills * 60 || !running.is_running()
        });
        fetching.server.take_violations();
        running.kill();
    }
    let output = run_command(fetching.command("fetch", &flags), b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let documents = search.world().documents(STREAM);
    let ids: BTreeSet<_> = documents
        .iter()
        .map(|(_, event)| event["event"]["id"].to_string())
        .collect();
    assert_eq!((documents.len(), ids.len()), (300, 300));
    // Sent anew after all is forgotten, nothing is added.
    fs::remove_dir_all(fetching.state()).expect("removed");
    run_command(fetching.command("fetch", &flags), b"");
    assert_eq!(search.world().documents(STREAM).len(), 300);
    fetching.server.take_violations();
}
