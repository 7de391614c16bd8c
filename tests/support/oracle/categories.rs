//! docs/mapping.md 6: category, type and outcome; docs/events.md for the extended set.

use serde_json::{Value, json};

use super::{action, full, put};

/// `--categories`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Categories {
    Elastic,
    Extended,
}

type Row = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    Option<&'static str>,
);

/// The table of §6: actions, category, type, outcome. `S.` stands for `audit.logging.summary.`.
const ROWS: &[Row] = &[
    (
        &[
            "Global permission added",
            "S.global.permission.added",
            "S.space.permission.added",
        ],
        &["iam", "configuration"],
        &["creation"],
        None,
    ),
    (
        &["Global permission removed"],
        &["iam", "configuration"],
        &["deletion"],
        None,
    ),
    (
        &["User created", "S.user.created"],
        &["iam"],
        &["user", "creation"],
        None,
    ),
    (
        &[
            "User renamed",
            "S.user.renamed",
            "User details updated",
            "S.user.updated",
        ],
        &["iam"],
        &["user", "change"],
        None,
    ),
    (
        &["S.user.password.changed"],
        &["iam"],
        &["user", "change"],
        Some("success"),
    ),
    (
        &["User deleted", "S.user.deleted"],
        &["iam"],
        &["user", "deletion"],
        None,
    ),
    (
        &[
            "User added to group",
            "S.group.membership.added",
            "User removed from group",
            "S.group.membership.removed",
        ],
        &["iam"],
        &["group", "change"],
        None,
    ),
    (
        &["Group created", "S.group.created"],
        &["iam"],
        &["group", "creation"],
        None,
    ),
    (
        &["Group deleted", "S.group.deleted"],
        &["iam"],
        &["group", "deletion"],
        None,
    ),
    (
        &[
            "Audit Log configuration updated",
            "atlassian.audit.event.action.audit.config.updated",
            "S.global.settings.edited",
            "S.space.config.updated",
        ],
        &["configuration"],
        &["change"],
        None,
    ),
    (
        &["personal.access.tokens.audit.log.summary.token.created"],
        &["iam"],
        &["admin", "creation"],
        None,
    ),
    (
        &["personal.access.tokens.audit.log.summary.token.deleted"],
        &["iam"],
        &["admin", "deletion"],
        None,
    ),
    (
        &["S.login.success"],
        &["authentication"],
        &["start"],
        Some("success"),
    ),
    (
        &["S.login.failed"],
        &["authentication"],
        &["info"],
        Some("failure"),
    ),
    (
        &["S.user.logout", "S.sudo.logout"],
        &["authentication"],
        &["end"],
        None,
    ),
    (
        &["S.sudo.auth.successful"],
        &["authentication"],
        &["start"],
        None,
    ),
    (
        &["S.space.created", "S.page.created"],
        &["configuration"],
        &["creation"],
        None,
    ),
    (
        &["S.space.removed", "S.page.deleted"],
        &["configuration"],
        &["deletion"],
        None,
    ),
];

/// "Actions not listed: type `["info"]`, no category, no outcome", as §2 set it.
pub fn categorise(event: &mut Value, set: Categories) {
    let Some(action) = action(event) else {
        return;
    };
    let rows = match set {
        Categories::Elastic => elastic_rows(),
        Categories::Extended => extended_rows(),
    };
    if let Some((_, [category, kind, outcome])) = rows.iter().find(|(name, _)| *name == action) {
        put(event, "event.category", Some(json!(category)));
        put(event, "event.type", Some(json!(kind)));
        put(event, "event.outcome", outcome.first().map(|o| json!(o)));
    }
}

/// A name, and its category, type and outcome; no outcome: an empty list.
pub type Named = (String, [Vec<&'static str>; 3]);

fn elastic_rows() -> Vec<Named> {
    let rows = ROWS.iter().flat_map(|(names, category, kind, outcome)| {
        let what = [category.to_vec(), kind.to_vec(), Vec::from_iter(*outcome)];
        names.iter().map(move |name| (full(name), what.clone()))
    });
    rows.collect()
}

/// The names of `extended.txt`.
pub fn extended_rows() -> Vec<Named> {
    let list = |cell: &'static str| cell.split(", ").filter(|part| !part.is_empty()).collect();
    extended_cells()
        .flat_map(|[key, text, category, kind, outcome, _]| {
            let names = [key, text].into_iter().filter(|name| !name.is_empty());
            names.map(move |name| (full(name), [list(category), list(kind), list(outcome)]))
        })
        .collect()
}

/// Whether each row of the extended set is notable: `yes`, `no` or `if`.
pub fn extended_notable() -> Vec<&'static str> {
    extended_cells().map(|[.., notable]| notable).collect()
}

/// The cells of each row of the extended set.
fn extended_cells() -> impl Iterator<Item = [&'static str; 6]> {
    let lines = include_str!("extended.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        cells.try_into().unwrap_or_else(|_| panic!("{line}"))
    })
}
