//! What an action means by the tables of all that are known, whichever set of categories its event was mapped by.

use crate::pipeline::actions::organization::{self, has_failed};
use crate::pipeline::actions::{Action, Categories};

/// What came of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// It succeeded.
    Succeeded,
    /// It failed.
    Failed,
}

impl Login {
    /// What a value of `event.outcome` says of a login.
    #[must_use]
    pub fn of(outcome: &str) -> Option<Self> {
        match outcome {
            "failure" => Some(Self::Failed),
            "success" => Some(Self::Succeeded),
            _ => None,
        }
    }
}

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
