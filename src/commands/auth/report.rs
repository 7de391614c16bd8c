//! What `auth status` and `auth sites` print. No token gets in here.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::auth::store::{AccessibleSite, TokenSet, text};
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;

/// Format of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthFormat {
    Text,
    Json,
}

impl AuthFormat {
    /// The format that `--json` selects.
    pub(super) fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// The sites, a line each: cloud id, address, name, and whether audit records can be read.
pub(super) fn sites(sites: &[AccessibleSite], format: AuthFormat) -> String {
    match format {
        AuthFormat::Json => pretty(&Value::Array(sites.iter().map(site_json).collect())),
        AuthFormat::Text => sites.iter().map(|site| site_line(site) + "\n").collect(),
    }
}

/// Who is logged in, for which sites, and until when.
pub(super) fn status(token_set: Option<&TokenSet>, now: Timestamp, format: AuthFormat) -> String {
    match (format, token_set) {
        (AuthFormat::Json, None) => pretty(&json!({ "logged_in": false })),
        (AuthFormat::Json, Some(token_set)) => pretty(&status_json(token_set, now)),
        (AuthFormat::Text, None) => String::new(),
        (AuthFormat::Text, Some(token_set)) => status_text(token_set, now),
    }
}

fn status_text(token_set: &TokenSet, now: Timestamp) -> String {
    let mut lines = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(lines, "{name:<15}{value}");
    };
    line("account", token_set.account.as_deref().unwrap_or("unknown"));
    line("client id", &token_set.client_id);
    line("OAuth server", token_set.auth_base.as_str());
    line("gateway", token_set.api_base.as_str());
    line("scopes", &token_set.scopes.join(" "));
    for site in &token_set.sites {
        line("site", &site_line(site));
    }
    if token_set.sites.is_empty() {
        let sites = advice::command(&["auth", "sites"]);
        line("site", &format!("unknown: run `{sites}`"));
    }
    line("access token", &ends(token_set.access_ends, now));
    match token_set.refresh_ends() {
        Some(time) => line("refresh token", &(ends(time, now) + ", if not used before")),
        None => line("refresh token", "none: offline_access was not granted"),
    }
    line("login", &ends(token_set.ends(), now));
    lines
}

fn status_json(token_set: &TokenSet, now: Timestamp) -> Value {
    let ended = token_set.ended(now);
    json!({
        "logged_in": ended.is_none(),
        "ended": ended,
        "account": token_set.account,
        "client_id": token_set.client_id,
        "redirect_uri": token_set.redirect_uri,
        "auth_base": token_set.auth_base.as_str(),
        "api_base": token_set.api_base.as_str(),
        "scopes": token_set.scopes,
        "sites": token_set.sites.iter().map(site_json).collect::<Vec<_>>(),
        "logged_in_at": text(token_set.logged_in_at),
        "refreshed_at": text(token_set.refreshed_at),
        "access_token_ends": text(token_set.access_ends),
        "refresh_token_ends": token_set.refresh_ends().map(text),
        "grant_ends": text(token_set.ends()),
    })
}

fn site_line(site: &AccessibleSite) -> String {
    let audit = if site.has_audit_scope() {
        "audit log"
    } else {
        "no audit scope"
    };
    format!("{}\t{}\t{}\t{audit}", site.id, site.url, site.name)
}

fn site_json(site: &AccessibleSite) -> Value {
    json!({
        "id": site.id,
        "url": site.url,
        "name": site.name,
        "scopes": site.scopes,
        "audit_log": site.has_audit_scope(),
    })
}

/// When something ends, and how far away that is.
fn ends(time: Timestamp, now: Timestamp) -> String {
    let difference = time.to_utc() - now.to_utc();
    let away = away(difference.whole_minutes().unsigned_abs());
    if difference.is_positive() {
        format!("ends {} (in {away})", text(time))
    } else {
        format!("ended {} ({away} ago)", text(time))
    }
}

/// A number of minutes in the largest unit of which there are two.
fn away(minutes: u64) -> String {
    match (minutes / 60 / 24, minutes / 60, minutes) {
        (days @ 2.., _, _) => format!("{days} days"),
        (_, hours @ 2.., _) => format!("{hours} hours"),
        (_, _, 0) => "less than a minute".to_owned(),
        (_, _, 1) => "1 minute".to_owned(),
        (_, _, minutes) => format!("{minutes} minutes"),
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_from_both_sides() {
        let time = |text| Timestamp::from_text(text).unwrap();
        let now = time("2026-01-01T00:00:30Z");
        for (at, expected) in [
            (
                "2026-01-01T01:00:31Z",
                "ends 2026-01-01T01:00:31.000Z (in 60 minutes)",
            ),
            (
                "2026-03-31T12:00:00Z",
                "ends 2026-03-31T12:00:00.000Z (in 89 days)",
            ),
            (
                "2026-01-02T23:00:30Z",
                "ends 2026-01-02T23:00:30.000Z (in 47 hours)",
            ),
            (
                "2026-01-01T00:01:30Z",
                "ends 2026-01-01T00:01:30.000Z (in 1 minute)",
            ),
            (
                "2025-12-30T00:00:30Z",
                "ended 2025-12-30T00:00:30.000Z (2 days ago)",
            ),
            (
                "2026-01-01T00:00:30Z",
                "ended 2026-01-01T00:00:30.000Z (less than a minute ago)",
            ),
        ] {
            assert_eq!(ends(time(at), now), expected);
        }
    }
}
