//! What an event of an organization gets besides what its record says (docs/org-events.md 3 and 4).

use super::{LookupCache, Options};
use crate::pipeline::event::OrganizationEvent;
use crate::pipeline::json::Value;

/// Adds lookups to an event.
pub(super) fn complete<'a>(
    event: &mut OrganizationEvent<'a>,
    options: &Options,
    known: &'a mut LookupCache,
) {
    let address = event.location.ip.and_then(Value::as_str);
    event.source = address.map(|address| {
        let addresses = &mut known.addresses;
        addresses.answer(&address, |address| options.enricher.enrich(address))
    });
}
