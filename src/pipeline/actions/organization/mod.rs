//! What the `event.action` of an organization's event means: the rows of `schemas/organization-actions.json`, in the
//! order in which they are tried (docs/org-events.md 4).

mod rows;

use crate::pipeline::event::{Class, OrganizationRow};

use super::Categories;

pub use rows::{ELASTIC, EXTENDED, FAILURES};

/// The actions that fit a pattern, and what they mean.
#[derive(Debug)]
pub struct Row {
    /// Which actions they are.
    pub pattern: Pattern,
    /// `event.category`
    pub category: &'static [&'static str],
    /// `event.type`
    pub kind: &'static [&'static str],
    /// `event.outcome`
    pub outcome: &'static str,
    /// The same as JSON, as it stands in events.
    json: OrganizationRow,
}

/// An action, or what several have in common.
#[derive(Debug)]
pub struct Pattern {
    /// As the file has it: a `*` stands for any text.
    pub text: &'static str,
    /// What stands between the `*`.
    pub(crate) parts: &'static [&'static str],
}

impl Pattern {
    /// Whether an action has these parts in this order, with any text between them, and nothing before or behind them.
    #[must_use]
    pub fn fits(&self, action: &str) -> bool {
        let [first, rest @ ..] = self.parts else {
            return false;
        };
        let Some(action) = action.strip_prefix(first) else {
            return false;
        };
        let [between @ .., last] = rest else {
            return action.is_empty();
        };
        let behind = between.iter().try_fold(action, |action, part| {
            let at = action.find(part)?;
            Some(&action[at + part.len()..])
        });
        behind.is_some_and(|behind| behind.ends_with(last))
    }
}

/// Whether the name of an action says that it has failed.
#[must_use]
pub fn has_failed(action: &str) -> bool {
    FAILURES.iter().any(|pattern| pattern.fits(action))
}

/// The row of an action in a set.
#[must_use]
pub fn find(action: &str, set: Categories) -> Option<&'static Row> {
    let before: &[Row] = match set {
        Categories::Elastic => &[],
        Categories::Extended => &EXTENDED,
    };
    let mut rows = before.iter().chain(&ELASTIC);
    rows.find(|row| row.pattern.fits(action))
}

/// What an action sets in its event.
#[must_use]
pub(crate) fn classify(action: &str, set: Categories) -> Class {
    let has_failed = set == Categories::Extended && has_failed(action);
    find(action, set).map_or(Class::Kind, |Row { json, .. }| Class::Row {
        row: json,
        outcome: if has_failed { FAILURE } else { json.outcome },
    })
}

const FAILURE: &str = "\"failure\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let cases: [(&'static [&'static str], &[&str], &[&str]); 6] = [
            (&["a_b"], &["a_b"], &["a_b_", "xa_b", ""]),
            (&["a_", ""], &["a_", "a_b"], &["a", "xa_"]),
            (&["", "_a"], &["_a", "b_a"], &["a", "_ab"]),
            (&["", ""], &["", "a"], &[]),
            (&["", "_a_", ""], &["_a_", "b_a_c"], &["_a", "a_"]),
            (
                &["u_", "_a_", ""],
                &["u_x_a_", "u__a_b"],
                &["u_a_b", "x_u_b_a_"],
            ),
        ];
        for (parts, fitting, others) in cases {
            let pattern = Pattern { text: "", parts };
            assert!(fitting.iter().all(|text| pattern.fits(text)));
            assert!(!others.iter().any(|text| pattern.fits(text)));
        }
    }
}
