//! Exports and downloads: what left, who took it, and where it went.

use maud::{Markup, html};

use super::rankings::ranking;
use crate::report::summary::Summary;

/// The sections of them.
pub fn exports(summary: &Summary) -> Markup {
    let exports = &summary.exports;
    let by_action = ("exports.actions", "Exports and downloads by action");
    let by_user = ("exports.users", "Exports and downloads by user");
    let by_address = ("exports.addresses", "Exports and downloads by address");
    html! {
        section #exports {
            h2 { "Exports and downloads" }
            p { span id="exports.count" { (exports.count) } }
        }
        @if exports.count > 0 {
            (ranking(summary, by_action, &exports.actions, None))
            (ranking(summary, by_user, &exports.users, None))
            (ranking(summary, by_address, &exports.addresses, None))
        }
    }
}
