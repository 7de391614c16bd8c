//! What an `event.action` means: the rows of `schemas/actions.json`, in two sets (docs/mapping.md 6, docs/events.md).
//! `organization` has those of an organization's events.

pub mod organization;
mod rows;

use std::sync::LazyLock;

use crate::pipeline::event::{Categorization, UNLISTED};

pub use rows::ACTIONS;

/// Which actions get a category: the sets of `--categories`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Categories {
    /// The names that Elastic's integration lists.
    #[default]
    Elastic,
    /// Every name of every row.
    Extended,
}

/// A row: one action, and the names that records have for it.
#[derive(Debug)]
pub struct Action {
    /// Heading that it stands below in the documents.
    pub section: &'static str,
    /// Its key in the records of a Data Center.
    pub key: Option<&'static str>,
    /// Its English text: `summary` in Cloud, and the key of some records of a Data Center, older ones among them.
    pub text: Option<&'static str>,
    /// Which of the two Elastic's integration lists.
    pub elastic: Names,
    /// `event.category`
    pub category: &'static [&'static str],
    /// `event.type`
    pub kind: &'static [&'static str],
    /// `event.outcome`
    pub outcome: Option<&'static str>,
    /// Whether it is worth a line of its own in a summary of a day.
    pub notable: Notability,
    /// Why, or why not.
    pub reason: &'static str,
    /// What its notability depends on.
    pub condition: Option<Condition>,
    /// What the record says of it besides.
    pub place: Place,
    /// Where its names were seen.
    pub source: &'static str,
    /// How sure its names are.
    pub confidence: Confidence,
    /// The same as JSON, as it stands in events, and how docs/mapping.md 7 maps its users and groups.
    categorization: Categorization,
}

/// Some of the names of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the fields of an action")]
pub enum Names {
    None,
    Key,
    Text,
    Both,
}

/// Whether an action is worth a line of its own in a summary of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "an answer is an answer")]
pub enum Notability {
    Yes,
    No,
    /// On the condition of the row.
    If,
}

/// What it depends on whether an event is notable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The permission is that to administer a space, or was given to everybody.
    SpacePermission,
    /// The group is one of administrators.
    AdminGroup,
}

/// Where the settings of the audit log have an action.
#[derive(Debug)]
pub struct Place {
    /// `categoryI18nKey`, in Cloud `category`; one of them where there are several.
    pub category: &'static [&'static str],
    /// Coverage area.
    pub area: Option<&'static str>,
    /// Coverage level from which on it is recorded.
    pub level: Option<&'static str>,
}

/// How sure the names of an action are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// Seen in a record, in the integration or in documentation.
    High,
    /// Seen in code, or listed in documentation without a record.
    Medium,
    /// From a vendor's list, or defined and not seen in use.
    Low,
}

impl Action {
    /// The names that a set has of it.
    #[must_use]
    pub fn names(&self, set: Categories) -> [Option<&'static str>; 2] {
        match (set, self.elastic) {
            (Categories::Extended, _) | (Categories::Elastic, Names::Both) => [self.key, self.text],
            (Categories::Elastic, Names::Key) => [self.key, None],
            (Categories::Elastic, Names::Text) => [None, self.text],
            (Categories::Elastic, Names::None) => [None, None],
        }
    }
}

/// The row of an action in a set, by its exact name.
#[must_use]
pub fn find(action: &str, set: Categories) -> Option<&'static Action> {
    static ELASTIC: LazyLock<Index> = LazyLock::new(|| Index::new(Categories::Elastic));
    static EXTENDED: LazyLock<Index> = LazyLock::new(|| Index::new(Categories::Extended));
    match set {
        Categories::Elastic => ELASTIC.find(action),
        Categories::Extended => EXTENDED.find(action),
    }
}

/// What an action sets in its event.
#[must_use]
pub(crate) fn classify(action: &str, set: Categories) -> &'static Categorization {
    find(action, set).map_or(&UNLISTED, |action| &action.categorization)
}

/// Names and their rows, by the lengths of the names: few have the same.
struct Index {
    by_length: Vec<Vec<(&'static str, &'static Action)>>,
}

impl Index {
    fn new(set: Categories) -> Self {
        let mut by_length = Vec::new();
        for action in &ACTIONS {
            for name in action.names(set).into_iter().flatten() {
                let enough = by_length.len().max(name.len() + 1);
                by_length.resize_with(enough, Vec::new);
                by_length[name.len()].push((name, action));
            }
        }
        Self { by_length }
    }

    fn find(&self, action: &str) -> Option<&'static Action> {
        let names = self.by_length.get(action.len())?;
        let (_, found) = names.iter().find(|(name, _)| *name == action)?;
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_its_set() {
        for action in &ACTIONS {
            for set in [Categories::Elastic, Categories::Extended] {
                for name in action.names(set).into_iter().flatten() {
                    assert_eq!(classify(name, set), &action.categorization, "{name}");
                }
            }
        }
    }

    #[test]
    fn other_names_are_not_found() {
        for other in ["", "User", "user created", "App  enabled", &"x".repeat(100)] {
            assert_eq!(classify(other, Categories::Elastic), &UNLISTED);
            assert_eq!(classify(other, Categories::Extended), &UNLISTED);
        }
        assert_eq!(classify("App enabled", Categories::Elastic), &UNLISTED);
    }
}
