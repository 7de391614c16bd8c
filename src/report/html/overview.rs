//! The top of a page: which time, how many of what, and when.

use maud::{Markup, html};

use super::chart;
use super::table::as_table;
use super::text::moment;
use crate::report::summary::{Outside, Summary, TimeRange, Timeline};

/// From when to when.
pub fn range(summary: &Summary) -> Markup {
    html! {
        p #range {
            @match &summary.timeline.range {
                Some(range) => { (moment(&range.from)) " to " (moment(&range.to)) " UTC" }
                None => "No events.",
            }
        }
        @if let Some(range) = &summary.out_of_range {
            p #out_of_range {
                "Out of the range of time: " (summary.totals.out_of_range) " from "
                (moment(&range.from)) " to " (moment(&range.to)) " UTC"
            }
        }
    }
}

/// How many of what.
pub fn totals(summary: &Summary) -> Markup {
    let failed_logins = summary.failed_logins.count;
    let totals = &summary.totals;
    let totals = [
        ("records", "records", totals.records),
        ("events", "events", totals.events),
        ("notable", "notable events", totals.notable),
        ("users", "users", totals.users),
        ("failed_logins", "failed logins", failed_logins),
        (
            "failed_login_users",
            "names in failed logins",
            totals.failed_login_users,
        ),
        (
            "logins_after_failures",
            "logins after many failures",
            totals.logins_after_failures,
        ),
        ("addresses", "addresses", totals.addresses),
        ("actions", "actions", totals.actions),
        (
            "unknown_actions",
            "events of unknown actions",
            totals.unknown_actions,
        ),
        ("not_mapped", "records not mapped", totals.not_mapped),
        ("out_of_range", "events out of range", totals.out_of_range),
    ];
    html! {
        dl #totals {
            @for (name, label, count) in totals {
                // The number alone is the element, for whoever reads it out.
                div {
                    dt { (label) @if summary.limits.is_lower_bound(name) { ", at least" } }
                    dd id={ "totals." (name) } { (count) }
                }
            }
        }
    }
}

/// Events that are set apart: how many, and when.
fn outside(events: &Outside) -> Markup {
    let TimeRange { from, to } = &events.range;
    html! {
        p {
            "Outside: " (events.count) (if events.count == 1 { " event, " } else { " events, " })
            (moment(from)) @if from != to { " to " (moment(to)) }
        }
    }
}

/// Events over time, by category.
pub fn timeline(timeline: &Timeline) -> Markup {
    let buckets = timeline.buckets.iter();
    let mut categories: Vec<&str> = buckets
        .flat_map(|bucket| bucket.categories.keys().copied())
        .collect();
    categories.sort_unstable();
    categories.dedup();
    // On paper, times without events would be pages of zeros.
    let rows = timeline.buckets.iter().filter(|bucket| bucket.count > 0);
    let rows = rows.map(|bucket| {
        let count = |category| bucket.categories.get(category).copied().unwrap_or_default();
        html! {
            td { (moment(&bucket.start)) }
            @for category in &categories { td.count { (count(category)) } }
            td.count { (bucket.count) }
        }
    });
    html! {
        section #timeline {
            h2 { "Events over time" }
            @if timeline.buckets.is_empty() {
                p { "None." }
            } @else {
                (chart::timeline("Events over time, by category", timeline))
                @for events in &timeline.outside { (outside(events)) }
                ul.legend {
                    @for category in &categories {
                        li { (chart::swatch(chart::category_color(category))) " " (category) }
                    }
                }
                (as_table(&[&["Begins"], &*categories, &["Events"]].concat(), rows))
            }
        }
    }
}
