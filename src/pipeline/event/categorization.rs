//! What an action is in ECS: `event.category`, `event.type`, `event.outcome`, and whom it is about.

use std::borrow::Cow;

use serde::Deserialize;

/// What docs/mapping.md 7 does with the users and groups of an action, named as there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    #[default]
    None,
    UserCreated,
    UserRenamed,
    UserUpdated,
    /// User deleted, password changed: the user alone, no changed values.
    UserOnly,
    Membership,
    Group,
    Login,
}

/// What an action sets, given as JSON; empty: it is not set.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Categorization {
    /// `event.category`
    pub category: Cow<'static, str>,
    /// `event.type`
    pub kind: Cow<'static, str>,
    /// `event.outcome`
    pub outcome: Cow<'static, str>,
    /// How docs/mapping.md 7 maps its users and groups.
    pub subject: Subject,
}

/// That of an action that is not listed.
pub static UNLISTED: Categorization = Categorization {
    category: Cow::Borrowed(""),
    kind: Cow::Borrowed(r#"["info"]"#),
    outcome: Cow::Borrowed(""),
    subject: Subject::None,
};
