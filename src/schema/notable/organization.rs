//! Which actions of an organization are notable: `schemas/organization-notable.json`, the table of docs/org-events.md 4.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::pipeline::actions::organization::{fits, has_failed};

/// Content of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The first row that fits an action counts.
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The action, or what several have in common; a `*` stands for any text.
    action: String,
    reason: String,
}

/// What stands between the `*` of each row's action, and its reason.
static ROWS: LazyLock<Vec<(Vec<String>, String)>> = LazyLock::new(|| {
    let file: File =
        serde_json::from_str(include_str!("../../../schemas/organization-notable.json"))
            .unwrap_or_else(|error| unreachable!("schemas/organization-notable.json: {error}"));
    let rows = file.rows.into_iter();
    let parts = |action: &str| action.split('*').map(str::to_owned).collect();
    rows.map(|row| (parts(&row.action), row.reason)).collect()
});

/// Why an action is notable, if it is. What has failed is not.
pub fn reason(action: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|(parts, _)| fits(parts, action));
    let (_, reason) = row.filter(|_| !has_failed(action))?;
    Some(reason)
}
