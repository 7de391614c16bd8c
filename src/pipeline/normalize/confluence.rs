//! What an event of Confluence gets besides what its record says, in the order of docs/mapping.md 5 to 7.

use std::borrow::Cow;
use std::ops::Range;

use super::{LookupCache, Options};
use crate::pipeline::actions;
use crate::pipeline::dialect::{ConfluenceDialect, Record};
use crate::pipeline::enrich::memo::Memo;
use crate::pipeline::enrich::source::{Enricher, Enrichment};
use crate::pipeline::enrich::uri;
use crate::pipeline::event::{Event, Hosts, Scalar};
use crate::pipeline::json::Value;
use crate::pipeline::map::{self, Unmappable, users};

/// Maps a record of Confluence into an empty event, which is then whole.
///
/// # Errors
/// When the record cannot be mapped.
#[expect(
    clippy::inline_always,
    reason = "as for one caller: `explain` is the other"
)]
#[inline(always)]
pub(crate) fn map<'a>(
    event: &mut Event<'a>,
    record: &Record<'a>,
    dialect: ConfluenceDialect,
    options: &Options,
    known: &'a mut LookupCache,
) -> Result<(), Unmappable> {
    match dialect {
        ConfluenceDialect::Cloud => map::cloud::map(event, record)?,
        ConfluenceDialect::SelfHosted(dialect) => {
            map::data_center::map(event, record, dialect, options.time_mode)?;
        }
    }
    complete(event, dialect, options, known);
    Ok(())
}

/// Adds to an event what does not stand in its record: lookups, categories, users.
fn complete<'a>(
    event: &mut Event<'a>,
    dialect: ConfluenceDialect,
    options: &Options,
    known: &'a mut LookupCache,
) {
    event.source = event
        .source_address
        .and_then(|address| enrichment(&mut known.addresses, address, &options.enricher));
    if let Some(system) = event.service_address {
        event.related_hosts = hosts(&mut known.hosts, system);
    }
    if let Some(action) = event.action.as_ref().and_then(Scalar::text) {
        event.row = actions::classify(&action, options.categories);
    }
    users::apply(event, dialect);
}

/// What is known of a `source.address`, or of a list of them.
fn enrichment<'a>(
    known: &'a mut Memo<Enrichment>,
    address: Value<'_>,
    enricher: &Enricher,
) -> Option<&'a Enrichment> {
    if let Some(list) = address.array() {
        let elements = list.elements().filter_map(Value::non_empty);
        let elements: Vec<_> = elements.map(Value::as_str).collect();
        return Some(known.pass(enricher.enrich_list(&elements)));
    }
    let address = address.as_str()?;
    Some(known.answer(&address, |address| enricher.enrich(address)))
}

/// The host of a `system`, or those of a list of them.
fn hosts<'a>(known: &mut Memo<Option<Range<usize>>>, system: Value<'a>) -> Hosts<'a> {
    if let Some(list) = system.array() {
        let systems = list.elements().filter_map(Value::as_str);
        return Hosts::Several(systems.filter_map(|system| host(known, system)).collect());
    }
    match system.as_str().and_then(|system| host(known, system)) {
        Some(host) => Hosts::One(host),
        None => Hosts::None,
    }
}

/// The host of a `system`.
fn host<'a>(known: &mut Memo<Option<Range<usize>>>, system: Cow<'a, str>) -> Option<Cow<'a, str>> {
    let range = known.answer(&system, |system| {
        let host = uri::host(system)?;
        // It is a part of `system`.
        let start = host.as_ptr().addr() - system.as_ptr().addr();
        Some(start..start + host.len())
    });
    let range = range.clone()?;
    Some(match system {
        Cow::Borrowed(system) => Cow::Borrowed(&system[range]),
        Cow::Owned(system) => Cow::Owned(system[range].to_owned()),
    })
}
