//! An organization in `state`, `status`, `run` and the metrics.

use serde_json::Value;

use super::{events, organization};
use crate::support::fetching::Fetching;
use crate::support::program::{run, stderr};

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
}

#[test]
fn a_second_instance_is_refused() {
    use crate::fetch::running::Running;
    use crate::support::program::wait_until;

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
