//! Which actions of an organization are notable: the rows of `schemas/organization-notable.json`, the table of
//! docs/org-events.md 4.

mod rows;

use crate::pipeline::actions::organization::{Pattern, has_failed};

/// The actions that fit a pattern, and why they are notable.
struct Row {
    pattern: Pattern,
    reason: &'static str,
}

/// Why an action is notable, if it is: by the first row that fits it. What has failed is not.
pub fn reason(action: &str) -> Option<&'static str> {
    let row = rows::ROWS.iter().find(|row| row.pattern.fits(action))?;
    (!has_failed(action)).then_some(row.reason)
}
