//! Failed logins: when, whose, and from where.

use maud::{Markup, html};

use super::chart;
use super::rankings::ranking;
use super::table::as_table;
use crate::report::summary::{MANY_FAILURES, Summary};

/// The sections of them.
pub fn failed_logins(summary: &Summary) -> Markup {
    let failed = &summary.failed_logins;
    let by_user = ("failed_logins.users", "Failed logins by user");
    let by_address = ("failed_logins.addresses", "Failed logins by address");
    let by_both = ("failed_logins.pairs", "Failed logins by address and user");
    let after = format!("Logins that succeeded after {MANY_FAILURES} or more failures in a row");
    let after = ("failed_logins.logins_after_failures", &*after);
    let after_count = summary.totals.logins_after_failures;
    let head = [
        "Hour", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "All",
    ];
    let rows = failed.hours.iter().enumerate();
    let rows = rows.filter(|(_, count)| **count > 0);
    let rows = rows.map(|(hour, count)| {
        html! {
            td { (format!("{hour:02}")) }
            @for weekday in &failed.weekdays { td.count { (weekday[hour]) } }
            td.count { (count) }
        }
    });
    html! {
        section #failed_logins {
            h2 { "Failed logins" }
            p { span id="failed_logins.count" { (failed.count) } @if failed.count > 0 { ", by weekday and hour (UTC)" } }
            @if failed.count > 0 {
                (chart::heat_map("Failed logins by weekday and hour", &failed.weekdays))
                (as_table(&head, rows))
            }
        }
        @if failed.count > 0 {
            (ranking(summary, by_user, &failed.users, None))
            (ranking(summary, by_address, &failed.addresses, None))
            (ranking(summary, by_both, &failed.pairs, None))
            (ranking(summary, after, &failed.logins_after_failures, Some(("logins_after_failures", after_count))))
        }
    }
}
