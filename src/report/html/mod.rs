//! The report as a page: one file that asks for nothing, for a browser, a phone or paper.
//!
//! What it shows is a log's, and so an attacker's: templates escape whatever they are given, `text::Text` shows what
//! is hidden in it, and the page's own policy lets no script run and no style apply but the two known by their hashes.

mod chart;
mod data;
mod exports;
mod logins;
mod overview;
mod policy;
mod rankings;
mod records;
mod table;
mod text;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::rankings::ranking;
use super::summary::Summary;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// How a page begins.
const BEGINNING: &str = concat!(
    r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">"#,
    r#"<meta name="generator" content="confluence-ecs report">"#
);
/// So many bytes of a file are enough for [`is_page`].
pub const BEGINNING_LENGTH: usize = BEGINNING.len();

/// Whether a file that begins so is such a page.
#[must_use]
pub fn is_page(beginning: &[u8]) -> bool {
    beginning.starts_with(BEGINNING.as_bytes())
}

/// The page of a report.
#[must_use]
pub fn page(summary: &Summary) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content="confluence-ecs report";
                meta http-equiv="Content-Security-Policy" content=(policy::policy(SCRIPT, STYLE));
                meta name="referrer" content="no-referrer";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Confluence audit report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Confluence audit report" }
                (sections(summary))
                footer { "Written by confluence-ecs. All times are in UTC." }
                // The script reads it.
                script type="application/json" id="summary" { (PreEscaped(data::json(summary))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn sections(summary: &Summary) -> Markup {
    let totals = &summary.totals;
    html! {
        (overview::range(summary))
        (overview::totals(summary))
        (overview::timeline(&summary.timeline))
        (records::notable(summary))
        (logins::failed_logins(summary))
        (exports::exports(summary))
        (ranking(summary, ("users", "Top users"), &summary.users, Some(("users", totals.users))))
        (ranking(summary, ("countries", "Top countries"), &summary.countries, None))
        (ranking(summary, ("addresses", "Top addresses"), &summary.addresses, Some(("addresses", totals.addresses))))
        (ranking(summary, ("actions", "Top actions"), &summary.actions, Some(("actions", totals.actions))))
        (ranking(summary, ("categories", "Categories"), &summary.categories, None))
        (ranking(summary, ("unknown_actions", "Actions that the table does not know"), &summary.unknown_actions, None))
        (records::not_mapped(&summary.not_mapped))
    }
}
