//! What an action means by the tables of all that are known, whichever set of categories its event was mapped by.

use super::facts::Login;
use crate::pipeline::actions::organization::{self, has_failed};
use crate::pipeline::actions::{Action, Categories};

/// What the table of a data set says of an action.
#[derive(Debug, Clone, Copy)]
pub struct Meaning {
    /// `event.category`
    pub categories: &'static [&'static str],
    /// `event.outcome`, as that of a login.
    pub outcome: Option<Login>,
    /// Whether content leaves: an export or a download that was not refused.
    pub is_export: bool,
}

impl Meaning {
    /// That of an action of Confluence.
    #[must_use]
    pub fn of(row: &'static Action) -> Self {
        Self::new(row.category, row.kind, row.outcome)
    }

    /// That of an action of an organization, if the table has it.
    #[must_use]
    pub fn of_organization(action: &str) -> Option<Self> {
        let row = organization::find(action, Categories::Extended)?;
        let outcome = if has_failed(action) {
            "failure"
        } else {
            row.outcome
        };
        Some(Self::new(row.category, row.kind, Some(outcome)))
    }

    fn new(
        categories: &'static [&'static str],
        kind: &[&str],
        outcome: Option<&'static str>,
    ) -> Self {
        let outcome = outcome.and_then(Login::of);
        // The tables have reading in the browser in other categories.
        let reads_file = categories.contains(&"file") && kind.contains(&"access");
        Self {
            categories,
            outcome,
            is_export: reads_file && outcome != Some(Login::Failed),
        }
    }
}
