//! What an `event.action` means: the rows of `schemas/actions.json`, in two sets (docs/mapping.md 6, docs/events.md).

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::json;

use crate::pipeline::event::{Categorization, Subject, UNLISTED};

/// The rows as they stand in the file, which the code and the documents are made from.
pub const JSON: &str = include_str!("../../schemas/actions.json");

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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Heading that it stands below in the documents.
    pub section: &'static str,
    /// Its key in the records of a Data Center.
    pub key: Option<&'static str>,
    /// Its English text: `summary` in Cloud, and the key of some records of a Data Center, older ones among them.
    pub text: Option<&'static str>,
    /// Which of the two Elastic's integration lists.
    #[serde(default)]
    pub elastic: Names,
    /// `event.category`
    pub category: Vec<&'static str>,
    /// `event.type`
    #[serde(rename = "type")]
    pub kind: Vec<&'static str>,
    /// `event.outcome`
    pub outcome: Option<&'static str>,
    /// How docs/mapping.md 7 maps its users and groups.
    #[serde(default)]
    subject: Subject,
    /// Whether it is worth a line of its own in a summary of a day.
    pub notable: Notability,
    /// Why, or why not.
    pub reason: &'static str,
    /// What its notability depends on.
    pub condition: Option<Condition>,
    /// What the record says of it besides.
    #[serde(default, rename = "where")]
    pub place: Place,
    /// Where its names were seen.
    pub source: &'static str,
    /// How sure its names are.
    pub confidence: Confidence,
    #[serde(skip)]
    categorization: Categorization,
}

/// Some of the names of an action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the fields of an action")]
pub enum Names {
    #[default]
    None,
    Key,
    Text,
    Both,
}

/// Whether an action is worth a line of its own in a summary of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "an answer is an answer")]
pub enum Notability {
    Yes,
    No,
    /// On the condition of the row.
    If,
}

/// What it depends on whether an event is notable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The permission is that to administer a space, or was given to everybody.
    SpacePermission,
    /// The group is one of administrators.
    AdminGroup,
}

/// Where the settings of the audit log have an action.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// `categoryI18nKey`, in Cloud `category`; one of them where there are several.
    #[serde(default)]
    pub category: Vec<&'static str>,
    /// Coverage area.
    pub area: Option<&'static str>,
    /// Coverage level from which on it is recorded.
    pub level: Option<&'static str>,
}

/// How sure the names of an action are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// Every row, in the order of the file.
///
/// # Panics
/// When the file that was compiled in is broken, which a test rules out.
#[must_use]
pub fn actions() -> &'static [Action] {
    static ACTIONS: LazyLock<Vec<Action>> = LazyLock::new(|| {
        let mut actions: Vec<Action> = serde_json::from_str(JSON)
            .unwrap_or_else(|error| unreachable!("schemas/actions.json: {error}"));
        for action in &mut actions {
            action.categorization = Categorization {
                category: json!(action.category).to_string().into(),
                kind: json!(action.kind).to_string().into(),
                outcome: action
                    .outcome
                    .map_or_else(String::new, |outcome| json!(outcome).to_string())
                    .into(),
                subject: action.subject,
            };
        }
        actions
    });
    &ACTIONS
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
        for action in actions() {
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
        for action in actions() {
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
