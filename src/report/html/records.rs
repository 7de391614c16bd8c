//! Single records of a page: notable events, and what could not be mapped.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart;
use super::text::{Lines, Text, moment};
use crate::report::summary::{NotMapped, NotableEvent, Place, Summary, Who};

const HEAD: [&str; 5] = ["Time", "Why", "What", "Who", "From"];

/// Notable events: over time, and as a table that the page's script filters.
pub fn notable(summary: &Summary) -> Markup {
    let events = &summary.notable;
    let moments = events.iter().map(|event| (&*event.reason, &*event.time));
    let left_out = summary.limits.notable_left_out;
    html! {
        section #notable {
            h2 { "Notable events" }
            @if events.is_empty() {
                p { "None." }
            } @else {
                @if let Some(range) = &summary.timeline.range {
                    (chart::moments("Notable events over time, by reason", range, moments))
                }
                (reasons(summary))
                @if left_out > 0 {
                    p { (left_out) " older ones are counted, but not listed." }
                }
                (filter(events))
                div.scroll {
                    table {
                        thead { tr { @for name in HEAD { th scope="col" { (name) } } } }
                        @for event in events { (rows(event)) }
                    }
                }
            }
        }
    }
}

/// Why events are notable, and how many of all are for which reason.
fn reasons(summary: &Summary) -> Markup {
    html! {
        ul #notable_reasons {
            @for one in &summary.notable_reasons {
                li { span.count { (one.count) } " × " (Text(&one.reason)) }
            }
        }
    }
}

/// The form that filters the events. The script shows it: without one it would do nothing.
fn filter(events: &[NotableEvent]) -> Markup {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events {
        *reasons.entry(&event.reason).or_default() += 1;
    }
    html! {
        form #filter hidden role="search" {
            label { "Search " input type="search" name="text" autocomplete="off" spellcheck="false"; }
            label {
                "Why "
                select name="reason" {
                    option value="" { "any" }
                    @for (reason, count) in &reasons {
                        option value=(reason) { (Text(reason)) " (" (count) ")" }
                    }
                }
            }
            output name="shown" {}
        }
    }
}

/// An event, and below it its record.
fn rows(event: &NotableEvent) -> Markup {
    html! {
        tbody {
            tr {
                td { (moment(&event.time)) }
                td { (Text(&event.reason)) }
                td {
                    (Text(&event.action))
                    @if event.key != event.action { small { (Text(&event.key)) } }
                    @for part in event.details.parts() { small { (Text(&part)) } }
                }
                td { (who(&event.user)) }
                td { (from(&event.source)) }
            }
            tr.record {
                td colspan="5" { (record("Record", &event.record, event.record_is_cut)) }
            }
        }
    }
}

fn who(user: &Who) -> Markup {
    html! {
        (Text(user.label()))
        @for other in [&user.name, &user.id].into_iter().flatten() {
            @if other != user.label() { small { (Text(other)) } }
        }
    }
}

fn from(place: &Place) -> Markup {
    let country = place.country.as_ref().or(place.country_code.as_ref());
    html! {
        @if let Some(address) = &place.address { (Text(address)) }
        @for detail in [country, place.network.as_ref()].into_iter().flatten() { small { (Text(detail)) } }
    }
}

/// A raw record behind a click.
fn record(title: &str, record: &str, is_cut: bool) -> Markup {
    html! {
        details {
            summary { (Text(title)) }
            pre { (Lines(record)) @if is_cut { "…" } }
            @if is_cut { p { "The end of this record is left out." } }
        }
    }
}

/// Records that could not be mapped, the first of them with the reason.
pub fn not_mapped(not_mapped: &NotMapped) -> Markup {
    html! {
        section #not_mapped {
            h2 { "Records that could not be mapped" }
            p {
                span id="not_mapped.count" { (not_mapped.count) }
                @if not_mapped.count > 0 { ", the first of which are:" }
            }
            @for sample in &not_mapped.samples {
                (record(&sample.message, &sample.record, sample.record_is_cut))
            }
        }
    }
}
