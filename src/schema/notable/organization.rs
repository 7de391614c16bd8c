//! Which actions of an organization are notable: `schemas/organization-notable.json`, the table of docs/org-events.md 4.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::pipeline::map::organization_actions::{Pattern, has_failed};

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

static ROWS: LazyLock<Vec<(Pattern, String)>> = LazyLock::new(|| {
    let file: File =
        serde_json::from_str(include_str!("../../../schemas/organization-notable.json"))
            .unwrap_or_else(|error| unreachable!("schemas/organization-notable.json: {error}"));
    let rows = file.rows.into_iter();
    rows.map(|row| (Pattern::new(&row.action), row.reason))
        .collect()
});

/// Why an action is notable, if it is. What has failed is not.
pub fn reason(action: &str) -> Option<&'static str> {
    let row = ROWS.iter().find(|(pattern, _)| pattern.fits(action));
    let (_, reason) = row.filter(|_| !has_failed(action))?;
    Some(reason)
}
