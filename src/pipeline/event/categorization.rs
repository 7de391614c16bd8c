//! What an action is in ECS: `event.category`, `event.type`, `event.outcome`, and whom it is about.

/// What docs/mapping.md 7 does with the users and groups of an action, named as there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
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
#[derive(Debug, PartialEq, Eq)]
pub struct Categorization {
    /// `event.category`
    pub category: &'static str,
    /// `event.type`
    pub kind: &'static str,
    /// `event.outcome`
    pub outcome: &'static str,
    /// How docs/mapping.md 7 maps its users and groups.
    pub subject: Subject,
}

/// That of an action that is not listed.
pub static UNLISTED: Categorization = Categorization {
    category: "",
    kind: r#"["info"]"#,
    outcome: "",
    subject: Subject::None,
};
