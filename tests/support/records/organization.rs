//! Events of an organization (docs/org-events.md).

use proptest::prelude::*;
use proptest::sample::select;

use super::text::Json;
use super::values::{
    address, always, any_value, api_time, empty, list, mostly, name, object, one_of, seldom,
};

/// Actions of each row of docs/org-events.md, near misses, and ids of Confluence.
const ACTIONS: &[&str] = &[
    "user_login",
    "user_logout",
    "user_login_failed",
    "user_login_failed_mfa",
    "user_login_sso",
    "user_logins",
    "org_settings_update",
    "org_settings_updated",
    "organization_users_exported",
    "user_profile_updated",
    "user_invited",
    "user_invitation_sent",
    "user_invit",
    "user_deactivated",
    "user_reactivated",
    "user_removed_from_group",
    "user_added_to_group",
    "user_granted_role",
    "group_revoked_role",
    "marketplace_app_installed",
    "marketplace_app_uninstalled",
    "api_token_created",
    "api_token_revoked",
    "group_membership_changed",
    "group_created",
    "group_deleted",
    "saml_configuration_created",
    "auth_policy_deleted",
    "twosv_enforced",
    "mobile_app_policy_update",
    "jira_policy_update",
    "_policy_update",
    "confluence_page_viewed",
    "confluence_added_global_permission",
    "confluence_export_space_finished",
    "confluence_upm_app_install_failed",
    "upp_confluence_page_export_deny",
    "bitbucket_repo_created",
    "confluence_copied_space_permissions",
    "confluence_removed_content_restriction",
    "confluence_audit_record_removed_content_restriction",
    "confluence_upm_app_install_success",
    "confluence_upm_app_auto_update_attempt",
    "confluence_upm_app_disable_failure",
    "confluence_export_page_started",
    "confluence_page_updated",
    "confluence_blogpost_deleted",
    "confluence_workspace_settings_update",
    "confluence_app_api_activity",
    "confluence_company_connection_created",
    "user_granted_",
    "user_x_revoked_y",
    "domain_granted_x",
    "auth_policy_created",
    "saml_x_deleted",
    "password_policy_x",
    "group_deletedx",
    "xuser_login",
    "",
];

fn account() -> BoxedStrategy<Json> {
    let uuid = "[0-9a-f]{8}-[0-9A-F]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-fA-F]{12}";
    prop_oneof![
        6 => uuid.prop_map(|uuid| Json::str(format!("557058:{uuid}"))),
        2 => uuid.prop_map(Json::Str),
        3 => one_of(&[
            "5b10a2844c20165700ede21f", "confluence", ":", "", "0b7f6c1e-2222-4333-8444-55556666777",
            "0b7f6c1e-2222-4333-8444-5555666677777", "0b7f6c1e-2222-4333-8444-55556666777g",
            "0b7f6c1e2222-4333-8444-5555-66667777", " 0b7f6c1e-2222-4333-8444-555566667777",
            "é0b7f6c1-2222-4333-8444-555566667777",
        ]),
        1 => Just(Json::num(42)),
    ]
    .boxed()
}

fn email() -> BoxedStrategy<Json> {
    one_of(&[
        "nadia@example.com",
        "ops@example.com",
        "Atlassian app",
        "@",
        "alice",
        "",
    ])
}

fn actor() -> BoxedStrategy<Json> {
    let auth = object([
        ("authType", mostly(one_of(&["api-token", "session"]))),
        ("tokenId", mostly(one_of(&["9001", "9002"]))),
        ("tokenLabel", mostly(one_of(&["nightly export", ""]))),
        ("scope", seldom(any_value())),
    ]);
    let behalf = object([
        ("id", mostly(account())),
        ("name", mostly(name())),
        ("email", mostly(email())),
    ]);
    let app = object([
        ("id", mostly(one_of(&["com.example.reports", ""]))),
        ("type", mostly(one_of(&["connect", "forge"]))),
        ("attributes", mostly(any_value())),
        ("name", seldom(name())),
    ]);
    let actor = object([
        ("id", mostly(account())),
        ("name", mostly(name())),
        ("email", mostly(email())),
        ("auth", mostly(auth)),
        ("onBehalfOf", seldom(behalf)),
        ("app", seldom(app)),
        ("links", seldom(any_value())),
        ("type", seldom(name())),
    ]);
    prop_oneof![20 => actor, 1 => empty()].boxed()
}

fn location() -> BoxedStrategy<Json> {
    let place = || mostly(one_of(&["Norway", "Oslo", "", " "]));
    object([
        ("ip", mostly(address())),
        ("geo", seldom(one_of(&["NO", ""]))),
        ("countryName", place()),
        ("regionName", place()),
        ("city", place()),
    ])
}

fn things() -> BoxedStrategy<Json> {
    let thing = object([
        ("id", mostly(one_of(&["98307", ""]))),
        ("type", mostly(one_of(&["space", "sites"]))),
        ("attributes", mostly(any_value())),
        ("links", seldom(any_value())),
    ]);
    list(prop_oneof![6 => thing, 1 => any_value()], 3)
}

/// ISO 8601 mostly, in its many spellings; sometimes only a year and a month.
fn time() -> BoxedStrategy<Json> {
    prop_oneof![
        12 => api_time(),
        1 => one_of(&["2026-03", "2026-13", "0000-01", "2026", "2026-3", "2026-03T10:00"]),
        1 => (0i64..1_900_000_000_000).prop_map(Json::num),
    ]
    .boxed()
}

pub fn tree() -> BoxedStrategy<Json> {
    let attributes = object([
        ("time", time_of_most().boxed()),
        ("processedAt", mostly(time())),
        ("action", mostly(select(ACTIONS).prop_map(Json::str))),
        ("actor", mostly(actor())),
        ("context", mostly(things())),
        ("container", seldom(things())),
        ("location", mostly(location())),
        ("unknown", seldom(any_value())),
    ]);
    let message = object([
        ("content", mostly(one_of(&["Logged in", "Exported", ""]))),
        ("format", mostly(one_of(&["simple", "text/plain"]))),
    ]);
    object([
        (
            "id",
            mostly(one_of(&["5f0c1a52-7d0e-4b8e-9d55-0a4f3c2b1e01", "e2"])),
        ),
        ("type", mostly(one_of(&["events"]))),
        ("attributes", always(attributes)),
        ("links", seldom(any_value())),
        ("message", mostly(message)),
    ])
}

/// A time that can be read, mostly; decimal seconds cannot.
fn time_of_most() -> impl Strategy<Value = Option<Json>> {
    let plain = (0u8..24, 0u16..1000).prop_map(|(hour, millis)| {
        Some(Json::str(format!(
            "2026-03-02T{hour:02}:15:30.{millis:03}Z"
        )))
    });
    prop_oneof![6 => plain, 3 => mostly(time())]
}
