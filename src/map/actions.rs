//! What an `event.action` means: the table of mapping.md §6, a row an action.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What mapping.md §7 does with the users and groups of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in mapping.md §7")]
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

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The exact `event.action`.
    pub action: &'static str,
    /// `event.category`
    pub category: &'static [&'static str],
    /// `event.type`
    pub kind: &'static [&'static str],
    /// `event.outcome`
    pub outcome: Option<&'static str>,
    /// What §7 does.
    pub subject: Subject,
}

/// The row of an action that is not listed.
pub static UNLISTED: Row = row("", &[], &["info"], None, Subject::None);

const IAM: &[&str] = &["iam"];
const CONFIGURATION: &[&str] = &["configuration"];
const IAM_CONFIGURATION: &[&str] = &["iam", "configuration"];
const AUTHENTICATION: &[&str] = &["authentication"];
const CREATION: &[&str] = &["creation"];
const DELETION: &[&str] = &["deletion"];
const CHANGE: &[&str] = &["change"];
const START: &[&str] = &["start"];
const END: &[&str] = &["end"];
const USER_CREATION: &[&str] = &["user", "creation"];
const USER_CHANGE: &[&str] = &["user", "change"];
const USER_DELETION: &[&str] = &["user", "deletion"];
const GROUP_CREATION: &[&str] = &["group", "creation"];
const GROUP_CHANGE: &[&str] = &["group", "change"];
const GROUP_DELETION: &[&str] = &["group", "deletion"];

const fn row(
    action: &'static str,
    category: &'static [&'static str],
    kind: &'static [&'static str],
    outcome: Option<&'static str>,
    subject: Subject,
) -> Row {
    Row {
        action,
        category,
        kind,
        outcome,
        subject,
    }
}

/// The listed actions.
#[rustfmt::skip]
pub static ROWS: &[Row] = &[
    row("Global permission added", IAM_CONFIGURATION, CREATION, None, Subject::None),
    row("audit.logging.summary.global.permission.added", IAM_CONFIGURATION, CREATION, None, Subject::None),
    row("audit.logging.summary.space.permission.added", IAM_CONFIGURATION, CREATION, None, Subject::None),
    row("Global permission removed", IAM_CONFIGURATION, DELETION, None, Subject::None),
    row("User created", IAM, USER_CREATION, None, Subject::UserCreated),
    row("audit.logging.summary.user.created", IAM, USER_CREATION, None, Subject::UserCreated),
    row("User renamed", IAM, USER_CHANGE, None, Subject::UserRenamed),
    row("audit.logging.summary.user.renamed", IAM, USER_CHANGE, None, Subject::UserRenamed),
    row("User details updated", IAM, USER_CHANGE, None, Subject::UserUpdated),
    row("audit.logging.summary.user.updated", IAM, USER_CHANGE, None, Subject::UserUpdated),
    row("audit.logging.summary.user.password.changed", IAM, USER_CHANGE, Some("success"), Subject::UserOnly),
    row("User deleted", IAM, USER_DELETION, None, Subject::UserOnly),
    row("audit.logging.summary.user.deleted", IAM, USER_DELETION, None, Subject::UserOnly),
    row("User added to group", IAM, GROUP_CHANGE, None, Subject::Membership),
    row("audit.logging.summary.group.membership.added", IAM, GROUP_CHANGE, None, Subject::Membership),
    row("User removed from group", IAM, GROUP_CHANGE, None, Subject::Membership),
    row("audit.logging.summary.group.membership.removed", IAM, GROUP_CHANGE, None, Subject::Membership),
    row("Group created", IAM, GROUP_CREATION, None, Subject::Group),
    row("audit.logging.summary.group.created", IAM, GROUP_CREATION, None, Subject::Group),
    row("Group deleted", IAM, GROUP_DELETION, None, Subject::Group),
    row("audit.logging.summary.group.deleted", IAM, GROUP_DELETION, None, Subject::Group),
    row("Audit Log configuration updated", CONFIGURATION, CHANGE, None, Subject::None),
    row("atlassian.audit.event.action.audit.config.updated", CONFIGURATION, CHANGE, None, Subject::None),
    row("audit.logging.summary.global.settings.edited", CONFIGURATION, CHANGE, None, Subject::None),
    row("audit.logging.summary.space.config.updated", CONFIGURATION, CHANGE, None, Subject::None),
    row("personal.access.tokens.audit.log.summary.token.created", IAM, &["admin", "creation"], None, Subject::None),
    row("personal.access.tokens.audit.log.summary.token.deleted", IAM, &["admin", "deletion"], None, Subject::None),
    row("audit.logging.summary.login.success", AUTHENTICATION, START, Some("success"), Subject::Login),
    row("audit.logging.summary.login.failed", AUTHENTICATION, &["info"], Some("failure"), Subject::Login),
    row("audit.logging.summary.user.logout", AUTHENTICATION, END, None, Subject::None),
    row("audit.logging.summary.sudo.logout", AUTHENTICATION, END, None, Subject::None),
    row("audit.logging.summary.sudo.auth.successful", AUTHENTICATION, START, None, Subject::None),
    row("audit.logging.summary.space.created", CONFIGURATION, CREATION, None, Subject::None),
    row("audit.logging.summary.page.created", CONFIGURATION, CREATION, None, Subject::None),
    row("audit.logging.summary.space.removed", CONFIGURATION, DELETION, None, Subject::None),
    row("audit.logging.summary.page.deleted", CONFIGURATION, DELETION, None, Subject::None),
];

/// The row of an action.
#[must_use]
pub fn classify(action: &str) -> &'static Row {
    static BY_ACTION: LazyLock<HashMap<&str, &Row>> =
        LazyLock::new(|| ROWS.iter().map(|row| (row.action, row)).collect());
    BY_ACTION.get(action).copied().unwrap_or(&UNLISTED)
}
