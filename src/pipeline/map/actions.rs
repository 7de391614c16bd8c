//! What an `event.action` means: the table of docs/mapping.md 6, a row an action.

use std::sync::LazyLock;

use crate::pipeline::event::{Categorization, Subject, UNLISTED};

const IAM: &str = r#"["iam"]"#;
const CONFIGURATION: &str = r#"["configuration"]"#;
const IAM_CONFIGURATION: &str = r#"["iam","configuration"]"#;
const AUTHENTICATION: &str = r#"["authentication"]"#;
const CREATION: &str = r#"["creation"]"#;
const DELETION: &str = r#"["deletion"]"#;
const CHANGE: &str = r#"["change"]"#;
const START: &str = r#"["start"]"#;
const END: &str = r#"["end"]"#;
const USER_CREATION: &str = r#"["user","creation"]"#;
const USER_CHANGE: &str = r#"["user","change"]"#;
const USER_DELETION: &str = r#"["user","deletion"]"#;
const GROUP_CREATION: &str = r#"["group","creation"]"#;
const GROUP_CHANGE: &str = r#"["group","change"]"#;
const GROUP_DELETION: &str = r#"["group","deletion"]"#;
const ADMIN_CREATION: &str = r#"["admin","creation"]"#;
const ADMIN_DELETION: &str = r#"["admin","deletion"]"#;
const INFO: &str = r#"["info"]"#;
const SUCCESS: &str = r#""success""#;
const FAILURE: &str = r#""failure""#;

const fn row(
    action: &'static str,
    category: &'static str,
    kind: &'static str,
    outcome: &'static str,
    subject: Subject,
) -> Categorization {
    Categorization {
        action,
        category,
        kind,
        outcome,
        subject,
    }
}

/// The categorizations of all listed actions.
#[rustfmt::skip]
pub static ROWS: &[Categorization] = &[
    row("Global permission added", IAM_CONFIGURATION, CREATION, "", Subject::None),
    row("audit.logging.summary.global.permission.added", IAM_CONFIGURATION, CREATION, "", Subject::None),
    row("audit.logging.summary.space.permission.added", IAM_CONFIGURATION, CREATION, "", Subject::None),
    row("Global permission removed", IAM_CONFIGURATION, DELETION, "", Subject::None),
    row("User created", IAM, USER_CREATION, "", Subject::UserCreated),
    row("audit.logging.summary.user.created", IAM, USER_CREATION, "", Subject::UserCreated),
    row("User renamed", IAM, USER_CHANGE, "", Subject::UserRenamed),
    row("audit.logging.summary.user.renamed", IAM, USER_CHANGE, "", Subject::UserRenamed),
    row("User details updated", IAM, USER_CHANGE, "", Subject::UserUpdated),
    row("audit.logging.summary.user.updated", IAM, USER_CHANGE, "", Subject::UserUpdated),
    row("audit.logging.summary.user.password.changed", IAM, USER_CHANGE, SUCCESS, Subject::UserOnly),
    row("User deleted", IAM, USER_DELETION, "", Subject::UserOnly),
    row("audit.logging.summary.user.deleted", IAM, USER_DELETION, "", Subject::UserOnly),
    row("User added to group", IAM, GROUP_CHANGE, "", Subject::Membership),
    row("audit.logging.summary.group.membership.added", IAM, GROUP_CHANGE, "", Subject::Membership),
    row("User removed from group", IAM, GROUP_CHANGE, "", Subject::Membership),
    row("audit.logging.summary.group.membership.removed", IAM, GROUP_CHANGE, "", Subject::Membership),
    row("Group created", IAM, GROUP_CREATION, "", Subject::Group),
    row("audit.logging.summary.group.created", IAM, GROUP_CREATION, "", Subject::Group),
    row("Group deleted", IAM, GROUP_DELETION, "", Subject::Group),
    row("audit.logging.summary.group.deleted", IAM, GROUP_DELETION, "", Subject::Group),
    row("Audit Log configuration updated", CONFIGURATION, CHANGE, "", Subject::None),
    row("atlassian.audit.event.action.audit.config.updated", CONFIGURATION, CHANGE, "", Subject::None),
    row("audit.logging.summary.global.settings.edited", CONFIGURATION, CHANGE, "", Subject::None),
    row("audit.logging.summary.space.config.updated", CONFIGURATION, CHANGE, "", Subject::None),
    row("personal.access.tokens.audit.log.summary.token.created", IAM, ADMIN_CREATION, "", Subject::None),
    row("personal.access.tokens.audit.log.summary.token.deleted", IAM, ADMIN_DELETION, "", Subject::None),
    row("audit.logging.summary.login.success", AUTHENTICATION, START, SUCCESS, Subject::Login),
    row("audit.logging.summary.login.failed", AUTHENTICATION, INFO, FAILURE, Subject::Login),
    row("audit.logging.summary.user.logout", AUTHENTICATION, END, "", Subject::None),
    row("audit.logging.summary.sudo.logout", AUTHENTICATION, END, "", Subject::None),
    row("audit.logging.summary.sudo.auth.successful", AUTHENTICATION, START, "", Subject::None),
    row("audit.logging.summary.space.created", CONFIGURATION, CREATION, "", Subject::None),
    row("audit.logging.summary.page.created", CONFIGURATION, CREATION, "", Subject::None),
    row("audit.logging.summary.space.removed", CONFIGURATION, DELETION, "", Subject::None),
    row("audit.logging.summary.page.deleted", CONFIGURATION, DELETION, "", Subject::None),
];

/// The row of an action.
#[must_use]
pub fn classify(action: &str) -> &'static Categorization {
    /// More than the length of any action that is listed.
    const LENGTHS: usize = 64;
    static BY_LENGTH: LazyLock<[Vec<&Categorization>; LENGTHS]> = LazyLock::new(|| {
        std::array::from_fn(|length| {
            ROWS.iter()
                .filter(|row| row.action.len() == length)
                .collect()
        })
    });
    let rows = BY_LENGTH.get(action.len()).map_or(&[][..], Vec::as_slice);
    rows.iter()
        .find(|row| row.action == action)
        .copied()
        .unwrap_or(&UNLISTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_action_is_found() {
        for row in ROWS {
            assert_eq!(classify(row.action), row);
        }
        for other in ["", "User", "user created", &"x".repeat(100)] {
            assert_eq!(classify(other), &UNLISTED);
        }
    }
}
