//! The rows of `schemas/organization-notable.json`, made by `UPDATE_ACTIONS=1 cargo test --test it actions`.

use super::Row;
use crate::pipeline::actions::organization::Pattern;

/// The first row that fits an action counts.
#[rustfmt::skip]
pub static ROWS: [Row; 19] = [
    Row { pattern: Pattern { text: "user_granted_*", parts: &["user_granted_", ""] }, reason: "privilege granted" },
    Row { pattern: Pattern { text: "user_*_granted_*", parts: &["user_", "_granted_", ""] }, reason: "privilege granted" },
    Row { pattern: Pattern { text: "group_granted_*", parts: &["group_granted_", ""] }, reason: "privilege granted" },
    Row { pattern: Pattern { text: "group_*_granted_*", parts: &["group_", "_granted_", ""] }, reason: "privilege granted" },
    Row { pattern: Pattern { text: "confluence_added_global_permission", parts: &["confluence_added_global_permission"] }, reason: "privilege granted" },
    Row { pattern: Pattern { text: "api_token_creat*", parts: &["api_token_creat", ""] }, reason: "lasting credential" },
    Row { pattern: Pattern { text: "confluence_export_space_finished", parts: &["confluence_export_space_finished"] }, reason: "a whole space leaves" },
    Row { pattern: Pattern { text: "confluence_export_space_download", parts: &["confluence_export_space_download"] }, reason: "a whole space leaves" },
    Row { pattern: Pattern { text: "confluence_upm_app_install_success", parts: &["confluence_upm_app_install_success"] }, reason: "new code in the site" },
    Row { pattern: Pattern { text: "marketplace_app_install*", parts: &["marketplace_app_install", ""] }, reason: "new code in the site" },
    Row { pattern: Pattern { text: "confluence_upm_app_uninstall_success", parts: &["confluence_upm_app_uninstall_success"] }, reason: "could be a security app" },
    Row { pattern: Pattern { text: "confluence_upm_app_disable_success", parts: &["confluence_upm_app_disable_success"] }, reason: "could be a security app" },
    Row { pattern: Pattern { text: "marketplace_app_uninstall*", parts: &["marketplace_app_uninstall", ""] }, reason: "could be a security app" },
    Row { pattern: Pattern { text: "org_settings_update", parts: &["org_settings_update"] }, reason: "settings of the organization, rare" },
    Row { pattern: Pattern { text: "saml_*", parts: &["saml_", ""] }, reason: "sign-in policy changed" },
    Row { pattern: Pattern { text: "auth_policy_*", parts: &["auth_policy_", ""] }, reason: "sign-in policy changed" },
    Row { pattern: Pattern { text: "password_policy_*", parts: &["password_policy_", ""] }, reason: "sign-in policy changed" },
    Row { pattern: Pattern { text: "twosv_*", parts: &["twosv_", ""] }, reason: "sign-in policy changed" },
    Row { pattern: Pattern { text: "*_policy_update", parts: &["", "_policy_update"] }, reason: "policy of the organization changed" },
];
